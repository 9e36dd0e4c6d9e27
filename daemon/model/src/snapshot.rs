//! The Snapshot: cluster and cloud at one instant, with an age for every source.
//!
//! Built by an Observe, never changed afterwards. Unknown is not zero: what is missing says so.

use crate::group::Group;
use crate::ids::{GroupName, NodeName, PodKey};
use crate::intent::Ledger;
use crate::node::Node;
use crate::offer::Offer;
use crate::pod::{Pod, PodSpec, SpecIx};
use crate::time::{Instant, Span};
use crate::workload::{DisruptionBudget, Workload};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Cluster and cloud at one instant.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// When the picture was taken.
    pub at: Instant,
    /// Number of the cycle it was taken for; greater than that of every earlier cycle of this Ledger.
    pub cycle: u64,
    /// Seed for policies; recorded, the only randomness there is.
    pub seed: u64,
    /// Name of the cluster.
    pub cluster: String,
    /// Age of each source.
    pub sources: BTreeMap<Source, Freshness>,
    /// Distinct pod specs; pods and workloads point here.
    pub specs: Vec<Arc<PodSpec>>,
    /// Pods, sorted by key.
    pub pods: Vec<Pod>,
    /// Nodes, sorted by name.
    pub nodes: Vec<Node>,
    /// Groups, sorted by name.
    pub groups: Vec<Group>,
    /// Offers of all groups, sorted by id.
    pub offers: Vec<Offer>,
    /// Workloads, sorted by key.
    pub workloads: Vec<Workload>,
    /// PodDisruptionBudgets, sorted by namespace and name.
    pub budgets: Vec<DisruptionBudget>,
    /// Open intents and windowed counters, as read back.
    pub ledger: Ledger,
    /// The node this daemon runs on, where it runs on one.
    pub own_node: Option<NodeName>,
}

/// Where parts of a Snapshot come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Source {
    /// Pods.
    Pods,
    /// Nodes.
    Nodes,
    /// Workloads.
    Workloads,
    /// PodDisruptionBudgets.
    Budgets,
    /// Pod and node load.
    Load,
    /// Application metrics.
    Metrics,
    /// Groups and instances.
    Groups,
    /// Offers and prices.
    Offers,
}

/// How old a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Freshness {
    /// Complete, and no older than the source's own rhythm.
    Live,
    /// Complete, but this old.
    Stale {
        /// Age of the last sign of life.
        age: Span,
    },
    /// Never seen, or not complete.
    Missing,
}

impl Freshness {
    /// Whether the source is complete and at most this old.
    pub fn within(self, limit: Span) -> bool {
        match self {
            Self::Live => true,
            Self::Stale { age } => age <= limit,
            Self::Missing => false,
        }
    }
}

impl Snapshot {
    /// The spec behind an index; indices come from this Snapshot, an unknown one is a defect and gives an
    /// empty spec rather than a panic.
    pub fn spec(&self, ix: SpecIx) -> Arc<PodSpec> {
        self.specs.get(ix as usize).cloned().unwrap_or_default()
    }

    /// The group of this name.
    pub fn group(&self, name: &GroupName) -> Option<&Group> {
        self.groups
            .binary_search_by(|g| g.name.cmp(name))
            .ok()
            .and_then(|ix| self.groups.get(ix))
    }

    /// The node of this name.
    pub fn node(&self, name: &NodeName) -> Option<&Node> {
        self.nodes
            .binary_search_by(|n| n.name.cmp(name))
            .ok()
            .and_then(|ix| self.nodes.get(ix))
    }

    /// The pod of this key.
    pub fn pod(&self, key: &PodKey) -> Option<&Pod> {
        self.pods
            .binary_search_by(|p| p.key.cmp(key))
            .ok()
            .and_then(|ix| self.pods.get(ix))
    }

    /// How fresh a source is; a source nobody reported is missing.
    pub fn freshness(&self, source: Source) -> Freshness {
        self.sources.get(&source).copied().unwrap_or(Freshness::Missing)
    }

    /// Puts every list into its documented order; an Observe calls this last.
    pub fn sort(&mut self) {
        self.pods.sort_by(|a, b| a.key.cmp(&b.key));
        self.nodes.sort_by(|a, b| a.name.cmp(&b.name));
        self.workloads.sort_by(|a, b| a.key.cmp(&b.key));
        self.budgets
            .sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        let mut order: Vec<usize> = (0..self.groups.len()).collect();
        order.sort_by(|&a, &b| self.groups[a].name.cmp(&self.groups[b].name));
        let mut place = vec![0_u32; order.len()];
        for (new, &old) in order.iter().enumerate() {
            place[old] = u32::try_from(new).unwrap_or(u32::MAX);
        }
        self.groups.sort_by(|a, b| a.name.cmp(&b.name));
        for offer in &mut self.offers {
            offer.group = place.get(offer.group as usize).copied().unwrap_or(offer.group);
        }
        self.offers.sort_by(|a, b| a.id.cmp(&b.id));
    }
}
