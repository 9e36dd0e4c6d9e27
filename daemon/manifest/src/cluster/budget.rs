//! How many evictions a PodDisruptionBudget allows.
//!
//! Not here: what a budget covers in a live cluster, whose status tells.

use crate::intern::Specs;
use crate::workload::BudgetObject;
use model::pod::{Pod, PodPhase};
use model::selector::Labels;
use model::workload::DisruptionBudget;

/// A budget's allowance as its status tells it, else computed from the pods that are there, as the disruption
/// controller does.
pub(super) fn budget(object: &BudgetObject, pods: &[Pod], specs: &Specs) -> Option<DisruptionBudget> {
    let selector = object.selector.clone()?;
    let allowed = object.allowed.unwrap_or_else(|| {
        let covers = |labels: &Labels| selector.matches(labels);
        let mut matching = specs.indices(|spec| spec.namespace == object.namespace && covers(&spec.labels));
        matching.sort_unstable();
        let held = |pod: &&Pod| pod.phase != PodPhase::Finished && matching.binary_search(&pod.spec).is_ok();
        let (mut expected, mut healthy) = (0_u32, 0_u32);
        for pod in pods.iter().filter(held) {
            expected += 1;
            healthy += u32::from(pod.phase == PodPhase::Running);
        }
        match (object.max_unavailable, object.min_available) {
            (Some(most), _) => healthy.saturating_sub(expected.saturating_sub(most.of(expected))),
            (None, Some(least)) => healthy.saturating_sub(least.of(expected)),
            (None, None) => 0,
        }
    });
    Some(DisruptionBudget {
        namespace: object.namespace.clone(),
        name: object.name.clone(),
        selector,
        allowed,
    })
}
