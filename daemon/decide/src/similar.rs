//! Equal offers of several groups: which group a new node goes to, where money does not say.
//!
//! Clusters often have one group per zone, as volumes want it. Packing buys the first of equal offers; here the node
//! goes to the offer whose taints and labels its pods mind least and like most, then to the zone with fewest nodes of
//! groups that are alike. Alike is what the Cluster Autoscaler's `--balance-similar-node-groups` calls similar
//! (processors/nodegroupset): the same labels but for those that name the node, its place or its group, the same
//! taints, and amounts within 5 %. A price that differs, as policies count it, ends the likeness: nothing here makes a
//! plan dearer. Pods stay together as they were packed; what a group may grow by is kept.

use crate::constraints::ZONE;
use crate::demand::Class;
use crate::fit::{HOSTNAME, Place, dislike};
use crate::market::{Lot, Market};
use crate::packing::Table;
use crate::space::{self, Vector};
use model::group::Group;
use model::ids::WorkloadKey;
use model::pod::PodSpec;
use std::collections::{BTreeMap, BTreeSet};

/// Labels that tell groups apart which are alike (AWS' list of the Cluster Autoscaler, and labels of ours).
const NAMES: [&str; 17] = [
    HOSTNAME,
    ZONE,
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
    "topology.k8s.aws/zone-id",
    "topology.ebs.csi.aws.com/zone",
    "alpha.eksctl.io/instance-id",
    "alpha.eksctl.io/nodegroup-name",
    "eks.amazonaws.com/nodegroup",
    "eks.amazonaws.com/nodegroup-image",
    "eks.amazonaws.com/sourceLaunchTemplateId",
    "eks.amazonaws.com/sourceLaunchTemplateVersion",
    "k8s.amazonaws.com/eniConfig",
    "kops.k8s.io/instancegroup",
    "lifecycle",
    "plimsoll.io/group",
];

/// Amounts may differ by one part in so many.
const NEARLY: i64 = 20;

/// A node that packing bought, as far as other groups could have it as well.
pub(crate) struct Wanted<'a> {
    /// Of the market.
    pub(crate) lot: usize,
    /// What its pods ask for together, in the market's space.
    pub(crate) asked: Vector,
    /// Rows of the table and how many pods of each.
    pub(crate) rows: Vec<(usize, u32)>,
    /// Classes and how many pods of each.
    pub(crate) classes: Vec<(usize, u32)>,
    /// Specs of its pods, each once, and how many there are.
    pub(crate) specs: Vec<(&'a PodSpec, u32)>,
}

/// See the module.
pub(crate) struct Equals<'a> {
    market: &'a Market<'a>,
    table: &'a Table,
    /// By lot: lots of other groups at the same price that the same rules admit, and whether the groups are alike.
    peers: BTreeMap<usize, Vec<(usize, bool)>>,
    /// Topology keys of rules between pods, but for nodes and zones: what was packed for one value stays there.
    keys: BTreeSet<&'a str>,
    /// By group: nodes it may be given on top of those that packing bought of it.
    spare: Vec<u32>,
}

impl<'a> Equals<'a> {
    /// `growth` is what groups may still grow by, `bought` are groups of what packing bought of that and how many nodes.
    pub(crate) fn new(
        market: &'a Market<'a>,
        table: &'a Table,
        growth: &[u32],
        bought: impl Iterator<Item = (usize, u32)>,
    ) -> Self {
        let mut spare = growth.to_vec();
        for (group, nodes) in bought {
            if let Some(left) = spare.get_mut(group) {
                *left = left.saturating_sub(nodes);
            }
        }
        let near = market.seen.specs.iter().flat_map(|spec| &spec.near);
        let keys = near.map(|near| near.key.as_str());
        Self {
            market,
            table,
            peers: BTreeMap::new(),
            keys: keys.filter(|key| ![HOSTNAME, ZONE].contains(key)).collect(),
            spare,
        }
    }

    /// Lots that the node may come from, its own first, and whether each is of a group like its own.
    pub(crate) fn lots_for(&mut self, wanted: &Wanted<'_>) -> Vec<(usize, bool)> {
        let own = (wanted.lot, true);
        let (market, table) = (self.market, self.table);
        if table.lot_prices.is_empty() || market.seen.groups.len() < 2 {
            return vec![own];
        }
        let known = self.peers.entry(wanted.lot);
        let peers = known.or_insert_with(|| peers(market, table, &self.keys, wanted.lot));
        let price = |lot: usize| {
            let of = (table.lot_prices[lot], market.lots[lot].tariff);
            table.with_addends(of, wanted.rows.iter().copied())
        };
        let may = |lot: usize| {
            let of = &market.lots[lot];
            let allowed = |(row, _): &(usize, u32)| table.allowed(Some(of.set), *row);
            self.spare.get(of.group).is_some_and(|left| *left > 0)
                && market.may_replace(&market.lots[wanted.lot], of)
                && space::holds(&of.room, &wanted.asked)
                && wanted.rows.iter().all(allowed)
                && price(lot) == price(wanted.lot)
        };
        let peers = peers.iter().copied().filter(|(lot, _)| may(*lot));
        std::iter::once(own).chain(peers).collect()
    }

    /// A node of one lot goes to another.
    pub(crate) fn move_node(&mut self, from: usize, to: usize) {
        let group = |lot: usize| self.market.lots[lot].group;
        let (from, to) = (group(from), group(to));
        if from != to {
            self.spare[to] = self.spare[to].saturating_sub(1);
            self.spare[from] = self.spare[from].saturating_add(1);
        }
    }
}

/// Taints with `PreferNoSchedule` that the pods would rather not have, and how little they like the labels.
pub(crate) fn dislikes(market: &Market<'_>, offer: usize, specs: &[(&PodSpec, u32)]) -> (u64, i64) {
    let of = &market.seen.offers[offer];
    let group = market.seen.groups.get(of.group as usize);
    let place = Place {
        labels: &of.labels,
        name: "",
        taints: group.map_or(&[], |group| &group.taints),
    };
    let all = specs.iter().map(|(spec, pods)| (dislike(spec, place), *pods));
    all.fold((0, 0), |(taints, liking), ((minds, likes), pods)| {
        (
            taints + minds * u64::from(pods),
            liking - likes.saturating_mul(i64::from(pods)),
        )
    })
}

/// Pods of workloads that ask to be spread and were dealt no zone: most often those with `ScheduleAnyway`, whose
/// constraints are not kept. They are counted by workload and zone.
#[derive(Default)]
pub(crate) struct Kin {
    /// By class: its workload, where its pods would rather be spread.
    of: Vec<Option<usize>>,
    there: BTreeMap<(usize, String), u32>,
}

impl Kin {
    /// Counts those that run.
    pub(crate) fn new(market: &Market<'_>, classes: &[Class]) -> Self {
        let mut known: BTreeMap<&WorkloadKey, usize> = BTreeMap::new();
        let of = classes.iter().map(|class| {
            let spreads = class.body.traits.spreads && class.zone().is_none();
            let owner = class.body.owner.as_ref().filter(|_| spreads)?;
            let next = known.len();
            Some(*known.entry(owner).or_insert(next))
        });
        let of = of.collect();
        let mut kin = Self {
            of,
            there: BTreeMap::new(),
        };
        if known.is_empty() {
            return kin;
        }
        let seen = market.seen;
        for pod in &seen.pods {
            let owner = seen
                .specs
                .get(pod.spec as usize)
                .and_then(|spec| spec.owner.as_ref());
            let own = owner.and_then(|owner| known.get(owner));
            let node = pod.node.as_ref().and_then(|name| seen.node(name));
            let zone = node.and_then(|node| node.labels.get(ZONE));
            if let (Some(own), Some(zone)) = (own, zone) {
                *kin.there.entry((*own, zone.clone())).or_insert(0) += 1;
            }
        }
        kin
    }

    /// How many of their like are in the zone.
    pub(crate) fn there(&self, classes: &[(usize, u32)], zone: &str) -> u32 {
        let mut sum = 0_u32;
        for (class, _) in classes {
            if let Some(Some(own)) = self.of.get(*class) {
                let there = self.there.get(&(*own, zone.to_owned()));
                sum = sum.saturating_add(there.copied().unwrap_or(0));
            }
        }
        sum
    }

    /// They go there.
    pub(crate) fn add(&mut self, classes: &[(usize, u32)], zone: &str) {
        for (class, count) in classes {
            if let Some(Some(own)) = self.of.get(*class) {
                *self.there.entry((*own, zone.to_owned())).or_insert(0) += count;
            }
        }
    }
}

fn peers(market: &Market<'_>, table: &Table, keys: &BTreeSet<&str>, lot: usize) -> Vec<(usize, bool)> {
    let own = &market.lots[lot];
    let label = |of: &Lot, key: &str| {
        let offer = of.offers.first().map(|offer| &market.seen.offers[*offer]);
        offer.and_then(|offer| offer.labels.get(key).cloned())
    };
    let equal = |(ix, other): &(usize, &Lot)| {
        other.group != own.group
            && other.price == own.price
            && other.unknown == own.unknown
            && table.lot_prices[*ix] == table.lot_prices[lot]
            && other.admits == own.admits
            && keys.iter().all(|key| label(other, key) == label(own, key))
    };
    let found = market.lots.iter().enumerate().filter(equal);
    found
        .map(|(ix, other)| (ix, are_alike(market, own, other)))
        .collect()
}

fn are_alike(market: &Market<'_>, a: &Lot, b: &Lot) -> bool {
    let group = |of: &Lot| market.seen.groups.get(of.group);
    let same = |a: &Group, b: &Group| a.kind == b.kind && a.taints == b.taints;
    let labels = |of: &Lot| {
        let offer = of.offers.first().map(|offer| &market.seen.offers[*offer]);
        let labels = offer.into_iter().flat_map(|offer| &offer.labels);
        let told = labels.filter(|(key, _)| !NAMES.contains(&key.as_str()));
        told.map(|(key, value)| (key.clone(), value.clone()))
            .collect::<Vec<_>>()
    };
    let nearly = |(a, b): (&i64, &i64)| (a - b).abs() <= *a.max(b) / NEARLY;
    group(a).zip(group(b)).is_some_and(|(a, b)| same(a, b))
        && a.room.iter().zip(&b.room).all(nearly)
        && labels(a) == labels(b)
}

#[cfg(test)]
mod tests;
