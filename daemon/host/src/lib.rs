//! Runs WebAssembly policies behind `decide::Policy`.
//!
//! A policy is a component that imports nothing but `plimsoll:policy/view` and `plimsoll:policy/host` (sdk/wit).
//! Each evaluation gets a fresh instance, a budget of fuel, a deadline and limits on everything it could hoard;
//! what it answers is checked before anybody believes it. No WASI, no clock, no network, no state between
//! evaluations: the same View gives the same answer and the same fuel.
//!
//! What this room deliberately does not do: it fetches nothing (registries are `registry`'s), it decides
//! nothing about quarantine (`decide` does, by name, from the recorded faults), and it never runs machine code
//! that this host did not compile.

mod answer;
mod artefact;
mod cache;
mod columns;
mod compiler;
mod dictionary;
mod engine;
mod engine_config;
mod error;
mod evaluate;
mod growth;
mod inspect;
mod kind;
mod limits;
mod link;
mod mark;
mod past;
mod policy;
pub mod sample;
mod session;
mod shared;
mod shelf;
mod slot;
mod source;
mod text;
mod ticker;
mod timing;
mod turns;
mod vouch;
mod watch;

pub use cache::Cache;
pub use columns::row_count;
pub use compiler::{CompileLimits, Compiler, Compiling, as_compiler};
pub use engine::{Engine, Origin};
pub use error::{LoadError, LoadFault};
pub use inspect::{Inspection, inspect};
pub use kind::{Kind, Loaded};
pub use limits::{Limit, Limits};
pub use policy::{Compiled, WasmPolicy, sha256};
pub use shelf::{Shelf, Source, Status};
pub use text::tame;
pub use timing::Timings;
pub use turns::Turns;
pub use vouch::Vouch;
pub use watch::Watch;
