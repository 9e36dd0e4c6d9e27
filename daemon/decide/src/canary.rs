//! How the first node fares that was made as its group would make it today: remembered from cycle to cycle.
//!
//! A node counts whoever asked for it. Not here: who is replaced, which is `shrink`'s.

use model::aims::Aims;
use model::disruption::DriftMode;
use model::group::Group;
use model::intent::IntentKind;
use model::memory::{Canary, CanaryStage, Memory};
use model::node::Node;
use model::snapshot::{Freshness, Snapshot, Source};
use model::time::{Instant, Span};

/// Brings what is remembered up to what is seen.
pub(crate) fn follow(seen: &Snapshot, memory: &mut Memory, aims: &Aims) {
    let blind = [Source::Nodes, Source::Groups].map(|source| seen.freshness(source));
    if blind.contains(&Freshness::Missing) {
        return;
    }
    let known = std::mem::take(&mut memory.canaries);
    for group in &seen.groups {
        let watched = group.renews_drifted() && aims.disruption.drift_of(&group.name) == DriftMode::Replace;
        let nodes = || {
            seen.nodes
                .iter()
                .filter(move |node| node.group.as_ref() == Some(&group.name))
        };
        let oldest = nodes()
            .filter(|node| node.is_drifted())
            .min_by_key(|node| (node.created, &node.name));
        let Some(template) = oldest.and_then(|node| node.template.as_ref()).filter(|_| watched) else {
            continue;
        };
        let wanted = &template.wanted;
        let before = known.get(&group.name).filter(|canary| canary.wanted == *wanted);
        let new: Vec<&Node> = nodes()
            .filter(|node| node.is_made_with(wanted) && !node.deleting)
            .collect();
        let stage = stage(
            before.map(|canary| canary.stage),
            &new,
            asked(seen, group),
            (seen.at, group.options.time_to_come(aims)),
        );
        if let Some(stage) = stage {
            let wanted = wanted.clone();
            memory
                .canaries
                .insert(group.name.clone(), Canary { wanted, stage });
        }
    }
}

/// When the oldest replacement of a drifted node of the group was begun that is under way.
fn asked(seen: &Snapshot, group: &Group) -> Option<Instant> {
    let begun = seen
        .ledger
        .intents
        .iter()
        .filter_map(|intent| match &intent.kind {
            IntentKind::Remove {
                group: of,
                node,
                after,
                ..
            } => {
                let drifted = seen.node(node).is_some_and(Node::is_drifted);
                (*of == group.name && drifted && !after.is_empty()).then_some(intent.opened)
            }
            IntentKind::Launch { .. } => None,
        });
    begun.min()
}

fn stage(
    before: Option<CanaryStage>,
    new: &[&Node],
    asked: Option<Instant>,
    (now, patience): (Instant, Span),
) -> Option<CanaryStage> {
    let late = |since| now.since(since) >= patience;
    if new.iter().any(|node| node.ready) {
        return Some(match before {
            Some(CanaryStage::Ready(since)) => CanaryStage::Ready(since),
            _ => CanaryStage::Ready(now),
        });
    }
    let born = new.iter().map(|node| node.created).min();
    match before {
        Some(failed @ CanaryStage::Failed(_)) => Some(failed),
        Some(CanaryStage::Awaited(since)) if late(since) => Some(CanaryStage::Failed(now)),
        // Taken back before its time, by whoever needed the old node again: nothing is learnt.
        Some(CanaryStage::Awaited(_)) if asked.is_none() && born.is_none() => None,
        Some(awaited @ CanaryStage::Awaited(_)) => Some(awaited),
        Some(CanaryStage::Ready(_)) => Some(CanaryStage::Awaited(now)),
        None => asked.or(born).map(|_| CanaryStage::Awaited(asked.unwrap_or(now))),
    }
}
