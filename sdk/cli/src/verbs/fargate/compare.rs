//! `plimsoll fargate compare`: what all pods (or tasks of ECS) would cost on EC2, on Fargate, and on both.
//!
//! As if nothing ran yet and everything were bought at once: nodes that are there count for nothing, and EC2 is
//! filled as well as the engine can. Nodes are rarely as full, which is what the break-even is for.

use crate::exit::{Exit, Unreadable};
use crate::output::{self, Format, OutputArgs, Progress, plain, table};
use crate::verbs::plan;
use decide::{Deliberation, PolicySet};
use model::aims::Aims;
use model::fargate::FargateCaution;
use model::group::FargateSelector;
use model::pod::PodPhase;
use model::reason::Refusal;
use model::selector::LabelSelector;
use model::{Memory, Offer, Pod, PodKey, PodSpec, Snapshot, UsdPerHour};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

/// Profile that takes every pod, where the input names none.
const ANY: &str = "any";

/// Arguments of `fargate compare`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Kubernetes YAML or JSON, or what `aws ecs describe-…` printed: files, folders, or `-` for stdin.
    #[arg(long, value_name = "PATH", required = true, num_args = 1..)]
    cluster: Vec<PathBuf>,
    #[command(flatten)]
    prices: plan::PriceArgs,
    /// What is wanted: YAML.
    #[arg(long, value_name = "FILE")]
    aims: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

/// The whole answer.
#[derive(Serialize)]
struct CompareJson {
    version: &'static str,
    /// Whose prices these are, and of what day.
    prices: plan::PricesJson,
    pods: usize,
    ec2: WayJson,
    fargate: WayJson,
    both: WayJson,
    /// Pods that either way runs.
    same_pods: SameJson,
    workloads: Vec<WorkloadJson>,
}

/// One way to run the pods.
#[derive(Serialize)]
struct WayJson {
    usd_per_hour: f64,
    /// No purchase for the same pods costs less.
    lower_bound_usd_per_hour: f64,
    nodes: usize,
    on_fargate: usize,
    refused: usize,
}

/// The pods that EC2 and Fargate both run, on each of them.
#[derive(Serialize)]
struct SameJson {
    pods: usize,
    ec2_usd_per_hour: f64,
    fargate_usd_per_hour: f64,
    /// Where nodes are filled less than this against what the plan makes of them, Fargate is cheaper.
    #[serde(skip_serializing_if = "Option::is_none")]
    break_even_percent: Option<f64>,
}

#[derive(Serialize)]
struct WorkloadJson {
    workload: String,
    pods: usize,
    /// All of its pods there; nothing where Fargate does not run them all.
    #[serde(skip_serializing_if = "Option::is_none")]
    fargate_usd_per_hour: Option<f64>,
    /// How many go there where both are to be had.
    on_fargate: usize,
    /// Why Fargate does not run one.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_on_fargate: Option<String>,
    /// What Fargate would ignore, or what else somebody should know.
    cautions: Vec<String>,
}

/// Runs the verb.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let progress = Progress::start("comparing");
    let (mut seen, aims) = plan::read(&args.cluster, &args.prices, args.aims.as_deref())?;
    plan::fargate(&seen.prices)?;
    as_if_nothing_ran(&mut seen);
    if seen.pods.is_empty() {
        return Err(
            Unreadable::new("--cluster: there are no pods in the input, and no replicas to come").into(),
        );
    }
    let answer = CompareJson::new(&seen, &aims);
    drop(progress);
    match args.output.output {
        Format::Json => output::json(&answer)?,
        Format::Table => output::line(answer.text())?,
    }
    Ok(Exit::Done)
}

/// All pods wait, there are no nodes, and Fargate takes whom a profile of the input would take, else everybody.
fn as_if_nothing_ran(seen: &mut Snapshot) {
    let specs = seen.specs.clone();
    let spec = |pod: &Pod| specs.get(pod.spec as usize);
    let of_daemon = |spec: &PodSpec| {
        spec.owner
            .as_ref()
            .is_some_and(|owner| &*owner.kind == "DaemonSet")
    };
    seen.pods.retain(|pod| {
        let living = !matches!(pod.phase, PodPhase::Finished | PodPhase::Terminating);
        living && spec(pod).is_some_and(|spec| !of_daemon(spec) && !spec.traits.mirror)
    });
    for pod in &mut seen.pods {
        (pod.node, pod.nominated, pod.phase, pod.created) = (None, None, PodPhase::Pending, seen.at);
    }
    seen.nodes.clear();
    for group in &mut seen.groups {
        group.instances.clear();
        group.desired = 0;
    }
    if !seen.offers.iter().any(Offer::is_fargate)
        && let Ok(ix) = u32::try_from(seen.groups.len())
    {
        let selector = FargateSelector {
            namespace: "*".to_owned(),
            labels: LabelSelector::default(),
        };
        seen.groups.push(manifest::profile_group(ANY, vec![selector]));
        let prices = seen.prices.fargate.clone();
        seen.offers
            .extend(manifest::fargate_offers(ANY, ix, prices.as_ref()));
    }
    seen.sort();
}

/// The same without rules of pods about each other, which Fargate ignores.
fn alone(seen: &Snapshot) -> Snapshot {
    let lone = |spec: &Arc<PodSpec>| {
        let mut spec = PodSpec::clone(spec);
        spec.near.clear();
        Arc::new(spec)
    };
    Snapshot {
        specs: seen.specs.iter().map(lone).collect(),
        ..seen.clone()
    }
}

/// A deliberation over these offers and pods.
fn way(
    seen: &Snapshot,
    aims: &Aims,
    offers: impl Fn(&Offer) -> bool,
    pods: impl Fn(&Pod) -> bool,
) -> Deliberation {
    let mut seen = seen.clone();
    seen.offers.retain(offers);
    seen.pods.retain(pods);
    decide::deliberate(&seen, &Memory::default(), &PolicySet::default(), aims)
}

/// Pods by the price of the Fargate size that the plan buys for them.
fn on_fargate(seen: &Snapshot, done: &Deliberation) -> BTreeMap<PodKey, UsdPerHour> {
    let sizes = seen.offers.iter().filter(|offer| offer.is_fargate());
    let sizes: BTreeMap<_, _> = sizes.map(|offer| (&offer.id, offer)).collect();
    let nodes = done.plan.nodes.iter();
    let bought =
        nodes.filter_map(|node| Some((node.pods.first()?.clone(), node.price(sizes.get(&node.offer)?))));
    bought.collect()
}

fn refused(done: &Deliberation) -> BTreeMap<&PodKey, String> {
    let refusals = done.plan.refusals.iter();
    let of_pods = refusals.filter_map(|refusal| match refusal {
        Refusal::Pod { pod, why, .. } => Some((pod, why.to_string())),
        _ => None,
    });
    of_pods.collect()
}

impl WayJson {
    fn new(done: &Deliberation, on_fargate: usize) -> Self {
        Self {
            usd_per_hour: done.plan.cost.rate.dollars(),
            lower_bound_usd_per_hour: done.plan.cost.bound.dollars(),
            nodes: done.plan.nodes.len().saturating_sub(on_fargate),
            on_fargate,
            refused: refused(done).len(),
        }
    }
}

impl CompareJson {
    fn new(seen: &Snapshot, aims: &Aims) -> Self {
        let all = |_: &Pod| true;
        let ec2 = way(seen, aims, |offer| !offer.is_fargate(), all);
        let fargate = way(&alone(seen), aims, Offer::is_fargate, all);
        let both = way(seen, aims, |_| true, all);
        let (not_by_ec2, not_by_fargate) = (refused(&ec2), refused(&fargate));
        let runs = |pod: &Pod| !not_by_ec2.contains_key(&pod.key) && !not_by_fargate.contains_key(&pod.key);
        let same = way(seen, aims, |offer| !offer.is_fargate(), runs);
        let (alone, of_both) = (on_fargate(seen, &fargate), on_fargate(seen, &both));
        let same_pods: BTreeSet<&PodKey> = seen
            .pods
            .iter()
            .filter(|pod| runs(pod))
            .map(|pod| &pod.key)
            .collect();
        let there: UsdPerHour = alone
            .iter()
            .filter(|(pod, _)| same_pods.contains(pod))
            .map(|(_, price)| *price)
            .sum();
        let (here, there) = (same.plan.cost.rate.dollars(), there.dollars());
        Self {
            version: "plimsoll.compare/v1",
            prices: plan::PricesJson::new(seen),
            pods: seen.pods.len(),
            ec2: WayJson::new(&ec2, 0),
            fargate: WayJson::new(&fargate, alone.len()),
            both: WayJson::new(&both, of_both.len()),
            same_pods: SameJson {
                pods: same_pods.len(),
                ec2_usd_per_hour: here,
                fargate_usd_per_hour: there,
                break_even_percent: (there > 0.0).then(|| here / there * 100.0),
            },
            workloads: workloads(seen, &not_by_fargate, &alone, &of_both),
        }
    }

    fn text(&self) -> String {
        let mut ways = table(&[
            "all pods",
            "$/h",
            "at least $/h",
            "nodes",
            "on Fargate",
            "no place",
        ]);
        for (name, way) in [
            ("on EC2", &self.ec2),
            ("on Fargate", &self.fargate),
            ("on both", &self.both),
        ] {
            ways.add_row([
                name.to_owned(),
                format!("{:.4}", way.usd_per_hour),
                format!("{:.4}", way.lower_bound_usd_per_hour),
                way.nodes.to_string(),
                way.on_fargate.to_string(),
                way.refused.to_string(),
            ]);
        }
        let mut rows = table(&["workload", "pods", "on Fargate $/h", "of both there", ""]);
        for own in &self.workloads {
            let price = own
                .fargate_usd_per_hour
                .map_or_else(|| "-".to_owned(), |price| format!("{price:.4}"));
            let cautions = own.cautions.join("; ");
            let remarks = own.not_on_fargate.as_deref().unwrap_or(&cautions);
            let there = own.on_fargate.to_string();
            rows.add_row([
                plain(&own.workload),
                own.pods.to_string(),
                price,
                there,
                plain(remarks),
            ]);
        }
        let same = &self.same_pods;
        let even = same.break_even_percent.map_or_else(String::new, |percent| {
            format!("; Fargate is cheaper where nodes are filled less than {percent:.0} % as well as here")
        });
        format!(
            "{}\n\n{}\n\n{} pods run on either: ${:.4}/h on EC2, ${:.4}/h on Fargate{even}\nprices {}",
            ways.trim_fmt(),
            rows.trim_fmt(),
            same.pods,
            same.ec2_usd_per_hour,
            same.fargate_usd_per_hour,
            self.prices.text(true),
        )
    }
}

fn workloads(
    seen: &Snapshot,
    refused: &BTreeMap<&PodKey, String>,
    alone: &BTreeMap<PodKey, UsdPerHour>,
    both: &BTreeMap<PodKey, UsdPerHour>,
) -> Vec<WorkloadJson> {
    let mut by_name: BTreeMap<String, (Vec<&PodKey>, BTreeSet<FargateCaution>)> = BTreeMap::new();
    for pod in &seen.pods {
        let spec = seen.spec(pod.spec);
        let own = || format!("Pod {}", pod.key);
        let name = spec.owner.as_ref().map_or_else(own, ToString::to_string);
        let (pods, cautions) = by_name.entry(name).or_default();
        pods.push(&pod.key);
        cautions.extend(decide::fargate::cautions(&spec));
    }
    let row = |(workload, (pods, cautions)): (String, (Vec<&PodKey>, BTreeSet<FargateCaution>))| {
        let prices: Option<Vec<UsdPerHour>> = pods.iter().map(|pod| alone.get(*pod).copied()).collect();
        WorkloadJson {
            workload,
            pods: pods.len(),
            fargate_usd_per_hour: prices.map(|prices| prices.into_iter().sum::<UsdPerHour>().dollars()),
            on_fargate: pods.iter().filter(|pod| both.contains_key(**pod)).count(),
            not_on_fargate: pods.iter().find_map(|pod| refused.get(*pod).cloned()),
            cautions: cautions.iter().map(ToString::to_string).collect(),
        }
    };
    by_name.into_iter().map(row).collect()
}
