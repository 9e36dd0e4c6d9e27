//! I12: in a cycle in which an enforced policy faulted, nothing starts to shrink. What is under way goes on.

use crate::case::Case;
use crate::objection::{Objection, hold};
use crate::step_effect::continues;
use crate::tally::Tally;
use model::HoldReason;
use model::plan::{Step, StepKind};

pub(super) fn check(step: &Step, case: &Case<'_>, _: &Tally) -> Option<Objection> {
    let hook = case.fault?;
    let shrinks = match &step.kind {
        StepKind::ScaleWorkload { from, to, .. } => to < from,
        StepKind::Cordon { .. } | StepKind::RemoveInstance { .. } => !continues(step, case),
        // Where it belongs may be a fallback's answer.
        StepKind::Remake { .. } => true,
        _ => false,
    };
    if shrinks {
        return hold(HoldReason::PolicyFault { hook });
    }
    None
}
