//! The last records, in memory: bounded by number and by the rows of their snapshots.

use logbook::CycleRecord;
use std::collections::VecDeque;
use std::sync::Arc;

/// Records kept at most.
const RECORDS: usize = 256;

/// Rows (pods and nodes) of all kept snapshots together; about 128 MiB.
const ROWS: usize = 800_000;

/// The last records, oldest first.
#[derive(Debug, Default)]
pub(crate) struct Ring {
    records: VecDeque<Arc<CycleRecord>>,
    rows: usize,
}

impl Ring {
    /// Adds the newest; the oldest leave while there are too many. The newest always stays.
    pub(crate) fn push(&mut self, record: Arc<CycleRecord>) {
        self.rows += rows(&record);
        self.records.push_back(record);
        while self.records.len() > 1 && (self.records.len() > RECORDS || self.rows > ROWS) {
            if let Some(oldest) = self.records.pop_front() {
                self.rows -= rows(&oldest);
            }
        }
    }

    /// The newest.
    pub(crate) fn latest(&self) -> Option<Arc<CycleRecord>> {
        self.records.back().cloned()
    }

    /// The newest that saw something.
    pub(crate) fn latest_seen(&self) -> Option<Arc<CycleRecord>> {
        self.records
            .iter()
            .rev()
            .find(|record| record.has_seen())
            .cloned()
    }

    /// The record of a cycle.
    pub(crate) fn record(&self, cycle: u64) -> Option<Arc<CycleRecord>> {
        self.records.iter().rev().find(|r| r.cycle == cycle).cloned()
    }

    /// All, newest first.
    pub(crate) fn newest_first(&self) -> Vec<Arc<CycleRecord>> {
        self.records.iter().rev().cloned().collect()
    }
}

fn rows(record: &CycleRecord) -> usize {
    record.snapshot.pods.len() + record.snapshot.nodes.len() + record.snapshot.offers.len() + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(cycle: u64) -> Arc<CycleRecord> {
        Arc::new(CycleRecord {
            cycle,
            ..CycleRecord::default()
        })
    }

    #[test]
    fn the_oldest_leave() {
        let mut ring = Ring::default();
        for cycle in 1..=300 {
            ring.push(record(cycle));
        }
        assert_eq!(ring.newest_first().len(), 256);
        assert_eq!(ring.latest().map(|r| r.cycle), Some(300));
        assert!(ring.record(44).is_none());
        assert!(ring.record(45).is_some());
        assert_eq!(ring.rows, 256);
    }
}
