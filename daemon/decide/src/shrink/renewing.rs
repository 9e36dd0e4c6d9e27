//! Nodes that have expired or drifted: for each a new one is bought that holds its pods, and it goes once that has come.
//!
//! Few at a time, oldest first, past nothing that keeps nodes otherwise. For a drifted group one node goes first, and
//! others follow once its successor has settled (`canary`). Empty nodes that may simply go are left to `choose`.

use super::candidates::Judge;
use super::fleet::{Fleet, place_of};
use super::orders::Orders;
use super::prices::Prices;
use super::shrunk::{Effect, Shrunk, Swap};
use crate::constraints::ZONE;
use crate::fit;
use crate::number::size;
use crate::space;
use model::aims::Aims;
use model::disruption::Cause;
use model::ids::{GroupName, NodeName};
use model::intent::IntentKind;
use model::memory::{Canary, CanaryStage, Memory};
use model::money::UsdPerHour;
use model::node::Node;
use model::offer::{Confidence, Offer};
use model::plan::{PlannedNode, StepKind};
use model::reason::{Reason, Stays};
use model::snapshot::Snapshot;

/// What may be begun now.
pub(super) struct Renewing<'r, 'a> {
    pub(super) fleet: &'r mut Fleet<'a>,
    pub(super) prices: &'r Prices<'a>,
    pub(super) memory: &'r Memory,
    pub(super) aims: &'r Aims,
    /// PodDisruptionBudgets, as they are left.
    pub(super) budgets: &'r [u32],
}

/// Whether any node is due, so that looking is worth it.
pub(super) fn any(seen: &Snapshot, aims: &Aims) -> bool {
    let mut nodes = seen.nodes.iter();
    nodes.any(|node| aims.disruption.due(node, seen).is_some())
}

impl<'a> Renewing<'_, 'a> {
    /// Begins with the oldest nodes that may go; `bought` grows by what is bought for them.
    pub(super) fn begin(
        &mut self,
        judge: &mut Judge<'a, '_>,
        bought: &mut Vec<(usize, NodeName)>,
        shrunk: &mut Shrunk,
    ) {
        let seen = self.fleet.seen;
        let due = |node: &'a Node| Some((node.created, node, self.aims.disruption.due(node, seen)?));
        let mut nodes: Vec<_> = seen.nodes.iter().filter_map(due).collect();
        nodes.sort_by_key(|(created, node, _)| (*created, &node.name));
        let mut left = self.slots();
        for (_, node, cause) in nodes {
            let Some((bin, group)) = self.fleet.index(&node.name).zip(node.group.as_ref()) else {
                continue;
            };
            let of = &self.fleet.bins[bin];
            let kept = judge.keeps(node).is_some() || self.fleet.pods_must_stay(of, self.budgets).is_some();
            // What nobody counts on may go without a successor.
            let idle = of.moves() == 0 && of.headroom.is_empty() && judge.spare(group) > 0;
            if !of.receives || of.awaited || kept || idle {
                continue;
            }
            let offer = self.successor((bin, node), bought);
            let why = self
                .waits(node, group, cause)
                .or_else(|| judge.allowance().closed(group, cause))
                .or_else(|| offer.is_none().then_some(Stays::NotRenewable { cause }));
            if let Some(why) = why {
                judge.stays(node, why);
                continue;
            }
            let (Some(offer), true) = (offer, left > 0 && judge.allowance().take(&[(group, cause)])) else {
                continue;
            };
            left -= 1;
            judge.begins(group);
            let swap = self.swap((bin, node), (offer, cause), bought);
            shrunk.swaps.extend(swap);
            self.fleet.bins[bin].receives = false;
            if cause == Cause::Drifted && !self.is_proven(group) {
                // One canary, whatever `parallel` says.
                left = 0;
            }
        }
    }

    /// Renewals that may still be begun.
    fn slots(&self) -> usize {
        let seen = self.fleet.seen;
        let removed = seen
            .ledger
            .intents
            .iter()
            .filter_map(|intent| match &intent.kind {
                IntentKind::Remove { node, .. } => Some(seen.node(node)),
                IntentKind::Launch { .. } => None,
            });
        let open: Vec<Option<&Node>> = removed.collect();
        let renewed = open.iter().flatten();
        let renewed = renewed.filter(|node| self.aims.disruption.due(node, seen).is_some());
        let renewals = size(self.aims.disruption.parallel).saturating_sub(renewed.count());
        renewals.min(size(self.aims.shrink.parallel).saturating_sub(open.len()))
    }

    fn canary(&self, group: &GroupName) -> Option<&Canary> {
        self.memory.canaries.get(group)
    }

    fn is_proven(&self, group: &GroupName) -> bool {
        let settled = |since| self.fleet.seen.at.since(since) >= self.aims.disruption.settle;
        self.canary(group)
            .is_some_and(|canary| matches!(canary.stage, CanaryStage::Ready(since) if settled(since)))
    }

    /// What a drifted node waits for.
    fn waits(&self, node: &Node, group: &GroupName, cause: Cause) -> Option<Stays> {
        let wanted = &node.template.as_ref().filter(|_| cause == Cause::Drifted)?.wanted;
        let canary = self.canary(group)?;
        if canary.wanted != *wanted {
            // Several kinds of nodes in one group: those of the oldest are brought to an end first.
            return Some(Stays::AwaitsCanary {
                wanted: canary.wanted.clone(),
            });
        }
        match canary.stage {
            CanaryStage::Failed(at) => Some(Stays::CanaryFailed {
                wanted: wanted.clone(),
                at,
            }),
            CanaryStage::Ready(_) if self.is_proven(group) => None,
            CanaryStage::Ready(_) | CanaryStage::Awaited(_) => Some(Stays::AwaitsCanary {
                wanted: wanted.clone(),
            }),
        }
    }

    /// The cheapest offer of the node's group, in its zone, that can be bought now and that holds what is on the node;
    /// the node's own among equals, and where nothing is on it that asks for room. Another zone where its own sells
    /// none, unless pods are held by rules about other pods.
    pub(super) fn successor(
        &self,
        (bin, node): (usize, &Node),
        bought: &[(usize, NodeName)],
    ) -> Option<usize> {
        let seen = self.fleet.seen;
        let group = node.group.as_ref()?;
        let at = seen.groups.binary_search_by(|known| known.name.cmp(group)).ok()?;
        let taken = bought
            .iter()
            .filter(|(offer, _)| size(seen.offers[*offer].group) == at);
        let growth = self.prices.market.growth.get(at).copied().unwrap_or(0);
        if taken.count() >= size(growth) || self.prices.market.blocks.get(at).is_none_or(Option::is_some) {
            return None;
        }
        let mut left = self.prices.market.left.clone();
        left.take_offers(seen, bought.iter().map(|(offer, _)| *offer));
        let can_be_had = |ix: &usize| {
            let offer = &seen.offers[*ix];
            let short = self.prices.market.short.get(*ix).copied().unwrap_or(true);
            size(offer.group) == at
                && !offer.is_fargate()
                && !short
                && left.allows(at, &left.each(offer))
                && offer.confidence != Confidence::Unknown
        };
        let own = node.offer.as_ref().and_then(|id| seen.offer_ix(id));
        let of = &self.fleet.bins[bin];
        if of.moves() == 0
            && of.headroom.is_empty()
            && let Some(own) = own.filter(can_be_had)
        {
            return Some(own);
        }
        let zone = own
            .and_then(|own| seen.offers[own].zone())
            .or_else(|| node.labels.get(ZONE).map(String::as_str));
        let holding = (0..seen.offers.len())
            .filter(can_be_had)
            .filter(|ix| self.holds(&seen.offers[*ix], (bin, node)));
        let holding: Vec<usize> = holding.collect();
        let cheapest = |there: &dyn Fn(usize) -> bool| {
            let among = holding.iter().copied().filter(|ix| there(*ix));
            among.min_by_key(|ix| (seen.offers[*ix].price, Some(*ix) != own, *ix))
        };
        let elsewhere = || {
            let tied = of.load.iter().any(|(kind, _)| self.fleet.kinds[size(*kind)].tied);
            (!tied).then(|| cheapest(&|_| true)).flatten()
        };
        cheapest(&|ix| zone.is_some() && seen.offers[ix].zone() == zone).or_else(elsewhere)
    }

    /// Whether one new node of the offer holds what is on the node and would have to move; headroom that was placed on
    /// it is not measured anew: then it must be no smaller.
    fn holds(&self, offer: &Offer, (bin, node): (usize, &Node)) -> bool {
        let (fleet, market) = (&self.fleet, &self.prices.market);
        let of = &fleet.bins[bin];
        let no_smaller = offer.allocatable.cpu_milli >= node.allocatable.cpu_milli
            && offer.allocatable.memory_bytes >= node.allocatable.memory_bytes
            && offer.max_pods >= node.max_pods;
        if !of.headroom.is_empty() && !no_smaller {
            return false;
        }
        let mut room = market.room_of(offer);
        of.load.iter().all(|(kind, copies)| {
            let spec = fleet.kinds[size(*kind)].spec;
            let ask = market.space.request(&spec.requests);
            let fits = space::copies(&room, &ask, *copies) >= *copies;
            if fits {
                space::take(&mut room, &ask, *copies);
            }
            fits && fit::admits(spec, place_of(fleet.seen, offer))
        })
    }

    /// A new node for the pods of the old one, and what tells the old one to wait for it.
    fn swap(
        &self,
        (bin, node): (usize, &Node),
        (offer, cause): (usize, Cause),
        bought: &mut Vec<(usize, NodeName)>,
    ) -> Option<Swap> {
        let seen = self.fleet.seen;
        let moves = self.fleet.bins[bin].moves();
        let successor = PlannedNode {
            name: Orders::new(seen, self.prices, bought).name(),
            group: node.group.clone()?,
            offer: seen.offers[offer].id.clone(),
            pods: self.fleet.movers(bin).map(|(pod, _)| pod.clone()).collect(),
            storage: UsdPerHour::ZERO,
        };
        let cordon = Effect {
            kind: StepKind::Cordon {
                node: node.name.clone(),
                group: successor.group.clone(),
                instance: node.instance.clone()?,
                after: Vec::new(),
            },
            reason: Reason::Renewed {
                cause,
                by: successor.name.clone(),
                moves,
            },
            intent: None,
        };
        bought.push((offer, successor.name.clone()));
        Some(Swap {
            nodes: vec![(offer, successor)],
            why: Reason::Renews {
                node: node.name.clone(),
                cause,
                evictions: moves,
            },
            cordons: vec![cordon],
        })
    }
}
