//! The image that nodes were started from beside the one that their group would start from today, where its launch
//! template names a parameter of Systems Manager (`resolve:ssm:`) instead of an image: the same version starts another
//! image as soon as the parameter names one.
//!
//! Source: EC2 user guide, "Use a Systems Manager parameter instead of an AMI ID". An instance's image never changes
//! and is asked for once. What a parameter names is asked for every hour, and at once where an instance has come with
//! another image since: what it was held against may be older than it. What cannot be read is no claim. Not here:
//! versions of templates (`templates`).

use super::catalogue::{Catalogue, TemplateKey, template_key, template_of};
use super::fleet::{self, Made, Members};
use super::launch_templates;
use super::sdk::AwsError;
use aws_sdk_autoscaling::types::{AutoScalingGroup, Instance};
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{Filter, Reservation};
use model::fleet::Fleet;
use model::ids::InstanceId;
use model::node::Template;
use model::time::{Instant, Span};
use std::collections::{BTreeMap, BTreeSet};

/// What a parameter names is believed for so long: as long as a renewal may come late.
const EXPIRES: Span = Span::from_secs(3600);
/// After a call that failed, and for instances that EC2 did not list.
const AGAIN: Span = Span::from_secs(300);
/// Values that a filter takes.
const PER_CALL: usize = 200;
/// Calls in one look, of each kind.
const CALLS_AT_ONCE: usize = 10;

/// By a launch template and the version that is asked for, the instances of all groups that launch from it.
type Named = BTreeMap<TemplateKey, BTreeSet<InstanceId>>;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Images {
    started: BTreeMap<InstanceId, Started>,
    wanted: BTreeMap<TemplateKey, Wanted>,
}

/// What is known of an instance.
#[derive(Debug)]
struct Started {
    image: Option<String>,
    /// When it was learnt, or not found.
    at: Instant,
}

/// What a template with a parameter would start.
#[derive(Debug)]
struct Wanted {
    version: Option<i64>,
    image: Option<String>,
    at: Instant,
}

impl Images {
    /// Learns what is due about the groups and fleets whose templates name a parameter, and forgets the others.
    pub(super) async fn learn(
        &mut self,
        (client, catalogue): (&Client, &Catalogue),
        rows: &[AutoScalingGroup],
        (fleets, members, made): (&[Fleet], &Members, &Made),
        at: Instant,
    ) {
        let mut named = Named::new();
        for row in rows {
            if let Some(key) = parameter_of(catalogue, row) {
                let ids = row.instances().iter().filter_map(Instance::instance_id);
                named.entry(key).or_default().extend(ids.map(InstanceId::new));
            }
        }
        for fleet in fleets {
            let key = fleet::template_key(fleet);
            if catalogue.is_parameter(&key) {
                let theirs = members.get(fleet.name.as_str()).into_iter().flatten();
                let ids: Vec<InstanceId> = theirs.map(|instance| instance.id.clone()).collect();
                self.note(&ids, made, at);
                named.entry(key).or_default().extend(ids);
            }
        }
        let all: BTreeSet<&InstanceId> = named.values().flatten().collect();
        self.started.retain(|id, _| all.contains(id));
        self.wanted.retain(|key, _| named.contains_key(key));
        self.learn_started(client, &all, at).await;
        for key in self.due(catalogue, &named, at) {
            let version = catalogue.version(&key, 0);
            let image = match launch_templates::image(client, &key).await {
                Ok(image) => image,
                Err(error) => {
                    let (template, version) = (&key.0, &key.1);
                    tracing::warn!(%template, %version, %error, "which image a launch template starts cannot be read");
                    None
                }
            };
            self.wanted.insert(key, Wanted { version, image, at });
        }
    }

    /// Both sides of an instance with their images, where its template names a parameter: `None` where nothing can be
    /// claimed of it.
    pub(super) fn beside(&self, key: &TemplateKey, id: &InstanceId, template: Template) -> Option<Template> {
        let Some(wanted) = self.wanted.get(key) else {
            return Some(template);
        };
        let Some(image) = &wanted.image else {
            return Some(template);
        };
        let started = self.started.get(id)?;
        let own = started.image.as_ref()?;
        let newer = started.at > wanted.at && own != image;
        (!newer).then(|| Template {
            made: format!("{} ({own})", template.made),
            wanted: format!("{} ({image})", template.wanted),
        })
    }

    /// Takes in what was told with a list of instances.
    fn note(&mut self, ids: &[InstanceId], made: &Made, at: Instant) {
        for id in ids {
            let image = made.get(id).and_then(|origin| origin.image.clone());
            let known = self.started.get(id).is_some_and(|known| known.image.is_some());
            if !known && image.is_some() {
                self.started.insert(id.clone(), Started { image, at });
            }
        }
    }

    async fn learn_started(&mut self, client: &Client, all: &BTreeSet<&InstanceId>, at: Instant) {
        let unknown = |id: &&InstanceId| match self.started.get(*id) {
            None => true,
            Some(known) => known.image.is_none() && at.since(known.at) >= AGAIN,
        };
        let unknown: Vec<InstanceId> = all.iter().copied().filter(unknown).cloned().collect();
        for ids in unknown.chunks(PER_CALL).take(CALLS_AT_ONCE) {
            let mut found = describe(client, ids).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "which images nodes were started from cannot be read");
                BTreeMap::new()
            });
            for id in ids {
                let image = found.remove(id);
                self.started.insert(id.clone(), Started { image, at });
            }
        }
    }

    /// Templates to be resolved now.
    fn due(&self, catalogue: &Catalogue, named: &Named, at: Instant) -> Vec<TemplateKey> {
        let outrun = |wanted: &Wanted, ids: &BTreeSet<InstanceId>| {
            ids.iter().filter_map(|id| self.started.get(id)).any(|started| {
                started.at > wanted.at && started.image.is_some() && started.image != wanted.image
            })
        };
        let due = |(key, ids): &(&TemplateKey, &BTreeSet<InstanceId>)| {
            self.wanted.get(*key).is_none_or(|wanted| {
                let believed = if wanted.image.is_some() { EXPIRES } else { AGAIN };
                let age = at.since(wanted.at);
                age >= believed
                    || (wanted.image.is_some()
                        && (catalogue.version(key, 0) != wanted.version || outrun(wanted, ids)))
            })
        };
        let due = named.iter().filter(due).take(CALLS_AT_ONCE);
        due.map(|(key, _)| key.clone()).collect()
    }
}

/// The template of a group, where it names a parameter.
pub(super) fn parameter_of(catalogue: &Catalogue, row: &AutoScalingGroup) -> Option<TemplateKey> {
    let key = template_key(template_of(row)?);
    catalogue.is_parameter(&key).then_some(key)
}

/// By a filter: asked for by name, one instance that is gone is an error for all of them.
async fn describe(client: &Client, ids: &[InstanceId]) -> Result<BTreeMap<InstanceId, String>, AwsError> {
    let named = ids.iter().map(ToString::to_string).collect();
    let named = Filter::builder().name("instance-id").set_values(Some(named));
    let mut pages = client
        .describe_instances()
        .filters(named.build())
        .into_paginator()
        .send();
    let mut images = BTreeMap::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::of("ec2:DescribeInstances", &error))?;
        let told = page.reservations().iter().flat_map(Reservation::instances);
        let image = |told: &aws_sdk_ec2::types::Instance| {
            Some((InstanceId::new(told.instance_id()?), told.image_id()?.to_owned()))
        };
        images.extend(told.filter_map(image));
    }
    Ok(images)
}
