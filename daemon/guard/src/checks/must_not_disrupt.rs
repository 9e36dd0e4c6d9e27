//! I22: what is annotated, static, without a controller or tied to local data is not moved, unless the aims call it
//! expendable.

use crate::case::Case;
use crate::objection::{Objection, strike};
use crate::tally::Tally;
use model::plan::{Step, StepKind};
use model::pod::{Pod, PodPhase, PodSpec};
use model::{NodeName, StrikeReason};
use std::sync::Arc;

pub(super) fn check(step: &Step, case: &Case<'_>, _: &Tally) -> Option<Objection> {
    let must_stay = match &step.kind {
        // Nobody is moved by it, and nothing that is annotated stays longer without it.
        StepKind::Cordon { node, .. } if case.is_taken(node) => false,
        StepKind::Cordon { node, .. } => {
            let held = |(pod, spec): (&Pod, Arc<PodSpec>)| {
                !case.aims.is_expendable(spec.priority) && pod.held(&spec, case.seen.at).is_some()
            };
            let pods = || !case.is_given_up(node) && case.movable_on(node).any(held);
            held_node(node, case) || removed_by_others(node, case) || pods()
        }
        StepKind::Evict { pod, node } => {
            let annotated = held_node(node, case);
            let spec = case.seen.pod(pod).map(|pod| (pod, case.seen.spec(pod.spec)));
            annotated
                || spec.is_none_or(|(pod, spec)| {
                    spec.traits.mirror || (pod.phase != PodPhase::Finished && clings(pod, &spec, case))
                })
        }
        StepKind::Remake { pod, .. } => {
            let spec = case.seen.pod(pod).map(|pod| case.seen.spec(pod.spec));
            spec.is_none_or(|spec| spec.held().is_some() || !spec.is_interchangeable())
        }
        // Taking our own mark away is always right.
        StepKind::Yield { pod, node, cost } => {
            let held = |pod: &Pod| pod.held(&case.seen.spec(pod.spec), case.seen.at).is_some();
            *cost != 0 && (held_node(node, case) || case.seen.pod(pod).is_none_or(held))
        }
        StepKind::Avoid { node, on: true } | StepKind::RemoveNode { node, .. } => held_node(node, case),
        _ => false,
    };
    if must_stay {
        return strike(StrikeReason::MustNotDisrupt);
    }
    None
}

/// Whether annotations of the node keep it now.
fn held_node(node: &NodeName, case: &Case<'_>) -> bool {
    let node = case.seen.node(node);
    node.is_some_and(|node| node.held(case.seen.at).is_some())
}

/// Whether somebody else removes it: two that drain one node count its pods twice.
fn removed_by_others(node: &NodeName, case: &Case<'_>) -> bool {
    let node = case.seen.node(node);
    node.is_some_and(|node| node.removed_by(case.seen.at).is_some())
}

/// `safe-to-evict: "true"` allows what nobody would recreate and what loses local data, as in the Cluster
/// Autoscaler; it does not overrule do-not-disrupt.
fn clings(pod: &Pod, spec: &PodSpec, case: &Case<'_>) -> bool {
    if case.aims.is_expendable(spec.priority) {
        return false;
    }
    if pod.held(spec, case.seen.at).is_some() {
        return true;
    }
    let aims = &case.aims.disruption;
    let covered = case
        .seen
        .budgets
        .iter()
        .any(|budget| budget.namespace == spec.namespace && budget.selector.matches(&spec.labels));
    !spec.traits.safe_to_evict
        && (spec.owner.is_none()
            || aims.local_storage.keeps(spec.traits).is_some()
            || aims.keeps_system_pod(&spec.namespace, covered).is_some())
}
