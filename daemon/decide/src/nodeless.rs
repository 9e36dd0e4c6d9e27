//! Instances that never became a node: since when each has been seen without one, and those that have had their time.
//!
//! Such an instance runs nothing and is paid for, so it goes whatever the aims say about shrinking. What it was bought
//! for is bought again once its launch has failed, which is the Ledger's to say. A node that nobody can tell the
//! instance of may be any of them: while there is one, all of them stay.

use crate::shrink::Effect;
use model::aims::Aims;
use model::group::{Group, GroupKind, Instance};
use model::ids::{GroupName, InstanceId};
use model::intent::{IntentKind, RemoveStage, nodeless};
use model::memory::Memory;
use model::plan::StepKind;
use model::reason::{Reason, Refusal, Stays};
use model::snapshot::{Freshness, Snapshot, Source};
use model::time::Span;
use std::collections::BTreeSet;

/// Instances that are remembered.
const KEPT: usize = 2000;

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Nodeless {
    pub(crate) removals: Vec<Effect>,
    pub(crate) refusals: Vec<Refusal>,
}

/// Remembers the instances without a node, and gives up those that have been without one for the provision time.
/// `start`: something new may be given up in this cycle.
pub(crate) fn decide(seen: &Snapshot, memory: &mut Memory, aims: &Aims, start: bool) -> Nodeless {
    let mut done = Nodeless::default();
    let blind = [Source::Nodes, Source::Groups]
        .iter()
        .any(|source| seen.freshness(*source) == Freshness::Missing);
    if blind {
        return done;
    }
    let instances = of_nodes(seen);
    let known = std::mem::take(&mut memory.nodeless_since);
    for group in seen.groups.iter().filter(|group| in_scope(group, aims)) {
        let mut spare = spare(seen, group);
        for instance in without_node(group, &instances) {
            let since = known.get(&instance.id).copied().unwrap_or(seen.at);
            if memory.nodeless_since.len() < KEPT {
                memory.nodeless_since.insert(instance.id.clone(), since);
            }
            let waited = seen.at.since(since);
            if instances.all_known && waited >= group.options.provision_time(aims) {
                done.give_up((seen, group), &instance.id, (waited, start), &mut spare);
            }
        }
    }
    done
}

/// Instances that nodes are of.
struct OfNodes<'a> {
    ids: BTreeSet<&'a str>,
    all_known: bool,
}

fn of_nodes(seen: &Snapshot) -> OfNodes<'_> {
    let nodes = || seen.nodes.iter().filter(|node| !node.fargate);
    let ids = nodes().filter_map(|node| node.instance.as_ref());
    OfNodes {
        ids: ids.map(InstanceId::as_str).collect(),
        all_known: nodes().all(|node| node.instance.is_some()),
    }
}

fn without_node<'a>(group: &'a Group, nodes: &OfNodes<'_>) -> Vec<&'a Instance> {
    let alone = |listed: &&Instance| listed.is_capacity() && !nodes.ids.contains(listed.id.as_str());
    group.instances.iter().filter(alone).collect()
}

fn in_scope(group: &Group, aims: &Aims) -> bool {
    let named = aims.groups.is_empty() || aims.groups.contains(&group.name);
    named && group.foreign.is_none() && group.kind != GroupKind::FargateProfile
}

/// Instances that the group can still lose.
fn spare(seen: &Snapshot, group: &Group) -> usize {
    let leaves = |of: &GroupName| *of == group.name;
    let open = seen.ledger.intents.iter().filter(
        |intent| matches!(&intent.kind, IntentKind::Remove { group, gone: None, .. } if leaves(group)),
    );
    let above = group.desired.saturating_sub(group.min) as usize;
    above.saturating_sub(open.count())
}

impl Nodeless {
    fn give_up(
        &mut self,
        (seen, group): (&Snapshot, &Group),
        instance: &InstanceId,
        (waited, start): (Span, bool),
        spare: &mut usize,
    ) {
        let kind = StepKind::RemoveInstance {
            group: group.name.clone(),
            instance: instance.clone(),
        };
        let named = nodeless(instance);
        if let Some(open) = seen.ledger.removal_of(&named) {
            // A call whose end nobody heard is made again; one that was accepted is waited for.
            if matches!(&open.kind, IntentKind::Remove { stage, .. } if *stage == RemoveStage::Opened) {
                let intent = open.id.clone();
                self.removals.push(Effect {
                    kind,
                    reason: Reason::Continues {
                        intent: intent.clone(),
                    },
                    intent: Some(intent),
                });
            }
            return;
        }
        let why = if group.rolling.is_some() {
            Some(Stays::Rolling)
        } else {
            (*spare == 0).then_some(Stays::GroupAtMinimum)
        };
        if let Some(why) = why {
            self.refusals.push(Refusal::NodeStays { node: named, why });
        } else if start {
            *spare -= 1;
            self.removals.push(Effect {
                kind,
                reason: Reason::NeverJoined { waited },
                intent: None,
            });
        }
    }
}

#[cfg(test)]
mod tests;
