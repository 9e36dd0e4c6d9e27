//! Equal offers, of one group or several: which one a new node is bought by, where money does not say.
//!
//! Clusters often have one group per zone, as volumes want it. Packing buys the first of equal offers; here the node
//! goes to the offer whose taints and labels its pods mind least and like most, then where fewest pods are of which they
//! would rather be spread, then to the zone with fewest nodes of groups that are alike. Alike is what the Cluster Autoscaler's `--balance-similar-node-groups` calls similar
//! (processors/nodegroupset): the same labels but for those that name the node, its place or its group, the same
//! taints, and amounts within 5 %. A price that differs, as policies count it, ends the likeness: nothing here makes a
//! plan dearer. Pods stay together as they were packed; what a group may grow by is kept.

use crate::class::Class;
use crate::constraints::ZONE;
use crate::fit::{HOSTNAME, Place, dislike};
use crate::market::{Lot, Market};
use crate::number::size;
use crate::space::{self, Vector};
use crate::table::Table;
use model::group::Group;
use model::offer::Offer;
use model::pod::{Near, PodSpec};
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
    /// By lot: other lots at the same price, and whether what is sold is alike.
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

    /// Whether no other lot is its equal.
    pub(crate) fn is_alone(&mut self, lot: usize) -> bool {
        let (market, table, keys) = (self.market, self.table, &self.keys);
        let known = self.peers.entry(lot);
        table.lot_prices.is_empty()
            || known
                .or_insert_with(|| peers(market, table, keys, lot))
                .is_empty()
    }

    /// Lots that the node may come from, its own first, and whether each is of a group like its own.
    pub(crate) fn lots_for(&mut self, wanted: &Wanted<'_>) -> Vec<(usize, bool)> {
        let own = (wanted.lot, true);
        let (market, table) = (self.market, self.table);
        if table.lot_prices.is_empty() {
            return vec![own];
        }
        let known = self.peers.entry(wanted.lot);
        let peers = known.or_insert_with(|| peers(market, table, &self.keys, wanted.lot));
        let price = |lot: usize| {
            let of = (table.lot_prices[lot], market.lots[lot].tariff);
            let (price, tariff) = of;
            table
                .problem
                .with_addends(price, tariff, wanted.rows.iter().copied())
        };
        let group = market.lots[wanted.lot].group;
        let may = |lot: usize| {
            let of = &market.lots[lot];
            let allowed = |(row, _): &(usize, u32)| table.allowed(Some(of.set), *row);
            let admitted = |(class, _): &(usize, u32)| of.admits[market.rule_of[*class]];
            (of.group == group || self.spare.get(of.group).is_some_and(|left| *left > 0))
                && market.may_replace(&market.lots[wanted.lot], of)
                && wanted.classes.iter().all(admitted)
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

/// Topology spread that is only wished for (`ScheduleAnyway`): of equal offers its pods go where few of those are that it
/// counts. What was dealt a zone goes there, whatever else it wishes. Hostnames are left out: new nodes are all alike, and
/// kube-scheduler spreads over what is there.
#[derive(Default)]
pub(crate) struct Kin<'a> {
    /// Constraints, each once.
    rules: Vec<&'a Near>,
    /// By class: constraints of its own, and those that count it.
    of: Vec<(Vec<usize>, Vec<usize>)>,
    /// By constraint, by value of its key: pods that it counts.
    there: BTreeMap<(usize, &'a str), u32>,
}

impl<'a> Kin<'a> {
    /// Nobody wishes for anything.
    pub(crate) const fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Counts those that run.
    pub(crate) fn new(market: &Market<'a>, classes: &'a [Class]) -> Self {
        let wishes = |class: &'a Class| {
            let zoned = class.zone().is_some();
            let soft = class.body.soft_spread.iter();
            soft.filter(move |near| near.key != HOSTNAME && !(zoned && near.key == ZONE))
        };
        let known: BTreeSet<&Near> = classes.iter().flat_map(wishes).collect();
        if known.is_empty() {
            return Self::default();
        }
        let rules: Vec<&Near> = known.into_iter().collect();
        let counting = |spec: &PodSpec| -> Vec<usize> {
            let selects = |(ix, near): (usize, &&Near)| near.selects(spec).then_some(ix);
            rules.iter().enumerate().filter_map(selects).collect()
        };
        let of = classes.iter().map(|class| {
            let own = wishes(class).filter_map(|near| rules.binary_search(&near).ok());
            (own.collect(), counting(&class.body))
        });
        let of = of.collect();
        let seen = market.seen;
        let counted: Vec<Vec<usize>> = seen.specs.iter().map(|spec| counting(spec)).collect();
        let mut there = BTreeMap::new();
        let pods = if rules.is_empty() { &[][..] } else { &seen.pods };
        for pod in pods.iter().filter(|pod| pod.holds_resources()) {
            let by = counted.get(size(pod.spec)).filter(|by| !by.is_empty());
            let node = by.and(pod.node.as_ref()).and_then(|name| seen.node(name));
            for rule in by.into_iter().flatten() {
                let value = node.and_then(|node| node.labels.get(&rules[*rule].key));
                if let Some(value) = value {
                    *there.entry((*rule, value.as_str())).or_insert(0) += 1;
                }
            }
        }
        Self { rules, of, there }
    }

    /// How many pods are where the offer would be that constraints of these classes count; where an offer does not have the
    /// key of one, it is as full as the fullest.
    pub(crate) fn there(&self, classes: &[(usize, u32)], offer: &Offer) -> u32 {
        let mut sum = 0_u32;
        for (class, pods) in classes {
            for rule in self.of.get(*class).into_iter().flat_map(|(own, _)| own) {
                let count = match offer.labels.get(&self.rules[*rule].key) {
                    Some(value) => self.there.get(&(*rule, value.as_str())).copied().unwrap_or(0),
                    None => self.fullest(*rule),
                };
                sum = sum.saturating_add(count.saturating_mul(*pods));
            }
        }
        sum
    }

    fn fullest(&self, rule: usize) -> u32 {
        let counts = self.there.range((rule, "")..(rule + 1, ""));
        counts
            .map(|(_, count)| *count)
            .max()
            .unwrap_or(0)
            .saturating_add(1)
    }

    /// They go there.
    pub(crate) fn add(&mut self, classes: &[(usize, u32)], offer: &'a Offer) {
        for (class, pods) in classes {
            for rule in self.of.get(*class).into_iter().flat_map(|(_, by)| by) {
                if let Some(value) = offer.labels.get(&self.rules[*rule].key) {
                    let there = self.there.entry((*rule, value.as_str())).or_insert(0);
                    *there = there.saturating_add(*pods);
                }
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
        *ix != lot
            && other.price == own.price
            && other.unknown == own.unknown
            && table.lot_prices[*ix] == table.lot_prices[lot]
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
mod soft;
#[cfg(test)]
mod tests;
