//! A Scenario: what a simulated world is made of and what happens in it, as plain checked values.
//!
//! Reading one from YAML is in `read`. Deliberately absent: anything that happens at run time.

mod fault;
mod offers;
mod parts;
mod pods;
mod read;
mod strikes;
mod values;

#[cfg(test)]
mod tests;

pub use fault::{Api, Fault, FaultKind};
pub use model::time::Lag;
pub use parts::{
    Amount, Arrivals, Budget, Curve, DaemonPlan, FargateSelect, Figure, GroupPlan, JobPlan, Load, PodPlan,
};
pub use parts::{Scoring, TraceRow, WorkloadPlan};
pub use read::Fetch;

use model::{Aims, Instant, Offer, Span};

/// A checked scenario. The same scenario and seed play the same day.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Name, for titles.
    pub name: String,
    /// One sentence about it; may be empty.
    pub about: String,
    /// Seed of every draw.
    pub seed: u64,
    /// First instant; curves read its time of day (UTC).
    pub start: Instant,
    /// How long it plays.
    pub duration: Span,
    /// Time between two cycles.
    pub cycle: Span,
    /// Name of the cluster.
    pub cluster: String,
    /// From launch to a Ready node.
    pub boot: Lag,
    /// What the scheduler prefers.
    pub scoring: Scoring,
    /// From admission to a started Fargate pod.
    pub fargate_start: Lag,
    /// For how long a placement on Fargate stays in force after it was last decided.
    pub placement_ttl: Span,
    /// Groups, Fargate profiles among them, sorted by name.
    pub groups: Vec<GroupPlan>,
    /// Offers of all groups; `Offer::group` counts in `groups`.
    pub offers: Vec<Offer>,
    /// DaemonSets.
    pub daemon_sets: Vec<DaemonPlan>,
    /// Deployments.
    pub workloads: Vec<WorkloadPlan>,
    /// Jobs.
    pub arrivals: Vec<Arrivals>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// What the operator wants.
    pub aims: Aims,
}

impl Scenario {
    /// How many cycles it plays: one at its start and one every `cycle`, none at its end.
    pub fn cycles(&self) -> u64 {
        let each = self.cycle.millis().max(1);
        let count = self.duration.millis().saturating_add(each - 1) / each;
        u64::try_from(count).unwrap_or(0)
    }

    /// The instant of cycle `number`, counted from 0.
    pub fn instant_of(&self, number: u64) -> Instant {
        let number = i64::try_from(number).unwrap_or(i64::MAX);
        self.start + Span::from_millis(self.cycle.millis().saturating_mul(number))
    }

    /// Its last instant.
    pub fn end(&self) -> Instant {
        self.start + self.duration
    }
}
