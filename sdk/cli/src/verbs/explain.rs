//! `plimsoll explain`: why a pod, node, group, workload or step is as it is, from a log or from a daemon.

use crate::exit::Exit;
use crate::output::OutputArgs;
use clap::ValueEnum;
use std::path::{Path, PathBuf};

/// Arguments of `explain`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What kind of thing.
    #[arg(value_enum)]
    pub(crate) kind: Kind,
    /// Its name: `ns/name` for pods, `kind/ns/name` for workloads, `cycle.ordinal` for steps.
    pub(crate) name: String,
    /// A log of cycle records: a segment file or a folder of them.
    #[arg(
        long,
        value_name = "PATH",
        required_unless_present = "server",
        conflicts_with = "server"
    )]
    pub(crate) log: Option<PathBuf>,
    /// Address of a running daemon, `127.0.0.1:7443`.
    #[arg(long, value_name = "ADDR", env = "PLIMSOLL_SERVER")]
    pub(crate) server: Option<String>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What can be explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// A pod.
    Pod,
    /// A node.
    Node,
    /// A group.
    Group,
    /// A workload.
    Workload,
    /// A step of a plan.
    Step,
}

/// Runs the verb.
pub(crate) fn run(args: Args) -> anyhow::Result<Exit> {
    match (&args.log, &args.server) {
        (Some(log), _) => from_log(&args, log),
        (None, Some(server)) => super::remote::explain(&args, server),
        (None, None) => anyhow::bail!("--log or --server is wanted"),
    }
}

fn from_log(_args: &Args, _log: &Path) -> anyhow::Result<Exit> {
    anyhow::bail!("explain --log is not part of this build")
}
