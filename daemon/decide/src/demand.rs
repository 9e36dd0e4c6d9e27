//! Demand: pods that wait, replicas to come and headroom, folded into classes.
//!
//! Waiting means: no node, not gated, terminating or finished, scheduled by the default scheduler or one named
//! in the aims, not owned by a DaemonSet. Pods below the aims' `priority.expendable_below` are demand for free room only,
//! as for the Cluster Autoscaler (`--expendable-pods-priority-cutoff`). Where pods go is not decided here.

use crate::class::Class;
use crate::fair_share;
use crate::number::count;
use crate::spread;
use model::aims::Aims;
use model::ids::{NodeName, PodKey, WorkloadKey};
use model::memory::Memory;
use model::pod::{Pod, PodPhase, PodSpec, SpecIx};
use model::resources::Resources;
use model::snapshot::{Freshness, Snapshot, Source};
use model::time::Span;
use model::workload::Workload;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Namespace under which virtual pods of headroom are listed; no real pod carries it.
pub const HEADROOM_NAMESPACE: &str = "plimsoll.io/headroom";
/// Replicas to come of one workload that are planned for at once; more follow in the next cycle.
const TO_COME_AT_ONCE: u32 = 20_000;

/// Whether a pod name stands for headroom rather than for a pod.
pub fn is_headroom(pod: &PodKey) -> bool {
    &*pod.namespace == HEADROOM_NAMESPACE
}

/// Whether a pod waits for a node and is ours to find one for.
pub fn waits(pod: &Pod, spec: &PodSpec, aims: &Aims) -> bool {
    let ours = spec.scheduler.is_empty()
        || spec.scheduler == "default-scheduler"
        || aims.schedulers.contains(&spec.scheduler);
    let daemon = spec
        .owner
        .as_ref()
        .is_some_and(|owner| &*owner.kind == "DaemonSet");
    pod.node.is_none() && pod.phase == PodPhase::Pending && ours && !daemon
}

/// Folds waiting pods and replicas to come into classes, in the order of what their specs say: the order in which a
/// Snapshot lists specs means nothing.
///
/// `replicas` are the replicas the scaler wants, where they differ from what the Snapshot says.
pub(crate) fn classes(
    seen: &Snapshot,
    memory: &Memory,
    aims: &Aims,
    replicas: &BTreeMap<WorkloadKey, u32>,
) -> Vec<Class> {
    let mut found = Folded::new(seen);
    let late: BTreeSet<&PodKey> = memory.late(seen.at).collect();
    for pod in seen.pods.iter().filter(|pod| pod.node.is_none()) {
        let Some(spec) = seen.specs.get(pod.spec as usize) else {
            continue;
        };
        if waits(pod, spec, aims) && spec.waits_for(seen.at.since(pod.created)).is_none() {
            let late = !late.is_empty() && late.contains(&pod.key);
            let class = found.class(pod.spec, late, spec);
            class.pods.push(pod.key.clone());
            class.pending += 1;
        }
    }
    for (workload, spec, names) in to_come(seen, aims, replicas) {
        let Some(body) = seen.specs.get(spec as usize) else {
            continue;
        };
        // One that is made now is as young as can be.
        if workload.is_daemon_set() || body.waits_for(Span::ZERO).is_some() {
            continue;
        }
        let class = found.class(spec, false, body);
        class.to_come += count(names.len());
        class.pods.extend(names);
    }
    let mut classes = found.classes;
    for class in &mut classes {
        class.expendable = aims.is_expendable(class.body.priority);
        class.body = spread::with_defaults(seen, aims, &class.body);
    }
    classes.sort_by(|a, b| (&a.body, a.spec, a.late).cmp(&(&b.body, b.spec, b.late)));
    classes
}

/// Classes under way.
struct Folded {
    classes: Vec<Class>,
    /// By spec: the classes of those that have waited long, and of those that have not.
    of: Vec<[Option<usize>; 2]>,
}

impl Folded {
    fn new(seen: &Snapshot) -> Self {
        Self {
            classes: Vec::new(),
            of: vec![[None; 2]; seen.specs.len()],
        }
    }

    /// The class of these, empty where nobody was of it before.
    fn class(&mut self, spec: SpecIx, late: bool, body: &Arc<PodSpec>) -> &mut Class {
        let classes = &mut self.classes;
        let at = *self.of[spec as usize][usize::from(late)].get_or_insert_with(|| {
            classes.push(Class {
                spec: Some(spec),
                body: Arc::clone(body),
                late,
                expendable: false,
                pods: Vec::new(),
                pending: 0,
                to_come: 0,
                headroom: 0,
                crowding: Arc::default(),
                deal: None,
            });
            classes.len() - 1
        });
        &mut classes[at]
    }
}

/// A class of virtual pods.
pub(crate) fn virtual_class(requests: Resources, first: u32, how_many: u32) -> Class {
    let body = PodSpec {
        namespace: HEADROOM_NAMESPACE.to_owned(),
        requests,
        ..PodSpec::default()
    };
    Class {
        spec: None,
        body: Arc::new(body),
        late: true,
        expendable: false,
        pods: (first..first.saturating_add(how_many))
            .map(|n| PodKey::new(HEADROOM_NAMESPACE, format!("room-{n}")))
            .collect(),
        pending: 0,
        to_come: 0,
        headroom: how_many,
        crowding: Arc::default(),
        deal: None,
    }
}

/// Replicas that a workload lacks, under names `name-N` that no pod has.
fn to_come<'a>(
    seen: &'a Snapshot,
    aims: &Aims,
    replicas: &BTreeMap<WorkloadKey, u32>,
) -> Vec<(&'a Workload, SpecIx, Vec<PodKey>)> {
    // A source that was never seen is not an empty one: nothing is inferred from it.
    if seen.freshness(Source::Pods) == Freshness::Missing {
        return Vec::new();
    }
    // Pods of nodes that go are had no longer: their places are bought before they move.
    let going: BTreeSet<&NodeName> = seen.nodes.iter().filter(|n| n.goes()).map(|n| &n.name).collect();
    let owned = owned(seen, &going);
    let deployments: BTreeSet<&WorkloadKey> = seen
        .workloads
        .iter()
        .map(|w| &w.key)
        .filter(|key| &*key.kind == "Deployment")
        .collect();
    let mut lacking = Vec::new();
    for workload in &seen.workloads {
        if workload.is_daemon_set() || is_revision(&workload.key, &deployments) {
            continue;
        }
        let (have, sample) = owned
            .get(&workload.key)
            .map_or((0, None), |(have, spec)| (*have, Some(*spec)));
        let wanted = replicas.get(&workload.key).copied().unwrap_or(workload.replicas);
        let lacks = wanted.saturating_sub(have).min(TO_COME_AT_ONCE);
        if let (1.., Some(spec)) = (lacks, workload.template.or(sample)) {
            lacking.push((workload, spec, lacks));
        }
    }
    // No more are named than a cycle looks at: a namespace may want any number of replicas.
    let of =
        |(workload, _, lacks): &(&'a Workload, SpecIx, u32)| (&*workload.key.namespace, u64::from(*lacks));
    let mut shares = fair_share::between(lacking.iter().map(of), u64::from(aims.search.pods));
    let mut taken = BTreeSet::new();
    let named = lacking.into_iter().map(|(workload, spec, lacks)| {
        let lacks = fair_share::take(&mut shares, &workload.key.namespace, lacks);
        let names = free_names(seen, &mut taken, &workload.key, lacks);
        (workload, spec, names)
    });
    named.filter(|(_, _, names)| !names.is_empty()).collect()
}

/// By owner: pods that count as its replicas, and the spec of the first by name.
fn owned<'a>(seen: &'a Snapshot, going: &BTreeSet<&NodeName>) -> BTreeMap<&'a WorkloadKey, (u32, SpecIx)> {
    // By spec first: keys are compared once for each, not for every pod.
    let mut by_spec: Vec<Option<(usize, u32)>> = vec![None; seen.specs.len()];
    for (at, pod) in seen.pods.iter().enumerate() {
        let spec = seen.specs.get(pod.spec as usize);
        let Some(owner) = spec.and_then(|spec| spec.owner.as_ref()) else {
            continue;
        };
        let counts = match pod.phase {
            PodPhase::Finished => &*owner.kind == "Job",
            PodPhase::Terminating => false,
            _ if pod.node.as_ref().is_some_and(|node| going.contains(node)) => false,
            PodPhase::Pending | PodPhase::Gated | PodPhase::Starting | PodPhase::Running => true,
        };
        by_spec[pod.spec as usize].get_or_insert((at, 0)).1 += u32::from(counts);
    }
    let specs = by_spec.into_iter().zip(0..);
    let mut specs: Vec<(usize, SpecIx, u32)> = specs
        .filter_map(|(of, spec)| of.map(|(first, have)| (first, spec, have)))
        .collect();
    specs.sort_unstable();
    let mut owned: BTreeMap<&WorkloadKey, (u32, SpecIx)> = BTreeMap::new();
    for (_, spec, have) in specs {
        if let Some(owner) = &seen.specs[spec as usize].owner {
            owned.entry(owner).or_insert((0, spec)).0 += have;
        }
    }
    owned
}

/// Whether a ReplicaSet is a revision of a Deployment that is listed itself (`<deployment>-<hash>`): its pods
/// count for the Deployment.
fn is_revision(key: &WorkloadKey, deployments: &BTreeSet<&WorkloadKey>) -> bool {
    &*key.kind == "ReplicaSet"
        && key.name.rsplit_once('-').is_some_and(|(name, _)| {
            deployments.contains(&WorkloadKey::new("Deployment", &*key.namespace, name))
        })
}

/// Names for replicas to come, `name-N`, that neither a pod has nor a workload of the same name but another kind
/// was given before; `taken` remembers them. Workloads are asked in the order of their keys.
pub fn free_names(
    seen: &Snapshot,
    taken: &mut BTreeSet<PodKey>,
    workload: &WorkloadKey,
    how_many: u32,
) -> Vec<PodKey> {
    (0..u32::MAX)
        .map(|n| PodKey::new(&*workload.namespace, format!("{}-{n}", workload.name)))
        .filter(|key| seen.pod(key).is_none() && taken.insert(key.clone()))
        .take(how_many as usize)
        .collect()
}

#[cfg(test)]
mod tests;
