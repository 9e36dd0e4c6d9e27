//! Nodes are cordoned before pods are moved off them, and empty before they go (I3, I22).

use super::{Objection, strike};
use crate::case::Case;
use crate::tally::Tally;
use model::StrikeReason;
use model::intent::{IntentKind, RemoveStage};
use model::plan::{Step, StepKind};

pub(super) fn check(step: &Step, case: &Case<'_>, _: &Tally) -> Option<Objection> {
    let (node, must_be_empty) = match &step.kind {
        StepKind::Evict { node, .. } => (node, false),
        StepKind::RemoveNode { node, .. } => (node, true),
        _ => return None,
    };
    let cordoned = case
        .seen
        .node(node)
        .is_some_and(|node| node.unschedulable || node.draining);
    let ours = case.ledger.removal_of(node).is_some_and(|intent| {
        let under_way = matches!(&intent.kind, IntentKind::Remove { stage, .. }
            if (RemoveStage::Cordoned..=RemoveStage::Terminating).contains(stage));
        under_way && step.intent.as_ref() == Some(&intent.id)
    });
    let empty = !must_be_empty || case.movable_on(node).next().is_none();
    if cordoned && ours && empty {
        return None;
    }
    strike(StrikeReason::NotDrained)
}
