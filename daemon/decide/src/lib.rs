//! What should be done, and why: one pure function from a Snapshot to a Plan.
//!
//! No I/O, no clock, no randomness but the Snapshot's seed, no hash-ordered iteration: same bytes in, same
//! bytes out. What may be done *now* is the guard's question, not this room's.

pub mod policy;
pub mod what_if;

pub use policy::{Advised, Policy, PolicyEntry, PolicySet, View};

use model::{Aims, Memory, Notes, Plan, Snapshot};

/// Result of one deliberation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deliberation {
    /// What should be done.
    pub plan: Plan,
    /// How it came about.
    pub notes: Notes,
    /// What to remember for the next cycle.
    pub memory: Memory,
}

/// Decides what should be done.
pub fn deliberate(seen: &Snapshot, memory: &Memory, policies: &PolicySet, aims: &Aims) -> Deliberation {
    let _ = (seen, policies, aims);
    Deliberation {
        plan: Plan::default(),
        notes: Notes::default(),
        memory: memory.clone(),
    }
}
