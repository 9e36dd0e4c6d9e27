//! Which group a node belongs to, and which offer it is one of.
//!
//! The provider's list of instances is the first witness, the labels of the node the second; a node that neither
//! knows belongs to nobody, and nobody will remove it. Not here: reading either.

use crate::capacity::Capacity;
use model::group::{Group, GroupKind, Instance};
use model::ids::{InstanceId, OfferId};
use model::node::Node;
use model::offer::{Confidence, Offer, OfferKind};
use model::registration::label::{INSTANCE_TYPE, ZONE};
use model::registration::purchase_of;
use std::collections::{BTreeMap, BTreeSet};

/// Fills in `group`, `offer`, `rate`, `leaving` and `template` of every node. What the labels of a node said about its group counts only where
/// the provider has a group of that name.
pub fn assign(nodes: &mut [Node], capacity: &Capacity) {
    let members = members(&capacity.groups);
    for node in &mut *nodes {
        let told = node.instance.as_ref().and_then(|id| capacity.leaving.get(id));
        node.leaving = told.copied();
        let made = node.instance.as_ref().and_then(|id| capacity.templates.get(id));
        node.template = made.cloned();
        let listed = node.instance.as_ref().and_then(|id| members.get(id).copied());
        let named = || {
            let name = node.group.as_ref()?;
            let ix = capacity.groups.iter().position(|group| group.name == *name)?;
            Some((ix, None))
        };
        let Some((ix, instance)) = listed.map(|(ix, i)| (ix, Some(i))).or_else(named) else {
            node.group = None;
            continue;
        };
        if let Some(group) = capacity.groups.get(ix) {
            node.group = Some(group.name.clone());
            if group.kind == GroupKind::Kwok && node.instance.is_none() {
                node.instance = Some(InstanceId::new(node.name.as_str()));
            }
        }
        node.offer = offer_of(node, instance, ix, &capacity.offers);
    }
    rate(nodes, capacity);
}

/// Fills in `rate` of every node whose price no offer tells.
fn rate(nodes: &mut [Node], capacity: &Capacity) {
    let unknown = capacity
        .offers
        .iter()
        .filter(|offer| offer.confidence == Confidence::Unknown);
    let unknown: BTreeSet<&OfferId> = unknown.map(|offer| &offer.id).collect();
    let untold = |node: &Node| node.offer.as_ref().is_none_or(|id| unknown.contains(id));
    for node in nodes.iter_mut().filter(|node| !node.fargate && untold(node)) {
        node.rate = capacity.tariff.rate(&node.labels);
    }
}

fn members(groups: &[Group]) -> BTreeMap<&InstanceId, (usize, &Instance)> {
    let rows = groups.iter().enumerate();
    rows.flat_map(|(ix, group)| group.instances.iter().map(move |i| (&i.id, (ix, i))))
        .collect()
}

/// The offer of the group with the node's type, zone and purchase; where the purchase is not told, the first.
/// Where the provider chooses the type or the zone, the group has one offer for all of them, which promises none
/// in its labels: it stands for the node too, at the dearest price of its types.
fn offer_of(node: &Node, instance: Option<&Instance>, group: usize, offers: &[Offer]) -> Option<OfferId> {
    let label = |key: &str| node.labels.get(key).map(String::as_str);
    let of_type = label(INSTANCE_TYPE).or_else(|| instance.and_then(|i| i.instance_type.as_deref()));
    let in_zone = label(ZONE).or_else(|| instance.and_then(|i| i.zone.as_deref()));
    let bought = purchase_of(&node.labels);
    let mut stands_in = None;
    for offer in offers.iter().filter(|offer| offer.group as usize == group) {
        let OfferKind::Ec2 {
            instance_type,
            zone,
            purchase,
            ..
        } = &offer.kind
        else {
            continue;
        };
        let same_type = of_type == Some(instance_type.as_str());
        let same_zone = in_zone == Some(zone.as_str());
        let open = |key: &str| !offer.labels.contains_key(key);
        if bought.is_some_and(|bought| bought != *purchase)
            || !(same_type || open(INSTANCE_TYPE))
            || !(same_zone || open(ZONE))
        {
            continue;
        }
        if same_type && same_zone {
            return Some(offer.id.clone());
        }
        stands_in = stands_in.or(Some(&offer.id));
    }
    stands_in.cloned()
}

#[cfg(test)]
mod tests;
