//! Who may be moved: kinds of pods, what keeps them where they are, and the budgets over them.
//!
//! Pods of DaemonSets and the node's own static pods neither move nor hold a node. Expendable pods hold none either, but
//! for their PodDisruptionBudgets, which the Eviction API keeps whoever asks (the Cluster Autoscaler lets them die with
//! the node). Where pods could go is not
//! asked here.

use super::annotated;
use super::bins::Bin;
use super::fleet::Fleet;
use crate::fit::HOSTNAME;
use crate::naming;
use crate::number::size;
use crate::selecting::Selectors;
use crate::space::{Space, Vector};
use crate::spread::with_defaults;
use model::aims::Aims;
use model::pod::{Near, NearRule, Pod, PodPhase, PodSpec, Unmodelled};
use model::reason::{PodStays, Stays};
use model::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Priority class `system-node-critical`: a static pod that belongs to the node itself (kube-proxy).
const NODE_CRITICAL: i32 = 2_000_001_000;

/// Pods of one spec.
#[expect(
    clippy::struct_excessive_bools,
    reason = "four things that are so or not, each asked for in a place of its own"
)]
pub(super) struct Kind<'a> {
    pub(super) spec: &'a PodSpec,
    pub(super) ask: Vector,
    /// Index of its placing rules.
    pub(super) rule: usize,
    /// They belong to the node: they neither move nor hold it.
    pub(super) of_node: bool,
    /// They keep no node: asked to leave, they go wherever there is room, or wait.
    pub(super) expendable: bool,
    /// Why none of them may be moved.
    pub(super) stays: Option<PodStays>,
    /// The same with the cluster's default constraints.
    pub(super) body: Arc<PodSpec>,
    /// Where they may go depends on other pods, host ports or claims: `ties` asks kube-scheduler's filters.
    pub(super) tied: bool,
    /// Rules of others count them.
    pub(super) counted: bool,
    /// A constraint of theirs that nobody can judge: they are not moved.
    pub(super) unmodelled: Option<Unmodelled>,
    /// Crowds of which a node holds one pod (see `Apart::lone`) and of which they are, in rising order.
    pub(super) crowds: Vec<u32>,
    /// Budgets that cover them.
    covered: Vec<usize>,
}

/// Kinds by spec, and one spec for each set of placing rules.
pub(super) fn kinds<'a>(seen: &'a Snapshot, aims: &Aims, space: &Space) -> (Vec<Kind<'a>>, Vec<&'a PodSpec>) {
    let mut known = BTreeMap::new();
    let mut rules: Vec<&PodSpec> = Vec::new();
    let specs = seen.specs.iter();
    let spread: Vec<Arc<PodSpec>> = specs.map(|spec| with_defaults(seen, aims, spec)).collect();
    let apart = Apart::of(&spread);
    let kinds = seen
        .specs
        .iter()
        .zip(&spread)
        .map(|(spec, spread)| {
            let affinity = (&spec.node_selector, &spec.node_affinity);
            let key = (affinity, &spec.tolerations, &spec.reach);
            let rule = *known.entry(key).or_insert_with(|| {
                rules.push(spec);
                rules.len() - 1
            });
            let covered = covered(seen, spec);
            let expendable = aims.is_expendable(spec.priority) && !spec.traits.mirror;
            let stays = || annotated::must_stay(spec, aims, !covered.is_empty());
            Kind {
                spec,
                ask: space.request(&spec.requests),
                rule,
                of_node: belongs_to_node(spec),
                expendable,
                stays: if expendable { None } else { stays() },
                body: Arc::clone(spread),
                tied: apart.ties(spread),
                counted: apart.counts(spread),
                unmodelled: apart.unmodelled(spread),
                crowds: apart.crowds(spread),
                covered,
            }
        })
        .collect();
    (kinds, rules)
}

/// DaemonSet pods, and static pods of the node itself.
fn belongs_to_node(spec: &PodSpec) -> bool {
    let daemon = spec
        .owner
        .as_ref()
        .is_some_and(|owner| &*owner.kind == "DaemonSet");
    daemon || (spec.traits.mirror && spec.priority >= NODE_CRITICAL)
}

/// Rules about pods near each other, of all pods in sight.
struct Apart<'s> {
    /// Crowds of which a node holds one pod: what an anti-affinity over hostnames means, where its pods are those that
    /// have this very rule and no others. Whether one more may go onto a node then depends on nothing but whether one is
    /// there. With their numbers.
    lone: BTreeMap<&'s Near, u32>,
    others: Vec<&'s Near>,
    by_label: Selectors<'s>,
}

impl<'s> Apart<'s> {
    fn of(specs: &'s [Arc<PodSpec>]) -> Self {
        let rules: BTreeSet<&Near> = specs.iter().flat_map(|spec| &spec.near).collect();
        let rules: Vec<&Near> = rules.into_iter().collect();
        let number: BTreeMap<&Near, usize> = rules.iter().copied().zip(0..).collect();
        let mut by_label = Selectors::default();
        for (at, rule) in rules.iter().enumerate() {
            by_label.insert(at, &rule.selector);
        }
        let may = |rule: &&Near| {
            rule.rule == NearRule::Apart && rule.key == HOSTNAME && rule.namespace_selector.is_none()
        };
        let mut alone: Vec<bool> = rules.iter().map(may).collect();
        for spec in specs {
            for at in by_label.of(&spec.labels) {
                alone[at] &= !rules[at].selects(spec) || spec.near.contains(rules[at]);
            }
            for at in spec.near.iter().filter_map(|near| number.get(near)) {
                alone[*at] &= rules[*at].selects(spec);
            }
        }
        let (lone, others): (Vec<_>, Vec<_>) = rules.into_iter().zip(alone).partition(|(_, alone)| *alone);
        let others: Vec<&Near> = others.into_iter().map(|(rule, _)| rule).collect();
        let mut by_label = Selectors::default();
        for (at, rule) in others.iter().enumerate() {
            by_label.insert(at, &rule.selector);
        }
        Self {
            lone: lone.into_iter().map(|(rule, _)| rule).zip(0..).collect(),
            others,
            by_label,
        }
    }

    /// Rules that are no lone crowd's and may mean the spec.
    fn others_of(&self, spec: &PodSpec) -> impl Iterator<Item = &'s Near> {
        let others = self.by_label.of(&spec.labels).into_iter();
        others.map(|at| self.others[at])
    }

    /// The lone crowds that pods of the spec are of.
    fn crowds(&self, spec: &PodSpec) -> Vec<u32> {
        let own: BTreeSet<u32> = spec
            .near
            .iter()
            .filter_map(|near| self.lone.get(near))
            .copied()
            .collect();
        own.into_iter().collect()
    }

    /// Whether where such pods may go depends on more than the pod, the node and its lone crowds.
    fn ties(&self, spec: &PodSpec) -> bool {
        let repels = |rule: &Near| rule.rule == NearRule::Apart && rule.selects(spec);
        !spec.near.iter().all(|near| self.lone.contains_key(near))
            || !spec.host_ports.is_empty()
            || !spec.exclusive.is_empty()
            || self.others_of(spec).any(repels)
    }

    /// Whether rules count such pods.
    fn counts(&self, spec: &PodSpec) -> bool {
        self.others_of(spec).any(|rule| rule.selects(spec))
    }

    /// What about such pods nobody can judge, the namespaces that a rule selects by labels nobody knows included.
    fn unmodelled(&self, spec: &PodSpec) -> Option<Unmodelled> {
        let unknown = |rule: &Near| {
            rule.rule == NearRule::Apart
                && rule.namespace_selector.is_some()
                && rule.selector.matches(&spec.labels)
        };
        let first = spec.unmodelled.first().copied();
        first.or_else(|| {
            self.others_of(spec)
                .any(unknown)
                .then_some(Unmodelled::PodAntiAffinity)
        })
    }
}

fn covered(seen: &Snapshot, spec: &PodSpec) -> Vec<usize> {
    let covers = |ix: &usize| {
        let budget = &seen.budgets[*ix];
        budget.namespace == spec.namespace && budget.selector.matches(&spec.labels)
    };
    (0..seen.budgets.len()).filter(covers).collect()
}

impl Fleet<'_> {
    /// The first pod, or budget over a pod, that keeps the node.
    pub(super) fn pods_must_stay(&self, bin: &Bin, budgets: &[u32]) -> Option<Stays> {
        // By kind first: most nodes carry pods of a few kinds that all may go.
        let holds = |(kind, _): &(u32, u32)| {
            let kind = &self.kinds[size(*kind)];
            kind.stays.is_some()
                || kind.spec.traits.protected_for.is_some()
                || kind.unmodelled.is_some()
                || blocked(kind, budgets).is_some()
        };
        if bin.expendable == 0 && !bin.load.iter().any(holds) {
            return None;
        }
        let pods = bin.pods.iter().map(|at| &self.seen.pods[size(*at)]);
        for pod in pods.filter(|pod| pod.phase != PodPhase::Terminating) {
            let kind = &self.kinds[size(pod.spec)];
            if let Some(why) = self.stays(pod) {
                return Some(Stays::PodMustStay {
                    pod: pod.key.clone(),
                    why,
                });
            }
            if let Some(budget) = blocked(kind, budgets) {
                let budget = &self.seen.budgets[budget];
                return Some(Stays::DisruptionBudget {
                    budget: format!("{}/{}", budget.namespace, budget.name),
                });
            }
            if let Some(what) = kind.unmodelled.filter(|_| !kind.expendable) {
                return Some(Stays::PodHeld {
                    pod: pod.key.clone(),
                    by: naming::holds(self.seen, kind.spec, what),
                });
            }
        }
        None
    }

    /// Evictions each budget still allows; to be counted down.
    pub(super) fn budgets(&self) -> Vec<u32> {
        self.seen.budgets.iter().map(|budget| budget.allowed).collect()
    }

    /// Budgets that cover pods of the kind.
    pub(super) fn covered(&self, kind: u32) -> &[usize] {
        &self.kinds[size(kind)].covered
    }

    /// Counts one eviction of the pod against its budget; `false` when it is used up.
    pub(super) fn spend(&self, pod: &Pod, budgets: &mut [u32]) -> bool {
        let kind = &self.kinds[size(pod.spec)];
        if blocked(kind, budgets).is_some() {
            return false;
        }
        for ix in &kind.covered {
            budgets[*ix] = budgets[*ix].saturating_sub(1);
        }
        true
    }
}

/// The budget that allows no eviction of the kind. The Eviction API refuses pods under several budgets.
fn blocked(kind: &Kind<'_>, budgets: &[u32]) -> Option<usize> {
    let several = kind.covered.len() > 1;
    kind.covered
        .iter()
        .copied()
        .find(|ix| several || budgets[*ix] == 0)
}
