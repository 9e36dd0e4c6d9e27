//! Policies in files that hold no component. What they are is the wiring's to say: this room runs WebAssembly and
//! depends on no other kind, yet watches, replaces and keeps them as it does components.

use decide::Policy;
use std::path::Path;
use std::sync::Arc;

/// A kind of policy files beside components.
pub trait Kind: Send + Sync {
    /// Whether a file is of it, by its name.
    fn takes(&self, file: &Path) -> bool;

    /// A policy out of the file's bytes and the operator's configuration, a JSON object or empty.
    ///
    /// # Errors
    /// One line that says what is wrong, and where.
    fn load(&self, bytes: &[u8], config_json: &str) -> Result<Loaded, String>;
}

/// A policy, ready to be asked.
#[derive(Clone)]
pub struct Loaded {
    /// The policy.
    pub policy: Arc<dyn Policy>,
    /// SHA-256 by which it is known, hexadecimal.
    pub digest: String,
}
