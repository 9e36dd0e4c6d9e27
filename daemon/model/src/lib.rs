//! The nouns of Plimsoll and the trait `Observe`.
//!
//! Every other room speaks in these types. Deliberately absent: I/O, clocks, randomness, async code and
//! decisions. A type lives here only when two rooms need it. Integers carry money and resources; every map
//! is ordered, so that the same picture has the same bytes.

pub mod advice;
pub mod aims;
pub mod annotations;
pub mod autoscaler;
pub mod beside;
mod counted;
pub mod critical;
pub mod discovery;
pub mod disruption;
pub mod fargate;
pub mod fleet;
pub mod governor;
pub mod group;
pub mod ids;
pub mod intent;
pub mod kwok;
pub mod launch;
pub mod limits;
pub mod loosening;
pub mod memory;
pub mod money;
pub mod node;
pub mod notes;
pub mod notices;
pub mod observe;
pub mod offer;
pub mod outcome;
pub mod permission;
pub mod plan;
pub mod pod;
pub mod prices;
pub mod provisioned;
pub mod quota;
pub mod reason;
pub mod registration;
mod remedy;
pub mod repair;
pub mod resources;
pub mod schedule;
pub mod selector;
pub mod snapshot;
pub mod standing;
pub mod startup;
pub mod time;
pub mod verdict;
pub mod watch;
pub mod workload;

pub use advice::{Advice, Hook, PolicyCall, PolicyFault, PolicyMode};
pub use aims::Aims;
pub use counted::Counted;
pub use group::{Group, GroupKind, Instance, InstanceState};
pub use ids::{GroupName, InstanceId, IntentId, NodeName, OfferId, PodKey, PolicyName, StepId, WorkloadKey};
pub use intent::{Intent, IntentKind, Ledger};
pub use limits::Limits;
pub use memory::Memory;
pub use money::{Usd, UsdPerHour};
pub use node::Node;
pub use notes::Notes;
pub use notices::Notices;
pub use observe::{Observe, ObserveError};
pub use offer::Offer;
pub use outcome::Outcome;
pub use plan::{Plan, Step, StepKind};
pub use pod::{Pod, PodSpec};
pub use reason::{Reason, Refusal};
pub use resources::Resources;
pub use snapshot::{Freshness, Snapshot, Source};
pub use standing::{PolicyScope, Standing};
pub use time::{Instant, Span};
pub use verdict::{HoldReason, StrikeReason, Verdict};
pub use workload::Workload;
