//! `plimsoll pause`, `resume` and `mode`: the levers.

use super::{ServerArgs, shown};
use crate::exit::{Exit, Unreadable};
use crate::output::{Format, OutputArgs, json, line};
use clap::ValueEnum;
use proto::v1;
use proto::v1::scoped_mode::Scope as Narrow;
use proto::v1::set_mode_request::Scope;

/// Arguments of `pause`.
#[derive(clap::Args)]
pub(crate) struct PauseArgs {
    /// Reason, shown wherever the pause is shown.
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Arguments of `resume`.
#[derive(clap::Args)]
pub(crate) struct ResumeArgs {
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Arguments of `mode`.
#[derive(clap::Args)]
pub(crate) struct ModeArgs {
    /// The mode.
    #[arg(value_enum)]
    mode: Mode,
    /// For this group only.
    #[arg(long, value_name = "NAME", conflicts_with_all = ["workload", "hook"])]
    group: Option<String>,
    /// For this workload only: `kind/namespace/name`.
    #[arg(long, value_name = "WORKLOAD", conflicts_with = "hook")]
    workload: Option<String>,
    /// For this hook only: `scaler`, `placement` or `headroom`.
    #[arg(long, value_name = "HOOK")]
    hook: Option<String>,
    #[command(flatten)]
    server: ServerArgs,
    #[command(flatten)]
    output: OutputArgs,
}

#[derive(Clone, Copy, ValueEnum)]
enum Mode {
    /// Decide, record and explain; change nothing.
    Observe,
    /// Carry out what the guard clears.
    Act,
}

pub(crate) async fn pause(args: PauseArgs) -> anyhow::Result<Exit> {
    let request = v1::PauseRequest { why: args.why };
    let mut control = args.server.reach().await?.control();
    show(&control.pause(request).await?.into_inner(), args.output)
}

pub(crate) async fn resume(args: ResumeArgs) -> anyhow::Result<Exit> {
    let mut control = args.server.reach().await?.control();
    show(
        &control.resume(v1::ResumeRequest {}).await?.into_inner(),
        args.output,
    )
}

pub(crate) async fn mode(args: ModeArgs) -> anyhow::Result<Exit> {
    let scope = match (args.group, args.workload, args.hook) {
        (Some(group), _, _) => Some(Scope::Group(group)),
        (_, Some(workload), _) => Some(Scope::Workload(workload_ref("--workload", &workload)?)),
        (_, _, Some(hook)) => Some(Scope::Hook(hook)),
        (None, None, None) => None,
    };
    let mode = match args.mode {
        Mode::Observe => v1::Mode::Observe,
        Mode::Act => v1::Mode::Act,
    };
    let request = v1::SetModeRequest {
        mode: mode.into(),
        scope,
    };
    let mut control = args.server.reach().await?.control();
    show(&control.set_mode(request).await?.into_inner(), args.output)
}

fn show(state: &v1::ControlState, output: OutputArgs) -> anyhow::Result<Exit> {
    if output.output == Format::Json {
        json(state)?;
        return Ok(Exit::Done);
    }
    line(format_args!("mode: {}", shown::mode(state.mode)))?;
    if let Some(scoped) = &state.scoped {
        let name = match &scoped.scope {
            Some(Narrow::Group(group)) => format!("group {group}"),
            Some(Narrow::Workload(of)) => format!("workload {}/{}/{}", of.kind, of.namespace, of.name),
            Some(Narrow::Hook(hook)) => format!("hook {hook}"),
            None => String::new(),
        };
        let shown = format!("mode of {name}: {}", shown::mode(scoped.mode));
        line(shown::plain(&shown))?;
    }
    line(state.paused.as_ref().map_or_else(
        || "not paused".to_owned(),
        |pause| {
            let why = match pause.why.as_str() {
                "" => String::new(),
                why => format!(": {why}"),
            };
            let at = shown::instant(pause.at_millis);
            shown::plain(&format!("paused since {at} by {}{why}", pause.by))
        },
    ))?;
    Ok(Exit::Done)
}

/// Reads `kind/namespace/name`.
pub(crate) fn workload_ref(field: &str, text: &str) -> anyhow::Result<v1::WorkloadRef> {
    let parts: Vec<&str> = text.split('/').collect();
    match parts.as_slice() {
        [kind, namespace, name] if parts.iter().all(|part| !part.is_empty()) => Ok(v1::WorkloadRef {
            kind: (*kind).to_owned(),
            namespace: (*namespace).to_owned(),
            name: (*name).to_owned(),
        }),
        _ => Err(Unreadable::new(format_args!(
            "{field}: {text:?}: kind/namespace/name is wanted, as in Deployment/shop/web"
        ))
        .into()),
    }
}
