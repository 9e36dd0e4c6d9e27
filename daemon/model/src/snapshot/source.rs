//! Where parts of a Snapshot come from, and how old each may be.
//!
//! Not here: how old a source may be before nothing is done on its word (`limits`).

use crate::time::Span;
use serde::{Deserialize, Serialize};

/// Where parts of a Snapshot come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Source {
    /// Pods.
    Pods,
    /// Nodes.
    Nodes,
    /// Workloads.
    Workloads,
    /// PodDisruptionBudgets.
    Budgets,
    /// Pod and node load.
    Load,
    /// Application metrics.
    Metrics,
    /// Groups and instances.
    Groups,
    /// Offers and prices.
    Offers,
}

/// How old a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Freshness {
    /// Complete, and no older than the source's own rhythm.
    Live,
    /// Complete, but this old.
    Stale {
        /// Age of the last sign of life.
        age: Span,
    },
    /// Never seen, or not complete.
    Missing,
}

impl Freshness {
    /// Whether the source is complete and at most this old.
    pub fn within(self, limit: Span) -> bool {
        match self {
            Self::Live => true,
            Self::Stale { age } => age <= limit,
            Self::Missing => false,
        }
    }
}
