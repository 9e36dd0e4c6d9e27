//! Room for pods of nodes that are already on their way out, kept before waiting pods are placed.
//!
//! Every cycle finds it anew: pods that nodes were bought for go onto those nodes, in the order they were bought in;
//! the others as the probe would put them. A removal whose pods find no room any more is to be given up.

use super::fleet::{Fleet, Put, arrived, undoable};
use super::prices::Prices;
use super::search::{Search, receivers};
use super::ties::{Pool, Ties};
use crate::class::Class;
use crate::fill::Taste;
use crate::number::{count, size};
use crate::rooms::Room;
use crate::space::{self, Space};
use model::ids::{IntentId, NodeName, PodKey};
use model::intent::{Intent, IntentKind};
use model::node::Node;
use std::collections::{BTreeMap, BTreeSet};

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// By node: pods that it is kept for.
    pods: BTreeMap<NodeName, Vec<(u32, u32)>>,
    /// Nodes whose pods have no place.
    pub(super) stuck: BTreeSet<NodeName>,
}

impl Kept {
    /// Takes what is kept out of rooms for waiting pods, of these classes.
    pub(crate) fn take_from(
        &self,
        fleet: &Fleet<'_>,
        (space, classes): (&Space, &[Class]),
        rooms: &mut [Room],
    ) {
        for room in rooms {
            for (kind, copies) in self.pods.get(&room.name).into_iter().flatten() {
                let requests = &fleet.kinds[size(*kind)].spec.requests;
                space::take(&mut room.free, &space.request(requests), *copies);
                for (class, admits) in classes.iter().zip(&mut room.admits) {
                    *admits &= class.spec.is_none_or(|spec| fleet.get_on(spec, *kind));
                }
            }
        }
    }
}

/// Whether any removal is under way that can still be undone.
pub(super) fn any(fleet: &Fleet<'_>) -> bool {
    open(fleet).next().is_some()
}

/// Open removals that can still be undone, of nodes that are there. For pods of nodes that go anyway room is bought as
/// for waiting ones.
fn open<'a>(fleet: &Fleet<'a>) -> impl Iterator<Item = (&'a Intent, usize)> {
    fleet.seen.ledger.intents.iter().filter_map(move |intent| {
        let IntentKind::Remove { node, stage, .. } = &intent.kind else {
            return None;
        };
        let bin = fleet.index(node).filter(|_| undoable(*stage))?;
        let goes = fleet.node(bin).is_some_and(Node::goes);
        (!goes).then_some((intent, bin))
    })
}

/// Keeps room for everything that has to move.
pub(super) fn keep<'a>(fleet: &mut Fleet<'a>, prices: &Prices<'a>) -> Kept {
    let mut kept = Kept::default();
    let mut removals: Vec<(&Intent, usize)> = open(fleet).collect();
    // As they were begun: in that order there was room for each of them.
    removals.sort_by_key(|(intent, _)| (intent.opened, ordinal(&intent.id)));
    let growth = vec![0; fleet.seen.groups.len()];
    let start = fleet.mark();
    let pool = Pool::of(fleet);
    let ties = pool.as_ref().map(|pool| Ties::new(fleet, pool, None));
    let mut search = Search::new(fleet, prices, growth);
    search.ties = ties;
    for (intent, bin) in removals {
        search.receivers = receivers(search.fleet);
        let (mark, told) = (search.fleet.mark(), search.ties_mark());
        let mut load = search.fleet.bins[bin].load.clone();
        if let Some(ties) = &mut search.ties {
            ties.empty(bin, &load);
        }
        onto_launches(search.fleet, intent, bin, &mut load);
        if let Some(ties) = &mut search.ties {
            search.fleet.since(mark).iter().for_each(|put| ties.put(*put));
        }
        if !search.keep(&load) {
            search.fleet.undo(mark);
            search.unlift(told);
            kept.stuck.insert(search.fleet.bins[bin].name.clone());
        }
    }
    drop(search);
    for put in fleet.since(start).to_vec() {
        let bin = &mut fleet.bins[size(put.bin)];
        bin.awaited = true;
        kept.pods
            .entry(bin.name.clone())
            .or_default()
            .push((put.kind, put.copies));
    }
    kept
}

/// The number of an intent within its cycle.
fn ordinal(id: &IntentId) -> u32 {
    let last = id.as_str().rsplit('-').next();
    last.and_then(|last| last.parse().ok()).unwrap_or(u32::MAX)
}

/// Puts pods that nodes were bought for onto those nodes. Next-fit in the order they were bought in finds room for
/// every pod that the purchase had room for, also when some have left meanwhile.
fn onto_launches(fleet: &mut Fleet<'_>, removal: &Intent, bin: usize, load: &mut [(u32, u32)]) {
    let IntentKind::Remove { after, .. } = &removal.kind else {
        return;
    };
    let seen = fleet.seen;
    let movers: BTreeMap<&PodKey, u32> = fleet.movers(bin).collect();
    let mut claimed = BTreeSet::new();
    for launch in &seen.ledger.intents {
        let IntentKind::Launch {
            planned,
            pods,
            count: many,
            ..
        } = &launch.kind
        else {
            continue;
        };
        let there = arrived(seen, launch, &mut claimed);
        if !after.contains(&launch.id) {
            continue;
        }
        let outstanding = size(*many).saturating_sub(there.len());
        let coming = planned.iter().skip(planned.len().saturating_sub(outstanding));
        let nodes: Vec<usize> = there
            .into_iter()
            .chain(coming)
            .filter_map(|name| fleet.index(name))
            .collect();
        let mut nodes = nodes.into_iter().peekable();
        for kind in pods.iter().filter_map(|pod| movers.get(pod)) {
            while let Some(node) = nodes.peek().copied() {
                if fleet.takes(node, *kind, 1) > 0 {
                    fleet.put(Put {
                        bin: count(node),
                        kind: *kind,
                        copies: 1,
                    });
                    if let Some((_, left)) = load.iter_mut().find(|(known, _)| known == kind) {
                        *left = left.saturating_sub(1);
                    }
                    break;
                }
                nodes.next();
            }
        }
    }
}

impl Search<'_, '_> {
    /// Finds room on nodes that stay for all of these pods; where not all of them have any, some are put all the
    /// same.
    fn keep(&mut self, load: &[(u32, u32)]) -> bool {
        if !self.pool_of(load) {
            return false;
        }
        let (mark, told) = (self.fleet.mark(), self.ties_mark());
        self.house(Taste::PLAIN);
        if self.is_placed() {
            return true;
        }
        self.fleet.undo(mark);
        self.unlift(told);
        self.pool_of(load) && self.first_fit()
    }
}
