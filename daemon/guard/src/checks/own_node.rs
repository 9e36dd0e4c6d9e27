//! I14: the node that the daemon runs on is neither drained nor removed.

use crate::case::Case;
use crate::objection::{Objection, strike};
use crate::tally::Tally;
use model::StrikeReason;
use model::plan::{Step, StepKind};

pub(super) fn check(step: &Step, case: &Case<'_>, _: &Tally) -> Option<Objection> {
    let (StepKind::Cordon { node, .. } | StepKind::Evict { node, .. } | StepKind::RemoveNode { node, .. }) =
        &step.kind
    else {
        return None;
    };
    if case.seen.own_node.as_ref() == Some(node) {
        return strike(StrikeReason::OwnNode);
    }
    None
}
