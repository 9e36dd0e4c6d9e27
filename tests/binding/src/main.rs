//! `binding`: mixed pods, the nodes of one plan, and the share that the real kube-scheduler makes run: nominated, left
//! alone, and with the slack that makes up for that. Exits with 1 where nominations miss the wanted share.

use binding::halved::{self, Halved};
use binding::mix;
use binding::slack::{self, WANTED};
use binding::trial::{Outcomes, Setup, Way, run};
use clap::{Parser, Subcommand};
use plimsoll_tests::Result;
use std::process::ExitCode;

/// Lets the real kube-scheduler realise a plan.
#[derive(Debug, Parser)]
struct Args {
    #[command(subcommand)]
    verb: Option<Verb>,
    /// Pods.
    #[arg(long, default_value_t = 2000)]
    pods: usize,
    /// Of their shapes.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Leaves the search for the slack out.
    #[arg(long)]
    no_slack: bool,
    /// Only the nominated trials.
    #[arg(long)]
    only_nominated: bool,
    /// Nominated trials, each on a control plane of its own.
    #[arg(long, default_value_t = 1)]
    runs: usize,
}

/// Something else than what becomes of one plan.
#[derive(Debug, Subcommand)]
enum Verb {
    /// Half of all replicas go, and the daemon gives back what it can: $/h and evictions over time.
    Halved(Halved),
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the table")]
async fn main() -> Result<ExitCode> {
    let args = Args::parse();
    if let Some(Verb::Halved(halved)) = &args.verb {
        return Box::pin(halved::run(halved)).await;
    }
    let apps = mix::apps(args.pods, args.seed)?;
    println!(
        "{} pods of k8smix (synthetic) in {} ReplicaSets, seed {}",
        args.pods,
        apps.len(),
        args.seed
    );
    for (rule, pods) in mix::shares(&apps) {
        println!("  {}: {pods}", rule.name());
    }
    let setup = Setup {
        pods: args.pods,
        seed: args.seed,
        slack: 0,
        way: Way::Nominated,
    };
    let mut reached = true;
    for _ in 0..args.runs {
        let nominated = run(&setup).await?;
        tell("nominated", &nominated);
        reached &= nominated.permille() >= WANTED;
    }
    if !args.only_nominated {
        let way = Way::LeftAlone;
        let alone = run(&Setup { way, ..setup }).await?;
        tell("left alone", &alone);
        if !args.no_slack {
            let on_step =
                |slack: i64, told: &Outcomes| tell(&format!("left alone, {} % slack", tenth(slack)), told);
            match slack::find(&setup, on_step).await? {
                Some((slack, told)) => {
                    let more = told.rate.dollars() - alone.rate.dollars();
                    let percent = more * 100.0 / alone.rate.dollars();
                    println!(
                        "slack of {} % costs {more:.2} $/h more, {percent:.1} %",
                        tenth(slack)
                    );
                }
                None => println!("no slack that was tried is enough"),
            }
        }
    }
    Ok(if reached {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Thousandths as percent.
fn tenth(permille: i64) -> String {
    format!("{}.{}", permille / 10, permille % 10)
}

#[expect(clippy::print_stdout, reason = "a row")]
fn tell(name: &str, told: &Outcomes) {
    println!(
        "{name}: {} of {} run ({:.2} %) on {} nodes, {:.2} $/h, gap {:.2} %; {} nominations and {} again, {} where \
         nominated; bound in {:.1} s, open in {:.1} s",
        told.running,
        told.pods,
        percent(told.running, told.pods),
        told.nodes,
        told.rate.dollars(),
        told.gap,
        told.nominations,
        told.again,
        told.as_nominated,
        told.binding.as_secs_f32(),
        told.opened.as_secs_f32(),
    );
    for (rule, pods) in &told.elsewhere {
        println!("    elsewhere than nominated, {}: {pods}", rule.name());
    }
    for why in &told.waits {
        println!("    {why}");
    }
}

#[expect(clippy::cast_precision_loss, reason = "for reading")]
fn percent(part: usize, of: usize) -> f64 {
    // Cut, never rounded up.
    (part as f64 * 10_000.0 / of.max(1) as f64).floor() / 100.0
}
