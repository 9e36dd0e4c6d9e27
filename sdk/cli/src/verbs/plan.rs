//! `plimsoll plan`: the cheapest nodes for the waiting pods of a cluster's manifests, offline.
//!
//! Reads files, asks `decide` once and prints. Nothing is carried out and no clock goes into the plan.

mod bill;
mod document;
mod limits;
mod near;
mod prices;
mod report;
mod why;

use crate::exit::{Exit, Unreadable};
use crate::input;
use crate::output::{self, Format, OutputArgs, Progress, plain};
use crate::policies::{self, PolicyArg};
use bill::BillJson;
use decide::why::Why;
use decide::{Deliberation, PolicySet};
use document::PlanJson;
use manifest::{ClusterBuilder, Problems};
use model::{Aims, Memory, PodKey, Snapshot};
pub(crate) use prices::{FargateArgs, PriceArgs, PricesJson, fargate};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;
use why::Case;

/// Arguments of `plan`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Kubernetes YAML or JSON: files, folders, or `-` for stdin.
    #[arg(long, value_name = "PATH", required = true, num_args = 1..)]
    cluster: Vec<PathBuf>,
    #[command(flatten)]
    prices: PriceArgs,
    /// What is wanted: YAML.
    #[arg(long, value_name = "FILE")]
    aims: Option<PathBuf>,
    /// A policy to ask, with its configuration; may be repeated.
    #[arg(long, value_name = "FILE[=CONFIG.json]")]
    policy: Vec<PolicyArg>,
    /// Tell only why this pod is where the plan puts it, or why it is refused.
    #[arg(long, value_name = "NAMESPACE/POD")]
    why: Option<String>,
    /// Take the bill apart: what each class of pods pays and what each new node wastes.
    #[arg(long, conflicts_with = "why")]
    bill: bool,
    /// Work out from the input alone whether the plan holds; exit 1 where it does not.
    #[arg(long)]
    verify: bool,
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs the verb.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let progress = Progress::start("planning");
    let policies = policies::load(&args.policy)?.set;
    let (seen, aims) = read(&args.cluster, &args.prices, args.aims.as_deref())?;
    say_unpriced(&seen);
    let pod = args.why.as_deref().map(|name| parsed(name, &seen)).transpose()?;
    let begun = Instant::now();
    let (done, why) = deliberate(&seen, &policies, &aims, pod.as_ref());
    let seconds = begun.elapsed().as_secs_f64();
    let flaws = args
        .verify
        .then(|| guard::audit(&seen, &aims, &done.plan, &done.notes));
    drop(progress);
    let mut document = PlanJson::new(&seen, &done, seconds).verified(flaws.as_deref());
    document.limits = limits::limits(&seen, &aims, &done);
    document.bill = args.bill.then(|| BillJson::new(&seen, &done));
    if let Some(pod) = &pod {
        if why.is_none() {
            known(pod, &seen, &document)?;
        }
        let case = Case {
            seen: &seen,
            done: &done,
            plan: &document,
            why: why.as_ref(),
            pod,
        };
        tell(&case, args.output.output)?;
    } else {
        match args.output.output {
            Format::Json => output::json(&document)?,
            Format::Table => output::line(report::whole(&document))?,
        }
    }
    match flaws.as_deref() {
        None | Some([]) => Ok(exit(&document, &done)),
        Some(_) => Ok(Exit::No),
    }
}

fn deliberate(
    seen: &Snapshot,
    policies: &PolicySet,
    aims: &Aims,
    pod: Option<&PodKey>,
) -> (Deliberation, Option<Why>) {
    let memory = Memory::default();
    match pod {
        None => (decide::deliberate(seen, &memory, policies, aims), None),
        Some(pod) => decide::deliberate_and_explain(seen, &memory, (policies, aims), pod),
    }
}

fn tell(case: &Case<'_>, format: Format) -> anyhow::Result<()> {
    let document = case.document();
    match format {
        Format::Json => output::json(&document),
        Format::Table => output::line(document.text()),
    }
}

/// 3 where a policy faulted, 1 where a pod is refused.
fn exit(document: &PlanJson, done: &Deliberation) -> Exit {
    let faulted = done.notes.calls.iter().any(|call| call.answer.is_err());
    match (faulted, document.pods.refused) {
        (true, _) => Exit::Failed,
        (false, 0) => Exit::Done,
        (false, _) => Exit::No,
    }
}

/// Reads a cluster's manifests, what can be bought and what is wanted.
pub(crate) fn read(
    files: &[PathBuf],
    prices: &PriceArgs,
    aims: Option<&Path>,
) -> anyhow::Result<(Snapshot, Aims)> {
    let aims = match aims {
        None => Aims::default(),
        Some(path) => manifest::aims(&input::name(path), &input::read(path)?).map_err(Unreadable::new)?,
    };
    let cluster = cluster(files)?;
    let prices = prices.read(&cluster)?;
    let seen = cluster.finish(&prices, &aims);
    for name in manifest::unmet(&seen, &aims.reserved) {
        let what = "is neither a group of the cluster nor a type for sale; it is not used";
        output::say(format_args!("aims: reserved: {name} {what}"));
    }
    Ok((seen, aims))
}

/// Names the types of nodes that the bill leaves out, for verbs that print one.
pub(crate) fn say_unpriced(seen: &Snapshot) {
    for (instance_type, nodes) in unpriced(seen) {
        let nodes = if nodes == 1 {
            "1 node has".to_owned()
        } else {
            format!("{nodes} nodes have")
        };
        let what = format!(
            "{nodes} no known price ({instance_type}): the bill leaves it out, and no pod is moved for it; say it \
             with --offers FILE.csv"
        );
        output::say(format_args!("{}", plain(&what)));
    }
}

/// Nodes whose price nobody knows, by type.
fn unpriced(seen: &Snapshot) -> BTreeMap<&str, usize> {
    let mut types = BTreeMap::new();
    let nodes = seen.nodes.iter().filter(|node| !node.fargate);
    for node in nodes.filter(|node| seen.node_price(node).is_none()) {
        let told = node.labels.get(manifest::INSTANCE_TYPE);
        *types
            .entry(told.map_or("of a type that they do not tell", String::as_str))
            .or_insert(0) += 1;
    }
    types
}

/// Reads a cluster's manifests; all mistakes of all files are told at once.
pub(crate) fn cluster(paths: &[PathBuf]) -> anyhow::Result<ClusterBuilder> {
    let mut builder = ClusterBuilder::new();
    let mut problems = Problems::default();
    for path in input::files(paths)? {
        let bytes = input::read(&path)?;
        if let Err(found) = builder.read(&input::name(&path), &bytes) {
            problems.extend(found);
        }
    }
    problems.or(()).map_err(Unreadable::new)?;
    let missing = builder.missing();
    if !missing.is_empty() {
        let hint = "add what `aws ecs describe-task-definition` prints";
        return Err(Unreadable::new(plain(&format!("{}: {hint}", missing.join("; ")))).into());
    }
    let skipped: Vec<String> = builder
        .skipped()
        .iter()
        .map(|(kind, count)| format!("{count} {kind}"))
        .collect();
    let skipped = skipped.join(", ");
    if builder.used() == 0 && !skipped.is_empty() {
        let names: Vec<String> = paths.iter().map(|path| input::name(path)).collect();
        let what = format!(
            "{}: holds nothing that a plan reads, only {skipped}",
            names.join(", ")
        );
        return Err(Unreadable::new(what).into());
    }
    if !skipped.is_empty() {
        output::say(format_args!("left out, as no rule reads them: {skipped}"));
    }
    Ok(builder)
}

fn parsed(name: &str, seen: &Snapshot) -> anyhow::Result<PodKey> {
    if let Some((namespace, name)) = name.split_once('/')
        && !namespace.is_empty()
        && !name.is_empty()
    {
        return Ok(PodKey::new(namespace, name));
    }
    let there: Vec<String> = seen.pods.iter().map(|pod| pod.key.to_string()).collect();
    let hint = near::hint(name, there.iter().map(String::as_str));
    let what = plain(&format!("--why {name}: NAMESPACE/POD is wanted{hint}"));
    Err(Unreadable::new(what).into())
}

/// Complains about a name that no pod has, with the names that come near.
fn known(pod: &PodKey, seen: &Snapshot, plan: &PlanJson) -> anyhow::Result<()> {
    if seen.pod(pod).is_some() {
        return Ok(());
    }
    let there: Vec<String> = seen.pods.iter().map(|pod| pod.key.to_string()).collect();
    let planned = plan.nodes.iter().flat_map(|node| &node.pods);
    let planned = planned.chain(plan.existing.iter().flat_map(|node| &node.pods));
    let planned = planned.chain(plan.refusals.iter().map(|refusal| &refusal.pod));
    let names = there.iter().chain(planned).map(String::as_str);
    let name = pod.to_string();
    let hint = near::hint(&name, names);
    let what = plain(&format!("--why {name}: there is no such pod in the input{hint}"));
    Err(Unreadable::new(what).into())
}
