//! Evidence: which waiting pods can prove that a purchase is needed. Found from the Snapshot and the Ledger, with no code of
//! the engine.
//!
//! A policy can invent headroom, replicas to come and pods of the workloads it may scale: none of these proves anything,
//! nor does a pod that we moved ourselves. What is not proven is not forbidden: the tight windows count it. Not here: how
//! many nodes the pods prove (`proof`).

use model::intent::{EffectKind, Ledger};
use model::pod::{Pod, PodPhase, PodSpec};
use model::{Aims, Instant, PodKey, Snapshot, WorkloadKey};
use std::collections::BTreeSet;

/// Annotation of workloads whose replicas policies may set.
pub(crate) const SCALE_ANNOTATION: &str = "plimsoll.io/scale";

/// Pods that may prove a purchase, and what each kind of them needs.
pub(crate) struct Evidence<'a> {
    /// Workloads whose pods policies can make.
    scaled: BTreeSet<&'a WorkloadKey>,
    /// Pods that have proven something within the long window.
    spent: BTreeSet<&'a PodKey>,
    /// Pods that were moved within the long window: as many that wait may be those, the dearest.
    moved: u32,
    /// Pods made before this may have proven something that is forgotten.
    forgotten: Option<Instant>,
    /// Pods of lower priority prove nothing: no node is bought for them.
    expendable_below: i32,
    on: bool,
}

impl<'a> Evidence<'a> {
    pub(crate) fn new(seen: &'a Snapshot, ledger: &'a Ledger, aims: &'a Aims) -> Self {
        let annotated = seen
            .workloads
            .iter()
            .filter(|of| of.annotations.contains_key(SCALE_ANNOTATION));
        let aimed = aims.scale.iter().map(|aim| &aim.workload);
        let moved = ledger.effects.iter().map(|effect| match &effect.kind {
            EffectKind::Evicted { count } | EffectKind::Remade { count, .. } => *count,
            _ => 0,
        });
        Self {
            scaled: annotated.map(|of| &of.key).chain(aimed).collect(),
            spent: ledger.spent.iter().flat_map(|spent| &spent.pods).collect(),
            moved: moved.fold(0, u32::saturating_add),
            forgotten: ledger
                .spent
                .iter()
                .filter(|spent| spent.pods.is_empty())
                .map(|spent| spent.at)
                .max(),
            expendable_below: aims.priority.expendable_below,
            on: aims.limits.growth_by_evidence,
        }
    }

    pub(crate) const fn moved(&self) -> u32 {
        self.moved
    }

    /// Whether the pod waits for a node, of nobody's making but its owner's, and has proven nothing yet.
    pub(crate) fn counts(&self, pod: &Pod, spec: &PodSpec) -> bool {
        pod.phase == PodPhase::Pending
            && pod.node.is_none()
            && pod.nominated.is_none()
            && !spec.traits.mirror
            && spec.unmodelled.is_empty()
            && spec.priority >= self.expendable_below
            && !self.spent.contains(&pod.key)
            && self.forgotten.is_none_or(|at| pod.created > at)
            && spec
                .owner
                .as_ref()
                .is_none_or(|owner| &*owner.kind != "DaemonSet" && !self.scaled.contains(owner))
    }

    /// Whether waiting pods prove anything at all (`limits.growth_by_evidence`).
    pub(crate) const fn is_on(&self) -> bool {
        self.on
    }
}

#[cfg(test)]
mod tests;
