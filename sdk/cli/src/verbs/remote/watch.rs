//! `plimsoll watch`: every cycle as it ends.

use super::{Remote, ServerArgs, shown};
use crate::exit::Exit;
use crate::output::{Format, OutputArgs, json_line, line, say};
use proto::v1;
use tonic::Code;

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
    let remote = args.server.reach().await?;
    let mut left = args.cycles.unwrap_or(u64::MAX);
    while left > 0 {
        match follow(&remote, &args, &mut left).await {
            Err(error) if too_slow(&error) => say("some cycles were missed: this end was too slow"),
            other => {
                other?;
                return Ok(Exit::Done);
            }
        }
    }
    Ok(Exit::Done)
}

async fn follow(remote: &Remote, args: &Args, left: &mut u64) -> anyhow::Result<()> {
    let request = v1::WatchCyclesRequest {
        with_steps_only: args.steps,
    };
    let mut cycles = remote.query().watch_cycles(request).await?.into_inner();
    while *left > 0 {
        let Some(cycle) = cycles.message().await? else {
            return Ok(());
        };
        match args.output.output {
            Format::Json => json_line(&cycle)?,
            Format::Table => print(&cycle)?,
        }
        *left -= 1;
    }
    Ok(())
}

fn too_slow(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<tonic::Status>()
        .is_some_and(|status| status.code() == Code::DataLoss)
}

/// One head line, one line per step, one per fault, one for trouble.
fn print(cycle: &v1::Cycle) -> anyhow::Result<()> {
    line(format_args!(
        "#{} {}  {} nodes, {} pods, {} waiting, {}",
        cycle.number,
        shown::instant(cycle.at_millis),
        cycle.node_count,
        cycle.pod_count,
        cycle.pending,
        shown::rate(cycle.running_rate_nanos),
    ))?;
    for step in &cycle.steps {
        line(format_args!("  {}", shown::step(step)))?;
    }
    for call in cycle.calls.iter().filter(|call| !call.fault_code.is_empty()) {
        let fault = format!("  fault   policy {} ({}): {}", call.policy, call.hook, call.fault);
        line(shown::plain(&fault))?;
    }
    if !cycle.trouble.is_empty() {
        line(format_args!("  trouble {}", shown::plain(&cycle.trouble)))?;
    }
    Ok(())
}
