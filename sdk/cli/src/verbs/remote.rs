//! The verbs that speak to a running daemon: get, watch, pause, resume, mode, whatif, and explain --server.
//!
//! Not here: anything about the daemon's answers but how they are shown.

mod client;
mod explain;
mod get;
mod levers;
mod policies;
mod shown;
mod watch;
mod whatif;

use crate::exit::Exit;
pub(crate) use client::ServerArgs;
use client::{Remote, runtime};
pub(crate) use explain::show as show_explanation;
pub(crate) use policies::Args as PolicyArgs;

/// The verbs; flattened into the command line.
#[derive(clap::Subcommand)]
pub(crate) enum Args {
    /// Show what a daemon sees: summary, groups, offers, nodes, pods, workloads, policies or cycles.
    Get(get::Args),
    /// Show every cycle of a daemon as it ends, with its decisions and their reasons.
    Watch(watch::Args),
    /// Pull the kill switch: within a second no effect begins.
    Pause(levers::PauseArgs),
    /// Release the kill switch.
    Resume(levers::ResumeArgs),
    /// Let a daemon act, or only observe: the cluster, a group, a workload or a hook.
    Mode(levers::ModeArgs),
    /// Ask a daemon what it would do if pods, replicas, nodes or prices were different.
    Whatif(whatif::Args),
}

/// Runs one of the verbs.
pub(crate) fn run(args: Args) -> anyhow::Result<Exit> {
    let runtime = runtime()?;
    let done = match args {
        Args::Get(args) => runtime.block_on(get::run(args)),
        Args::Watch(args) => runtime.block_on(watch::run(args)),
        Args::Pause(args) => runtime.block_on(levers::pause(args)),
        Args::Resume(args) => runtime.block_on(levers::resume(args)),
        Args::Mode(args) => runtime.block_on(levers::mode(args)),
        Args::Whatif(args) => runtime.block_on(whatif::run(args)),
    };
    client::ended(done)
}

/// The life of a policy in a running daemon.
pub(crate) fn policy(args: PolicyArgs) -> anyhow::Result<Exit> {
    client::ended(runtime()?.block_on(policies::run(args)))
}

/// `explain --server`.
pub(crate) fn explain(args: &super::explain::Args) -> anyhow::Result<Exit> {
    client::ended(runtime()?.block_on(explain::run(args)))
}
