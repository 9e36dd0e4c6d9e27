//! The lower bound of what the run had to cost: from the daemon's own records, so that demand and offers are those that
//! occurred.
//!
//! For every record the pods that existed and that Plimsoll schedules for (DaemonSets' and Fargate's apart) are taken as
//! waiting in an empty cluster whose groups know no limits and sell the offers of that record; what `decide` proves as
//! the least rate for them holds until the next record. Equal demand on equal offers is asked about once. Not here: what
//! was paid.

use logbook::{CycleRecord, Reader};
use model::aims::Aims;
use model::group::LaunchMode;
use model::ids::NodeName;
use model::intent::Ledger;
use model::memory::Memory;
use model::pod::{Pod, PodPhase};
use model::snapshot::Snapshot;
use model::time::Instant;
use plimsoll_tests::Result;
use std::collections::BTreeMap;
use std::path::Path;

/// Dollars, and of how many records.
pub(crate) fn bound(logbook: &Path) -> Result<(f64, usize)> {
    let mut known: BTreeMap<String, f64> = BTreeMap::new();
    let mut last: Option<(Instant, f64)> = None;
    let (mut dollars, mut records) = (0.0, 0);
    for record in Reader::open(logbook)? {
        let record = record?;
        if !record.has_seen() {
            continue;
        }
        records += 1;
        if let Some((at, rate)) = last {
            dollars += rate * seconds(record.at, at) / 3600.0;
        }
        let waiting = waiting(&record);
        let key = key(&waiting);
        let rate = *known.entry(key).or_insert_with(|| rate(&waiting, &record.aims));
        last = Some((record.at, rate));
    }
    Ok((dollars, records))
}

#[expect(clippy::cast_precision_loss, reason = "a run of minutes")]
fn seconds(to: Instant, from: Instant) -> f64 {
    to.since(from).millis() as f64 / 1000.0
}

/// The demand of a record on its offers.
fn waiting(record: &CycleRecord) -> Snapshot {
    let mut seen = (*record.snapshot).clone();
    seen.nodes.clear();
    seen.budgets.clear();
    seen.ledger = Ledger::default();
    seen.workloads
        .retain(|workload| &*workload.key.kind == "DaemonSet");
    for group in &mut seen.groups {
        group.instances.clear();
        (group.min, group.desired, group.max) = (0, 0, u32::MAX);
        if group.launch == LaunchMode::Instances {
            group.launch = LaunchMode::Direct;
        }
    }
    let specs = seen.specs.clone();
    // Of a pod that moves, the one that goes is none: moving it is our own doing.
    let counts = |pod: &Pod| {
        let owner = specs.get(pod.spec as usize).and_then(|spec| spec.owner.clone());
        matches!(
            pod.phase,
            PodPhase::Pending | PodPhase::Starting | PodPhase::Running
        ) && owner.is_none_or(|owner| &*owner.kind != "DaemonSet")
    };
    seen.pods.retain(counts);
    for pod in &mut seen.pods {
        pod.node = None::<NodeName>;
        pod.nominated = None;
        pod.phase = PodPhase::Pending;
    }
    seen
}

/// What the rate depends on: how many pods of each spec, and which offers at which price.
fn key(seen: &Snapshot) -> String {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    for pod in &seen.pods {
        if let Some(spec) = seen.specs.get(pod.spec as usize) {
            *counts
                .entry(format!(
                    "{}/{:?}/{:?}",
                    spec.namespace, spec.labels, spec.requests
                ))
                .or_default() += 1;
        }
    }
    let offers = seen
        .offers
        .iter()
        .map(|offer| format!("{} {}", offer.id, offer.price.0));
    format!(
        "{counts:?} {:?} {}",
        offers.collect::<Vec<_>>(),
        seen.workloads.len()
    )
}

#[expect(clippy::cast_precision_loss, reason = "dollars an hour")]
fn rate(seen: &Snapshot, aims: &Aims) -> f64 {
    let aims = Aims {
        fargate: aims.fargate.clone(),
        ..Aims::default()
    };
    let policies = decide::PolicySet::default();
    let decided = decide::deliberate(seen, &Memory::default(), &policies, &aims);
    decided.plan.cost.bound.0 as f64 / 1e9
}
