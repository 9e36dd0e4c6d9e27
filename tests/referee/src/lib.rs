//! Holds Plimsoll's reading of Kubernetes against kube-scheduler's own: generated clusters and pods, one JSON for both,
//! one verdict per pod and node from each.
//!
//! The other side is `scheduler/`, a Go program that embeds the real filter plugins. What is generated is what the API
//! server would take (it is asked). Not here: prices, scores, preemption.

pub mod case;
pub mod compare;
pub mod dice;
pub mod generate;
pub mod plan;
pub mod render;
pub mod rest;
pub mod run;
pub mod scheduler;
pub mod shrink;

pub use case::Case;
pub use generate::Mix;
