//! The trait of everything that can change a cluster, and the one that changes nothing.

use crate::cleared::Cleared;
use model::outcome::Outcome;
use model::plan::Step;
use std::future::Future;

/// Carries out cleared steps: one bounded effect (at most 10 s) each. Never waits for a drain or a boot.
pub trait Act {
    /// Carries out one step.
    fn carry_out(&mut self, step: Cleared<Step>) -> impl Future<Output = Outcome> + Send;
}

/// Hands that do nothing: dry-run and replay.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Act for Nobody {
    fn carry_out(&mut self, _step: Cleared<Step>) -> impl Future<Output = Outcome> + Send {
        std::future::ready(Outcome::Recorded)
    }
}
