//! Real eyes: Kubernetes watches, load, and the provider's groups and offers, assembled into one Snapshot.
//!
//! Read calls only; deliberately absent: every mutating call, decisions, retries that would make an old picture
//! look new. What could not be read is marked in `Snapshot::sources`: unknown is never zero.

mod allowance;
#[cfg(feature = "aws")]
pub mod aws;
mod body;
mod bulk;
pub mod capacity;
pub mod client;
mod cluster;
mod exposition;
mod eyes;
mod health;
mod identity;
pub mod kwok;
pub mod load;
pub mod membership;
mod metrics_api;
mod others;
#[cfg(any(test, feature = "aws"))]
mod price_list;
mod pulse;
#[cfg(test)]
mod script;
mod specs;
mod storage;
mod table;
mod watch;

pub use capacity::{Capacity, Provider, WorkloadMetric};
pub use client::{ClientError, client};
pub use eyes::{Eyes, EyesConfig};
pub use load::{LOAD_INTERVAL, LoadSource};
pub use pulse::Pulse;
