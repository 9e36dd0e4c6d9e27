//! Packs items into bins of several kinds and prices at least cost, and proves how near to the least that is.
//!
//! A [`Problem`] has kinds of items as rows and kinds of bins as columns. [`duals::search`] finds what each item should
//! pay; whatever it finds, [`duals::Duals::bound`] is a valid lower bound. [`pack`] finds bins for the items. Same
//! problem, same answer: work is counted, never timed, and nothing is drawn but from a fixed seed.
//!
//! Knows nothing of Kubernetes, clouds or policies, does no I/O, and depends on no other room. What is there already and
//! costs nothing enters bounds as [`duals::FreeCapacity`]; filling it is the caller's.

pub mod amounts;
mod construct;
mod dive;
pub mod duals;
mod few_bins;
mod fill;
mod first_fit;
mod generate;
mod improve;
mod lp;
pub mod number;
mod pack;
mod pricing;
mod problem;
mod random;
mod search;
mod solution;
mod stock;
mod table;
#[cfg(test)]
mod tests;
mod work;
mod zones;

pub use pack::{pack, singly};
pub use problem::{Column, Demand, NO_ZONE, Problem, Row};
pub use random::Random;
pub use solution::{Batch, Packed, Pattern};
pub use work::Work;

/// The README's example is run as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
