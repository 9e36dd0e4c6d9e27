//! `plimsoll explain`: why a pod, node, group, workload or step is as it is, from a log or from a daemon.

use crate::exit::{Exit, Unreadable};
use crate::output::{self, OutputArgs, Progress};
use crate::verbs::remote::ServerArgs;
use clap::ValueEnum;
use logbook::{Reader, Subject};
use model::{PodKey, StepId, WorkloadKey};
use std::path::{Path, PathBuf};

/// Arguments of `explain`.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// What kind of thing.
    #[arg(value_enum)]
    pub(crate) kind: Kind,
    /// Its name: `ns/name` for pods, `kind/ns/name` for workloads, `cycle.ordinal` for steps.
    pub(crate) name: String,
    /// A log of cycle records, a segment file or a folder of them; without it, a daemon is asked.
    #[arg(long, value_name = "PATH")]
    pub(crate) log: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) server: ServerArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What can be explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Kind {
    /// A pod.
    Pod,
    /// A node.
    Node,
    /// A group.
    Group,
    /// A workload.
    Workload,
    /// A step of a plan.
    Step,
}

/// Runs the verb.
pub(crate) fn run(args: &Args) -> anyhow::Result<Exit> {
    match &args.log {
        Some(log) => from_log(args, log),
        None => super::remote::explain(args),
    }
}

/// The latest record that decided anything about the subject; failing that, the latest that has seen it.
fn from_log(args: &Args, log: &Path) -> anyhow::Result<Exit> {
    let subject = subject(args.kind, &args.name)?;
    let progress = Progress::start("reading the log");
    let mut reader = Reader::open(log).map_err(Unreadable::new)?;
    let mut found: Option<logbook::Explanation> = None;
    let mut records = 0_u64;
    for record in reader.by_ref() {
        let record = record.map_err(Unreadable::new)?;
        records += 1;
        let explained = logbook::explain(&record, &subject);
        found = match (found, explained) {
            (Some(before), Some(now)) if before.decided && !now.decided => Some(before),
            (before, now) => now.or(before),
        };
    }
    drop(progress);
    if reader.torn() {
        output::say(format_args!(
            "{}: the last record is cut off; the ones before it are whole",
            log.display()
        ));
    }
    if let Some(found) = found {
        return super::remote::show_explanation(&as_served(&found), args.output.output);
    }
    output::say(format_args!("none of {records} records knows {subject}"));
    Ok(Exit::No)
}

/// In the form in which a daemon gives it.
fn as_served(found: &logbook::Explanation) -> proto::v1::Explanation {
    let fact = |fact: &logbook::Fact| proto::v1::Fact {
        kind: fact.kind.as_str().to_owned(),
        text: fact.text.clone(),
        depth: fact.depth,
    };
    proto::v1::Explanation {
        cycle: found.cycle,
        at_millis: found.at.0,
        subject: found.subject.clone(),
        facts: found.facts.iter().map(fact).collect(),
    }
}

fn subject(kind: Kind, name: &str) -> anyhow::Result<Subject> {
    let parts: Vec<&str> = name.split('/').collect();
    let wanted = |form: &str| Unreadable::new(format_args!("{name:?}: {form} is wanted")).into();
    match (kind, parts.as_slice()) {
        (Kind::Pod, [namespace, pod]) => Ok(Subject::Pod(PodKey::new(namespace, pod))),
        (Kind::Pod, _) => Err(wanted("NAMESPACE/POD")),
        (Kind::Workload, [namespace, workload]) => Ok(Subject::Workload(WorkloadKey::new(
            "Deployment",
            namespace,
            workload,
        ))),
        (Kind::Workload, [kind, namespace, workload]) => {
            Ok(Subject::Workload(WorkloadKey::new(kind, namespace, workload)))
        }
        (Kind::Workload, _) => Err(wanted("[KIND/]NAMESPACE/NAME")),
        (Kind::Node, _) => Ok(Subject::Node(name.into())),
        (Kind::Group, _) => Ok(Subject::Group(name.into())),
        (Kind::Step, _) => {
            let numbers = name
                .split_once('.')
                .and_then(|(cycle, ordinal)| Some((cycle.parse().ok()?, ordinal.parse().ok()?)));
            let (cycle, ordinal) = numbers.ok_or_else(|| -> anyhow::Error { wanted("CYCLE.ORDINAL") })?;
            Ok(Subject::Step(StepId { cycle, ordinal }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let pod = subject(Kind::Pod, "ns/p").unwrap();
        assert_eq!(pod, Subject::Pod(PodKey::new("ns", "p")));
        let short = subject(Kind::Workload, "ns/w").unwrap();
        assert_eq!(short, subject(Kind::Workload, "Deployment/ns/w").unwrap());
        let step = subject(Kind::Step, "12.3").unwrap();
        assert_eq!(
            step,
            Subject::Step(StepId {
                cycle: 12,
                ordinal: 3
            })
        );
        for (kind, name) in [
            (Kind::Pod, "p"),
            (Kind::Pod, "a/b/c"),
            (Kind::Workload, "w"),
            (Kind::Step, "12"),
            (Kind::Step, "12.x"),
            (Kind::Step, "-1.0"),
        ] {
            let error = subject(kind, name).unwrap_err();
            assert_eq!(Exit::of(&error), Exit::Usage, "{name}");
        }
    }
}
