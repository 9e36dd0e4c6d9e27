//! `plimsoll fargate size`: per workload the billed size, its price and waste, a tier that could be saved, or why
//! Fargate does not run it.
//!
//! Prices are those of the cluster's region for Linux on x86. Pods that are finished or on their way out are left out.

use crate::exit::{Exit, Unreadable};
use crate::output::{self, Format, OutputArgs, plain, table};
use crate::verbs::plan;
use model::aims::Aims;
use model::fargate::{FargateBill, FargateBlock, FargateCaution, FargateRates, FargateSize};
use model::pod::PodPhase;
use model::prices::FargatePrices;
use model::reason::Misfit;
use model::resources::Resources;
use model::selector::Labels;
use model::{Pod, PodSpec, Snapshot, UsdPerHour};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::PathBuf;

/// Kind of ECS' services: their tasks have a size to themselves.
const ECS: &str = "EcsService";

/// Arguments of `fargate size`.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Kubernetes YAML or JSON: files, folders, or `-` for stdin.
    #[arg(long, value_name = "PATH", required = true, num_args = 1..)]
    cluster: Vec<PathBuf>,
    #[command(flatten)]
    prices: plan::FargateArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// The whole answer.
#[derive(Serialize)]
struct SizesJson {
    version: &'static str,
    /// Whose prices these are.
    region: String,
    /// Where they come from, and of what day they are.
    prices: plan::PricesJson,
    pods: PodsJson,
    workloads: Vec<WorkloadJson>,
    cost: CostJson,
}

#[derive(Default, Serialize)]
struct PodsJson {
    eligible: u64,
    excluded: u64,
}

/// All eligible pods together.
#[derive(Serialize)]
#[expect(clippy::struct_field_names, reason = "each name stands alone in the document")]
struct CostJson {
    usd_per_hour: f64,
    waste_usd_per_hour: f64,
    /// What following all advice would save.
    advice_saves_usd_per_hour: f64,
}

/// Pods of one workload (or one pod that has none) that ask for the same.
#[derive(Serialize)]
struct WorkloadJson {
    workload: String,
    pods: u64,
    requested: AmountsJson,
    /// Nothing where Fargate does not run it.
    #[serde(skip_serializing_if = "Option::is_none")]
    billed: Option<BilledJson>,
    /// What keeps it off.
    excluded: Vec<ReasonJson>,
    /// What Fargate would ignore.
    cautions: Vec<ReasonJson>,
}

#[derive(Serialize)]
struct AmountsJson {
    cpu_milli: i64,
    memory_bytes: i64,
    ephemeral_bytes: i64,
}

/// Of one pod.
#[derive(Serialize)]
struct BilledJson {
    cpu_milli: i64,
    memory_mib: i64,
    usd_per_hour: f64,
    spare_cpu_milli: i64,
    spare_memory_bytes: i64,
    waste_usd_per_hour: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<AdviceJson>,
    #[serde(skip)]
    bill: FargateBill,
}

#[derive(Serialize)]
struct AdviceJson {
    message: String,
    trim_cpu_milli: i64,
    trim_memory_bytes: i64,
    to: SizeJson,
    saves_usd_per_hour: f64,
}

#[derive(Serialize)]
struct SizeJson {
    cpu_milli: i64,
    memory_mib: i64,
}

#[derive(Serialize)]
struct ReasonJson {
    reason: &'static str,
    message: String,
}

/// What makes pods of a workload alike here.
type Key = (String, Resources, Vec<FargateBlock>, Vec<FargateCaution>);

/// Runs the verb.
pub(super) fn run(args: &Args) -> anyhow::Result<Exit> {
    let cluster = plan::cluster(&args.cluster)?;
    let list = args.prices.read(&cluster)?;
    let seen = cluster.finish(&list, &Aims::default());
    if seen
        .specs
        .iter()
        .any(|spec| spec.owner.as_ref().is_some_and(|owner| &*owner.kind == ECS))
    {
        let what =
            "--cluster: sizes are those of pods on EKS; for services of ECS ask `plimsoll fargate compare`";
        return Err(Unreadable::new(what).into());
    }
    let sizes = SizesJson::new(&seen, plan::fargate(&seen.prices)?);
    match args.output.output {
        Format::Json => output::json(&sizes)?,
        Format::Table => output::line(sizes.text())?,
    }
    Ok(Exit::Done)
}

impl SizesJson {
    fn new(seen: &Snapshot, prices: &FargatePrices) -> Self {
        let offers = manifest::fargate_offers("", 0, Some(prices));
        let labels = offers.first().map(|offer| offer.labels.clone());
        let labels = labels.unwrap_or_default();
        let mut alike: BTreeMap<Key, u64> = BTreeMap::new();
        let there = |pod: &&Pod| !matches!(pod.phase, PodPhase::Finished | PodPhase::Terminating);
        for pod in seen.pods.iter().filter(there) {
            *alike.entry(key(pod, &seen.spec(pod.spec), &labels)).or_insert(0) += 1;
        }
        let workloads: Vec<WorkloadJson> = {
            let row = |alike| WorkloadJson::new(alike, prices.rates);
            alike.into_iter().map(row).collect()
        };
        let mut pods = PodsJson::default();
        let (mut cost, mut waste, mut saves) = (UsdPerHour::ZERO, UsdPerHour::ZERO, UsdPerHour::ZERO);
        for workload in &workloads {
            let Some(billed) = &workload.billed else {
                pods.excluded += workload.pods;
                continue;
            };
            pods.eligible += workload.pods;
            cost += billed.bill.price.times(workload.pods);
            waste += billed.bill.wastes.times(workload.pods);
            let trim = billed.bill.trim.map(|trim| trim.saves.times(workload.pods));
            saves += trim.unwrap_or_default();
        }
        Self {
            version: "plimsoll.fargate/v1",
            region: seen.prices.region.clone(),
            prices: plan::PricesJson::new(seen),
            pods,
            workloads,
            cost: CostJson {
                usd_per_hour: cost.dollars(),
                waste_usd_per_hour: waste.dollars(),
                advice_saves_usd_per_hour: saves.dollars(),
            },
        }
    }

    fn text(&self) -> String {
        let mut rows = table(&["workload", "pods", "asks for", "billed", "$/h", "wasted $/h", ""]);
        for own in &self.workloads {
            let (billed, price, waste) = own.billed.as_ref().map_or_else(
                || ("-".to_owned(), "-".to_owned(), "-".to_owned()),
                |billed| {
                    let all = |of_one: UsdPerHour| format!("{:.4}", of_one.times(own.pods).dollars());
                    let bill = &billed.bill;
                    (bill.size.to_string(), all(bill.price), all(bill.wastes))
                },
            );
            rows.add_row([
                plain(&own.workload),
                own.pods.to_string(),
                own.requested.text(),
                billed,
                price,
                waste,
                plain(&own.remarks()),
            ]);
        }
        let (pods, cost) = (&self.pods, &self.cost);
        let mut text = format!(
            "{}\n\n{} pods for ${:.4}/h, of which ${:.4}/h is not asked for; {} pods do not run on Fargate",
            rows.trim_fmt(),
            pods.eligible,
            cost.usd_per_hour,
            cost.waste_usd_per_hour,
            pods.excluded
        );
        if cost.advice_saves_usd_per_hour > 0.0 {
            let saves = cost.advice_saves_usd_per_hour;
            let _ = write!(text, "; trimming as advised saves ${saves:.4}/h");
        }
        let _ = write!(text, "\nprices {}", self.prices.text(true));
        text
    }
}

fn key(pod: &Pod, spec: &PodSpec, labels: &Labels) -> Key {
    let name = spec
        .owner
        .as_ref()
        .map_or_else(|| format!("Pod {}", pod.key), ToString::to_string);
    let rules = decide::fargate::rules(spec, labels).into_iter();
    let blocks = rules.filter_map(|misfit| match misfit {
        Misfit::FargateExcluded(block) => Some(block),
        _ => None,
    });
    let cautions = decide::fargate::cautions(spec);
    (name, spec.requests.clone(), blocks.collect(), cautions)
}

impl WorkloadJson {
    fn new(((workload, requests, blocks, cautions), pods): (Key, u64), rates: FargateRates) -> Self {
        let bill = FargateBill::of(&requests, rates).ok();
        Self {
            workload,
            pods,
            requested: AmountsJson {
                cpu_milli: requests.cpu_milli,
                memory_bytes: requests.memory_bytes,
                ephemeral_bytes: requests.ephemeral_bytes,
            },
            billed: bill.filter(|_| blocks.is_empty()).map(BilledJson::new),
            excluded: blocks.iter().map(|block| reason(block.code(), block)).collect(),
            cautions: cautions
                .iter()
                .map(|caution| reason(caution.code(), caution))
                .collect(),
        }
    }

    /// Why not, or what to do.
    fn remarks(&self) -> String {
        let advice = self.billed.iter().filter_map(|billed| billed.advice.as_ref());
        let mut parts: Vec<&str> = self
            .excluded
            .iter()
            .map(|reason| reason.message.as_str())
            .collect();
        parts.extend(advice.map(|advice| advice.message.as_str()));
        // Who does not run there need not know what would be ignored.
        let cautions = self.cautions.iter().filter(|_| self.billed.is_some());
        parts.extend(cautions.map(|caution| caution.message.as_str()));
        parts.join("; ")
    }
}

fn reason(reason: &'static str, message: &impl ToString) -> ReasonJson {
    ReasonJson {
        reason,
        message: message.to_string(),
    }
}

impl BilledJson {
    fn new(bill: FargateBill) -> Self {
        let size = |size: FargateSize| SizeJson {
            cpu_milli: size.cpu_milli,
            memory_mib: size.memory_mib,
        };
        Self {
            cpu_milli: bill.size.cpu_milli,
            memory_mib: bill.size.memory_mib,
            usd_per_hour: bill.price.dollars(),
            spare_cpu_milli: bill.spare_cpu_milli,
            spare_memory_bytes: bill.spare_memory_bytes,
            waste_usd_per_hour: bill.wastes.dollars(),
            advice: bill.trim.map(|trim| AdviceJson {
                message: trim.to_string(),
                trim_cpu_milli: trim.cpu_milli,
                trim_memory_bytes: trim.memory_bytes,
                to: size(trim.to),
                saves_usd_per_hour: trim.saves.dollars(),
            }),
            bill,
        }
    }
}

impl AmountsJson {
    fn text(&self) -> String {
        let memory = if self.memory_bytes % (1 << 20) == 0 {
            format!("{}Mi", self.memory_bytes >> 20)
        } else {
            format!("{}", self.memory_bytes)
        };
        match self.ephemeral_bytes {
            0 => format!("{}m {memory}", self.cpu_milli),
            disk => format!("{}m {memory}, {}Mi of disk", self.cpu_milli, disk >> 20),
        }
    }
}
