//! Ledger, Memory and Installation as bytes: JSON behind a version gate and under a checksum.
//!
//! This build writes version 2 and reads 1 and 2; a newer one is refused, never guessed at. The checksum lies over the
//! whole value, so that no single flipped bit is taken for another Ledger. It is no signature: whoever can write the
//! file can write the checksum. Not here: where the bytes are kept.

use crate::store::StoreError;
use model::intent::{INSTALLATION_VERSION, Installation, LEDGER_VERSION, Ledger};
use model::memory::{MEMORY_VERSION, Memory};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The last version that was written without a checksum.
const UNSEALED: u32 = 1;

/// The Ledger as bytes.
pub fn encode_ledger(ledger: &Ledger) -> Result<Vec<u8>, StoreError> {
    seal(LEDGER_VERSION, ledger)
}

/// A Ledger from bytes of this version or the one before.
pub fn decode_ledger(bytes: &[u8]) -> Result<Ledger, StoreError> {
    let (_, ledger) = unseal::<Ledger>(bytes, "ledger", LEDGER_VERSION)?;
    Ok(Ledger {
        version: LEDGER_VERSION,
        ..ledger
    })
}

/// The Memory as bytes.
pub fn encode_memory(memory: &Memory) -> Result<Vec<u8>, StoreError> {
    seal(MEMORY_VERSION, memory)
}

/// A Memory from bytes of this version or the one before.
pub fn decode_memory(bytes: &[u8]) -> Result<Memory, StoreError> {
    let (_, memory) = unseal::<Memory>(bytes, "memory", MEMORY_VERSION)?;
    Ok(Memory {
        version: MEMORY_VERSION,
        ..memory
    })
}

/// The Installation as bytes.
pub fn encode_installation(installation: &Installation) -> Result<Vec<u8>, StoreError> {
    seal(INSTALLATION_VERSION, installation)
}

/// An Installation from bytes; it was never written without a checksum.
pub fn decode_installation(bytes: &[u8]) -> Result<Installation, StoreError> {
    match unseal(bytes, "installation", INSTALLATION_VERSION)? {
        // Without this a flipped version digit would turn the checksum off, and with it the kill switch (I20).
        (UNSEALED, _) => Err(damaged("installation", "it has no checksum")),
        (_, installation) => Ok(installation),
    }
}

/// `{"version":2,"sha256":"…","value":…}`, with nothing between: what the checksum is of is found by its place.
fn seal(version: u32, value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    let value = serde_json::to_vec(value).map_err(|error| StoreError::Unavailable(error.to_string()))?;
    let mut bytes = head(version, &value).into_bytes();
    bytes.extend(value);
    bytes.push(b'}');
    Ok(bytes)
}

/// All that stands before the value.
fn head(version: u32, value: &[u8]) -> String {
    let sum = hex::encode(Sha256::digest(value));
    format!(r#"{{"version":{version},"sha256":"{sum}","value":"#)
}

/// The version, and the value where its checksum is right or where there was none yet.
fn unseal<T: DeserializeOwned>(
    bytes: &[u8],
    what: &'static str,
    newest: u32,
) -> Result<(u32, T), StoreError> {
    let found = version(bytes, what, newest)?;
    // Of version 1 there are Ledgers without a checksum; their first save seals them.
    if found <= UNSEALED {
        return Ok((found, decode(bytes, what)?));
    }
    let length = head(found, b"").len();
    let value = bytes
        .get(length..)
        .and_then(|rest| rest.strip_suffix(b"}"))
        .unwrap_or_default();
    if !bytes.starts_with(head(found, value).as_bytes()) {
        return Err(damaged(what, "its checksum is not that of what it says"));
    }
    Ok((found, decode(value, what)?))
}

fn decode<T: DeserializeOwned>(bytes: &[u8], what: &'static str) -> Result<T, StoreError> {
    serde_json::from_slice(bytes).map_err(|error| damaged(what, error))
}

fn damaged(what: &'static str, why: impl std::fmt::Display) -> StoreError {
    StoreError::Unavailable(format!("{what} is damaged: {why}"))
}

fn version(bytes: &[u8], what: &'static str, newest: u32) -> Result<u32, StoreError> {
    #[derive(Deserialize)]
    struct Head {
        version: u32,
    }
    let found = decode::<Head>(bytes, what)?.version;
    // An update finds what the version before it has written. A newer one is refused: what this build does not know of it,
    // it would drop when it saves.
    let oldest = newest.saturating_sub(1);
    if found > newest || found < oldest {
        let reads = format!("{oldest} and {newest}");
        return Err(StoreError::Version { what, found, reads });
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::intent::{IntentKind, Pause};
    use model::{Instant, IntentId, NodeName};

    #[test]
    fn a_ledger_of_the_version_before_is_read() {
        let ledger = decode_ledger(include_bytes!("fixtures/ledger-v1.json")).unwrap();
        assert_eq!((ledger.version, ledger.generation, ledger.cycle), (2, 41, 118));
        assert!(ledger.intent(&IntentId::new("117-0")).is_some());
        assert_eq!(ledger.paused.as_ref().map(|p| p.by.as_str()), Some("ada"));
        assert_eq!(ledger.effects.len(), 2);
        assert_eq!(decode_ledger(&encode_ledger(&ledger).unwrap()).unwrap(), ledger);
    }

    #[test]
    fn launches_of_a_removal_are_read_as_they_were_once_written() {
        let removal = |after: &str| {
            let json = format!(
                r#"{{"Remove":{{"group":"g","node":"n","instance":"i","stage":"Opened","after":{after}}}}}"#
            );
            let kind: IntentKind = serde_json::from_str(&json).unwrap();
            assert_eq!(serde_json::to_string(&kind).unwrap(), json);
            match kind {
                IntentKind::Remove { after, .. } => after,
                IntentKind::Launch { .. } => Vec::new(),
            }
        };
        assert!(removal("null").is_empty());
        assert_eq!(removal(r#""4-0""#), [IntentId::new("4-0")]);
        assert_eq!(removal(r#"["4-0","4-1"]"#).len(), 2);
    }

    #[test]
    fn a_memory_of_the_version_before_is_read() {
        let memory = decode_memory(include_bytes!("fixtures/memory-v1.json")).unwrap();
        assert_eq!(memory.version, MEMORY_VERSION);
        assert_eq!(
            memory.unneeded_since.get(&NodeName::new("n1")),
            Some(&Instant(7_000))
        );
        assert_eq!(decode_memory(&encode_memory(&memory).unwrap()).unwrap(), memory);
    }

    #[test]
    fn other_versions_are_refused_not_guessed() {
        for found in [0, 3] {
            let bytes = format!(r#"{{"version":{found},"anything":[]}}"#);
            assert_eq!(
                decode_ledger(bytes.as_bytes()).unwrap_err(),
                StoreError::Version {
                    what: "ledger",
                    found,
                    reads: "1 and 2".to_owned()
                }
            );
        }
    }

    #[test]
    fn damage_is_an_error() {
        for bytes in [
            &b""[..],
            b"{}",
            b"[1]",
            b"{\"version\":1}",
            b"{\"version\":2}",
            b"{\"version\":2,\"sha256\":\"\",\"value\":{}}",
            b"\xff\xfe",
            b"{\"version\":-1}",
        ] {
            assert!(matches!(decode_ledger(bytes), Err(StoreError::Unavailable(_))));
            assert!(matches!(decode_memory(bytes), Err(StoreError::Unavailable(_))));
            assert!(matches!(
                decode_installation(bytes),
                Err(StoreError::Unavailable(_))
            ));
        }
    }

    fn sealed() -> [Vec<u8>; 3] {
        let paused = Some(Pause {
            by: "ada".to_owned(),
            why: "looking into it".to_owned(),
            at: Instant(3_000),
        });
        let ledger = decode_ledger(include_bytes!("fixtures/ledger-v1.json")).unwrap();
        let memory = decode_memory(include_bytes!("fixtures/memory-v1.json")).unwrap();
        let installation = Installation {
            paused,
            ..Installation::default()
        };
        [
            encode_ledger(&ledger).unwrap(),
            encode_memory(&memory).unwrap(),
            encode_installation(&installation).unwrap(),
        ]
    }

    fn is_read([ledger, memory, installation]: [&[u8]; 3]) -> [bool; 3] {
        [
            decode_ledger(ledger).is_ok(),
            decode_memory(memory).is_ok(),
            decode_installation(installation).is_ok(),
        ]
    }

    // 40 of 120 flips of a Ledger used to be read as another Ledger, two of them as one that is not paused.
    #[test]
    fn no_flipped_bit_is_read() {
        let sealed = sealed();
        for bit in 0..sealed.iter().map(Vec::len).max().unwrap_or(0) * 8 {
            let flipped = sealed.each_ref().map(|bytes| {
                let mut bytes = bytes.clone();
                let at = (bit / 8) % bytes.len();
                bytes[at] ^= 1 << (bit % 8);
                bytes
            });
            assert_eq!(
                is_read(flipped.each_ref().map(Vec::as_slice)),
                [false; 3],
                "bit {bit}"
            );
        }
    }

    #[test]
    fn nothing_cut_off_or_added_is_read() {
        let sealed = sealed();
        let whole = sealed.each_ref().map(Vec::as_slice);
        assert_eq!(is_read(whole), [true; 3]);
        for length in 0..sealed.iter().map(Vec::len).max().unwrap_or(0) {
            let cut = whole.map(|bytes| bytes.get(..length % bytes.len()).unwrap_or_default());
            assert_eq!(is_read(cut), [false; 3], "{length} bytes");
        }
        let longer = sealed.each_ref().map(|bytes| [bytes, &b"}"[..]].concat());
        assert_eq!(is_read(longer.each_ref().map(Vec::as_slice)), [false; 3]);
    }
}
