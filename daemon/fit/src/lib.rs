//! Whether a pod fits: kube-scheduler's filters, in memory.
//!
//! Everything here answers questions about a Snapshot and decides nothing: what is bought, moved or refused is the
//! business of whoever asks. No I/O, no clock, no hash-ordered iteration. Scores are left out but for those that choose
//! between equal prices.

pub mod agents;
pub mod filters;
pub mod joining;
pub mod naming;
pub mod place;
pub mod preemption;
pub mod selecting;
pub mod spread;
pub mod tenants;

pub use place::{
    HOSTNAME, Place, admits, admits_but_for_volumes, amounts, daemon_runs, dislike, preference, rules,
    written_terms,
};

#[cfg(test)]
mod fixture;
