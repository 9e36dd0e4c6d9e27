//! PodDisruptionBudgets, counted across all evictions of the plan. The Eviction API has the last word; this
//! keeps a plan from asking for what it cannot get.

use super::{Objection, strike};
use crate::case::Case;
use crate::tally::Tally;
use model::plan::{Step, StepKind};
use model::{PodKey, StrikeReason};

pub(super) fn check(step: &Step, case: &Case<'_>, tally: &Tally) -> Option<Objection> {
    let StepKind::Evict { pod, .. } = &step.kind else {
        return None;
    };
    let spent = budgets_of(pod, case).any(|ix| {
        let allowed = case.seen.budgets.get(ix).map_or(0, |budget| budget.allowed);
        tally.budgets.get(&ix).copied().unwrap_or(0) >= allowed
    });
    if spent {
        return strike(StrikeReason::MustNotDisrupt);
    }
    None
}

/// Budgets that cover a pod, by their place in the Snapshot.
pub(crate) fn budgets_of<'a>(pod: &PodKey, case: &'a Case<'_>) -> impl Iterator<Item = usize> + use<'a> {
    let namespace = pod.namespace.clone();
    let spec = case.seen.pod(pod).map(|pod| case.seen.spec(pod.spec));
    case.seen
        .budgets
        .iter()
        .enumerate()
        .filter(move |(_, budget)| {
            *budget.namespace == *namespace
                && spec
                    .as_ref()
                    .is_some_and(|spec| budget.selector.matches(&spec.labels))
        })
        .map(|(ix, _)| ix)
}
