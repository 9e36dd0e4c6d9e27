//! `perf`: one table of what the engine costs and what its plans cost, on public traces and real prices.
//!
//! Figures are of `decide` alone: folding included, reading files not. Every plan is checked from scratch before its
//! row is printed. Absolute times are this machine's. What the rows are is told by `perf::suite`.

#![expect(clippy::print_stdout, reason = "the table is the result")]

use anyhow::{Context, Result, bail};
use clap::{Parser, Subcommand, ValueEnum};
use indicatif::ProgressBar;
use mimalloc::MiMalloc;
use perf::draw;
use perf::growth::Axis;
use perf::suite::{self, Figures, Part, Row, Seeds};
use perf::table;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::time::Duration;

/// What ships has it as well; `allocations` counts how often it is asked.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Benchmarks of the engine.
#[derive(Parser)]
struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// Seeds of rows that draw their pods, from 41 on: none of them was used for tuning.
    #[arg(long, default_value_t = 5)]
    seeds: u64,
    /// First seed.
    #[arg(long, default_value_t = 41)]
    from: u64,
    /// Only rows whose name holds this.
    #[arg(long, default_value = "")]
    only: String,
    /// How the rows are printed.
    #[arg(short, long, value_enum, default_value_t = Output::Table)]
    output: Output,
}

/// Something else than the table.
#[derive(Subcommand)]
enum Verb {
    /// Runs one row in this very process and prints its figures.
    Row {
        /// Its name.
        name: String,
    },
    /// Measures growth and draws it.
    Draw {
        /// Folder of the plots.
        #[arg(long, default_value = "docs")]
        into: PathBuf,
    },
    /// After half of the pods are gone: cost against evictions at rest.
    Halved(perf::halved::Halved),
    /// Scenario S2, a day of rising and falling demand: cost against evictions.
    Day(perf::day::Day),
    /// Namespaces whose owner means harm: what a cycle takes beside them, and what they cost.
    Hostile(perf::hostile::Hostile),
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Output {
    Table,
    Json,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let seeds = Seeds {
        from: args.from,
        many: args.seeds,
    };
    match &args.verb {
        Some(Verb::Row { name }) => {
            println!("{}", serde_json::to_string(&suite::run(name, seeds)?)?);
            Ok(ExitCode::SUCCESS)
        }
        Some(Verb::Draw { into }) => drawn(into, seeds),
        Some(Verb::Halved(halved)) => perf::halved::run(halved).map(|()| ExitCode::SUCCESS),
        Some(Verb::Day(day)) => perf::day::run(day).map(|()| ExitCode::SUCCESS),
        Some(Verb::Hostile(hostile)) => perf::hostile::run(hostile).map(|()| ExitCode::SUCCESS),
        None => tabled(&args, seeds),
    }
}

fn tabled(args: &Args, seeds: Seeds) -> Result<ExitCode> {
    let mut rows = suite::rows();
    rows.retain(|row| row.name.contains(&args.only) && row.part != Part::Growth);
    if rows.is_empty() {
        bail!("no row is called {}", args.only);
    }
    rows.sort_by_key(|row| row.part);
    let mut part = None;
    let mut failed = 0;
    for (at, row) in rows.iter().enumerate() {
        let figures = awaited(&format!("{}/{} {}", at + 1, rows.len(), row.name), || {
            in_own_process(row, seeds)
        });
        if args.output == Output::Table && part != Some(row.part) {
            println!("{}", table::heading(row.part));
            part = Some(row.part);
        }
        match figures {
            Ok(figures) if args.output == Output::Json => println!("{}", table::json(row, &figures)),
            Ok(figures) => println!("{}", table::line(row, &figures)),
            Err(error) => {
                println!("| {}: **{error:#}** |", row.name);
                failed += 1;
            }
        }
    }
    Ok(ExitCode::from(u8::from(failed > 0)))
}

fn drawn(into: &Path, seeds: Seeds) -> Result<ExitCode> {
    let mut found: BTreeMap<String, Figures> = BTreeMap::new();
    for row in suite::rows().iter().filter(|row| row.part == Part::Growth) {
        let figures = awaited(&row.name, || in_own_process(row, seeds))?;
        println!("{}", table::line(row, &figures));
        found.insert(row.name.clone(), figures);
    }
    draw::growth(&into.join("growth.svg"), &|axis: Axis, point| {
        found.get(&axis.row(point)).cloned()
    })?;
    Ok(ExitCode::SUCCESS)
}

fn awaited<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let progress = ProgressBar::new_spinner();
    progress.enable_steady_tick(Duration::from_millis(200));
    progress.set_message(what.to_owned());
    let done = work();
    progress.finish_and_clear();
    done
}

fn in_own_process(row: &Row, seeds: Seeds) -> Result<Figures> {
    let ours = std::env::current_exe()?;
    let mut figures = run(&ours, row, seeds)?;
    // Counting takes time: a run of its own, of the first seed.
    let first = Seeds { many: 1, ..seeds };
    let counted = run(&ours.with_file_name("allocations"), row, first)?;
    let asks = counted.tries.first().map_or(0, |one| one.taken.allocations);
    for one in &mut figures.tries {
        one.taken.allocations = asks;
    }
    Ok(figures)
}

fn run(program: &Path, row: &Row, seeds: Seeds) -> Result<Figures> {
    let done = Command::new(program)
        .args(["--from", &seeds.from.to_string()])
        .args(["--seeds", &seeds.many.to_string()])
        .args(["row", &row.name])
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{} (built beside perf by `make bench`)", program.display()))?;
    if !done.status.success() {
        bail!("{}", String::from_utf8_lossy(&done.stderr).trim());
    }
    serde_json::from_slice(&done.stdout).context("figures of a row")
}
