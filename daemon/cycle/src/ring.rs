//! The last records, in memory: bounded by number and by the rows of their snapshots and of the answers of policies.

use logbook::CycleRecord;
use model::advice::Advice;
use std::collections::VecDeque;
use std::sync::Arc;

/// Records kept at most.
const RECORDS: usize = 256;

/// Rows (pods, nodes, offers, workloads, answers) of all kept records together; about 128 MiB.
const ROWS: usize = 800_000;

/// Rows of answers, which are a few numbers each, that count for one.
const ANSWERS: usize = 16;

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
    let seen = &record.snapshot;
    let shown = seen.pods.len() + seen.nodes.len() + seen.offers.len() + seen.workloads.len();
    let answers = record
        .notes
        .calls
        .iter()
        .filter_map(|call| call.answer.as_ref().ok());
    let answered: usize = answers.map(Advice::len).sum();
    shown + answered / ANSWERS + 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::advice::{Hook, PolicyCall, PolicyMode, ScaleAdvice};

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

    #[test]
    fn answers_take_room_too() {
        let mut ring = Ring::default();
        let rows = 1_600_000_u32;
        let wanted = ScaleAdvice {
            rows: (0..rows).collect(),
            ..ScaleAdvice::default()
        };
        let call = PolicyCall {
            policy: "p".into(),
            digest: String::new(),
            hook: Hook::Scaler,
            mode: PolicyMode::Enforce,
            fuel: 0,
            answer: Ok(Advice::Scale(wanted)),
            log: Vec::new(),
            kept: None,
        };
        for cycle in 1..=12 {
            let mut record = CycleRecord {
                cycle,
                ..CycleRecord::default()
            };
            record.notes.calls = vec![call.clone()];
            ring.push(Arc::new(record));
        }
        assert_eq!(
            ring.newest_first().len(),
            7,
            "eight of them would be 800,008 rows"
        );
    }
}
