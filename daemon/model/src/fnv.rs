//! FNV-1a with 64 bits: the same number for the same bytes, on every machine and in every version.
//!
//! Spreads names; keeps nobody from finding two that collide. Deliberately absent: a `Hasher`, whose integers depend on
//! the machine's byte order. <https://datatracker.ietf.org/doc/html/draft-eastlake-fnv>

/// The hash of no bytes (the offset basis).
pub const EMPTY: u64 = 0xcbf2_9ce4_8422_2325;

const PRIME: u64 = 0x0000_0100_0000_01b3;

/// The hash of these bytes.
pub fn fnv1a(bytes: impl IntoIterator<Item = u8>) -> u64 {
    extend(EMPTY, bytes)
}

/// The hash of the bytes that made this hash, followed by these.
pub fn extend(hash: u64, bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes
        .into_iter()
        .fold(hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(PRIME))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Test vectors of the draft's appendix C.
    #[test]
    fn published_vectors_come_out() {
        for (text, hash) in [
            ("", 0xcbf2_9ce4_8422_2325),
            ("a", 0xaf63_dc4c_8601_ec8c),
            ("foobar", 0x8594_4171_f739_67e8),
        ] {
            assert_eq!(fnv1a(text.bytes()), hash, "{text:?}");
        }
        assert_eq!(extend(fnv1a(*b"foo"), *b"bar"), fnv1a(*b"foobar"));
    }
}
