//! I8: only the holder of the lease acts.

use crate::case::Case;
use crate::objection::{Objection, hold};
use crate::tally::Tally;
use model::HoldReason;
use model::plan::Step;

pub(super) fn check(_: &Step, case: &Case<'_>, _: &Tally) -> Option<Objection> {
    if case.fence.is_held() {
        return None;
    }
    hold(HoldReason::NoFence)
}
