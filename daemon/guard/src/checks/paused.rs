//! I20: the kill switch holds everything, undoing included.

use crate::case::Case;
use crate::objection::{Objection, hold};
use crate::tally::Tally;
use model::HoldReason;
use model::plan::Step;

pub(super) fn check(_: &Step, case: &Case<'_>, _: &Tally) -> Option<Objection> {
    let pause = case.ledger.paused.as_ref()?;
    hold(HoldReason::Paused { by: pause.by.clone() })
}
