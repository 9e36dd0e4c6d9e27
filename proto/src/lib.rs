//! `plimsoll.v1`: messages, server traits and clients, generated from `proto/plimsoll/v1/*.proto`.
//!
//! Deliberately absent: conversions from and to the nouns of `model` (they are `serve`'s). The generated code
//! is committed, and `tests/freshness.rs` fails when it is not what the .proto files say.

mod names;

/// The package `plimsoll.v1`.
pub mod v1 {
    #![expect(unused_qualifications, reason = "generated code")]
    #![expect(clippy::pedantic, reason = "generated code")]
    include!("generated/plimsoll.v1.rs");
}

/// Descriptors of the package, for server reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!("generated/plimsoll.v1.bin");
