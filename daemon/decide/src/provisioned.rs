//! What Fargate provisions for the pods of a workload, learned from those that run there: sidecars that others put in
//! after us, and rules that AWS' guide does not tell.
//!
//! The newest pod counts, and only for pods that ask for the same as its workload's template or as itself. Bounded.
//! Reading the annotation and its price are `model::provisioned`'s.

use model::fargate::FargateSize;
use model::ids::{NodeName, PodKey, WorkloadKey};
use model::memory::Memory;
use model::pod::{Pod, PodSpec};
use model::provisioned::{Provisioned, Said};
use model::snapshot::Snapshot;
use model::time::Instant;
use std::collections::{BTreeMap, BTreeSet};

/// Workloads that are remembered.
const KEPT: usize = 1000;

/// A pod that tells what it was provisioned as.
struct Telling<'a> {
    /// By which of two is the newer.
    age: (Instant, &'a PodKey),
    spec: &'a PodSpec,
    size: FargateSize,
}

/// Notes what was provisioned last for each workload.
pub(crate) fn learn(seen: &Snapshot, memory: &mut Memory) {
    for (owner, newest) in newest(seen) {
        let at = newest.age.0;
        // What a pod was provisioned as never changes; the template may have since, and then says nothing of this pod.
        if memory.provisioned.get(owner).is_some_and(|known| known.at >= at) {
            continue;
        }
        let workload = seen.workloads.binary_search_by(|known| known.key.cmp(owner));
        let workload = workload.ok().and_then(|ix| seen.workloads.get(ix));
        let template = workload.and_then(|own| seen.specs.get(own.template? as usize));
        let mut asked = vec![newest.spec.requests.clone()];
        asked.extend(template.map(|spec| spec.requests.clone()));
        asked.sort();
        asked.dedup();
        let size = newest.size;
        let learned = Provisioned { size, asked, at };
        memory.provisioned.insert(owner.clone(), learned);
    }
    let surplus = memory.provisioned.len().saturating_sub(KEPT);
    if surplus > 0 {
        let mut oldest: Vec<_> = memory
            .provisioned
            .iter()
            .map(|(key, of)| (of.at, key.clone()))
            .collect();
        oldest.sort();
        for (_, key) in oldest.into_iter().take(surplus) {
            memory.provisioned.remove(&key);
        }
    }
}

/// The newest pod on Fargate of each workload that tells its size.
fn newest(seen: &Snapshot) -> BTreeMap<&WorkloadKey, Telling<'_>> {
    let nodes = seen.nodes.iter().filter(|node| node.fargate);
    let nodes: BTreeSet<&NodeName> = nodes.map(|node| &node.name).collect();
    let mut newest: BTreeMap<&WorkloadKey, Telling<'_>> = BTreeMap::new();
    if nodes.is_empty() {
        return newest;
    }
    let runs_there = |pod: &&Pod| pod.node.as_ref().is_some_and(|node| nodes.contains(node));
    for pod in seen.pods.iter().filter(runs_there) {
        let Some(spec) = seen.specs.get(pod.spec as usize) else {
            continue;
        };
        let (Some(owner), Said::Size(size)) = (&spec.owner, Said::of(spec)) else {
            continue;
        };
        let age = (pod.created, &pod.key);
        if newest.get(owner).is_none_or(|known| known.age < age) {
            newest.insert(owner, Telling { age, spec, size });
        }
    }
    newest
}

#[cfg(test)]
mod tests;
