//! Makes a WebAssembly component of a policy's folder. `policy.yaml` in it names the language and the hooks; a folder without
//! one is a Rust package.
//!
//! Runs compilers and installs none of them. What a component may import, and whether the daemon would load it, is `host`'s
//! to say.

mod built;
mod cache;
mod languages;
mod manifest;
pub mod metadata;
mod rust;
pub mod schema;
mod toolchain;
mod world;

pub use built::Built;
pub use cache::cache;
pub use manifest::{Language, MANIFEST, Manifest, is_policy_name};
pub use rust::build as build_rust;
pub use toolchain::Toolchain;
pub use world::WIT;

use std::path::Path;

/// Builds the policy in a folder.
///
/// # Errors
/// Lines that name the folder and what is wrong, or what to install; a compiler's own messages have gone to stderr by
/// then.
pub fn build(folder: &Path) -> Result<Built, String> {
    if folder.join(MANIFEST).is_file() {
        languages::build(folder)
    } else {
        rust::build(folder, &Toolchain::find()?)
    }
}
