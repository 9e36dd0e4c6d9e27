//! Guests for tests, written as WebAssembly text: harmless ones, and the corpus of hostile ones.
//!
//! Nothing that the product uses. What the host must make of them is asserted in `daemon/host/tests`.

mod corpus;
pub mod guests;
mod heavy;

pub use corpus::{Guest, all};
pub use heavy::heavy;
