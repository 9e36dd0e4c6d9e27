//! What a simulated world consists of at one instant.
//!
//! Plain data with the bookkeeping that keeps it consistent; what moves it is in the sibling files.

use crate::referee::Violation;
use crate::rng::Rng;
use crate::scenario::{PodPlan, Scenario};
use crate::series::Tally;
use crate::world::queue::Queue;
use crate::world::watch::Deed;
use model::node::{DRAIN_TAINT, EMPTYING_TAINT, UNREACHABLE_TAINT};
use model::pod::{PodPhase, PodSpec, SpecIx, Taint, TaintEffect};
use model::selector::Labels;
use model::{
    GroupName, InstanceState, Instant, IntentId, NodeName, PodKey, Resources, Snapshot, Span, UsdPerHour,
    WorkloadKey,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Cluster, cloud and what drives them.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) scenario: Arc<Scenario>,
    pub(crate) now: Instant,
    pub(crate) queue: Queue,
    pub(crate) rng: Rng,
    /// Distinct specs, never shrunk; a look sends only those in use.
    pub(crate) specs: Vec<Arc<PodSpec>>,
    pub(crate) pods: BTreeMap<PodKey, SimPod>,
    pub(crate) nodes: BTreeMap<NodeName, SimNode>,
    pub(crate) owners: BTreeMap<WorkloadKey, Owner>,
    /// Instances ever launched per group, for names.
    pub(crate) launched: BTreeMap<GroupName, u32>,
    /// What was launched for which client token, so that a repeated call is the same call.
    pub(crate) tokens: BTreeMap<String, Vec<NodeName>>,
    /// The picture that a frozen watch keeps showing.
    pub(crate) frozen: Option<Snapshot>,
    /// Something changed that controllers or the scheduler must look at.
    pub(crate) dirty: bool,
    pub(crate) violations: Vec<Violation>,
    /// What was done to this world within the longest window.
    pub(crate) deeds: Vec<Deed>,
    pub(crate) tally: Tally,
    /// Pod-milliseconds of demand since they were last taken, by plain spec.
    pub(crate) demand: BTreeMap<SpecIx, i64>,
}

/// One instance and the node it becomes.
#[derive(Clone, Debug)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent conditions of a node, as the API has them"
)]
pub(crate) struct SimNode {
    pub(crate) group: GroupName,
    /// Index into the scenario's offers.
    pub(crate) offer: usize,
    pub(crate) price: UsdPerHour,
    pub(crate) state: InstanceState,
    pub(crate) launched: Instant,
    /// When the node object appeared; `None` while only the instance exists.
    pub(crate) joined: Option<Instant>,
    pub(crate) ready: bool,
    pub(crate) cordoned: bool,
    pub(crate) draining: bool,
    /// New pods go elsewhere where they can.
    pub(crate) emptying: bool,
    /// Told that it will be taken back, or broken.
    pub(crate) doomed: bool,
    /// Since when its kubelet has been silent.
    pub(crate) silent: Option<Instant>,
    /// When the picture began to show that it will be taken back.
    pub(crate) noticed: Option<Instant>,
    pub(crate) labels: Labels,
    pub(crate) taints: Vec<Taint>,
    pub(crate) allocatable: Resources,
    pub(crate) max_pods: u32,
    /// Requests of the pods that hold resources here, DaemonSets included.
    pub(crate) used: Resources,
    /// Number of those pods.
    pub(crate) count: u32,
    /// A Fargate pod's own node.
    pub(crate) fargate: bool,
}

/// One pod.
#[derive(Clone, Debug)]
pub(crate) struct SimPod {
    pub(crate) spec: SpecIx,
    pub(crate) owner: WorkloadKey,
    pub(crate) node: Option<NodeName>,
    pub(crate) phase: PodPhase,
    pub(crate) created: Instant,
    /// Since when somebody has wanted it; older than `created` when it was made anew while it waited.
    pub(crate) since: Instant,
    pub(crate) bound: Option<Instant>,
    pub(crate) nominated: Option<NodeName>,
    /// Tolerates the startup taint, since it was nominated to a node that was starting.
    pub(crate) let_in: bool,
    pub(crate) deletion_cost: i32,
    /// How long it runs once started; `None`: until it is deleted.
    pub(crate) runs: Option<Span>,
    /// Admitted to this Fargate profile.
    pub(crate) profile: Option<GroupName>,
    /// DaemonSet pod: holds resources, is nobody's demand.
    pub(crate) daemon: bool,
}

/// What makes pods.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) kind: OwnerKind,
    pub(crate) pod: PodPlan,
    pub(crate) spec: SpecIx,
    /// Number of its next pod.
    pub(crate) next: u64,
    /// Where its future pods go at admission.
    pub(crate) placement: Option<Placement>,
}

/// Kinds of owners.
#[derive(Clone, Debug)]
pub(crate) enum OwnerKind {
    /// Index into the scenario's workloads, and what is set at run time.
    Deployment {
        /// Index.
        plan: usize,
        /// Wanted replicas.
        replicas: u32,
        /// `metadata.generation`.
        generation: i64,
    },
    /// Durations of the pods that have not finished and are not there (evicted ones come back).
    Job {
        /// Runs still to be started.
        waiting: Vec<Span>,
    },
    /// Index into the scenario's DaemonSets.
    Daemon,
}

/// A decided placement on Fargate.
#[derive(Clone, Debug)]
pub(crate) struct Placement {
    pub(crate) label: Labels,
    pub(crate) until: Instant,
}

impl SimNode {
    /// Paid for: from launch until termination begins.
    pub(crate) fn lives(&self) -> bool {
        matches!(self.state, InstanceState::Pending | InstanceState::InService)
    }

    /// Whether the scheduler may bind to it (its taints aside).
    pub(crate) fn schedulable(&self) -> bool {
        self.ready && self.lives() && !self.cordoned && !self.fargate
    }

    /// Taints as the API shows them.
    pub(crate) fn shown_taints(&self) -> Vec<Taint> {
        let mut taints = self.taints.clone();
        if self.draining {
            taints.push(Taint {
                key: DRAIN_TAINT.to_owned(),
                value: String::new(),
                effect: TaintEffect::NoSchedule,
            });
        }
        if self.silent.is_some() {
            taints.push(Taint {
                key: UNREACHABLE_TAINT.to_owned(),
                value: String::new(),
                effect: TaintEffect::NoExecute,
            });
        }
        if self.emptying {
            taints.push(Taint {
                key: EMPTYING_TAINT.to_owned(),
                value: String::new(),
                effect: TaintEffect::PreferNoSchedule,
            });
        }
        taints
    }
}

impl SimPod {
    /// Waits for a node.
    pub(crate) fn waits(&self) -> bool {
        self.phase == PodPhase::Pending && self.node.is_none()
    }

    /// Counts as its owner's: there, and not on its way out.
    pub(crate) fn stays(&self) -> bool {
        !matches!(self.phase, PodPhase::Terminating | PodPhase::Finished)
    }
}

impl State {
    /// The spec's index, kept once however often it is used.
    pub(crate) fn intern(&mut self, spec: &PodSpec) -> SpecIx {
        let found = self.specs.iter().rposition(|known| **known == *spec);
        let place = found.unwrap_or_else(|| {
            self.specs.push(Arc::new(spec.clone()));
            self.specs.len() - 1
        });
        SpecIx::try_from(place).unwrap_or(SpecIx::MAX)
    }

    /// The spec behind an index of this world.
    pub(crate) fn spec(&self, ix: SpecIx) -> Arc<PodSpec> {
        self.specs.get(ix as usize).cloned().unwrap_or_default()
    }

    /// Puts a pod onto a node's books.
    pub(crate) fn occupy(&mut self, node: &NodeName, spec: SpecIx) {
        let spec = self.spec(spec);
        if let Some(node) = self.nodes.get_mut(node) {
            node.used.add(&spec.requests);
            node.count += 1;
        }
    }

    /// Takes a pod off a node's books.
    pub(crate) fn vacate(&mut self, node: &NodeName, spec: SpecIx) {
        let spec = self.spec(spec);
        if let Some(node) = self.nodes.get_mut(node) {
            node.used.sub(&spec.requests);
            node.count = node.count.saturating_sub(1);
        }
    }

    /// Instances of a group that are paid for.
    pub(crate) fn living(&self, group: &GroupName) -> u32 {
        let count = self
            .nodes
            .values()
            .filter(|n| n.group == *group && n.lives())
            .count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// The client token of a step: the same intent is the same call.
    pub(crate) fn token(intent: Option<&IntentId>, step: model::StepId) -> String {
        intent.map_or_else(|| format!("step-{step}"), |id| format!("intent-{id}"))
    }

    /// Writes down a breach of an invariant, at most a thousand of them.
    pub(crate) fn breach(&mut self, violation: Violation) {
        if self.violations.len() < 1000 && !self.violations.contains(&violation) {
            self.violations.push(violation);
        }
    }
}
