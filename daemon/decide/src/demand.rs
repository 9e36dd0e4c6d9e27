//! Demand: pods that wait, replicas to come and headroom, folded into classes.
//!
//! Waiting means: no node, not gated, terminating or finished, scheduled by the default scheduler or one named
//! in the aims, not owned by a DaemonSet. Pods below the aims' `priority.expendable_below` are demand for free room only,
//! as for the Cluster Autoscaler (`--expendable-pods-priority-cutoff`). Where pods go is not decided here.

use crate::constraints::{Crowding, Deal, ZONE};
use crate::fair_share;
use crate::number::count;
use crate::spread;
use model::aims::Aims;
use model::ids::{NodeName, PodKey, WorkloadKey};
use model::memory::Memory;
use model::offer::Offer;
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

/// Pods that no rule can tell apart.
#[derive(Clone, Debug)]
pub(crate) struct Class {
    /// Their spec in the Snapshot; `None` for headroom.
    pub(crate) spec: Option<SpecIx>,
    /// The spec itself.
    pub(crate) body: Arc<PodSpec>,
    /// They have waited too long to be placed on Fargate at admission.
    pub(crate) late: bool,
    /// Of so low a priority that they are placed in free room only.
    pub(crate) expendable: bool,
    /// Names: waiting pods first, then replicas to come, then virtual pods.
    pub(crate) pods: Vec<PodKey>,
    /// How many wait now.
    pub(crate) pending: u32,
    /// How many are to come.
    pub(crate) to_come: u32,
    /// How many are virtual.
    pub(crate) headroom: u32,
    /// What rules about pods on one node come to.
    pub(crate) crowding: Arc<Crowding>,
    /// The zone it was dealt, where zones are dealt.
    pub(crate) deal: Option<Deal>,
}

/// Who goes before whom where there is not enough for all; later ones go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// Nothing is bought for them, and nothing is kept from anybody.
    Expendable,
    /// Virtual pods.
    Headroom,
    /// Pods of this priority.
    Pod(i32),
}

impl Class {
    /// Takes the pods of a class that differs only in how long it has waited.
    pub(crate) fn absorb(&mut self, other: &Self) {
        let mut kinds = [self.split(), other.split()];
        let mut pods = Vec::with_capacity(self.pods.len() + other.pods.len());
        for kind in 0..3 {
            for class in &mut kinds {
                pods.append(&mut class[kind]);
            }
        }
        self.pods = pods;
        self.pending += other.pending;
        self.to_come += other.to_come;
        self.headroom += other.headroom;
        self.late |= other.late;
    }

    /// Who goes before whom where there is not enough for all.
    pub(crate) fn rank(&self) -> Rank {
        match self.spec {
            _ if self.expendable => Rank::Expendable,
            None => Rank::Headroom,
            Some(_) => Rank::Pod(self.body.priority),
        }
    }

    /// Waiting pods, replicas to come, virtual pods.
    fn split(&self) -> [Vec<PodKey>; 3] {
        let (waiting, rest) = self.pods.split_at((self.pending as usize).min(self.pods.len()));
        let (to_come, headroom) = rest.split_at((self.to_come as usize).min(rest.len()));
        [waiting.to_vec(), to_come.to_vec(), headroom.to_vec()]
    }

    /// The class with some of its pods only, by their places in rising order.
    pub(crate) fn part(&self, pods: &[usize]) -> Self {
        let (pending, real) = (self.pending as usize, (self.pending + self.to_come) as usize);
        let among =
            |range: std::ops::Range<usize>| count(pods.iter().filter(|at| range.contains(at)).count());
        Self {
            pods: pods.iter().filter_map(|at| self.pods.get(*at).cloned()).collect(),
            pending: among(0..pending),
            to_come: among(pending..real),
            headroom: among(real..usize::MAX),
            spec: self.spec,
            body: Arc::clone(&self.body),
            late: self.late,
            expendable: self.expendable,
            crowding: Arc::clone(&self.crowding),
            deal: None,
        }
    }

    /// The zone that the pods were dealt, where their rules are about zones.
    pub(crate) fn zone(&self) -> Option<&str> {
        self.deal.as_ref().and_then(|deal| deal.zone.as_deref())
    }

    /// Whether its pods were dealt another zone than that of the offer, or no domain at all.
    pub(crate) fn is_dealt_elsewhere(&self, offer: &Offer) -> bool {
        let zone = offer.labels.get(ZONE).map(String::as_str);
        let elsewhere = |dealt: &str| zone != Some(dealt);
        let dealt = |deal: &Deal| deal.is_nowhere() || deal.zone.as_deref().is_some_and(elsewhere);
        self.deal.as_ref().is_some_and(dealt)
    }

    /// All of them.
    pub(crate) fn count(&self) -> u32 {
        count(self.pods.len())
    }
}

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
