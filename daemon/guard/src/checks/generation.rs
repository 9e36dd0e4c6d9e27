//! H5: a plan made from another Ledger than the one in force is void.

use crate::case::Case;
use crate::objection::{Objection, strike};
use crate::tally::Tally;
use model::StrikeReason;
use model::plan::Step;

pub(super) fn check(step: &Step, case: &Case<'_>, _: &Tally) -> Option<Objection> {
    if step.generation == case.ledger.generation {
        return None;
    }
    strike(StrikeReason::StaleGeneration)
}
