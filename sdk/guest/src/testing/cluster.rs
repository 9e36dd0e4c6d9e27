//! Made-up rows of what is there: groups, offers, nodes, pods, metrics.

use super::{Labels, Picture};
use crate::{GroupKind, Phase, Purchase};
use std::collections::BTreeMap;

/// A group; by default a managed node group of up to a hundred nodes, half requested.
#[derive(Clone, Debug)]
pub struct Group {
    /// Name.
    pub name: String,
    /// Kind.
    pub kind: GroupKind,
    /// Fewest instances.
    pub min: u32,
    /// Most instances.
    pub max: u32,
    /// Instances that were asked for.
    pub desired: u32,
    /// Somebody else owns its size.
    pub foreign: bool,
    /// Requested share of CPU, thousandths.
    pub cpu_requested: u32,
    /// Requested share of memory, thousandths.
    pub memory_requested: u32,
    /// Used share of CPU, thousandths.
    pub cpu_used: Option<u32>,
    /// Used share of memory, thousandths.
    pub memory_used: Option<u32>,
    /// Median boot time.
    pub boot_ms: Option<u32>,
    /// Since it was told to want for capacity.
    pub short_ms: Option<u32>,
    /// Labels of its nodes.
    pub labels: Labels,
}

impl Default for Group {
    fn default() -> Self {
        Self {
            name: "workers".to_owned(),
            kind: GroupKind::ManagedNodeGroup,
            min: 0,
            max: 100,
            desired: 10,
            foreign: false,
            cpu_requested: 500,
            memory_requested: 500,
            cpu_used: None,
            memory_used: None,
            boot_ms: None,
            short_ms: None,
            labels: Labels::new(),
        }
    }
}

/// An offer; by default an m6a.large on demand in the first group.
#[derive(Clone, Debug)]
pub struct Offer {
    /// Group row.
    pub group: u32,
    /// Instance type.
    pub instance_type: String,
    /// Zone.
    pub zone: String,
    /// Architecture.
    pub arch: String,
    /// How it is paid; `None` for a Fargate size.
    pub purchase: Option<Purchase>,
    /// What pods can use, millicores.
    pub cpu_milli: u32,
    /// What pods can use, MiB.
    pub memory_mib: u32,
    /// Most pods.
    pub pods: u32,
    /// Price.
    pub price: f64,
    /// How far the price can be trusted.
    pub confidence: u32,
    /// Chance that it is taken back within a month, thousandths.
    pub interruptions: Option<u32>,
    /// For how long it is not bought.
    pub barred_ms: u32,
    /// Extended resources.
    pub extended: BTreeMap<String, u32>,
    /// Labels of a node bought so.
    pub labels: Labels,
}

impl Default for Offer {
    fn default() -> Self {
        Self {
            group: 0,
            instance_type: "m6a.large".to_owned(),
            zone: "us-east-1a".to_owned(),
            arch: "amd64".to_owned(),
            purchase: Some(Purchase::OnDemand),
            cpu_milli: 1930,
            memory_mib: 7_000,
            pods: 29,
            price: 0.0864,
            confidence: 1,
            interruptions: None,
            barred_ms: 0,
            extended: BTreeMap::new(),
            labels: Labels::new(),
        }
    }
}

/// A node; by default a Ready one of the first group and offer, a day old.
#[derive(Clone, Debug)]
pub struct Node {
    /// Name.
    pub name: String,
    /// Group row.
    pub group: Option<u32>,
    /// Offer row.
    pub offer: Option<u32>,
    /// State, the contract's sum.
    pub state: u32,
    /// Price.
    pub price: Option<f64>,
    /// Age.
    pub age_ms: u32,
    /// What pods can use, millicores.
    pub cpu_milli: u32,
    /// What pods can use, MiB.
    pub memory_mib: u32,
    /// Most pods.
    pub pods: u32,
    /// CPU in use, millicores.
    pub cpu_used: Option<u32>,
    /// Memory in use, MiB.
    pub memory_used: Option<u32>,
    /// Extended resources.
    pub extended: BTreeMap<String, u32>,
    /// Labels.
    pub labels: Labels,
}

impl Default for Node {
    fn default() -> Self {
        Self {
            name: "node".to_owned(),
            group: Some(0),
            offer: Some(0),
            state: 1,
            price: Some(0.0864),
            age_ms: 86_400_000,
            cpu_milli: 1930,
            memory_mib: 7_000,
            pods: 29,
            cpu_used: None,
            memory_used: None,
            extended: BTreeMap::new(),
            labels: Labels::new(),
        }
    }
}

/// A pod; by default one of a Deployment that runs on the first node for an hour.
#[derive(Clone, Debug)]
pub struct Pod {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Node row.
    pub node: Option<u32>,
    /// Where it stands in its life.
    pub phase: Phase,
    /// Age.
    pub age_ms: u32,
    /// Request, millicores.
    pub cpu_milli: u32,
    /// Request, MiB.
    pub memory_mib: u32,
    /// CPU in use, millicores.
    pub cpu_used: Option<u32>,
    /// Memory in use, MiB.
    pub memory_used: Option<u32>,
    /// `spec.priority`.
    pub priority: i32,
    /// Kind of the owner.
    pub owner_kind: String,
    /// Name of the owner.
    pub owner_name: String,
    /// Extended resources.
    pub extended: BTreeMap<String, u32>,
    /// Labels.
    pub labels: Labels,
    /// Annotations.
    pub annotations: Labels,
}

impl Default for Pod {
    fn default() -> Self {
        Self {
            namespace: "default".to_owned(),
            name: "app-0".to_owned(),
            node: Some(0),
            phase: Phase::Running,
            age_ms: 3_600_000,
            cpu_milli: 250,
            memory_mib: 512,
            cpu_used: None,
            memory_used: None,
            priority: 0,
            owner_kind: "Deployment".to_owned(),
            owner_name: "app".to_owned(),
            extended: BTreeMap::new(),
            labels: Labels::new(),
            annotations: Labels::new(),
        }
    }
}

/// A figure about a workload; by default the requests per second of a Deployment, 15 seconds old.
#[derive(Clone, Debug)]
pub struct Metric {
    /// Name.
    pub name: String,
    /// Kind of the workload.
    pub kind: String,
    /// Namespace of the workload.
    pub namespace: String,
    /// Name of the workload.
    pub workload: String,
    /// Value.
    pub value: f64,
    /// Age.
    pub age_ms: u32,
    /// Pods that contributed.
    pub pods: u32,
}

impl Default for Metric {
    fn default() -> Self {
        Self {
            name: "requests".to_owned(),
            kind: "Deployment".to_owned(),
            namespace: "default".to_owned(),
            workload: "app".to_owned(),
            value: 100.0,
            age_ms: 15_000,
            pods: 3,
        }
    }
}

impl Picture {
    /// Adds a group.
    #[must_use]
    pub fn group(mut self, group: Group) -> Self {
        self.groups.push(group);
        self
    }

    /// Adds an offer.
    #[must_use]
    pub fn offer(mut self, offer: Offer) -> Self {
        self.offers.push(offer);
        self
    }

    /// Adds a node.
    #[must_use]
    pub fn node(mut self, node: Node) -> Self {
        self.nodes.push(node);
        self
    }

    /// Adds a pod.
    #[must_use]
    pub fn pod(mut self, pod: Pod) -> Self {
        self.pods.push(pod);
        self
    }

    /// Adds a metric.
    #[must_use]
    pub fn metric(mut self, metric: Metric) -> Self {
        self.metrics.push(metric);
        self
    }

    pub(crate) fn nodes_of_groups(&self) -> Vec<u32> {
        let of = |at: usize| {
            self.nodes
                .iter()
                .filter(move |node| node.group.map(|g| g as usize) == Some(at))
        };
        let count = |at| u32::try_from(of(at).count()).unwrap_or(u32::MAX);
        (0..self.groups.len()).map(count).collect()
    }
}

impl Phase {
    pub(crate) fn code(self) -> u32 {
        match self {
            Self::Pending => 0,
            Self::Gated => 1,
            Self::Starting => 2,
            Self::Running => 3,
            Self::Terminating => 4,
            Self::Finished => 5,
            Self::Other => u32::MAX - 1,
        }
    }
}
