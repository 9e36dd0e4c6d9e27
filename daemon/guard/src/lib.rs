//! What may be done now: checks, Verdicts, `Cleared`, and the trait `Act`.
//!
//! Policies propose, this room disposes: no policy, aim or bug in `decide` gets past it. Pure; deliberately
//! absent: I/O, clocks, prices of its own, any way to make a `Cleared` from outside.

mod act;
mod cleared;
mod store;

pub use act::{Act, Nobody};
pub use cleared::{Cleared, Fence};
pub use store::{LedgerStore, StoreError};
