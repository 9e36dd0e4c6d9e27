//! I10: a node that is replaced goes only after its replacements are Ready, and is cordoned only if they are asked
//! for.

use crate::case::Case;
use crate::objection::{Objection, hold};
use crate::step_effect::continues;
use crate::tally::Tally;
use model::intent::{IntentKind, LaunchStage};
use model::plan::{Step, StepKind};
use model::{HoldReason, IntentId, NodeName};

pub(super) fn check(step: &Step, case: &Case<'_>, tally: &Tally) -> Option<Objection> {
    match &step.kind {
        StepKind::Cordon { after, .. } if !continues(step, case) => {
            let begun =
                |launch: &IntentId| tally.launching.contains(launch) || case.ledger.intent(launch).is_some();
            let all = after.iter().all(begun);
            (!all).then(|| hold(HoldReason::FollowsHeld)).flatten()
        }
        StepKind::Evict { node, .. } if case.is_taken(node) => None,
        StepKind::Evict { node, .. } | StepKind::RemoveNode { node, .. } => {
            let IntentKind::Remove { after, .. } = &case.ledger.removal_of(node)?.kind else {
                return None;
            };
            let all = after.iter().all(|launch| joined(launch, case));
            (!all).then(|| hold(HoldReason::ReplacementNotReady)).flatten()
        }
        _ => None,
    }
}

/// A launch that replaces nodes stays listed until they are gone, and is judged by its stage and by its nodes as they
/// are now; one that is not listed at all never came.
fn joined(launch: &IntentId, case: &Case<'_>) -> bool {
    let there = |name: &NodeName| {
        let node = case.seen.node(name);
        node.is_some_and(|node| node.ready && !node.deleting)
    };
    case.ledger.intent(launch).is_some_and(|intent| {
        matches!(&intent.kind, IntentKind::Launch { stage, joined, .. }
            if *stage == LaunchStage::Joined && joined.iter().all(there))
    })
}
