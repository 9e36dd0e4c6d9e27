//! Reads the faults of a scenario.

use crate::scenario::fault::{Api, Fault, FaultKind};
use crate::scenario::values;
use manifest::At;
use model::time::Lag;
use model::{GroupName, Source, Span};

const KINDS: &str = "no-capacity, spot-interruption, node-failure, node-silence, slow-boot, never-joins, throttled, \
                     answer-lost, frozen, missing";

/// The list under `faults`.
pub(super) fn faults(at: At<'_, '_>, groups: &[GroupName]) -> Vec<Fault> {
    at.items().filter_map(|item| fault(item, groups)).collect()
}

fn fault(at: At<'_, '_>, groups: &[GroupName]) -> Option<Fault> {
    let kind = at.get("kind").name()?;
    let when = at.get("at");
    if !when.is_there() {
        when.problem("is missing");
    }
    let named = || named_groups(at.get("groups"), groups);
    let (own, kind): (&[&str], FaultKind) = match kind {
        "no-capacity" => (
            &["for", "groups", "types", "zones"],
            FaultKind::NoCapacity {
                groups: named(),
                types: texts(at.get("types")),
                zones: texts(at.get("zones")),
            },
        ),
        "spot-interruption" => (
            &["groups", "share", "told"],
            FaultKind::SpotInterruption {
                groups: named(),
                share_permille: values::permille(at.get("share")).unwrap_or(1000),
                told: at.get("told").flag(),
            },
        ),
        "node-failure" => (
            &["groups", "count"],
            FaultKind::NodeFailure {
                groups: named(),
                count: at.get("count").count().unwrap_or(1),
            },
        ),
        "node-silence" => (
            &["groups", "share", "lasts"],
            FaultKind::NodeSilence {
                groups: named(),
                share_permille: values::permille(at.get("share")).unwrap_or(0),
            },
        ),
        "slow-boot" => (
            &["for", "boot"],
            FaultKind::SlowBoot {
                boot: at.get("boot").lag(Lag::secs(300, 600)),
            },
        ),
        "never-joins" => (&["for", "groups"], FaultKind::NeverJoins { groups: named() }),
        "throttled" => (
            &["for", "api", "share"],
            FaultKind::Throttled {
                api: api(at.get("api")),
                share_permille: values::permille(at.get("share")).unwrap_or(1000),
            },
        ),
        "answer-lost" => (
            &["for", "api", "share"],
            FaultKind::AnswerLost {
                api: api(at.get("api")),
                share_permille: values::permille(at.get("share")).unwrap_or(1000),
            },
        ),
        "frozen" => (&["for"], FaultKind::Frozen),
        "missing" => (
            &["for", "sources"],
            FaultKind::Missing {
                sources: at.get("sources").items().filter_map(source).collect(),
            },
        ),
        _ => {
            at.get("kind").problem(format_args!("must be one of {KINDS}"));
            return None;
        }
    };
    let known: Vec<&str> = ["kind", "at"].into_iter().chain(own.iter().copied()).collect();
    at.only(&known);
    if own.contains(&"for") && !at.get("for").is_there() {
        at.get("for").problem("is missing");
    }
    // What need not end says so by another word.
    let lasts = if own.contains(&"lasts") { "lasts" } else { "for" };
    Some(Fault {
        at: when.span().unwrap_or_default(),
        lasts: at.get(lasts).span().unwrap_or(Span::ZERO),
        kind,
    })
}

fn named_groups(at: At<'_, '_>, known: &[GroupName]) -> Vec<GroupName> {
    at.items()
        .filter_map(|item| {
            let name = GroupName::new(item.name()?);
            if !known.contains(&name) {
                item.problem("no group has this name");
            }
            Some(name)
        })
        .collect()
}

fn texts(at: At<'_, '_>) -> Vec<String> {
    at.items()
        .filter_map(|item| item.name().map(str::to_owned))
        .collect()
}

fn api(at: At<'_, '_>) -> Api {
    match at.text() {
        None | Some("all") => Api::All,
        Some("cloud") => Api::Cloud,
        Some("cluster") => Api::Cluster,
        Some(_) => {
            at.problem("must be all, cloud or cluster");
            Api::All
        }
    }
}

fn source(at: At<'_, '_>) -> Option<Source> {
    let named = match at.name()? {
        "pods" => Source::Pods,
        "nodes" => Source::Nodes,
        "workloads" => Source::Workloads,
        "budgets" => Source::Budgets,
        "load" => Source::Load,
        "metrics" => Source::Metrics,
        "groups" => Source::Groups,
        "offers" => Source::Offers,
        _ => {
            at.problem("must be pods, nodes, workloads, budgets, load, metrics, groups or offers");
            return None;
        }
    };
    Some(named)
}
