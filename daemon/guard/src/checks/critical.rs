//! I14: what the cluster cannot do without is disturbed one pod at a time, and its last Ready pod not at all, with a
//! `PodDisruptionBudget` or without. What the provider takes away, and what has stopped working, is not kept by it.

use crate::case::Case;
use crate::objection::{Objection, hold};
use crate::step_effect::continues;
use crate::tally::Tally;
use model::HoldReason;
use model::plan::{Step, StepKind};

pub(super) fn check(step: &Step, case: &Case<'_>, tally: &Tally) -> Option<Objection> {
    let (StepKind::Cordon { node, .. } | StepKind::Evict { node, .. }) = &step.kind else {
        return None;
    };
    if continues(step, case) || case.is_taken(node) || case.is_given_up(node) {
        return None;
    }
    let needed = if let StepKind::Evict { pod, .. } = &step.kind {
        case.critical.needs(pod, |other| tally.pods.contains(other))
    } else {
        let last = case
            .critical
            .last_on(node, |other| tally.cordoned.contains(other));
        last.map(|(workload, _)| workload)
    };
    let workload = needed?.clone();
    hold(HoldReason::NoneToSpare { workload })
}
