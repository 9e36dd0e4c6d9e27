//! I7 and I9: one piece of work on one object at a time, a pod counts against one launch only, and the
//! Ledger stays bounded.

use crate::case::Case;
use crate::fleet::number;
use crate::ledger::MAX_INTENTS;
use crate::objection::{Objection, hold};
use crate::step_effect::continues;
use crate::tally::Tally;
use model::intent::{EffectKind, IntentKind, LaunchStage, nodeless};
use model::plan::{Step, StepKind};
use model::{GroupName, HoldReason, InstanceId, NodeName, PodKey};

pub(super) fn check(step: &Step, case: &Case<'_>, tally: &Tally) -> Option<Objection> {
    let taken = match &step.kind {
        StepKind::GrowGroup {
            group, pods, from, ..
        } => {
            !continues(step, case)
                && (reused(step, case)
                    || undecided(group, case)
                    || unseen(group, *from, case)
                    || launched(pods, case, tally))
        }
        StepKind::Cordon { node, .. } => {
            let other =
                !continues(step, case) && (reused(step, case) || case.ledger.removal_of(node).is_some());
            other || tally.cordoned.contains(node) || arriving(node, case)
        }
        StepKind::RemoveInstance { group, instance } => {
            let name = nodeless(instance);
            let other =
                !continues(step, case) && (reused(step, case) || case.ledger.removal_of(&name).is_some());
            other || tally.cordoned.contains(&name) || awaited(group, instance, case)
        }
        // Its size is not known before the end of the call is.
        StepKind::SetBounds { group, .. } => undecided(group, case),
        StepKind::Evict { pod, .. } | StepKind::Remake { pod, .. } => tally.pods.contains(pod),
        StepKind::ScaleWorkload { workload, .. } => tally.workloads.contains(workload),
        _ => false,
    };
    if taken {
        return hold(HoldReason::IntentOpen);
    }
    if !continues(step, case) && leaps(step, case, tally) {
        return hold(HoldReason::FollowsHeld);
    }
    if step.kind.opens() && !continues(step, case) && tally.intents >= MAX_INTENTS {
        return hold(HoldReason::TooManyIntents { limit: MAX_INTENTS });
    }
    None
}

/// Growth that starts from a size the group does not have after the steps cleared so far: asking for its
/// target would buy what was held as well.
fn leaps(step: &Step, case: &Case<'_>, tally: &Tally) -> bool {
    let StepKind::GrowGroup { group, from, .. } = &step.kind else {
        return false;
    };
    let desired = case.seen.group(group).map_or(0, |group| group.desired);
    let growing = tally.growing_now.get(group).copied().unwrap_or(0);
    *from > desired.saturating_add(growing)
}

/// An id that is open already for something else.
fn reused(step: &Step, case: &Case<'_>) -> bool {
    step.intent
        .as_ref()
        .is_some_and(|id| case.ledger.intent(id).is_some())
}

/// A launch of this group whose call nobody heard the end of: its size is not known.
fn undecided(of: &GroupName, case: &Case<'_>) -> bool {
    case.ledger.intents.iter().any(|intent| {
        matches!(&intent.kind, IntentKind::Launch { group, stage, .. }
            if group == of && *stage == LaunchStage::Opened)
    })
}

/// A launch that the provider has accepted and that the picture of the group does not show yet: growth from the
/// size before it would ask for the same nodes again.
fn unseen(of: &GroupName, from: u32, case: &Case<'_>) -> bool {
    let Some(group) = case.seen.group(of) else {
        return false;
    };
    case.ledger.intents.iter().any(|intent| match &intent.kind {
        IntentKind::Launch {
            group: theirs,
            to,
            stage: LaunchStage::Asked,
            instances,
            joined,
            ..
        } if theirs == of => {
            // What left since is no longer part of the size.
            let removed = case.ledger.effects.iter().filter(|effect| {
                effect.group == *of
                    && matches!(
                        effect.kind,
                        EffectKind::Removed | EffectKind::RemovedFrom { .. } | EffectKind::Emptied { .. }
                    )
                    && effect.at >= intent.opened
            });
            let left = number(removed.count()).saturating_add(case.leaving(of));
            let shown = !joined.is_empty()
                || group
                    .instances
                    .iter()
                    .any(|listed| instances.contains(&listed.id))
                || group.desired.saturating_add(left) >= *to;
            from < *to && !shown
        }
        _ => false,
    })
}

fn launched(pods: &[PodKey], case: &Case<'_>, tally: &Tally) -> bool {
    let open = case.ledger.intents.iter().any(|intent| match &intent.kind {
        IntentKind::Launch {
            pods: theirs, stage, ..
        } if *stage != LaunchStage::Joined => theirs.iter().any(|pod| pods.contains(pod)),
        _ => false,
    });
    open || pods.iter().any(|pod| tally.launches.contains(pod))
}

/// An instance that an open launch still waits for, or may: not all of its instances are named.
fn awaited(of: &GroupName, instance: &InstanceId, case: &Case<'_>) -> bool {
    case.ledger.intents.iter().any(|intent| {
        matches!(&intent.kind, IntentKind::Launch { group, count, stage, instances, .. }
            if group == of
                && *stage != LaunchStage::Joined
                && (instances.contains(instance) || instances.len() < *count as usize))
    })
}

/// A node that an open launch has just brought.
fn arriving(node: &NodeName, case: &Case<'_>) -> bool {
    case.ledger
        .intents
        .iter()
        .any(|intent| matches!(&intent.kind, IntentKind::Launch { joined, .. } if joined.contains(node)))
}
