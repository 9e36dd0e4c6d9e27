//! `referee`: runs generated cases past kube-scheduler and prints a table. Exits with 1 where we would admit what it
//! rejects.

use anyhow::Result;
use clap::{Parser, Subcommand};
use manifest::PriceList;
use referee::generate::{self, Mix, SMALL, SOME_TO_BUY};
use referee::rest;
use referee::run::{Order, run};
use referee::scheduler::Scheduler;
use std::path::PathBuf;
use std::process::ExitCode;

/// Holds Plimsoll's filters and plans against kube-scheduler's own filters.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true)]
struct Args {
    #[command(subcommand)]
    command: Option<Command>,
    /// Cases of each mix.
    #[arg(long, default_value_t = 10_000)]
    cases: u64,
    /// One mix; all without it.
    #[arg(long)]
    mix: Option<Mix>,
    /// Of the generator.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of the first case.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Leaves the plans for the cases out.
    #[arg(long)]
    no_plans: bool,
    /// Prints the cases instead of judging them.
    #[arg(long)]
    show: bool,
    /// Lets plans buy nodes in several zones, for larger cases.
    #[arg(long)]
    offers: bool,
    /// Cases that the scheduler judges at the same time.
    #[arg(short, long, default_value_t = 1)]
    jobs: usize,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plans for clusters as they are found on AWS, makes the plan true and plans again.
    Rest(Rest),
    /// Holds the bound that plans for tiny clusters print against the cheapest placement that another solver finds.
    Bound(Bound),
    /// Scales half of the workloads of clusters at rest down, carries out what plans remove, and probes the nodes that are
    /// left: kube-scheduler would have let none of them empty.
    Emptied(Emptied),
}

#[derive(Debug, clap::Args)]
struct Emptied {
    /// Clusters.
    #[arg(long, default_value_t = 1000)]
    cases: u64,
    /// Of the generator.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of the first cluster.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Small clusters.
    #[arg(long)]
    tiny: bool,
    /// Holds evictions against the fewest that save as much, where the cluster is small enough.
    #[arg(long)]
    fewest: bool,
    /// Failing clusters, each of a sort of its own, that are made small and printed.
    #[arg(long, default_value_t = 0)]
    small: usize,
    /// Makes only those small whose kind or sort contains this.
    #[arg(long, default_value = "")]
    about: String,
    /// Folder to write those to as well.
    #[arg(long)]
    save: Option<PathBuf>,
}

#[expect(clippy::print_stdout, reason = "the table")]
fn empty(args: &Emptied) -> Result<ExitCode> {
    let mut scheduler = Scheduler::start(1)?;
    let order = rest::emptied::run::Order {
        size: if args.tiny { rest::TINY } else { rest::USUAL },
        seed: args.seed,
        from: args.from,
        cases: args.cases,
        counts: args.fewest,
        kept: args.small,
        about: args.about.clone(),
    };
    let tally = rest::emptied::run::run(&order, &mut scheduler)?;
    println!("{tally}");
    if let Some(folder) = &args.save {
        std::fs::create_dir_all(folder)?;
        for small in &tally.small {
            let file = folder.join(format!("emptied-{}-{}.json", args.seed, small.number));
            std::fs::write(file, serde_json::to_vec_pretty(&small.world.shown())?)?;
        }
    }
    Ok(if tally.failing.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[derive(Debug, clap::Args)]
struct Bound {
    /// Clusters.
    #[arg(long, default_value_t = 2000)]
    cases: u64,
    /// Of the generator.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of the first cluster.
    #[arg(long, default_value_t = 0)]
    from: u64,
}

#[expect(clippy::print_stdout, reason = "the table")]
fn hold_bounds(args: &Bound) -> Result<ExitCode> {
    let mut scheduler = Scheduler::start(1)?;
    let tally = rest::bound::run(args.seed, args.from..args.from + args.cases, &mut scheduler)?;
    println!("{tally}");
    Ok(if tally.wrong.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[derive(Debug, clap::Args)]
struct Rest {
    /// Clusters.
    #[arg(long, default_value_t = 1000)]
    cases: u64,
    /// Of the generator.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Number of the first cluster.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Failing clusters, each of a sort of its own, that are made small and printed.
    #[arg(long, default_value_t = 1)]
    small: usize,
    /// Makes only those small whose kind or sort contains this.
    #[arg(long, default_value = "")]
    about: String,
    /// Folder to write those to as well.
    #[arg(long)]
    save: Option<PathBuf>,
    /// Prints the clusters instead of judging them.
    #[arg(long)]
    show: bool,
}

#[expect(clippy::print_stdout, reason = "the table")]
fn come_to_rest(args: &Rest) -> Result<ExitCode> {
    if args.show {
        for number in args.from..args.from + args.cases {
            println!("{}", rest::world(rest::USUAL, args.seed, number).shown());
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut scheduler = Scheduler::start(1)?;
    let order = rest::run::Order {
        seed: args.seed,
        from: args.from,
        cases: args.cases,
        kept: args.small,
        about: args.about.clone(),
    };
    let tally = rest::run::run(&order, &mut scheduler)?;
    println!("{tally}");
    if let Some(folder) = &args.save {
        std::fs::create_dir_all(folder)?;
        for small in &tally.small {
            let file = folder.join(format!("rest-{}-{}.json", args.seed, small.number));
            std::fs::write(file, serde_json::to_vec_pretty(&small.world.shown())?)?;
        }
    }
    Ok(if tally.failing.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[expect(clippy::print_stdout, reason = "the table")]
fn main() -> Result<ExitCode> {
    let args = Args::parse();
    match &args.command {
        Some(Command::Rest(rest)) => return come_to_rest(rest),
        Some(Command::Bound(bound)) => return hold_bounds(bound),
        Some(Command::Emptied(emptied)) => return empty(emptied),
        None => {}
    }
    let mixes = args.mix.map_or_else(|| Mix::ALL.to_vec(), |mix| vec![mix]);
    let size = if args.offers { SOME_TO_BUY } else { SMALL };
    if args.show {
        for mix in mixes {
            for number in args.from..args.from + args.cases {
                let case = generate::case(mix, size, args.seed, number);
                println!("{}", serde_json::to_string(&case)?);
            }
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut scheduler = Scheduler::start(args.jobs)?;
    let mut admitting = 0;
    for mix in mixes {
        let order = Order {
            mix,
            size,
            seed: args.seed,
            from: args.from,
            cases: args.cases,
            plans: !args.no_plans,
            prices: if args.offers {
                generate::for_sale()?
            } else {
                PriceList::default()
            },
        };
        let tally = run(&order, &mut scheduler, |_| {})?;
        println!("{mix}, seed {}", args.seed);
        println!("{tally}");
        admitting += tally.admitting();
    }
    Ok(if admitting == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
