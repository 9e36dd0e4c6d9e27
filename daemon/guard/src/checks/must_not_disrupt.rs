//! I22: what is annotated, static, without a controller or tied to local data is not moved.

use super::{Objection, strike};
use crate::case::Case;
use crate::tally::Tally;
use model::StrikeReason;
use model::plan::{Step, StepKind};
use model::pod::{PodPhase, PodSpec};

pub(super) fn check(step: &Step, case: &Case<'_>, _: &Tally) -> Option<Objection> {
    let must_stay = match &step.kind {
        // Nobody is moved by it, and nothing that is annotated stays longer without it.
        StepKind::Cordon { node, .. } if case.is_taken(node) => false,
        StepKind::Cordon { node, .. } => {
            case.seen.node(node).is_some_and(|node| node.do_not_disrupt)
                || case.movable_on(node).any(|(_, spec)| spec.traits.do_not_disrupt)
        }
        StepKind::Evict { pod, node } => {
            let annotated = case.seen.node(node).is_some_and(|node| node.do_not_disrupt);
            let spec = case.seen.pod(pod).map(|pod| (pod, case.seen.spec(pod.spec)));
            annotated
                || spec.is_none_or(|(pod, spec)| {
                    spec.traits.mirror || (pod.phase != PodPhase::Finished && clings(&spec))
                })
        }
        StepKind::Remake { pod, .. } => {
            let spec = case.seen.pod(pod).map(|pod| case.seen.spec(pod.spec));
            spec.is_none_or(|spec| spec.traits.do_not_disrupt || !spec.is_interchangeable())
        }
        // Taking our own mark away is always right.
        StepKind::Yield { pod, node, cost } => {
            let annotated = case.seen.node(node).is_some_and(|node| node.do_not_disrupt);
            let pod = case.seen.pod(pod);
            *cost != 0 && (annotated || pod.is_none_or(|pod| case.seen.spec(pod.spec).traits.do_not_disrupt))
        }
        StepKind::Avoid { node, on: true } | StepKind::RemoveNode { node, .. } => {
            case.seen.node(node).is_some_and(|node| node.do_not_disrupt)
        }
        _ => false,
    };
    if must_stay {
        return strike(StrikeReason::MustNotDisrupt);
    }
    None
}

/// `safe-to-evict: "true"` allows what nobody would recreate and what loses local data, as in the Cluster
/// Autoscaler; it does not overrule do-not-disrupt.
fn clings(spec: &PodSpec) -> bool {
    let traits = &spec.traits;
    traits.do_not_disrupt || (!traits.safe_to_evict && (spec.owner.is_none() || traits.local_storage))
}
