//! Nodes are cordoned before pods are moved off them, and empty before they go (I3, I22), except where they have stopped
//! working; what goes as an instance without a node has none.

use crate::case::Case;
use crate::objection::{Objection, strike};
use crate::tally::Tally;
use model::intent::{IntentKind, RemoveStage};
use model::plan::{Step, StepKind};
use model::repair;
use model::{InstanceId, NodeName, Reason, StrikeReason};

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
    let empty =
        !must_be_empty || case.movable_on(node).next().is_none() || is_past_its_pods(step, node, case);
    if cordoned && ours && empty {
        return None;
    }
    strike(StrikeReason::NotDrained)
}

/// A node that has stopped working goes with the pods that are left on it, once nothing can come of asking them.
fn is_past_its_pods(step: &Step, name: &NodeName, case: &Case<'_>) -> bool {
    let Some((node, intent)) = case.seen.node(name).zip(case.ledger.removal_of(name)) else {
        return false;
    };
    let asked = case.seen.at.since(intent.opened);
    let left = case.movable_on(name).map(|(pod, _)| pod.phase);
    matches!(step.reason, Reason::Broken { .. })
        && case.repair.gives_up(node)
        && repair::lets_go(node, (asked, repair::grace(case.aims)), left)
}

/// No node is of this instance, and none is of an instance that nobody knows: that one may be it.
fn nodeless(instance: &InstanceId, case: &Case<'_>) -> Option<Objection> {
    let mut nodes = case.seen.nodes.iter().filter(|node| !node.fargate);
    let may_be = nodes.any(|node| node.instance.as_ref().is_none_or(|id| id == instance));
    may_be.then(|| strike(StrikeReason::NotDrained)).flatten()
}
