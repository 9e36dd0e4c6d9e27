//! Opening: what is written down before a call is made (reliability invariant I7).

use super::{amount, counted, intent_mut, no_group, remade, removal_stage_mut};
use crate::cleared::{Cleared, Counted};
use crate::step_effect::{scaled_down, zone_left};
use model::aims::Aims;
use model::intent::{
    Effect, EffectKind, Intent, IntentKind, LaunchStage, Ledger, Proof, RemoveStage, nodeless,
};
use model::plan::{Step, StepKind};
use model::{GroupName, InstanceId, Instant, IntentId, NodeName, Snapshot};

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
            begin(ledger, step, counted, seen, aims);
        }
        StepKind::Evict { node, .. } => {
            if counted == Counted::Filled {
                filled(ledger, node, at, zone_left(&step.kind, seen));
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
        StepKind::Uncordon { .. } => undo(ledger, step),
        StepKind::ScaleWorkload { .. } => match scaled_down(&step.kind, seen) {
            // Growth is no effect that a window counts: it makes no room for what is taken later.
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

/// What is written down of work that begins.
struct Begun<'a> {
    group: &'a GroupName,
    kind: IntentKind,
    deadline: Instant,
    /// What the windows count of it.
    effect: EffectKind,
}

/// Opens the intent of a step and counts its effect; of one that is open already nothing.
fn begin(ledger: &mut Ledger, step: &Step, counted: Counted, seen: &Snapshot, aims: &Aims) {
    let at = seen.at;
    let Some(id) = step.intent.as_ref().filter(|id| ledger.intent(id).is_none()) else {
        return;
    };
    let Some(begun) = begun(&step.kind, counted, seen, aims) else {
        return;
    };
    ledger.effects.push(Effect {
        at,
        group: begun.group.clone(),
        kind: begun.effect,
    });
    let intent = Intent {
        id: id.clone(),
        kind: begun.kind,
        opened: at,
        deadline: begun.deadline,
        generation: ledger.generation,
    };
    // Ordered by id, whatever the order of the calls: records are replayed bit for bit (I24).
    let place = ledger.intents.partition_point(|other| other.id < intent.id);
    ledger.intents.insert(place, intent);
}

fn begun<'a>(kind: &'a StepKind, counted: Counted, seen: &Snapshot, aims: &Aims) -> Option<Begun<'a>> {
    let drained = seen.at + aims.shrink.drain_timeout;
    match kind {
        StepKind::GrowGroup {
            group,
            from,
            to,
            rate,
            ..
        } => Some(Begun {
            group,
            kind: launch(kind)?,
            deadline: seen.at + seen.options(Some(group)).provision_time(aims),
            effect: EffectKind::Bought {
                count: to.saturating_sub(*from),
                rate: *rate,
                proof: match counted {
                    Counted::Proven(proof) => proof,
                    _ => Proof::default(),
                },
            },
        }),
        StepKind::Cordon {
            node,
            group,
            instance,
            after,
        } => Some(Begun {
            group,
            kind: removal(group, node, instance, after),
            deadline: drained,
            effect: match counted {
                Counted::Emptied => EffectKind::Emptied { node: node.clone() },
                Counted::Explained(pods) => EffectKind::Explained { pods },
                _ => EffectKind::removed_from(zone_left(kind, seen)),
            },
        }),
        StepKind::RemoveInstance { group, instance } => Some(Begun {
            group,
            kind: removal(group, &nodeless(instance), instance, &[]),
            deadline: drained,
            effect: EffectKind::removed_from(zone_left(kind, seen)),
        }),
        _ => None,
    }
}

/// The launch that a step asks for; `None` of a step that grows nothing.
fn launch(kind: &StepKind) -> Option<IntentKind> {
    let StepKind::GrowGroup {
        group,
        offer,
        from,
        to,
        nodes,
        pods,
        ..
    } = kind
    else {
        return None;
    };
    Some(IntentKind::Launch {
        group: group.clone(),
        offer: offer.clone(),
        count: to.saturating_sub(*from),
        from: *from,
        to: *to,
        planned: nodes.clone(),
        pods: pods.clone(),
        stage: LaunchStage::Opened,
        instances: Vec::new(),
        joined: Vec::new(),
    })
}

/// The removal of a node that waits for these launches.
fn removal(group: &GroupName, node: &NodeName, instance: &InstanceId, after: &[IntentId]) -> IntentKind {
    IntentKind::Remove {
        group: group.clone(),
        node: node.clone(),
        instance: instance.clone(),
        stage: RemoveStage::Opened,
        after: after.to_vec(),
        gone: None,
    }
}

/// The removal is undone from now on, whatever becomes of the call: it may have opened the node and be heard of by nobody.
fn undo(ledger: &mut Ledger, step: &Step) {
    let undone = step.intent.as_ref().and_then(|id| intent_mut(ledger, id));
    if let Some(Intent {
        kind: IntentKind::Remove { stage, .. },
        ..
    }) = undone
    {
        *stage = RemoveStage::Undoing;
    }
}

/// A removal that began as that of an empty node counts as any other once pods are moved for it, and from then on: it would
/// be forgotten too early if it counted from where it began.
fn filled(ledger: &mut Ledger, name: &NodeName, at: Instant, zone: &str) {
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
    match counted(ledger, at, &group, &more) {
        Some(count) => *count = count.saturating_add(by),
        None => ledger.effects.push(Effect {
            at,
            group,
            kind: more,
        }),
    }
}
