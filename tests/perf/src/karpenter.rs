//! Karpenter's own benchmark input.

use crate::suite::Row;

/// Its rows.
pub fn rows() -> Vec<Row> {
    Vec::new()
}
