//! What may be done now: checks, Verdicts, `Cleared`, the trait `Act`, and the life of the Ledger.
//!
//! Policies propose, this room disposes: no policy, aim or bug in `decide` gets past it. Pure; deliberately
//! absent: I/O, clocks, any way to make a `Cleared` from outside.

mod act;
mod audit;
mod bundle;
mod case;
mod checks;
mod cleared;
mod evidence;
mod exposure;
mod flawed;
mod in_force;
mod judge;
pub mod ledger;
mod loosened;
#[cfg(test)]
mod stage;
mod store;
mod tally;

pub use act::{Act, Nobody};
pub use audit::{Flaw, audit, audit_within};
pub use cleared::{Cleared, Counted, Fence};
pub use evidence::{PLAY, watch};
pub use exposure::{Exposure, Tenant, exposure, tenant};
pub use in_force::{InForce, Limited, in_force};
pub use judge::{Proposal, Verdicts, judge};
pub use loosened::loosened;
pub use store::{Kept, LedgerStore, StoreError, Stored};
