//! A pretend AWS account: a model of groups, instances, prices and limits behind the wire that the unmodified AWS
//! SDK speaks.
//!
//! What emulators leave out is modelled: boot lag, capacity errors per pool, spot notices, answers that lag behind,
//! throttling by bucket, quotas, lifecycle hooks, node group updates, Fargate's sizes of time, billing by the
//! second. On a real or a virtual clock, all from one seed. Deliberately absent: the cluster (nodes join where
//! somebody makes them join), IAM but for calls that a fault denies, signatures (nobody checks them), and every
//! service that Plimsoll does not call.

mod account;
pub mod catalogue;
mod facade;
pub mod faults;
mod settings;
mod settings_file;

mod wire;

pub use account::{
    Account, Activity, Gone, GroupState, Hook, Lifecycle, Machine, MachineState, NodeGroup, Notice, Profile,
};
pub use facade::{Clock, Facade, FacadeError};
pub use faults::{Fault, FaultKind};
pub use model::time::Lag;
pub use settings::{NewGroup, NewNodeGroup, NewProfile, Quotas, Settings, WarmPool, Zone};
pub use settings_file::Fetch;
