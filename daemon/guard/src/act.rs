//! The trait of everything that can change a cluster, and the one that changes nothing.

use crate::cleared::Cleared;
use model::outcome::Outcome;
use model::plan::Step;
use std::future::Future;

/// Carries out cleared steps: one bounded effect (at most 10 s) each. Never waits for a drain or a boot.
pub trait Act {
    /// Carries out one step.
    fn carry_out(&mut self, step: Cleared<Step>) -> impl Future<Output = Outcome> + Send;

    /// How many removals of nodes of this one's group, itself included, one effect may carry out together; one: each is
    /// an effect of its own.
    fn most_together(&self, _step: &Step) -> usize {
        1
    }

    /// Carries out removals of nodes of one group together, as one effect under the same bound; an outcome for each, in
    /// their order: one that cannot go does not keep the others. Called with no more than `most_together` allows.
    fn carry_out_together(&mut self, steps: Vec<Cleared<Step>>) -> impl Future<Output = Vec<Outcome>> + Send {
        let refused = |_| Outcome::Refused {
            after: None,
            why: "these hands do one thing at a time".to_owned(),
        };
        std::future::ready(steps.iter().map(refused).collect())
    }
}

/// Hands that do nothing: dry-run and replay.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl Act for Nobody {
    fn carry_out(&mut self, _step: Cleared<Step>) -> impl Future<Output = Outcome> + Send {
        std::future::ready(Outcome::Recorded)
    }
}
