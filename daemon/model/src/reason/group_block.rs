//! Why a group does not grow.
//!
//! Not here: who finds it out, and for how long it holds.

use crate::quota::Reached;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a group does not grow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum GroupBlock {
    /// At its maximum.
    AtMaximum,
    /// Backs off after failed launches.
    BacksOff,
    /// The provider had no capacity of what would do, a moment ago.
    NoCapacity,
    /// Somebody else's.
    Foreign,
    /// Not named in the aims.
    NotInAims,
    /// A quota of the aims leaves no room for one more node.
    Quota(Reached),
}

impl fmt::Display for GroupBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Quota(reached) = self {
            return write!(f, "would exceed {reached}");
        }
        f.write_str(match self {
            Self::Quota(_) => "would exceed a quota",
            Self::AtMaximum => "is at its maximum",
            Self::BacksOff => "backs off after failed launches",
            Self::NoCapacity => "had no capacity of what would do",
            Self::Foreign => "belongs to somebody else",
            Self::NotInAims => "is not named in the aims",
        })
    }
}
