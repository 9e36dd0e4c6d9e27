//! The trait behind which every policy stands, native or WebAssembly, and the View it is shown.
//!
//! A policy is a pure function of its View and of the bytes it kept in the cycle before: no clock, no randomness. How
//! WASM guests get to see a View is the work of `host`.

use model::advice::{Advice, Hook, PolicyFault, PolicyMode, State};
use model::aims::Aims;
use model::disruption::Cause;
use model::group::GroupKind;
use model::ids::{PolicyName, StepId, WorkloadKey};
use model::memory::{GroupUse, Memory};
use model::money::UsdPerHour;
use model::offer::{GroupIx, Purchase};
use model::pod::SpecIx;
use model::resources::Resources;
use model::snapshot::Snapshot;
use model::standing::PolicyScope;
use model::time::Span;
use std::any::Any;
use std::sync::{Arc, OnceLock};

/// Answers the question of one hook.
pub trait Policy: Send + Sync {
    /// Hooks it can answer.
    fn hooks(&self) -> &[Hook];

    /// Answers for the hook of the View, given what it kept there last; empty where nothing. Never blocks beyond its own
    /// deadline, never panics.
    fn advise(&self, view: &View<'_>, kept: &[u8]) -> Advised;
}

/// An answer with what it cost.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advised {
    /// Answer or fault.
    pub answer: Result<Advice, PolicyFault>,
    /// Fuel used; 0 for native policies.
    pub fuel: u64,
    /// What it logged, escaped and cut.
    pub log: Vec<String>,
    /// What it keeps for the next cycle; `None`: what it kept before.
    pub kept: Option<State>,
}

/// Policies in the order they are asked.
#[derive(Clone, Default)]
pub struct PolicySet {
    /// Where they contradict each other on the same row, factors multiply, addends add, a forbid wins; replicas: the
    /// highest, headroom: the sum, or as `aims.compose` has it; disruption: a denial wins and addends add; review: any
    /// hold holds.
    pub entries: Vec<PolicyEntry>,
}

/// One policy as it was loaded.
#[derive(Clone)]
pub struct PolicyEntry {
    /// Name given by the operator.
    pub name: PolicyName,
    /// SHA-256 of the component, hexadecimal; empty for native ones.
    pub digest: String,
    /// Whether its answers count.
    pub mode: PolicyMode,
    /// What they count for in canary mode.
    pub scope: PolicyScope,
    /// The policy.
    pub policy: Arc<dyn Policy>,
}

/// What a policy is shown.
pub struct View<'a> {
    /// The question.
    pub hook: Hook,
    /// The picture.
    pub seen: &'a Snapshot,
    /// What is remembered.
    pub memory: &'a Memory,
    /// What is wanted.
    pub aims: &'a Aims,
    /// Scaler: one row per workload that may be scaled. Empty for the other hooks.
    pub workloads: &'a [WorkloadRow],
    /// Placement and headroom: one row per class of demand.
    pub classes: &'a [ClassRow],
    /// Placement and headroom: one row per offer set.
    pub sets: &'a [SetRow],
    /// Disruption: one row per node that could be given up.
    pub candidates: &'a [CandidateRow],
    /// Disruption: one row per pod that would have to move for one of them, in their order.
    pub movers: &'a [MoverRow],
    /// Review: one row per step that begins something.
    pub steps: &'a [StepRow],
    /// What policies make of this View once and share. Fresh and empty for each View.
    pub prepared: Prepared,
}

/// A place in a View for what is worked out from it by the first policy asked and wanted by the next one too, as
/// `host` does with the columns that WebAssembly guests read.
///
/// It lives and dies with its View, so it cannot be out of date. What is kept may change how long an answer takes,
/// never the answer.
#[derive(Default)]
pub struct Prepared(OnceLock<Box<dyn Any + Send + Sync>>);

impl Prepared {
    /// What is kept, made now if nothing is. `None` where something of another type is kept already.
    pub fn get_or_make<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> Option<&T> {
        self.0.get_or_init(|| Box::new(make())).downcast_ref()
    }
}

/// A workload that may be scaled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkloadRow {
    /// Which.
    pub key: WorkloadKey,
    /// Spec of its next pod, where known.
    pub spec: Option<SpecIx>,
    /// Replicas now.
    pub replicas: u32,
    /// Ready pods.
    pub ready: u32,
    /// Fewest.
    pub min: u32,
    /// Most.
    pub max: u32,
    /// Metric held at the target: `cpu`, `memory` or a name from the aims.
    pub metric: String,
    /// Target in thousandths (of the request for `cpu` and `memory`, else per replica in the metric's unit).
    pub target_milli: i64,
    /// Its value in thousandths, summed over pods; `None` where it is missing (never zero).
    pub value_milli: Option<i64>,
    /// Age of the value.
    pub age: Span,
    /// Pods that contributed.
    pub pods: u32,
    /// Request of one pod for `cpu` (millicores) or `memory` (bytes), in thousandths; 0 for other metrics.
    pub request_milli: i64,
    /// Highest recommendation within the last 5 minutes; `replicas` where there is none.
    pub recent_max: u32,
}

/// A class of demand: pods that no rule can tell apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClassRow {
    /// Spec; `None` for headroom.
    pub spec: Option<SpecIx>,
    /// Owner, where the pods have one.
    pub workload: Option<WorkloadKey>,
    /// Request of one pod.
    pub requests: Resources,
    /// Pods waiting now.
    pub pending: u32,
    /// Replicas to come.
    pub to_come: u32,
    /// Virtual pods.
    pub headroom: u32,
    /// Marginal EC2 price of one pod at full utilisation; `None`: no EC2 offer fits.
    pub ec2_price: Option<UsdPerHour>,
    /// Price of the smallest Fargate size that holds one pod; `None`: Fargate cannot run it.
    pub fargate_price: Option<UsdPerHour>,
}

/// An offer set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetRow {
    /// `group` or `group/arch/purchase`.
    pub name: String,
    /// Its group.
    pub group: GroupIx,
    /// Kind of the group.
    pub kind: GroupKind,
    /// Architecture, where the set has one.
    pub arch: Option<String>,
    /// Purchase, where the set has one.
    pub purchase: Option<Purchase>,
    /// Offers in it.
    pub offers: u32,
    /// Price of its cheapest offer.
    pub min_price: UsdPerHour,
    /// Nodes the group has.
    pub nodes: u32,
    /// Measured utilisation of the group; zeros where it has no nodes.
    pub utilisation: GroupUse,
}

/// A node that could be given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CandidateRow {
    /// Index into the nodes of the picture.
    pub node: u32,
    /// What it costs; `None`: nobody knows.
    pub price: Option<UsdPerHour>,
    /// Pods that would have to move.
    pub moves: u32,
    /// Requested share of what it has for pods, thousandths.
    pub cpu_requested: u32,
    /// The same of memory.
    pub memory_requested: u32,
    /// For how long it could have gone so far; `None`: it could not until now.
    pub unneeded: Option<Span>,
    /// Why another should take its place, where one should.
    pub due: Option<Cause>,
}

/// A pod that would have to move.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoverRow {
    /// Candidate row of its node.
    pub candidate: u32,
    /// Index into the pods of the picture.
    pub pod: u32,
}

/// A step that begins something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepRow {
    /// Which.
    pub id: StepId,
    /// Its kind, as `StepKind::name` has it.
    pub kind: &'static str,
    /// Group or Fargate profile that it changes; empty where none.
    pub group: String,
    /// Namespace of the workload or pod that it is about; empty where none.
    pub namespace: String,
    /// Name of the workload, pod, node or instance that it is about; empty where it is about a group.
    pub object: String,
    /// Replicas, size or maximum before; 0 where it has none.
    pub from: u32,
    /// The same after.
    pub to: u32,
    /// Pods that it is for, or that would have to move.
    pub pods: u32,
    /// What it adds to the bill; `None`: nobody knows.
    pub adds: Option<UsdPerHour>,
    /// What it takes off the bill once it is through; `None`: nobody knows.
    pub saves: Option<UsdPerHour>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_filled_once_and_keeps_its_type() {
        let prepared = Prepared::default();
        assert_eq!(prepared.get_or_make(|| 1_u32), Some(&1));
        assert_eq!(prepared.get_or_make(|| 2_u32), Some(&1));
        assert_eq!(prepared.get_or_make(|| "other"), None);
    }
}
