//! The seam to a provider of capacity: what a group is asked for more by, and how a named instance is given up.
//!
//! A provider's hands make at most one bounded round of calls per step (at most 10 s, each call with its own
//! time-out) and are idempotent: the same step carried out twice buys once. They never shrink by number.

use crate::kwok;
use model::outcome::Outcome;
use model::plan::Step;

/// Whose knobs are turned; chosen once, by the configuration.
pub enum CapacityHands {
    /// Nobody's: growing and removing fail with a clear word.
    Nowhere,
    /// Node objects in the API server itself.
    Kwok(kwok::Hands),
    /// Amazon Web Services.
    #[cfg(feature = "aws")]
    Aws(Box<crate::aws::Hands>),
}

impl CapacityHands {
    /// Carries out a `StepKind::GrowGroup`. A token for the call is derived from the step's intent, so that a
    /// repeated call is the same call; a group that has reached `to` already is `Done`.
    pub async fn grow(&mut self, step: &Step) -> Outcome {
        match self {
            Self::Nowhere => nowhere(),
            Self::Kwok(hands) => hands.grow(step).await,
            #[cfg(feature = "aws")]
            Self::Aws(hands) => hands.grow(step).await,
        }
    }

    /// Carries out a `StepKind::SetBounds`: the group's size stays. A group that has these bounds already is `Done`.
    pub async fn set_bounds(&mut self, step: &Step) -> Outcome {
        match self {
            Self::Nowhere => nowhere(),
            Self::Kwok(_) => Outcome::Failed {
                why: "bounds of groups of node objects are the configuration's".to_owned(),
            },
            #[cfg(feature = "aws")]
            Self::Aws(hands) => hands.set_bounds(step).await,
        }
    }

    /// Carries out a `StepKind::RemoveNode` or `StepKind::RemoveInstance`: gives up that very instance. The node has
    /// been re-checked right before (only DaemonSet and static pods left, taint in place; or none there); an instance
    /// that is gone already is `Done`.
    pub async fn remove(&mut self, step: &Step) -> Outcome {
        match self {
            Self::Nowhere => nowhere(),
            Self::Kwok(hands) => hands.remove(step).await,
            #[cfg(feature = "aws")]
            Self::Aws(hands) => hands.remove(step).await,
        }
    }
}

impl CapacityHands {
    /// How many `RemoveNode`s of one group `remove_all` takes at most.
    pub fn most_together(&self) -> usize {
        match self {
            #[cfg(feature = "aws")]
            Self::Aws(_) => crate::aws::MOST,
            Self::Nowhere | Self::Kwok(_) => 1,
        }
    }

    /// Carries out `RemoveNode`s of one group, each re-checked right before, as one effect; an outcome for each, in
    /// their order.
    pub async fn remove_all(&mut self, steps: &[&Step]) -> Vec<Outcome> {
        #[cfg(feature = "aws")]
        if let Self::Aws(hands) = self {
            return hands.remove_all(steps).await;
        }
        let mut outcomes = Vec::with_capacity(steps.len());
        for step in steps {
            outcomes.push(self.remove(step).await);
        }
        outcomes
    }
}

fn nowhere() -> Outcome {
    Outcome::Failed {
        why: "no provider of capacity is configured".to_owned(),
    }
}
