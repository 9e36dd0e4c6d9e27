//! Ledger and Memory as bytes: JSON behind a version gate. This build writes version 1 and reads 0 and 1; a
//! newer one is refused, never guessed at.

use crate::store::StoreError;
use model::aims::Modes;
use model::intent::{Effect, EffectKind, Intent, LEDGER_VERSION, Ledger, Pause, Proof};
use model::memory::{MEMORY_VERSION, Memory};
use model::{GroupName, Instant, NodeName, UsdPerHour};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The Ledger as bytes.
pub fn encode_ledger(ledger: &Ledger) -> Result<Vec<u8>, StoreError> {
    encode(ledger)
}

/// A Ledger from bytes of this version or the one before.
pub fn decode_ledger(bytes: &[u8]) -> Result<Ledger, StoreError> {
    match version(bytes, "ledger", LEDGER_VERSION)? {
        0 => decode::<LedgerV0>(bytes, "ledger").map(Ledger::from),
        _ => decode(bytes, "ledger"),
    }
}

/// The Memory as bytes.
pub fn encode_memory(memory: &Memory) -> Result<Vec<u8>, StoreError> {
    encode(memory)
}

/// A Memory from bytes of this version or the one before.
pub fn decode_memory(bytes: &[u8]) -> Result<Memory, StoreError> {
    match version(bytes, "memory", MEMORY_VERSION)? {
        0 => decode::<MemoryV0>(bytes, "memory").map(Memory::from),
        _ => decode(bytes, "memory"),
    }
}

fn encode(value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
    serde_json::to_vec(value).map_err(|error| StoreError::Unavailable(error.to_string()))
}

fn decode<T: DeserializeOwned>(bytes: &[u8], what: &'static str) -> Result<T, StoreError> {
    serde_json::from_slice(bytes)
        .map_err(|error| StoreError::Unavailable(format!("{what} is damaged: {error}")))
}

fn version(bytes: &[u8], what: &'static str, newest: u32) -> Result<u32, StoreError> {
    #[derive(Deserialize)]
    struct Head {
        version: u32,
    }
    let found = decode::<Head>(bytes, what)?.version;
    if found > newest {
        let reads = format!("{} and {newest}", newest.saturating_sub(1));
        return Err(StoreError::Version { what, found, reads });
    }
    Ok(found)
}

/// Version 0: purchases and removals in lists of their own, no mode overrides, evictions not counted.
#[derive(Deserialize)]
struct LedgerV0 {
    generation: u64,
    cycle: u64,
    intents: Vec<Intent>,
    bought: Vec<BoughtV0>,
    removed: Vec<RemovedV0>,
    paused: Option<Pause>,
}

#[derive(Deserialize)]
struct BoughtV0 {
    at: Instant,
    group: GroupName,
    count: u32,
    rate: UsdPerHour,
}

#[derive(Deserialize)]
struct RemovedV0 {
    at: Instant,
    group: GroupName,
}

impl From<LedgerV0> for Ledger {
    fn from(old: LedgerV0) -> Self {
        let bought = old.bought.into_iter().map(|entry| Effect {
            at: entry.at,
            group: entry.group,
            kind: EffectKind::Bought {
                count: entry.count,
                rate: entry.rate,
                proof: Proof::default(),
            },
        });
        let removed = old.removed.into_iter().map(|entry| Effect {
            at: entry.at,
            group: entry.group,
            kind: EffectKind::Removed,
        });
        let mut effects: Vec<Effect> = bought.chain(removed).collect();
        effects.sort_by_key(|effect| effect.at);
        Self {
            version: LEDGER_VERSION,
            generation: old.generation,
            cycle: old.cycle,
            intents: old.intents,
            effects,
            paused: old.paused,
            modes: Modes::default(),
            policies: BTreeMap::new(),
            spent: Vec::new(),
            aims: None,
        }
    }
}

/// Version 0: what made a removal possible, and nothing else.
#[derive(Deserialize)]
struct MemoryV0 {
    unneeded: BTreeMap<NodeName, Instant>,
}

impl From<MemoryV0> for Memory {
    fn from(old: MemoryV0) -> Self {
        Self {
            unneeded_since: old.unneeded,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::IntentId;
    use model::intent::IntentKind;

    #[test]
    fn a_ledger_of_the_version_before_is_read() {
        let ledger = decode_ledger(include_bytes!("fixtures/ledger-v0.json")).unwrap();
        assert_eq!((ledger.version, ledger.generation, ledger.cycle), (1, 41, 118));
        assert!(ledger.intent(&IntentId::new("117-0")).is_some());
        assert_eq!(ledger.paused.as_ref().map(|p| p.by.as_str()), Some("ada"));
        let kinds: Vec<_> = ledger.effects.iter().map(|e| (e.at.0, e.kind.clone())).collect();
        assert_eq!(
            kinds,
            [
                (1_000, EffectKind::Removed),
                (
                    2_000,
                    EffectKind::Bought {
                        count: 2,
                        rate: UsdPerHour(345_600_000),
                        proof: Proof::default(),
                    }
                ),
            ]
        );
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
        let memory = decode_memory(include_bytes!("fixtures/memory-v0.json")).unwrap();
        assert_eq!(memory.version, MEMORY_VERSION);
        assert_eq!(
            memory.unneeded_since.get(&NodeName::new("n1")),
            Some(&Instant(7_000))
        );
        assert_eq!(decode_memory(&encode_memory(&memory).unwrap()).unwrap(), memory);
    }

    #[test]
    fn a_newer_version_is_refused_not_guessed() {
        let error = decode_ledger(br#"{"version":2,"anything":[]}"#).unwrap_err();
        assert_eq!(
            error,
            StoreError::Version {
                what: "ledger",
                found: 2,
                reads: "0 and 1".to_owned()
            }
        );
    }

    #[test]
    fn damage_is_an_error() {
        for bytes in [
            &b""[..],
            b"{}",
            b"[1]",
            b"{\"version\":1}",
            b"\xff\xfe",
            b"{\"version\":-1}",
        ] {
            assert!(matches!(decode_ledger(bytes), Err(StoreError::Unavailable(_))));
            assert!(matches!(decode_memory(bytes), Err(StoreError::Unavailable(_))));
        }
    }
}
