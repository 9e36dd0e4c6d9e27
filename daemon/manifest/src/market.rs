//! Groups of a cluster read from manifests, and what each of them can buy.
//!
//! Groups are found by their nodes' labels; their bounds are not in any manifest, so only those that the aims
//! name can grow, by the shapes their nodes already have. Otherwise the fleet buys anything on the price list.

use crate::cluster::ClusterBuilder;
use crate::fargate::{ecs_fargate_offers, fargate_offers, profile_group};
use crate::grown::{Grown, Told};
use crate::node::{INSTANCE_TYPE, NodeObject, ZONE, ZONE_ID};
use crate::offers::{FLEET, PriceList, Site, fleet_group};
use crate::purchase::purchase;
use crate::reserved;
use crate::tariff::Tariff;
use crate::undescribed;
use model::aims::{Aims, FargateAim};
use model::group::{FargateSelector, Group, GroupKind, GroupOptions, Instance, InstanceState, LaunchMode};
use model::ids::{GroupName, OfferId};
use model::offer::{Offer, OfferKind, Purchase};
use model::registration::label::CAPACITY_TYPE;
use model::registration::{Bootstrap, OperatingSystem, Zones};
use model::selector::{LabelSelector, Labels};
use model::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};

/// Adds nodes, groups and offers to the Snapshot.
pub(crate) fn join(seen: &mut Snapshot, cluster: &ClusterBuilder, prices: &PriceList, aims: &Aims) {
    seen.prices = prices.prices(cluster.region().as_deref());
    let nothing;
    let prices = if prices.sells_in(&seen.prices.region) {
        prices
    } else {
        nothing = PriceList {
            rows: Vec::new(),
            built_in: false,
            ..prices.clone()
        };
        &nothing
    };
    let mut zones = Zones::new(&aims.zones);
    let nodes = undescribed::described(&cluster.nodes, prices);
    for object in nodes.iter() {
        zones.learn(&object.node.labels);
    }
    let grown = Grown::new(&nodes, prices, seen.at, &aims.startup_taints);
    let market = Market {
        prices,
        aims,
        zones: &zones,
    };
    for (found, ix) in found(&nodes).into_iter().zip(0..) {
        let told = grown.told(&found.nodes);
        let mut group = found.group(&told);
        group.options = options(cluster, &group.name);
        if aims.groups.contains(&group.name) && group.foreign.is_none() {
            let sold = market.sold_to(&group, &told, &found.nodes);
            seen.offers
                .extend(sold.into_iter().map(|offer| Offer { group: ix, ..offer }));
        }
        seen.groups.push(group);
    }
    let site = Site {
        zones: &zones,
        os: &OperatingSystem::Linux,
        bootstrap: of_free_choice(&nodes),
        labels: &Labels::new(),
    };
    let fleet = GroupName::new(FLEET);
    if aims.groups.is_empty() || aims.groups.contains(&fleet) {
        let ix = index(Some(seen.groups.len()));
        let (offers, _) = prices.fleet(aims, &zone_names(&nodes), ix, &site);
        seen.offers.extend(offers);
        seen.groups.push(fleet_group());
    }
    add_profiles(seen, cluster, aims);
    let (made, known) = reserved::open(seen, prices, aims, &site);
    let mut ids = BTreeSet::new();
    seen.offers.retain(|offer| ids.insert(offer.id.clone()));
    let by_shape = shapes(&seen.offers);
    seen.nodes = nodes
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
    Tariff::of(prices).tell(&mut seen.nodes);
}

/// Adds the Fargate profiles and what they can buy.
fn add_profiles(seen: &mut Snapshot, cluster: &ClusterBuilder, aims: &Aims) {
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
}

/// What manifests say of a group beside its nodes.
fn options(cluster: &ClusterBuilder, name: &GroupName) -> GroupOptions {
    let told = cluster.node_groups.iter().find(|group| group.name == *name);
    told.map(|group| group.options.clone()).unwrap_or_default()
}

fn index(place: Option<usize>) -> u32 {
    place.and_then(|ix| u32::try_from(ix).ok()).unwrap_or(u32::MAX)
}

/// A group as its nodes name it.
struct Found<'a> {
    name: &'a GroupName,
    kind: GroupKind,
    foreign: Option<&'static str>,
    nodes: Vec<&'a NodeObject>,
}

/// Groups by name.
fn found(nodes: &[NodeObject]) -> Vec<Found<'_>> {
    let mut groups: BTreeMap<&GroupName, Found<'_>> = BTreeMap::new();
    for object in nodes {
        let (Some(name), Some(kind)) = (&object.node.group, object.group_kind) else {
            continue;
        };
        let found = groups.entry(name).or_insert_with(|| Found {
            name,
            kind,
            foreign: object.foreign,
            nodes: Vec::new(),
        });
        found.nodes.push(object);
    }
    groups.into_values().collect()
}

impl Found<'_> {
    fn group(&self, told: &Told<'_>) -> Group {
        let instance = |object: &&NodeObject| {
            let labels = &object.node.labels;
            Some(Instance {
                id: object.node.instance.clone()?,
                instance_type: labels.get(INSTANCE_TYPE).cloned(),
                zone: labels.get(ZONE).cloned(),
                state: InstanceState::InService,
                launched: Some(object.node.created),
            })
        };
        Group {
            name: self.name.clone(),
            uid: None,
            kind: self.kind,
            launch: if self.kind == GroupKind::FargateProfile {
                LaunchMode::None
            } else {
                LaunchMode::Desired
            },
            desired: index(Some(self.nodes.len())),
            instances: self.nodes.iter().filter_map(instance).collect(),
            labels: told.labels(),
            taints: told.taints.clone(),
            foreign: self.foreign.map(str::to_owned),
            rolling: None,
            ..fleet_group()
        }
    }
}

/// What groups can buy from: a price list, what the aims want of it, and the zones of the cluster.
struct Market<'a> {
    prices: &'a PriceList,
    aims: &'a Aims,
    zones: &'a Zones,
}

impl Market<'_> {
    /// What a group can buy: the types and zones its nodes show, at the list's prices. How much a node of a type can
    /// carry its nodes know better than the list.
    fn sold_to(&self, group: &Group, told: &Told<'_>, nodes: &[&NodeObject]) -> Vec<Offer> {
        let shown: BTreeSet<(&str, &str, Purchase)> = nodes
            .iter()
            .filter_map(|object| {
                let labels = &object.node.labels;
                let (kind, zone) = (labels.get(INSTANCE_TYPE)?, labels.get(ZONE)?);
                Some((kind.as_str(), zone.as_str(), purchase(labels)))
            })
            .collect();
        let os = told.os();
        let mut offers = Vec::new();
        for (name, zone, purchase) in shown {
            let labels = told.labels_of(name, purchase);
            let site = Site {
                zones: self.zones,
                os: &os,
                bootstrap: bootstrap(group),
                labels: &labels,
            };
            let size = told.size(name);
            let rows = self.prices.rows.iter().filter(|row| row.instance_type == name);
            let sold = rows.flat_map(|row| self.prices.sold(row, zone, self.aims, &site));
            offers.extend(
                sold.filter(|offer| is_bought_as(offer, purchase))
                    .map(|offer| Offer {
                        id: OfferId::new(format!("{}/{}", group.name, offer.id)),
                        allocatable: size.as_ref().map_or(offer.allocatable, |s| s.allocatable.clone()),
                        max_pods: size.as_ref().map_or(offer.max_pods, |s| s.max_pods),
                        ..offer
                    }),
            );
        }
        offers
    }
}

/// Who bootstraps a fleet of free choice: Karpenter where its nodes are there, or where no node is there to tell.
fn of_free_choice(nodes: &[NodeObject]) -> Bootstrap<'static> {
    let told = |object: &NodeObject| object.node.labels.contains_key(CAPACITY_TYPE);
    if nodes.is_empty() || nodes.iter().any(told) {
        Bootstrap::Karpenter
    } else {
        Bootstrap::Own
    }
}

/// Who bootstraps the nodes of a group of this kind.
fn bootstrap(group: &Group) -> Bootstrap<'_> {
    match group.kind {
        GroupKind::ManagedNodeGroup => Bootstrap::Eks(group.name.as_str()),
        GroupKind::KopsInstanceGroup => Bootstrap::Kops(group.name.as_str()),
        _ => Bootstrap::Own,
    }
}

fn is_bought_as(offer: &Offer, wanted: Purchase) -> bool {
    matches!(&offer.kind, OfferKind::Ec2 { purchase, .. } if *purchase == wanted)
}

/// Zones of the nodes, by name.
fn zone_names(nodes: &[NodeObject]) -> Vec<String> {
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
