//! Groups of a cluster read from manifests, and what each of them can buy.
//!
//! Groups are found by their nodes' labels; their bounds are not in any manifest, so only those that the aims
//! name can grow, by the shapes their nodes already have. Otherwise the fleet buys anything on the price list.

use crate::cluster::ClusterBuilder;
use crate::fargate::{ecs_fargate_offers, fargate_offers, profile_group};
use crate::node::{ARCH, HOSTNAME, INSTANCE_TYPE, NodeObject, OS, ZONE, ZONE_ID};
use crate::offers::{FLEET, PriceList, fleet_group};
use crate::reserved;
use model::aims::{Aims, FargateAim};
use model::group::{FargateSelector, Group, GroupKind, Instance, InstanceState, LaunchMode};
use model::ids::{GroupName, OfferId};
use model::node::is_removal_mark;
use model::offer::{Offer, OfferKind, Purchase};
use model::pod::Taint;
use model::selector::{LabelSelector, Labels};
use model::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};

/// Labels that belong to one node or to its offer, never to its group.
const NOT_OF_GROUP: [&str; 10] = [
    HOSTNAME,
    INSTANCE_TYPE,
    ZONE,
    ZONE_ID,
    ARCH,
    OS,
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/region",
    "beta.kubernetes.io/instance-type",
];

/// Adds nodes, groups and offers to the Snapshot.
pub(crate) fn join(seen: &mut Snapshot, cluster: &ClusterBuilder, prices: &PriceList, aims: &Aims) {
    seen.prices = prices.prices(cluster.region().as_deref());
    let nothing;
    let prices = if prices.sells_in(&seen.prices.region) {
        prices
    } else {
        nothing = PriceList {
            rows: Vec::new(),
            ..prices.clone()
        };
        &nothing
    };
    seen.groups = found_groups(&cluster.nodes);
    for group in &seen.groups {
        if aims.groups.contains(&group.name) && group.foreign.is_none() {
            let nodes = cluster
                .nodes
                .iter()
                .filter(|node| node.node.group.as_ref() == Some(&group.name));
            let ix = index(seen.groups.iter().position(|other| other.name == group.name));
            seen.offers
                .extend(group_offers(group, nodes, prices, aims).map(|offer| Offer { group: ix, ..offer }));
        }
    }
    let fleet = GroupName::new(FLEET);
    if aims.groups.is_empty() || aims.groups.contains(&fleet) {
        let ix = index(Some(seen.groups.len()));
        let (offers, _) = prices.fleet(aims, &zones(&cluster.nodes), ix);
        seen.offers.extend(offers);
        seen.groups.push(fleet_group());
    }
    for (name, selectors) in profiles(cluster, seen, aims) {
        let profile = profile_group(&name, selectors);
        // A group found by its nodes keeps its place: offers name their group by index.
        let known = seen.groups.iter().position(|group| group.name == profile.name);
        let ix = index(Some(known.unwrap_or(seen.groups.len())));
        let of_ecs = cluster.profiles.iter().any(|own| own.of_ecs && own.name == name);
        let sizes = if of_ecs {
            ecs_fargate_offers
        } else {
            fargate_offers
        };
        seen.offers.extend(sizes(&name, ix, seen.prices.fargate.as_ref()));
        match known.and_then(|at| seen.groups.get_mut(at)) {
            Some(group) => *group = profile,
            None => seen.groups.push(profile),
        }
    }
    let (made, known) = reserved::open(seen, prices, aims);
    let mut ids = BTreeSet::new();
    seen.offers.retain(|offer| ids.insert(offer.id.clone()));
    let by_shape = shapes(&seen.offers);
    seen.nodes = cluster
        .nodes
        .iter()
        .map(|object| {
            let mut node = object.node.clone();
            // Nobody says that it is not ready; a kubelet that is not there taints its node.
            node.ready |= !object.ready_known;
            node.offer = offer_of(&node.labels, &by_shape);
            node
        })
        .collect();
    reserved::reserve(seen, &known);
    reserved::cover(seen, &made);
}

fn index(place: Option<usize>) -> u32 {
    place.and_then(|ix| u32::try_from(ix).ok()).unwrap_or(u32::MAX)
}

fn found_groups(nodes: &[NodeObject]) -> Vec<Group> {
    let mut groups: BTreeMap<GroupName, Group> = BTreeMap::new();
    for object in nodes {
        let (Some(name), Some(kind)) = (&object.node.group, object.group_kind) else {
            continue;
        };
        let group = groups.entry(name.clone()).or_insert_with(|| Group {
            name: name.clone(),
            kind,
            launch: if kind == GroupKind::FargateProfile {
                LaunchMode::None
            } else {
                LaunchMode::Desired
            },
            labels: shared_labels(&object.node.labels),
            taints: object
                .node
                .taints
                .iter()
                .filter(|taint| is_of_group(taint))
                .cloned()
                .collect(),
            foreign: object.foreign.map(str::to_owned),
            rolling: None,
            ..fleet_group()
        });
        group
            .labels
            .retain(|key, value| object.node.labels.get(key) == Some(value));
        group.taints.retain(|taint| object.node.taints.contains(taint));
        if let Some(id) = &object.node.instance {
            group.instances.push(Instance {
                id: id.clone(),
                instance_type: object.node.labels.get(INSTANCE_TYPE).cloned(),
                zone: object.node.labels.get(ZONE).cloned(),
                state: InstanceState::InService,
                launched: Some(object.node.created),
            });
        }
        group.desired += 1;
    }
    groups.into_values().collect()
}

fn shared_labels(labels: &Labels) -> Labels {
    let shared = labels
        .iter()
        .filter(|(key, _)| !NOT_OF_GROUP.contains(&key.as_str()));
    shared.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Taints that tell a node's condition are its own.
fn is_of_group(taint: &Taint) -> bool {
    !is_removal_mark(&taint.key)
        && !taint.key.starts_with("node.kubernetes.io/")
        && !taint.key.starts_with("node.cloudprovider.kubernetes.io/")
}

/// What a group can buy: the types and zones its nodes show, at the list's prices.
fn group_offers<'a>(
    group: &'a Group,
    nodes: impl Iterator<Item = &'a NodeObject>,
    prices: &'a PriceList,
    aims: &'a Aims,
) -> impl Iterator<Item = Offer> + 'a {
    let shown: BTreeSet<(&str, &str, Purchase)> = nodes
        .filter_map(|object| {
            let labels = &object.node.labels;
            Some((
                labels.get(INSTANCE_TYPE)?.as_str(),
                labels.get(ZONE)?.as_str(),
                purchase(labels),
            ))
        })
        .collect();
    shown.into_iter().flat_map(move |(name, zone, purchase)| {
        let rows = prices.rows.iter().filter(move |row| row.instance_type == name);
        let sold = rows.flat_map(move |row| prices.sold(row, zone, aims));
        sold.filter(move |offer| bought_as(offer) == Some(purchase))
            .map(move |mut offer| {
                offer.id = OfferId::new(format!("{}/{}", group.name, offer.id));
                for (key, value) in &group.labels {
                    offer.labels.entry(key.clone()).or_insert_with(|| value.clone());
                }
                offer
            })
    })
}

fn bought_as(offer: &Offer) -> Option<Purchase> {
    match &offer.kind {
        OfferKind::Ec2 { purchase, .. } => Some(*purchase),
        OfferKind::Fargate { .. } => None,
    }
}

/// How a node says it was bought; on demand where it says nothing.
pub(crate) fn purchase(labels: &Labels) -> Purchase {
    let keys = ["karpenter.sh/capacity-type", "eks.amazonaws.com/capacityType"];
    let spot = keys
        .iter()
        .filter_map(|key| labels.get(*key))
        .any(|value| value.eq_ignore_ascii_case("spot"));
    if spot { Purchase::Spot } else { Purchase::OnDemand }
}

/// Zones of the nodes, by name.
fn zones(nodes: &[NodeObject]) -> Vec<String> {
    let zones: BTreeSet<&String> = nodes
        .iter()
        .filter_map(|node| node.node.labels.get(ZONE))
        .collect();
    zones.into_iter().cloned().collect()
}

/// Fargate profiles by name: what the cluster names, else what the aims name, and those whose nodes are seen.
fn profiles(
    cluster: &ClusterBuilder,
    seen: &Snapshot,
    aims: &Aims,
) -> BTreeMap<String, Vec<FargateSelector>> {
    let aimed = aims
        .fargate
        .iter()
        .map(|aim| (aim.profile.clone(), aim_selectors(aim)));
    let named = cluster
        .profiles
        .iter()
        .map(|profile| (profile.name.clone(), profile.selectors.clone()));
    let mut profiles: BTreeMap<_, _> = aimed.chain(named).collect();
    // A profile known by its nodes alone selects nothing that can be told.
    profiles.retain(|_, selectors| !selectors.is_empty());
    let allowed =
        |name: &String| aims.groups.is_empty() || aims.groups.iter().any(|group| group.as_str() == name);
    profiles.retain(|name, _| {
        allowed(name)
            && !seen
                .groups
                .iter()
                .any(|g| g.name.as_str() == name && g.kind != GroupKind::FargateProfile)
    });
    profiles
}

/// One selector for each namespace of a profile that the aims name.
pub fn aim_selectors(aim: &FargateAim) -> Vec<FargateSelector> {
    let labels = LabelSelector::equal(&aim.labels);
    let selector = |namespace: &String| FargateSelector {
        namespace: namespace.clone(),
        labels: labels.clone(),
    };
    aim.namespaces.iter().map(selector).collect()
}

/// Offers by type and purchase, each with its zone.
type Shapes = BTreeMap<(String, Purchase), Vec<(String, OfferId)>>;

fn shapes(offers: &[Offer]) -> Shapes {
    let mut shapes = Shapes::new();
    for offer in offers {
        if let OfferKind::Ec2 {
            instance_type,
            zone,
            purchase,
            ..
        } = &offer.kind
        {
            let same = shapes.entry((instance_type.clone(), *purchase)).or_default();
            same.push((zone.clone(), offer.id.clone()));
        }
    }
    shapes
}

/// The offer a node is an instance of: same type and purchase, in its own zone where that is on offer (the
/// price is the same in every zone).
fn offer_of(labels: &Labels, shapes: &Shapes) -> Option<OfferId> {
    let same = shapes.get(&(labels.get(INSTANCE_TYPE)?.clone(), purchase(labels)))?;
    let here = [ZONE, ZONE_ID].map(|key| labels.get(key));
    let near = same.iter().find(|(zone, _)| here.contains(&Some(zone)));
    near.or_else(|| same.first()).map(|(_, id)| id.clone())
}
