//! Machine code of a component as bytes, and the one place where such bytes are taken at their word.
//!
//! Whoever can choose them can run anything in this process. So only `compiler` and `cache` make an `Artefact`: what a
//! compiler of this host wrote, directly or kept and sealed. Not here: how that is told (`cache`).

use sha2::{Digest, Sha256};
use std::hash::{Hash, Hasher};
use wasmtime::component::Component;

/// Machine code that a compiler of this host wrote.
pub(crate) struct Artefact(Vec<u8>);

/// Which kind of engine machine code is made for: code for a pool takes more of its memories for granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fit {
    /// Instances come out of a pool.
    Pool,
    /// Instances are made on demand.
    OnDemand,
}

impl Fit {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pool => "pool",
            Self::OnDemand => "on-demand",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        [Self::Pool, Self::OnDemand]
            .into_iter()
            .find(|fit| fit.as_str() == text)
    }
}

impl Artefact {
    /// For `compiler` and `cache` only, see the module.
    pub(crate) fn made(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The component again. An artefact for another engine, version or processor is an error.
    #[expect(
        unsafe_code,
        reason = "the one use: machine code that this host compiled (see the module)"
    )]
    pub(crate) fn component(&self, engine: &wasmtime::Engine) -> wasmtime::Result<Component> {
        // SAFETY: the bytes are what `Engine::precompile_component` of a compiler of this host returned: nobody else can
        // make an `Artefact`, and the cache gives back only what its seal proves to be unchanged.
        unsafe { Component::deserialize(engine, &self.0) }
    }
}

/// SHA-256 over everything that an artefact depends on beside the component: version and settings of the engine.
pub(crate) fn compatibility(engine: &wasmtime::Engine) -> [u8; 32] {
    let mut digest = Stable(Sha256::new());
    engine.precompile_compatibility_hash().hash(&mut digest);
    digest.0.finalize().into()
}

/// Hashes alike in every process, which the standard library does not promise.
struct Stable(Sha256);

impl Hasher for Stable {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let whole: [u8; 32] = self.0.clone().finalize().into();
        let mut first = [0; 8];
        first.copy_from_slice(&whole[..8]);
        u64::from_le_bytes(first)
    }
}
