//! What the guard has watched for itself: which nodes stand empty, since when, and whether what became of their pods
//! explains it, and which owners have said that they want fewer pods.
//!
//! A value that is part of the Memory: bounded, recorded, replayed. It knows nothing of plans and policies. Losing it
//! means that nothing was watched, and then only the tight windows let nodes go.

use crate::ids::{NodeName, PodKey, WorkloadKey};
use crate::pod::{PodPhase, PodSpec};
use crate::snapshot::{Snapshot, Source};
use crate::time::{Instant, Span};
use crate::workload::Workload;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Owners whose pods are counted, and pods that are ending, at most. Of more, nothing is explained.
const MOST: usize = 10_000;

/// See the module.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Watch {
    /// When the last complete picture was taken.
    pub at: Option<Instant>,
    /// Nodes without pods that would have to move.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub empty: BTreeMap<NodeName, Emptied>,
    /// Nodes with pods of workloads that policies may scale.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub scaled: BTreeSet<NodeName>,
    /// Pods that were there and had not ended, by owner; those of nobody under the kind `Pod`, by namespace.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", with = "crate::memory::pairs")]
    pub owners: BTreeMap<WorkloadKey, u32>,
    /// Replicas that owners wanted, where that is not the number of their pods.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", with = "crate::memory::pairs")]
    pub wanted: BTreeMap<WorkloadKey, u32>,
    /// Owners whose last word was that they want fewer, and when, of one long window: neither policies nor a scaler set
    /// their replicas.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", with = "crate::memory::pairs")]
    pub lowered: BTreeMap<WorkloadKey, Instant>,
    /// When they let go of pods by that, and of how many; of one long window.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub released: Vec<(Instant, u32)>,
    /// Pods that were ending or had ended.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub ending: BTreeSet<PodKey>,
    /// When pods vanished that neither they themselves nor their owners explain, and how many; of one long window.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub vanished: Vec<(Instant, u32)>,
}

/// How a node came to be empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Emptied {
    /// Since when it has been seen so.
    pub since: Instant,
    /// How.
    pub how: How,
}

/// See [`Emptied`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum How {
    /// Its pods were seen there before, or it was seen to come without any.
    Watched,
    /// It was empty in the first picture: nobody knows what was there.
    Unseen,
    /// Pods were there whose number policies may set.
    Scaled,
}

impl Watch {
    /// Nothing was watched.
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// Takes in a picture. One that is incomplete is none; after a gap longer than `window` watching begins anew.
    /// `scaled` says whether policies may set the replicas of a workload. What vanished is kept for `long_window`.
    pub fn take_in(
        &mut self,
        seen: &Snapshot,
        (window, long_window): (Span, Span),
        scaled: impl Fn(&WorkloadKey) -> bool,
    ) {
        let complete = [Source::Pods, Source::Nodes, Source::Workloads]
            .iter()
            .all(|source| seen.freshness(*source).within(window));
        if !complete {
            return;
        }
        let watching = self.at.is_some_and(|at| seen.at.since(at) <= window);
        let now = Count::of(seen, &scaled);
        if watching {
            let vanished = self.vanished_by(seen, &now);
            if vanished > 0 {
                self.vanished.push((seen.at, vanished));
            }
            self.lower(seen, &scaled);
        }
        self.lowered.retain(|_, at| seen.at.since(*at) <= long_window);
        self.released.retain(|(at, _)| seen.at.since(*at) <= long_window);
        self.wanted = wanted(seen, &now.owners);
        self.vanished.retain(|(at, _)| seen.at.since(*at) <= long_window);
        self.empty = now.empty(seen, watching.then_some(&*self));
        self.at = Some(seen.at);
        self.scaled = now.scaled;
        self.owners = now.owners;
        self.ending = now.ending;
    }

    /// Pods that vanished unexplained within a long window.
    pub fn unexplained(&self) -> u32 {
        self.vanished
            .iter()
            .fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// Pods of the last picture that are neither there any more nor seen to end, as far as their owner does not say that
    /// it wants fewer: an owner that is gone itself says nothing.
    fn vanished_by(&self, seen: &Snapshot, now: &Count) -> u32 {
        let known = self.owners.len() < MOST && self.ending.len() < MOST;
        let mut ended: BTreeMap<WorkloadKey, u32> = BTreeMap::new();
        for pod in seen.pods.iter().filter(|pod| known && ends(pod.phase)) {
            if !self.ending.contains(&pod.key) {
                *ended.entry(owner(&seen.spec(pod.spec))).or_default() += 1;
            }
        }
        let wanted = |key: &WorkloadKey| workload(seen, key).map(|of| of.replicas);
        let mut vanished = 0_u32;
        for (key, before) in &self.owners {
            let there = now.owners.get(key).copied().unwrap_or(0);
            if there < *before {
                let due = wanted(key).map_or(*before, |wanted| wanted.min(*before));
                let ended = ended.get(key).copied().unwrap_or(0);
                vanished = vanished.saturating_add(due.saturating_sub(there).saturating_sub(ended));
            }
        }
        vanished
    }

    /// Notes owners that want fewer replicas than they wanted in the last picture. Room that any of them takes later is no
    /// longer let go of, and one that wants more again has said nothing. A Job that has run says nothing either: who runs
    /// Jobs runs more of them.
    fn lower(&mut self, seen: &Snapshot, scaled: &impl Fn(&WorkloadKey) -> bool) {
        let (mut let_go, mut taken_back) = (0_u32, 0_u32);
        for (key, there) in self.owners.iter().filter(|(key, _)| &*key.kind != "Job") {
            let before = self.wanted.get(key).copied().unwrap_or(*there);
            let Some(of) = workload(seen, key).filter(|of| of.owned_by.is_none() && !scaled(key)) else {
                continue;
            };
            if of.replicas < before {
                self.lowered.insert(key.clone(), seen.at);
                let_go = let_go.saturating_add(before.min(*there).saturating_sub(of.replicas));
            } else if of.replicas > before {
                self.lowered.remove(key);
                taken_back = taken_back.saturating_add(of.replicas - before);
            }
        }
        if let_go > 0 {
            self.released.push((seen.at, let_go));
        }
        for (_, pods) in self.released.iter_mut().rev() {
            let less = taken_back.min(*pods);
            (*pods, taken_back) = (*pods - less, taken_back - less);
        }
        self.released.retain(|(_, pods)| *pods > 0);
    }

    /// Pods that owners have let go of within a long window by wanting fewer.
    pub fn released(&self) -> u32 {
        let pods = self.released.iter().map(|(_, pods)| *pods);
        pods.fold(0, u32::saturating_add)
    }

    /// Whether the pod's owner has said, since the pod was made, that it wants fewer of them.
    pub fn wanted_less_since(&self, owner: &WorkloadKey, made: Instant) -> bool {
        self.lowered.get(owner).is_some_and(|at| made <= *at)
    }
}

fn workload<'s>(seen: &'s Snapshot, key: &WorkloadKey) -> Option<&'s Workload> {
    let at = seen.workloads.binary_search_by(|workload| workload.key.cmp(key));
    at.ok().and_then(|at| seen.workloads.get(at))
}

/// Replicas wanted, where that is not the number of pods.
fn wanted(seen: &Snapshot, owners: &BTreeMap<WorkloadKey, u32>) -> BTreeMap<WorkloadKey, u32> {
    let differs = |(key, there): (&WorkloadKey, &u32)| {
        let of = workload(seen, key).filter(|of| of.replicas != *there)?;
        Some((key.clone(), of.replicas))
    };
    owners.iter().filter_map(differs).collect()
}

/// What one picture shows.
struct Count {
    owners: BTreeMap<WorkloadKey, u32>,
    ending: BTreeSet<PodKey>,
    scaled: BTreeSet<NodeName>,
    filled: BTreeSet<NodeName>,
}

impl Count {
    fn of(seen: &Snapshot, scaled: &impl Fn(&WorkloadKey) -> bool) -> Self {
        let mut this = Self {
            owners: BTreeMap::new(),
            ending: BTreeSet::new(),
            scaled: BTreeSet::new(),
            filled: BTreeSet::new(),
        };
        // What is the same for all pods of a spec is found once.
        let whose: Vec<Option<(WorkloadKey, bool)>> = seen
            .specs
            .iter()
            .map(|spec| {
                let owner = owner(spec);
                let stays = spec.traits.mirror || &*owner.kind == "DaemonSet";
                (!stays).then(|| (owner.clone(), scaled(&owner)))
            })
            .collect();
        let mut counts = vec![0_u32; whose.len()];
        for pod in &seen.pods {
            let Some(Some((_, may_be_scaled))) = whose.get(pod.spec as usize) else {
                continue;
            };
            if let Some(node) = pod.node.as_ref().filter(|_| pod.phase != PodPhase::Finished) {
                if *may_be_scaled && !this.scaled.contains(node) {
                    this.scaled.insert(node.clone());
                }
                if !this.filled.contains(node) {
                    this.filled.insert(node.clone());
                }
            }
            if !ends(pod.phase) {
                if let Some(count) = counts.get_mut(pod.spec as usize) {
                    *count += 1;
                }
            } else if this.ending.len() < MOST {
                this.ending.insert(pod.key.clone());
            }
        }
        for ((owner, _), count) in whose
            .into_iter()
            .zip(counts)
            .filter_map(|(of, count)| Some((of?, count)))
        {
            if count > 0 && (this.owners.len() < MOST || this.owners.contains_key(&owner)) {
                let sum = this.owners.entry(owner).or_default();
                *sum = sum.saturating_add(count);
            }
        }
        this
    }

    /// The nodes that stand empty, with what `before` knew of them.
    fn empty(&self, seen: &Snapshot, before: Option<&Watch>) -> BTreeMap<NodeName, Emptied> {
        let nodes = seen.nodes.iter().filter(|node| !node.fargate);
        let empty = nodes.filter(|node| !self.filled.contains(&node.name));
        empty
            .map(|node| {
                let known = before.and_then(|before| before.empty.get(&node.name).copied());
                let how = match before {
                    None => How::Unseen,
                    Some(before) if before.scaled.contains(&node.name) => How::Scaled,
                    Some(_) => How::Watched,
                };
                let since = seen.at;
                (node.name.clone(), known.unwrap_or(Emptied { since, how }))
            })
            .collect()
    }
}

const fn ends(phase: PodPhase) -> bool {
    matches!(phase, PodPhase::Terminating | PodPhase::Finished)
}

fn owner(spec: &PodSpec) -> WorkloadKey {
    let nobody = || WorkloadKey::new("Pod", &spec.namespace, "");
    spec.owner.clone().unwrap_or_else(nobody)
}
