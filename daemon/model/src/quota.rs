//! Quotas: how much CPU, memory and how many nodes there may be, per group and in all, and how much there is.
//!
//! A quota stops growth and never removes anything (Karpenter's NodePool `limits`, the Cluster Autoscaler's
//! `--cores-total` and `--memory-total`). Counted is every node that is there or on its way, as long as it is, whoever
//! made it; Fargate's are left out: they are pods, not nodes. A node counts with whole CPUs, its allocatable ones rounded
//! up, which is what it was bought with (kubelet keeps less than one for itself), and with its allocatable memory. What
//! is bought is decided elsewhere.

mod usage;

use crate::counted::Counted;
use crate::ids::GroupName;
use crate::money::UsdPerHour;
use crate::resources::{GIB, MIB, Resources};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
pub use usage::Usage;

/// How much there may be; what is not said is not limited.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quota {
    /// Millicores.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_milli: Option<i64>,
    /// Bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_bytes: Option<i64>,
    /// Nodes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<u32>,
}

/// Quotas of groups and of all nodes together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Quotas {
    /// Of all nodes of the cluster.
    pub total: Quota,
    /// Of the nodes of single groups.
    pub groups: BTreeMap<GroupName, Quota>,
    /// Of the pods of single namespaces; `*` is every namespace that is not named.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub namespaces: BTreeMap<String, NamespaceQuota>,
}

/// The name under which the quota of every other namespace stands.
pub const EVERY_OTHER: &str = "*";

/// How much the pods of one namespace may take of the nodes they stand on, and at most: a node is shared out between the
/// namespaces of its pods in proportion to what these ask for, so that one small pod that keeps others off its node takes
/// all of it. What is not said is not limited. Nothing is bought above it; what is there stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NamespaceQuota {
    /// Nodes, added up from shares.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<u32>,
    /// What these shares cost.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rate: Option<UsdPerHour>,
}

/// A quota of a namespace that leaves no room for what is wanted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum NamespaceReached {
    /// It may take no more nodes than this.
    Nodes(u32),
    /// It may cost no more than this.
    Rate(UsdPerHour),
}

impl fmt::Display for NamespaceReached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nodes(limit) => write!(f, "the quota of {} of its namespace", Counted(*limit, "node")),
            Self::Rate(limit) => write!(f, "the quota of {limit} of its namespace"),
        }
    }
}

/// What a quota measures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Measure {
    /// Millicores.
    Cpu,
    /// Bytes.
    Memory,
    /// Nodes.
    Nodes,
}

/// A quota that leaves no room for what is wanted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Reached {
    /// The group it is of; `None`: of all nodes.
    pub group: Option<GroupName>,
    /// What it measures.
    pub measure: Measure,
    /// How much there may be: millicores, bytes or nodes.
    pub limit: i64,
}

/// Amounts that quotas measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Amounts {
    /// Millicores.
    pub cpu_milli: i64,
    /// Bytes.
    pub memory_bytes: i64,
    /// Nodes.
    pub nodes: i64,
}

/// Millicores of a CPU.
const CPU: i64 = 1000;

impl Measure {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Cpu, Self::Memory, Self::Nodes];

    /// As aims write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Memory => "memory",
            Self::Nodes => "nodes",
        }
    }

    /// An amount of it in words: `64 CPUs`, `256Gi of memory`, `8 nodes`.
    pub const fn shown(self, amount: i64) -> Shown {
        Shown {
            measure: self,
            amount,
        }
    }
}

/// An amount in words.
#[derive(Clone, Copy, Debug)]
pub struct Shown {
    measure: Measure,
    amount: i64,
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amount = self.amount;
        match self.measure {
            Measure::Cpu if amount % CPU == 0 => Counted(amount / CPU, "CPU").fmt(f),
            Measure::Cpu => write!(f, "{amount}m CPU"),
            Measure::Memory if amount % GIB == 0 => write!(f, "{}Gi of memory", amount / GIB),
            Measure::Memory => write!(f, "{}Mi of memory", amount.div_euclid(MIB)),
            Measure::Nodes => Counted(amount, "node").fmt(f),
        }
    }
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let limit = self.measure.shown(self.limit);
        match &self.group {
            Some(group) => write!(f, "the quota of {limit} of group {group}"),
            None => write!(f, "the quota of {limit} in total"),
        }
    }
}

impl Amounts {
    /// More than there ever is.
    pub const ENDLESS: Self = Self {
        cpu_milli: i64::MAX,
        memory_bytes: i64::MAX,
        nodes: i64::MAX,
    };

    /// What a node with these resources for pods counts.
    pub fn of_node(allocatable: &Resources) -> Self {
        let cpu = allocatable.cpu_milli.max(0);
        Self {
            cpu_milli: (cpu / CPU + i64::from(cpu % CPU > 0)).saturating_mul(CPU),
            memory_bytes: allocatable.memory_bytes.max(0),
            nodes: 1,
        }
    }

    /// Of one measure.
    pub const fn of(&self, measure: Measure) -> i64 {
        match measure {
            Measure::Cpu => self.cpu_milli,
            Measure::Memory => self.memory_bytes,
            Measure::Nodes => self.nodes,
        }
    }

    /// So many times as much more.
    pub fn add(&mut self, more: &Self, times: u32) {
        let times = i64::from(times);
        let sum = |own: i64, more: i64| own.saturating_add(more.saturating_mul(times));
        self.cpu_milli = sum(self.cpu_milli, more.cpu_milli);
        self.memory_bytes = sum(self.memory_bytes, more.memory_bytes);
        self.nodes = sum(self.nodes, more.nodes);
    }

    /// So many times as much less; what is endless stays so.
    pub fn take(&mut self, less: &Self, times: u32) {
        let times = i64::from(times);
        let rest = |own: &mut i64, less: i64| {
            if *own < i64::MAX {
                *own = own.saturating_sub(less.saturating_mul(times));
            }
        };
        rest(&mut self.cpu_milli, less.cpu_milli);
        rest(&mut self.memory_bytes, less.memory_bytes);
        rest(&mut self.nodes, less.nodes);
    }

    /// The larger of each.
    #[must_use]
    pub fn most(&self, other: &Self) -> Self {
        Self {
            cpu_milli: self.cpu_milli.max(other.cpu_milli),
            memory_bytes: self.memory_bytes.max(other.memory_bytes),
            nodes: self.nodes.max(other.nodes),
        }
    }

    /// Whether none of them is more.
    pub const fn is_within(&self, other: &Self) -> bool {
        self.cpu_milli <= other.cpu_milli
            && self.memory_bytes <= other.memory_bytes
            && self.nodes <= other.nodes
    }

    /// How many nodes that count so much there is room for, at most `most`.
    pub fn copies(&self, each: &Self, most: u32) -> u32 {
        let room = |measure: &Measure| match each.of(*measure) {
            ..=0 => None,
            each => Some(u32::try_from(self.of(*measure).max(0) / each).unwrap_or(u32::MAX)),
        };
        Measure::ALL.iter().filter_map(room).fold(most, u32::min)
    }
}

impl Quota {
    /// Nothing is limited.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// How much there may be of a measure.
    pub fn of(&self, measure: Measure) -> Option<i64> {
        match measure {
            Measure::Cpu => self.cpu_milli,
            Measure::Memory => self.memory_bytes,
            Measure::Nodes => self.nodes.map(i64::from),
        }
    }

    /// What is left of it beside so much; less than nothing where there is more than it allows.
    pub fn left(&self, used: &Amounts) -> Amounts {
        let left = |measure| match self.of(measure) {
            Some(limit) => limit.saturating_sub(used.of(measure)),
            None => i64::MAX,
        };
        Amounts {
            cpu_milli: left(Measure::Cpu),
            memory_bytes: left(Measure::Memory),
            nodes: left(Measure::Nodes),
        }
    }

    /// The first measure of which a node that counts so much finds too little left.
    pub fn reached(&self, left: &Amounts, each: &Amounts, group: Option<&GroupName>) -> Option<Reached> {
        Measure::ALL.into_iter().find_map(|measure| {
            let limit = self.of(measure)?;
            (left.of(measure) < each.of(measure)).then(|| Reached {
                group: group.cloned(),
                measure,
                limit,
            })
        })
    }
}

impl Quotas {
    /// Nothing is limited.
    pub fn is_none(&self) -> bool {
        self.total.is_none() && self.groups.values().all(Quota::is_none) && self.namespaces.is_empty()
    }

    /// That of a namespace, where it has one.
    pub fn of_namespace(&self, namespace: &str) -> Option<&NamespaceQuota> {
        self.namespaces
            .get(namespace)
            .or_else(|| self.namespaces.get(EVERY_OTHER))
    }

    /// That of a group, where it has one.
    pub fn of(&self, group: &GroupName) -> Option<&Quota> {
        self.groups.get(group).filter(|quota| !quota.is_none())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_counts_with_the_cpus_it_was_bought_with() {
        let counted = |cpu| Amounts::of_node(&Resources::new(cpu, GIB)).cpu_milli;
        assert_eq!(
            [1930, 2000, 3920, 15_890, 191_450, 0, -5].map(counted),
            [2000, 2000, 4000, 16_000, 192_000, 0, 0]
        );
    }

    #[test]
    fn room_is_counted_in_whole_nodes_and_never_below_none() {
        let each = Amounts::of_node(&Resources::new(3920, 15 * GIB));
        let quota = Quota {
            cpu_milli: Some(16_000),
            memory_bytes: None,
            nodes: Some(9),
        };
        let mut used = Amounts::default();
        assert_eq!(quota.left(&used).copies(&each, 100), 4);
        assert_eq!(quota.left(&used).copies(&each, 3), 3);
        used.add(&each, 4);
        assert_eq!(quota.left(&used).copies(&each, 100), 0);
        let reached = quota.reached(&quota.left(&used), &each, None).unwrap();
        assert_eq!(reached.to_string(), "the quota of 16 CPUs in total");
        used.add(&each, 4);
        assert_eq!(quota.left(&used).copies(&each, 100), 0, "over it already");
        assert_eq!(Amounts::ENDLESS.copies(&each, 7), 7);
        let mut endless = Amounts::ENDLESS;
        endless.take(&each, u32::MAX);
        assert_eq!(endless, Amounts::ENDLESS);
    }

    #[test]
    fn amounts_are_written_as_people_do() {
        let shown = [
            (Measure::Cpu, 64_000),
            (Measure::Cpu, 1000),
            (Measure::Cpu, 1500),
            (Measure::Memory, 256 * GIB),
            (Measure::Memory, 3 * MIB),
            (Measure::Nodes, 1),
            (Measure::Nodes, 8),
        ];
        assert_eq!(
            shown.map(|(measure, amount)| measure.shown(amount).to_string()),
            [
                "64 CPUs",
                "1 CPU",
                "1500m CPU",
                "256Gi of memory",
                "3Mi of memory",
                "1 node",
                "8 nodes"
            ]
        );
    }
}
