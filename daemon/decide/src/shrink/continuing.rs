//! Open removals, carried on by one stage: cordon, evict what still has to leave, remove, or give up.
//!
//! Nobody is asked to leave while a budget of the aims freezes everything. Given up when the deadline has passed, when
//! the node is needed again, or when a pod on it must not be moved.

use super::fleet::Fleet;
use super::movers::Kept;
use super::shrunk::{Effect, Shrunk};
use crate::number::size;
use crate::rooms::Housed;
use model::ids::{GroupName, InstanceId, IntentId, NodeName};
use model::intent::{Intent, IntentKind, LaunchStage, RemoveStage};
use model::node::Node;
use model::plan::StepKind;
use model::pod::PodPhase;
use model::reason::{GiveUp, Reason, Refusal, Stays};
use model::repair;

/// A removal as far as it has come.
struct Removal<'a> {
    intent: &'a Intent,
    group: &'a GroupName,
    node: &'a Node,
    instance: &'a InstanceId,
    stage: RemoveStage,
    after: &'a [IntentId],
}

/// What keeps pods of a node in place that is on its way out.
pub(super) type Rests<'r> = &'r dyn Fn(&Node) -> Option<Stays>;

/// Moves every open removal, and undoes cordons of ours that no intent stands behind.
pub(super) fn carry_on(
    (fleet, rests): (&Fleet<'_>, Rests<'_>),
    kept: &Kept,
    budgets: &mut [u32],
    housed: &Housed,
    shrunk: &mut Shrunk,
) {
    let seen = fleet.seen;
    for intent in &seen.ledger.intents {
        let IntentKind::Remove {
            group,
            node,
            instance,
            stage,
            after,
            gone,
        } = &intent.kind
        else {
            continue;
        };
        // A node that is gone closes its intent in the ledger; there is nothing to do about it here. Nor is there while
        // its witnesses are to be asked a second time.
        let Some(node) = seen.node(node).filter(|_| gone.is_none()) else {
            continue;
        };
        let removal = Removal {
            intent,
            group,
            node,
            instance,
            stage: *stage,
            after,
        };
        let given_up = removal.given_up(fleet, kept, housed);
        if given_up.is_some() || removal.stage == RemoveStage::Undoing {
            shrunk.given_up.push((group.clone(), intent.opened));
        }
        let before = (shrunk.evictions.len(), shrunk.removals.len());
        removal.carry_on(fleet, budgets, given_up, shrunk);
        let ends_pods = |removal: &Effect| matches!(removal.reason, Reason::Broken { .. });
        let moves = shrunk.evictions.len() > before.0 || shrunk.removals[before.1..].iter().any(ends_pods);
        if let Some(why) = moves.then(|| rests(node)).flatten() {
            shrunk.evictions.truncate(before.0);
            shrunk.removals.truncate(before.1);
            shrunk.refusals.push(Refusal::NodeStays {
                node: node.name.clone(),
                why,
            });
        }
    }
    // A node that is not Ready may be that of an instance that is gone: it waits for its end, or for being itself again.
    let ours = |node: &&Node| node.draining && !node.deleting && node.ready;
    for node in seen.nodes.iter().filter(ours) {
        if seen.ledger.removal_of(&node.name).is_none() {
            let lost = IntentId::new("lost");
            shrunk
                .uncordons
                .push(undo(&node.name, None, &lost, GiveUp::TimedOut));
        }
    }
}

impl Removal<'_> {
    fn carry_on(
        &self,
        fleet: &Fleet<'_>,
        budgets: &mut [u32],
        given_up: Option<GiveUp>,
        shrunk: &mut Shrunk,
    ) {
        let id = &self.intent.id;
        if self.node.deleting {
            return;
        }
        if self.stage == RemoveStage::Terminating {
            if self.awaited(fleet) {
                shrunk.removals.push(self.removal());
            }
            return;
        }
        if self.stage == RemoveStage::Undoing {
            if self.node.draining || self.node.unschedulable {
                shrunk
                    .uncordons
                    .push(undo(&self.node.name, Some(id), id, self.undone_for(fleet)));
            }
            return;
        }
        if let Some(why) = given_up {
            shrunk.uncordons.push(undo(&self.node.name, Some(id), id, why));
            return;
        }
        if self.stage == RemoveStage::Opened {
            shrunk.cordons.push(self.next(StepKind::Cordon {
                node: self.node.name.clone(),
                group: self.group.clone(),
                instance: self.instance.clone(),
                after: self.after.to_vec(),
            }));
            return;
        }
        if (!self.node.goes() || self.node.is_given_up()) && !self.joined(fleet) {
            return;
        }
        let bin = fleet.index(&self.node.name).map(|bin| &fleet.bins[bin]);
        let pods = bin.map_or(&[][..], |bin| bin.pods.as_slice());
        if pods.is_empty() && self.may_shrink(fleet) {
            shrunk.emptied.push((self.group.clone(), self.intent.opened));
            shrunk.removals.push(self.removal());
        } else if self.may_shrink(fleet)
            && let Some(reason) = self.past_its_pods(fleet, pods)
        {
            shrunk.removals.push(Effect {
                reason,
                ..self.removal()
            });
            return;
        }
        for pod in pods.iter().map(|at| &fleet.seen.pods[size(*at)]) {
            let stays = fleet.stays(pod).is_some();
            if pod.phase != PodPhase::Terminating && !stays && fleet.spend(pod, budgets) {
                shrunk.evictions.push(self.next(StepKind::Evict {
                    pod: pod.key.clone(),
                    node: self.node.name.clone(),
                }));
            }
        }
    }

    /// A node that has stopped working goes past the pods that are left on it, once nothing can come of asking them.
    fn past_its_pods(&self, fleet: &Fleet<'_>, pods: &[u32]) -> Option<Reason> {
        let leaving = self.node.leaving.filter(|_| self.node.is_given_up())?;
        let left = pods.iter().map(|at| fleet.seen.pods[size(*at)].phase);
        let asked = fleet.seen.at.since(self.intent.opened);
        let goes = repair::lets_go(self.node, (asked, fleet.repair_grace), left);
        goes.then_some(Reason::Broken { since: leaving.told })
    }

    fn removal(&self) -> Effect {
        self.next(StepKind::RemoveNode {
            group: self.group.clone(),
            node: self.node.name.clone(),
            instance: self.instance.clone(),
        })
    }

    /// What the provider takes away from a group at its minimum, the provider replaces; what waits for us to let it go
    /// makes no group smaller.
    fn may_shrink(&self, fleet: &Fleet<'_>) -> bool {
        let group = fleet.seen.group(self.group);
        !self.node.goes() || self.awaited(fleet) || group.is_none_or(|group| group.desired > group.min)
    }

    /// Whether the instance waits at a lifecycle hook that is ours to complete.
    fn awaited(&self, fleet: &Fleet<'_>) -> bool {
        let group = fleet.seen.group(self.group);
        group.is_some_and(|group| group.awaits(self.instance))
    }

    /// Whether all nodes that replace this one are there.
    fn joined(&self, fleet: &Fleet<'_>) -> bool {
        let ledger = &fleet.seen.ledger;
        self.after.iter().all(|launch| {
            let kind = ledger.intent(launch).map(|intent| &intent.kind);
            matches!(kind, Some(IntentKind::Launch { stage, .. }) if *stage == LaunchStage::Joined)
        })
    }

    /// Why a removal is being undone, as far as the Ledger still tells.
    fn undone_for(&self, fleet: &Fleet<'_>) -> GiveUp {
        let gone = |launch: &IntentId| fleet.seen.ledger.intent(launch).is_none();
        if self.after.iter().any(gone) {
            GiveUp::NotReplaced
        } else {
            GiveUp::TimedOut
        }
    }

    fn given_up(&self, fleet: &Fleet<'_>, kept: &Kept, housed: &Housed) -> Option<GiveUp> {
        // What goes anyway is not kept by anything: pods that must not be moved stay until it is gone.
        if self.stage >= RemoveStage::Terminating || self.node.deleting || self.node.goes() {
            return None;
        }
        if fleet.seen.at > self.intent.deadline {
            return Some(GiveUp::TimedOut);
        }
        if housed.pods.contains_key(&self.node.name) {
            return Some(GiveUp::NeededAgain);
        }
        let bin = fleet.index(&self.node.name).map(|bin| &fleet.bins[bin]);
        let bound = bin.is_some_and(|bin| {
            let pods = bin.pods.iter().map(|at| &fleet.seen.pods[size(*at)]);
            let mut staying = pods.filter(|pod| pod.phase != PodPhase::Terminating);
            staying.any(|pod| fleet.stays(pod).is_some())
        });
        if bound {
            return Some(GiveUp::MustNotMove);
        }
        kept.stuck
            .contains(&self.node.name)
            .then_some(GiveUp::NeededAgain)
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
