//! Playback: the eyes of a replay. Gives the recorded pictures in their order.

use crate::record::CycleRecord;
use model::{Observe, ObserveError, Snapshot};
use std::future::Future;

/// Looks at a recording instead of a cluster. Records on which nothing was seen are passed over; after the
/// last one, and at a record that cannot be read, it has ended.
#[derive(Debug)]
pub struct Playback<R> {
    records: R,
}

impl<R: Iterator<Item = CycleRecord> + Send> Playback<R> {
    /// Plays these records.
    pub const fn new(records: R) -> Self {
        Self { records }
    }

    fn next_picture(&mut self) -> Result<Snapshot, ObserveError> {
        self.records
            .find(CycleRecord::has_seen)
            .map(|record| Snapshot::clone(&record.snapshot))
            .ok_or(ObserveError::Ended)
    }
}

impl<R: Iterator<Item = CycleRecord> + Send> Observe for Playback<R> {
    fn look(&mut self) -> impl Future<Output = Result<Snapshot, ObserveError>> + Send {
        std::future::ready(self.next_picture())
    }
}
