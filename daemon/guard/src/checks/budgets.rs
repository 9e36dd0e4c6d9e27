//! PodDisruptionBudgets, counted across all evictions of the plan. The Eviction API has the last word; this
//! keeps a plan from asking for what it cannot get.

use crate::case::Case;
use crate::objection::{Objection, strike};
use crate::tally::Tally;
use model::StrikeReason;
use model::plan::{Step, StepKind};

pub(super) fn check(step: &Step, case: &Case<'_>, tally: &Tally) -> Option<Objection> {
    let StepKind::Evict { pod, .. } = &step.kind else {
        return None;
    };
    let spent = case.budgets_of(pod).any(|ix| {
        let allowed = case.seen.budgets.get(ix).map_or(0, |budget| budget.allowed);
        tally.budgets.get(&ix).copied().unwrap_or(0) >= allowed
    });
    if spent {
        return strike(StrikeReason::MustNotDisrupt);
    }
    None
}
