//! While somebody else replaces the nodes of a group (an EKS update, a kops rolling update), no removal begins
//! there: two who drain at once break budgets that each alone would keep. A removal that is under way goes on. Neither are
//! its bounds set: EKS takes one update at a time.

use crate::case::Case;
use crate::objection::{Objection, hold};
use crate::tally::Tally;
use model::HoldReason;
use model::plan::{Step, StepKind};

pub(super) fn check(step: &Step, case: &Case<'_>, _: &Tally) -> Option<Objection> {
    let (StepKind::Cordon { group, .. }
    | StepKind::RemoveInstance { group, .. }
    | StepKind::SetBounds { group, .. }) = &step.kind
    else {
        return None;
    };
    let taken = matches!(&step.kind, StepKind::Cordon { node, .. } if case.is_taken(node));
    if taken {
        return None;
    }
    let what = case.seen.group(group)?.rolling.clone()?;
    hold(HoldReason::Rolling { what })
}
