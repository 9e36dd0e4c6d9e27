//! What a policy of the hook `review` does not want begun waits for a later cycle. What is under way goes on, and so
//! does what the provider takes: neither is a policy's to hold.

use crate::case::Case;
use crate::objection::{Objection, hold};
use crate::step_effect::continues;
use crate::tally::Tally;
use model::HoldReason;
use model::plan::Step;

pub(super) fn check(step: &Step, case: &Case<'_>, _: &Tally) -> Option<Objection> {
    let held = case.holds.get(&step.id)?;
    let taken = step.kind.node().is_some_and(|node| case.is_taken(node));
    if taken || !step.kind.begins() || continues(step, case) {
        return None;
    }
    hold(HoldReason::from(*held))
}
