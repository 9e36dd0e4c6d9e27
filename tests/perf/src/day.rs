//! Scenario S2, a day of sixty deployments under a real demand curve, played in the product's own simulator.
//!
//! Cost × disruption: dollars over the bound of every tick against evictions. The deployments of seed 7 are in
//! `data/day_seed7.csv`; those of other seeds follow the same law with another generator. Shapes are synthetic
//! (k8smix), the demand curve is Alibaba's of 2018.

mod hours;
mod law;
mod report;

use crate::at_once::unlimited;
use crate::catalogue::{self, Catalogue};
use crate::snapshot;
use anyhow::{Result, bail};
use clap::Args;
use law::{Deployment, TICK};
use model::aims::{Aims, Mode};
use model::fnv;
use model::group::{GroupKind, GroupOptions};
use model::limits::Limits;
use model::pod::PodSpec;
use model::selector::Labels;
use model::{GroupName, Memory, Offer, Resources, Span, Usd, WorkloadKey};
use serde::Serialize;
use sim::scenario::{Amount, Budget, DaemonPlan, GroupPlan, Lag, PodPlan, Scoring, WorkloadPlan};
use sim::{Options, Scenario};
use std::path::PathBuf;

/// A Monday, 00:00 UTC.
const START: model::Instant = model::Instant(1_772_409_600_000);
/// What the DaemonSet's pod takes of every node.
const AGENT: (i64, i64) = (180, 300 << 20);

/// A day of rising and falling demand.
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line")]
#[derive(Args, Debug, Clone)]
pub struct Day {
    /// Seeds of the deployments; 7 is the reference day.
    #[arg(long, value_delimiter = ',', default_value = "7")]
    seeds: Vec<u64>,
    /// Hours that are played.
    #[arg(long, default_value_t = 24)]
    hours: i64,
    /// Largest types, in vCPU; 0 for all.
    #[arg(long, default_value_t = 64)]
    vcpu: i64,
    /// Seconds from launch to Ready.
    #[arg(long, default_value_t = 60)]
    boot: i64,
    /// Seconds between cycles.
    #[arg(long, default_value_t = 30)]
    cycle: i64,
    /// What an eviction counts, in dollars.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "0.0005,0.002,0.005,0.01,0.02,0.05"
    )]
    price: Vec<f64>,
    /// Seconds that a node is unneeded before it goes.
    #[arg(long, value_delimiter = ',', default_value = "0,600")]
    unneeded: Vec<i64>,
    /// Seconds that a node lives at least.
    #[arg(long, default_value_t = 0)]
    min_age: i64,
    /// Nodes on their way out at once.
    #[arg(long, default_value_t = 10)]
    parallel: u32,
    /// The scheduler fills the fullest node first.
    #[arg(long)]
    most_allocated: bool,
    /// The limits that aims come with, instead of none.
    #[arg(long)]
    limits: bool,
    /// Wasteful nodes are not made to empty by themselves.
    #[arg(long)]
    no_yields: bool,
    /// Seconds within which an eviction must pay at any rate.
    #[arg(long, default_value_t = 3600)]
    payback: i64,
    /// Seconds from a cycle until replicas change; absent: half of the time between two cycles.
    #[arg(long)]
    phase: Option<i64>,
    /// No node is given up.
    #[arg(long)]
    keep: bool,
    /// Tells by the hour where money and evictions go.
    #[arg(long)]
    hourly: bool,
    /// Plays every day twice: both must be the same to the byte.
    #[arg(long)]
    twice: bool,
    /// Where the curve is drawn, as SVG.
    #[arg(long)]
    plot: Option<PathBuf>,
    /// `table` or `json`.
    #[arg(short = 'o', long, default_value = "table")]
    output: String,
}

/// What one day came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Evening {
    /// Seed of the deployments.
    pub seed: u64,
    /// What an eviction counts, in dollars.
    pub price: f64,
    /// Seconds unneeded.
    pub unneeded: i64,
    /// The bill.
    pub usd: f64,
    /// The integral of the bound over the ticks.
    pub bound_usd: f64,
    /// Percent over it.
    pub gap: f64,
    /// Pods evicted.
    pub evictions: u32,
    /// Nodes bought.
    pub launches: u32,
    /// Nodes removed.
    pub removals: u32,
    /// Pods that found a node.
    pub pods: u64,
    /// Pod-seconds waited.
    pub waited: i64,
    /// Seconds that 99 of 100 pods waited at most.
    pub wait_p99: i64,
    /// Breaches of invariants that the simulator's referee saw.
    pub violations: usize,
    /// Longest trip of a cycle, in milliseconds.
    #[serde(skip)]
    pub slowest_ms: u128,
    /// Digest of every plan of the day.
    pub plans: u64,
    /// Where money and evictions went, by the hour.
    #[serde(skip)]
    pub hours: String,
}

/// Plays the days asked for.
#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the table is the result"
)]
pub fn run(args: &Day) -> Result<()> {
    let prices = catalogue::prices()?;
    let catalogue = Catalogue::up_to(if args.vcpu == 0 { i64::MAX } else { args.vcpu });
    let offers = catalogue.offers(&prices);
    let mut evenings = Vec::new();
    for seed in &args.seeds {
        let deployments = law::deployments(*seed)?;
        let demand = law::sizes(&deployments)?;
        let bounds = bounds(args, &deployments, &demand, &offers)?;
        eprintln!("day {seed}: bound ${:.2}", total(&bounds).dollars());
        for unneeded in &args.unneeded {
            for price in &args.price {
                let aims = aims(args, *price, *unneeded);
                let scenario = scenario(args, (&deployments, &demand), &offers, aims, *seed);
                let evening = play(scenario.clone(), &bounds)?;
                if args.twice {
                    let again = play(scenario, &bounds)?;
                    if (&again.plans, &again.usd) != (&evening.plans, &evening.usd) {
                        bail!("the same day was played differently");
                    }
                }
                let evening = Evening {
                    seed: *seed,
                    price: *price,
                    unneeded: *unneeded,
                    ..evening
                };
                if args.hourly {
                    eprintln!("{}", evening.hours);
                }
                eprintln!("{}", report::line(&evening));
                evenings.push(evening);
            }
        }
    }
    if args.output == "json" {
        println!("{}", serde_json::to_string_pretty(&evenings)?);
    } else {
        print!("{}", report::table(&evenings));
    }
    if let Some(path) = &args.plot {
        std::fs::write(path, report::curve(&evenings))?;
    }
    Ok(())
}

#[expect(clippy::cast_possible_truncation, reason = "prices of an eviction are cents")]
fn aims(args: &Day, price: f64, unneeded: i64) -> Aims {
    let mut aims = Aims {
        limits: if args.limits {
            Limits::default()
        } else {
            unlimited()
        },
        ..Aims::default()
    };
    aims.modes.cluster = Some(Mode::Act);
    aims.shrink.enabled = !args.keep;
    aims.shrink.unneeded_for = Span::from_secs(unneeded);
    aims.shrink.min_age = Span::from_secs(args.min_age);
    aims.shrink.parallel = args.parallel;
    aims.shrink.eviction_cost_nanos = (price * 1e9).round() as i64;
    aims.shrink.yields = !args.no_yields;
    aims.shrink.payback = Span::from_secs(args.payback);
    aims
}

/// The bounds of packing all pods anew, tick by tick.
fn bounds(args: &Day, of: &[Deployment], sizes: &[Vec<u32>], offers: &[Offer]) -> Result<Vec<Usd>> {
    let mut bounds = Vec::new();
    let ticks = usize::try_from(args.hours * 3600 / TICK.secs())?;
    for tick in 0..ticks.min(law::TICKS) {
        let shapes = of
            .iter()
            .zip(sizes)
            .map(|(deployment, sizes)| (deployment.cpu_milli, deployment.memory_bytes, sizes[tick]))
            .collect();
        let seen = snapshot::waiting(&shapes, offers.to_vec());
        let done = decide::deliberate(
            &seen,
            &Memory::default(),
            &decide::PolicySet::default(),
            &Aims::default(),
        );
        if !done.plan.refusals.is_empty() {
            bail!("a pod fits nothing");
        }
        bounds.push(done.plan.cost.bound.over(TICK));
    }
    Ok(bounds)
}

fn total(bounds: &[Usd]) -> Usd {
    bounds.iter().fold(Usd::default(), |mut sum, bound| {
        sum += *bound;
        sum
    })
}

fn scenario(
    args: &Day,
    (of, sizes): (&[Deployment], &[Vec<u32>]),
    offers: &[Offer],
    aims: Aims,
    seed: u64,
) -> Scenario {
    let workloads = of.iter().zip(sizes).enumerate().map(|(ix, (deployment, sizes))| {
        let name = format!("d{ix:02}");
        let requests = Resources::new(deployment.cpu_milli, deployment.memory_bytes);
        // Whoever changes replicas does not wait for our cycles.
        let phase = args.phase.unwrap_or(args.cycle / 2);
        let tick_at = |tick: usize| TICK.secs().saturating_mul(i64::try_from(tick).unwrap_or(0));
        let at = |tick: usize| Span::from_secs(tick_at(tick).saturating_add(phase));
        WorkloadPlan {
            pod: pod("Deployment", "default", &name, requests),
            replicas: sizes.first().copied().unwrap_or(1),
            sizes: sizes
                .iter()
                .enumerate()
                .skip(1)
                .filter(|(tick, size)| sizes[tick - 1] != **size)
                .map(|(tick, size)| (at(tick), *size))
                .collect(),
            load: None,
            metrics: Vec::new(),
            // One deployment in five.
            budget: (ix % 5 == 0).then_some(Budget::MaxUnavailable(Amount::Count(1))),
            hpa: None,
            annotations: Labels::new(),
            name,
        }
    });
    let agent = DaemonPlan {
        pod: pod(
            "DaemonSet",
            "kube-system",
            "agent",
            Resources::new(AGENT.0, AGENT.1),
        ),
        name: "agent".to_owned(),
    };
    Scenario {
        name: "day".to_owned(),
        about: String::new(),
        seed,
        start: START,
        duration: Span::from_secs(args.hours * 3600),
        cycle: Span::from_secs(args.cycle),
        cluster: "day".to_owned(),
        boot: Lag::secs(args.boot, args.boot),
        scoring: if args.most_allocated {
            Scoring::MostAllocated
        } else {
            Scoring::LeastAllocated
        },
        fargate_start: Lag::secs(45, 60),
        placement_ttl: Span::from_secs(900),
        groups: vec![GroupPlan {
            name: GroupName::new("fleet"),
            kind: GroupKind::Fleet,
            min: 0,
            max: 1000,
            initial: 0,
            labels: Labels::new(),
            taints: Vec::new(),
            selects: Vec::new(),
            options: GroupOptions::default(),
        }],
        offers: offers.to_vec(),
        daemon_sets: vec![agent],
        workloads: workloads.collect(),
        arrivals: Vec::new(),
        faults: Vec::new(),
        aims,
    }
}

fn pod(kind: &str, namespace: &str, name: &str, requests: Resources) -> PodPlan {
    PodPlan {
        spec: PodSpec {
            namespace: namespace.to_owned(),
            requests,
            labels: Labels::from([("app".to_owned(), name.to_owned())]),
            owner: Some(WorkloadKey::new(kind, namespace, name)),
            ..PodSpec::default()
        },
        start: Lag::secs(10, 10),
        grace: Lag::secs(1, 5),
    }
}

fn play(scenario: Scenario, bounds: &[Usd]) -> Result<Evening> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let mut flaw = None;
    let mut slowest = 0;
    let mut plans = fnv::EMPTY;
    let mut began = std::time::Instant::now();
    let mut hours = hours::Hours::new(scenario.start, scenario.cycle);
    let mut on_cycle = |moment: sim::Moment<'_>| {
        let record = moment.record;
        slowest = began.elapsed().as_millis().max(slowest);
        hours.add(&moment);
        let found = guard::audit(&record.snapshot, &record.aims, &record.plan, &record.notes);
        if let Some(first) = found.first().filter(|_| flaw.is_none()) {
            flaw = Some(format!("cycle {}: {first}", moment.number));
        }
        plans = fnv::extend(plans, serde_json::to_vec(&record.plan).unwrap_or_default());
        began = std::time::Instant::now();
    };
    let played = runtime.block_on(sim::play(
        scenario,
        cycle::InForce::default(),
        Options::default(),
        &mut on_cycle,
    ))?;
    if let Some(flaw) = flaw {
        bail!(flaw);
    }
    let card = played.scorecard;
    if let Some(violation) = card.violations.first() {
        bail!(
            "{} violations, the first: {}",
            card.violations.len(),
            violation.message
        );
    }
    let (usd, bound) = (card.cost.dollars(), total(bounds));
    Ok(Evening {
        seed: 0,
        price: 0.0,
        unneeded: 0,
        usd,
        bound_usd: bound.dollars(),
        gap: (usd / bound.dollars() - 1.0) * 100.0,
        evictions: card.evictions,
        launches: card.launches,
        removals: card.removals,
        pods: card.pods,
        waited: card.pending_sum_ms / 1000,
        wait_p99: card.pending_p99_ms / 1000,
        violations: card.violations.len(),
        slowest_ms: slowest,
        plans,
        hours: hours.table(bounds),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;
    use clap::Parser;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        day: Day,
    }

    #[test]
    fn an_hour_plays_the_same_twice_and_breaks_nothing() {
        if !data::folder().exists() {
            eprintln!("skipped: no outside data at {}", data::folder().display());
            return;
        }
        let args = Line::parse_from(["day", "--hours", "1", "--vcpu", "16"]).day;
        let deployments = law::deployments(7).unwrap();
        let sizes = law::sizes(&deployments).unwrap();
        let offers = Catalogue::up_to(16).offers(&catalogue::prices().unwrap());
        let hour = || {
            let aims = aims(&args, 0.002, 0);
            let scenario = scenario(&args, (&deployments, &sizes), &offers, aims, 7);
            play(scenario, &[Usd(10_000_000_000)]).unwrap()
        };
        let (one, other) = (hour(), hour());
        assert_eq!((one.plans, one.evictions), (other.plans, other.evictions));
        assert!((one.usd - other.usd).abs() < f64::EPSILON);
        assert!(one.pods > 424 && one.launches > 0, "{one:?}");
    }
}
