//! What a check answers: nothing, an objection for good, or one for now.

use model::{HoldReason, StrikeReason};

/// Why a step does not pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Objection {
    /// It must not be carried out at all.
    Strike(StrikeReason),
    /// Not now; a later cycle may find it again.
    Hold(HoldReason),
}

/// An objection for good.
#[expect(clippy::unnecessary_wraps, reason = "what a check returns")]
pub(crate) const fn strike(why: StrikeReason) -> Option<Objection> {
    Some(Objection::Strike(why))
}

/// An objection for now.
#[expect(clippy::unnecessary_wraps, reason = "what a check returns")]
pub(crate) const fn hold(why: HoldReason) -> Option<Objection> {
    Some(Objection::Hold(why))
}
