//! Who is on a node and where they could go: pods that move, pods that must stay, budgets, receiving nodes.
//!
//! Pods of DaemonSets and the node's own static pods neither move nor hold a node. Judging the node itself is
//! the work of the parent.

use crate::fit::{self, Place};
use crate::rooms::Housed;
use crate::space::{self, Space, Vector};
use model::ids::{NodeName, PodKey};
use model::node::Node;
use model::pod::{Pod, PodPhase, PodSpec, SpecIx};
use model::reason::{PodStays, Stays};
use model::snapshot::Snapshot;
use std::collections::BTreeMap;

/// Priority class `system-node-critical`: a static pod that belongs to the node itself (kube-proxy).
const NODE_CRITICAL: i32 = 2_000_001_000;

/// Pods by node, and the budgets over them.
pub(super) struct Crew<'a> {
    pub(super) seen: &'a Snapshot,
    pub(super) space: Space,
    /// By node name: pods that hold resources.
    on: BTreeMap<&'a NodeName, Vec<&'a Pod>>,
    /// By spec: budgets that cover its pods.
    covered: Vec<Vec<usize>>,
    asks: Vec<Vector>,
}

impl<'a> Crew<'a> {
    pub(super) fn new(seen: &'a Snapshot) -> Self {
        let space = Space::of(seen.specs.iter().map(AsRef::as_ref));
        let mut on: BTreeMap<&NodeName, Vec<&Pod>> = BTreeMap::new();
        for pod in seen.pods.iter().filter(|pod| pod.holds_resources()) {
            if let Some(node) = &pod.node {
                on.entry(node).or_default().push(pod);
            }
        }
        let covered = seen
            .specs
            .iter()
            .map(|spec| {
                let covers = |ix: &usize| {
                    let budget = &seen.budgets[*ix];
                    budget.namespace == spec.namespace && budget.selector.matches(&spec.labels)
                };
                (0..seen.budgets.len()).filter(covers).collect()
            })
            .collect();
        Self {
            seen,
            on,
            covered,
            asks: seen
                .specs
                .iter()
                .map(|spec| space.request(&spec.requests))
                .collect(),
            space,
        }
    }

    pub(super) fn pods(&self, node: &NodeName) -> &[&'a Pod] {
        self.on.get(node).map_or(&[], Vec::as_slice)
    }

    /// Pods that must go elsewhere before the node can go.
    pub(super) fn moves(&self, node: &NodeName) -> Vec<&'a Pod> {
        let moves = |pod: &&&Pod| self.spec(pod).is_some_and(|spec| !belongs_to_node(spec));
        self.pods(node).iter().filter(moves).copied().collect()
    }

    pub(super) fn spec(&self, pod: &Pod) -> Option<&'a PodSpec> {
        self.seen.specs.get(pod.spec as usize).map(AsRef::as_ref)
    }

    pub(super) fn ask(&self, spec: SpecIx) -> Option<&Vector> {
        self.asks.get(spec as usize)
    }

    /// Evictions each budget still allows; to be counted down.
    pub(super) fn budgets(&self) -> Vec<u32> {
        self.seen.budgets.iter().map(|budget| budget.allowed).collect()
    }

    /// The first pod, or budget over a pod, that keeps the node.
    pub(super) fn pods_must_stay(&self, node: &NodeName, budgets: &[u32]) -> Option<Stays> {
        for pod in self.moves(node) {
            if pod.phase == PodPhase::Terminating {
                continue;
            }
            if let Some(why) = self.spec(pod).and_then(must_stay) {
                return Some(Stays::PodMustStay {
                    pod: pod.key.clone(),
                    why,
                });
            }
            if let Some(budget) = self.blocked_by(pod, budgets) {
                return Some(Stays::DisruptionBudget { budget });
            }
        }
        None
    }

    /// The budget that allows no eviction of the pod. The Eviction API refuses pods under several budgets.
    fn blocked_by(&self, pod: &Pod, budgets: &[u32]) -> Option<String> {
        let covering = self.covered.get(pod.spec as usize)?;
        let several = covering.len() > 1;
        let blocking = covering.iter().find(|ix| several || budgets[**ix] == 0)?;
        let budget = &self.seen.budgets[*blocking];
        Some(format!("{}/{}", budget.namespace, budget.name))
    }

    /// Counts one eviction of the pod against its budget; `false` when it is used up.
    pub(super) fn spend(&self, pod: &Pod, budgets: &mut [u32]) -> bool {
        if self.blocked_by(pod, budgets).is_some() {
            return false;
        }
        for ix in self.covered.get(pod.spec as usize).into_iter().flatten() {
            budgets[*ix] = budgets[*ix].saturating_sub(1);
        }
        true
    }
}

/// DaemonSet pods, and static pods of the node itself.
fn belongs_to_node(spec: &PodSpec) -> bool {
    let daemon = spec
        .owner
        .as_ref()
        .is_some_and(|owner| &*owner.kind == "DaemonSet");
    daemon || (spec.traits.mirror && spec.priority >= NODE_CRITICAL)
}

/// Why a pod must not be moved, if it must not.
pub(super) fn must_stay(spec: &PodSpec) -> Option<PodStays> {
    let traits = spec.traits;
    if traits.do_not_disrupt {
        return Some(PodStays::DoNotDisrupt);
    }
    if traits.mirror {
        return Some(PodStays::Mirror);
    }
    if traits.safe_to_evict {
        return None;
    }
    if spec.owner.is_none() {
        return Some(PodStays::NoOwner);
    }
    traits.local_storage.then_some(PodStays::LocalStorage)
}

/// Nodes that can take pods of others, with the room that is left on them.
pub(super) struct Receivers<'a> {
    nodes: Vec<(&'a Node, Vector, bool)>,
}

/// Where pods were put, to be undone.
pub(super) struct Moved(Vec<(usize, Vector)>);

impl<'a> Receivers<'a> {
    /// Nodes that take pods, less what was already placed on them; full ones first.
    pub(super) fn new(seen: &'a Snapshot, crew: &Crew<'a>, housed: &Housed) -> Self {
        let mut nodes: Vec<(&Node, Vector, bool)> = seen
            .nodes
            .iter()
            .filter(|node| node.takes_pods() && seen.ledger.removal_of(&node.name).is_none())
            .map(|node| {
                let mut free = crew.space.capacity(&node.allocatable, node.max_pods);
                for pod in crew.pods(&node.name) {
                    if let Some(ask) = crew.ask(pod.spec) {
                        space::take(&mut free, ask, 1);
                    }
                }
                for ask in housed_asks(housed, crew, &node.name) {
                    space::take(&mut free, &ask, 1);
                }
                (node, free, true)
            })
            .collect();
        nodes.sort_by(|a, b| (&a.1, &a.0.name).cmp(&(&b.1, &b.0.name)));
        Self { nodes }
    }

    /// Finds room on other nodes for everything that must leave this one, headroom included. On failure
    /// nothing is changed and the first pod without room is named.
    pub(super) fn rehouse(
        &mut self,
        crew: &Crew<'_>,
        leaving: &NodeName,
        housed: &Housed,
    ) -> Result<Moved, PodKey> {
        let mut moved = Moved(Vec::new());
        let mut start: BTreeMap<SpecIx, usize> = BTreeMap::new();
        for pod in crew.moves(leaving) {
            let (Some(spec), Some(ask)) = (crew.spec(pod), crew.ask(pod.spec)) else {
                continue;
            };
            if pod.phase == PodPhase::Terminating {
                continue;
            }
            // Nodes that had no room for a sibling have none now: rooms only fill up within a probe.
            let from = start.entry(pod.spec).or_insert(0);
            // Rules about pods near each other are settled for waiting pods only.
            let tied = !spec.near.is_empty() || !spec.host_ports.is_empty();
            let unmodelled = tied || !spec.unmodelled.is_empty();
            let found = if unmodelled {
                None
            } else {
                self.place(spec, ask, (leaving, *from))
            };
            let Some(at) = found else {
                self.undo(moved);
                return Err(pod.key.clone());
            };
            *from = at;
            moved.0.push((at, ask.clone()));
        }
        let bare = PodSpec::default();
        for ask in housed_asks(housed, crew, leaving) {
            let Some(at) = self.place(&bare, &ask, (leaving, 0)) else {
                self.undo(moved);
                return Err(PodKey::new(crate::demand::HEADROOM_NAMESPACE, "room"));
            };
            moved.0.push((at, ask));
        }
        Ok(moved)
    }

    fn place(&mut self, spec: &PodSpec, ask: &[i64], (leaving, from): (&NodeName, usize)) -> Option<usize> {
        let at = (from..self.nodes.len()).find(|ix| {
            let (node, free, open) = &self.nodes[*ix];
            *open
                && node.name != *leaving
                && space::holds(free, ask)
                && fit::admits(spec, Place::of_node(node))
        })?;
        space::take(&mut self.nodes[at].1, ask, 1);
        Some(at)
    }

    /// Takes moved pods back.
    pub(super) fn undo(&mut self, moved: Moved) {
        for (at, ask) in moved.0 {
            space::put(&mut self.nodes[at].1, &ask, 1);
        }
    }

    /// The node no longer receives.
    pub(super) fn close(&mut self, name: &NodeName) {
        for (node, _, open) in &mut self.nodes {
            *open &= node.name != *name;
        }
    }
}

/// Requests of what was placed on a node in this plan.
fn housed_asks(housed: &Housed, crew: &Crew<'_>, node: &NodeName) -> Vec<Vector> {
    housed
        .asks
        .get(node)
        .into_iter()
        .flatten()
        .map(|requests| crew.space.request(requests))
        .collect()
}
