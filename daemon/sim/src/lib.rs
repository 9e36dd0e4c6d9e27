//! A pretend cluster and cloud: eyes and hands for the demo, the simulator, property tests and fault tests.
//!
//! Everything is a function of the scenario and its seed. Deliberately absent: decisions (the engine's), the
//! engine's own fit (the scheduler in here is a referee), network, files, and real time but for the pace.

mod bound;
mod play;
mod referee;
pub mod report;
mod rng;
pub mod scenario;
mod scorecard;
mod series;
mod world;

pub use play::{Moment, Options, Pace, Played, Player, carried_out, decided_by, play};
pub use referee::{Violation, ViolationKind};
pub use report::report;
pub use scenario::Scenario;
pub use scorecard::{PolicyUse, Scorecard};
pub use series::{Decision, MAX_DECISIONS, Sample, Series};
pub use world::World;
