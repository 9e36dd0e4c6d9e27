//! `plimsoll plan`.

use crate::exit::Exit;

/// Arguments of `plan`.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// Runs the verb.
pub(crate) fn run(_args: Args) -> anyhow::Result<Exit> {
    anyhow::bail!("plan is not part of this build")
}
