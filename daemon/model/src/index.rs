//! Lengths and positions between the 32 bits in which a Snapshot keeps them and the machine's own width.
//!
//! Lists of a Snapshot hold fewer than 2^32 rows, so that nothing is lost; more would be held at the end. Amounts of
//! money and resources are not converted here.

/// A count as an index.
#[inline]
pub fn size(count: u32) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

/// A length as a count.
#[inline]
pub fn count(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
