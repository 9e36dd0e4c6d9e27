//! When nodes are given up that have stopped working, as the aims say.
//!
//! Not here: how it is found out of a node (`repair`).

use crate::time::Span;
use serde::{Deserialize, Serialize};

/// When nodes are given up that have stopped working.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RepairAims {
    /// For so long a node must not have been Ready; absent: none is ever given up for it.
    pub after: Option<Span>,
    /// Not where more of a group, or of the cluster, are not Ready, in thousandths, rounded up to whole nodes.
    pub most_permille: u32,
    /// For so long pods that are still there are asked to leave, as far as budgets and annotations let them.
    pub grace: Span,
}

impl Default for RepairAims {
    fn default() -> Self {
        Self {
            after: Some(Span::from_secs(1800)),
            most_permille: 200,
            grace: Span::from_secs(300),
        }
    }
}

impl RepairAims {
    /// As if nothing was said.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}
