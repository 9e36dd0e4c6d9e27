//! `plimsoll replay`.

use crate::exit::Exit;

/// Arguments of `replay`.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// Runs the verb.
pub(crate) fn run(_args: Args) -> anyhow::Result<Exit> {
    anyhow::bail!("replay is not part of this build")
}
