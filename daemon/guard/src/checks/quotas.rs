//! Quotas of the aims: how much CPU, memory and how many nodes a group or the cluster may have, on their way included.
//!
//! Counted anew from the Snapshot and the Ledger, whatever the plan counted. A quota holds growth and nothing else.

use crate::case::Case;
use crate::objection::{Objection, hold};
use crate::step_effect::continues;
use crate::tally::Tally;
use model::HoldReason;
use model::plan::{Step, StepKind};
use model::quota::{Amounts, Quota};

pub(super) fn check(step: &Step, case: &Case<'_>, tally: &Tally) -> Option<Objection> {
    let StepKind::GrowGroup {
        group,
        offer,
        from,
        to,
        ..
    } = &step.kind
    else {
        return None;
    };
    if case.aims.quotas.is_none() || continues(step, case) {
        return None;
    }
    let each = Amounts::of_node(&case.offer(offer)?.allocatable);
    let mut all = Amounts::default();
    all.add(&each, to.saturating_sub(*from));
    let reached = |quota: &Quota, used: &Amounts, of| quota.reached(&quota.left(used), &all, of);
    let own = case.aims.quotas.of(group);
    own.and_then(|quota| reached(quota, &tally.used.of_group(group), Some(group)))
        .or_else(|| reached(&case.aims.quotas.total, &tally.used.total, None))
        .and_then(|reached| hold(HoldReason::Quota(reached)))
}
