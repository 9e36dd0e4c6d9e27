//! The Proposal: what `judge` is asked about.

use model::notes::Notes;
use model::plan::{Plan, Step};
use model::watch::Watch;

/// A plan with how it came about: a policy fault in the notes holds what shrinks.
#[derive(Clone, Copy, Debug)]
pub struct Proposal<'a> {
    /// What should be done.
    pub plan: &'a Plan,
    /// How it came about.
    pub notes: &'a Notes,
    /// Launches taken up again (`ledger::resume`); judged before the plan.
    pub resumed: &'a [Step],
    /// What the guard has watched (`watch`); without it every removal counts against the tight windows.
    pub watch: Option<&'a Watch>,
}
