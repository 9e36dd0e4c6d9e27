//! Policies in OCI registries: push, sign, verify, fetch, and follow a tag with the last good one kept on disk.
//!
//! What this room deliberately does not do: it runs no component and does not know what a policy is. A component that was
//! followed here is a file, which `host::Shelf` watches like any other.

mod backoff;
mod cache;
pub mod error;
mod fetch;
mod follow;
mod followers;
pub mod keys;
mod login;
pub mod manifest;
mod publish;
mod reference;
pub mod signature;
mod wire;

pub use error::Fault;
pub use fetch::Fetched;
pub use follow::{Check, Follower, Options, Standing, Trust, Verified, Wanted, named};
pub use followers::Followers;
pub use publish::Artifact;
pub use reference::{Digest, Reference};
pub use wire::{Client, PATIENCE};
