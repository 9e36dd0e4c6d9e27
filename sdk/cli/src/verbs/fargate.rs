//! `plimsoll fargate`: what pods would be billed there, what they would cost on nodes instead, and the profiles that
//! take them there.
//!
//! Offline. Where each pod is to go now, beside nodes that run, is `plan`'s to say.

mod compare;
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
    /// Tell what all pods, or tasks of ECS, would cost on EC2, on Fargate and on both.
    Compare(compare::Args),
    /// Write Fargate profiles that take the pods which Plimsoll labels at admission.
    Profiles(profiles::Args),
}

/// Runs the verb.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    match &args.what {
        What::Size(args) => size::run(args),
        What::Compare(args) => compare::run(args),
        What::Profiles(args) => profiles::run(args),
    }
}
