//! The checks, one file each, in the order they are asked: what must never happen before what must wait.
//!
//! Strikes: generation (H5), objects and scope (I21), own node (I14), do-not-disrupt and budgets (I22), HPA, bounds
//! (I3, I6), drained (I3, I22). Holds: fence (I8), kill switch (I20), modes (I13), freshness (I1, I2), a cluster of which
//! much is not Ready, policy faults (I12), reviews, open intents (I7, I9), canaries and replacement (I10), rolling updates
//! of others, critical workloads (I14), budgets and quotas of the aims, rates (I5, I6, I23). Undoing a removal is held by nothing but the fence and the kill
//! switch. What the provider confirms to take away within minutes, however many nodes that are, may be drained past minima,
//! rates, rolling updates and the node's own annotations; budgets and annotated pods stay. What has stopped working goes past
//! its pods, and past nothing else.

mod bounds;
mod budgets;
mod critical;
mod drained;
mod fence;
mod freshness;
mod generation;
mod hpa;
mod intents;
mod modes;
mod must_not_disrupt;
mod node_budgets;
mod objects;
mod own_node;
mod paused;
mod plausible;
mod policy_fault;
mod quotas;
mod rates;
mod renewal;
mod replacement;
mod review;
mod rolling;

#[cfg(test)]
mod mutation;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;

use crate::case::Case;
use crate::objection::Objection;
use crate::tally::Tally;
use model::Verdict;
use model::plan::Step;

/// One check: `None` lets the step pass.
type Check = fn(&Step, &Case<'_>, &Tally) -> Option<Objection>;

/// In the order they are asked.
const CHECKS: [Check; 23] = [
    generation::check,
    objects::check,
    own_node::check,
    must_not_disrupt::check,
    budgets::check,
    hpa::check,
    bounds::check,
    drained::check,
    fence::check,
    paused::check,
    modes::check,
    freshness::check,
    plausible::check,
    policy_fault::check,
    review::check,
    intents::check,
    renewal::check,
    replacement::check,
    rolling::check,
    critical::check,
    node_budgets::check,
    quotas::check,
    rates::check,
];

/// The word on one step after what was cleared so far.
pub(crate) fn word(step: &Step, case: &Case<'_>, tally: &Tally) -> Verdict {
    match asked().find_map(|check| check(step, case, tally)) {
        Some(Objection::Strike(why)) => Verdict::Struck(why),
        Some(Objection::Hold(why)) => Verdict::Held(why),
        None => Verdict::Cleared,
    }
}

/// The checks that are asked: all of them.
#[cfg(not(test))]
fn asked() -> impl Iterator<Item = &'static Check> {
    CHECKS.iter()
}

/// The checks that are asked: all of them, but in a mutation run.
#[cfg(test)]
fn asked() -> impl Iterator<Item = &'static Check> {
    let left_out = mutation::left_out();
    let checks = CHECKS.iter().enumerate();
    checks.filter_map(move |(at, check)| (left_out != Some(at)).then_some(check))
}
