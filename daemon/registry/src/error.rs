//! What can go wrong between here and a registry, one line each. Nothing here decides what is tried again.

use crate::reference::Digest;
use std::time::Duration;

/// Why something was not fetched, stored, signed or believed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Not a reference that names one artifact.
    #[error("{text:?}: {why} (write host/namespace/name:tag or host/namespace/name@sha256:…)")]
    Reference {
        /// What was written.
        text: String,
        /// What is wrong with it.
        why: String,
    },
    /// A login that cannot be used.
    #[error("login of {registry}: {why}")]
    Login {
        /// Host, with its port.
        registry: String,
        /// What is wrong, and what to do.
        why: String,
    },
    /// The registry does not let us: HTTP 401 or 403.
    #[error("{what}: not allowed (HTTP {status}); log in, as with `docker login {registry}`")]
    Unauthorized {
        /// What was asked for.
        what: String,
        /// Host, with its port.
        registry: String,
        /// 401 or 403.
        status: u16,
    },
    /// HTTP 404.
    #[error("{what}: not there")]
    Missing {
        /// What was asked for.
        what: String,
    },
    /// HTTP 429 or 503: later.
    #[error("{what}: the registry has too much to do{}", later(*.after))]
    Busy {
        /// What was asked for.
        what: String,
        /// `Retry-After`, where it said so in seconds.
        after: Option<Duration>,
    },
    /// Any other answer than was asked for.
    #[error("{what}: HTTP {status}: {said}")]
    Refused {
        /// What was asked for.
        what: String,
        /// HTTP status.
        status: u16,
        /// The beginning of what the registry said.
        said: String,
    },
    /// No answer, or half of one.
    #[error("{what}: {why}")]
    Unreachable {
        /// What was asked for.
        what: String,
        /// What became of the connection.
        why: String,
    },
    /// Larger than allowed or than announced.
    #[error("{what}: more than the {limit} bytes allowed")]
    TooLarge {
        /// What was asked for.
        what: String,
        /// Limit, bytes.
        limit: u64,
    },
    /// The bytes are not those that were asked for.
    #[error("{what}: the bytes that came have the digest {found}")]
    Digest {
        /// What was asked for.
        what: String,
        /// What came instead.
        found: Digest,
    },
    /// A manifest that describes no policy, or nothing at all.
    #[error("{what}: {why}")]
    Manifest {
        /// Which.
        what: String,
        /// What is wrong.
        why: String,
    },
    /// Nobody has signed it.
    #[error("{digest} is not signed (sign it with `plimsoll policy sign`)")]
    Unsigned {
        /// Digest of the manifest.
        digest: Digest,
    },
    /// Signed, but by nobody who is trusted.
    #[error("{digest} is signed by no trusted key: {}", .why.join("; "))]
    Untrusted {
        /// Digest of the manifest.
        digest: Digest,
        /// What is wrong with each signature.
        why: Vec<String>,
    },
    /// Signed by whom it should be, and revoked all the same.
    #[error("{digest} is revoked")]
    Barred {
        /// Digest of the manifest.
        digest: Digest,
    },
    /// A key that cannot be used.
    #[error("{file}: {why}")]
    Key {
        /// Where it stands.
        file: String,
        /// What is wrong, and what to do.
        why: String,
    },
    /// The right bytes, and signed, but they do not fit this daemon.
    #[error("{digest}: {why}")]
    Unfit {
        /// Digest of the manifest.
        digest: Digest,
        /// What is wrong.
        why: String,
    },
    /// The folder of last good policies.
    #[error("{file}: {why}")]
    Cache {
        /// File or folder.
        file: String,
        /// What is wrong, and what to do.
        why: String,
    },
}

fn later(after: Option<Duration>) -> String {
    after.map_or_else(String::new, |after| {
        format!(" and asks for {} s of patience", after.as_secs())
    })
}
