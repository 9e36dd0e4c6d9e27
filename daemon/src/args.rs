//! Arguments of `plimsolld`.

use clap::Parser;
use std::path::PathBuf;

/// Watches a cluster, decides what it should be, and carries out what may be done.
///
/// Exit codes: 0 ended as asked; 2 wrong usage or configuration; 3 failed.
#[derive(Parser, Debug)]
#[command(name = "plimsolld", version)]
pub(crate) struct Args {
    /// Configuration, YAML; every field is documented in daemon/README.md.
    #[arg(long, value_name = "FILE", env = "PLIMSOLL_CONFIG")]
    pub(crate) config: PathBuf,
    /// Only read the configuration, say everything that is wrong with it, and end.
    #[arg(long)]
    pub(crate) check_config: bool,
    /// Simulated worlds: keep serving after the scenario has ended.
    #[arg(long)]
    pub(crate) keep: bool,
}

/// Reads the command line; ends the process where it is wrong.
pub(crate) fn read() -> Args {
    Args::parse()
}
