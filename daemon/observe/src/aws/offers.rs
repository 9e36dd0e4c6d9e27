//! What a group can buy: its instance types, their shapes, and what pods can use on one.
//!
//! Source of the formula: EKS' AMI for AL2023 (nodeadm): ENI pod limit, kube-reserved, 100 MiB eviction
//! threshold, 7.5 % of memory that the machine itself keeps. A node that has lived is believed before it.
//! Where AWS chooses among several types or zones, the offer is the smallest of them at the dearest price.

use super::Settings;
use super::groups::{Share, on_demand_share};
use super::sdk::AwsError;
use aws_sdk_autoscaling::types::{AutoScalingGroup, LaunchTemplateSpecification};
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    ArchitectureType, GpuDeviceInfo, InstanceType, InstanceTypeInfo, NetworkInfo, ProcessorInfo,
};
use model::group::LaunchMode;
use model::ids::{InstanceId, OfferId};
use model::money::UsdPerHour;
use model::node::Node;
use model::offer::{Confidence, Offer, OfferKind, Purchase};
use model::resources::{MIB, Resources};
use model::selector::Labels;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// Shapes of instance types and types of launch templates, learned once.
#[derive(Debug, Default)]
pub(super) struct Catalogue {
    shapes: BTreeMap<String, Shape>,
    templates: BTreeMap<(String, String), Option<String>>,
}

/// One instance type.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Shape {
    arch: &'static str,
    allocatable: Resources,
    max_pods: u32,
}

impl Catalogue {
    /// Learns the launch templates and instance types that these groups name and that are not known yet.
    pub(super) async fn learn(
        &mut self,
        client: &Client,
        groups: &[AutoScalingGroup],
    ) -> Result<(), AwsError> {
        for template in groups.iter().filter_map(template_of) {
            let key = template_key(template);
            if let Entry::Vacant(unknown) = self.templates.entry(key) {
                let found = describe_template(client, unknown.key()).await?;
                unknown.insert(found);
            }
        }
        let wanted: BTreeSet<String> = groups.iter().flat_map(|g| self.types_of(g)).collect();
        let unknown: Vec<String> = wanted
            .into_iter()
            .filter(|t| !self.shapes.contains_key(t))
            .collect();
        for chunk in unknown.chunks(100) {
            self.shapes.extend(describe_types(client, chunk).await?);
        }
        Ok(())
    }

    /// Types a group may launch: its overrides, else its template's, else those of its instances.
    fn types_of(&self, group: &AutoScalingGroup) -> BTreeSet<String> {
        let overrides: BTreeSet<String> = group
            .mixed_instances_policy()
            .and_then(|m| m.launch_template())
            .map(|t| {
                t.overrides()
                    .iter()
                    .filter_map(|o| o.instance_type())
                    .map(str::to_owned)
                    .collect()
            })
            .unwrap_or_default();
        if !overrides.is_empty() {
            return overrides;
        }
        let templated = template_of(group)
            .and_then(|t| self.templates.get(&template_key(t)))
            .cloned()
            .flatten();
        match templated {
            Some(instance_type) => BTreeSet::from([instance_type]),
            None => group
                .instances()
                .iter()
                .filter_map(|i| i.instance_type())
                .map(str::to_owned)
                .collect(),
        }
    }

    /// Offers of one group.
    pub(super) fn offers(
        &self,
        group: &AutoScalingGroup,
        ix: u32,
        settings: &Settings,
        nodes: &[Node],
    ) -> Vec<Offer> {
        let types = self.types_of(group);
        let Some((instance_type, shape)) = self.smallest(&types) else {
            return Vec::new();
        };
        let row = super::groups::group(group, settings);
        let (price, confidence) = price(&types, settings);
        let purchase = match on_demand_share(group) {
            Share::Spot => Purchase::Spot,
            Share::OnDemand | Share::Mixed => Purchase::OnDemand,
        };
        let zones = group.availability_zones();
        let chosen = row.launch == LaunchMode::Instances || zones.len() <= 1;
        let sold: &[String] = if chosen {
            zones
        } else {
            zones.get(..1).unwrap_or_default()
        };
        sold.iter()
            .map(|zone| {
                let lived = lived(&row, &types, nodes);
                let mut labels = row.labels.clone();
                if let Some(node) = lived {
                    labels.extend(shared_labels(node));
                }
                standard_labels(&mut labels, &types, shape.arch, chosen.then_some(zone));
                Offer {
                    id: OfferId::new(format!(
                        "{}/{instance_type}/{zone}/{}",
                        row.name,
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
                    confidence,
                    allocatable: lived.map_or_else(|| shape.allocatable.clone(), |n| n.allocatable.clone()),
                    max_pods: lived.map_or(shape.max_pods, |n| n.max_pods),
                    labels,
                }
            })
            .collect()
    }

    fn smallest(&self, types: &BTreeSet<String>) -> Option<(String, Shape)> {
        let mut shapes = types.iter().filter_map(|t| Some((t, self.shapes.get(t)?)));
        let (first, shape) = shapes.next()?;
        Some(shapes.fold(
            (first.clone(), shape.clone()),
            |(name, mut least), (other, shape)| {
                let smaller = shape.allocatable.cpu_milli < least.allocatable.cpu_milli;
                least.allocatable.cpu_milli = least.allocatable.cpu_milli.min(shape.allocatable.cpu_milli);
                least.allocatable.memory_bytes =
                    least.allocatable.memory_bytes.min(shape.allocatable.memory_bytes);
                least.max_pods = least.max_pods.min(shape.max_pods);
                least
                    .allocatable
                    .extended
                    .retain(|name, _| shape.allocatable.extended.contains_key(name));
                (if smaller { other.clone() } else { name }, least)
            },
        ))
    }
}

/// The dearest known price of the types; unknown where one of them is not in the table.
fn price(types: &BTreeSet<String>, settings: &Settings) -> (UsdPerHour, Confidence) {
    let known: Vec<UsdPerHour> = types
        .iter()
        .filter_map(|t| settings.prices.get(t))
        .copied()
        .collect();
    let dearest = known.iter().copied().max().unwrap_or_default();
    if known.len() == types.len() && !types.is_empty() {
        return (dearest, Confidence::BuiltIn);
    }
    let family = |t: &String| t.split('.').next().unwrap_or_default().to_owned();
    let families: BTreeSet<String> = types.iter().map(family).collect();
    let in_family = settings
        .prices
        .iter()
        .filter(|(t, _)| families.contains(&family(t)))
        .map(|(_, p)| *p)
        .max();
    let any = settings.prices.values().copied().max().unwrap_or_default();
    (in_family.unwrap_or(any).max(dearest), Confidence::Unknown)
}

/// A Ready node of this group, if its types leave no choice.
fn lived<'a>(group: &model::Group, types: &BTreeSet<String>, nodes: &'a [Node]) -> Option<&'a Node> {
    if types.len() != 1 {
        return None;
    }
    let ids: BTreeSet<&InstanceId> = group.instances.iter().map(|i| &i.id).collect();
    nodes
        .iter()
        .find(|n| n.ready && n.instance.as_ref().is_some_and(|id| ids.contains(id)))
}

/// Labels of a living node that its siblings will carry too.
fn shared_labels(node: &Node) -> Labels {
    let own = [
        "kubernetes.io/hostname",
        "topology.",
        "failure-domain.",
        "alpha.eksctl.io/instance-id",
        "node.kubernetes.io/instance-type",
    ];
    let shared = |key: &str| !own.iter().any(|prefix| key.starts_with(prefix));
    node.labels
        .iter()
        .filter(|(k, _)| shared(k))
        .map(|(k, v)| (k.clone(), v.clone()))
        .collect()
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

fn template_of(group: &AutoScalingGroup) -> Option<&LaunchTemplateSpecification> {
    let mixed = || {
        group
            .mixed_instances_policy()?
            .launch_template()?
            .launch_template_specification()
    };
    group.launch_template().or_else(mixed)
}

fn template_key(template: &LaunchTemplateSpecification) -> (String, String) {
    let name = template
        .launch_template_id()
        .or_else(|| template.launch_template_name());
    (
        name.unwrap_or_default().to_owned(),
        template.version().unwrap_or("$Default").to_owned(),
    )
}

async fn describe_template(client: &Client, key: &(String, String)) -> Result<Option<String>, AwsError> {
    let call = client.describe_launch_template_versions().versions(&key.1);
    let call = if key.0.starts_with("lt-") {
        call.launch_template_id(&key.0)
    } else {
        call.launch_template_name(&key.0)
    };
    let answer = call
        .send()
        .await
        .map_err(|e| AwsError::of("ec2:DescribeLaunchTemplateVersions", &e))?;
    let first = answer.launch_template_versions().first();
    let data = first.and_then(|version| version.launch_template_data());
    Ok(data
        .and_then(|data| data.instance_type())
        .map(|t| t.as_str().to_owned()))
}

async fn describe_types(client: &Client, names: &[String]) -> Result<BTreeMap<String, Shape>, AwsError> {
    let mut pages = client
        .describe_instance_types()
        .set_instance_types(Some(
            names.iter().map(|n| InstanceType::from(n.as_str())).collect(),
        ))
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
    let network = info.network_info();
    let enis = network
        .and_then(NetworkInfo::maximum_network_interfaces)
        .unwrap_or(2);
    let addresses = network
        .and_then(NetworkInfo::ipv4_addresses_per_interface)
        .unwrap_or(6);
    let architectures = info
        .processor_info()
        .map(ProcessorInfo::supported_architectures)
        .unwrap_or_default();
    let arch = if architectures.contains(&ArchitectureType::Arm64) {
        "arm64"
    } else {
        "amd64"
    };
    let max_pods = i64::from(enis) * (i64::from(addresses) - 1) + 2;
    let mut allocatable = allocatable(vcpus, memory_mib, max_pods);
    let gpus: i32 = info
        .gpu_info()
        .map_or(0, |g| g.gpus().iter().filter_map(GpuDeviceInfo::count).sum());
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

/// Capacity less kube-reserved, eviction threshold and what the machine keeps.
fn allocatable(vcpus: i64, memory_mib: i64, max_pods: i64) -> Resources {
    let reserved_cpu = (0..vcpus).fold(0, |sum, core| {
        sum + match core {
            0 => 600,
            1 => 100,
            2 | 3 => 50,
            _ => 25,
        }
    }) / 10;
    let usable = memory_mib * 925 / 1000;
    let reserved_mib = 11 * max_pods + 255 + 100;
    Resources::new(vcpus * 1000 - reserved_cpu, (usable - reserved_mib).max(0) * MIB)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn m5_large_as_the_user_guide_has_it() {
        let there = allocatable(2, 8192, 29);
        assert_eq!((there.cpu_milli, there.memory_mib_down()), (1930, 6903));
    }

    #[test]
    fn an_unknown_price_is_the_dearest_of_its_family() {
        let mut settings = Settings::default();
        for (name, nanos) in [("m5.large", 96), ("m5.24xlarge", 4608), ("c5.large", 85)] {
            settings.prices.insert(name.to_owned(), UsdPerHour(nanos));
        }
        let one = |name: &str| BTreeSet::from([name.to_owned()]);
        assert_eq!(
            price(&one("m5.large"), &settings),
            (UsdPerHour(96), Confidence::BuiltIn)
        );
        assert_eq!(
            price(&one("m5.48xlarge"), &settings),
            (UsdPerHour(4608), Confidence::Unknown)
        );
        assert_eq!(
            price(&one("z9.large"), &settings),
            (UsdPerHour(4608), Confidence::Unknown)
        );
    }

    #[test]
    fn several_types_are_sold_as_the_smallest() {
        let shape = |cpu, mem| Shape {
            arch: "amd64",
            allocatable: Resources::new(cpu, mem),
            max_pods: 10,
        };
        let shapes = BTreeMap::from([
            ("a".to_owned(), shape(4000, 100)),
            ("b".to_owned(), shape(2000, 200)),
        ]);
        let catalogue = Catalogue {
            shapes,
            templates: BTreeMap::new(),
        };
        let (name, least) = catalogue
            .smallest(&BTreeSet::from(["a".to_owned(), "b".to_owned()]))
            .unwrap();
        assert_eq!(
            (name.as_str(), least.allocatable),
            ("b", Resources::new(2000, 100))
        );
    }
}
