//! The trait of everything that can look at a cluster.

use crate::snapshot::Snapshot;
use std::future::Future;

/// Takes a picture of cluster and cloud.
pub trait Observe {
    /// Looks once. A source that cannot be read is marked in `Snapshot::sources`; only when nothing at all
    /// can be said is it an error.
    fn look(&mut self) -> impl Future<Output = Result<Snapshot, ObserveError>> + Send;
}

/// Nothing could be seen.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ObserveError {
    /// A source without which there is no picture.
    #[error("{source_name}: {why}")]
    Unreachable {
        /// Which.
        source_name: String,
        /// Why.
        why: String,
    },
    /// A recording has come to its end.
    #[error("the recording has ended")]
    Ended,
}
