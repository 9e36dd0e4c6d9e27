//! What is for sale: groups with their room to grow, offer sets, and offers less what DaemonSets take.
//!
//! Offers that no rule in sight can tell apart (most often: the same type in several zones) are one lot.
//! Prices here are plain; what policies make of them is added in `table`.

use crate::agents::{Agents, Clash};
use crate::class::Class;
use crate::constraints::{Crowds, ZONE};
use crate::fargate;
use crate::fit::{self, HOSTNAME, Place};
use crate::number::{count, size};
use crate::policy::SetRow;
use crate::preemption::Preemptors;
use crate::quotas::Left;
use crate::space::{self, PODS, Space, Vector};
use crate::tariffs::{self, Tariff};
use model::aims::Aims;
use model::fargate::FargateSize;
use model::group::GroupKind;
use model::ids::GroupName;
use model::intent::IntentKind;
use model::memory::Memory;
use model::money::UsdPerHour;
use model::offer::{Confidence, Offer, OfferKind, Purchase};
use model::pod::PodSpec;
use model::provisioned::size_of;
use model::quota::{Amounts, Measure};
use model::reason::{GroupBlock, Misfit};
use model::selector::Labels;
use model::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Equal offers of one group and set.
pub(crate) struct Lot {
    /// Indices into `Snapshot::offers`, in their order.
    pub(crate) offers: Vec<usize>,
    /// Index into `Snapshot::groups`.
    pub(crate) group: usize,
    /// Index into the offer sets.
    pub(crate) set: usize,
    /// Index into the tariffs.
    pub(crate) tariff: usize,
    /// Room for pods on one new node, DaemonSet pods taken off.
    pub(crate) room: Vector,
    /// By rule: whether it admits the pods, zones that were dealt apart.
    pub(crate) admits: Arc<[bool]>,
    /// Zones that it is sold in, by their place among the market's.
    pub(crate) zones: u64,
    /// What one counts where there are quotas.
    pub(crate) each: Amounts,
    /// Price of one.
    pub(crate) price: UsdPerHour,
    /// Nobody knows the price: taken only by classes that fit nothing priced.
    pub(crate) unknown: bool,
}

/// A Fargate size for a class: of one profile the one that was provisioned last for its like, else the cheapest that
/// holds one of its pods.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FargateOption {
    /// Index into `Snapshot::offers`.
    pub(crate) offer: usize,
    /// Index into the offer sets.
    pub(crate) set: usize,
    /// Price of one pod, its storage included.
    pub(crate) price: UsdPerHour,
    /// What of that is for ephemeral storage.
    pub(crate) storage: UsdPerHour,
}

/// See the module.
pub(crate) struct Market<'a> {
    pub(crate) seen: &'a Snapshot,
    pub(crate) space: Space,
    /// By group: why it does not grow, where it does not.
    pub(crate) blocks: Vec<Option<GroupBlock>>,
    /// By offer: the provider had no capacity of its type, zone and purchase a moment ago.
    pub(crate) short: Vec<bool>,
    /// By group: nodes it may still be grown by.
    pub(crate) growth: Vec<u32>,
    /// By group: nodes it has or was asked for, its maximum at most.
    pub(crate) asked: Vec<u32>,
    /// What quotas leave before anything is bought.
    pub(crate) left: Left,
    /// By group: how much it is preferred.
    pub(crate) weights: Vec<u32>,
    pub(crate) sets: Vec<SetRow>,
    /// By offer: its set.
    pub(crate) set_of: Vec<usize>,
    /// What pods cost on top of the price of their node: one by set without risk, then those with.
    pub(crate) tariffs: Vec<Tariff>,
    /// By offer: its tariff.
    pub(crate) tariff_of: Vec<usize>,
    pub(crate) lots: Vec<Lot>,
    /// By class: request of one pod.
    pub(crate) asks: Vec<Vector>,
    /// By class: index of its rule in `Lot::admits`.
    pub(crate) rule_of: Vec<usize>,
    /// By class: what Fargate provisioned last for its like.
    pub(crate) provisioned: Vec<Option<FargateSize>>,
    /// By class: its Fargate options.
    pub(crate) fargate: Vec<Vec<FargateOption>>,
    /// What a new node carries before anything else.
    pub(crate) agents: Agents<'a>,
    /// Pods that wait for victims on their nodes.
    pub(crate) preemptors: Preemptors,
    /// By rule: what keeps its pods off nodes that agents run on.
    clashes: Vec<Vec<Clash>>,
    /// Pods that rules count by node.
    pub(crate) crowds: Crowds,
    /// Zones of offers and nodes, in order: pods may be dealt to any of them.
    zones: Vec<&'a str>,
    /// Indices of the Fargate sizes among the offers.
    fargate_offers: Vec<usize>,
}

impl<'a> Market<'a> {
    /// Opens the market for these classes.
    pub(crate) fn new(seen: &'a Snapshot, memory: &Memory, aims: &Aims, classes: &[Class]) -> Self {
        let agents = Agents::of(seen);
        let space = Space::of(
            classes
                .iter()
                .map(|c| &*c.body)
                .chain(agents.list.iter().map(|agent| agent.spec)),
        );
        let left = Left::of(seen, aims);
        let (blocks, growth) = standing((seen, &left), memory, aims);
        let (sets, set_of) = offer_sets(seen, memory);
        let (tariffs, tariff_of) = tariffs::tariffs(seen, aims, &set_of);
        let (rules, rule_of) = rules(&agents, classes);
        let (rules, clashes): (Vec<&PodSpec>, Vec<Vec<Clash>>) = rules.into_iter().unzip();
        let mut market = Self {
            seen,
            asks: classes.iter().map(|c| space.request(&c.body.requests)).collect(),
            space,
            blocks,
            short: short(seen, memory),
            growth,
            asked: seen
                .groups
                .iter()
                .map(|group| expected_size(seen, &group.name, group.desired).min(group.max))
                .collect(),
            left,
            weights: seen.groups.iter().map(|group| aims.weight(&group.name)).collect(),
            sets,
            set_of,
            tariffs,
            tariff_of,
            lots: Vec::new(),
            rule_of,
            provisioned: classes.iter().map(|c| memory.provisioned_for(&c.body)).collect(),
            fargate: Vec::new(),
            agents,
            preemptors: Preemptors::of(seen, memory),
            clashes,
            crowds: Crowds::default(),
            zones: zones(seen),
            fargate_offers: (0..seen.offers.len())
                .filter(|ix| seen.offers[*ix].is_fargate())
                .collect(),
        };
        market.lots = market.lots(&rules);
        market.fargate = classes
            .iter()
            .zip(&market.provisioned)
            .map(|(class, learned)| market.fargate_options(class, *learned))
            .collect();
        market
    }

    /// Some pods cost on top of the price of their node, whatever policies say.
    pub(crate) const fn is_risky(&self) -> bool {
        self.tariffs.len() > self.sets.len()
    }

    /// What pods find on a new node bought by this offer: allocatable less the DaemonSet pods that match.
    pub(crate) fn room_of(&self, offer: &Offer) -> Vector {
        let mut room = self.space.capacity(&offer.allocatable, offer.max_pods);
        for agent in self.agents.on_offer(self.seen, offer) {
            let requests = &self.agents.list[agent].spec.requests;
            space::take(&mut room, &self.space.request(requests), 1);
        }
        room
    }

    fn lots(&self, rules: &[&PodSpec]) -> Vec<Lot> {
        let agents = self.agents.list.iter().map(|agent| agent.spec);
        let apart = self.clashes.iter().flatten().filter_map(Clash::key);
        let keys = label_keys(rules.iter().copied().chain(agents), apart);
        let mut terrains: BTreeMap<TerrainKey<'_>, (Arc<[bool]>, Vector)> = BTreeMap::new();
        let mut lots: BTreeMap<LotKey, Vec<usize>> = BTreeMap::new();
        for (ix, offer) in self.seen.offers.iter().enumerate() {
            let group = size(offer.group);
            let open = self.blocks.get(group).is_some_and(Option::is_none);
            if offer.is_fargate() || !open || self.short[ix] || offer.price.0 < 0 {
                continue;
            }
            let values = keys
                .iter()
                .map(|key| offer.labels.get(*key).map(String::as_str))
                .collect();
            let (admits, daemons) = terrains
                .entry((offer.group, values))
                .or_insert_with(|| self.terrain(offer, rules));
            let mut room = self.space.capacity(&offer.allocatable, offer.max_pods);
            space::take(&mut room, daemons, 1);
            let each = self.left.each(offer);
            if room[PODS] < 1 || !self.left.allows(group, &each) {
                continue;
            }
            for amount in &mut room {
                *amount = (*amount).max(0);
            }
            let key = LotKey {
                group,
                tariff: self.tariff_of.get(ix).copied().unwrap_or(0),
                admits: Arc::clone(admits),
                unknown: offer.confidence == Confidence::Unknown,
                price: offer.price,
                room,
                each,
            };
            lots.entry(key).or_default().push(ix);
        }
        lots.into_iter()
            .map(|(key, offers)| Lot {
                group: key.group,
                set: self.tariffs.get(key.tariff).map_or(0, |tariff| tariff.set),
                tariff: key.tariff,
                room: key.room,
                admits: key.admits,
                zones: self.zones_of(&offers),
                each: key.each,
                price: key.price,
                unknown: key.unknown,
                offers,
            })
            .collect()
    }

    fn zones_of(&self, offers: &[usize]) -> u64 {
        let zones = offers.iter().filter_map(|ix| self.zone_of(*ix));
        zones.fold(0, |zones, at| zones | 1 << at)
    }

    /// Place of a zone; the first 64 have one.
    pub(crate) fn zone_at(&self, zone: &str) -> Option<usize> {
        self.zones.binary_search(&zone).ok().filter(|at| *at < 64)
    }

    /// Whether an offer is not bought now, whatever pods want: its group does not grow, there is no capacity, or no quota
    /// has room for it.
    pub(crate) fn stands(&self, offer: usize) -> bool {
        let of = &self.seen.offers[offer];
        let group = size(of.group);
        self.short[offer]
            || self.blocks.get(group).is_some_and(Option::is_some)
            || !(of.is_fargate() || self.left.allows(group, &self.left.each(of)))
    }

    /// Weights of the groups that anything is bought of now, lightest first.
    pub(crate) fn weights_sold(&self) -> BTreeSet<u32> {
        let fargate = self.fargate.iter().flatten().map(|option| self.weight_of(option));
        let nodes = self.lots.iter().map(|lot| self.weights[lot.group]);
        nodes.chain(fargate).collect()
    }

    /// What the profile of a Fargate option weighs.
    pub(crate) fn weight_of(&self, option: &FargateOption) -> u32 {
        let group = size(self.seen.offers[option.offer].group);
        self.weights.get(group).copied().unwrap_or(0)
    }

    /// Some group weighs something.
    pub(crate) fn is_weighed(&self) -> bool {
        self.weights.iter().any(|weight| *weight > 0)
    }

    /// The lot that an offer is of.
    pub(crate) fn lot_of(&self, offer: usize) -> Option<&Lot> {
        self.lots.iter().find(|lot| lot.offers.contains(&offer))
    }

    /// Whether a node may be of one lot instead of another, as far as quotas and weights go.
    pub(crate) fn may_replace(&self, lot: &Lot, by: &Lot) -> bool {
        let same_weight = self.weights.get(lot.group) == self.weights.get(by.group);
        let limited = by.group != lot.group && self.left.limits_group(by.group);
        same_weight && !limited && by.each.is_within(&lot.each)
    }

    /// Name of the group that an offer is bought by.
    pub(crate) fn group_of(&self, offer: usize) -> GroupName {
        let group = self.seen.groups.get(size(self.seen.offers[offer].group));
        group.map_or_else(|| "".into(), |group| group.name.clone())
    }

    /// Place of the zone of an offer.
    pub(crate) fn zone_of(&self, offer: usize) -> Option<usize> {
        let zone = self.seen.offers.get(offer)?.labels.get(ZONE)?;
        self.zone_at(zone)
    }

    /// The zone at a place.
    pub(crate) fn zone_name(&self, at: usize) -> &'a str {
        self.zones.get(at).copied().unwrap_or("")
    }

    /// What keeps pods of a class off nodes of this offer that agents have first.
    pub(crate) fn clash(&self, class: usize, offer: &Offer) -> Option<Misfit> {
        let clashes = self.clashes_of(class);
        if clashes.is_empty() {
            return None;
        }
        let there = self.agents.on_offer(self.seen, offer);
        Agents::clash(clashes, &there, &offer.labels).cloned()
    }

    /// What keeps pods of a class off nodes that agents run on.
    pub(crate) fn clashes_of(&self, class: usize) -> &[Clash] {
        self.clashes.get(self.rule_of[class]).map_or(&[], Vec::as_slice)
    }

    /// Which rules a new node of this offer satisfies, and what DaemonSets take of it.
    fn terrain(&self, offer: &Offer, rules: &[&PodSpec]) -> (Arc<[bool]>, Vector) {
        let labels = with_hostname(&offer.labels);
        let taints = self
            .seen
            .groups
            .get(size(offer.group))
            .map_or(&[][..], |g| &g.taints);
        let place = Place {
            labels: &labels,
            name: "",
            taints,
        };
        let mut taken = self.space.capacity(&model::Resources::default(), 0);
        let mut there = Vec::new();
        for (ix, agent) in self.agents.on(place) {
            space::put(&mut taken, &self.space.request(&agent.spec.requests), 1);
            there.push(ix);
        }
        let free_of = |clashes: &Vec<Clash>| Agents::clash(clashes, &there, &labels).is_none();
        let admits = rules
            .iter()
            .zip(&self.clashes)
            .map(|(spec, clashes)| free_of(clashes) && fit::admits(spec, place))
            .collect();
        (admits, taken)
    }

    /// Of each profile that takes the class the size that was provisioned last for its like, else the cheapest that
    /// holds one pod.
    fn fargate_options(&self, class: &Class, learned: Option<FargateSize>) -> Vec<FargateOption> {
        // Fargate chooses the zone itself.
        if class.spec.is_none() || class.deal.is_some() || !class.body.unmodelled.is_empty() {
            return Vec::new();
        }
        let Some(storage) = self
            .seen
            .prices
            .fargate_storage(class.body.requests.ephemeral_bytes)
        else {
            return Vec::new();
        };
        let mut best: BTreeMap<u32, (bool, FargateOption)> = BTreeMap::new();
        for ix in &self.fargate_offers {
            let offer = &self.seen.offers[*ix];
            let group = size(offer.group);
            let known = offer.confidence != Confidence::Unknown && offer.price.0 >= 0;
            if !known || self.blocks.get(group).is_none_or(Option::is_some) {
                continue;
            }
            let computed = learned.is_none() || learned != size_of(offer);
            let price = offer.price + storage;
            let better = |(by_rule, best): &(bool, FargateOption)| (computed, price) < (*by_rule, best.price);
            let takes = || {
                let profile = self.seen.groups.get(group);
                (!computed || fargate::holds(&class.body.requests, offer))
                    && profile.is_some_and(|p| fargate::label(&class.body, p).is_some())
                    && fargate::rules(&class.body, &offer.labels).is_empty()
            };
            if best.get(&offer.group).is_none_or(better) && takes() {
                let option = FargateOption {
                    offer: *ix,
                    set: self.set_of.get(*ix).copied().unwrap_or(0),
                    price,
                    storage,
                };
                best.insert(offer.group, (computed, option));
            }
        }
        best.into_values().map(|(_, option)| option).collect()
    }
}

/// Group, and the values of the labels that anybody looks at.
type TerrainKey<'k> = (u32, Vec<Option<&'k str>>);

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct LotKey {
    group: usize,
    tariff: usize,
    unknown: bool,
    price: UsdPerHour,
    room: Vector,
    admits: Arc<[bool]>,
    each: Amounts,
}

/// By offer: whether its pool had no capacity lately. A pool is a type in a zone by a purchase, whoever buys from it.
fn short(seen: &Snapshot, memory: &Memory) -> Vec<bool> {
    let lately = memory
        .no_capacity
        .iter()
        .filter(|(_, known)| known.until > seen.at);
    let pools: BTreeSet<&OfferKind> = lately
        .filter_map(|(id, _)| Some(&seen.offers[seen.offer_ix(id)?].kind))
        .collect();
    seen.offers
        .iter()
        .map(|offer| pools.contains(&offer.kind))
        .collect()
}

/// By group: why it may not grow, and by how much it may.
fn standing(
    (seen, left): (&Snapshot, &Left),
    memory: &Memory,
    aims: &Aims,
) -> (Vec<Option<GroupBlock>>, Vec<u32>) {
    seen.groups
        .iter()
        .enumerate()
        .map(|(ix, group)| {
            let fargate = group.kind == GroupKind::FargateProfile;
            let room = group
                .max
                .saturating_sub(expected_size(seen, &group.name, group.desired));
            let within = if left.is_free() || fargate {
                room
            } else {
                left.copies(ix, &least(seen, ix), room)
            };
            let backs_off = memory.backs_off(&group.name, seen.at).is_some();
            let block = if group.foreign.is_some() {
                Some(GroupBlock::Foreign)
            } else if !aims.groups.is_empty() && !aims.groups.contains(&group.name) {
                Some(GroupBlock::NotInAims)
            } else if backs_off {
                Some(GroupBlock::BacksOff)
            } else if seen.short.contains_key(&group.name) {
                // It goes on trying for what it was asked already: asked for more, all of it would come at once.
                Some(GroupBlock::NoCapacity)
            } else if room == 0 && !fargate {
                Some(GroupBlock::AtMaximum)
            } else if within == 0 && !fargate {
                left.reached(ix, &least(seen, ix)).map(GroupBlock::Quota)
            } else {
                None
            };
            (block, within)
        })
        .unzip()
}

/// The least of each measure that a node of the group counts.
fn least(seen: &Snapshot, group: usize) -> Amounts {
    let own = seen
        .offers
        .iter()
        .filter(|offer| size(offer.group) == group && !offer.is_fargate());
    let counted = own.map(|offer| Amounts::of_node(&offer.allocatable));
    let least = |measure| counted.clone().map(|each| each.of(measure)).min().unwrap_or(0);
    Amounts {
        cpu_milli: least(Measure::Cpu),
        memory_bytes: least(Measure::Memory),
        nodes: 1,
    }
}

/// Desired size once every open launch has taken effect.
fn expected_size(seen: &Snapshot, name: &GroupName, desired: u32) -> u32 {
    seen.ledger
        .intents
        .iter()
        .filter_map(|intent| match &intent.kind {
            IntentKind::Launch { group, to, .. } if group == name => Some(*to),
            _ => None,
        })
        .fold(desired, u32::max)
}

fn offer_sets(seen: &Snapshot, memory: &Memory) -> (Vec<SetRow>, Vec<usize>) {
    let mut rows: BTreeMap<String, SetRow> = BTreeMap::new();
    let mut names = Vec::with_capacity(seen.offers.len());
    for offer in &seen.offers {
        let name = set_name(seen, offer);
        let row = rows
            .entry(name.clone())
            .or_insert_with(|| empty_set(seen, memory, offer, &name));
        row.offers += 1;
        row.min_price = row.min_price.min(offer.price);
        // A set of several architectures or purchases has none.
        let (arch, purchase) = bought_as(offer);
        row.arch = row.arch.take().filter(|shown| Some(shown) == arch);
        row.purchase = row.purchase.filter(|shown| Some(*shown) == purchase);
        names.push(name);
    }
    let place: BTreeMap<&String, usize> = rows.keys().enumerate().map(|(ix, name)| (name, ix)).collect();
    let set_of = names
        .iter()
        .map(|name| place.get(name).copied().unwrap_or(0))
        .collect();
    (rows.into_values().collect(), set_of)
}

/// Name of an offer's set: the group; for a fleet split by architecture and purchase.
fn set_name(seen: &Snapshot, offer: &Offer) -> String {
    let group = seen.groups.get(size(offer.group));
    let name = group.map_or("", |g| g.name.as_str());
    match &offer.kind {
        OfferKind::Ec2 { arch, purchase, .. } if group.is_some_and(|g| g.kind == GroupKind::Fleet) => {
            format!("{name}/{arch}/{}", purchase.as_str())
        }
        _ => name.to_owned(),
    }
}

fn bought_as(offer: &Offer) -> (Option<&String>, Option<Purchase>) {
    match &offer.kind {
        OfferKind::Ec2 { arch, purchase, .. } => (Some(arch), Some(*purchase)),
        OfferKind::Fargate { .. } => (None, None),
    }
}

fn empty_set(seen: &Snapshot, memory: &Memory, offer: &Offer, name: &str) -> SetRow {
    let group = seen.groups.get(size(offer.group));
    let (arch, purchase) = bought_as(offer);
    let nodes = group.map_or(0, |g| {
        seen.nodes
            .iter()
            .filter(|n| n.group.as_ref() == Some(&g.name))
            .count()
    });
    SetRow {
        name: name.to_owned(),
        group: offer.group,
        kind: group.map_or(GroupKind::Asg, |g| g.kind),
        arch: arch.cloned(),
        purchase,
        offers: 0,
        min_price: offer.price,
        nodes: count(nodes),
        utilisation: group
            .and_then(|g| memory.utilisation.get(&g.name).copied())
            .unwrap_or_default(),
    }
}

fn zones(seen: &Snapshot) -> Vec<&str> {
    let offers = seen.offers.iter().filter(|offer| !offer.is_fargate());
    let labels = offers.map(|offer| &offer.labels);
    let labels = labels.chain(seen.nodes.iter().map(|node| &node.labels));
    let zones: BTreeSet<&str> = labels
        .filter_map(|labels| labels.get(ZONE).map(String::as_str))
        .collect();
    zones.into_iter().collect()
}

/// A rule: a spec that stands for all that ask the same of nodes, and what keeps them off agents.
type Rule<'c> = (&'c PodSpec, Vec<Clash>);

/// Distinct placing rules of the classes, and which class has which.
fn rules<'c>(agents: &Agents<'_>, classes: &'c [Class]) -> (Vec<Rule<'c>>, Vec<usize>) {
    let mut seen = BTreeMap::new();
    let mut distinct: Vec<Rule<'c>> = Vec::new();
    let of = classes
        .iter()
        .map(|class| {
            let spec = &*class.body;
            let clashes = agents.clashes(spec);
            let key = (
                &spec.node_selector,
                &spec.node_affinity,
                &spec.tolerations,
                &spec.reach,
                clashes.clone(),
            );
            *seen.entry(key).or_insert_with(|| {
                distinct.push((spec, clashes));
                distinct.len() - 1
            })
        })
        .collect();
    (distinct, of)
}

/// Label keys that any of the specs looks at, and others.
fn label_keys<'s>(
    specs: impl Iterator<Item = &'s PodSpec>,
    others: impl Iterator<Item = &'s str>,
) -> Vec<&'s str> {
    let mut keys: BTreeSet<&str> = others.collect();
    for spec in specs {
        keys.extend(spec.node_selector.keys().map(String::as_str));
        for term in spec.node_affinity.iter().chain(&spec.reach).flatten() {
            keys.extend(term.labels.iter().map(|r| r.key.as_str()));
        }
    }
    keys.into_iter().collect()
}

/// A new node carries its own name as a label; nobody knows it yet, so it equals nothing that is asked for.
fn with_hostname(labels: &Labels) -> Labels {
    let mut labels = labels.clone();
    labels.entry(HOSTNAME.to_owned()).or_default();
    labels
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::Cluster;

    #[test]
    fn a_set_of_several_architectures_or_purchases_shows_none() {
        let seen = Cluster::new()
            .group("mixed", 0, 9)
            .offer("mixed", "small", 1000, 1000, 1)
            .offer("mixed", "large", 2000, 2000, 2)
            .last_offers(|offer| {
                if let OfferKind::Ec2 { arch, purchase, .. } = &mut offer.kind {
                    "arm64".clone_into(arch);
                    *purchase = Purchase::Spot;
                }
            })
            .offer("mixed", "medium", 1500, 1500, 1)
            .group("plain", 0, 9)
            .offer("plain", "small", 1000, 1000, 1)
            .seen();
        let (sets, _) = offer_sets(&seen, &Memory::default());
        let shown: Vec<_> = sets
            .iter()
            .map(|set| (set.arch.as_deref(), set.purchase))
            .collect();
        assert_eq!(shown, [(None, None), (Some("amd64"), Some(Purchase::OnDemand))]);
    }
}
