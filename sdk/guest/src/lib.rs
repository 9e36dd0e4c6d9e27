//! What a Rust author of a Plimsoll policy imports.
//!
//! A policy is a type with two functions: one reads the operator's configuration, one answers the question of its
//! hook. A macro makes a WebAssembly component of it. This one is complete:
//!
//! ```
//! use plimsoll_sdk::{Prices, Placement, View, export_placement};
//!
//! /// Keeps everything that is labelled `tier=batch` away from on-demand sets.
//! #[derive(serde::Deserialize)]
//! #[serde(deny_unknown_fields, default)]
//! struct BatchOnSpot {
//!     label: String,
//! }
//!
//! impl Default for BatchOnSpot {
//!     fn default() -> Self {
//!         Self { label: "tier".to_owned() }
//!     }
//! }
//!
//! impl Placement for BatchOnSpot {
//!     fn configure(json: &str) -> Result<Self, String> {
//!         plimsoll_sdk::config(json)
//!     }
//!
//!     fn place(&self, view: &View<'_>) -> Result<Prices, String> {
//!         let mut prices = Prices::default();
//!         for class in view.classes().filter(|class| class.label(&self.label) == "batch") {
//!             for set in view.sets().filter(|set| set.purchase() == plimsoll_sdk::Purchase::OnDemand) {
//!                 prices.forbid(class, set, 1);
//!             }
//!         }
//!         Ok(prices)
//!     }
//! }
//!
//! export_placement!(BatchOnSpot);
//! # fn main() {}
//! ```
//!
//! On any target but wasm32 the same code runs against a made-up View (`testing`), so that a policy is tested with
//! plain `cargo test`; `check` of an answer tells there whether the host would take it. Rows are handed out by reference to columns that are fetched once, when first read.
//!
//! No clock and no randomness: `View::now_ms` and `View::seed` are the only ones. Nothing is remembered from one
//! evaluation to the next but the bytes that `View::keep` was given, which `View::state` gives back.

mod answers;
#[cfg(target_arch = "wasm32")]
#[path = "wasm.rs"]
#[doc(hidden)]
pub mod bridge;
#[cfg(not(target_arch = "wasm32"))]
mod check;
mod columns;
mod hooks;
mod level;
mod rows;
#[cfg(not(target_arch = "wasm32"))]
#[path = "native.rs"]
mod source;
#[cfg(target_arch = "wasm32")]
#[path = "host.rs"]
mod source;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
mod view;

pub use answers::{Holds, Prices, Replicas, Room, Verdicts};
pub use hooks::{Disruption, Headroom, Placement, Review, Scaler};
pub use level::Level;
pub use rows::{
    Candidate, Class, Due, Group, GroupKind, Metric, Mover, Node, Offer, Phase, Pod, Purchase, Set, Step,
    Workload,
};
pub use view::{View, Word};

/// Reads a configuration into a type of your own. Give the type `#[serde(deny_unknown_fields)]`, so that a misspelt
/// field is refused instead of ignored.
///
/// # Errors
/// serde's words, with line and column.
pub fn config<T: serde::de::DeserializeOwned>(json: &str) -> Result<T, String> {
    serde_json::from_str(json).map_err(|why| why.to_string())
}

/// Writes a line into the record of the cycle; natively to standard output, where `cargo test` shows it.
pub fn log(level: Level, message: &str) {
    source::log(level, message);
}

/// Makes a component of a `Scaler`.
#[macro_export]
macro_rules! export_scaler {
    ($policy:ty) => {
        $crate::__export!($policy, Scaler, scaler, __export_scaler);
    };
}

/// Makes a component of a `Placement`.
#[macro_export]
macro_rules! export_placement {
    ($policy:ty) => {
        $crate::__export!($policy, Placement, placement, __export_placement);
    };
}

/// Makes a component of a `Headroom`.
#[macro_export]
macro_rules! export_headroom {
    ($policy:ty) => {
        $crate::__export!($policy, Headroom, headroom, __export_headroom);
    };
}

/// Makes a component of a `Disruption`.
#[macro_export]
macro_rules! export_disruption {
    ($policy:ty) => {
        $crate::__export!($policy, Disruption, disruption, __export_disruption);
    };
}

/// Makes a component of a `Review`.
#[macro_export]
macro_rules! export_review {
    ($policy:ty) => {
        $crate::__export!($policy, Review, review, __export_review);
    };
}

/// Natively there is nothing to export; the type is checked, so that a mistake shows before the wasm build.
#[cfg(not(target_arch = "wasm32"))]
#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    ($policy:ty, $hook:ident, $module:ident, $export:ident) => {
        const _: () = {
            const fn is_a_policy<P: $crate::$hook>() {}
            is_a_policy::<$policy>();
        };
    };
}

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
#[macro_export]
macro_rules! __export {
    ($policy:ty, $hook:ident, $module:ident, $export:ident) => {
        #[expect(
            unsafe_code,
            reason = "what crosses the boundary of a component is raw; generated code only"
        )]
        const _: () = {
            type Exported = $crate::bridge::$module::Exported<$policy>;
    $crate::bridge::$module::$export!(Exported with_types_in $crate::bridge::$module);
        };
    };
}
