//! Opening: what is written down before a call is made (reliability invariant I7).

use super::{counted, intent_mut, remade, removal_stage_mut};
use model::aims::Aims;
use model::intent::{Effect, EffectKind, Intent, IntentKind, LaunchStage, Ledger, RemoveStage, nodeless};
use model::plan::{Step, StepKind};
use model::{GroupName, Instant, IntentId, Snapshot};

/// Writes down a cleared step: opens its intent where it starts long work, and counts its effect. A step that
/// continues an open intent opens nothing and counts nothing twice.
pub fn open(ledger: &mut Ledger, step: &Step, seen: &Snapshot, aims: &Aims) {
    let at = seen.at;
    match &step.kind {
        StepKind::GrowGroup { .. } | StepKind::Cordon { .. } | StepKind::RemoveInstance { .. } => {
            let Some(id) = &step.intent else { return };
            if ledger.intent(id).is_none() {
                begin(ledger, id, step, at, aims);
            }
        }
        StepKind::Evict { node, .. } => {
            if let Some(stage) = removal_stage_mut(ledger, node) {
                *stage = (*stage).max(RemoveStage::Draining);
            }
            if let Some(group) = seen.node(node).and_then(|node| node.group.clone()) {
                count_eviction(ledger, at, group, EffectKind::Evicted { count: 1 });
            }
        }
        StepKind::Remake { pod, profile } => {
            if let Some(kind) = remade(pod, seen) {
                count_eviction(ledger, at, profile.clone(), kind);
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
        StepKind::ScaleWorkload { .. }
        | StepKind::SetBounds { .. }
        | StepKind::PlaceOnFargate { .. }
        | StepKind::Nominate { .. }
        | StepKind::Yield { .. }
        | StepKind::Avoid { .. }
        | StepKind::RemoveNode { .. } => {}
    }
}

fn begin(ledger: &mut Ledger, id: &IntentId, step: &Step, at: Instant, aims: &Aims) {
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
            let effect = (group, EffectKind::Bought { count, rate: *rate });
            (kind, at + aims.limits.provision_time, effect)
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
            };
            (kind, at + aims.shrink.drain_timeout, (group, EffectKind::Removed))
        }
        StepKind::RemoveInstance { group, instance } => {
            let kind = IntentKind::Remove {
                group: group.clone(),
                node: nodeless(instance),
                instance: instance.clone(),
                stage: RemoveStage::Opened,
                after: Vec::new(),
            };
            (kind, at + aims.shrink.drain_timeout, (group, EffectKind::Removed))
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

/// Evictions of one cycle and group, or workload, are one entry: the Ledger stays small.
fn count_eviction(ledger: &mut Ledger, at: Instant, group: GroupName, one: EffectKind) {
    match counted(ledger, (at, &group), &one) {
        Some(count) => *count = count.saturating_add(1),
        None => ledger.effects.push(Effect { at, group, kind: one }),
    }
}
