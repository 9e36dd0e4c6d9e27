//! The World: one model of cluster and cloud behind a handle that is both eyes and hands.
//!
//! Cheap to clone: both ends of a cycle hold the same world. It has no clock of its own; whoever plays it
//! says what time it is.

mod cloud;
mod flow;
mod hands;
mod look;
mod owners;
mod queue;
mod scheduler;
mod state;
mod sum;
mod watch;

#[cfg(test)]
mod tests;

use crate::bound::Demand;
use crate::referee::Violation;
use crate::scenario::Scenario;
use guard::{Act, Cleared};
use model::{Instant, Observe, ObserveError, Outcome, Snapshot, Step};
use state::State;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use sum::Sums;

/// A simulated cluster and cloud.
#[derive(Clone, Debug)]
pub struct World(Arc<Mutex<State>>);

impl World {
    /// The world of a scenario at its first instant.
    pub fn new(scenario: &Arc<Scenario>) -> Self {
        Self(Arc::new(Mutex::new(State::begin(scenario))))
    }

    /// Lets time pass until `to`; going back in time does nothing.
    pub fn advance(&self, to: Instant) {
        self.lock().advance(to);
    }

    /// The present instant.
    pub fn now(&self) -> Instant {
        self.lock().now
    }

    /// The present picture, as `look` shows it.
    pub fn picture(&self) -> Snapshot {
        self.lock().picture()
    }

    /// What the referee has noted so far.
    pub fn violations(&self) -> Vec<Violation> {
        self.lock().violations.clone()
    }

    /// Sums up to now.
    pub(crate) fn sums(&self) -> Sums {
        self.lock().sums()
    }

    /// Pod-milliseconds of demand by spec since this was last asked, and the present instant.
    pub(crate) fn take_demand(&self) -> (Demand, Instant) {
        let mut state = self.lock();
        let taken = std::mem::take(&mut state.demand);
        let demand = taken
            .into_iter()
            .map(|(spec, time)| (state.spec(spec), time))
            .collect();
        (demand, state.now)
    }

    /// The referee walks through the whole cluster once.
    pub(crate) fn audit(&self) {
        self.lock().audit();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observe for World {
    fn look(&mut self) -> impl Future<Output = Result<Snapshot, ObserveError>> + Send {
        std::future::ready(Ok(self.picture()))
    }
}

impl Act for World {
    fn carry_out(&mut self, step: Cleared<Step>) -> impl Future<Output = Outcome> + Send {
        std::future::ready(self.lock().carry_out(step.get()))
    }
}
