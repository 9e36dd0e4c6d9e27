//! The Ledger with the store behind it: every change is saved before it counts.

use guard::ledger::reconcile;
use guard::{LedgerStore, StoreError};
use model::intent::{Ledger, LedgerEvent, Pause};
use model::limits::Limits;
use model::{Memory, Snapshot};

/// Cycle numbers that may have gone by without a save before a restart: the number jumps by this much, so
/// that it never repeats. A save happens at least this often.
const UNSAVED_CYCLES: u64 = 32;

/// The Ledger and its store.
pub(crate) struct Book {
    ledger: Ledger,
    store: Box<dyn LedgerStore>,
    /// Cycle number in the store.
    saved_cycle: u64,
    /// The ledger differs from the stored one by more than its cycle number.
    dirty: bool,
    /// Somebody else has saved: what is here is void until it is read back.
    void: bool,
}

impl Book {
    /// Reads back what was saved last.
    pub(crate) async fn open(mut store: Box<dyn LedgerStore>) -> Result<(Self, Memory), StoreError> {
        let stored = store.load().await?;
        // The first cycle of a new Ledger is saved whatever it brings: its number must not come again.
        let dirty = stored.is_none();
        let (mut ledger, memory) = stored.unwrap_or_default();
        let saved_cycle = ledger.cycle;
        if saved_cycle > 0 {
            ledger.cycle = saved_cycle.saturating_add(UNSAVED_CYCLES);
        }
        let book = Self {
            ledger,
            store,
            saved_cycle,
            dirty,
            void: false,
        };
        Ok((book, memory))
    }

    /// The Ledger as it stands.
    pub(crate) const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Begins a cycle: counts on, reads the Ledger back where somebody else has saved one, and puts the kill
    /// switch back where this process holds it pulled and could not save that.
    pub(crate) async fn begin(&mut self, pulled: Option<Pause>) -> Result<(), StoreError> {
        self.ledger.cycle = self.ledger.cycle.saturating_add(1);
        self.read_back().await?;
        if pulled.is_some() && self.ledger.paused.is_none() {
            self.ledger.paused = pulled;
            self.dirty = true;
        }
        Ok(())
    }

    /// Changes the Ledger and saves it; where the save fails, nothing has changed.
    pub(crate) async fn change(&mut self, edit: impl FnOnce(&mut Ledger)) -> Result<(), StoreError> {
        self.read_back().await?;
        let mut next = self.ledger.clone();
        edit(&mut next);
        next.generation = next.generation.saturating_add(1);
        match self.store.save(&next).await {
            Ok(()) => {
                self.saved_cycle = next.cycle;
                self.ledger = next;
                self.dirty = false;
                Ok(())
            }
            Err(error) => {
                self.void = matches!(error, StoreError::Conflict { .. });
                Err(error)
            }
        }
    }

    /// Changes the Ledger and saves it, unless it is no longer the one of this generation: then the edit was
    /// made for another one. Gives the generation it is now at.
    pub(crate) async fn change_from(
        &mut self,
        generation: u64,
        edit: impl FnOnce(&mut Ledger),
    ) -> Result<Option<u64>, StoreError> {
        self.read_back().await?;
        if self.ledger.generation != generation {
            return Ok(None);
        }
        self.change(edit).await?;
        Ok(Some(self.ledger.generation))
    }

    /// Whether nobody has changed the Ledger since it was at this generation.
    pub(crate) const fn stands_at(&self, generation: u64) -> bool {
        !self.void && self.ledger.generation == generation
    }

    /// Reads the Ledger against a Snapshot.
    pub(crate) fn read_against(&mut self, seen: &Snapshot, limits: &Limits) -> Vec<LedgerEvent> {
        let events = reconcile(&mut self.ledger, seen, limits);
        self.dirty |= !events.is_empty();
        events
    }

    /// Changes the Ledger now; the change is saved with the next save.
    pub(crate) fn note<T>(&mut self, edit: impl FnOnce(&mut Ledger) -> T) -> T {
        self.dirty = true;
        edit(&mut self.ledger)
    }

    /// Saves what has been noted, and the cycle number from time to time.
    pub(crate) async fn settle(&mut self) -> Result<(), StoreError> {
        if self.dirty || self.ledger.cycle >= self.saved_cycle.saturating_add(UNSAVED_CYCLES) {
            self.change(|_| ()).await?;
        }
        Ok(())
    }

    /// Saves the memory.
    pub(crate) async fn save_memory(&mut self, memory: &Memory) -> Result<(), StoreError> {
        self.store.save_memory(memory).await
    }

    async fn read_back(&mut self) -> Result<(), StoreError> {
        if !self.void {
            return Ok(());
        }
        let (theirs, _) = self.store.load().await?.unwrap_or_default();
        let cycle = self.ledger.cycle.max(theirs.cycle.saturating_add(UNSAVED_CYCLES));
        self.saved_cycle = theirs.cycle;
        self.ledger = Ledger { cycle, ..theirs };
        self.void = false;
        Ok(())
    }
}
