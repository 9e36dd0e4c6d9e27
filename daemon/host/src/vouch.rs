//! Whether the bytes of a file are those that were meant: said by whoever put them there, asked before they are loaded.
//!
//! A file may be another one by chance (a bad disk, a folder put back from a copy), also while the daemon runs. Not here:
//! who is trusted to bring a policy at all.

use std::fmt;
use std::sync::Arc;

/// See the module.
#[derive(Clone)]
pub struct Vouch(Arc<dyn Fn(&str) -> bool + Send + Sync>);

impl Vouch {
    /// For whatever this says yes to, by SHA-256, hexadecimal.
    pub fn new(is_meant: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self(Arc::new(is_meant))
    }

    /// For these bytes and no others.
    pub fn only(digest: &str) -> Self {
        let meant = digest.to_owned();
        Self::new(move |digest| digest == meant)
    }

    pub(crate) fn is_meant(&self, digest: &str) -> bool {
        (self.0)(digest)
    }
}

impl fmt::Debug for Vouch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vouch")
    }
}

impl PartialEq for Vouch {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Vouch {}
