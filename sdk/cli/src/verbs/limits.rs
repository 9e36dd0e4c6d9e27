//! `plimsoll limits`: what the guard holds every plan against, in plain words, and what a fully malicious policy could
//! cost at most. The bounds are worked out by `guard::exposure`; nothing is asked of a cluster.

mod explained;

use crate::exit::{Exit, Unreadable};
use crate::input;
use crate::output::{self, Format, OutputArgs, table};
use anyhow::Context;
use guard::{Exposure, Tenant, exposure, tenant};
use model::cluster_size::SizedLimit;
use model::limits::Limits;
use model::quota::EVERY_OTHER;
use model::{Aims, ClusterSize, UsdPerHour};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Arguments of `limits`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What the operator wants; without it every limit is as usual.
    #[arg(long, value_name = "FILE")]
    aims: Option<PathBuf>,
    /// Nodes that the cluster has as a rule: limits that the aims do not name follow its size.
    #[arg(long, value_name = "COUNT")]
    nodes: Option<u32>,
    /// What these nodes cost an hour, in dollars; $0.20 each where nothing is said.
    #[arg(
        long,
        value_name = "DOLLARS",
        requires = "nodes",
        allow_negative_numbers = true
    )]
    rate: Option<f64>,
    /// Tell as well how the bounds follow from the limits, and what they are for 10, 100 and 1,000 nodes.
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// A general-purpose node of four vCPUs, on demand: what a node is taken to cost where nobody says it.
const USUAL_NODE: UsdPerHour = UsdPerHour(200_000_000);

impl Args {
    fn size(&self) -> anyhow::Result<Option<ClusterSize>> {
        let Some(nodes) = self.nodes else { return Ok(None) };
        let rate = match self.rate {
            None => USUAL_NODE.times(u64::from(nodes)),
            Some(dollars) => UsdPerHour::from_dollars(dollars)
                .filter(|rate| *rate >= UsdPerHour::ZERO)
                .context("--rate: must be dollars, not negative and below 9 billion")
                .map_err(Unreadable::new)?,
        };
        Ok(Some(ClusterSize { nodes, rate }))
    }
}

/// Prints limits and bounds.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let mut aims = match &args.aims {
        None => Aims::default(),
        Some(path) => manifest::aims(&input::name(path), &input::read(path)?).map_err(Unreadable::new)?,
    };
    let (size, named) = (args.size()?, aims.limits.clone());
    if let Some(size) = size {
        aims.limits = named.of_size(size);
    }
    let (limits, bound) = (&aims.limits, exposure(&aims.limits));
    let namespaces: Vec<OfTenant> = of_tenants(&aims);
    if args.output.output == Format::Json {
        let mut document = document(limits, &bound, &namespaces);
        document["cluster"] = size.map_or(Value::Null, sized);
        if args.explain {
            document["bounds"] = explained::bounds_as_json(limits, &bound);
            document["by_cluster_size"] = explained::sizes_as_json(&named);
        }
        output::json(&document)?;
        return Ok(Exit::Done);
    }
    let mut rows = table(&["limit", "value", "what it means"]);
    for (name, value, meaning) in described(limits) {
        let follows = size.is_none() && limits.by_size.iter().any(|limit| limit.as_str() == name);
        let value = if follows { format!("up to {value}") } else { value };
        rows.add_row([name.to_owned(), value, meaning.to_owned()]);
    }
    output::line(rows)?;
    output::line(by_size(limits, size))?;
    output::line(sentence(&bound))?;
    for tenant in &namespaces {
        output::line(tenant.sentence())?;
    }
    if args.explain {
        output::line(explained::bounds(limits, &bound))?;
        output::line(explained::sizes(&named))?;
    }
    Ok(Exit::Done)
}

fn sized(size: ClusterSize) -> Value {
    json!({"nodes": size.nodes, "usd_per_hour": size.rate.dollars()})
}

/// Which limits follow the size of the cluster, and which size that is.
fn by_size(limits: &Limits, size: Option<ClusterSize>) -> String {
    let follow: Vec<&str> = limits.by_size.iter().copied().map(SizedLimit::as_str).collect();
    if follow.is_empty() {
        return "\nThe aims name every limit that would follow the size of the cluster.".to_owned();
    }
    let of = match size {
        None => "are never more than this (`--nodes` tells them for a cluster)".to_owned(),
        Some(size) => format!("are those of {} nodes for {}", size.nodes, size.rate),
    };
    format!(
        "\nIn a running daemon the limits that the aims do not name follow the size at which the cluster has stood for two hours, \
         a day ago or earlier in the week; here they {of}: {}.",
        follow.join(", ")
    )
}

/// What a fully malicious policy can do in an hour.
fn sentence(bound: &Exposure) -> String {
    format!(
        "\nWith nothing waiting, a fully malicious policy can buy at most {} nodes an hour and add at most {} to the bill \
         in an hour, {} in a day. Pods that wait let it buy up to {} times what they need of the cheapest nodes that run them, once an \
         hour each; pods of workloads that policies may scale, headroom, and pods that were moved do not count. Whatever \
         waits: never more than {} nodes, and never above {}.\n\
         It can have at most {} nodes an hour removed that were not watched empty, with at most {} evictions, and at most \
         {} nodes an hour that were (both in a cluster of {} nodes; no pod is moved for an empty one). Once owners that no \
         policy scales have lowered their replicas: at most {} more nodes an hour, and no more pods moved for them than \
         those owners have let go of.",
        bound.nodes_bought,
        bound.added,
        bound.day,
        guard::PLAY,
        bound.max_nodes,
        bound.max_rate,
        bound.nodes_removed,
        bound.evictions,
        bound.nodes_emptied,
        bound.max_nodes,
        bound.nodes_explained,
    )
}

/// What a tenant with every right in one namespace can do.
struct OfTenant {
    /// The namespace; `*` is every one that has no quota of its own.
    namespace: String,
    bound: Tenant,
}

/// Of every namespace that has a quota, and of any other one.
fn of_tenants(aims: &Aims) -> Vec<OfTenant> {
    let mut names: Vec<&str> = aims.quotas.namespaces.keys().map(String::as_str).collect();
    if !names.contains(&EVERY_OTHER) {
        names.push(EVERY_OTHER);
    }
    let of = |namespace: &str| OfTenant {
        namespace: namespace.to_owned(),
        bound: tenant(&aims.limits, aims.quotas.of_namespace(namespace)),
    };
    names.into_iter().map(of).collect()
}

impl OfTenant {
    fn sentence(&self) -> String {
        let Tenant {
            max_nodes,
            max_rate,
            day,
            removed,
        } = &self.bound;
        let namespace = match &*self.namespace {
            EVERY_OTHER => "a namespace that has no quota of its own".to_owned(),
            named => format!("namespace {named}"),
        };
        format!(
            "\nA tenant with every right in {namespace} can have nodes bought up to {max_nodes} in all and {max_rate}, which is \
             {day} a day; after that at most {removed} an hour of the nodes that its pods stand on go. `quotas.namespaces` sets \
             less."
        )
    }
}

fn document(limits: &Limits, bound: &Exposure, namespaces: &[OfTenant]) -> Value {
    json!({
        "version": "plimsoll.limits/v1",
        "limits": described_as_json(limits),
        "malicious_policy": policy_as_json(bound),
        "malicious_tenants": namespaces.iter().map(|of| json!({
            "namespace": of.namespace,
            "max_nodes": of.bound.max_nodes,
            "max_usd_per_hour": of.bound.max_rate.dollars(),
            "usd_per_day": of.bound.day.dollars(),
            "removed_nodes_per_hour": of.bound.removed,
        })).collect::<Vec<_>>(),
    })
}

fn described_as_json(limits: &Limits) -> Value {
    let described = described(limits).into_iter();
    described
        .map(|(name, value, meaning)| json!({"name": name, "value": value, "meaning": meaning}))
        .collect()
}

fn policy_as_json(bound: &Exposure) -> Value {
    json!({
        "unproven_nodes_per_hour": bound.nodes_bought,
        "unproven_usd_per_hour_added_per_hour": bound.added.dollars(),
        "proven_times_need": guard::PLAY,
        "removed_nodes_per_hour": bound.nodes_removed,
        "emptied_nodes_per_hour": bound.nodes_emptied,
        "explained_nodes_per_hour": bound.nodes_explained,
        "evictions_per_hour": bound.evictions,
        "replicas_taken_per_hour": bound.replicas_taken,
        "max_nodes": bound.max_nodes,
        "max_usd_per_hour": bound.max_rate.dollars(),
        "unproven_usd_per_day": bound.day.dollars(),
    })
}

/// A limit by its name in the aims, its value, and what it means.
type Described = (&'static str, String, &'static str);

/// Every limit.
fn described(limits: &Limits) -> Vec<Described> {
    let mut all = of_growth(limits);
    all.extend(of_removals(limits));
    all.extend(of_time_and_risk(limits));
    all
}

fn share(permille: u32) -> String {
    format!("{}.{}%", permille / 10, permille % 10).replace(".0%", "%")
}

fn of_growth(limits: &Limits) -> Vec<Described> {
    let evidence = if limits.growth_by_evidence {
        "true"
    } else {
        "false"
    };
    vec![
        (
            "max_nodes",
            limits.max_nodes.to_string(),
            "most nodes in the cluster, those on their way included",
        ),
        (
            "max_rate",
            limits.max_rate.to_string(),
            "most the cluster may cost",
        ),
        (
            "max_per_month",
            limits
                .max_per_month
                .map_or_else(|| "no limit".to_owned(), |limit| limit.to_string()),
            "most it may come to cost in a calendar month (UTC), by what has run and what runs",
        ),
        (
            "growth_by_evidence",
            evidence.to_owned(),
            "nodes that waiting pods prove to be needed are bounded by max_nodes and max_rate alone",
        ),
        ("window", limits.window.to_string(), "the short window"),
        (
            "bought_per_window",
            limits.bought_per_window.to_string(),
            "nodes bought per window that nothing proves to be needed",
        ),
        (
            "added_per_window",
            limits.added_per_window.to_string(),
            "what such nodes may add to the bill per window",
        ),
    ]
}

fn of_removals(limits: &Limits) -> Vec<Described> {
    vec![
        (
            "emptied_window",
            limits.emptied_window.to_string(),
            "the window of nodes that were watched empty",
        ),
        (
            "emptied_per_window",
            share(limits.emptied_per_window_permille),
            "of the cluster's nodes that may be removed per such window once watched empty, at least one; 0%: as any other",
        ),
        (
            "explained_per_window",
            share(limits.explained_per_window_permille),
            "of the cluster's nodes that may be removed per emptied_window with pods that have to move, at least one, as long as no more pods are moved for it than owners have let go of by lowering their replicas; 0%: as any other",
        ),
        (
            "removed_per_window",
            share(limits.removed_per_window_permille),
            "of a group's nodes that may be removed per window otherwise, at least one; and pods, of as many as there are nodes, that may vanish unexplained before empty nodes count as any other",
        ),
        ("long_window", limits.long_window.to_string(), "the long window"),
        (
            "removed_per_long_window",
            share(limits.removed_per_long_window_permille),
            "of the cluster's nodes that may be removed per long window otherwise, at least one",
        ),
        (
            "removed_per_zone",
            limits
                .removed_per_zone_permille
                .map_or_else(|| "no limit".to_owned(), share),
            "of a zone's nodes that may be removed per window otherwise, at least one",
        ),
        (
            "removals_at_once",
            limits.removals_at_once.to_string(),
            "such nodes on their way out at once",
        ),
        (
            "evictions_per_window",
            limits.evictions_per_window.to_string(),
            "evictions per window",
        ),
        (
            "scaled_down_per_window",
            limits
                .scaled_down_per_window
                .map_or_else(|| "no limit".to_owned(), |limit| limit.to_string()),
            "replicas that may be taken from workloads per window",
        ),
    ]
}

fn of_time_and_risk(limits: &Limits) -> Vec<Described> {
    let risk = if limits.acknowledge_risk { "true" } else { "false" };
    vec![
        (
            "max_snapshot_age",
            limits.max_snapshot_age.to_string(),
            "removals need a picture no older than this",
        ),
        (
            "max_growth_age",
            limits.max_growth_age.to_string(),
            "growth needs a picture no older than this",
        ),
        (
            "provision_time",
            limits.provision_time.to_string(),
            "a launch must have joined within this time",
        ),
        (
            "failed_launches",
            limits.failed_launches.to_string(),
            "launches of one group in a row that bring no node before it backs off",
        ),
        (
            "acknowledge_risk",
            risk.to_owned(),
            "shares of more than 50% count only with this",
        ),
    ]
}
