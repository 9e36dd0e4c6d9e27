//! Settling: what an outcome does to the intent that its step opened or moved.
//!
//! Only a certain "nothing happened" closes an intent; an unknown end keeps it where it is, so that the same
//! intent, and with it the same client token, is tried again.

use super::{amount, close, counted, intent_mut, no_group, remade, removal_stage_mut, uncount, unreplaced};
use crate::step_effect::scaled_down;
use model::intent::{
    EffectKind, Intent, IntentKind, LaunchStage, Ledger, LedgerEvent, RemoveStage, nodeless,
};
use model::outcome::Outcome;
use model::plan::{Step, StepKind};
use model::{GroupName, InstanceId, Instant, IntentId, NodeName, OfferId, Snapshot, UsdPerHour};

/// Moves the step's intent by its outcome; `seen` is the Snapshot the step was opened under.
pub fn settle(ledger: &mut Ledger, step: &Step, outcome: &Outcome, seen: &Snapshot) -> Vec<LedgerEvent> {
    match &step.kind {
        StepKind::GrowGroup { rate, .. } => {
            let Some(id) = &step.intent else {
                return Vec::new();
            };
            launch(ledger, id, *rate, outcome, seen.at)
        }
        StepKind::Cordon { node, .. } => cordon(ledger, step, node, outcome, seen.at),
        StepKind::Evict { .. } | StepKind::Remake { .. } | StepKind::ScaleWorkload { .. } => {
            take_back(ledger, &step.kind, outcome, seen);
            Vec::new()
        }
        StepKind::RemoveNode { node, .. } => remove(ledger, step, node, outcome),
        StepKind::RemoveInstance { instance, .. } => {
            remove_instance(ledger, step, &nodeless(instance), outcome, seen.at)
        }
        StepKind::Uncordon { node } => match (outcome, &step.intent) {
            (Outcome::Done { .. } | Outcome::Recorded, Some(id)) => undone(ledger, id, node),
            _ => Vec::new(),
        },
        StepKind::SetBounds { .. }
        | StepKind::PlaceOnFargate { .. }
        | StepKind::Nominate { .. }
        | StepKind::Yield { .. }
        | StepKind::Avoid { .. } => Vec::new(),
    }
}

/// Takes one eviction, or the replicas of one step, back out of the windows where the call certainly had no effect.
fn take_back(ledger: &mut Ledger, kind: &StepKind, outcome: &Outcome, seen: &Snapshot) {
    // A call whose end nobody heard may have gone through: it stays counted.
    if matches!(outcome, Outcome::Done { .. } | Outcome::Unknown { .. }) {
        return;
    }
    let at = seen.at;
    match kind {
        StepKind::Evict { node, .. } => {
            let group = seen.node(node).and_then(|node| node.group.as_ref());
            if let Some(group) = group {
                uncount_amount(ledger, at, group, &EffectKind::Evicted { count: 1 });
            }
        }
        StepKind::Remake { pod, profile } => {
            if let Some(remade) = remade(pod, seen) {
                uncount_amount(ledger, at, profile, &remade);
            }
        }
        StepKind::ScaleWorkload { .. } => {
            let count = scaled_down(kind, seen);
            uncount_amount(ledger, at, &no_group(), &EffectKind::ScaledDown { count });
        }
        _ => {}
    }
}

fn launch(
    ledger: &mut Ledger,
    id: &IntentId,
    rate: UsdPerHour,
    outcome: &Outcome,
    at: Instant,
) -> Vec<LedgerEvent> {
    let fresh = ledger.intent(id).is_some_and(|intent| intent.opened == at);
    match outcome {
        Outcome::Done { instances } => {
            accepted(ledger, id, instances);
            Vec::new()
        }
        Outcome::Partly {
            instances,
            missing,
            no_capacity,
            ..
        } => {
            let less = lessen(ledger, id, instances, *missing);
            let event = less
                .filter(|_| *no_capacity)
                .map(|(group, offer)| LedgerEvent::LaunchFailed {
                    intent: id.clone(),
                    group,
                    missing: *missing,
                    no_capacity: true,
                    offer: Some(offer),
                    brought: false,
                });
            let given_up = unreplaced(ledger, id);
            event.into_iter().chain(given_up).collect()
        }
        Outcome::Unknown { .. } => Vec::new(),
        // An earlier try of the same intent may have gone through: only what this cycle opened is undone.
        Outcome::Dropped | Outcome::Stale { .. } | Outcome::Refused { .. } if !fresh => Vec::new(),
        Outcome::Dropped | Outcome::Stale { .. } | Outcome::Refused { .. } | Outcome::Recorded => {
            never_happened(ledger, id, rate);
            unreplaced(ledger, id)
        }
        Outcome::NoCapacity { .. } => failed(ledger, id, rate, true),
        Outcome::Failed { .. } => failed(ledger, id, rate, false),
    }
}

/// The provider has taken the launch, and named these instances.
fn accepted(ledger: &mut Ledger, id: &IntentId, named: &[InstanceId]) {
    if let Some(Intent {
        kind: IntentKind::Launch { stage, instances, .. },
        ..
    }) = intent_mut(ledger, id)
    {
        // Nodes may have joined before the answer was heard.
        *stage = (*stage).max(LaunchStage::Asked);
        for name in named {
            if !instances.contains(name) {
                instances.push(name.clone());
            }
        }
    }
}

/// Closes a launch that the provider has refused for good.
fn failed(ledger: &mut Ledger, id: &IntentId, rate: UsdPerHour, no_capacity: bool) -> Vec<LedgerEvent> {
    let failed = match never_happened(ledger, id, rate).map(|intent| intent.kind) {
        Some(IntentKind::Launch {
            group,
            offer,
            count,
            joined,
            ..
        }) => Some(LedgerEvent::LaunchFailed {
            intent: id.clone(),
            group,
            missing: count.saturating_sub(u32::try_from(joined.len()).unwrap_or(u32::MAX)),
            no_capacity,
            // Without capacity the offer is to blame and the group may sell others: one zone without capacity used to
            // stop its whole group for three minutes.
            offer: no_capacity.then_some(offer),
            brought: false,
        }),
        _ => None,
    };
    failed.into_iter().chain(unreplaced(ledger, id)).collect()
}

/// A launch goes on with the instances that came; what did not is waited for no longer, and was not bought.
fn lessen(
    ledger: &mut Ledger,
    id: &IntentId,
    named: &[InstanceId],
    missing: u32,
) -> Option<(GroupName, OfferId)> {
    let intent = intent_mut(ledger, id)?;
    let opened = intent.opened;
    let IntentKind::Launch {
        group,
        offer,
        count,
        to,
        planned,
        stage,
        instances,
        ..
    } = &mut intent.kind
    else {
        return None;
    };
    let asked = *count;
    let (left, group, offer) = (asked.saturating_sub(missing), group.clone(), offer.clone());
    (*count, *to) = (left, to.saturating_sub(asked - left));
    // `to` falls as well: what an open launch asks for counts against the maximum of its group (I6).
    planned.truncate(left as usize);
    *stage = (*stage).max(LaunchStage::Asked);
    instances.extend(named.iter().cloned());
    instances.sort();
    instances.dedup();
    uncount_missing(ledger, opened, &group, Missing { asked, left });
    Some((group, offer))
}

/// Nodes that a launch asked for, and those that are left of it.
#[derive(Clone, Copy)]
struct Missing {
    asked: u32,
    left: u32,
}

/// Takes what did not come of a launch back out of the windows, and the same part of what was proven of it.
fn uncount_missing(ledger: &mut Ledger, opened: Instant, group: &GroupName, missing: Missing) {
    let Missing { asked, left } = missing;
    let place = least_unproven(ledger, opened, group, |count, _| count == asked);
    let bought = place.and_then(|place| match &mut ledger.effects.get_mut(place)?.kind {
        EffectKind::Bought { count, rate, proof } => Some((count, rate, proof)),
        _ => None,
    });
    if let Some((count, rate, proof)) = bought {
        let part =
            |rate: UsdPerHour| UsdPerHour(rate.0.saturating_mul(i64::from(left)) / i64::from(asked.max(1)));
        (*rate, proof.rate) = (part(*rate), part(proof.rate));
        let nodes = u64::from(proof.nodes) * u64::from(left) / u64::from(asked.max(1));
        proof.nodes = u32::try_from(nodes).unwrap_or(0);
        *count = left;
    }
}

fn cordon(
    ledger: &mut Ledger,
    step: &Step,
    node: &NodeName,
    outcome: &Outcome,
    at: Instant,
) -> Vec<LedgerEvent> {
    let Some(id) = &step.intent else {
        return Vec::new();
    };
    match outcome {
        Outcome::Done { .. } => {
            if let Some(stage) = removal_stage_mut(ledger, node) {
                *stage = (*stage).max(RemoveStage::Cordoned);
            }
            Vec::new()
        }
        Outcome::Unknown { .. } => Vec::new(),
        _ => match ledger.intent(id).map(|intent| (&intent.kind, intent.opened)) {
            // Cordoned by an earlier try: the intent goes on, or is undone at its deadline.
            Some((IntentKind::Remove { stage, .. }, opened))
                if *stage > RemoveStage::Opened && opened != at =>
            {
                Vec::new()
            }
            _ => {
                never_happened(ledger, id, UsdPerHour::ZERO);
                vec![LedgerEvent::Undone {
                    intent: id.clone(),
                    node: node.clone(),
                }]
            }
        },
    }
}

fn remove(ledger: &mut Ledger, step: &Step, node: &NodeName, outcome: &Outcome) -> Vec<LedgerEvent> {
    let (stage, event) = match outcome {
        Outcome::Done { .. } => (RemoveStage::Terminating, None),
        // The node was cordoned and drained for it: it is opened again, so that it is not paid for and used by nobody
        // (kubernetes/autoscaler#5048: a cordoned node that was forgotten for ever).
        Outcome::Failed { .. } => {
            let event = step.intent.as_ref().map(|intent| LedgerEvent::RemovalGivenUp {
                intent: intent.clone(),
                node: node.clone(),
            });
            (RemoveStage::Undoing, event)
        }
        // Dry hands: the node stays, so the removal is not under way.
        Outcome::Recorded => {
            let closed = step
                .intent
                .as_ref()
                .and_then(|id| never_happened(ledger, id, UsdPerHour::ZERO));
            let event = closed.map(|intent| LedgerEvent::Undone {
                intent: intent.id,
                node: node.clone(),
            });
            return event.into_iter().collect();
        }
        _ => return Vec::new(),
    };
    if let Some(now) = removal_stage_mut(ledger, node) {
        *now = stage;
    }
    event.into_iter().collect()
}

/// There is nothing to undo: what certainly did not happen closes the intent, and it is proposed anew.
fn remove_instance(
    ledger: &mut Ledger,
    step: &Step,
    named: &NodeName,
    outcome: &Outcome,
    at: Instant,
) -> Vec<LedgerEvent> {
    let Some(id) = &step.intent else {
        return Vec::new();
    };
    // An earlier try of the same intent may have gone through.
    let earlier = ledger.intent(id).is_some_and(|intent| intent.opened != at);
    match outcome {
        Outcome::Done { .. } => {
            if let Some(stage) = removal_stage_mut(ledger, named) {
                *stage = RemoveStage::Terminating;
            }
            Vec::new()
        }
        Outcome::Unknown { .. } => Vec::new(),
        Outcome::Dropped | Outcome::Refused { .. } if earlier => Vec::new(),
        _ => {
            never_happened(ledger, id, UsdPerHour::ZERO);
            vec![LedgerEvent::Undone {
                intent: id.clone(),
                node: named.clone(),
            }]
        }
    }
}

fn undone(ledger: &mut Ledger, id: &IntentId, node: &NodeName) -> Vec<LedgerEvent> {
    let closed = close(ledger, id);
    closed
        .map(|intent| LedgerEvent::Undone {
            intent: intent.id,
            node: node.clone(),
        })
        .into_iter()
        .collect()
}

/// The effect of a launch of this cycle and group. Of those that look alike the one that counts least against the windows:
/// nobody wrote down whose it is, and taken back is never more than what did not happen.
fn least_unproven(
    ledger: &Ledger,
    at: Instant,
    group: &GroupName,
    same: impl Fn(u32, UsdPerHour) -> bool,
) -> Option<usize> {
    let effects = ledger.effects.iter().enumerate().rev();
    let theirs = effects.filter(|(_, effect)| effect.at == at && effect.group == *group);
    let alike = theirs.filter_map(|(place, effect)| match &effect.kind {
        EffectKind::Bought { count, rate, proof } if same(*count, *rate) => {
            Some((count.saturating_sub(proof.nodes), place))
        }
        _ => None,
    });
    alike
        .min_by_key(|(unproven, _)| *unproven)
        .map(|(_, place)| place)
}

/// Closes an intent whose call certainly had no effect, and takes its effect back out of the windows: of
/// launches of one cycle and size, one that was counted at this rate.
fn never_happened(ledger: &mut Ledger, id: &IntentId, rate: UsdPerHour) -> Option<Intent> {
    let intent = close(ledger, id)?;
    let at = intent.opened;
    match &intent.kind {
        IntentKind::Launch { group, count, .. } => {
            // A price may have moved between two tries of the same launch.
            let place = least_unproven(ledger, at, group, |of, at_rate| of == *count && at_rate == rate)
                .or_else(|| least_unproven(ledger, at, group, |of, _| of == *count));
            if let Some(place) = place {
                ledger.effects.remove(place);
            }
        }
        IntentKind::Remove { group, node, .. } => {
            let emptied = |kind: &EffectKind| matches!(kind, EffectKind::Emptied { node: of } if of == node);
            // Which nodes of a cycle went as explained nobody wrote down: where any did, this one may be of them, and what
            // the others count stays.
            let explained = ledger.effects.iter().any(|effect| {
                effect.at == at
                    && effect.group == *group
                    && matches!(effect.kind, EffectKind::Explained { .. })
            });
            let _ = uncount(ledger, at, group, emptied)
                || uncount(ledger, at, group, |kind| {
                    !explained && matches!(kind, EffectKind::Removed | EffectKind::RemovedFrom { .. })
                });
        }
    }
    Some(intent)
}

/// Takes so many evictions, or replicas, out of the entry of this cycle.
fn uncount_amount(ledger: &mut Ledger, at: Instant, group: &GroupName, less: &EffectKind) {
    if let Some(count) = counted(ledger, at, group, less) {
        *count = count.saturating_sub(amount(less));
    }
}
