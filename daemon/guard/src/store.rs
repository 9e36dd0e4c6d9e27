//! Where a Ledger and Memory are kept between cycles and restarts: the trait only; stores are at the ends.

use model::intent::Ledger;
use model::memory::Memory;
use std::future::Future;
use std::pin::Pin;

/// A future that a trait object can return.
pub type Stored<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Keeps the Ledger and the Memory durably.
pub trait LedgerStore: Send {
    /// Reads back what was saved last; `None` when nothing ever was.
    fn load(&mut self) -> Stored<'_, Option<(Ledger, Memory)>>;

    /// Saves the Ledger durably before it returns. A stored Ledger of the same or a newer generation refuses
    /// the save with `StoreError::Conflict`.
    fn save<'a>(&'a mut self, ledger: &'a Ledger) -> Stored<'a, ()>;

    /// Saves the Memory; losing a save only makes the daemon less active.
    fn save_memory<'a>(&'a mut self, memory: &'a Memory) -> Stored<'a, ()>;
}

/// Why a store cannot serve.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Somebody else has saved a newer one.
    #[error("the ledger was saved by somebody else (generation {theirs}, ours {ours})")]
    Conflict {
        /// Generation in the store.
        theirs: u64,
        /// Generation to save.
        ours: u64,
    },
    /// Written by a version that this build cannot read.
    #[error("{what} has format version {found}; this build reads {reads}")]
    Version {
        /// `ledger` or `memory`.
        what: &'static str,
        /// Version found.
        found: u32,
        /// Versions read.
        reads: String,
    },
    /// The store cannot be reached or is damaged.
    #[error("{0}")]
    Unavailable(String),
}
