//! Replicas that an HPA or a ScaledObject sets are never written.

use crate::case::Case;
use crate::objection::{Objection, strike};
use crate::tally::Tally;
use model::StrikeReason;
use model::plan::{Step, StepKind};

pub(super) fn check(step: &Step, case: &Case<'_>, _: &Tally) -> Option<Objection> {
    let StepKind::ScaleWorkload { workload, .. } = &step.kind else {
        return None;
    };
    let owned = case
        .seen
        .workloads
        .iter()
        .any(|w| w.key == *workload && w.owned_by.is_some());
    if owned {
        return strike(StrikeReason::OwnedByHpa);
    }
    None
}
