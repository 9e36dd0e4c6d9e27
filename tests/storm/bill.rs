//! The bound on the bill, from the daemon's own records.
//!
//! Not here: how it is found (`bound`), what was paid.

use logbook::Reader;
use plimsoll_tests::Result;
use plimsoll_tests::bound::Bound;
use std::path::Path;

/// Dollars, and of how many records.
pub(crate) fn bound(logbook: &Path) -> Result<(f64, usize)> {
    let mut bound = Bound::default();
    for record in Reader::open(logbook)? {
        let record = record?;
        if record.has_seen() {
            bound.add(record.at, &record.snapshot, &record.aims);
        }
    }
    Ok((bound.dollars(), bound.pictures()))
}
