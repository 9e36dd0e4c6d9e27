//! Plimsoll's own fleets: instances by their tags, and every allowed type in every zone as an offer.
//!
//! Not here: what a type is (`catalogue`), what it costs (`prices`), buying (`act`).

use super::catalogue::{Catalogue, TemplateKey};
use super::images::Images;
use super::lived::Learnt;
use super::offers::{Site, Tariffs};
use super::sdk::AwsError;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, InstanceStateName, Reservation};
use model::fleet::{CLUSTER_TAG, FLEET_TAG, Fleet};
use model::group::{Group, GroupKind, GroupOptions, Instance, InstanceState, LaunchMode};
use model::ids::{InstanceId, OfferId};
use model::money::UsdPerHour;
use model::node::Template;
use model::offer::{Confidence, Offer, OfferKind, Purchase};
use model::registration::{Bootstrap, OperatingSystem, Registration};
use model::time::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// Instances of all fleets of the cluster, by fleet.
pub(super) type Members = BTreeMap<String, Vec<Instance>>;

/// What every instance was made with of which EC2 tells it (tags of its own).
pub(super) type Made = BTreeMap<InstanceId, Origin>;

/// What an instance was made with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    /// Id of its launch template.
    template: String,
    /// The template's version.
    version: i64,
    /// Image.
    pub(super) image: Option<String>,
}

const TEMPLATE_TAG: &str = "aws:ec2launchtemplate:id";
const VERSION_TAG: &str = "aws:ec2launchtemplate:version";

const CALL: &str = "ec2:DescribeInstances";

/// Reads the instances of the fleets.
pub(super) async fn members(
    client: &Client,
    cluster: &str,
    fleets: &[Fleet],
) -> Result<(Members, Made), AwsError> {
    let tagged = |key: &str, values: Vec<String>| {
        Filter::builder()
            .name(format!("tag:{key}"))
            .set_values(Some(values))
            .build()
    };
    let names = fleets.iter().map(|fleet| fleet.name.to_string()).collect();
    let states = ["pending", "running", "shutting-down"]
        .map(str::to_owned)
        .to_vec();
    let mut pages = client
        .describe_instances()
        .filters(tagged(CLUSTER_TAG, vec![cluster.to_owned()]))
        .filters(tagged(FLEET_TAG, names))
        .filters(
            Filter::builder()
                .name("instance-state-name")
                .set_values(Some(states))
                .build(),
        )
        .into_paginator()
        .page_size(1000)
        .send();
    let (mut members, mut all_made) = (Members::new(), Made::new());
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::of(CALL, &error))?;
        for told in page.reservations().iter().flat_map(Reservation::instances) {
            if let Some((fleet, instance)) = member(told) {
                all_made.extend(made(told).map(|made| (instance.id.clone(), made)));
                members.entry(fleet).or_default().push(instance);
            }
        }
    }
    Ok((members, all_made))
}

fn made(told: &aws_sdk_ec2::types::Instance) -> Option<Origin> {
    let tag = |key: &str| told.tags().iter().find(|tag| tag.key() == Some(key))?.value();
    Some(Origin {
        template: tag(TEMPLATE_TAG)?.to_owned(),
        version: tag(VERSION_TAG)?.parse().ok()?,
        image: told.image_id().map(str::to_owned),
    })
}

/// The newest version of the fleet's template: what `act` asks for.
pub(super) fn template_key(fleet: &Fleet) -> TemplateKey {
    (fleet.template.clone(), "$Latest".to_owned())
}

/// Templates that the fleets launch from, with the highest version that their instances have.
pub(super) fn highest(fleets: &[Fleet], (members, made): (&Members, &Made)) -> BTreeMap<TemplateKey, i64> {
    let mut highest = BTreeMap::new();
    for fleet in fleets {
        let theirs = members.get(fleet.name.as_str()).into_iter().flatten();
        let versions = theirs.filter_map(|instance| Some(made.get(&instance.id)?.version));
        let most = highest.entry(template_key(fleet)).or_insert(0);
        *most = versions.fold(*most, i64::max);
    }
    highest
}

/// What instances of a fleet were made with beside what it would make them with today.
pub(super) fn templates(
    fleet: &Fleet,
    (members, made): (&Members, &Made),
    (catalogue, images): (&Catalogue, &Images),
) -> BTreeMap<InstanceId, Template> {
    let key = template_key(fleet);
    let one = |instance: &Instance| {
        let origin = made.get(&instance.id)?;
        let (wanted, newest) = catalogue.newest(&key, origin.version)?;
        let template = Template {
            made: format!("{}:{}", origin.template, origin.version),
            wanted: format!("{wanted}:{newest}"),
        };
        let template = images.beside(&key, &instance.id, template)?;
        Some((instance.id.clone(), template))
    };
    let theirs = members.get(fleet.name.as_str()).into_iter().flatten();
    theirs.filter_map(one).collect()
}

/// An instance with the name of its fleet.
fn member(told: &aws_sdk_ec2::types::Instance) -> Option<(String, Instance)> {
    let tag = told.tags().iter().find(|tag| tag.key() == Some(FLEET_TAG))?;
    let state = match told.state()?.name()? {
        InstanceStateName::Pending => InstanceState::Pending,
        InstanceStateName::Running => InstanceState::InService,
        InstanceStateName::ShuttingDown => InstanceState::Terminating,
        InstanceStateName::Terminated => InstanceState::Terminated,
        _ => InstanceState::Other,
    };
    let instance = Instance {
        id: InstanceId::new(told.instance_id()?),
        instance_type: told.instance_type().map(|t| t.as_str().to_owned()),
        zone: told
            .placement()
            .and_then(|p| p.availability_zone())
            .map(str::to_owned),
        state,
        launched: told.launch_time().and_then(|t| t.to_millis().ok()).map(Instant),
    };
    Some((tag.value()?.to_owned(), instance))
}

/// The group of a fleet: as large as it has instances that live.
pub(super) fn group(fleet: &Fleet, members: &Members) -> Group {
    let mut group = Group {
        name: fleet.name.clone(),
        uid: None,
        kind: GroupKind::Fleet,
        min: 0,
        max: fleet.max,
        desired: 0,
        launch: LaunchMode::Instances,
        instances: members.get(fleet.name.as_str()).cloned().unwrap_or_default(),
        labels: fleet.labels.clone(),
        taints: fleet.taints.clone(),
        fargate_selectors: Vec::new(),
        foreign: None,
        rolling: None,
        options: GroupOptions::default(),
    };
    group.desired = group.living();
    group
}

/// Types that the fleets may buy and that have a price.
pub(super) fn types(fleets: &[Fleet], prices: &BTreeMap<String, UsdPerHour>) -> BTreeSet<String> {
    let bought = |name: &&String| fleets.iter().any(|fleet| fleet.buys(name));
    prices.keys().filter(bought).cloned().collect()
}

/// Every allowed type in every zone, by every purchase; a type of which a node has lived is as large as that was.
pub(super) fn offers(
    fleet: &Fleet,
    ix: u32,
    (catalogue, types): (&Catalogue, &BTreeSet<String>),
    tariffs: &Tariffs<'_>,
    site: Site<'_>,
) -> Vec<Offer> {
    let learnt = site.learnt;
    let os = learnt.and_then(Learnt::os).cloned();
    let os = os.unwrap_or_else(|| OperatingSystem::of_labels(&fleet.labels));
    let mut sold = Vec::new();
    for name in types.iter().filter(|name| fleet.buys(name)) {
        let Some(shape) = catalogue.shape(name) else {
            continue;
        };
        let size = learnt.and_then(|learnt| learnt.size(name));
        for zone in fleet.subnets.keys() {
            let on_demand = tariffs.of(name, None).map(|told| (Purchase::OnDemand, told));
            let spot = tariffs.of(name, Some(zone)).map(|told| (Purchase::Spot, told));
            for (purchase, (price, confidence)) in on_demand.into_iter().chain(spot.filter(|_| fleet.spot)) {
                let registration = Registration {
                    instance_type: Some(name),
                    zone: Some(&site.zones.zone(zone)),
                    arch: shape.arch,
                    os: &os,
                    purchase,
                    // A fleet's user data is the operator's: its labels say what it sets.
                    bootstrap: Bootstrap::Own,
                };
                let labels = registration.labels_with(&fleet.labels);
                sold.push(Offer {
                    id: OfferId::new(format!("{}/{name}/{zone}/{}", fleet.name, purchase.as_str())),
                    group: ix,
                    kind: OfferKind::Ec2 {
                        instance_type: name.clone(),
                        zone: zone.clone(),
                        purchase,
                        arch: shape.arch.to_owned(),
                    },
                    price,
                    interruptions: None,
                    confidence,
                    allocatable: size.map_or_else(|| shape.allocatable.clone(), |s| s.allocatable.clone()),
                    max_pods: size.map_or(shape.max_pods, |s| s.max_pods),
                    labels,
                });
            }
        }
    }
    sold
}

impl Tariffs<'_> {
    /// On demand, or spot in a zone, as far as AWS or the table tells it. A spot price that is not told is not sold.
    fn of(&self, name: &str, spot_in: Option<&str>) -> Option<(UsdPerHour, Confidence)> {
        match spot_in {
            None => self.on_demand(name),
            Some(zone) => self
                .told
                .spot(name, zone)
                .map(|price| (price, Confidence::Listed)),
        }
    }
}
