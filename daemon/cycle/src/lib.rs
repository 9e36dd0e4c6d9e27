//! The order of things: one trip observe → decide → guard → act → record, when to make the next, and the
//! Handle through which everybody else asks and tells.
//!
//! This file is the only one that names all five stages. Not here: what is decided, what is allowed, how
//! anything is seen or done.

mod aims;
mod book;
mod clock;
mod compare;
mod desk;
mod ends;
mod handle;
mod lifecycle;
mod placements;
mod policies;
pub mod replay;
mod ring;
mod runner;
mod store;
#[cfg(test)]
mod tests;
mod trip;
mod unseen;

pub use aims::Unacknowledged;
pub use clock::{Clock, ManualClock, Sleep, WallClock};
pub use compare::{Comparison, Effects, compare, effects};
pub use decide::{Deliberation, what_if};
pub use desk::{Desk, Parts};
pub use ends::Ends;
pub use handle::{ControlError, Handle, PolicyError, PolicyStatus, Scope, Status, WhatIfError};
pub use lifecycle::Trial;
pub use placements::{Answer, Placed, Why};
pub use policies::{Fixed, GuardMetric, InForce, Library, Loader, Promotion, Rules, Upload, Uploaded};
pub use runner::{Runner, Stopped};
pub use store::{FileStore, MemoryStore};

use guard::Act;
use logbook::CycleRecord;
use model::Observe;
use std::sync::Arc;
use trip::Trip;

/// Makes one trip. Whatever fails on the way, there is a record of it, and less is done, never more.
pub async fn run_cycle<O: Observe, A: Act>(ends: &mut Ends<O, A>, desk: &Desk) -> Arc<CycleRecord> {
    let mut trip = Trip::begin(desk).await;
    if trip.record.trouble.is_some() {
        return trip.close().await;
    }

    // observe
    match trip.look(ends.eyes.look()).await {
        Ok(seen) => trip.read_ledger(seen).await,
        Err(error) => return trip.unseen(&error).await,
    }
    let seen = Arc::clone(&trip.record.snapshot);

    // decide
    let decided = decide::deliberate(&seen, &trip.record.memory, &trip.policies.set, &trip.aims);
    trip.remember(decided.memory);
    trip.take_back().await;

    // guard
    let ledger = trip.ledger().await;
    let memory = Arc::clone(&trip.record.memory);
    let resumed = guard::ledger::resume(&ledger, &seen, &decided.plan);
    let proposal = guard::Proposal {
        plan: &decided.plan,
        notes: &decided.notes,
        resumed: &resumed,
        watch: Some(&memory.watch),
    };
    let mut verdicts = guard::judge(&seen, &ledger, proposal, &trip.aims, trip.fence());
    let flaws = guard::audit_within(
        &seen,
        &trip.aims,
        &decided.plan,
        &decided.notes,
        trip::COMPARISONS,
    );
    verdicts.hold_flawed(&seen, &decided.plan, &flaws);
    trip::tell(&flaws);
    trip.record.resumed = resumed;
    trip.record.plan = decided.plan;
    trip.record.notes = decided.notes;

    // act
    trip.carry_out(&mut ends.hands, verdicts).await;

    // record
    trip.close().await
}
