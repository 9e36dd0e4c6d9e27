//! Replicas that have no pod in the input: counted as waiting pods named `<workload>-<N>`.
//!
//! In a live cluster controllers create these pods; manifests of a cluster to be have none.

use crate::intern::Specs;
use model::ids::{PodKey, WorkloadKey};
use model::pod::{Pod, PodPhase};
use model::time::Instant;
use model::workload::Workload;
use std::collections::{BTreeMap, BTreeSet};

/// Replicas of all workloads beyond which their manifests are taken for a mistake: several times what the largest clusters
/// run (Kubernetes is tested up to 150,000 pods).
pub(crate) const MOST: u32 = 1_000_000;

/// Adds what is missing of every workload whose template is known. DaemonSets are left out: their pods come
/// with the nodes. `N` is the smallest number whose name is free, from the workload's `first` on.
pub(crate) fn add_missing(
    pods: &mut Vec<Pod>,
    workloads: &[Workload],
    first: &BTreeMap<WorkloadKey, u32>,
    specs: &Specs,
) {
    let owners: BTreeMap<WorkloadKey, u32> = owned(pods, specs);
    let mut names: BTreeSet<PodKey> = pods.iter().map(|pod| pod.key.clone()).collect();
    for workload in workloads.iter().filter(|workload| !workload.is_daemon_set()) {
        let Some(spec) = workload.template else { continue };
        let have = owners.get(&workload.key).copied().unwrap_or(0);
        let missing = workload.replicas.saturating_sub(have);
        let key = |n: u32| PodKey::new(&workload.key.namespace, format!("{}-{n}", workload.key.name));
        let free = (first.get(&workload.key).copied().unwrap_or(0)..)
            .map(key)
            // A Deployment and a StatefulSet may have one name; their pods may not.
            .filter(|key| names.insert(key.clone()))
            .take(missing as usize);
        pods.extend(free.map(|key| Pod {
            key,
            spec,
            node: None,
            phase: PodPhase::Pending,
            created: Instant::default(),
            usage: None,
            nominated: None,
            deletion_cost: 0,
            started: None,
        }));
    }
}

/// Living pods by owner.
fn owned(pods: &[Pod], specs: &Specs) -> BTreeMap<WorkloadKey, u32> {
    let mut owners = BTreeMap::new();
    let living = pods
        .iter()
        .filter(|pod| !matches!(pod.phase, PodPhase::Finished | PodPhase::Terminating));
    for pod in living {
        if let Some(owner) = &specs.get(pod.spec).owner {
            *owners.entry(owner.clone()).or_insert(0) += 1;
        }
    }
    owners
}
