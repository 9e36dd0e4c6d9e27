//! Conversions between counts, indices and shares; those to floating point are the solver's.
//!
//! Money and resources stay integers. Each function says which way it rounds.

pub(crate) use model::index::{count, size};
pub(crate) use packing::number::{floor, narrow, real};

/// A share in thousandths, rounded down; 0 of nothing.
pub(crate) fn permille(part: i64, whole: i64) -> u32 {
    if whole <= 0 {
        return 0;
    }
    u32::try_from(narrow(i128::from(part.max(0)) * 1000 / i128::from(whole))).unwrap_or(u32::MAX)
}
