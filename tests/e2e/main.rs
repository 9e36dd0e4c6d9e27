//! The end-to-end stories: the daemon on a real control plane and an AWS account on moto, each asserted on what the
//! API server and the account say, not on the daemon's words.
//!
//! One story at a time: they share two cores. What is about one room only is tested there.

#![expect(clippy::panic, reason = "all of this is test code")]
#![expect(clippy::large_futures, reason = "one story at a time, told once")]

mod access;
mod components;
mod demand;
mod dry_run;
mod ecs;
mod fargate;
mod faults;
mod policies;
mod world;
