//! What new aims allow that those in force do not.
//!
//! A value and its words. Which of two aims is the looser is decided in `guard`.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A limit that is raised, a scope that is wider, a mode that acts where it observed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Loosening {
    /// Path of the field in the aims: `limits.max_nodes`, `groups.batch`.
    pub field: String,
    /// What is looser about it.
    pub change: Change,
}

/// What is looser about a field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Change {
    /// Another value.
    Set {
        /// In force.
        from: String,
        /// Wanted.
        to: String,
    },
    /// A name that was not there, and that permits something by being there.
    Added,
    /// All of it is gone.
    Removed,
}

/// As whoever means it writes it under `acknowledge`.
impl fmt::Display for Loosening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { field, change } = self;
        match change {
            Change::Set { from, to } => write!(f, "{field} from {from} to {to}"),
            Change::Added => write!(f, "{field} added"),
            Change::Removed => write!(f, "{field} removed"),
        }
    }
}
