//! The referee's word: breaches of what must never happen, whoever asked for it.
//!
//! Source of the rules: reliability invariants (no over-commit, budgets kept, no removal of a node that still
//! runs pods, group bounds kept, annotated pods left alone, no removal on an old or incomplete picture, no more
//! per window than the aims allow). A run with a violation is a failed run.

use model::{GroupName, Instant, NodeName, PodKey, WorkloadKey};
use serde::Serialize;

/// One breach.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Milliseconds since the Unix epoch, in the world's time.
    pub at: Instant,
    /// What was broken.
    pub kind: ViolationKind,
    /// Which objects, with the figures.
    pub message: String,
}

/// What can be broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum ViolationKind {
    /// A node carries more than it can.
    OverCommit,
    /// A removal left a budget with too few healthy pods.
    DisruptionBudget,
    /// A node was removed on purpose while pods ran on it.
    RemovedWithPods,
    /// A group was taken, or asked to go, beyond its bounds.
    GroupBounds,
    /// A pod that must not be moved was moved.
    MustNotMove,
    /// A pod was planned onto a node that could never run it.
    CannotRunThere,
    /// A node was cordoned, drained or removed on a picture that was too old or not complete.
    ActedBlind,
    /// More was bought, removed or evicted within a window than the aims allow.
    OverLimit,
    /// A Deployment has fewer pods than it wants and nobody makes them.
    PodLost,
}

impl Violation {
    pub(crate) fn overcommit(at: Instant, node: &NodeName, cpu: i64, memory: i64, pods: usize) -> Self {
        Self {
            at,
            kind: ViolationKind::OverCommit,
            message: format!("node {node} carries {pods} pods asking for {cpu}m CPU and {memory} bytes"),
        }
    }

    pub(crate) fn bounds(at: Instant, group: &GroupName, how: &str) -> Self {
        Self {
            at,
            kind: ViolationKind::GroupBounds,
            message: format!("group {group} was asked to go {how}"),
        }
    }

    pub(crate) fn budget(
        at: Instant,
        node: &NodeName,
        of: &WorkloadKey,
        (wanted, healthy): (u32, u32),
    ) -> Self {
        Self {
            at,
            kind: ViolationKind::DisruptionBudget,
            message: format!("removing {node} leaves {of} {healthy} healthy pods, its budget wants {wanted}"),
        }
    }

    pub(crate) fn removed(at: Instant, node: &NodeName, pods: &[PodKey]) -> Self {
        let names: Vec<String> = pods.iter().take(3).map(ToString::to_string).collect();
        Self {
            at,
            kind: ViolationKind::RemovedWithPods,
            message: format!(
                "node {node} was removed with {} pods on it: {}",
                pods.len(),
                names.join(", ")
            ),
        }
    }

    pub(crate) fn lost(at: Instant, workload: &WorkloadKey, wanted: u32, there: usize) -> Self {
        Self {
            at,
            kind: ViolationKind::PodLost,
            message: format!("{workload} wants {wanted} pods and has {there}"),
        }
    }

    pub(crate) fn of_pod(at: Instant, kind: ViolationKind, pod: &PodKey, what: &str) -> Self {
        Self {
            at,
            kind,
            message: format!("pod {pod} {what}"),
        }
    }
}
