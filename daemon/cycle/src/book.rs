//! The Ledger with the store behind it: every change is saved before it counts.
//!
//! Beside it stands the Installation, which tells that there is a Ledger, whether it is paused and by which aims: a Ledger
//! that is missing where there was one begins anew, but paused, by the same aims, and with its windows counted as full. One that cannot be read
//! lets nothing be carried out until it can. Not here: what is written into either.

use crate::clock::Clock;
use crate::lifecycle;
use crate::policies::InForce;
use guard::ledger::{is_of_another_cluster, note_identity, note_size, note_spending, reconcile, usual_size};
use guard::{Kept, LedgerStore, StoreError};
use model::intent::{Installation, Ledger, LedgerEvent, Pause};
use model::{Aims, ClusterSize, Memory, Snapshot};
use std::sync::Arc;

/// Cycle numbers that may have gone by without a save before a restart: the number jumps by this much, so
/// that it never repeats. A save happens at least this often.
const UNSAVED_CYCLES: u64 = 32;

/// As whom a Ledger that was lost is paused, and why.
const BY: &str = "plimsolld";
const LOST: &str = "the Ledger is missing, and there was one: what is under way and what was removed lately is not \
                    known any more. Look at the cluster, then resume";
const ELSEWHERE: &str = "the Ledger was written in another cluster of this name: what it says of nodes and groups does \
                         not hold here, and a new one is begun. Look at the cluster, then resume";

/// The Ledger and its store.
pub(crate) struct Book {
    ledger: Ledger,
    store: Box<dyn LedgerStore>,
    clock: Arc<dyn Clock>,
    /// Cycle number in the store.
    saved_cycle: u64,
    /// The ledger differs from the stored one by more than its cycle number.
    dirty: bool,
    /// What is here is void until it is read back: somebody else has saved, or nothing could be read yet.
    void: bool,
    /// What is stored beside the Ledger, as far as that is known.
    installation: Option<Installation>,
    /// Nothing could be read yet.
    unread: bool,
    /// The Memory as it was read, until somebody takes it.
    memory: Option<Memory>,
}

impl Book {
    /// Reads back what was saved last; gives the Memory. Where that cannot be read, every cycle tries again, and none
    /// carries anything out before.
    pub(crate) async fn open(store: Box<dyn LedgerStore>, clock: Arc<dyn Clock>) -> (Self, Memory) {
        let mut book = Self {
            ledger: Ledger::default(),
            store,
            clock,
            saved_cycle: 0,
            dirty: false,
            void: true,
            installation: None,
            unread: true,
            memory: None,
        };
        if let Err(error) = book.read_back().await {
            tracing::error!(%error, "the Ledger cannot be read: nothing is carried out until it can");
        }
        let memory = book.memory.take().unwrap_or_default();
        (book, memory)
    }

    /// The Ledger as it stands.
    pub(crate) const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Begins a cycle: counts on, reads the Ledger back where somebody else has saved one, and puts the kill
    /// switch back where this process holds it pulled and could not save that. Gives the Memory, where it is read for
    /// the first time.
    pub(crate) async fn begin(&mut self, pulled: Option<Pause>) -> Result<Option<Memory>, StoreError> {
        self.ledger.cycle = self.ledger.cycle.saturating_add(1);
        self.read_back().await?;
        if pulled.is_some() && self.ledger.paused.is_none() {
            self.ledger.paused = pulled;
            self.dirty = true;
        }
        Ok(self.memory.take())
    }

    /// Pulls the kill switch in both places; one of them keeps it over a restart.
    pub(crate) async fn pause(&mut self, pause: &Pause) -> Result<(), StoreError> {
        let paused = Some(pause.clone());
        let changed = self.change(|ledger| ledger.paused.clone_from(&paused)).await;
        if changed.is_err() && self.store.is_lasting() && self.mark_paused(paused.clone()).await.is_ok() {
            self.ledger.paused = paused;
            self.dirty = true;
            return Ok(());
        }
        changed
    }

    /// Releases the kill switch in both places. The Ledger comes last: as long as one of them is paused, both are.
    pub(crate) async fn resume(&mut self) -> Result<(), StoreError> {
        self.read_back().await?;
        self.mark_paused(None).await?;
        self.change(|ledger| ledger.paused = None).await
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
                // Tried again with the next save: the Ledger has it.
                if let Err(error) = self.mark().await {
                    tracing::warn!(%error, "what stands beside the Ledger could not be saved");
                }
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

    /// Begins a new Ledger where this one was written in another cluster than the one that is seen, and tells whether it
    /// did: what is under way there, and who may go there, says nothing here. As with one that was lost, it is paused.
    pub(crate) fn leave_other_cluster(&mut self, seen: &Snapshot) -> bool {
        if !is_of_another_cluster(&self.ledger, seen) {
            return false;
        }
        tracing::error!("{ELSEWHERE}");
        let (now, theirs) = (self.clock.now(), &self.ledger);
        // Without a new epoch, client tokens could come again: then it only pauses, and the next cycle tries again.
        if let Ok(epoch) = epoch() {
            self.ledger = Ledger {
                generation: theirs.generation,
                cycle: theirs.cycle,
                aims: theirs.aims.clone(),
                epoch,
                known_since: Some(now),
                ..Ledger::default()
            };
        }
        self.ledger.paused.get_or_insert_with(|| Pause {
            by: BY.to_owned(),
            why: ELSEWHERE.to_owned(),
            at: now,
        });
        self.dirty = true;
        true
    }

    /// Reads the Ledger against a Snapshot.
    pub(crate) fn read_against(&mut self, seen: &Snapshot, aims: &Aims) -> Vec<LedgerEvent> {
        let events = reconcile(&mut self.ledger, seen, &aims.limits);
        self.dirty |= !events.is_empty();
        self.dirty |= note_identity(&mut self.ledger, seen);
        self.dirty |= note_spending(&mut self.ledger, seen, aims);
        if self.store.is_lasting() {
            self.dirty |= note_size(&mut self.ledger, seen, aims);
        }
        events
    }

    /// How large the cluster is as a rule; `None` where the Ledger does not last long enough to tell.
    pub(crate) fn usual_size(&self) -> Option<ClusterSize> {
        let now = self.clock.now();
        self.store.is_lasting().then(|| usual_size(&self.ledger, now))
    }

    /// Changes the Ledger now; the change is saved with the next save.
    pub(crate) fn note<T>(&mut self, edit: impl FnOnce(&mut Ledger) -> T) -> T {
        self.dirty = true;
        edit(&mut self.ledger)
    }

    /// Notes which components run in the configured modes of their policies.
    pub(crate) fn note_trusted(&mut self, offered: &InForce) {
        // What is here is void: it would be taken for the first component.
        if !self.void {
            self.dirty |= lifecycle::note_trusted(&mut self.ledger.trusted, offered);
        }
    }

    /// Saves what has been noted, and the cycle number from time to time.
    pub(crate) async fn settle(&mut self) -> Result<(), StoreError> {
        if self.dirty || self.ledger.cycle >= self.saved_cycle.saturating_add(UNSAVED_CYCLES) {
            self.change(|_| ()).await?;
        }
        self.mark().await
    }

    /// Saves the memory.
    pub(crate) async fn save_memory(&mut self, memory: &Memory) -> Result<(), StoreError> {
        self.store.save_memory(memory).await
    }

    /// Reads the Ledger back where what is here is void, and the Memory where it could not be read before.
    async fn read_back(&mut self) -> Result<(), StoreError> {
        if !self.void {
            return Ok(());
        }
        let Kept {
            ledger,
            memory,
            installation,
        } = self.store.load().await?;
        let mut theirs = if let Some(ledger) = ledger {
            ledger
        } else {
            // The first cycle of a new Ledger is saved whatever it brings: its number must not come again.
            self.dirty = true;
            let lost = !self.unread || memory.is_some() || installation.is_some();
            Ledger {
                aims: installation
                    .as_ref()
                    .and_then(|installation| installation.aims.clone()),
                ..self.begun(lost)?
            }
        };
        self.saved_cycle = theirs.cycle;
        if theirs.cycle > 0 {
            theirs.cycle = theirs.cycle.saturating_add(UNSAVED_CYCLES);
        }
        theirs.cycle = theirs.cycle.max(self.ledger.cycle);
        let beside = installation
            .as_ref()
            .and_then(|installation| installation.paused.clone());
        if theirs.paused.is_none() && beside.is_some() {
            theirs.paused = beside;
            self.dirty = true;
        }
        self.ledger = theirs;
        self.installation = installation;
        self.void = false;
        if std::mem::replace(&mut self.unread, false) {
            self.memory = memory;
        }
        Ok(())
    }

    /// A new Ledger: the first of all, or one in the place of another that was lost.
    fn begun(&self, lost: bool) -> Result<Ledger, StoreError> {
        if !self.store.is_lasting() {
            return Ok(Ledger::default());
        }
        let fresh = Ledger {
            epoch: epoch()?,
            ..Ledger::default()
        };
        if !lost {
            return Ok(fresh);
        }
        tracing::error!("{LOST}");
        let now = self.clock.now();
        Ok(Ledger {
            paused: Some(Pause {
                by: BY.to_owned(),
                why: LOST.to_owned(),
                at: now,
            }),
            known_since: Some(now),
            ..fresh
        })
    }

    /// Saves beside the Ledger what it says itself.
    async fn mark(&mut self) -> Result<(), StoreError> {
        self.mark_as(Installation {
            paused: self.ledger.paused.clone(),
            aims: self.ledger.aims.clone(),
            ..Installation::default()
        })
        .await
    }

    /// Saves another word on the kill switch beside the Ledger; the aims there stay, also where nothing was read yet.
    async fn mark_paused(&mut self, paused: Option<Pause>) -> Result<(), StoreError> {
        let known = match &self.installation {
            Some(known) => known.clone(),
            None => self.store.load_installation().await?.unwrap_or_default(),
        };
        self.mark_as(Installation { paused, ..known }).await
    }

    async fn mark_as(&mut self, wanted: Installation) -> Result<(), StoreError> {
        let wanted = Some(wanted);
        let is_due = self.store.is_lasting() && self.installation != wanted;
        if let Some(installation) = wanted.as_ref().filter(|_| is_due) {
            self.store.save_installation(installation).await?;
            self.installation = wanted;
        }
        Ok(())
    }
}

/// Four random bytes in hexadecimal digits.
fn epoch() -> Result<String, StoreError> {
    let mut bytes = [0; 4];
    getrandom::fill(&mut bytes)
        .map_err(|error| StoreError::Unavailable(format!("no randomness: {error}")))?;
    Ok(hex::encode(bytes))
}
