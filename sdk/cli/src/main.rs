//! `plimsoll`, the command line: reads files or asks a daemon, prints, and says how it went by its exit code.
//!
//! One verb per module in `verbs`. Not here: decisions (they are `decide`'s), parsing (`manifest`'s).

mod engine;
mod exit;
mod input;
mod output;
mod policies;
mod verbs;

use clap::{CommandFactory, Parser, Subcommand};
use mimalloc::MiMalloc;
use std::process::ExitCode;

/// The same as the daemon has: a plan takes here what it takes there.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Plans, simulates, replays and explains Kubernetes capacity on AWS.
///
/// Exit codes: 0 done; 1 the answer is no (refusals, a difference, a failed check); 2 wrong usage or
/// unreadable input; 3 the daemon failed or a policy faulted at run time.
#[derive(Parser)]
#[command(
    name = "plimsoll",
    version,
    propagate_version = true,
    arg_required_else_help = true
)]
struct Cli {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// Plan the cheapest nodes for the pods of a cluster's manifests.
    Plan(verbs::plan::Args),
    /// Play a scenario on the simulated cluster and print its scorecard.
    Simulate(verbs::simulate::Args),
    /// Serve pretend surroundings to try things on.
    Sim(verbs::sim::Args),
    /// Decide a recorded log again and compare with what was recorded.
    Replay(verbs::replay::Args),
    /// Tell why a pod, node, group, workload or step is as it is.
    Explain(verbs::explain::Args),
    /// Size pods for Fargate, and write the profiles that take them there.
    Fargate(verbs::fargate::Args),
    /// Write the IAM policies that the daemon needs.
    Iam(verbs::iam::Args),
    /// Tell what the guard allows, and what a fully malicious policy could cost.
    Limits(verbs::limits::Args),
    /// Make, build, check and test policies.
    Policy(verbs::policy::Args),
    #[command(flatten)]
    Remote(verbs::remote::Args),
    /// Print a completion script for a shell.
    Completions {
        /// The shell.
        shell: clap_complete::Shell,
    },
}

fn main() -> ExitCode {
    // Started by ourselves to compile one policy: nothing else begins.
    if let Some(compiled) = host::as_compiler() {
        return compiled;
    }
    let verb = Cli::parse().verb;
    let done = match verb {
        Verb::Plan(args) => verbs::plan::run(&args),
        Verb::Simulate(args) => verbs::simulate::run(&args),
        Verb::Sim(args) => verbs::sim::run(&args),
        Verb::Replay(args) => verbs::replay::run(&args),
        Verb::Explain(args) => verbs::explain::run(&args),
        Verb::Fargate(args) => verbs::fargate::run(&args),
        Verb::Iam(args) => verbs::iam::run(&args),
        Verb::Limits(args) => verbs::limits::run(&args),
        Verb::Policy(args) => verbs::policy::run(args),
        Verb::Remote(args) => verbs::remote::run(args),
        Verb::Completions { shell } => completions(shell),
    };
    let exit = done.unwrap_or_else(|error| {
        output::complain(&error);
        exit::Exit::of(&error)
    });
    ExitCode::from(exit.code())
}

/// Writes into memory first: the generator panics on a closed pipe.
fn completions(shell: clap_complete::Shell) -> anyhow::Result<exit::Exit> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "plimsoll", &mut script);
    output::bytes(&script)?;
    Ok(exit::Exit::Done)
}
