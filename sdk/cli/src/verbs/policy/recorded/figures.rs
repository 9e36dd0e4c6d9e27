//! What a plan would bring about, in figures, and what two plans for the same picture differ in.
//!
//! Sums are whole numbers; dollars per hour are worked out at the end, as a mean over time.

use logbook::{CycleRecord, Difference, difference};
use model::plan::{Plan, PlannedNode, Step, StepKind};
use model::{GroupName, Instant, NodeName, Refusal, Snapshot, Span, UsdPerHour};
use serde::Serialize;
use std::collections::BTreeMap;

/// Stands for the group of steps about replicas, of pods that found no place, and of what is in no group.
const WORKLOADS: &str = "(workloads)";
const NOWHERE: &str = "(no place)";
const NONE: &str = "(none)";
const NANO: f64 = 1e9;
const MILLIS_PER_HOUR: f64 = 3_600_000.0;

/// Of the plans of one or of many cycles.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Figures {
    /// Steps that begin something.
    pub(super) steps: u64,
    /// What they add to the bill less what they take off it, as a mean over time.
    pub(super) usd_per_hour: f64,
    /// How long pods wait for a place, or for a node to start.
    pub(super) pending_pod_seconds: u64,
    /// Pods that have to move.
    pub(super) evictions: u64,
    /// Nano-dollars per hour, times milliseconds.
    #[serde(skip)]
    pub(super) rate_ms: i128,
    #[serde(skip)]
    pub(super) waiting_ms: u128,
}

/// What was recorded beside what it would have been with the policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub(super) struct Change {
    pub(super) recorded: Figures,
    pub(super) policy: Figures,
    /// Steps that only the policy brings about.
    pub(super) steps_added: u64,
    /// Steps that it does away with.
    pub(super) steps_dropped: u64,
    /// Steps about the same object that differ.
    pub(super) steps_changed: u64,
}

/// One cycle, by group.
#[derive(Debug)]
pub(super) struct Cycle {
    pub(super) at: Instant,
    pub(super) lasted: Span,
    /// Whether the plans differ at all.
    pub(super) changed: bool,
    pub(super) groups: BTreeMap<String, Change>,
}

impl Figures {
    fn add(&mut self, other: &Self) {
        self.steps += other.steps;
        self.evictions += other.evictions;
        self.rate_ms += other.rate_ms;
        self.waiting_ms += other.waiting_ms;
    }

    #[expect(clippy::cast_precision_loss, reason = "for reading")]
    fn settle(&mut self, over: Span) {
        let millis = over.millis().max(1) as f64;
        self.usd_per_hour = self.rate_ms as f64 / millis / NANO;
        self.pending_pod_seconds = u64::try_from(self.waiting_ms / 1000).unwrap_or(u64::MAX);
    }

    /// Dollars, had the rate been paid while it held.
    #[expect(clippy::cast_precision_loss, reason = "for reading")]
    pub(super) fn usd(&self) -> f64 {
        self.rate_ms as f64 / MILLIS_PER_HOUR / NANO
    }
}

impl Change {
    pub(super) fn add(&mut self, other: &Self) {
        self.recorded.add(&other.recorded);
        self.policy.add(&other.policy);
        self.steps_added += other.steps_added;
        self.steps_dropped += other.steps_dropped;
        self.steps_changed += other.steps_changed;
    }

    /// Works out what is a mean over this time.
    pub(super) fn settle(&mut self, over: Span) {
        self.recorded.settle(over);
        self.policy.settle(over);
    }
}

impl Cycle {
    /// Of a record that counted for so long, its plan and the plan with the policy.
    pub(super) fn of(record: &CycleRecord, lasted: Span, was: &Plan, is: &Plan) -> Self {
        let mut groups: BTreeMap<String, Change> = BTreeMap::new();
        let seen = Seen::of(record, lasted);
        seen.count(was, &mut |group, figures| {
            groups.entry(group).or_default().recorded.add(&figures);
        });
        seen.count(is, &mut |group, figures| {
            groups.entry(group).or_default().policy.add(&figures);
        });
        for difference in difference(was, is) {
            let (step, which): (&Step, fn(&mut Change) -> &mut u64) = match &difference {
                Difference::StepAdded(step) => (step, |change| &mut change.steps_added),
                Difference::StepRemoved(step) => (step, |change| &mut change.steps_dropped),
                Difference::StepChanged { is, .. } => (is, |change| &mut change.steps_changed),
                _ => continue,
            };
            if step.kind.begins() {
                *which(groups.entry(group_of(&step.kind)).or_default()) += 1;
            }
        }
        Self {
            at: record.at,
            lasted,
            changed: was != is,
            groups,
        }
    }
}

fn group_of(kind: &StepKind) -> String {
    match (kind, kind.group()) {
        (_, Some(group)) => group.to_string(),
        (StepKind::ScaleWorkload { .. }, None) => WORKLOADS.to_owned(),
        (_, None) => NONE.to_owned(),
    }
}

/// What figures are worked out with.
struct Seen<'a> {
    snapshot: &'a Snapshot,
    record: &'a CycleRecord,
    lasted: Span,
    /// Pods that would have to move, by node; DaemonSets' go with it.
    movers: BTreeMap<&'a NodeName, u64>,
}

impl<'a> Seen<'a> {
    fn of(record: &'a CycleRecord, lasted: Span) -> Self {
        let snapshot = &*record.snapshot;
        let mut movers: BTreeMap<&NodeName, u64> = BTreeMap::new();
        for pod in &snapshot.pods {
            let owner = snapshot
                .specs
                .get(pod.spec as usize)
                .and_then(|spec| spec.owner.as_ref());
            let stays = owner.is_some_and(|owner| &*owner.kind == "DaemonSet");
            if let Some(node) = pod.node.as_ref().filter(|_| !stays) {
                *movers.entry(node).or_default() += 1;
            }
        }
        Self {
            snapshot,
            record,
            lasted,
            movers,
        }
    }

    fn count(&self, plan: &Plan, add: &mut dyn FnMut(String, Figures)) {
        for step in plan.steps.iter().filter(|step| step.kind.begins()) {
            let (evictions, rate) = match &step.kind {
                StepKind::Cordon { node, .. } => (
                    self.movers.get(node).copied().unwrap_or(0),
                    -self.price_of(node).0,
                ),
                StepKind::Remake { .. } => (1, 0),
                _ => (0, 0),
            };
            let figures = Figures {
                steps: 1,
                evictions,
                rate_ms: self.over(rate),
                ..Figures::default()
            };
            add(group_of(&step.kind), figures);
        }
        for node in plan.nodes.iter().chain(&plan.replacements) {
            let figures = Figures {
                rate_ms: self.over(self.bought(node).0),
                waiting_ms: self.waits(node),
                ..Figures::default()
            };
            add(node.group.to_string(), figures);
        }
        let refused = plan
            .refusals
            .iter()
            .filter(|refusal| matches!(refusal, Refusal::Pod { .. }))
            .count();
        if refused > 0 {
            let waiting_ms = u128::try_from(refused).unwrap_or(0) * millis(self.lasted);
            add(
                NOWHERE.to_owned(),
                Figures {
                    waiting_ms,
                    ..Figures::default()
                },
            );
        }
    }

    fn over(&self, nano_dollars: i64) -> i128 {
        i128::from(nano_dollars) * i128::from(self.lasted.millis())
    }

    fn bought(&self, node: &PlannedNode) -> UsdPerHour {
        let offer = self.snapshot.offers.iter().find(|offer| offer.id == node.offer);
        offer.map_or(UsdPerHour::ZERO, |offer| node.price(offer))
    }

    /// What a node that is there costs; nothing where nobody knows.
    fn price_of(&self, name: &NodeName) -> UsdPerHour {
        let node = self.snapshot.nodes.iter().find(|node| node.name == *name);
        let offer = node.and_then(|node| node.offer.as_ref());
        let offer = offer.and_then(|id| self.snapshot.offers.iter().find(|offer| offer.id == *id));
        offer.map_or(UsdPerHour::ZERO, |offer| offer.price)
    }

    /// Its pods wait until it has started, in this cycle at most as long as the cycle lasts: the next one sees them again.
    fn waits(&self, node: &PlannedNode) -> u128 {
        let pods = node
            .pods
            .iter()
            .filter(|pod| &*pod.namespace != decide::demand::HEADROOM_NAMESPACE)
            .count();
        u128::try_from(pods).unwrap_or(0) * millis(self.boot(&node.group).min(self.lasted))
    }

    /// The group's median; as long as the cycle lasts where none was measured.
    fn boot(&self, group: &GroupName) -> Span {
        let mut times = self
            .record
            .memory
            .boot_times
            .get(group)
            .cloned()
            .unwrap_or_default();
        times.sort_unstable();
        times.get(times.len() / 2).copied().unwrap_or(self.lasted)
    }
}

fn millis(span: Span) -> u128 {
    u128::try_from(span.millis()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{OfferId, PodKey, Reason, StepId};

    #[test]
    fn rates_are_means_over_time_and_waits_are_sums() {
        let record = CycleRecord::default();
        let node = |group: &str, pods: usize| PlannedNode {
            name: "new-1".into(),
            group: GroupName::new(group),
            offer: OfferId::new("none"),
            pods: (0..pods).map(|n| PodKey::new("a", format!("p-{n}"))).collect(),
            storage: UsdPerHour::ZERO,
        };
        let step = |kind| Step {
            id: StepId { cycle: 1, ordinal: 0 },
            intent: None,
            generation: 0,
            kind,
            reason: Reason::Planned,
        };
        let was = Plan::default();
        let is = Plan {
            nodes: vec![node("workers", 3)],
            steps: vec![
                step(StepKind::Cordon {
                    node: "old".into(),
                    group: GroupName::new("workers"),
                    instance: "i-1".into(),
                    after: Vec::new(),
                }),
                step(StepKind::Uncordon { node: "n".into() }),
            ],
            ..Plan::default()
        };
        let cycle = Cycle::of(&record, Span::from_secs(30), &was, &is);
        let mut total = cycle.groups["workers"];
        total.settle(cycle.lasted);
        assert!(cycle.changed);
        assert_eq!(
            (total.policy.steps, total.steps_added, total.recorded.steps),
            (1, 1, 0)
        );
        assert_eq!((total.policy.pending_pod_seconds, cycle.groups.len()), (90, 1));
        let mut figures = Figures {
            rate_ms: 2_000_000_000 * 1800,
            ..Figures::default()
        };
        figures.settle(Span::from_millis(3600));
        assert!((figures.usd_per_hour - 1.0).abs() < 1e-9);
    }
}
