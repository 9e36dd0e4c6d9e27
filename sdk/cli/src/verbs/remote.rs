//! The verbs that speak to a running daemon: get, watch, pause, resume, whatif, and explain --server.

use crate::exit::Exit;

/// The verbs; flattened into the command line.
#[derive(clap::Subcommand)]
pub(crate) enum Args {
    /// List groups, offers, nodes, pods, workloads, policies or cycles of a daemon.
    Get {},
}

/// Runs one of the verbs.
pub(crate) fn run(_args: Args) -> anyhow::Result<Exit> {
    anyhow::bail!("get is not part of this build")
}

/// `explain --server`.
pub(crate) fn explain(_args: &super::explain::Args, _server: &str) -> anyhow::Result<Exit> {
    anyhow::bail!("explain --server is not part of this build")
}
