//! What a group sells: its instance types in its zones, at a price.
//!
//! A node that has lived is believed before the catalogue. Where AWS chooses among several types or zones, the
//! offer is the smallest of them at the dearest price, and promises neither type nor zone in its labels. A group
//! whose types are not known sells nothing. Not here: what a type is (`catalogue`).

use super::Settings;
use super::catalogue::Catalogue;
use super::groups::share;
use super::lived::{nodes_of, shared_labels};
use aws_sdk_autoscaling::types::AutoScalingGroup;
use model::Group;
use model::group::LaunchMode;
use model::ids::OfferId;
use model::launch::Share;
use model::money::UsdPerHour;
use model::node::Node;
use model::offer::{Confidence, Offer, OfferKind, Purchase};
use model::selector::Labels;
use std::collections::{BTreeMap, BTreeSet};

/// Offers of one group, which is `described` so; `ix` is its place among the groups.
pub(super) fn offers(
    catalogue: &Catalogue,
    described: &AutoScalingGroup,
    (group, ix): (&Group, u32),
    settings: &Settings,
    nodes: &[Node],
) -> Vec<Offer> {
    let Some(types) = catalogue.types_of(described) else {
        return Vec::new();
    };
    let Some((instance_type, shape)) = catalogue.smallest(&types) else {
        return Vec::new();
    };
    let (price, confidence) = price(&types, &settings.prices);
    let purchase = match share(described) {
        Share::Spot => Purchase::Spot,
        Share::OnDemand | Share::Mixed => Purchase::OnDemand,
    };
    let zones = described.availability_zones();
    let chosen = group.launch == LaunchMode::Instances || zones.len() <= 1;
    let sold: &[String] = if chosen {
        zones
    } else {
        zones.get(..1).unwrap_or_default()
    };
    // One node says what its siblings will be only where the types leave no choice, and it is of that type.
    let is_one = |node: &&&Node| {
        let own = node.labels.get(manifest::INSTANCE_TYPE);
        types.len() == 1 && own.is_none_or(|own| types.contains(own))
    };
    let living = nodes_of(group, nodes);
    let lived = living.iter().find(is_one).copied();
    let offer = |zone: &String| {
        let mut labels = group.labels.clone();
        if let Some(node) = lived {
            labels.extend(shared_labels(node));
        }
        standard_labels(&mut labels, &types, shape.arch, chosen.then_some(zone));
        Offer {
            id: OfferId::new(format!(
                "{}/{instance_type}/{zone}/{}",
                group.name,
                purchase.as_str()
            )),
            group: ix,
            kind: OfferKind::Ec2 {
                instance_type: instance_type.clone(),
                zone: zone.clone(),
                purchase,
                arch: shape.arch.to_owned(),
            },
            price,
            interruptions: None,
            confidence,
            allocatable: lived.map_or_else(|| shape.allocatable.clone(), |n| n.allocatable.clone()),
            max_pods: lived.map_or(shape.max_pods, |n| n.max_pods),
            labels,
        }
    };
    sold.iter().map(offer).collect()
}

/// The dearest known price of the types; unknown where one of them is not in the table.
fn price(types: &BTreeSet<String>, prices: &BTreeMap<String, UsdPerHour>) -> (UsdPerHour, Confidence) {
    let known: Vec<UsdPerHour> = types.iter().filter_map(|t| prices.get(t)).copied().collect();
    let dearest = known.iter().copied().max().unwrap_or_default();
    if known.len() == types.len() && !types.is_empty() {
        return (dearest, Confidence::BuiltIn);
    }
    let family = |t: &String| t.split('.').next().unwrap_or_default().to_owned();
    let families: BTreeSet<String> = types.iter().map(family).collect();
    let in_family = prices
        .iter()
        .filter(|(t, _)| families.contains(&family(t)))
        .map(|(_, p)| *p)
        .max();
    let any = prices.values().copied().max().unwrap_or_default();
    (in_family.unwrap_or(any).max(dearest), Confidence::Unknown)
}

fn standard_labels(labels: &mut Labels, types: &BTreeSet<String>, arch: &str, zone: Option<&String>) {
    let mut set = |key: &str, value: &str| labels.insert(key.to_owned(), value.to_owned());
    set("kubernetes.io/arch", arch);
    set("kubernetes.io/os", "linux");
    if let (1, Some(instance_type)) = (types.len(), types.first()) {
        set("node.kubernetes.io/instance-type", instance_type);
    }
    if let Some(zone) = zone {
        set("topology.kubernetes.io/zone", zone);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_price_is_the_dearest_of_its_family() {
        let mut prices = BTreeMap::new();
        for (name, nanos) in [("m5.large", 96), ("m5.24xlarge", 4608), ("c5.large", 85)] {
            prices.insert(name.to_owned(), UsdPerHour(nanos));
        }
        let one = |name: &str| BTreeSet::from([name.to_owned()]);
        assert_eq!(
            price(&one("m5.large"), &prices),
            (UsdPerHour(96), Confidence::BuiltIn)
        );
        assert_eq!(
            price(&one("m5.48xlarge"), &prices),
            (UsdPerHour(4608), Confidence::Unknown)
        );
        assert_eq!(
            price(&one("z9.large"), &prices),
            (UsdPerHour(4608), Confidence::Unknown)
        );
    }
}
