//! What one step comes to, before anything is counted: whether it takes up open work, what it buys, what it takes from its
//! workload, and the zone that loses a node.
//!
//! Checks, the Tally and the Ledger ask here, so that what is held, counted and written down are the same figures.

use crate::case::Case;
use model::intent::{IntentKind, LaunchStage, RemoveStage, nodeless};
use model::plan::{Step, StepKind};
use model::{InstanceId, NodeName, OfferId, Snapshot, UsdPerHour};

/// Whether a step takes up an intent that is open already: then nothing is counted twice.
pub(crate) fn continues(step: &Step, case: &Case<'_>) -> bool {
    let open = step.intent.as_ref().and_then(|id| case.ledger.intent(id));
    match open.map(|intent| &intent.kind) {
        Some(launch @ IntentKind::Launch { .. }) => continues_launch(&step.kind, launch),
        Some(IntentKind::Remove {
            node,
            instance,
            stage,
            ..
        }) if *stage != RemoveStage::Undoing => continues_removal(&step.kind, node, instance),
        _ => false,
    }
}

/// Whether a step asks for the very launch again, whose end nobody has heard. Once it is accepted, the same step is a second
/// purchase.
fn continues_launch(kind: &StepKind, launch: &IntentKind) -> bool {
    let StepKind::GrowGroup {
        group,
        offer,
        from,
        to,
        ..
    } = kind
    else {
        return false;
    };
    matches!(launch, IntentKind::Launch {
        group: theirs,
        offer: bought,
        from: was,
        to: wanted,
        stage: LaunchStage::Opened,
        ..
    } if group == theirs && offer == bought && (from, to) == (was, wanted))
}

/// Whether a step goes on with the removal of this node. Its instance is compared as well: a name of a node comes again with
/// another instance behind it (I21).
fn continues_removal(kind: &StepKind, theirs: &NodeName, very: &InstanceId) -> bool {
    match kind {
        StepKind::Cordon { node, instance, .. } => node == theirs && instance == very,
        StepKind::RemoveInstance { instance, .. } => nodeless(instance) == *theirs && instance == very,
        _ => false,
    }
}

/// Nodes and rate that a step adds: the guard's own price or the plan's, whichever is higher; never a credit.
pub(crate) fn purchase(kind: &StepKind, case: &Case<'_>) -> (u32, UsdPerHour) {
    let price = |offer: &OfferId| {
        let offer = case.offer(offer);
        offer.map(|offer| case.price(offer)).unwrap_or_default()
    };
    match kind {
        StepKind::GrowGroup {
            offer,
            from,
            to,
            rate,
            ..
        } => {
            let count = to.saturating_sub(*from);
            // I23: windows once counted the plan's own rate, which was nothing for an unknown price and a credit for a
            // negative one.
            let rate = price(offer).times(u64::from(count)).max(*rate);
            (count, rate.max(UsdPerHour::ZERO))
        }
        StepKind::PlaceOnFargate { offer, pods, .. } => {
            // Storage above what a size includes is billed beside it (AWS Fargate pricing).
            let storage: UsdPerHour = pods.iter().map(|pod| case.storage(pod)).sum();
            (0, price(offer).times(pods.len() as u64) + storage)
        }
        _ => (0, UsdPerHour::ZERO),
    }
}

/// Replicas that a step takes from its workload: counted from what is there or what the plan says is there, whichever is
/// more.
pub(crate) fn scaled_down(kind: &StepKind, seen: &Snapshot) -> u32 {
    let StepKind::ScaleWorkload { workload, from, to } = kind else {
        return 0;
    };
    let there = seen.workloads.iter().find(|of| of.key == *workload);
    there
        .map_or(*from, |of| of.replicas.max(*from))
        .saturating_sub(*to)
}

/// The zone of the node or the instance that goes; empty where nobody knows it.
pub(crate) fn zone_left<'s>(kind: &StepKind, seen: &'s Snapshot) -> &'s str {
    match kind {
        StepKind::Cordon { node, .. } | StepKind::Evict { node, .. } => {
            seen.node(node).map_or("", |node| node.zone())
        }
        StepKind::RemoveInstance { group, instance } => {
            let instances = seen.group(group).map_or(&[][..], |group| &group.instances);
            let listed = instances.iter().find(|listed| listed.id == *instance);
            listed.and_then(|listed| listed.zone.as_deref()).unwrap_or("")
        }
        _ => "",
    }
}
