//! Launch templates and instance types as EC2 describes them, learned when a group first names them.
//!
//! A numbered version of a template and the shape of a type never change; `$Latest` and `$Default` are looked up
//! again after a while. What cannot be read keeps its last answer, or none, and is asked for again later: it is
//! the trouble of the groups that name it and of no other. Not here: what a group sells (`offers`).

use super::launch_templates::{self, Numbers, Starts};
use super::sdk::AwsError;
use super::templates;
use aws_sdk_autoscaling::types::{AutoScalingGroup, LaunchTemplate, LaunchTemplateSpecification};
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    ArchitectureType, Filter, GpuDeviceInfo, InstanceTypeInfo, NetworkCardInfo, NetworkInfo, ProcessorInfo,
};
use model::resources::Resources;
use model::time::{Instant, Span};
use std::collections::{BTreeMap, BTreeSet};

/// A symbolic version of a template, or a type that EC2 does not know, is believed for so long.
const EXPIRES: Span = Span::from_secs(300);
/// After a call that failed.
const AGAIN: Span = Span::from_secs(60);
/// Templates asked for in one look, one call each: a start with many groups leaves tokens of EC2's bucket (100, 20
/// a second) for others.
const TEMPLATES_AT_ONCE: usize = 50;
/// Types per call; a filter takes 200 values.
const TYPES_PER_CALL: usize = 100;

/// Id or name of a template, and its version.
pub(super) type TemplateKey = (String, String);

/// Shapes of instance types, and types of launch templates.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    shapes: BTreeMap<String, Learned<Shape>>,
    templates: BTreeMap<TemplateKey, Learned<Starts>>,
    /// By template with a symbolic version: the highest version that instances had when it was last asked for.
    confirmed: BTreeMap<TemplateKey, i64>,
}

/// One instance type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// `amd64` or `arm64`.
    pub(super) arch: &'static str,
    /// What pods can use on one.
    pub(super) allocatable: Resources,
    /// Most pods.
    pub(super) max_pods: u32,
}

/// The last good answer, and until when it is not asked for again; `None`: never.
#[derive(Debug)]
struct Learned<T> {
    last: Option<T>,
    until: Option<Instant>,
}

impl<T> Learned<T> {
    fn is_due(&self, at: Instant) -> bool {
        self.until.is_some_and(|until| at >= until)
    }
}

impl Catalogue {
    /// Learns the launch templates and instance types that these groups name and that are due; `fleets` name
    /// templates too, with the highest version that their instances have.
    pub(super) async fn learn(
        &mut self,
        client: &Client,
        groups: &[AutoScalingGroup],
        fleets: BTreeMap<TemplateKey, i64>,
        at: Instant,
    ) {
        let mut highest = templates::highest(groups);
        highest.extend(fleets);
        let named = highest.keys().cloned();
        let due = |key: &TemplateKey| {
            let outrun = self.is_outrun(key, highest.get(key).copied().unwrap_or(0));
            outrun || self.templates.get(key).is_none_or(|known| known.is_due(at))
        };
        let due: Vec<TemplateKey> = named.filter(due).collect();
        let due = self.renew(client, due, &highest, at).await;
        for key in due.into_iter().take(TEMPLATES_AT_ONCE) {
            let answer = launch_templates::describe(client, &key).await;
            if answer.is_ok() {
                self.confirm(&key, highest.get(&key).copied().unwrap_or(0));
            }
            if !self.take_template(key, answer, at) {
                return;
            }
        }
        let named = groups.iter().filter_map(|group| self.types_of(group));
        let named: BTreeSet<String> = named.flatten().collect();
        self.learn_types(client, &named, at).await;
    }

    /// Asks what the symbolic versions stand for of all templates at once that are known by id, and gives those back
    /// that are still to be described.
    async fn renew(
        &mut self,
        client: &Client,
        due: Vec<TemplateKey>,
        highest: &BTreeMap<TemplateKey, i64>,
        at: Instant,
    ) -> Vec<TemplateKey> {
        let known = due.iter().filter_map(|key| self.id_of(key).map(str::to_owned));
        let ids: BTreeSet<String> = known.collect();
        let ids: Vec<String> = ids.into_iter().collect();
        let mut numbers = BTreeMap::new();
        // One alone is described with no more calls.
        for ids in ids.chunks(launch_templates::AT_ONCE).filter(|ids| ids.len() > 1) {
            match launch_templates::numbers(client, ids).await {
                Ok(told) => numbers.extend(told),
                // Where one of them is gone none is told: they are described one by one, as those are that are new.
                Err(error) => tracing::debug!(%error, "launch templates are described one by one"),
            }
        }
        due.into_iter()
            .filter(|key| !self.still(key, &numbers, (highest, at)))
            .collect()
    }

    /// Renews what is known of a template whose symbolic version stands for what it stood for; whether it does.
    fn still(
        &mut self,
        key: &TemplateKey,
        numbers: &BTreeMap<String, Numbers>,
        (highest, at): (&BTreeMap<TemplateKey, i64>, Instant),
    ) -> bool {
        let told = self.id_of(key).and_then(|id| numbers.get(id)?.of(&key.1));
        let Some(known) = self.templates.get_mut(key).filter(|_| told.is_some()) else {
            return false;
        };
        if known.last.as_ref().and_then(|known| known.version) != told {
            return false;
        }
        known.until = Some(at + EXPIRES);
        self.confirm(key, highest.get(key).copied().unwrap_or(0));
        true
    }

    fn id_of(&self, key: &TemplateKey) -> Option<&str> {
        self.templates.get(key)?.last.as_ref()?.id.as_deref()
    }

    /// Learns those of the types that are due.
    pub(super) async fn learn_types(&mut self, client: &Client, named: &BTreeSet<String>, at: Instant) {
        let due = |name: &&String| self.shapes.get(*name).is_none_or(|known| known.is_due(at));
        let wanted: Vec<String> = named.iter().filter(due).cloned().collect();
        for chunk in wanted.chunks(TYPES_PER_CALL) {
            let answer = describe_types(client, chunk).await;
            if !self.take_types(chunk, answer, at) {
                return;
            }
        }
    }

    /// Notes the highest version in sight when a template was asked for.
    pub(super) fn confirm(&mut self, key: &TemplateKey, made: i64) {
        let known = self.confirmed.entry(key.clone()).or_insert(0);
        *known = (*known).max(made);
    }

    /// Whether an instance is of a later version than the last answer tells, and was not in sight when it was given.
    fn is_outrun(&self, key: &TemplateKey, made: i64) -> bool {
        let known = self.templates.get(key).and_then(|known| known.last.as_ref());
        let behind = known
            .and_then(|known| known.version)
            .is_some_and(|known| known < made);
        behind && self.confirmed.get(key).is_none_or(|confirmed| *confirmed < made)
    }

    /// The version that a symbolic one stands for, as far as it can be held against an instance of this version.
    pub(super) fn version(&self, key: &TemplateKey, made: i64) -> Option<i64> {
        let known = self.templates.get(key)?.last.as_ref()?;
        known.version.filter(|_| !self.is_outrun(key, made))
    }

    /// As `version`, with the id of the template.
    pub(super) fn newest(&self, key: &TemplateKey, made: i64) -> Option<(&str, i64)> {
        let version = self.version(key, made)?;
        let known = self.templates.get(key)?.last.as_ref()?;
        Some((known.id.as_deref()?, version))
    }

    /// Whether a template names a parameter instead of an image, as far as it is known.
    pub(super) fn is_parameter(&self, key: &TemplateKey) -> bool {
        let known = self.templates.get(key).and_then(|known| known.last.as_ref());
        known.is_some_and(|known| known.parameter)
    }

    /// What a type is, once it is known.
    pub(super) fn shape(&self, name: &str) -> Option<&Shape> {
        self.shapes.get(name)?.last.as_ref()
    }

    /// Takes in what a call gave; whether it is worth asking on.
    pub(super) fn take_template(
        &mut self,
        key: TemplateKey,
        answer: Result<Starts, AwsError>,
        at: Instant,
    ) -> bool {
        let symbolic = key.1.starts_with('$');
        match answer {
            Ok(found) => {
                let known = Learned {
                    last: Some(found),
                    until: symbolic.then_some(at + EXPIRES),
                };
                self.templates.insert(key, known);
                true
            }
            Err(error) => {
                tracing::warn!(template = %key.0, version = %key.1, %error, "a launch template cannot be read");
                let known = self.templates.entry(key).or_insert(Learned {
                    last: None,
                    until: None,
                });
                known.until = Some(at + AGAIN);
                error.answered
            }
        }
    }

    /// As `take_template`. A type that EC2 leaves out of its answer does not exist there.
    fn take_types(
        &mut self,
        asked: &[String],
        answer: Result<BTreeMap<String, Shape>, AwsError>,
        at: Instant,
    ) -> bool {
        let (mut found, wait, go_on) = match answer {
            Ok(found) => (found, EXPIRES, true),
            Err(error) => {
                tracing::warn!(types = ?asked, %error, "instance types cannot be read");
                (BTreeMap::new(), AGAIN, error.answered)
            }
        };
        for name in asked {
            let last = found.remove(name);
            if last.is_none() {
                tracing::warn!(%name, "an instance type is not known: its groups sell nothing");
            }
            let until = last.is_none().then_some(at + wait);
            self.shapes.insert(name.clone(), Learned { last, until });
        }
        go_on
    }

    /// Types a group may launch: its overrides, else its template's, else those of its instances. `None` while
    /// its template cannot be read.
    pub(super) fn types_of(&self, group: &AutoScalingGroup) -> Option<BTreeSet<String>> {
        let overrides = group
            .mixed_instances_policy()
            .and_then(|m| m.launch_template())
            .map(LaunchTemplate::overrides)
            .unwrap_or_default();
        let listed: BTreeSet<String> = overrides
            .iter()
            .filter_map(|o| o.instance_type())
            .map(str::to_owned)
            .collect();
        if !listed.is_empty() {
            return Some(listed);
        }
        let instances = group.instances().iter();
        let living = || instances.filter_map(|i| i.instance_type()).map(str::to_owned);
        // Overrides without types are requirements, and the template's own type does not count.
        let Some(template) = template_of(group).filter(|_| overrides.is_empty()) else {
            return Some(living().collect());
        };
        let named = self.templates.get(&template_key(template))?.last.as_ref()?;
        Some(match &named.instance_type {
            Some(instance_type) => BTreeSet::from([instance_type.clone()]),
            None => living().collect(),
        })
    }

    /// Name of the smallest of the types, with what is to be had on each of them; `None` where one is unknown.
    pub(super) fn smallest(&self, types: &BTreeSet<String>) -> Option<(String, Shape)> {
        let mut least: Option<(String, Shape)> = None;
        for name in types {
            let shape = self.shapes.get(name)?.last.as_ref()?;
            least = Some(match least {
                None => (name.clone(), shape.clone()),
                Some((smallest, mut least)) => {
                    let smaller = shape.allocatable.cpu_milli < least.allocatable.cpu_milli;
                    lower(&mut least, shape);
                    (if smaller { name.clone() } else { smallest }, least)
                }
            });
        }
        least
    }
}

/// Leaves of `least` what is to be had of `other` as well.
fn lower(least: &mut Shape, other: &Shape) {
    let (a, b) = (&mut least.allocatable, &other.allocatable);
    a.cpu_milli = a.cpu_milli.min(b.cpu_milli);
    a.memory_bytes = a.memory_bytes.min(b.memory_bytes);
    a.ephemeral_bytes = a.ephemeral_bytes.min(b.ephemeral_bytes);
    a.extended.retain(|name, amount| {
        *amount = (*amount).min(b.amount(name));
        *amount > 0
    });
    least.max_pods = least.max_pods.min(other.max_pods);
}

/// What the group's nodes are made of, in one word: its launch template with the version, or its launch configuration.
pub(super) fn made_of(group: &AutoScalingGroup) -> String {
    match template_of(group).map(template_key) {
        Some((template, version)) => format!("{template}:{version}"),
        None => group.launch_configuration_name().unwrap_or_default().to_owned(),
    }
}

pub(super) fn template_of(group: &AutoScalingGroup) -> Option<&LaunchTemplateSpecification> {
    let mixed = || {
        group
            .mixed_instances_policy()?
            .launch_template()?
            .launch_template_specification()
    };
    group.launch_template().or_else(mixed)
}

pub(super) fn template_key(template: &LaunchTemplateSpecification) -> TemplateKey {
    let name = template
        .launch_template_id()
        .or_else(|| template.launch_template_name());
    (
        name.unwrap_or_default().to_owned(),
        template.version().unwrap_or("$Default").to_owned(),
    )
}

/// By a filter: asked for by name, one unknown type is an error for all of them.
async fn describe_types(client: &Client, names: &[String]) -> Result<BTreeMap<String, Shape>, AwsError> {
    let named = Filter::builder()
        .name("instance-type")
        .set_values(Some(names.to_vec()));
    let mut pages = client
        .describe_instance_types()
        .filters(named.build())
        .into_paginator()
        .send();
    let mut shapes = BTreeMap::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|e| AwsError::of("ec2:DescribeInstanceTypes", &e))?;
        shapes.extend(page.instance_types().iter().filter_map(shape));
    }
    Ok(shapes)
}

fn shape(info: &InstanceTypeInfo) -> Option<(String, Shape)> {
    let name = info.instance_type()?.as_str().to_owned();
    let vcpus = i64::from(info.v_cpu_info()?.default_v_cpus()?);
    let memory_mib = info.memory_info()?.size_in_mib()?;
    let architectures = info
        .processor_info()
        .map(ProcessorInfo::supported_architectures)
        .unwrap_or_default();
    let arch = if architectures.contains(&ArchitectureType::Arm64) {
        "arm64"
    } else {
        "amd64"
    };
    let max_pods = max_pods(info.network_info());
    let mut allocatable = manifest::usual_allocatable(vcpus, memory_mib, arch, max_pods);
    let gpus: i32 = info.gpu_info().map_or(0, |gpus| {
        let nvidia = |gpu: &&GpuDeviceInfo| gpu.manufacturer() == Some("NVIDIA");
        let named = gpus.gpus().iter().filter(nvidia);
        named.filter_map(GpuDeviceInfo::count).sum()
    });
    if gpus > 0 {
        allocatable
            .extended
            .insert("nvidia.com/gpu".to_owned(), i64::from(gpus));
    }
    Some((
        name,
        Shape {
            arch,
            allocatable,
            max_pods: u32::try_from(max_pods).ok()?,
        },
    ))
}

/// Interfaces of the default network card × (addresses − 1) + 2 (nodeadm): further cards carry no pods.
fn max_pods(network: Option<&NetworkInfo>) -> i64 {
    let default_card = |network: &NetworkInfo| {
        let ix = network.default_network_card_index().unwrap_or(0);
        let mut cards = network.network_cards().iter();
        let card = cards.find(|card| card.network_card_index() == Some(ix));
        card.and_then(NetworkCardInfo::maximum_network_interfaces)
            .or_else(|| network.maximum_network_interfaces())
    };
    let interfaces = network.and_then(default_card).unwrap_or(2);
    let addresses = network
        .and_then(NetworkInfo::ipv4_addresses_per_interface)
        .unwrap_or(6);
    i64::from(interfaces) * (i64::from(addresses) - 1) + 2
}

#[cfg(test)]
mod tests;
