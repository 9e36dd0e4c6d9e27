//! Preemptors: pods that wait on the node that kube-scheduler nominated them to, for pods of lower priority there to end.
//!
//! Source: kube-scheduler's DefaultPreemption: it evicts the victims, writes `status.nominatedNodeName` and keeps the
//! room for the pod until they are gone. Such a pod needs no other node. It does after [`MOST`], and where it would not
//! be admitted even without the victims; then the nomination means nothing here. Nominations of Plimsoll's own, for which
//! nobody has to go, are `rooms::house`'s.

use crate::filters::Filters;
use model::ids::{NodeName, PodKey};
use model::index::size;
use model::memory::Memory;
use model::pod::{Pod, PodPhase, SpecIx};
use model::resources::Resources;
use model::snapshot::Snapshot;
use model::time::Span;
use std::collections::BTreeMap;

/// So long a nomination is waited for, from when it was first seen: kubelet gives a pod 30 s to end where it does not
/// say otherwise, and most that say ask for less than this.
pub const MOST: Span = Span::from_secs(600);

/// Pods that wait for victims, and what each of their nodes gets back.
#[derive(Clone, Debug, Default)]
pub struct Preemptors {
    /// In the order in which kube-scheduler takes them: by priority, highest first.
    pub pods: Vec<(PodKey, NodeName)>,
    /// By node: requests of the pods that end there.
    pub freed: BTreeMap<NodeName, Vec<Resources>>,
}

impl Preemptors {
    /// Those whose nomination comes true once the victims are gone.
    pub fn of(seen: &Snapshot, memory: &Memory) -> Self {
        // Those who wait on a node where somebody ends: noted when the cycle began (`Memory::nominated_since`).
        if memory.nominated_since.is_empty() {
            return Self::default();
        }
        let nominated = nominated(seen, memory);
        let mut victims: BTreeMap<&NodeName, Vec<SpecIx>> = BTreeMap::new();
        for pod in seen.pods.iter().filter(|pod| pod.phase == PodPhase::Terminating) {
            let above = |(_, node, priority): &(&Pod, &NodeName, i32)| {
                pod.node.as_ref() == Some(*node) && priority_of(seen, pod) < *priority
            };
            if let Some((_, node, _)) = nominated.iter().find(|nominated| above(nominated)) {
                victims.entry(*node).or_default().push(pod.spec);
            }
        }
        let mut found = Self::default();
        if victims.is_empty() {
            return found;
        }
        let mut filters = Filters::new(seen);
        for (node, specs) in &victims {
            for spec in specs {
                filters.take(*spec, node);
            }
        }
        for (pod, node, _) in nominated {
            if victims.contains_key(node) && filters.judge(pod.spec, node).is_ok() {
                filters.put(pod.spec, node);
                found.pods.push((pod.key.clone(), node.clone()));
                found.freed.entry(node.clone()).or_insert_with(|| {
                    let specs = victims[node]
                        .iter()
                        .filter_map(|spec| seen.specs.get(size(*spec)));
                    specs.map(|spec| spec.requests.clone()).collect()
                });
            }
        }
        found
    }
}

/// Waiting pods with a nomination to a node that takes pods, seen first less than [`MOST`] ago, and their priority.
fn nominated<'a>(seen: &'a Snapshot, memory: &Memory) -> Vec<(&'a Pod, &'a NodeName, i32)> {
    let waiting = seen
        .pods
        .iter()
        .filter(|pod| pod.phase == PodPhase::Pending && pod.node.is_none());
    let nominated = waiting.filter_map(|pod| {
        let node = seen
            .node(pod.nominated.as_ref()?)
            .filter(|node| node.takes_pods())?;
        let since = memory.nominated_since.get(&pod.key);
        let fresh = since.is_none_or(|since| seen.at.since(since.at) <= MOST || since.node != node.name);
        fresh.then(|| (pod, &node.name, priority_of(seen, pod)))
    });
    let mut nominated: Vec<_> = nominated.collect();
    nominated.sort_by_key(|(pod, _, priority)| (std::cmp::Reverse(*priority), pod.created, &pod.key));
    nominated
}

fn priority_of(seen: &Snapshot, pod: &Pod) -> i32 {
    seen.specs.get(size(pod.spec)).map_or(0, |spec| spec.priority)
}
