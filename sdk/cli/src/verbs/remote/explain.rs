//! `plimsoll explain --server`: why, in a daemon's own words.

use super::levers::workload_ref;
use super::shown;
use crate::exit::{Exit, Unreadable};
use crate::output::{Format, json, line};
use crate::verbs::explain::{Args, Kind};
use proto::v1;

pub(crate) async fn run(args: &Args) -> anyhow::Result<Exit> {
    let name = args.name.clone();
    let mut explain = args.server.reach().await?.explain();
    let answer = match args.kind {
        Kind::Pod => {
            let (namespace, name) = name
                .split_once('/')
                .ok_or_else(|| Unreadable::new(format_args!("{name:?}: a pod is named namespace/name")))?;
            let request = v1::PodRequest {
                namespace: namespace.to_owned(),
                name: name.to_owned(),
                cycle: 0,
            };
            explain.pod(request).await
        }
        Kind::Node => explain.node(v1::NodeRequest { name, cycle: 0 }).await,
        Kind::Group => explain.group(v1::GroupRequest { name, cycle: 0 }).await,
        Kind::Workload => {
            // A Deployment may leave out its kind.
            let full = match name.matches('/').count() {
                1 => format!("Deployment/{name}"),
                _ => name,
            };
            let key = workload_ref("workload", &full)?;
            let request = v1::WorkloadRequest {
                kind: key.kind,
                namespace: key.namespace,
                name: key.name,
                cycle: 0,
            };
            explain.workload(request).await
        }
        Kind::Step => explain.step(v1::StepRequest { id: name }).await,
    };
    show(&answer?.into_inner(), args.output.output)
}

/// Prints an explanation, whether a daemon gave it or a log.
pub(crate) fn show(answer: &v1::Explanation, format: Format) -> anyhow::Result<Exit> {
    if format == Format::Json {
        json(answer)?;
        return Ok(Exit::Done);
    }
    line(format_args!(
        "{} (cycle {}, {})",
        shown::plain(&answer.subject),
        answer.cycle,
        shown::instant(answer.at_millis)
    ))?;
    for fact in &answer.facts {
        let indent = "  ".repeat(fact.depth as usize + 1);
        line(format_args!("{indent}{}", shown::plain(&fact.text)))?;
    }
    Ok(Exit::Done)
}
