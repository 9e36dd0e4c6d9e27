//! Where Ledger, Memory and Installation are kept between cycles and restarts: the trait only; stores are at the ends.

use model::intent::{Installation, Ledger};
use model::memory::Memory;
use std::future::Future;
use std::pin::Pin;

/// A future that a trait object can return.
pub type Stored<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// What a store has kept; what it never had, or has lost, is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// The Ledger.
    pub ledger: Option<Ledger>,
    /// The Memory.
    pub memory: Option<Memory>,
    /// What stands beside the Ledger, so that its loss is noticed.
    pub installation: Option<Installation>,
}

/// Keeps the Ledger, the Memory and the Installation durably.
pub trait LedgerStore: Send {
    /// Reads back what was saved last.
    fn load(&mut self) -> Stored<'_, Kept>;

    /// Saves the Ledger durably before it returns. A stored Ledger of the same or a newer generation refuses
    /// the save with `StoreError::Conflict`.
    fn save<'a>(&'a mut self, ledger: &'a Ledger) -> Stored<'a, ()>;

    /// Saves the Memory; losing a save only makes the daemon less active.
    fn save_memory<'a>(&'a mut self, memory: &'a Memory) -> Stored<'a, ()>;

    /// Saves the Installation durably before it returns, away from the Ledger; the last writer wins. A store that ends
    /// with its process needs none.
    fn save_installation<'a>(&'a mut self, installation: &'a Installation) -> Stored<'a, ()> {
        let _ = installation;
        Box::pin(std::future::ready(Ok(())))
    }

    /// Reads the Installation alone: it stands where the Ledger beside it cannot be read.
    fn load_installation(&mut self) -> Stored<'_, Option<Installation>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Whether what it keeps outlives this process.
    fn is_lasting(&self) -> bool {
        false
    }
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
