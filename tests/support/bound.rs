//! The lower bound of what a run had to cost, from the pictures that the run's controller saw, so that demand and offers
//! are those that occurred.
//!
//! For every picture the pods that existed and that Plimsoll schedules for (DaemonSets' and Fargate's apart) are taken as
//! waiting in an empty cluster whose groups know no limits and sell the offers of that picture; what `decide` proves as
//! the least rate for them holds until the next one. Equal demand on equal offers is asked about once. Not here: what
//! was paid.

use model::aims::Aims;
use model::group::LaunchMode;
use model::ids::NodeName;
use model::intent::Ledger;
use model::memory::Memory;
use model::pod::{Pod, PodPhase};
use model::snapshot::Snapshot;
use model::time::Instant;
use std::collections::BTreeMap;

/// A sum over pictures, in the order in which they were taken.
#[derive(Debug, Default)]
pub struct Bound {
    known: BTreeMap<String, f64>,
    last: Option<(Instant, f64)>,
    dollars: f64,
    pictures: usize,
}

impl Bound {
    /// Adds what the last picture's demand had to cost until this one.
    pub fn add(&mut self, at: Instant, seen: &Snapshot, aims: &Aims) {
        self.pictures += 1;
        if let Some((last, rate)) = self.last {
            self.dollars += rate * seconds(at, last) / 3600.0;
        }
        let waiting = waiting(seen);
        let rate = *self
            .known
            .entry(key(&waiting))
            .or_insert_with(|| rate(&waiting, aims));
        self.last = Some((at, rate));
    }

    /// Dollars so far.
    pub const fn dollars(&self) -> f64 {
        self.dollars
    }

    /// Pictures so far.
    pub const fn pictures(&self) -> usize {
        self.pictures
    }
}
#[expect(clippy::cast_precision_loss, reason = "a run of days")]
fn seconds(to: Instant, from: Instant) -> f64 {
    to.since(from).millis() as f64 / 1000.0
}

/// The demand of a picture on its offers.
fn waiting(seen: &Snapshot) -> Snapshot {
    let mut seen = seen.clone();
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
