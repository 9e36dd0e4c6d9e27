//! What a group sells: its instance types in its zones, at a price.
//!
//! A node that has lived is believed before tags (`node_template`), those before the catalogue. Where AWS chooses among
//! several types or zones, the offer is the smallest of them at the dearest price, and promises neither type nor zone in
//! its labels. A group whose types are not known sells nothing. Not here: what a type is (`catalogue`).

use super::catalogue::Catalogue;
use super::groups::share;
use super::lived::Learnt;
use super::node_template;
use super::prices::Prices;
use aws_sdk_autoscaling::types::AutoScalingGroup;
use model::Group;
use model::group::{EKS_NODE_GROUP_TAG, GroupKind, KOPS_GROUP_TAG, LaunchMode};
use model::ids::OfferId;
use model::launch::Share;
use model::money::UsdPerHour;
use model::offer::{Confidence, Offer, OfferKind, Purchase};
use model::registration::{Bootstrap, OperatingSystem, Registration, Zones};
use std::collections::{BTreeMap, BTreeSet};

/// Prices to go by.
pub(super) struct Tariffs<'a> {
    /// On demand, by type: the operator's or the built-in table.
    pub(super) table: &'a BTreeMap<String, UsdPerHour>,
    /// The table is the built-in one: the price list wins over it.
    pub(super) built_in: bool,
    /// The built-in table is that of this region; that of another tells no price here.
    pub(super) here: bool,
    /// What AWS has told.
    pub(super) told: &'a Prices,
}

impl Tariffs<'_> {
    pub(super) fn on_demand(&self, name: &str) -> Option<(UsdPerHour, Confidence)> {
        let known = self.table.get(name).filter(|_| !self.built_in || self.here);
        let known = known.map(|price| (*price, Confidence::BuiltIn));
        let listed = || self.told.listed(name).map(|price| (price, Confidence::Listed));
        if self.built_in {
            listed().or(known)
        } else {
            known.or_else(listed)
        }
    }

    /// The dearest spot price of the types in a zone; where one of them is not told, the on-demand price stands in.
    fn spot(&self, types: &BTreeSet<String>, zone: &str) -> (UsdPerHour, Confidence) {
        let told: Option<Vec<UsdPerHour>> = types.iter().map(|name| self.told.spot(name, zone)).collect();
        match told.and_then(|prices| prices.into_iter().max()) {
            Some(price) => (price, Confidence::Listed),
            None => match price(types, self) {
                (price, Confidence::Unknown) => (price, Confidence::Unknown),
                (price, _) => (price, Confidence::Estimated),
            },
        }
    }
}

/// What nodes tell of where and how new ones register.
#[derive(Clone, Copy)]
pub(super) struct Site<'a> {
    /// What zones are called.
    pub(super) zones: &'a Zones,
    /// What was learnt of the group's nodes.
    pub(super) learnt: Option<&'a Learnt>,
}

/// Offers of one group, which is `described` so and of whose nodes this was learnt; `ix` is its place among the groups.
pub(super) fn offers(
    catalogue: &Catalogue,
    described: &AutoScalingGroup,
    (group, ix): (&Group, u32),
    tariffs: &Tariffs<'_>,
    site: Site<'_>,
) -> Vec<Offer> {
    let learnt = site.learnt;
    let Some(types) = catalogue.types_of(described) else {
        return Vec::new();
    };
    let Some((instance_type, shape)) = catalogue.smallest(&types) else {
        return Vec::new();
    };
    let on_demand = price(&types, tariffs);
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
    let size = learnt.and_then(|learnt| learnt.size(&instance_type));
    // Nodes that have lived tell what they run, before them the group's tags and EKS.
    let os = learnt.and_then(Learnt::os).cloned();
    let os = os.unwrap_or_else(|| OperatingSystem::of_labels(&group.labels));
    // A node's labels are its siblings' only where the types leave no choice.
    let shared = learnt
        .and_then(Learnt::labels)
        .filter(|_| types.len() == 1 && size.is_some());
    let told = || {
        let mut allocatable = shape.allocatable.clone();
        node_template::resources(described.tags(), &mut allocatable);
        allocatable
    };
    let offer = |zone: &String| {
        let mut own = group.labels.clone();
        own.extend(
            shared
                .into_iter()
                .flatten()
                .map(|(key, value)| (key.clone(), value.clone())),
        );
        let place = site.zones.zone(zone);
        let registration = Registration {
            instance_type: types.first().filter(|_| types.len() == 1).map(String::as_str),
            zone: chosen.then_some(&place),
            arch: shape.arch,
            os: &os,
            purchase,
            bootstrap: bootstrap(group, described),
        };
        let labels = registration.labels_with(&own);
        let (price, confidence) = match purchase {
            Purchase::Spot => tariffs.spot(&types, zone),
            Purchase::OnDemand | Purchase::Reserved => on_demand,
        };
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
            allocatable: size.map_or_else(told, |s| s.allocatable.clone()),
            max_pods: size.map_or(shape.max_pods, |s| s.max_pods),
            labels,
        }
    };
    sold.iter().map(offer).collect()
}

/// The dearest known price of the types; unknown where one of them is not in the table.
fn price(types: &BTreeSet<String>, tariffs: &Tariffs<'_>) -> (UsdPerHour, Confidence) {
    let prices = tariffs.table;
    let known: Vec<(UsdPerHour, Confidence)> = types.iter().filter_map(|t| tariffs.on_demand(t)).collect();
    let dearest = known.iter().map(|(price, _)| *price).max().unwrap_or_default();
    if known.len() == types.len() && !types.is_empty() {
        // As sure as the least sure of them.
        let confidence = known.iter().map(|(_, confidence)| *confidence).max();
        return (dearest, confidence.unwrap_or(Confidence::Unknown));
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

/// Who bootstraps the nodes of a group, by the name that EKS or kops calls it.
fn bootstrap<'a>(group: &'a Group, described: &'a AutoScalingGroup) -> Bootstrap<'a> {
    let named = |key: &str| {
        let tag = described.tags().iter().find(|tag| tag.key() == Some(key));
        tag.and_then(|tag| tag.value()).unwrap_or(group.name.as_str())
    };
    match group.kind {
        GroupKind::ManagedNodeGroup => Bootstrap::Eks(named(EKS_NODE_GROUP_TAG)),
        GroupKind::KopsInstanceGroup => Bootstrap::Kops(named(KOPS_GROUP_TAG)),
        _ => Bootstrap::Own,
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
        let tariffs = Tariffs {
            table: &prices,
            built_in: true,
            here: true,
            told: &Prices::default(),
        };
        for (name, wanted, confidence) in [
            ("m5.large", 96, Confidence::BuiltIn),
            ("m5.48xlarge", 4608, Confidence::Unknown),
            ("z9.large", 4608, Confidence::Unknown),
        ] {
            assert_eq!(
                price(&one(name), &tariffs),
                (UsdPerHour(wanted), confidence),
                "{name}"
            );
        }
        let spot = tariffs.spot(&one("m5.large"), "us-east-1a");
        assert_eq!(
            spot,
            (UsdPerHour(96), Confidence::Estimated),
            "no spot price is told"
        );
        let elsewhere = Tariffs {
            here: false,
            ..tariffs
        };
        assert_eq!(
            price(&one("m5.large"), &elsewhere).1,
            Confidence::Unknown,
            "the built-in table is no price in another region"
        );
    }
}
