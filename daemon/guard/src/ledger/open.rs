//! Opening: what is written down before a call is made (reliability invariant I7).

use super::{amount, counted, intent_mut, no_group, remade, removal_stage_mut};
use crate::cleared::{Cleared, Counted};
use crate::step_effect::{scaled_down, zone_left};
use model::aims::Aims;
use model::intent::{
    Effect, EffectKind, Intent, IntentKind, LaunchStage, Ledger, Proof, RemoveStage, nodeless,
};
use model::plan::{Step, StepKind};
use model::{GroupName, Instant, IntentId, NodeName, Snapshot};

/// Writes down a cleared step: opens its intent where it starts long work, and counts its effect. A step that
/// continues an open intent opens nothing and counts nothing twice.
pub fn open(ledger: &mut Ledger, cleared: &Cleared<Step>, seen: &Snapshot, aims: &Aims) {
    open_as(ledger, cleared.get(), cleared.counted(), seen, aims);
}

/// Writes down a step that counts against the windows in this way.
pub(crate) fn open_as(ledger: &mut Ledger, step: &Step, counted: Counted, seen: &Snapshot, aims: &Aims) {
    let at = seen.at;
    match &step.kind {
        StepKind::GrowGroup { .. } | StepKind::Cordon { .. } | StepKind::RemoveInstance { .. } => {
            let Some(id) = &step.intent else { return };
            if ledger.intent(id).is_none() {
                begin(ledger, id, (step, counted), seen, aims);
            }
        }
        StepKind::Evict { node, .. } => {
            if counted == Counted::Filled {
                filled(ledger, node, (at, zone_left(&step.kind, seen)));
            }
            if let Some(stage) = removal_stage_mut(ledger, node) {
                *stage = (*stage).max(RemoveStage::Draining);
            }
            if let Some(group) = seen.node(node).and_then(|node| node.group.clone()) {
                count_effect(ledger, at, group, EffectKind::Evicted { count: 1 });
            }
        }
        StepKind::Remake { pod, profile } => {
            if let Some(kind) = remade(pod, seen) {
                count_effect(ledger, at, profile.clone(), kind);
            }
        }
        StepKind::Uncordon { .. } => {
            let undone = step.intent.as_ref().and_then(|id| intent_mut(ledger, id));
            if let Some(Intent {
                kind: IntentKind::Remove { stage, .. },
                ..
            }) = undone
            {
                *stage = RemoveStage::Undoing;
            }
        }
        StepKind::ScaleWorkload { .. } => match scaled_down(&step.kind, seen) {
            0 => {}
            count => count_effect(ledger, at, no_group(), EffectKind::ScaledDown { count }),
        },
        StepKind::SetBounds { .. }
        | StepKind::PlaceOnFargate { .. }
        | StepKind::Nominate { .. }
        | StepKind::Yield { .. }
        | StepKind::Avoid { .. }
        | StepKind::RemoveNode { .. } => {}
    }
}

fn begin(
    ledger: &mut Ledger,
    id: &IntentId,
    (step, counted): (&Step, Counted),
    seen: &Snapshot,
    aims: &Aims,
) {
    let at = seen.at;
    let (kind, deadline, effect) = match &step.kind {
        StepKind::GrowGroup {
            group,
            offer,
            from,
            to,
            nodes,
            pods,
            rate,
        } => {
            let count = to.saturating_sub(*from);
            let kind = IntentKind::Launch {
                group: group.clone(),
                offer: offer.clone(),
                count,
                from: *from,
                to: *to,
                planned: nodes.clone(),
                pods: pods.clone(),
                stage: LaunchStage::Opened,
                instances: Vec::new(),
                joined: Vec::new(),
            };
            let proof = match counted {
                Counted::Proven(proof) => proof,
                _ => Proof::default(),
            };
            let rate = *rate;
            let effect = (group, EffectKind::Bought { count, rate, proof });
            let deadline = at + seen.options(Some(group)).provision_time(aims);
            (kind, deadline, effect)
        }
        StepKind::Cordon {
            node,
            group,
            instance,
            after,
        } => {
            let kind = IntentKind::Remove {
                group: group.clone(),
                node: node.clone(),
                instance: instance.clone(),
                stage: RemoveStage::Opened,
                after: after.clone(),
                gone: None,
            };
            let effect = match counted {
                Counted::Emptied => EffectKind::Emptied { node: node.clone() },
                Counted::Explained(pods) => EffectKind::Explained { pods },
                _ => EffectKind::removed_from(zone_left(&step.kind, seen)),
            };
            (kind, at + aims.shrink.drain_timeout, (group, effect))
        }
        StepKind::RemoveInstance { group, instance } => {
            let kind = IntentKind::Remove {
                group: group.clone(),
                node: nodeless(instance),
                instance: instance.clone(),
                stage: RemoveStage::Opened,
                after: Vec::new(),
                gone: None,
            };
            let removed = EffectKind::removed_from(zone_left(&step.kind, seen));
            (kind, at + aims.shrink.drain_timeout, (group, removed))
        }
        _ => return,
    };
    ledger.effects.push(Effect {
        at,
        group: effect.0.clone(),
        kind: effect.1,
    });
    let intent = Intent {
        id: id.clone(),
        kind,
        opened: at,
        deadline,
        generation: ledger.generation,
    };
    let place = ledger.intents.partition_point(|other| other.id < intent.id);
    ledger.intents.insert(place, intent);
}

/// A removal that began as that of an empty node counts as any other once pods are moved for it, and from then on: it would
/// be forgotten too early if it counted from where it began.
fn filled(ledger: &mut Ledger, name: &NodeName, (at, zone): (Instant, &str)) {
    let is = |effect: &Effect| matches!(&effect.kind, EffectKind::Emptied { node } if node == name);
    if let Some(place) = ledger.effects.iter().rposition(is) {
        let Effect { group, .. } = ledger.effects.remove(place);
        let kind = EffectKind::removed_from(zone);
        ledger.effects.push(Effect { at, group, kind });
    }
}

/// Evictions of one cycle and group, or workload, are one entry, and so are replicas of one cycle: the Ledger stays small.
fn count_effect(ledger: &mut Ledger, at: Instant, group: GroupName, more: EffectKind) {
    let by = amount(&more);
    match counted(ledger, (at, &group), &more) {
        Some(count) => *count = count.saturating_add(by),
        None => ledger.effects.push(Effect {
            at,
            group,
            kind: more,
        }),
    }
}
