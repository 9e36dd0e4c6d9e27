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
mod fleet;
mod in_force;
mod judge;
pub mod ledger;
mod loosened;
mod objection;
mod proof;
mod proposal;
#[cfg(test)]
mod stage;
mod step_effect;
mod store;
mod tally;
mod watched;

pub use act::{Act, Nobody};
pub use audit::{Flaw, audit, audit_within};
pub use cleared::{Cleared, Counted, Fence};
pub use exposure::{Exposure, Tenant, exposure, tenant};
pub use in_force::{InForce, Limited, in_force};
pub use judge::{Verdicts, judge};
pub use loosened::loosened;
pub use proof::PLAY;
pub use proposal::Proposal;
pub use store::{Kept, LedgerStore, StoreError, Stored};
pub use watched::watch;
