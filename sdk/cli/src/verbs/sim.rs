//! `plimsoll sim aws`: a pretend AWS account on the wire, to point the daemon, the AWS command line or tests at.
//!
//! Reads the account's file and serves until it is told to end. What happens in it is the room `sim-aws`'s.

use crate::exit::{Exit, Unreadable};
use crate::input;
use anyhow::Context;
use clap::{Subcommand, ValueEnum};
use sim_aws::{Clock, Facade, Settings};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// Arguments of `sim`.
#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Serve a pretend AWS account: point AWS_ENDPOINT_URL at it.
    Aws(AwsArgs),
}

#[derive(clap::Args)]
struct AwsArgs {
    /// Where to listen; port 0 takes a free one. Nobody is asked who they are: keep it on loopback.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:4566")]
    listen: SocketAddr,
    /// What is in the account: YAML, or `-` for stdin. Without it: an empty one.
    #[arg(long, value_name = "FILE.yaml")]
    account: Option<PathBuf>,
    /// Another seed than the account's.
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Whose time it is.
    #[arg(long, value_enum, default_value_t = ClockArg::Wall)]
    clock: ClockArg,
    /// How many times as fast as the machine's the wall clock runs.
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    speed: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum ClockArg {
    /// The machine's.
    Wall,
    /// Moved by requests to /_plimsoll/advance?seconds=N.
    Virtual,
}

/// Runs the verb.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    let What::Aws(args) = &args.what;
    let settings = read(args)?;
    let clock = match args.clock {
        ClockArg::Wall => Clock::Wall { speed: args.speed },
        ClockArg::Virtual => Clock::Virtual,
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("no runtime")?;
    runtime.block_on(serve(settings, args.listen, clock))
}

fn read(args: &AwsArgs) -> anyhow::Result<Settings> {
    let mut settings = match &args.account {
        None => Settings::default(),
        Some(path) => {
            let bytes = input::read(path)?;
            let folder = path.parent().unwrap_or_else(|| Path::new(""));
            let fetch = |named: &str| input::read(&folder.join(named)).map_err(|error| format!("{error:#}"));
            Settings::read(&input::name(path), &bytes, &fetch).map_err(Unreadable::new)?
        }
    };
    settings.seed = args.seed.unwrap_or(settings.seed);
    Ok(settings)
}

async fn serve(settings: Settings, at: SocketAddr, clock: Clock) -> anyhow::Result<Exit> {
    let region = settings.region.clone();
    let mut facade = Facade::start(settings, at, clock)
        .await
        .map_err(Unreadable::new)?;
    let mut out = std::io::stdout();
    // Whoever waits for this line may have gone.
    let _ = writeln!(
        out,
        "export AWS_ENDPOINT_URL={} AWS_REGION={region} AWS_ACCESS_KEY_ID=x AWS_SECRET_ACCESS_KEY=x",
        facade.url
    );
    let _ = out.flush();
    let _ = writeln!(
        std::io::stderr(),
        "serving until ctrl-c; what is in it: {}/_plimsoll/state",
        facade.url
    );
    tokio::select! {
        () = facade.ended() => anyhow::bail!("the listener ended"),
        _ = tokio::signal::ctrl_c() => Ok(Exit::Done),
    }
}
