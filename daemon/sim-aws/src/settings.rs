//! What a pretend account is made of before anything happens in it.
//!
//! Plain values with usual ones to begin with. Not here: reading them from a file (`settings_file`).

use crate::catalogue::{self, Types};
use crate::faults::Fault;
use model::time::{Lag, Span};
use std::collections::BTreeMap;

/// A zone by its two names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Zone {
    /// `us-east-1a`.
    pub name: String,
    /// `use1-az1`.
    pub id: String,
}

/// Id of the one subnet of a zone, by the name of the zone.
pub(crate) fn subnet(zone: &str) -> String {
    format!("subnet-{zone}")
}

/// Service quotas that launches count against, vCPUs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quotas {
    /// On-demand (L-1216C47A).
    pub on_demand_vcpus: u32,
    /// Spot (L-34B43A08).
    pub spot_vcpus: u32,
}

/// How a mixed instances policy divides a group between purchases (Auto Scaling's `InstancesDistribution`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Distribution {
    /// Instances that are on-demand before anything else.
    pub on_demand_base: u32,
    /// Of those above the base, the share that is on-demand, in percent, rounded up.
    pub on_demand_percent: u32,
}

impl Distribution {
    /// On-demand instances among so many.
    pub fn on_demand_of(self, instances: u32) -> u32 {
        let above = instances.saturating_sub(self.on_demand_base);
        let share = u64::from(above) * u64::from(self.on_demand_percent.min(100));
        let share = u32::try_from(share.div_ceil(100)).unwrap_or(above);
        instances.min(self.on_demand_base) + share
    }
}

/// The warm pool of a group: instances that are set up beforehand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WarmPool {
    /// Fewest that wait.
    pub min: u32,
    /// Instances in the group and in the pool together; the group's maximum where nothing is said.
    pub prepared: Option<u32>,
    /// They wait running, and are billed; else stopped.
    pub running: bool,
}

/// An Auto Scaling group to make; its launch template bears its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewGroup {
    /// Name.
    pub name: String,
    /// Instance types; several make a mixed instances policy.
    pub types: Vec<String>,
    /// Names of zones; empty: all.
    pub zones: Vec<String>,
    /// Fewest instances.
    pub min: u32,
    /// Most instances.
    pub max: u32,
    /// Instances to begin with; they are in service at once.
    pub desired: u32,
    /// All spot.
    pub spot: bool,
    /// How its mixed instances policy divides it; `None`: all of it as `spot` says.
    pub distribution: Option<Distribution>,
    /// Tags.
    pub tags: BTreeMap<String, String>,
    /// Processes that are suspended.
    pub suspended: Vec<String>,
    /// Labels and taints that the kubelets of its launch template register with, as `--node-labels` and
    /// `--register-with-taints` write them.
    pub node_labels: BTreeMap<String, String>,
    /// `KEY=VALUE:EFFECT`.
    pub node_taints: Vec<String>,
    /// Its warm pool.
    pub warm_pool: Option<WarmPool>,
    /// Parameter of Systems Manager that its launch template names instead of an image (`resolve:ssm:`).
    pub image_parameter: Option<String>,
}

impl NewGroup {
    /// A group of this type in all zones, empty, of ten at most.
    pub fn of(name: &str, instance_type: &str) -> Self {
        Self {
            name: name.to_owned(),
            types: vec![instance_type.to_owned()],
            zones: Vec::new(),
            min: 0,
            max: 10,
            desired: 0,
            spot: false,
            distribution: None,
            tags: BTreeMap::new(),
            suspended: Vec::new(),
            node_labels: BTreeMap::new(),
            node_taints: Vec::new(),
            warm_pool: None,
            image_parameter: None,
        }
    }

    /// How it is divided between purchases.
    pub fn distribution(&self) -> Distribution {
        self.distribution.unwrap_or(Distribution {
            on_demand_base: 0,
            on_demand_percent: if self.spot { 0 } else { 100 },
        })
    }

    /// With these bounds and this many instances to begin with.
    #[must_use]
    pub const fn sized(mut self, min: u32, max: u32, desired: u32) -> Self {
        (self.min, self.max, self.desired) = (min, max, desired);
        self
    }

    /// With a tag more.
    #[must_use]
    pub fn tagged(mut self, key: &str, value: &str) -> Self {
        self.tags.insert(key.to_owned(), value.to_owned());
        self
    }
}

/// An EKS managed node group to make, with the Auto Scaling group behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewNodeGroup {
    /// The group; EKS names its Auto Scaling group `eks-NAME-…`.
    pub group: NewGroup,
    /// Kubernetes labels.
    pub labels: BTreeMap<String, String>,
    /// Kubernetes taints: key, value, effect as EKS writes it (`NO_SCHEDULE`, …).
    pub taints: Vec<(String, String, String)>,
}

/// A Fargate profile to make: selectors are a namespace and labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewProfile {
    /// Name.
    pub name: String,
    /// Selectors.
    pub selectors: Vec<(String, BTreeMap<String, String>)>,
    /// Names of the zones of its subnets.
    pub zones: Vec<String>,
}

/// A pretend account and region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Seed of every draw.
    pub seed: u64,
    /// Region.
    pub region: String,
    /// Account id, twelve digits.
    pub account: String,
    /// Name of the EKS cluster.
    pub cluster: String,
    /// Kubernetes version of the EKS cluster.
    pub version: String,
    /// Zones.
    pub zones: Vec<Zone>,
    /// Instance types.
    pub types: Types,
    /// From asked to running.
    pub boot: Lag,
    /// From running to the kubelet's registration.
    pub join: Lag,
    /// How long after a change of desired size a group acts on it.
    pub react: Lag,
    /// How far behind lists of instances are.
    pub behind: Lag,
    /// How long after its notice a spot instance is taken back.
    pub spot_notice: Span,
    /// How long a node group update takes.
    pub update: Lag,
    /// Quotas.
    pub quotas: Quotas,
    /// Calls are throttled as AWS does.
    pub throttles: bool,
    /// Several instances can be given up in one call, as since 2026.
    pub batches: bool,
    /// Self-managed groups.
    pub groups: Vec<NewGroup>,
    /// Managed node groups.
    pub node_groups: Vec<NewNodeGroup>,
    /// Fargate profiles.
    pub profiles: Vec<NewProfile>,
    /// Images by the parameters of Systems Manager that name them.
    pub images: BTreeMap<String, String>,
    /// Launch templates without a group, name and instance type: what a fleet launches from.
    pub templates: Vec<NewGroup>,
    /// Names of the SQS queues that there are; each gets every notice.
    pub queues: Vec<String>,
    /// What goes wrong, by the time since the beginning.
    pub faults: Vec<Fault>,
}

impl Default for Settings {
    /// Three zones of us-east-1, the built-in types, lags as measured on EKS, no groups, no faults.
    fn default() -> Self {
        let zone = |letter: &str, id: &str| Zone {
            name: format!("us-east-1{letter}"),
            id: format!("use1-az{id}"),
        };
        Self {
            seed: 1,
            region: "us-east-1".to_owned(),
            account: "123456789012".to_owned(),
            cluster: "blue".to_owned(),
            version: "1.36".to_owned(),
            zones: vec![zone("a", "1"), zone("b", "2"), zone("c", "4")],
            types: catalogue::built_in(),
            boot: Lag::secs(8, 20),
            join: Lag::secs(20, 40),
            react: Lag::secs(2, 8),
            behind: Lag::secs(0, 2),
            spot_notice: Span::from_secs(120),
            update: Lag::secs(30, 90),
            quotas: Quotas {
                on_demand_vcpus: 100_000,
                spot_vcpus: 100_000,
            },
            throttles: true,
            batches: true,
            groups: Vec::new(),
            node_groups: Vec::new(),
            profiles: Vec::new(),
            images: BTreeMap::new(),
            templates: Vec::new(),
            queues: vec!["notices".to_owned()],
            faults: Vec::new(),
        }
    }
}
