//! `plimsoll policy`.

use crate::exit::Exit;

/// Arguments of `policy`.
#[derive(clap::Args)]
pub(crate) struct Args {}

/// Runs the verb.
pub(crate) fn run(_args: Args) -> anyhow::Result<Exit> {
    anyhow::bail!("policy is not part of this build")
}
