//! `perf`: one table of what the engine costs and what its plans cost, on public traces and real prices.
//!
//! Figures are of `decide` alone, on one thread: folding included, reading files not. Every plan is checked from
//! scratch before its row is printed. Absolute times are this machine's.

#![expect(clippy::print_stdout, reason = "the table is the result")]

use anyhow::{Result, bail};
use clap::Parser;
use manifest::PriceList;
use model::{Aims, Memory, Snapshot};
use perf::catalogue::{self, Catalogue};
use perf::snapshot;
use perf::workload::{Shapes, Source};
use std::time::Instant;

/// Benchmarks of the engine.
#[derive(Parser)]
struct Args {
    /// Seeds of a row, from 41 on: none of them was used for tuning.
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// First seed.
    #[arg(long, default_value_t = 41)]
    from: u64,
    /// Only rows whose name holds this.
    #[arg(long, default_value = "")]
    only: String,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let prices = catalogue::prices()?;
    println!("| workload | classes | nodes | $/h | gap % mean [worst] | ms mean [worst] | pods/s |");
    println!("|---|---|---|---|---|---|---|");
    for row in rows() {
        let name = format!("{} {} {}", row.source.name(), row.pods, row.catalogue.name());
        if name.contains(&args.only) {
            report(&name, &row, &args, &prices)?;
        }
    }
    Ok(())
}

struct Row {
    source: Source,
    pods: usize,
    catalogue: Catalogue,
}

fn rows() -> Vec<Row> {
    let row = |source, pods, catalogue| Row {
        source,
        pods,
        catalogue,
    };
    let both = Catalogue {
        vcpu: i64::MAX,
        both: true,
    };
    let mut rows = Vec::new();
    for source in [Source::K8smix, Source::Ali2018, Source::Openb] {
        for catalogue in [Catalogue::up_to(16), Catalogue::up_to(64), Catalogue::all(), both] {
            // Pods of 16 vCPU do not fit beside a DaemonSet on a node of 16.
            if !(source == Source::Openb && catalogue.vcpu == 16) {
                rows.push(row(source, 5000, catalogue));
            }
        }
    }
    rows.push(row(Source::Openb, 5000, Catalogue::up_to(32)));
    rows.push(row(Source::Dlrm, 1000, Catalogue::up_to(192)));
    rows.push(row(Source::Dlrm, 1000, Catalogue::all()));
    for pods in [20, 60, 300, 1000] {
        rows.push(row(Source::K8smix, pods, Catalogue::up_to(16)));
    }
    rows.push(row(Source::K8smix, 1000, Catalogue::up_to(64)));
    for pods in [30_000, 100_000, 1_000_000] {
        rows.push(row(Source::K8smix, pods, Catalogue::up_to(64)));
    }
    rows.push(row(Source::Ali2018, 30_000, Catalogue::up_to(64)));
    rows
}

struct Figures {
    classes: usize,
    nodes: usize,
    dollars: f64,
    gap: f64,
    seconds: f64,
}

fn report(name: &str, row: &Row, args: &Args, prices: &PriceList) -> Result<()> {
    let offers = row.catalogue.offers(prices);
    let mut figures = Vec::new();
    for seed in args.from..args.from + args.seeds {
        let shapes = row.source.draw(row.pods, seed)?;
        let seen = snapshot::waiting(&shapes, offers.clone());
        figures.push(one(&seen, &shapes)?);
    }
    let mean = |of: &dyn Fn(&Figures) -> f64| {
        let many = u32::try_from(figures.len()).unwrap_or(u32::MAX);
        figures.iter().map(of).sum::<f64>() / f64::from(many.max(1))
    };
    let worst = |of: &dyn Fn(&Figures) -> f64| figures.iter().map(of).fold(0.0, f64::max);
    let count =
        |of: &dyn Fn(&Figures) -> usize| mean(&|f| f64::from(u32::try_from(of(f)).unwrap_or(u32::MAX)));
    let seconds = mean(&|f| f.seconds);
    println!(
        "| {name} | {:.0} | {:.0} | {:.2} | {:.2} [{:.2}] | {:.1} [{:.1}] | {:.0}k |",
        count(&|f| f.classes),
        count(&|f| f.nodes),
        mean(&|f| f.dollars),
        mean(&|f| f.gap),
        worst(&|f| f.gap),
        seconds * 1e3,
        worst(&|f| f.seconds) * 1e3,
        f64::from(u32::try_from(row.pods).unwrap_or(u32::MAX)) / seconds / 1e3,
    );
    Ok(())
}

fn one(seen: &Snapshot, shapes: &Shapes) -> Result<Figures> {
    let aims = Aims::default();
    let policies = decide::PolicySet::default();
    let memory = Memory::default();
    let began = Instant::now();
    let done = decide::deliberate(seen, &memory, &policies, &aims);
    let seconds = began.elapsed().as_secs_f64();
    let placed: usize = done.plan.nodes.iter().map(|node| node.pods.len()).sum();
    if placed != seen.pods.len() || !done.plan.refusals.is_empty() {
        bail!("{placed} of {} pods placed", seen.pods.len());
    }
    if let Some(flaw) = guard::audit(seen, &aims, &done.plan, &done.notes).first() {
        bail!("{flaw}");
    }
    Ok(Figures {
        classes: shapes.len(),
        nodes: done.plan.nodes.len(),
        dollars: done.plan.cost.rate.dollars(),
        gap: done.plan.cost.gap_percent(),
        seconds,
    })
}
