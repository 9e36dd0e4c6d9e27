//! Aims: what the operator wants. Read from YAML by `manifest`; every field has a documented default.

mod modes;

use crate::disruption::DisruptionAims;
use crate::group::Bounds;
use crate::ids::{GroupName, WorkloadKey};
use crate::limits::Limits;
use crate::money::UsdPerHour;
use crate::quota::Quotas;
use crate::selector::{Labels, glob};
use crate::standing::Compose;
use crate::time::Span;
pub use modes::{Mode, Modes};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the operator wants.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Aims {
    /// What these aims may loosen of those in force, as [`Loosening`](crate::loosening::Loosening) writes it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub acknowledge: Vec<String>,
    /// Observe or act, per cluster, group, workload and hook.
    pub modes: Modes,
    /// What the guard holds every plan against.
    pub limits: Limits,
    /// How the answers of several policies become one.
    #[serde(skip_serializing_if = "Compose::is_usual")]
    pub compose: Compose,
    /// Workloads whose replicas may be set (beside the annotated ones).
    pub scale: Vec<ScaleAim>,
    /// Which offers are wanted.
    pub catalogue: Catalogue,
    /// What spot capacity counts beside its price.
    #[serde(skip_serializing_if = "SpotAims::is_usual")]
    pub spot: SpotAims,
    /// Capacity that is paid for already.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reserved: Vec<ReservedAim>,
    /// Fargate profiles to plan for, where the cluster itself names none.
    pub fargate: Vec<FargateAim>,
    /// Namespaces (globs) whose waiting pods may be ended, so that those made in their place are taken by Fargate.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub move_to_fargate: Vec<String>,
    /// How nodes are given up.
    pub shrink: ShrinkAims,
    /// What may be disrupted of one's own accord, and when.
    #[serde(skip_serializing_if = "DisruptionAims::is_usual")]
    pub disruption: DisruptionAims,
    /// How long new nodes are searched for.
    pub search: SearchAims,
    /// Schedulers, beside the default one, whose pods are demand.
    pub schedulers: Vec<String>,
    /// Groups that may grow and shrink; empty means all that are found.
    pub groups: Vec<GroupName>,
    /// Bounds that groups are to have, of self-managed Auto Scaling groups and managed node groups.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub bounds: BTreeMap<GroupName, BoundsAim>,
    /// How much there may be, per group and in all.
    #[serde(skip_serializing_if = "Quotas::is_none")]
    pub quotas: Quotas,
    /// Groups that are preferred whatever they cost, the heaviest first; what is not named weighs nothing.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub weights: BTreeMap<GroupName, u32>,
    /// What the priority of pods means for capacity.
    #[serde(skip_serializing_if = "PriorityAims::is_usual")]
    pub priority: PriorityAims,
    /// Zone id to zone name.
    pub zones: BTreeMap<String, String>,
    /// Keys of taints (`*` and `?` are wildcards) that nodes register with and agents take away, beside the known ones
    /// (`startup`).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub startup_taints: Vec<String>,
    /// What kube-scheduler was told to spread pods by that say nothing of it (PodTopologySpread's
    /// `defaultConstraints`, the required ones).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub spread_defaults: Vec<SpreadDefault>,
}

impl Aims {
    /// Whether waiting pods of the namespace may be made anew for Fargate.
    pub fn moves_to_fargate(&self, namespace: &str) -> bool {
        self.move_to_fargate
            .iter()
            .any(|pattern| glob(pattern, namespace))
    }

    /// Whether pods of this priority are expendable: nothing is bought for them, and no node is kept for them (the
    /// Cluster Autoscaler's `--expendable-pods-priority-cutoff`).
    pub const fn is_expendable(&self, priority: i32) -> bool {
        priority < self.priority.expendable_below
    }

    /// How much a group is preferred.
    pub fn weight(&self, group: &GroupName) -> u32 {
        self.weights.get(group).copied().unwrap_or(0)
    }
}

/// A required topology spread for pods that have none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SpreadDefault {
    /// Node label whose equal values make a domain (`topologyKey`).
    pub key: String,
    /// `maxSkew`, at least 1.
    pub skew: u32,
}

/// A workload that policies may scale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScaleAim {
    /// Which.
    pub workload: WorkloadKey,
    /// Fewest replicas.
    pub min: u32,
    /// Most replicas.
    pub max: u32,
    /// Target, in thousandths of the request for `cpu` and `memory`, else of the metric's unit per replica.
    pub target_milli: i64,
    /// Metric that is held at the target.
    pub metric: String,
}

/// Bounds that a group is to have; what is not said stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BoundsAim {
    /// Fewest instances.
    pub min: Option<u32>,
    /// Most instances.
    pub max: Option<u32>,
}

impl BoundsAim {
    /// What it wants of a group that has these bounds.
    pub fn over(self, now: Bounds) -> Bounds {
        Bounds {
            min: self.min.unwrap_or(now.min),
            max: self.max.unwrap_or(now.max),
        }
    }
}

/// What the priority of pods means for capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PriorityAims {
    /// Pods of lower priority are expendable: they are placed in free room only.
    pub expendable_below: i32,
}

impl Default for PriorityAims {
    /// The Cluster Autoscaler's.
    fn default() -> Self {
        Self {
            expendable_below: -10,
        }
    }
}

impl PriorityAims {
    /// As if nothing was said.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// Which offers are wanted.
#[expect(
    clippy::struct_excessive_bools,
    reason = "four kinds of types, each wanted or not"
)]
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Catalogue {
    /// Bare metal types.
    pub bare_metal: bool,
    /// Burstable types (t-families).
    pub burstable: bool,
    /// Mac types.
    pub mac: bool,
    /// Spot offers.
    pub spot: bool,
    /// Largest type, in vCPU; `None`: no limit.
    pub max_vcpu: Option<u32>,
    /// Instance families or types to keep (`m6a`, `m6a.large`); empty: all.
    pub types: Vec<String>,
    /// Architectures to keep; empty: all that are known.
    pub arch: Vec<String>,
}

/// A Fargate profile as the aims describe it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FargateAim {
    /// Profile name.
    pub profile: String,
    /// Namespaces it selects (globs).
    pub namespaces: Vec<String>,
    /// Labels a pod must carry; empty: any.
    pub labels: Labels,
}

/// What spot capacity counts beside its price. It steers what is bought and moved; no bill shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SpotAims {
    /// What the interruption of one pod counts, in nano-dollars.
    pub interruption_cost_nanos: i64,
    /// Chance that a node is interrupted within a month, in thousandths, where its offer tells none.
    pub interruptions_permille: u32,
    /// What a spot node counts on top of its price, in thousandths of it, were all spot capacity of its type and zone;
    /// of a part of that as much less.
    pub diversity_permille: u32,
}

impl Default for SpotAims {
    /// Nothing counts; of nodes that tell nothing, a tenth is taken to be interrupted in a month (AWS' Spot Instance
    /// Advisor tells bands from below 5 % to above 20 %).
    fn default() -> Self {
        Self {
            interruption_cost_nanos: 0,
            interruptions_permille: 100,
            diversity_permille: 0,
        }
    }
}

impl SpotAims {
    /// As if nothing was said.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// Instances that are paid for whether they run or not: a capacity reservation, reserved instances, a savings plan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservedAim {
    /// Group that buys them: named here, it is made; known to the cluster, its offers are taken to be reserved.
    pub name: GroupName,
    /// Instance type; of a group that is known, all its types where absent.
    pub instance_type: Option<String>,
    /// Zones, by name or id; empty: wherever the type is sold.
    pub zones: Vec<String>,
    /// How many there are; nodes that run count.
    pub nodes: u32,
    /// What one more of them adds to the bill.
    pub price: UsdPerHour,
}

/// How much work goes into a cheaper plan. Work is counted, never timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SearchAims {
    /// In hundredths of the usual work, at most [`SearchAims::MOST`]; 0 takes the first answer.
    pub work_percent: u32,
    /// Kinds of waiting pods that one cycle looks at, shared out between namespaces; one whose rules are dear to follow
    /// counts several times (`decide`'s fair shares). What was recorded without it looked at all.
    #[serde(default = "all")]
    pub kinds: u32,
    /// Waiting pods and replicas to come that one cycle looks at, shared out in the same way.
    #[serde(default = "all")]
    pub pods: u32,
}

const fn all() -> u32 {
    u32::MAX
}

impl SearchAims {
    /// A hundred times the usual work.
    pub const MOST: u32 = 10_000;
}

impl Default for SearchAims {
    fn default() -> Self {
        Self {
            work_percent: 100,
            kinds: 10_000,
            pods: 200_000,
        }
    }
}

/// How nodes are given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ShrinkAims {
    /// Off means that no node is ever removed.
    pub enabled: bool,
    /// A node must have been unneeded this long.
    pub unneeded_for: Span,
    /// A node younger than this is left alone.
    pub min_age: Span,
    /// Both of these are no longer than this for nodes whose pods are no more than owners have let go of by lowering their
    /// replicas, and find room on others: that is no lull. For what is replaced they are as ever. 0, and in what was recorded without it: it makes no difference.
    #[serde(default)]
    pub explained_for: Span,
    /// A drain that takes longer is given up.
    pub drain_timeout: Span,
    /// Nodes drained at once.
    pub parallel: u32,
    /// What one eviction counts, in nano-dollars: a removal must save more within `payback`, and where pods come and go,
    /// within as long as the node has wasted already.
    pub eviction_cost_nanos: i64,
    /// See `eviction_cost_nanos`.
    pub payback: Span,
    /// Wasteful nodes empty by themselves, so that fewer pods have to be evicted: pods there are marked to go first
    /// when their ReplicaSets give some up (annotation `controller.kubernetes.io/pod-deletion-cost`), and new pods are
    /// asked to go elsewhere where they can (a taint `PreferNoSchedule`).
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub yields: bool,
}

impl Default for ShrinkAims {
    fn default() -> Self {
        Self {
            enabled: true,
            unneeded_for: Span::from_secs(600),
            min_age: Span::from_secs(600),
            explained_for: Span::from_secs(60),
            drain_timeout: Span::from_secs(1800),
            parallel: 2,
            eviction_cost_nanos: 500_000,
            payback: Span::from_secs(3600),
            yields: false,
        }
    }
}
