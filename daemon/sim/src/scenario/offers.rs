//! Reads the groups of a scenario and what each of them sells.

use crate::scenario::parts::{FargateSelect, GroupPlan};
use crate::scenario::pods::effect;
use crate::scenario::read::Fetch;
use crate::scenario::values;
use manifest::At;
use manifest::{PriceList, Problems, Site};
use model::aims::{Aims, Catalogue};
use model::group::GroupOptions;
use model::offer::{Confidence, OfferKind, Purchase};
use model::pod::Taint;
use model::prices::FargatePrices;
use model::registration::{Bootstrap, OperatingSystem, Zones};
use model::{GroupKind, GroupName, Offer, OfferId};

/// What spot costs where the price list does not say, in thousandths of the on-demand price.
const SPOT_PERMILLE: i64 = 400;

/// More nodes than this in one group is a slip of the keyboard.
const MAX_NODES: u32 = 20_000;

/// A group as it was read, with what it wants to sell.
pub(super) struct ReadGroup<'s, 't> {
    pub(super) plan: GroupPlan,
    at: At<'s, 't>,
    types: Vec<String>,
    zones: Vec<String>,
    purchase: Purchase,
}

/// The list under `groups`, sorted by name.
pub(super) fn groups<'s, 't>(at: At<'s, 't>, zones: &[String]) -> Vec<ReadGroup<'s, 't>> {
    let mut groups: Vec<ReadGroup<'_, '_>> = Vec::new();
    if !at.is_there() {
        at.problem("is missing");
    }
    for item in at.items() {
        if let Some(read) = group(item, zones) {
            if groups.iter().any(|other| other.plan.name == read.plan.name) {
                item.get("name").problem("is there twice");
            }
            groups.push(read);
        }
    }
    groups.sort_by(|a, b| a.plan.name.cmp(&b.plan.name));
    groups
}

fn group<'s, 't>(at: At<'s, 't>, zones: &[String]) -> Option<ReadGroup<'s, 't>> {
    at.only(&[
        "name", "kind", "types", "zones", "purchase", "min", "max", "initial", "labels", "taints", "tags",
        "selects",
    ]);
    let name = GroupName::new(at.get("name").name()?);
    let kind = kind(at.get("kind"));
    let is_fargate = kind == GroupKind::FargateProfile;
    let min = nodes(at.get("min"), 0);
    let max = nodes(at.get("max"), 100);
    let initial = nodes(at.get("initial"), min);
    if min > max {
        at.get("max").problem("must not be below min");
    }
    if min <= max && !(min..=max).contains(&initial) {
        at.get("initial").problem("must lie between min and max");
    }
    let own: &[&str] = if is_fargate {
        &["types", "zones", "purchase", "taints", "tags", "min", "initial"]
    } else {
        &["selects"]
    };
    for key in own.iter().map(|key| at.get(key)).filter(|field| field.is_there()) {
        key.problem("does not belong to a group of this kind");
    }
    let named: Vec<String> = at
        .get("zones")
        .items()
        .filter_map(|zone| known_zone(zone, zones))
        .collect();
    let plan = GroupPlan {
        name,
        kind,
        min,
        max,
        initial,
        labels: at.get("labels").labels(),
        taints: at.get("taints").items().filter_map(taint).collect(),
        selects: at.get("selects").items().filter_map(select).collect(),
        options: options(at.get("tags")),
    };
    if is_fargate && plan.selects.is_empty() {
        at.get("selects").problem("a profile must select something");
    }
    let types: Vec<String> = at
        .get("types")
        .items()
        .filter_map(|item| item.name().map(str::to_owned))
        .collect();
    if !is_fargate && types.is_empty() {
        at.get("types").problem("must name at least one instance type");
    }
    Some(ReadGroup {
        plan,
        at,
        types,
        zones: if named.is_empty() { zones.to_vec() } else { named },
        purchase: purchase(at.get("purchase")),
    })
}

/// Tags of the Cluster Autoscaler, of which one that means nothing is a slip of the keyboard.
fn options(at: At<'_, '_>) -> GroupOptions {
    let tags = at.labels();
    let options = GroupOptions::of_tags(tags.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    for ignored in &options.ignored {
        at.problem(ignored);
    }
    options
}

fn nodes(at: At<'_, '_>, fallback: u32) -> u32 {
    values::at_most(at, at.count().unwrap_or(fallback), MAX_NODES)
}

fn kind(at: At<'_, '_>) -> GroupKind {
    match at.text() {
        None | Some("asg") => GroupKind::Asg,
        Some("managed-node-group") => GroupKind::ManagedNodeGroup,
        Some("kops-instance-group") => GroupKind::KopsInstanceGroup,
        Some("fleet") => GroupKind::Fleet,
        Some("fargate-profile") => GroupKind::FargateProfile,
        Some(_) => {
            at.problem("must be asg, managed-node-group, kops-instance-group, fleet or fargate-profile");
            GroupKind::Asg
        }
    }
}

fn purchase(at: At<'_, '_>) -> Purchase {
    match at.text() {
        None | Some("on-demand") => Purchase::OnDemand,
        Some("spot") => Purchase::Spot,
        Some(_) => {
            at.problem("must be on-demand or spot");
            Purchase::OnDemand
        }
    }
}

fn known_zone(at: At<'_, '_>, zones: &[String]) -> Option<String> {
    let name = at.name()?;
    if !zones.iter().any(|zone| zone == name) {
        at.problem("the cluster has no such zone");
    }
    Some(name.to_owned())
}

fn taint(at: At<'_, '_>) -> Option<Taint> {
    at.only(&["key", "value", "effect"]);
    Some(Taint {
        key: at.get("key").name()?.to_owned(),
        value: at.get("value").text().unwrap_or_default().to_owned(),
        effect: effect(at.get("effect"))?,
    })
}

fn select(at: At<'_, '_>) -> Option<FargateSelect> {
    at.only(&["namespace", "labels"]);
    Some(FargateSelect {
        namespace: at.get("namespace").name()?.to_owned(),
        labels: at.get("labels").labels(),
    })
}

/// The price list: the file that is named, else the built-in one.
pub(super) fn catalogue(at: At<'_, '_>, fetch: Fetch<'_>, outside: &mut Problems) -> PriceList {
    at.only(&["file"]);
    let file = at.get("file");
    let Some(path) = file.text() else {
        return manifest::built_in();
    };
    match fetch(path) {
        Ok(bytes) => manifest::price_list(path, &bytes).unwrap_or_else(|problems| {
            outside.extend(problems);
            manifest::built_in()
        }),
        Err(why) => {
            file.problem(why);
            manifest::built_in()
        }
    }
}

/// Offers of all groups, sorted by id; types that nobody sells are noted.
pub(super) fn offers(groups: &[ReadGroup<'_, '_>], catalogue: &PriceList) -> Vec<Offer> {
    let mut offers = Vec::new();
    for (group, number) in groups.iter().zip(0_u32..) {
        if group.plan.kind == GroupKind::FargateProfile {
            // The simulated cloud is priced as us-east-1, whatever its zones are called.
            let prices = FargatePrices::built_in();
            offers.extend(manifest::fargate_offers(
                group.plan.name.as_str(),
                number,
                Some(&prices),
            ));
            continue;
        }
        for (name, item) in group.types.iter().zip(group.at.get("types").items()) {
            let sold = sold(group, name, catalogue, number);
            if sold.is_empty() {
                item.problem("the price list has no such type");
            }
            offers.extend(sold);
        }
    }
    offers.sort_by(|a, b| a.id.cmp(&b.id));
    offers.dedup_by(|a, b| a.id == b.id);
    offers
}

/// Who bootstraps the nodes of a group of this kind.
fn bootstrap(plan: &GroupPlan) -> Bootstrap<'_> {
    match plan.kind {
        GroupKind::ManagedNodeGroup => Bootstrap::Eks(plan.name.as_str()),
        GroupKind::KopsInstanceGroup => Bootstrap::Kops(plan.name.as_str()),
        GroupKind::Fleet => Bootstrap::Karpenter,
        _ => Bootstrap::Own,
    }
}

fn sold(group: &ReadGroup<'_, '_>, name: &str, catalogue: &PriceList, number: u32) -> Vec<Offer> {
    let mut rows: Vec<_> = catalogue
        .rows
        .iter()
        .filter(|row| row.instance_type == name)
        .cloned()
        .collect();
    for row in &mut rows {
        // Where a scenario's types are sold is what its groups say.
        row.zones.clear();
        if row.spot.is_none() {
            row.spot = Some(row.on_demand.scaled(SPOT_PERMILLE));
        }
    }
    let list = PriceList {
        rows,
        ..catalogue.clone()
    };
    let everything = Aims {
        catalogue: Catalogue {
            bare_metal: true,
            burstable: true,
            mac: true,
            spot: true,
            ..Catalogue::default()
        },
        ..Aims::default()
    };
    let site = Site {
        zones: &Zones::default(),
        os: &OperatingSystem::of_labels(&group.plan.labels),
        bootstrap: bootstrap(&group.plan),
        labels: &group.plan.labels,
    };
    let (offers, _) = list.fleet(&everything, &group.zones, number, &site);
    let wanted = offers.into_iter().filter(
        |offer| matches!(&offer.kind, OfferKind::Ec2 { purchase, .. } if *purchase == group.purchase),
    );
    wanted
        .map(|mut offer| {
            offer.id = OfferId::new(format!("{}/{}", group.plan.name, offer.id));
            if group.purchase == Purchase::Spot && offer.confidence != Confidence::Unknown {
                // In this world the estimate is the price.
                offer.confidence = Confidence::Listed;
            }
            offer
        })
        .collect()
}
