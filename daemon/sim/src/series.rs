//! What a run adds up to, and how it looked cycle by cycle.

use model::{Instant, Span, Usd, UsdPerHour};
use std::collections::BTreeMap;

/// EC2 and Fargate bill at least this much of every instance and pod.
const BILLED_AT_LEAST: Span = Span::from_secs(60);

/// Sums over a whole run.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tally {
    /// Bill of what is gone.
    pub(crate) paid: Usd,
    /// Instances launched, the initial ones apart.
    pub(crate) launches: u32,
    /// Nodes removed on purpose.
    pub(crate) removals: u32,
    /// Evictions that took place.
    pub(crate) evictions: u32,
    /// Instances taken back by the provider or broken.
    pub(crate) interruptions: u32,
    /// Pods that ran on Fargate.
    pub(crate) fargate: u32,
    /// Pods bound to a node, DaemonSets apart.
    pub(crate) pods: u64,
    /// How long each pod waited, in milliseconds.
    pub(crate) waits: Vec<i64>,
}

impl Tally {
    /// A pod has found a node.
    pub(crate) fn placed(&mut self, waited: Span) {
        self.pods += 1;
        self.waits.push(waited.millis());
    }

    /// A pod was deleted while it waited.
    pub(crate) fn gave_up(&mut self, waited: Span) {
        self.waits.push(waited.millis());
    }

    /// An instance or Fargate pod is no longer paid for.
    pub(crate) fn closed(&mut self, price: UsdPerHour, launched: Instant, now: Instant) {
        self.paid += bill(price, launched, now);
    }
}

/// What an instance has cost so far: per second begun, at least a minute.
pub(crate) fn bill(price: UsdPerHour, launched: Instant, now: Instant) -> Usd {
    let up = now.since(launched).millis().saturating_add(999).div_euclid(1000);
    price.over(Span::from_secs(up).max(BILLED_AT_LEAST))
}

/// One moment of a run, taken after a cycle.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sample {
    /// When.
    pub at: Instant,
    /// Number of the cycle, from 0.
    pub cycle: u64,
    /// What everything that runs costs.
    pub rate: UsdPerHour,
    /// What the demand of the interval before could cost at best.
    pub bound: UsdPerHour,
    /// Pods that wait, DaemonSets apart.
    pub waiting: u32,
    /// Pods that are bound and not finished, DaemonSets apart.
    pub bound_pods: u32,
    /// Living nodes by kind: `m6a.large on-demand`, `fargate`.
    pub nodes: BTreeMap<String, u32>,
    /// Steps carried out by whose decision and what: (`engine` or a policy, kind of step).
    pub decisions: BTreeMap<(String, String), u32>,
    /// Share of the CPU of all Ready EC2 nodes that is requested, in thousandths.
    pub cpu_requested_permille: u32,
}

/// A whole run, cycle by cycle, with the latest decisions.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Samples by time.
    pub samples: Vec<Sample>,
    /// Decisions worth reading, oldest first, at most [`MAX_DECISIONS`].
    pub decisions: Vec<Decision>,
}

/// How many decisions a series keeps.
pub const MAX_DECISIONS: usize = 400;

/// One step as it was decided and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// When.
    pub at: Instant,
    /// Number of the cycle, from 0.
    pub cycle: u64,
    /// `engine`, or the policy behind it.
    pub by: String,
    /// Kind of step.
    pub kind: &'static str,
    /// The step in words.
    pub step: String,
    /// Its reason in words.
    pub reason: String,
    /// What came of it in words.
    pub outcome: String,
}

impl Series {
    /// Keeps a decision; the oldest leave when there are too many.
    pub(crate) fn keep(&mut self, decision: Decision) {
        if self.decisions.len() >= MAX_DECISIONS {
            self.decisions.remove(0);
        }
        self.decisions.push(decision);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn billed_by_the_second_from_a_minute_up() {
        let price = UsdPerHour(3_600_000_000);
        let cost = |millis: i64| bill(price, Instant(1000), Instant(1000 + millis));
        assert_eq!(cost(1), Usd(60_000_000));
        assert_eq!(cost(60_000), Usd(60_000_000));
        assert_eq!(cost(60_001), Usd(61_000_000));
    }
}
