//! What the cluster cannot do without (I14): pods of `kube-system` and of the priority classes that Kubernetes keeps for
//! itself, DNS before all. Which node has the last Ready one of a workload, and which pod can be spared.
//!
//! Read from the Snapshot alone. Pods of DaemonSets go with their node, pods of Jobs end anyway, and who annotates
//! `safe-to-evict: "true"` has said that it may go. Not here: what is done about it.

use crate::ids::{NodeName, PodKey, WorkloadKey};
use crate::intent::Ledger;
use crate::node::Node;
use crate::pod::{Pod, PodPhase, PodSpec};
use crate::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};

/// The value of `system-cluster-critical`; `system-node-critical` is above it, what others may define is below.
const SYSTEM_CRITICAL: i32 = 2_000_000_000;

/// Where its add-ons are.
const SYSTEM: &str = "kube-system";

/// Of a large workload one in so many may be away at once.
const AWAY: u32 = 10;

/// See the module.
#[derive(Clone, Debug, Default)]
pub struct Critical<'s> {
    workloads: BTreeMap<&'s WorkloadKey, Pods<'s>>,
    on: BTreeMap<&'s NodeName, BTreeSet<&'s WorkloadKey>>,
    whose: BTreeMap<&'s PodKey, &'s WorkloadKey>,
    /// Nodes that are Ready and nobody wants away.
    steady: BTreeSet<&'s NodeName>,
}

/// Pods of one workload.
#[derive(Clone, Debug, Default)]
struct Pods<'s> {
    ready: Vec<(&'s PodKey, &'s NodeName)>,
    wanted: u32,
}

impl<'s> Critical<'s> {
    /// Finds them; what the Ledger has on its way out does not stay.
    pub fn of(seen: &'s Snapshot, ledger: &Ledger) -> Self {
        let mut this = Self::default();
        let whose: Vec<Option<&WorkloadKey>> = seen.specs.iter().map(|spec| owner(spec)).collect();
        if whose.iter().all(Option::is_none) {
            return this;
        }
        for pod in &seen.pods {
            if let Some(owner) = whose.get(pod.spec as usize).copied().flatten()
                && let Some(node) = ready_on(pod)
            {
                let pods = this.workloads.entry(owner).or_default();
                pods.ready.push((&pod.key, node));
                pods.wanted += 1;
                this.on.entry(node).or_default().insert(owner);
                this.whose.insert(&pod.key, owner);
            }
        }
        for workload in &seen.workloads {
            if let Some(pods) = this.workloads.get_mut(&workload.key) {
                pods.wanted = pods.wanted.max(workload.replicas);
            }
        }
        let steady = seen.nodes.iter().filter(|node| stays(node, ledger));
        this.steady = steady.map(|node| &node.name).collect();
        this
    }

    /// The workload whose last Ready pod goes with the node: no node that stays has another. Where several are on this
    /// one, they can go one after the other.
    pub fn last_on(
        &self,
        node: &NodeName,
        leaves: impl Fn(&NodeName) -> bool,
    ) -> Option<(&'s WorkloadKey, &'s PodKey)> {
        let theirs = self.on.get(node)?;
        theirs.iter().find_map(|owner| {
            let pods = self.workloads.get(owner)?;
            let here = pods.ready.iter().filter(|(_, on)| *on == node).count();
            let stays = |on: &NodeName| on != node && self.steady.contains(on) && !leaves(on);
            let last = pods.ready.iter().find(|(_, on)| *on == node)?;
            (here < 2 && !pods.ready.iter().any(|(_, on)| stays(on))).then_some((*owner, last.0))
        })
    }

    /// The workload that cannot do without the pod now: it is the last Ready one, or as many as may be away at once are
    /// missing or `gone`.
    pub fn needs(&self, pod: &PodKey, gone: impl Fn(&PodKey) -> bool) -> Option<&'s WorkloadKey> {
        let owner = *self.whose.get(pod)?;
        let pods = self.workloads.get(owner)?;
        let left = pods.ready.iter().filter(|(other, _)| !gone(other)).count();
        let left = u32::try_from(left).unwrap_or(u32::MAX);
        let away = pods.wanted.saturating_sub(left);
        (left < 2 || away >= (pods.wanted / AWAY).max(1)).then_some(owner)
    }
}

/// Whose the pods of the spec are, where the cluster cannot do without them.
fn owner(spec: &PodSpec) -> Option<&WorkloadKey> {
    let critical = spec.namespace == SYSTEM || spec.priority >= SYSTEM_CRITICAL;
    let owner = spec.owner.as_ref()?;
    let counts = !matches!(&*owner.kind, "DaemonSet" | "Job" | "Node");
    (critical && counts && !spec.traits.mirror && !spec.traits.safe_to_evict).then_some(owner)
}

fn ready_on(pod: &Pod) -> Option<&NodeName> {
    pod.node.as_ref().filter(|_| pod.phase == PodPhase::Running)
}

fn stays(node: &Node, ledger: &Ledger) -> bool {
    node.ready
        && !node.unschedulable
        && !node.draining
        && !node.deleting
        && !node.goes()
        && ledger.removal_of(&node.name).is_none()
}
