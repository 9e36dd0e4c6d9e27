//! `plimsoll policy load`, `mode`, `rollback` and `compare`: the life of a policy in a running daemon.

use super::{ServerArgs, shown};
use crate::exit::{Exit, Unreadable};
use crate::input;
use crate::output::{Format, OutputArgs, Progress, json, line, table};
use clap::{Subcommand, ValueEnum};
use proto::v1;
use std::path::PathBuf;

/// Bytes of a component in one message.
const PIECE: usize = 512 << 10;

/// The verbs; flattened into `policy`.
#[derive(Subcommand)]
pub(crate) enum Args {
    /// Hand a component to a running daemon: it runs in shadow, is recorded and counts for nothing.
    Load(LoadArgs),
    /// Put a policy of a running daemon into shadow, canary or enforce; a restart keeps it there.
    Mode(ModeArgs),
    /// Take the component of a policy back: it has no say from the next cycle on, the one before it comes back.
    Rollback(RollbackArgs),
    /// Show what a policy changes, in steps and in money: the last cycles decided with it and without it.
    Compare(CompareArgs),
}

/// Arguments of `policy load`.
#[derive(clap::Args)]
pub(crate) struct LoadArgs {
    /// The component.
    #[arg(value_name = "FILE.wasm")]
    component: PathBuf,
    /// Name of the policy; default: the file's, without `.wasm`.
    #[arg(long)]
    name: Option<String>,
    /// Its configuration, JSON.
    #[arg(long, value_name = "FILE.json")]
    config: Option<PathBuf>,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Arguments of `policy mode`.
#[derive(clap::Args)]
pub(crate) struct ModeArgs {
    /// The policy.
    name: String,
    /// The mode.
    #[arg(value_enum)]
    mode: Stage,
    /// Only if this is the component that is loaded now (SHA-256, hexadecimal).
    #[arg(long, value_name = "SHA256", default_value = "")]
    digest: String,
    /// Reason, kept with the mode.
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum Stage {
    /// Runs, is recorded, counts for nothing.
    Shadow,
    /// Counts for the groups and namespaces of its configuration.
    Canary,
    /// Counts.
    Enforce,
}

/// Arguments of `policy rollback`.
#[derive(clap::Args)]
pub(crate) struct RollbackArgs {
    /// The policy.
    name: String,
    /// Only if this is the component that is loaded now (SHA-256, hexadecimal).
    #[arg(long, value_name = "SHA256", default_value = "")]
    digest: String,
    /// Reason, kept with the mode.
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Arguments of `policy compare`.
#[derive(clap::Args)]
pub(crate) struct CompareArgs {
    /// The policy.
    name: String,
    /// So many of the last cycles.
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..=64))]
    cycles: u32,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Runs one of the verbs.
pub(super) async fn run(args: Args) -> anyhow::Result<Exit> {
    match args {
        Args::Load(args) => load(args).await,
        Args::Mode(args) => mode(args).await,
        Args::Rollback(args) => rollback(args).await,
        Args::Compare(args) => compare(args).await,
    }
}

async fn load(args: LoadArgs) -> anyhow::Result<Exit> {
    let component = input::read(&args.component)?;
    let config = match &args.config {
        None => String::new(),
        Some(file) => String::from_utf8(input::read(file)?)
            .map_err(|_| Unreadable::new(format_args!("{}: not text", input::name(file))))?,
    };
    let stem = args.component.file_stem().unwrap_or_default().to_string_lossy();
    let name = args.name.unwrap_or_else(|| stem.into_owned());
    let first = v1::LoadPolicyRequest {
        name: name.clone(),
        piece: Vec::new(),
        config,
    };
    let pieces: Vec<Vec<u8>> = component.chunks(PIECE).map(<[u8]>::to_vec).collect();
    let rest = pieces.into_iter().map(|piece| v1::LoadPolicyRequest {
        piece,
        ..v1::LoadPolicyRequest::default()
    });
    let messages: Vec<v1::LoadPolicyRequest> = std::iter::once(first).chain(rest).collect();
    let mut policies = args.server.reach_for_long().await?.policies();
    let progress = Progress::start("the daemon compiles");
    let loaded = policies.load(tokio_stream::iter(messages)).await;
    drop(progress);
    let loaded = loaded?.into_inner();
    if args.output.output == Format::Json {
        json(&loaded)?;
        return Ok(Exit::Done);
    }
    let kept = if loaded.kept {
        "kept over restarts"
    } else {
        "until the daemon ends: it has no folder for it (policies_store)"
    };
    line(format_args!(
        "{name}: sha256:{} is taken in, in shadow, for {}; {kept}",
        loaded.digest,
        loaded.hooks.join(", ")
    ))?;
    line(format_args!(
        "see `plimsoll policy compare {name}`, then `plimsoll policy mode {name} enforce`"
    ))?;
    Ok(Exit::Done)
}

async fn mode(args: ModeArgs) -> anyhow::Result<Exit> {
    let mode = match args.mode {
        Stage::Shadow => "shadow",
        Stage::Canary => "canary",
        Stage::Enforce => "enforce",
    };
    let request = v1::SetPolicyModeRequest {
        name: args.name.clone(),
        mode: mode.to_owned(),
        digest: args.digest,
        why: args.why,
    };
    let mut policies = args.server.reach().await?.policies();
    let list = policies.set_mode(request).await?.into_inner();
    if args.output.output == Format::Json {
        json(&list)?;
        return Ok(Exit::Done);
    }
    line(format_args!(
        "{}: {mode} from the next cycle on",
        shown::plain(&args.name)
    ))?;
    Ok(Exit::Done)
}

async fn rollback(args: RollbackArgs) -> anyhow::Result<Exit> {
    let request = v1::RollbackPolicyRequest {
        name: args.name.clone(),
        digest: args.digest,
        why: args.why,
    };
    let mut policies = args.server.reach().await?.policies();
    let done = policies.rollback(request).await?.into_inner();
    if args.output.output == Format::Json {
        json(&done)?;
        return Ok(Exit::Done);
    }
    line(format_args!(
        "{}: sha256:{} has no say from the next cycle on; see `plimsoll get policies` for what is in force",
        shown::plain(&args.name),
        done.rolled_back
    ))?;
    Ok(Exit::Done)
}

async fn compare(args: CompareArgs) -> anyhow::Result<Exit> {
    let request = v1::ComparePolicyRequest {
        name: args.name.clone(),
        cycles: args.cycles,
    };
    let mut policies = args.server.reach().await?.policies();
    let progress = Progress::start("the daemon decides the last cycles again");
    let compared = policies.compare(request).await;
    drop(progress);
    let compared = compared?.into_inner();
    if args.output.output == Format::Json {
        json(&compared)?;
        return Ok(Exit::Done);
    }
    let mut rows = table(&[
        "cycle",
        "",
        "bill after",
        "steps",
        "bought",
        "removed",
        "evictions",
        "no place",
    ]);
    for cycle in &compared.cycles {
        for (what, effects) in [("without", &cycle.without), ("with", &cycle.with)] {
            let effects = effects.unwrap_or_default();
            rows.add_row([
                if what == "without" {
                    cycle.cycle.to_string()
                } else {
                    String::new()
                },
                what.to_owned(),
                shown::rate(effects.rate_nanos),
                effects.steps.to_string(),
                effects.bought.to_string(),
                effects.removed.to_string(),
                effects.evictions.to_string(),
                effects.refused.to_string(),
            ]);
        }
    }
    line(rows)?;
    let name = shown::plain(&args.name);
    match compared.mean_nanos {
        None => line(format_args!("{name}: no cycle has seen anything yet"))?,
        Some(mean) => line(format_args!(
            "{name}: {} on average over {} cycles; another plan in {}",
            shown::rate(mean),
            compared.cycles.len(),
            compared.differed
        ))?,
    }
    Ok(Exit::Done)
}
