//! `plimsoll fargate`: what pods would be billed there, and the profiles that take them there.
//!
//! Offline. Whether Fargate is cheaper than nodes is `plan`'s to say.

mod profiles;
mod size;
mod written;

use crate::exit::Exit;
use clap::Subcommand;

/// Arguments of `fargate`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Tell what each workload would be billed on Fargate, what of it is wasted, or why Fargate does not run it.
    Size(size::Args),
    /// Write Fargate profiles that take the pods which Plimsoll labels at admission.
    Profiles(profiles::Args),
}

/// Runs the verb.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    match &args.what {
        What::Size(args) => size::run(args),
        What::Profiles(args) => profiles::run(args),
    }
}
