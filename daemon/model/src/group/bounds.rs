//! Fewest and most instances of a group.
//!
//! Not here: which bounds a group is to have (`aims`), and whether it may have them now (`decide`).

use serde::{Deserialize, Serialize};

/// Fewest and most instances of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Bounds {
    /// Fewest.
    pub min: u32,
    /// Most.
    pub max: u32,
}

impl std::fmt::Display for Bounds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} to {}", self.min, self.max)
    }
}
