//! Nodes are cordoned before pods are moved off them, and empty before they go (I3, I22); what goes as an instance
//! without a node has none.

use super::{Objection, strike};
use crate::case::Case;
use crate::tally::Tally;
use model::InstanceId;
use model::StrikeReason;
use model::intent::{IntentKind, RemoveStage};
use model::plan::{Step, StepKind};

pub(super) fn check(step: &Step, case: &Case<'_>, _: &Tally) -> Option<Objection> {
    let (node, must_be_empty) = match &step.kind {
        StepKind::Evict { node, .. } => (node, false),
        StepKind::RemoveNode { node, .. } => (node, true),
        StepKind::RemoveInstance { instance, .. } => return nodeless(instance, case),
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

/// No node is of this instance, and none is of an instance that nobody knows: that one may be it.
fn nodeless(instance: &InstanceId, case: &Case<'_>) -> Option<Objection> {
    let mut nodes = case.seen.nodes.iter().filter(|node| !node.fargate);
    let may_be = nodes.any(|node| node.instance.as_ref().is_none_or(|id| id == instance));
    may_be.then(|| strike(StrikeReason::NotDrained)).flatten()
}
