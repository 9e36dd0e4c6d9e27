//! Open removals, carried on by one stage: cordon, evict what still has to leave, remove, or give up.
//!
//! Given up when the deadline has passed, when the node is needed again, or when a pod on it must not be moved.

use super::crew::{self, Crew, Receivers};
use super::{Effect, Shrunk};
use crate::rooms::Housed;
use model::ids::{GroupName, InstanceId, IntentId, NodeName};
use model::intent::{Intent, IntentKind, RemoveStage};
use model::node::Node;
use model::plan::StepKind;
use model::pod::PodPhase;
use model::reason::{GiveUp, Reason};

/// A removal as far as it has come.
struct Removal<'a> {
    intent: &'a Intent,
    group: &'a GroupName,
    node: &'a Node,
    instance: &'a InstanceId,
    stage: RemoveStage,
    after: Option<&'a IntentId>,
}

/// Moves every open removal, and undoes cordons of ours that no intent stands behind.
pub(super) fn carry_on(
    crew: &Crew<'_>,
    receivers: &mut Receivers<'_>,
    budgets: &mut [u32],
    housed: &Housed,
    shrunk: &mut Shrunk,
) {
    let seen = crew.seen;
    for intent in &seen.ledger.intents {
        let IntentKind::Remove {
            group,
            node,
            instance,
            stage,
            after,
        } = &intent.kind
        else {
            continue;
        };
        // A node that is gone closes its intent in the ledger; there is nothing to do about it here.
        let Some(node) = seen.node(node) else {
            continue;
        };
        let removal = Removal {
            intent,
            group,
            node,
            instance,
            stage: *stage,
            after: after.as_ref(),
        };
        let given_up = removal.given_up(crew, receivers, housed);
        removal.carry_on(crew, budgets, given_up, shrunk);
    }
    for node in seen.nodes.iter().filter(|node| node.draining && !node.deleting) {
        if seen.ledger.removal_of(&node.name).is_none() {
            let lost = IntentId::new("lost");
            shrunk
                .uncordons
                .push(undo(&node.name, None, &lost, GiveUp::TimedOut));
        }
    }
}

impl Removal<'_> {
    fn carry_on(&self, crew: &Crew<'_>, budgets: &mut [u32], given_up: Option<GiveUp>, shrunk: &mut Shrunk) {
        let seen = crew.seen;
        let id = &self.intent.id;
        if self.stage == RemoveStage::Terminating || self.node.deleting {
            return;
        }
        if self.stage == RemoveStage::Undoing {
            if self.node.draining || self.node.unschedulable {
                shrunk
                    .uncordons
                    .push(undo(&self.node.name, Some(id), id, GiveUp::TimedOut));
            }
            return;
        }
        if let Some(why) = given_up {
            shrunk.uncordons.push(undo(&self.node.name, Some(id), id, why));
            return;
        }
        if self
            .after
            .is_some_and(|launch| seen.ledger.intent(launch).is_some())
        {
            return;
        }
        if self.stage == RemoveStage::Opened {
            shrunk.cordons.push(self.next(StepKind::Cordon {
                node: self.node.name.clone(),
                group: self.group.clone(),
                instance: self.instance.clone(),
            }));
            return;
        }
        let moves = crew.moves(&self.node.name);
        if moves.is_empty() {
            shrunk.removals.push(self.next(StepKind::RemoveNode {
                group: self.group.clone(),
                node: self.node.name.clone(),
                instance: self.instance.clone(),
            }));
        }
        for pod in moves {
            if pod.phase != PodPhase::Terminating && crew.spend(pod, budgets) {
                shrunk.evictions.push(self.next(StepKind::Evict {
                    pod: pod.key.clone(),
                    node: self.node.name.clone(),
                }));
            }
        }
    }

    fn given_up(&self, crew: &Crew<'_>, receivers: &mut Receivers<'_>, housed: &Housed) -> Option<GiveUp> {
        if self.stage >= RemoveStage::Terminating || self.node.deleting {
            return None;
        }
        if crew.seen.at > self.intent.deadline {
            return Some(GiveUp::TimedOut);
        }
        if housed.pods.contains_key(&self.node.name) {
            return Some(GiveUp::NeededAgain);
        }
        let bound = crew
            .moves(&self.node.name)
            .into_iter()
            .filter(|pod| pod.phase != PodPhase::Terminating)
            .any(|pod| crew.spec(pod).and_then(crew::must_stay).is_some());
        if bound {
            return Some(GiveUp::MustNotMove);
        }
        // The room found for the pods stays taken: no other removal may count on it.
        receivers
            .rehouse(crew, &self.node.name, housed)
            .err()
            .map(|_| GiveUp::NeededAgain)
    }

    fn next(&self, kind: StepKind) -> Effect {
        Effect {
            kind,
            reason: Reason::Continues {
                intent: self.intent.id.clone(),
            },
            intent: Some(self.intent.id.clone()),
        }
    }
}

fn undo(node: &NodeName, intent: Option<&IntentId>, named: &IntentId, why: GiveUp) -> Effect {
    Effect {
        kind: StepKind::Uncordon { node: node.clone() },
        reason: Reason::GivenUp {
            intent: named.clone(),
            why,
        },
        intent: intent.cloned(),
    }
}
