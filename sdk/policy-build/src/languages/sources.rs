//! What a language is given to build, and what it makes of it.

use crate::world::World;
use std::path::Path;

/// What a compiler made.
pub(super) enum Made {
    /// A core module that speaks the canonical ABI, and the adapter that it needs for WASI, where it does.
    Core {
        module: Vec<u8>,
        adapter: Option<Vec<u8>>,
    },
    /// A component.
    Component(Vec<u8>),
}

/// A policy to be built.
pub(super) struct Sources<'a> {
    pub(super) folder: &'a Path,
    pub(super) sdk: &'a Path,
    pub(super) world: &'a World,
    /// Empty, and gone afterwards.
    pub(super) room: &'a Path,
}
