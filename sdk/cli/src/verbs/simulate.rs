//! `plimsoll simulate`.

use crate::exit::Exit;

/// Arguments of `simulate`.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// Runs the verb.
pub(crate) fn run(_args: Args) -> anyhow::Result<Exit> {
    anyhow::bail!("simulate is not part of this build")
}
