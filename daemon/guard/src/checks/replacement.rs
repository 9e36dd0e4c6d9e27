//! I10: a node that is replaced goes only after its replacement is Ready.

use super::{Objection, hold};
use crate::case::Case;
use crate::tally::Tally;
use model::HoldReason;
use model::intent::{IntentKind, LaunchStage};
use model::plan::{Step, StepKind};

pub(super) fn check(step: &Step, case: &Case<'_>, _: &Tally) -> Option<Objection> {
    let (StepKind::Evict { node, .. } | StepKind::RemoveNode { node, .. }) = &step.kind else {
        return None;
    };
    let IntentKind::Remove {
        after: Some(after), ..
    } = &case.ledger.removal_of(node)?.kind
    else {
        return None;
    };
    // A launch that has joined is closed and no longer waited for; one that is still listed is judged by its
    // stage, one that is not listed at all never came.
    let joined = case.ledger.intent(after).is_some_and(
        |intent| matches!(&intent.kind, IntentKind::Launch { stage, .. } if *stage == LaunchStage::Joined),
    );
    if joined {
        return None;
    }
    hold(HoldReason::ReplacementNotReady)
}
