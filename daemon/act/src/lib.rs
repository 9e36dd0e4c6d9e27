//! Real hands: the only room that changes a cluster or a cloud, one bounded effect at a time.
//!
//! Takes cleared steps only, re-checks their preconditions against the live objects, and takes no decision of
//! its own: what should happen is `decide`'s, whether it may is `guard`'s. Never waits for a drain or a boot.

mod answer;
#[cfg(feature = "aws")]
pub mod aws;
pub mod capacity;
mod events;
mod evict;
mod hands;
pub mod kwok;
pub mod ledger;
mod node;
mod nominate;
mod pod;
mod remove;
mod scale;
#[cfg(test)]
mod script;
mod yields;

pub use capacity::CapacityHands;
pub use hands::{Hands, HandsConfig};
pub use ledger::ConfigMapStore;
pub use node::{REMOVED_BY, WAS_CORDONED};
