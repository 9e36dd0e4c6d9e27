//! I3 and I6: groups stay within their bounds, launches on their way included, and never shrink by number;
//! workloads stay within the bounds of their aim.

use crate::case::Case;
use crate::objection::{Objection, strike};
use crate::step_effect::continues;
use crate::tally::Tally;
use model::group::Bounds;
use model::plan::{Step, StepKind};
use model::{GroupName, StrikeReason};

pub(super) fn check(step: &Step, case: &Case<'_>, tally: &Tally) -> Option<Objection> {
    match &step.kind {
        StepKind::GrowGroup { group, from, to, .. } => {
            let group = case.seen.group(group)?;
            let asked = to.saturating_sub(*from);
            if asked == 0 || *to < group.desired {
                return strike(StrikeReason::ShrinksByNumber);
            }
            let adds = if continues(step, case) { 0 } else { asked };
            let growing = tally.growing_now.get(&group.name).copied().unwrap_or(0);
            let after = case.size(group).saturating_add(growing).saturating_add(adds);
            if after > group.max || *to > group.max {
                return strike(StrikeReason::AboveGroupMax { max: group.max });
            }
            None
        }
        StepKind::SetBounds { group, to, .. } => around_size(group, *to, case, tally),
        // The group becomes smaller by it in no way that was decided here.
        StepKind::Cordon { node, .. } if case.is_taken(node) => None,
        // What waits for nodes that this plan adds to its group leaves it no smaller than it is; that they have come is
        // asked again before it goes.
        StepKind::Cordon { group, after, .. } if !after.is_empty() => {
            let growing = tally.growing_now.get(group).copied().unwrap_or(0);
            let more = u32::from(!continues(step, case));
            shrinks(group, more, growing, case, tally)
        }
        StepKind::Cordon { group, .. } | StepKind::RemoveInstance { group, .. } => {
            shrinks(group, u32::from(!continues(step, case)), 0, case, tally)
        }
        // The group has let go of it already: its hook is completed.
        StepKind::RemoveNode { group, instance, .. }
            if case.seen.group(group).is_some_and(|group| group.awaits(instance)) =>
        {
            None
        }
        // Its own intent is among the ones that leave.
        StepKind::RemoveNode { group, .. } => shrinks(group, 0, 0, case, tally),
        StepKind::ScaleWorkload { workload, to, .. } => {
            let aim = case.aims.scale.iter().find(|aim| aim.workload == *workload)?;
            if (aim.min..=aim.max).contains(to) {
                return None;
            }
            strike(StrikeReason::OutsideBounds {
                min: aim.min,
                max: aim.max,
            })
        }
        _ => None,
    }
}

/// Auto Scaling launches up to a minimum and ends instances down to a maximum, without asking anybody: the size is within
/// the bounds, with all that comes and without all that goes.
fn around_size(name: &GroupName, to: Bounds, case: &Case<'_>, tally: &Tally) -> Option<Objection> {
    let group = case.seen.group(name)?;
    let growing = tally.growing_now.get(name).copied().unwrap_or(0);
    if to.min > to.max || case.size(group).saturating_add(growing) > to.max {
        return strike(StrikeReason::ShrinksByNumber);
    }
    let leaving_now = tally.leaving_now.get(name).copied().unwrap_or(0);
    let leaving = case.leaving(name).saturating_add(leaving_now);
    if to.min > group.desired.saturating_sub(leaving) {
        return strike(StrikeReason::BelowGroupMin { min: to.min });
    }
    None
}

/// Whether the group would have fewer than its minimum once all that leaves has left: `more` nodes leave by this step and by
/// no open intent yet, `coming` nodes come in exchange.
fn shrinks(name: &GroupName, more: u32, coming: u32, case: &Case<'_>, tally: &Tally) -> Option<Objection> {
    let group = case.seen.group(name)?;
    // The lower of both: desired counts what is only promised, and the list has instances that a smaller desired size is
    // about to end. Kinds of groups that list no instances have the number alone.
    let living = if group.instances.is_empty() {
        group.desired
    } else {
        group.living().min(group.desired)
    };
    let leaving_now = tally.leaving_now.get(name).copied().unwrap_or(0);
    let leaving = case
        .leaving(name)
        .saturating_add(leaving_now)
        .saturating_add(more);
    if living.saturating_add(coming) < group.min.saturating_add(leaving) {
        return strike(StrikeReason::BelowGroupMin { min: group.min });
    }
    None
}
