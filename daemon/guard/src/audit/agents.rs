//! Pods of DaemonSets that a node carries before any other: all that run on a new node, and those whose pods are still to
//! come to one that is there.
//!
//! Source: Kubernetes, "DaemonSet". One whose port of the host somebody has, or that asks for more than the whole node,
//! does not come.

use super::{Audit, rules};
use model::ids::{NodeName, WorkloadKey};
use model::pod::{PodSpec, Taint};
use model::selector::Labels;
use model::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};

/// Who is on a node, as far as DaemonSets ask.
#[derive(Default)]
pub(super) struct There<'a> {
    /// DaemonSets whose pods are there.
    owners: BTreeSet<&'a WorkloadKey>,
    /// Pods that have ports of the host.
    ports: Vec<&'a PodSpec>,
}

/// By node.
pub(super) fn there(seen: &Snapshot) -> BTreeMap<&NodeName, There<'_>> {
    let mut all: BTreeMap<&NodeName, There<'_>> = BTreeMap::new();
    if !seen.workloads.iter().any(model::Workload::is_daemon_set) {
        return all;
    }
    for pod in seen.pods.iter().filter(|pod| pod.holds_resources()) {
        let (Some(node), Some(spec)) = (&pod.node, seen.specs.get(pod.spec as usize)) else {
            continue;
        };
        let owner = spec.owner.as_ref().filter(|owner| &*owner.kind == "DaemonSet");
        if owner.is_none() && spec.host_ports.is_empty() {
            continue;
        }
        let there = all.entry(node).or_default();
        there.owners.extend(owner);
        if !spec.host_ports.is_empty() {
            there.ports.push(spec);
        }
    }
    all
}

impl<'a> Audit<'a> {
    /// DaemonSet pods that will be on a node beside those that are there.
    pub(super) fn agents_coming_to(
        &self,
        name: &NodeName,
        (labels, taints): (&Labels, &[Taint]),
    ) -> Vec<&'a PodSpec> {
        let node = self.seen.node(name);
        if node.is_some_and(|node| node.fargate) {
            return Vec::new();
        }
        let there = self.agents.get(name);
        let comes = |owner: &WorkloadKey, spec: &PodSpec| {
            let taken = |there: &There<'_>| {
                let taken = there.ports.iter().flat_map(|other| &other.host_ports);
                there.owners.contains(owner)
                    || taken
                        .into_iter()
                        .any(|taken| spec.host_ports.iter().any(|port| port.conflicts(taken)))
            };
            !there.is_some_and(taken)
                && node.is_none_or(|node| spec.requests.fits(&node.allocatable))
                && rules::daemon_runs(spec, labels, taints)
        };
        let daemons = self
            .seen
            .workloads
            .iter()
            .filter(|workload| workload.is_daemon_set());
        let specs = daemons.filter_map(|daemon| {
            let spec = self.seen.specs.get(daemon.template? as usize)?;
            comes(&daemon.key, spec).then_some(&**spec)
        });
        specs.collect()
    }
}
