//! A pretend cluster and cloud: eyes and hands for the demo, the simulator, property tests and fault tests.
//!
//! Everything is a function of the scenario and its seed. Deliberately absent: decisions (the engine's), the
//! engine's own fit (the scheduler in here is a referee), network, files, threads and real time.

mod referee;
mod rng;
pub mod scenario;
mod series;
mod world;

pub use referee::{Violation, ViolationKind};
pub use scenario::Scenario;
pub use series::{Decision, Sample, Series};
pub use world::World;
