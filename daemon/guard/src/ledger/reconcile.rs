//! Reading the Ledger against a Snapshot: what became of everything that was under way.
//!
//! Good news needs one witness, bad news two (reliability invariant I4): a node has joined when it is seen
//! Ready; an instance is gone when the cloud and the API server both say so, on fresh sources, and still say so a minute
//! later.

mod helped;

use super::{close, identity, intent_mut, unreplaced};
use model::group::InstanceState;
use model::intent::{Intent, IntentKind, LaunchStage, Ledger, LedgerEvent, RemoveStage, Spent};
use model::limits::Limits;
use model::{
    Freshness, GroupName, InstanceId, Instant, IntentId, NodeName, OfferId, PodKey, Snapshot, Source, Span,
};
use std::collections::BTreeSet;

/// Moves every intent by what is seen, closes what has ended, and drops effects that no window counts any
/// more. Run before the decision, in every cycle and after every restart.
pub fn reconcile(ledger: &mut Ledger, seen: &Snapshot, limits: &Limits) -> Vec<LedgerEvent> {
    let mut events = Vec::new();
    let mut before: Vec<Intent> = promised(ledger);
    // First: what was asked of a group that is gone must not be taken for accepted because its namesake has the size (I21).
    for id in identity::orphaned(ledger, seen) {
        fail(ledger, &id, None, &mut events);
    }
    let ids: Vec<IntentId> = ledger.intents.iter().map(|intent| intent.id.clone()).collect();
    for id in ids {
        let Some(intent) = ledger.intent(&id) else {
            continue;
        };
        match intent.kind {
            IntentKind::Launch { .. } => launch(ledger, &id, seen, &mut events),
            IntentKind::Remove { .. } => removal(ledger, &id, seen, limits, &mut events),
        }
    }
    for intent in &mut before {
        if let Some(now) = ledger.intent(&intent.id) {
            intent.clone_from(now);
        }
    }
    // After every launch has taken its nodes: only then is it known whose nodes nobody else still waits for.
    close_joined(ledger, seen);
    before.retain(|intent| ledger.intent(&intent.id).is_none());
    events.extend(helped::weigh(ledger, &before, seen));
    let longest = limits.window.max(limits.long_window);
    // After `weigh`: it looks for pods that have found a place, and those are dropped here.
    spend(ledger, before, seen, longest);
    ledger
        .effects
        .retain(|effect| seen.at.since(effect.at) <= longest);
    if !ledger.forgets(seen.at, longest.max(limits.emptied_window)) {
        ledger.known_since = None;
    }
    events
}

/// Pods of ended launches that are remembered, at most (I18): the Ledger has to fit into the 1 MiB of a ConfigMap.
const SPENT: usize = 10_000;

/// Launches that the provider has, or may have, accepted.
fn promised(ledger: &Ledger) -> Vec<Intent> {
    let launches = ledger.intents.iter();
    launches
        .filter(|intent| matches!(&intent.kind, IntentKind::Launch { pods, .. } if !pods.is_empty()))
        .cloned()
        .collect()
}

/// Notes the pods that still wait after the launch that was made for them: they prove no other one within a long window,
/// however often a plan names them. Of too many, the oldest are forgotten together with the right of any pod of that age
/// to prove something (`Spent` without pods).
fn spend(ledger: &mut Ledger, before: Vec<Intent>, seen: &Snapshot, longest: Span) {
    let waits = |key: &PodKey| seen.pod(key).is_some_and(|pod| pod.node.is_none());
    // Where pods are not known, none of them has found a place (I1).
    if seen.freshness(Source::Pods) != Freshness::Missing {
        for spent in &mut ledger.spent {
            let overall = spent.pods.is_empty();
            spent.pods.retain(&waits);
            // One without pods means all pods of its age; one whose pods have all found a place must not come to mean that,
            // and goes with the next line that looks at ages.
            if !overall && spent.pods.is_empty() {
                spent.at = Instant(i64::MIN);
            }
        }
    }
    for intent in before {
        let bought = helped::bought(&intent, seen);
        if let IntentKind::Launch { pods, .. } = intent.kind {
            let pods: Vec<PodKey> = pods.into_iter().filter(|pod| waits(pod)).collect();
            if !pods.is_empty() {
                let at = seen.at;
                ledger.spent.push(Spent { at, pods, bought });
            }
        }
    }
    ledger.spent.retain(|spent| seen.at.since(spent.at) <= longest);
    let mut known: usize = ledger.spent.iter().map(|spent| spent.pods.len()).sum();
    // The oldest stand first. Which of their pods have proven something is forgotten, not that they have: no pod that old
    // proves anything from now on, so that a flood of pods buys nothing a second time.
    for spent in &mut ledger.spent {
        if known <= SPENT {
            break;
        }
        known -= spent.pods.len();
        spent.pods.clear();
    }
}

fn launch(ledger: &mut Ledger, id: &IntentId, seen: &Snapshot, events: &mut Vec<LedgerEvent>) {
    let arrived = arrived(ledger, id, seen);
    let lacking = ledger.intent(id).and_then(|intent| lacking(intent, seen));
    let Some(intent) = intent_mut(ledger, id) else {
        return;
    };
    let (opened, deadline) = (intent.opened, intent.deadline);
    let IntentKind::Launch {
        group,
        count,
        to,
        stage,
        joined,
        ..
    } = &mut intent.kind
    else {
        return;
    };
    for node in arrived {
        // No more than were asked for: the group may have grown by somebody else's hand at the same time.
        if joined.len() < *count as usize && !joined.contains(&node) {
            joined.push(node.clone());
            events.push(LedgerEvent::Joined {
                intent: id.clone(),
                group: group.clone(),
                node,
                took: seen.at.since(opened),
            });
        }
    }
    // The call whose end nobody heard has gone through when the size it asked for is there.
    let accepted = !joined.is_empty() || seen.group(group).is_some_and(|group| group.desired >= *to);
    if *stage == LaunchStage::Opened && accepted {
        *stage = LaunchStage::Asked;
        events.push(LedgerEvent::Accepted { intent: id.clone() });
    }
    let is_complete = joined.len() >= *count as usize;
    if is_complete && *stage != LaunchStage::Joined {
        *stage = LaunchStage::Joined;
        events.push(LedgerEvent::Launched {
            intent: id.clone(),
            group: group.clone(),
        });
    } else if !is_complete && (seen.at >= deadline || lacking.is_some()) {
        fail(ledger, id, lacking, events);
    }
}

/// Gives a launch up: what has not joined by now is not waited for.
fn fail(ledger: &mut Ledger, id: &IntentId, lacking: Option<OfferId>, events: &mut Vec<LedgerEvent>) {
    let Some(IntentKind::Launch {
        group, count, joined, ..
    }) = close(ledger, id).map(|intent| intent.kind)
    else {
        return;
    };
    events.extend(unreplaced(ledger, id));
    events.push(LedgerEvent::LaunchFailed {
        intent: id.clone(),
        group,
        missing: count.saturating_sub(u32::try_from(joined.len()).unwrap_or(u32::MAX)),
        no_capacity: lacking.is_some(),
        offer: lacking,
        brought: !joined.is_empty(),
    });
}

/// The offer of a launch that was asked for by the group's size, where the provider has said since that there is no
/// capacity, and nothing of the group is on its way any more: the group goes on trying, and nobody should wait for that.
fn lacking(intent: &Intent, seen: &Snapshot) -> Option<OfferId> {
    let IntentKind::Launch {
        group,
        offer,
        stage: LaunchStage::Asked,
        instances: named,
        ..
    } = &intent.kind
    else {
        return None;
    };
    let told = seen.short.get(group)?;
    // With instances named the call itself would have said so; what was told before the launch was asked for is about another.
    if !named.is_empty() || *told < intent.earliest() {
        return None;
    }
    let nodes = seen.nodes.iter().filter_map(|node| node.instance.as_ref());
    let nodes: BTreeSet<&InstanceId> = nodes.collect();
    // What is on its way may still join: given up now, it would be bought once more somewhere else. A replay once waited
    // 2,810 s for the deadline of such a launch while another group had room.
    let mut listed = seen.group(group)?.instances.iter();
    let coming = listed.any(|one| one.is_capacity() && !nodes.contains(&one.id));
    (!coming).then(|| offer.clone())
}

/// Closes launches that have joined, except where a removal that they replace is under way, and where their nodes
/// could be taken for those of a launch of the same group that still waits, or are starting, or have pods on their way:
/// only the open intent tells whose they are, and for whom.
fn close_joined(ledger: &mut Ledger, seen: &Snapshot) {
    let waiting: Vec<(GroupName, Instant)> = ledger
        .intents
        .iter()
        .filter_map(|intent| match &intent.kind {
            IntentKind::Launch { group, stage, .. } if *stage != LaunchStage::Joined => {
                Some((group.clone(), intent.earliest()))
            }
            _ => None,
        })
        .collect();
    let replacing: BTreeSet<IntentId> = ledger
        .intents
        .iter()
        .filter_map(|intent| match &intent.kind {
            IntentKind::Remove { after, .. } => Some(after.iter().cloned()),
            IntentKind::Launch { .. } => None,
        })
        .flatten()
        .collect();
    ledger.intents.retain(|intent| {
        let IntentKind::Launch {
            group,
            stage: LaunchStage::Joined,
            joined,
            pods,
            ..
        } = &intent.kind
        else {
            return true;
        };
        // A removal asks its launches whether their nodes are Ready (I10): one that is not listed never came.
        if replacing.contains(&intent.id) {
            return true;
        }
        let in_time = seen.at <= intent.deadline;
        // kube-scheduler has nominated a pod here (its Preemption, or our own nomination): its room is not free.
        if in_time && pods.iter().any(|pod| is_expected(pod, joined, seen)) {
            return true;
        }
        joined.iter().filter_map(|name| seen.node(name)).any(|node| {
            let taken = |(theirs, since): &(GroupName, Instant)| theirs == group && node.created >= *since;
            (in_time && node.is_starting()) || waiting.iter().any(taken)
        })
    });
}

/// Whether a pod still waits that is nominated to one of these nodes.
fn is_expected(pod: &PodKey, nodes: &[NodeName], seen: &Snapshot) -> bool {
    seen.pod(pod)
        .filter(|pod| pod.node.is_none())
        .and_then(|pod| pod.nominated.as_ref())
        .is_some_and(|node| nodes.contains(node))
}

/// Nodes that are Ready, that a launch claims, and that no other launch has counted.
fn arrived(ledger: &Ledger, id: &IntentId, seen: &Snapshot) -> Vec<NodeName> {
    let Some(intent) = ledger.intent(id) else {
        return Vec::new();
    };
    let claimed = claimed(ledger, id);
    // One witness is enough for good news (I4), but two launches of one group must not count the same node.
    let mine = seen
        .nodes
        .iter()
        .filter(|node| node.ready && !node.deleting && !claimed.contains(&node.name) && intent.claims(node));
    mine.map(|node| node.name.clone()).collect()
}

/// Nodes that other launches have counted.
fn claimed(ledger: &Ledger, except: &IntentId) -> BTreeSet<NodeName> {
    ledger
        .intents
        .iter()
        .filter(|intent| intent.id != *except)
        .filter_map(|intent| match &intent.kind {
            IntentKind::Launch { joined, .. } => Some(joined.iter().cloned()),
            IntentKind::Remove { .. } => None,
        })
        .flatten()
        .collect()
}

fn removal(
    ledger: &mut Ledger,
    id: &IntentId,
    seen: &Snapshot,
    limits: &Limits,
    events: &mut Vec<LedgerEvent>,
) {
    let Some(Intent {
        kind:
            IntentKind::Remove {
                group,
                node,
                instance,
                stage,
                gone,
                ..
            },
        deadline,
        ..
    }) = intent_mut(ledger, id)
    else {
        return;
    };
    let node = node.clone();
    match witnessed(seen, limits, group, &node, instance) {
        Witnessed::Gone { told } => {
            // Told twice a minute apart: by the age of what the sources said, not by when it was read. The same old list read
            // twice is one witness, once.
            if told.since(*gone.get_or_insert(told)) >= APART {
                close(ledger, id);
                events.push(LedgerEvent::Removed {
                    intent: id.clone(),
                    node,
                });
            }
            return;
        }
        Witnessed::There => *gone = None,
        Witnessed::Nothing => {}
    }
    // The cordon whose call nobody heard the end of has gone through when the node has our mark.
    if *stage == RemoveStage::Opened && seen.node(&node).is_some_and(|n| n.draining) {
        *stage = RemoveStage::Cordoned;
    }
    let overdue = seen.at >= *deadline;
    if is_undone(*stage, &node, overdue, seen, limits) {
        close(ledger, id);
        events.push(LedgerEvent::Undone {
            intent: id.clone(),
            node,
        });
        return;
    }
    // What terminates is past undoing: the provider has the call, and the end of the instance is waited for.
    if *stage < RemoveStage::Terminating && overdue {
        *stage = RemoveStage::Undoing;
        events.push(LedgerEvent::RemovalGivenUp {
            intent: id.clone(),
            node,
        });
    }
}

/// Whether nothing of a removal is left in the cluster that would have to be taken back.
fn is_undone(stage: RemoveStage, node: &NodeName, overdue: bool, seen: &Snapshot, limits: &Limits) -> bool {
    if let Some(node) = seen.node(node) {
        return stage == RemoveStage::Undoing && !node.draining && !node.unschedulable;
    }
    // Where there is no node there is nothing to uncordon: whoever deleted it has the instance as well. Such removals once
    // stayed open for ever and held up the next ones.
    let fresh = seen.freshness(Source::Nodes).within(limits.max_snapshot_age);
    fresh && (stage == RemoveStage::Undoing || (stage == RemoveStage::Terminating && overdue))
}

/// From the first time that both witnesses call an instance gone to the time that counts: clouds list what is there as
/// absent for some seconds (reliability invariant I4).
const APART: Span = Span::from_secs(60);

/// What the two witnesses say of a node on its way out.
enum Witnessed {
    /// The cloud lists the instance as gone or not at all (a group that is gone lists nothing), and the API server has no
    /// such node or has it not Ready.
    Gone {
        /// When the older of the two said so.
        told: Instant,
    },
    /// One of them at least has it.
    There,
    /// A source that is old or incomplete is no witness.
    Nothing,
}

fn witnessed(
    seen: &Snapshot,
    limits: &Limits,
    group: &GroupName,
    node: &NodeName,
    instance: &InstanceId,
) -> Witnessed {
    let sources = [Source::Nodes, Source::Groups].map(|source| seen.freshness(source));
    if !sources
        .iter()
        .all(|source| source.within(limits.max_snapshot_age))
    {
        return Witnessed::Nothing;
    }
    let mut listed = seen.group(group).into_iter().flat_map(|group| &group.instances);
    let cloud = listed.all(|listed| listed.id != *instance || listed.state == InstanceState::Terminated);
    // A node object outlives its instance until the cloud controller deletes it: not Ready is as good as absent.
    let cluster = seen.node(node).is_none_or(|node| !node.ready);
    if !(cloud && cluster) {
        return Witnessed::There;
    }
    let oldest = sources.into_iter().filter_map(|source| match source {
        Freshness::Stale { age } => Some(age),
        Freshness::Live | Freshness::Missing => None,
    });
    Witnessed::Gone {
        told: seen.at - oldest.max().unwrap_or_default(),
    }
}
