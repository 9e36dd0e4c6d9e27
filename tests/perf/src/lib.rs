//! Workloads, catalogues and scenarios for benchmarks of the engine, as Snapshots that `decide` takes.
//!
//! Traces and prices are read where `PLIMSOLL_DATA` points, never copied. Small service pods come from a
//! generator (`k8smix`) and are synthetic: no public trace has them.

pub mod at_once;
pub mod catalogue;
pub mod data;
pub mod day;
pub mod draw;
pub mod growth;
pub mod halved;
pub mod hostile;
pub mod karpenter;
pub mod measure;
pub mod oneshot;
pub mod plot;
pub mod running;
pub mod snapshot;
pub mod steady;
pub mod suite;
pub mod surge;
pub mod table;
pub mod workload;
