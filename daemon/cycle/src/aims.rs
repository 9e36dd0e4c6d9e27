//! Aims in force: those that are offered take over, unless they loosen something that nobody has acknowledged.
//!
//! One rule for a file that changes, for a restart and for a replica that takes over, because the aims in force are in
//! the Ledger. Where they are refused, the last good ones stay in force. Not here: what is looser (`guard`), and files.

use crate::book::Book;
use crate::desk::Shared;
use logbook::CycleRecord;
use model::aims::Mode;
use model::cluster_size::SizedLimit;
use model::loosening::{Change, Loosening};
use model::{Aims, ClusterSize, HoldReason, Verdict};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Why offered aims are not in force: all that they loosen and nobody has acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct Unacknowledged(pub Vec<Loosening>);

/// So many of them are named in one text; the rest is counted.
const NAMED: usize = 10;

impl fmt::Display for Unacknowledged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let named: Vec<String> = self.0.iter().take(NAMED).map(|one| format!("`{one}`")).collect();
        write!(
            f,
            "looser than what is in force, and not acknowledged: {}",
            named.join(", ")
        )?;
        match self.0.len() - named.len() {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}

/// Aims as they were offered last, and what is laid under them.
pub(crate) struct Offered {
    pub(crate) aims: Arc<Aims>,
    /// Mode of the cluster where the aims name none.
    pub(crate) mode: Mode,
}

impl Offered {
    /// What these aims loosen of those in force, where all of it is acknowledged.
    fn weigh(&self, in_force: &Aims, size: ClusterSize) -> Result<Vec<Loosening>, Unacknowledged> {
        if *self.aims == *in_force {
            return Ok(Vec::new());
        }
        let [from, to] = [in_force, &*self.aims].map(|aims| self.laid(aims));
        let mut loosened = guard::loosened(&from, &to, size);
        if is_empty(&self.aims) && !is_empty(in_force) {
            let field = "aims".to_owned();
            let change = Change::Removed;
            loosened.insert(0, Loosening { field, change });
        }
        let known = |loosening: &Loosening| self.aims.acknowledge.contains(&loosening.to_string());
        if loosened.iter().all(known) {
            return Ok(loosened);
        }
        loosened.retain(|loosening| !known(loosening));
        Err(Unacknowledged(loosened))
    }

    /// The aims as a cycle works by them.
    fn laid(&self, aims: &Aims) -> Aims {
        let mut aims = aims.clone();
        aims.modes.cluster.get_or_insert(self.mode);
        aims
    }
}

/// An emptied file, or one of nothing but comments and acknowledgements.
fn is_empty(aims: &Aims) -> bool {
    let acknowledge = aims.acknowledge.clone();
    *aims
        == Aims {
            acknowledge,
            ..Aims::default()
        }
}

/// Limits that nobody has named and that held growth in a cycle: pods wait for a word of the operator.
pub(crate) fn held_by_default(record: &CycleRecord) -> Vec<String> {
    let by_size = &record.aims.limits.by_size;
    let held = |limit: SizedLimit, is: fn(&HoldReason) -> bool| {
        let by_it = |verdict: &Verdict| matches!(verdict, Verdict::Held(why) if is(why));
        let holds = by_size.contains(&limit) && record.verdicts.iter().any(|(_, verdict)| by_it(verdict));
        holds.then(|| {
            format!(
                "growth is held by limits.{}, which the aims do not name, so that it follows the size of the cluster: name it where \
                 the cluster is meant to grow faster (`plimsoll limits --explain`)",
                limit.as_str()
            )
        })
    };
    let nodes = held(SizedLimit::MaxNodes, |why| {
        matches!(why, HoldReason::MaxNodes { .. })
    });
    let rate = held(SizedLimit::MaxRate, |why| {
        matches!(why, HoldReason::MaxRate { .. })
    });
    nodes.into_iter().chain(rate).collect()
}

impl Shared {
    /// Takes what is offered over or refuses it, by the aims in force. The Ledger that remembers them is saved before
    /// anything is carried out by them.
    pub(crate) fn take_aims(&self, book: &mut Book) -> Result<(), Unacknowledged> {
        let offered = self.offered();
        // The very first aims of an installation loosen nothing.
        let in_force = book
            .ledger()
            .aims
            .clone()
            .unwrap_or_else(|| Arc::clone(&offered.aims));
        let size = book.usual_size();
        match offered.weigh(&in_force, size.unwrap_or_default()) {
            Ok(loosened) => {
                if book.ledger().aims.as_ref() != Some(&offered.aims) {
                    book.note(|ledger| ledger.aims = Some(Arc::clone(&offered.aims)));
                }
                for loosening in &loosened {
                    tracing::warn!(%loosening, "acknowledged, and in force");
                }
                self.work_by(offered.laid(&offered.aims), size);
                self.show_aims(None, loosened);
                Ok(())
            }
            Err(refused) => {
                self.work_by(offered.laid(&in_force), size);
                self.show_aims(Some(refused.clone()), Vec::new());
                Err(refused)
            }
        }
    }

    /// Limits that nobody has named follow the size of the cluster, and the work of a cycle follows the memory that there is.
    /// Records share one value as long as nothing has changed.
    fn work_by(&self, mut aims: Aims, size: Option<ClusterSize>) {
        if let Some(size) = size {
            aims.limits = aims.limits.of_size(size);
        }
        // In the record as it is worked by: a replay elsewhere has other memory.
        aims.search.pods = aims.search.pods.min(self.most_pods.load(Ordering::SeqCst));
        if **self.aims.load() != aims {
            self.aims.store(Arc::new(aims));
        }
    }
}
