//! Whether what was bought helped anybody (I9): nodes that join while the pods they were bought for wait on, and that nobody
//! else stands on either, are as much a failure as nodes that never come.
//!
//! Not here: what follows from it (`learn`).

use model::intent::{Bought, Intent, IntentKind, Ledger, LedgerEvent, Spent};
use model::pod::PodPhase;
use model::{Freshness, NodeName, PodKey, Snapshot, Source};

/// Nodes of one launch that are remembered: of a larger one these tell as well whether anybody stands there (I18).
const NODES: usize = 100;

/// What is to be remembered of a launch that has closed while these pods wait.
pub(super) fn bought(intent: &Intent, seen: &Snapshot) -> Option<Bought> {
    let IntentKind::Launch {
        group, joined, pods, ..
    } = &intent.kind
    else {
        return None;
    };
    let nodes: Vec<NodeName> = joined.iter().take(NODES).cloned().collect();
    (!nodes.is_empty() && !pods.iter().any(|pod| has_place(pod, seen))).then(|| Bought {
        intent: intent.id.clone(),
        group: group.clone(),
        nodes,
        due: Some(intent.deadline),
    })
}

/// Tells launches that helped nobody once they should have, and that one has helped where the last ones did not.
pub(super) fn weigh(ledger: &mut Ledger, closed: &[Intent], seen: &Snapshot) -> Vec<LedgerEvent> {
    // A pod that an old picture has waiting may stand by now: nobody is told on it that a group is of no use.
    if seen.freshness(Source::Pods) != Freshness::Live {
        return Vec::new();
    }
    let mut events = Vec::new();
    let failed = |ledger: &Ledger, of: &Intent| match &of.kind {
        IntentKind::Launch { group, .. } => {
            let told = |spent: &Spent| {
                let bought = spent.bought.as_ref();
                bought.is_some_and(|bought| bought.group == *group && bought.due.is_none())
            };
            ledger.spent.iter().any(told).then(|| group.clone())
        }
        IntentKind::Remove { .. } => None,
    };
    for intent in closed {
        let IntentKind::Launch { pods, .. } = &intent.kind else {
            continue;
        };
        if pods.iter().any(|pod| has_place(pod, seen))
            && let Some(group) = failed(ledger, intent)
        {
            let intent = intent.id.clone();
            events.push(LedgerEvent::Helped { intent, group });
        }
    }
    for spent in &mut ledger.spent {
        events.extend(word(spent, seen));
    }
    events
}

/// What is to be said of one launch now.
fn word(spent: &mut Spent, seen: &Snapshot) -> Option<LedgerEvent> {
    let bought = spent.bought.as_mut()?;
    let (intent, group) = (bought.intent.clone(), bought.group.clone());
    if spent.pods.iter().any(|pod| has_place(pod, seen)) {
        let was_told = bought.due.is_none();
        spent.bought = None;
        return was_told.then_some(LedgerEvent::Helped { intent, group });
    }
    let due = bought.due?;
    let waiting = spent.pods.iter().any(|pod| seen.pod(pod).is_some());
    if seen.at < due || !waiting {
        return None;
    }
    // Other pods took the nodes: bought for the wrong ones, and of use all the same. Only nodes that nobody stands on are
    // the runaway of I9 (aws/karpenter-provider-aws#2011: a pod that can never bind, a new node every 20 s).
    if serves(&bought.nodes, seen) {
        spent.bought = None;
        return None;
    }
    bought.due = None;
    Some(LedgerEvent::Unhelpful { intent, group })
}

fn has_place(pod: &PodKey, seen: &Snapshot) -> bool {
    seen.pod(pod).is_some_and(|pod| pod.node.is_some())
}

/// Whether any pod stands on them that would not be there without a node's being there: DaemonSets and static pods come
/// with every node, and would make the most useless one look used.
fn serves(nodes: &[NodeName], seen: &Snapshot) -> bool {
    seen.pods.iter().any(|pod| {
        let there = pod.node.as_ref().is_some_and(|node| nodes.contains(node));
        there && pod.phase != PodPhase::Finished && {
            let spec = seen.spec(pod.spec);
            let daemon = spec
                .owner
                .as_ref()
                .is_some_and(|owner| &*owner.kind == "DaemonSet");
            !daemon && !spec.traits.mirror
        }
    })
}
