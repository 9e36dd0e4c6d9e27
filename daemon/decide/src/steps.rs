//! The ordered list of steps, with ids, intents and reasons.
//!
//! Order: scale, bounds, grow, place on Fargate, nominate, remake, uncordon, evict, remove, cordon, yield: what adds capacity comes
//! before what takes it away.

use crate::adjust::Adjust;
use crate::bought::{Bought, Purchase};
use crate::class::Class;
use crate::fargate;
use crate::market::Market;
use crate::number::{count, size};
use crate::scale::SCALE_ANNOTATION;
use crate::shrink::{Effect, Shrunk};
use model::aims::Aims;
use model::ids::{GroupName, IntentId, OfferId, StepId, WorkloadKey};
use model::intent::{EffectKind, IntentKind};
use model::limits::Limits;
use model::money::UsdPerHour;
use model::plan::{PlannedNode, Step, StepKind};
use model::pod::PodPhase;
use model::reason::Reason;
use model::snapshot::Snapshot;
use model::spending::Spending;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// What the guard's windows let in is asked for in so many parts.
const PARTS: usize = 10;

/// Numbers steps as they are added.
pub(crate) struct Steps<'a> {
    pub(crate) seen: &'a Snapshot,
    done: Vec<Step>,
    /// By group: its size once all growth so far has taken effect.
    desired: BTreeMap<GroupName, u32>,
}

impl<'a> Steps<'a> {
    pub(crate) const fn new(seen: &'a Snapshot) -> Self {
        Self {
            seen,
            done: Vec::new(),
            desired: BTreeMap::new(),
        }
    }

    pub(crate) fn finish(self) -> Vec<Step> {
        self.done
    }

    /// Adds a step. Growing and cordoning open an intent unless they continue one.
    pub(crate) fn add(&mut self, kind: StepKind, reason: Reason, intent: Option<IntentId>) {
        let id = StepId {
            cycle: self.seen.cycle,
            ordinal: count(self.done.len()),
        };
        let own = || kind.opens().then(|| self.seen.ledger.intent_of(id));
        self.done.push(Step {
            id,
            intent: intent.or_else(own),
            generation: self.seen.ledger.generation,
            kind,
            reason,
        });
    }

    /// Per group and offer a step or, of more nodes than a part of what the windows let in, several: a step is cleared
    /// whole or not at all, and one that no window has room for would be held for ever.
    ///
    /// Nodes that waiting pods prove to be needed are asked for apart from those that policies alone want: no window holds
    /// them. Where not all may be bought at once, nodes for pods of higher priority are asked for first.
    pub(crate) fn grow(&mut self, purchase: &Purchase, classes: &[Class], aims: &Aims) {
        let limits = &aims.limits;
        let (seen, scaled) = (self.seen, scaled(self.seen, aims));
        let proven = |bought: &Bought| limits.growth_by_evidence && is_proven(seen, bought, &scaled);
        let (presses, room) = self.presses(purchase, limits, &proven);
        let rank = |bought: &Bought| {
            let ranks = bought.classes.iter().map(|class| classes[*class].rank());
            Reverse(ranks.max().filter(|_| presses))
        };
        let mut orders: BTreeMap<_, Vec<&Bought>> = BTreeMap::new();
        for equal in purchase
            .bought
            .chunk_by(|a, b| a.offer == b.offer && rank(a) == rank(b))
        {
            let node = &equal[0].node;
            if !self.seen.offers[equal[0].offer].is_fargate() {
                let order = orders.entry((rank(&equal[0]), &node.group, &node.offer));
                order.or_default().extend(equal);
            }
        }
        for ((_, group, offer), bought) in orders {
            let price = self.seen.offers[bought[0].offer].price;
            let (proven, other): (Vec<&Bought>, Vec<&Bought>) =
                bought.into_iter().partition(|bought| proven(bought));
            let at_once = |limits| at_once(limits, price).max(if presses { 1 } else { FEW });
            let ceilings = at_once((limits.max_nodes, limits.max_rate));
            // The last that a ceiling has room for is no whole part of it.
            let part = if presses {
                ceilings.min(room.nodes(price))
            } else {
                ceilings
            };
            for part in proven.chunks(part) {
                self.grow_by((group, offer), price, part);
            }
            let most = limits.bought_per_window.min(limits.max_nodes);
            let rate = limits.added_per_window.min(limits.max_rate);
            for part in parts(&other, at_once((most, rate))) {
                self.grow_by((group, offer), price, part);
            }
        }
    }

    /// Whether the guard's limits may let only some of the purchase in, and what its ceilings have room for.
    fn presses(
        &self,
        purchase: &Purchase,
        limits: &Limits,
        proven: &dyn Fn(&Bought) -> bool,
    ) -> (bool, Room) {
        let seen = self.seen;
        let price = |bought: &Bought| seen.offers[bought.offer].price;
        let nodes = || {
            let bought = purchase.bought.iter();
            bought.filter(|bought| !seen.offers[bought.offer].is_fargate())
        };
        let unproven = || nodes().filter(|bought| !proven(bought));
        let (mut bought, mut added) = (unproven().count(), unproven().map(price).sum::<UsdPerHour>());
        for effect in &seen.ledger.effects {
            if let EffectKind::Bought { count, rate, proof } = &effect.kind
                && seen.at.since(effect.at) <= limits.window
            {
                bought += size(count.saturating_sub(proof.nodes));
                added += UsdPerHour(rate.0.saturating_sub(proof.rate.0));
            }
        }
        let there = seen.nodes.iter().filter(|node| !node.fargate);
        let mut all = there.count();
        let known = seen.nodes.iter().filter_map(|node| seen.node_price(node));
        let mut rate = known.sum::<UsdPerHour>();
        for intent in &seen.ledger.intents {
            if let IntentKind::Launch {
                offer, count, joined, ..
            } = &intent.kind
            {
                let coming = size(*count).saturating_sub(joined.len());
                all += coming;
                let of = seen.offer_ix(offer).map(|offer| seen.offers[offer].price);
                rate += of.unwrap_or_default().times(coming as u64);
            }
        }
        let of_month = limits
            .max_per_month
            .map(|budget| Spending::most(seen.ledger.spending, seen.at, (rate, budget)));
        let most = of_month.map_or(limits.max_rate, |most| most.min(limits.max_rate));
        let room = Room {
            nodes: size(limits.max_nodes).saturating_sub(all),
            rate: UsdPerHour(most.0.saturating_sub(rate.0)),
        };
        let wanted: UsdPerHour = purchase.bought.iter().map(price).sum();
        let presses = bought > size(limits.bought_per_window)
            || added > limits.added_per_window
            || nodes().count() > room.nodes
            || wanted > room.rate;
        (presses, room)
    }

    fn grow_by(&mut self, (group, offer): (&GroupName, &OfferId), price: UsdPerHour, bought: &[&Bought]) {
        let (from, to) = self.sizes(group, count(bought.len()));
        let rate = price.times(bought.len() as u64);
        let mut pods = Vec::with_capacity(bought.iter().map(|b| b.node.pods.len()).sum());
        for bought in bought {
            pods.extend_from_slice(&bought.node.pods);
        }
        let reason = Reason::Demand {
            pods: count(pods.len()),
            pending: bought.iter().map(|b| b.waiting).sum(),
            rate,
        };
        let kind = StepKind::GrowGroup {
            group: group.clone(),
            offer: offer.clone(),
            from,
            to,
            nodes: bought.iter().map(|b| b.node.name.clone()).collect(),
            pods,
            rate,
        };
        self.add(kind, reason, None);
    }

    /// Growth that replaces nodes: one step per replacement, group and offer. The cordons of what is replaced learn
    /// which launches they wait for.
    pub(crate) fn replace(&mut self, shrunk: &mut Shrunk) {
        for swap in &mut shrunk.swaps {
            let mut orders: BTreeMap<(GroupName, OfferId), Vec<&(usize, PlannedNode)>> = BTreeMap::new();
            for node in &swap.nodes {
                let key = (node.1.group.clone(), node.1.offer.clone());
                orders.entry(key).or_default().push(node);
            }
            let mut launches = Vec::new();
            for ((group, offer), nodes) in orders {
                let (from, to) = self.sizes(&group, count(nodes.len()));
                let price = self.seen.offers[nodes[0].0].price;
                let kind = StepKind::GrowGroup {
                    group,
                    offer,
                    from,
                    to,
                    nodes: nodes.iter().map(|(_, node)| node.name.clone()).collect(),
                    pods: nodes.iter().flat_map(|(_, node)| node.pods.clone()).collect(),
                    rate: price.times(nodes.len() as u64),
                };
                self.add(kind, swap.why.clone(), None);
                launches.extend(self.done.last().and_then(|step| step.intent.clone()));
            }
            for cordon in &mut swap.cordons {
                if let StepKind::Cordon { after, .. } = &mut cordon.kind {
                    after.clone_from(&launches);
                }
            }
        }
    }

    /// Size of a group before and after it grows by so many.
    fn sizes(&mut self, group: &GroupName, by: u32) -> (u32, u32) {
        let seen = self.seen;
        let desired = self
            .desired
            .entry(group.clone())
            .or_insert_with(|| seen.group(group).map_or(0, |g| g.desired));
        let from = *desired;
        *desired = from.saturating_add(by);
        (from, *desired)
    }

    /// One step per class and size.
    pub(crate) fn place_on_fargate(
        &mut self,
        market: &Market<'_>,
        classes: &[Class],
        adjust: Option<&Adjust>,
        purchase: &Purchase,
    ) {
        let mut orders: BTreeMap<(usize, usize), Vec<&Bought>> = BTreeMap::new();
        for bought in &purchase.bought {
            if let (true, Some(class)) = (
                self.seen.offers[bought.offer].is_fargate(),
                bought.classes.first(),
            ) {
                orders.entry((*class, bought.offer)).or_default().push(bought);
            }
        }
        for ((class, offer), bought) in orders {
            let of = &self.seen.offers[offer];
            let Some(profile) = self.seen.groups.get(size(of.group)) else {
                continue;
            };
            let spec = &classes[class].body;
            let voice = adjust.and_then(|a| a.voice(class, market.set_of[offer]));
            let reason = Reason::FargateCheaper {
                fargate: UsdPerHour(bought[0].policy_price),
                ec2: bought[0].instead,
                by: voice.as_ref().map(|(name, _)| name.clone()),
                code: voice.map_or(0, |(_, code)| code),
            };
            let kind = StepKind::PlaceOnFargate {
                class: count(class),
                workload: spec.owner.clone(),
                profile: profile.name.clone(),
                offer: of.id.clone(),
                label: fargate::label(spec, profile).unwrap_or_default(),
                pods: bought.iter().flat_map(|b| b.node.pods.iter().cloned()).collect(),
            };
            self.add(kind, reason, None);
        }
    }

    /// What giving up nodes takes.
    pub(crate) fn shrink(&mut self, shrunk: Shrunk) {
        let replaced = shrunk.swaps.into_iter().flat_map(|swap| swap.cordons).collect();
        let in_order = [
            shrunk.uncordons,
            shrunk.evictions,
            shrunk.removals,
            replaced,
            shrunk.cordons,
            shrunk.marks,
        ];
        for Effect { kind, reason, intent } in in_order.into_iter().flatten() {
            self.add(kind, reason, intent);
        }
    }
}

/// Workloads whose number of pods is set by us.
fn scaled<'s>(seen: &'s Snapshot, aims: &'s Aims) -> BTreeSet<&'s WorkloadKey> {
    let workloads = seen.workloads.iter();
    let annotated = workloads.filter(|of| of.annotations.contains_key(SCALE_ANNOTATION));
    let named = aims.scale.iter().map(|aim| &aim.workload);
    annotated.map(|of| &of.key).chain(named).collect()
}

/// Whether a pod waits for the node whose number no policy sets.
fn is_proven(seen: &Snapshot, bought: &Bought, scaled: &BTreeSet<&WorkloadKey>) -> bool {
    // Pods are looked up only where it matters whose they are.
    if bought.waiting == 0 || scaled.is_empty() {
        return bought.waiting > 0;
    }
    let is_scaled = |owner: &WorkloadKey| scaled.contains(owner);
    bought.node.pods.iter().any(|pod| {
        let pod = seen.pod(pod).filter(|pod| pod.phase == PodPhase::Pending);
        pod.is_some_and(|pod| !seen.spec(pod.spec).owner.as_ref().is_some_and(is_scaled))
    })
}

/// What the ceilings have room for.
struct Room {
    nodes: usize,
    rate: UsdPerHour,
}

impl Room {
    /// Nodes at this price, at least one: where there is room for none, the step is held and says why.
    fn nodes(&self, price: UsdPerHour) -> usize {
        let paid = usize::try_from(self.rate.0 / price.0.max(1)).unwrap_or(0);
        self.nodes.min(paid).max(1)
    }
}

/// Nodes that one step asks for where the limits let all of them in: a call for each would only take longer.
const FEW: usize = 5;

/// Nodes at this price that one step asks for at most.
fn at_once((nodes, rate): (u32, UsdPerHour), price: UsdPerHour) -> usize {
    let paid = usize::try_from(rate.0 / price.0.max(1)).unwrap_or(0);
    (size(nodes).min(paid) / PARTS).max(1)
}

/// What a window could let in at best, part by part, and the rest, for which later windows have room, in one.
fn parts<'p, 'b>(bought: &'p [&'b Bought], at_once: usize) -> impl Iterator<Item = &'p [&'b Bought]> {
    let (now, later) = bought.split_at(bought.len().min(at_once.saturating_mul(PARTS)));
    now.chunks(at_once).chain((!later.is_empty()).then_some(later))
}
