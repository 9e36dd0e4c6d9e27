//! Capacity that is paid for already (`aims.reserved`): a bound of its own, and what one more of it adds to the bill.
//!
//! A name that the cluster knows is a group that buys from a reservation (its launch template names it): its offers
//! cost what the aims say. Another name becomes a group that buys the type in its zones. Instances that run already
//! use the reservation up, whoever started them, as AWS applies open reservations and reserved instances.

use crate::node::{INSTANCE_TYPE, ZONE, ZONE_ID};
use crate::offers::{ANY_ZONE, PriceList, Sale, Site, fleet_group};
use crate::purchase::purchase;
use model::aims::{Aims, ReservedAim};
use model::group::Group;
use model::ids::{GroupName, OfferId};
use model::offer::{Confidence, Offer, OfferKind, Purchase};
use model::selector::Labels;
use model::snapshot::Snapshot;

/// Makes offers of groups that buy from reservations cost what the aims say; the groups grow no further than those
/// reach.
pub fn reserve(seen: &mut Snapshot, aims: &[ReservedAim]) {
    for aim in aims {
        let known = seen.groups.iter().position(|group| group.name == aim.name);
        let Some(at) = known.and_then(|at| u32::try_from(at).ok()) else {
            continue;
        };
        let mut any = false;
        for of in seen.offers.iter_mut().filter(|of| of.group == at) {
            let OfferKind::Ec2 {
                instance_type,
                zone,
                purchase,
                ..
            } = &mut of.kind
            else {
                continue;
            };
            let is_type = aim.instance_type.as_ref().is_none_or(|own| own == instance_type);
            let id = of.labels.get(ZONE_ID);
            let is_zone = aim.zones.is_empty() || aim.zones.iter().any(|own| own == zone || id == Some(own));
            if is_type && is_zone {
                *purchase = Purchase::Reserved;
                (of.price, of.confidence, of.interruptions) = (aim.price, Confidence::Listed, None);
                any = true;
            }
        }
        if let Some(group) = seen.groups.get_mut(size(at)).filter(|_| any) {
            group.max = group.max.min(aim.nodes);
        }
    }
}

/// Reservations that nothing in the Snapshot sells: no group of that name, or none of its offers is meant.
pub fn unmet(seen: &Snapshot, aims: &[ReservedAim]) -> Vec<GroupName> {
    let sells = |aim: &&ReservedAim| {
        let group = seen.groups.iter().position(|group| group.name == aim.name);
        let mut offers = seen.offers.iter();
        offers.any(|of| Some(size(of.group)) == group && is_reserved(of))
    };
    let unmet = aims.iter().filter(|aim| !sells(aim));
    unmet.map(|aim| aim.name.clone()).collect()
}

fn is_reserved(offer: &Offer) -> bool {
    matches!(
        offer.kind,
        OfferKind::Ec2 {
            purchase: Purchase::Reserved,
            ..
        }
    )
}

/// Adds the reservations that no group of the cluster is: a group each, with its type in its zones. Returns the aims
/// that were met so, and the others.
pub(crate) fn open(
    seen: &mut Snapshot,
    prices: &PriceList,
    aims: &Aims,
    site: &Site<'_>,
) -> (Vec<ReservedAim>, Vec<ReservedAim>) {
    let known = |aim: &ReservedAim| seen.groups.iter().any(|group| group.name == aim.name);
    let (groups, others): (Vec<_>, Vec<_>) = aims.reserved.iter().cloned().partition(known);
    for aim in &others {
        let is_type = |name: &String| Some(name) == aim.instance_type.as_ref();
        let row = prices.rows.iter().find(|row| is_type(&row.instance_type));
        let (Some(row), Ok(ix)) = (row, u32::try_from(seen.groups.len())) else {
            continue;
        };
        let any = [ANY_ZONE.to_owned()];
        let zones = [&aim.zones[..], &row.zones, &any];
        let zones = zones.into_iter().find(|zones| !zones.is_empty());
        for zone in zones.unwrap_or_default() {
            let sale = Sale {
                purchase: Purchase::Reserved,
                price: aim.price,
                confidence: Confidence::Listed,
            };
            let own = sale.of(row, zone, site);
            seen.offers.push(Offer {
                id: OfferId::new(format!("{}/{}", aim.name, own.id)),
                group: ix,
                ..own
            });
        }
        seen.groups.push(Group {
            name: aim.name.clone(),
            max: aim.nodes,
            ..fleet_group()
        });
    }
    (others, groups)
}

/// Lets the nodes that run use up the reservations made by `open`, in the order of their names.
pub(crate) fn cover(seen: &mut Snapshot, made: &[ReservedAim]) {
    let mut nodes: Vec<usize> = (0..seen.nodes.len()).collect();
    nodes.sort_by(|a, b| seen.nodes[*a].name.cmp(&seen.nodes[*b].name));
    nodes.retain(|node| purchase(&seen.nodes[*node].labels) != Purchase::Spot);
    for aim in made {
        let Some(group) = seen.groups.iter().position(|group| group.name == aim.name) else {
            continue;
        };
        let sold: Vec<&Offer> = seen.offers.iter().filter(|of| size(of.group) == group).collect();
        let of_node = |node: &usize| {
            let labels = &seen.nodes[*node].labels;
            let own = sold.iter().find(|of| is_one(labels, of));
            own.map(|of| (*node, of.id.clone()))
        };
        let covered: Vec<(usize, OfferId)> = nodes.iter().filter_map(of_node).take(size(aim.nodes)).collect();
        nodes.retain(|node| !covered.iter().any(|(known, _)| known == node));
        let left = size(aim.nodes).saturating_sub(covered.len());
        seen.groups[group].max = u32::try_from(left).unwrap_or(0);
        for (node, offer) in covered {
            seen.nodes[node].offer = Some(offer);
        }
    }
}

/// Whether a node of these labels is an instance as the offer sells.
fn is_one(labels: &Labels, of: &Offer) -> bool {
    let in_zone = |key: &&str| {
        labels
            .get(*key)
            .is_some_and(|zone| of.labels.get(*key) == Some(zone))
    };
    let anywhere = of.zone() == Some(ANY_ZONE);
    of.instance_type() == labels.get(INSTANCE_TYPE).map(String::as_str)
        && (anywhere || [ZONE, ZONE_ID].iter().any(in_zone))
}

fn size(number: u32) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
