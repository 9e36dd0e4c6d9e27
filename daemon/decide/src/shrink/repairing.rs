//! Nodes that have stopped working: their removal begins at once, and a group that can do without none gets another first.
//!
//! Which are given up is told by `model::repair`; room for their pods is bought as demand (`demand`), which most often is
//! the node that takes their place. Past budgets of pods and what keeps pods where they are, as Karpenter's node repair:
//! such pods do not run, or nobody can tell. A node that somebody has marked himself stays for him to look at. Not here:
//! how fast they may go, which is the guard's.

use super::candidates::{Judge, keeps};
use super::orders::Orders;
use super::renewing::Renewing;
use super::shrunk::{Effect, Shrunk, Swap};
use model::aims::Aims;
use model::ids::{GroupName, NodeName};
use model::intent::{IntentKind, LaunchStage};
use model::money::UsdPerHour;
use model::node::{Leaves, Leaving, Node};
use model::plan::{PlannedNode, StepKind};
use model::reason::{Reason, Stays};
use model::repair::{Broken, Repair};
use model::snapshot::Snapshot;
use model::time::Instant;
use std::borrow::Cow;

/// The picture in which nodes that are given up go. `seen` is what was seen, `picture` what is decided by.
pub(crate) fn as_going<'a>(seen: &Snapshot, picture: Cow<'a, Snapshot>, aims: &Aims) -> Cow<'a, Snapshot> {
    if !aims.shrink.enabled || seen.nodes.iter().all(|node| node.unready.is_none()) {
        return picture;
    }
    let repair = Repair::new(seen, aims);
    let going = seen.nodes.iter().enumerate().filter_map(|(ix, node)| {
        let Broken::Yes { since } = repair.broken(node) else {
            return None;
        };
        (!node.goes() && keeps(seen, aims, node).is_none()).then_some((ix, since))
    });
    let going: Vec<(usize, Instant)> = going.collect();
    if going.is_empty() {
        return picture;
    }
    let mut picture = picture.into_owned();
    for (ix, told) in going {
        let why = Leaves::Broken;
        picture.nodes[ix].leaving = Some(Leaving { why, told });
    }
    Cow::Owned(picture)
}

/// Whether any node is given up, so that looking is worth it.
pub(super) fn any(seen: &Snapshot) -> bool {
    seen.nodes.iter().any(Node::is_given_up)
}

/// Begins with every node that is given up; `bought` grows by what is bought for them.
pub(super) fn begin<'a>(
    renewing: &Renewing<'_, 'a>,
    judge: &mut Judge<'a, '_>,
    bought: &mut Vec<(usize, NodeName)>,
    shrunk: &mut Shrunk,
) {
    let seen = renewing.fleet.seen;
    for node in seen.nodes.iter().filter(|node| node.is_given_up()) {
        let (Some(group), Some(leaving)) = (&node.group, node.leaving) else {
            continue;
        };
        if seen.ledger.removal_of(&node.name).is_some() {
            continue;
        }
        let since = leaving.told;
        if let Some(why) = judge.allowance().frozen(group) {
            judge.stays(node, why);
        } else if judge.spare(group) > 0 {
            judge.begins(group);
            shrunk.cordons.extend(cordon(node, group, since));
        } else if grows(seen, group, bought) {
            // What is bought for its pods lets it go once it has been asked for.
            judge.stays(node, Stays::NotReady { since: Some(since) });
        } else if let Some(swap) = swap(renewing, (node, group, since), bought) {
            judge.begins(group);
            shrunk.swaps.push(swap);
        } else {
            judge.stays(node, Stays::NotReplaceable { since });
        }
    }
}

/// Whether the group is about to become larger.
fn grows(seen: &Snapshot, of: &GroupName, bought: &[(usize, NodeName)]) -> bool {
    let open = seen.ledger.intents.iter().any(|intent| {
        matches!(&intent.kind, IntentKind::Launch { group, stage, .. }
            if group == of && *stage != LaunchStage::Joined)
    });
    let buys = |offer: usize| {
        let seller = seen.offers.get(offer).map(|offer| offer.group as usize);
        seller
            .and_then(|ix| seen.groups.get(ix))
            .is_some_and(|seller| seller.name == *of)
    };
    open || bought.iter().any(|(offer, _)| buys(*offer))
}

/// A node like it, bought before it goes.
fn swap(
    renewing: &Renewing<'_, '_>,
    (node, group, since): (&Node, &GroupName, Instant),
    bought: &mut Vec<(usize, NodeName)>,
) -> Option<Swap> {
    let seen = renewing.fleet.seen;
    let bin = renewing.fleet.index(&node.name)?;
    let offer = renewing.successor((bin, node), bought)?;
    let name = Orders::new(seen, renewing.prices, bought).name();
    let cordons = vec![cordon(node, group, since)?];
    bought.push((offer, name.clone()));
    let successor = PlannedNode {
        name,
        group: group.clone(),
        offer: seen.offers[offer].id.clone(),
        pods: Vec::new(),
        storage: UsdPerHour::ZERO,
    };
    Some(Swap {
        nodes: vec![(offer, successor)],
        why: Reason::Repairs {
            node: node.name.clone(),
        },
        cordons,
    })
}

fn cordon(node: &Node, group: &GroupName, since: Instant) -> Option<Effect> {
    Some(Effect {
        kind: StepKind::Cordon {
            node: node.name.clone(),
            group: group.clone(),
            instance: node.instance.clone()?,
            after: Vec::new(),
        },
        reason: Reason::Broken { since },
        intent: None,
    })
}
