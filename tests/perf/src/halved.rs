//! The row "after half the pods are gone": packed by our own plan, a random half deleted, consolidated to rest.
//!
//! Everything but money is switched off: how much an eviction counts is the dial of the curve cost × evictions. What
//! is reached is held against the bound of packing the pods that are left from scratch.

use crate::at_once::{Counts, Running, eager};
use crate::catalogue::{self, Catalogue};
use crate::plot::{self, Mark};
use crate::snapshot;
use crate::workload::Source;
use anyhow::Result;
use clap::Args;
use model::pod::{Near, NearRule};
use model::selector::{LabelSelector, Labels};
use model::{Aims, Memory, PodKey, Snapshot, Span, UsdPerHour};
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

/// Half of the pods go; what is left is consolidated.
#[derive(Args, Debug)]
pub struct Halved {
    /// Pods before.
    #[arg(long, default_value_t = 5000)]
    pods: usize,
    /// First seed.
    #[arg(long, default_value_t = 21)]
    from: u64,
    /// Seeds.
    #[arg(long, default_value_t = 10)]
    seeds: u64,
    /// Largest types, in vCPU; 0 for all.
    #[arg(long, value_delimiter = ',', default_value = "64")]
    vcpu: Vec<i64>,
    /// What an eviction counts, in dollars.
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "0,0.0005,0.001,0.002,0.005,0.01"
    )]
    price: Vec<f64>,
    /// Percent of the pods' kinds that spread over three zones (`maxSkew` 1, `DoNotSchedule`).
    #[arg(long, default_value_t = 0)]
    spread: usize,
    /// Where the curve is drawn, as SVG.
    #[arg(long)]
    plot: Option<PathBuf>,
    /// `table` or `json`.
    #[arg(short = 'o', long, default_value = "table")]
    output: String,
}

/// One seed, consolidated at one price of an eviction.
#[derive(Clone, Debug, Serialize)]
pub struct Rest {
    /// Seed of the pods and of who goes.
    pub seed: u64,
    /// Catalogue.
    pub catalogue: String,
    /// What an eviction counts, in dollars.
    pub price: f64,
    /// Pods that are left.
    pub pods: usize,
    /// Dollars per hour before, at rest, and of the bound.
    pub dollars: (f64, f64, f64),
    /// Percent over the bound before.
    pub before: f64,
    /// Percent over the bound at rest.
    pub gap: f64,
    /// Nodes at rest.
    pub nodes: usize,
    /// Pods evicted.
    pub evictions: u32,
    /// Nodes bought.
    pub launches: u32,
    /// Nodes removed.
    pub removals: u32,
    /// Cycles to rest.
    pub cycles: u32,
    /// Shortest and longest decision, in seconds.
    pub seconds: (f64, f64),
}

/// Runs the row.
#[expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "the table is the result"
)]
pub fn run(args: &Halved) -> Result<()> {
    let mut prices = catalogue::prices()?;
    if args.spread > 0 {
        for row in &mut prices.rows {
            row.zones = ZONES.map(str::to_owned).to_vec();
        }
    }
    let mut all: Vec<Rest> = Vec::new();
    for vcpu in &args.vcpu {
        let catalogue = Catalogue::up_to(if *vcpu == 0 { i64::MAX } else { *vcpu });
        let offers = catalogue.offers(&prices);
        for seed in args.from..args.from + args.seeds {
            let shapes = Source::K8smix.draw(args.pods, seed)?;
            let mut waiting = snapshot::waiting(&shapes, offers.clone());
            spread(&mut waiting, args.spread);
            let mut packed = Running::new(waiting, eager(0));
            packed.cycle()?;
            // Long enough ago that nobody takes the pods for demand that keeps coming.
            packed.pass(Span::from_secs(86_400));
            halve(&mut packed, seed);
            let bound = bound(&packed);
            for price in &args.price {
                let rest = consolidate(packed.clone(), bound, *price)?;
                let rest = Rest {
                    seed,
                    catalogue: catalogue.name(),
                    ..rest
                };
                eprintln!(
                    "{} seed {seed} ${price}: ${:.2}/h -> ${:.2}/h (bound ${:.2}/h), {:.1} -> {:.2} %, {} evictions",
                    rest.catalogue,
                    rest.dollars.0,
                    rest.dollars.1,
                    rest.dollars.2,
                    rest.before,
                    rest.gap,
                    rest.evictions
                );
                all.push(rest);
            }
        }
    }
    if args.output == "json" {
        println!("{}", serde_json::to_string_pretty(&all)?);
    } else {
        print!("{}", table(&all, args.pods));
    }
    if let Some(path) = &args.plot {
        std::fs::write(path, curve(&all))?;
    }
    Ok(())
}

/// Zones of the catalogue where pods spread over them.
const ZONES: [&str; 3] = ["use1-az1", "use1-az2", "use1-az4"];

/// Of so many percent of the kinds of pods each spreads over zones.
fn spread(waiting: &mut Snapshot, percent: usize) {
    for (at, spec) in waiting.specs.iter_mut().enumerate() {
        // Evenly over the kinds: every third for 33 %. Agents do not wait.
        if (at * percent) % 100 + percent < 100 || spec.namespace == "kube-system" {
            continue;
        }
        let spec = Arc::make_mut(spec);
        let labels = Labels::from([("app".to_owned(), format!("app-{at}"))]);
        let (skew, domains) = (1, 1);
        spec.near = vec![Near::new(
            "topology.kubernetes.io/zone".to_owned(),
            LabelSelector::equal(&labels),
            Some(vec![spec.namespace.clone()]),
            NearRule::Spread { skew, domains },
        )];
        spec.labels = labels;
        spec.traits.spreads = true;
    }
}

/// A random half of the pods goes.
fn halve(packed: &mut Running, seed: u64) {
    let mut pods: Vec<PodKey> = packed.demand().map(|pod| pod.key.clone()).collect();
    let mut random = Pcg64::seed_from_u64(seed);
    let half = pods.len() / 2;
    for at in 0..half {
        let other = random.random_range(at..pods.len());
        pods.swap(at, other);
    }
    let gone: BTreeSet<PodKey> = pods.into_iter().take(half).collect();
    packed.delete(&gone);
}

/// What packing all pods anew could cost at best.
fn bound(packed: &Running) -> UsdPerHour {
    let seen = packed.as_waiting();
    let done = decide::deliberate(
        &seen,
        &Memory::default(),
        &decide::PolicySet::default(),
        &Aims::default(),
    );
    done.plan.cost.bound
}

fn consolidate(mut packed: Running, bound: UsdPerHour, price: f64) -> Result<Rest> {
    let over = |rate: UsdPerHour| (rate.dollars() / bound.dollars() - 1.0) * 100.0;
    let (rate, before) = (packed.rate(), over(packed.rate()));
    let pods = packed.demand().count();
    packed.set_aims(eager(nanos(price)));
    packed.take_counts();
    packed.rest(&mut |_| {})?;
    let Counts {
        cycles,
        evictions,
        launches,
        removals,
        seconds,
    } = packed.take_counts();
    Ok(Rest {
        seed: 0,
        catalogue: String::new(),
        price,
        pods,
        dollars: (rate.dollars(), packed.rate().dollars(), bound.dollars()),
        before,
        gap: over(packed.rate()),
        nodes: packed.seen().nodes.len(),
        evictions,
        launches,
        removals,
        cycles,
        seconds: (
            seconds.iter().copied().fold(f64::INFINITY, f64::min),
            seconds.iter().copied().fold(0.0, f64::max),
        ),
    })
}

#[expect(clippy::cast_possible_truncation, reason = "prices of an eviction are cents")]
fn nanos(dollars: f64) -> i64 {
    (dollars * 1e9).round() as i64
}

/// Rows of equal catalogue and price, in the order they were measured.
fn rows(all: &[Rest]) -> Vec<(&str, f64, Vec<&Rest>)> {
    let mut rows: Vec<(&str, f64, Vec<&Rest>)> = Vec::new();
    for rest in all {
        let same = |row: &&mut (&str, f64, Vec<&Rest>)| {
            row.0 == rest.catalogue && row.1.total_cmp(&rest.price).is_eq()
        };
        match rows.iter_mut().find(same) {
            Some(row) => row.2.push(rest),
            None => rows.push((&rest.catalogue, rest.price, vec![rest])),
        }
    }
    rows
}

fn mean(of: &[&Rest], figure: impl Fn(&Rest) -> f64) -> f64 {
    let count = u32::try_from(of.len()).unwrap_or(u32::MAX).max(1);
    of.iter().map(|rest| figure(rest)).sum::<f64>() / f64::from(count)
}

fn worst(of: &[&Rest], figure: impl Fn(&Rest) -> f64) -> f64 {
    of.iter().map(|rest| figure(rest)).fold(0.0, f64::max)
}

fn table(all: &[Rest], pods: usize) -> String {
    use std::fmt::Write as _;
    let mut text = format!(
        "| k8smix (synthetic) {pods}, half gone | $ per eviction | $/h before → at rest (bound) | before % | at rest % mean [worst] | \
         evictions mean [worst] | bought | removed | cycles | ms per cycle min / max |\n|---|---|---|---|---|---|---|---|---|---|\n"
    );
    for (catalogue, price, of) in rows(all) {
        let _ = writeln!(
            text,
            "| {catalogue} | {price} | {:.2} → {:.2} ({:.2}) | {:.1} | {:.2} [{:.2}] | {:.0} [{:.0}] | {:.1} | {:.1} | {:.0} | {:.1} / {:.1} |",
            mean(&of, |r| r.dollars.0),
            mean(&of, |r| r.dollars.1),
            mean(&of, |r| r.dollars.2),
            mean(&of, |r| r.before),
            mean(&of, |r| r.gap),
            worst(&of, |r| r.gap),
            mean(&of, |r| f64::from(r.evictions)),
            worst(&of, |r| f64::from(r.evictions)),
            mean(&of, |r| f64::from(r.launches)),
            mean(&of, |r| f64::from(r.removals)),
            mean(&of, |r| f64::from(r.cycles)),
            of.iter().map(|r| r.seconds.0).fold(f64::INFINITY, f64::min) * 1e3,
            worst(&of, |r| r.seconds.1) * 1e3,
        );
    }
    text
}

fn curve(all: &[Rest]) -> String {
    let mut lines: Vec<(String, Vec<Mark>)> = Vec::new();
    for (catalogue, price, of) in rows(all) {
        let mark = Mark {
            x: mean(&of, |r| f64::from(r.evictions)),
            y: mean(&of, |r| r.gap),
            label: format!("${price}"),
        };
        match lines.iter_mut().find(|line| line.0 == catalogue) {
            Some(line) => line.1.push(mark),
            None => lines.push((catalogue.to_owned(), vec![mark])),
        }
    }
    plot::scatter(
        "k8smix (synthetic), half of the pods gone: cost and evictions by what an eviction counts",
        ("evictions", "% over the bound"),
        &lines,
        Some((1300.0, 4.0)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data;

    /// 2,000 pods of which a third spread over zones; half of all go. Nodes with such pods are given up as others are.
    #[test]
    fn pods_that_spread_over_zones_are_consolidated_too() {
        if !data::folder().join("ec2_us-east-1.csv.gz").exists() {
            eprintln!("skipped: no outside data at {}", data::folder().display());
            return;
        }
        let mut prices = catalogue::prices().unwrap();
        for row in &mut prices.rows {
            row.zones = ZONES.map(str::to_owned).to_vec();
        }
        let offers = Catalogue::up_to(64).offers(&prices);
        let shapes = Source::K8smix.draw(2000, 21).unwrap();
        let mut waiting = snapshot::waiting(&shapes, offers);
        spread(&mut waiting, 33);
        let mut packed = Running::new(waiting, eager(0));
        packed.cycle().unwrap();
        packed.pass(Span::from_secs(86_400));
        halve(&mut packed, 21);
        let bound = bound(&packed);
        let rest = consolidate(packed, bound, 0.002).unwrap();
        println!("{rest:?}");
        assert!(rest.gap < 20.0, "{rest:?}");
        assert!(rest.evictions <= 600, "{rest:?}");
    }
}
