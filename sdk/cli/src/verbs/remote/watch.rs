//! `plimsoll watch`: every cycle as it ends, until nobody reads on. Connections may break meanwhile.

use super::ServerArgs;
use super::shown::{self, plain};
use crate::exit::Exit;
use crate::output::{Format, OutputArgs, is_closed, json_line, line, say};
use model::Counted;
use proto::v1;
use std::error::Error;
use std::time::{Duration, Instant};
use tonic::{Code, Status, Streaming};

/// Before watching again, more each time that brought nothing …
const REST: Duration = Duration::from_millis(250);
/// … until it is given up.
const MOST_IN_VAIN: u32 = 20;
/// For a daemon that does not answer any more, such as one that is being replaced.
const PATIENCE: Duration = Duration::from_mins(2);
const BETWEEN_TRIES: Duration = Duration::from_secs(2);

/// Arguments of `watch`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Only cycles that decided something.
    #[arg(long)]
    steps: bool,
    /// End after this many cycles.
    #[arg(long, value_name = "N")]
    cycles: Option<u64>,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<Exit> {
    let mut left = args.cycles.unwrap_or(u64::MAX);
    let mut cycles = open(&args).await?;
    let mut in_vain = 0;
    while left > 0 && !is_closed() {
        let ended = match cycles.message().await {
            Ok(Some(cycle)) => {
                match args.output.output {
                    Format::Json => json_line(&cycle)?,
                    Format::Table => print(&cycle)?,
                }
                left -= 1;
                in_vain = 0;
                continue;
            }
            Ok(None) => "the daemon ended the stream".to_owned(),
            Err(status) if status.code() == Code::DataLoss => {
                "some cycles were missed: this end was too slow".to_owned()
            }
            Err(status) if in_vain < MOST_IN_VAIN && is_cut(&status) => {
                format!("the connection ended: {}", status.message())
            }
            Err(status) => return Err(status.into()),
        };
        // The daemon ends old connections, and is restarted now and then.
        say(format_args!("{}; watching again", plain(&ended)));
        in_vain += 1;
        tokio::time::sleep(REST * in_vain).await;
        cycles = again(&args).await?;
    }
    Ok(Exit::Done)
}

async fn open(args: &Args) -> anyhow::Result<Streaming<v1::Cycle>> {
    let request = v1::WatchCyclesRequest {
        with_steps_only: args.steps,
    };
    let remote = args.server.reach().await?;
    Ok(remote.query().watch_cycles(request).await?.into_inner())
}

/// Opens the stream once more, with patience for a daemon that is just starting.
async fn again(args: &Args) -> anyhow::Result<Streaming<v1::Cycle>> {
    let begun = Instant::now();
    loop {
        match open(args).await {
            Err(error) if begun.elapsed() < PATIENCE && passes(&error) => {
                tokio::time::sleep(BETWEEN_TRIES).await;
            }
            opened => return opened,
        }
    }
}

fn passes(error: &anyhow::Error) -> bool {
    match error.downcast_ref::<Status>() {
        Some(status) => is_cut(status),
        // Nobody answers; or the address, or a file, is no good.
        None => Exit::of(error) != Exit::Usage,
    }
}

/// Whether the connection broke, or the daemon was about to go or to come. What the daemon itself answers has no cause
/// on this side.
fn is_cut(status: &Status) -> bool {
    status.source().is_some() || matches!(status.code(), Code::Unavailable | Code::Cancelled)
}

/// One head line, one line per step, one per fault, one for trouble.
fn print(cycle: &v1::Cycle) -> anyhow::Result<()> {
    line(format_args!(
        "#{} {}  {}, {}, {} waiting, {}",
        cycle.number,
        shown::instant(cycle.at_millis),
        Counted(cycle.node_count, "node"),
        Counted(cycle.pod_count, "pod"),
        cycle.pending,
        shown::rate(cycle.running_rate_nanos),
    ))?;
    for loosening in &cycle.loosened {
        line(format_args!("  aims    {}", plain(loosening)))?;
    }
    for step in &cycle.steps {
        line(format_args!("  {}", shown::step(step)))?;
    }
    for call in cycle.calls.iter().filter(|call| !call.fault_code.is_empty()) {
        let fault = format!("  fault   policy {} ({}): {}", call.policy, call.hook, call.fault);
        line(plain(&fault))?;
    }
    if !cycle.trouble.is_empty() {
        line(format_args!("  trouble {}", plain(&cycle.trouble)))?;
    }
    Ok(())
}
