//! The store against a scripted API server: versions, a second writer, an unknown end, sizes.

use super::*;
use crate::script::{Script, object, status};
use model::ids::PodKey;
use model::time::Instant;
use serde_json::{Value, json};

fn ledger(generation: u64) -> Ledger {
    Ledger {
        generation,
        ..Ledger::default()
    }
}

fn stored(generation: u64, version: &str) -> Value {
    let text = String::from_utf8(encode_ledger(&ledger(generation)).unwrap()).unwrap();
    json!({"metadata": {"name": LEDGER_NAME, "resourceVersion": version},
        "data": {"plimsoll-ledger.json": text}})
}

#[tokio::test]
async fn the_first_save_creates_and_the_next_replaces_what_was_written() {
    let script = Script::new([
        status(404, "NotFound", "none"),
        status(404, "NotFound", "no memory"),
        status(404, "NotFound", "no installation"),
        object(stored(1, "5")),
        object(stored(2, "6")),
    ]);
    let mut store = ConfigMapStore::new(script.client(), "plimsoll");
    assert_eq!(store.load().await, Ok(Kept::default()));
    assert_eq!(store.save(&ledger(1)).await, Ok(()));
    assert_eq!(store.save(&ledger(2)).await, Ok(()));
    let asked = script.asked();
    assert_eq!(asked[3].line, "POST /api/v1/namespaces/plimsoll/configmaps");
    assert_eq!(
        asked[4].line,
        "PUT /api/v1/namespaces/plimsoll/configmaps/plimsoll-ledger"
    );
    assert_eq!(asked[4].body["metadata"]["resourceVersion"], "5");
}

#[tokio::test]
async fn an_older_generation_is_refused_without_a_call_and_a_second_writer_is_noticed() {
    let script = Script::new([
        object(stored(7, "5")),
        status(404, "NotFound", "no memory"),
        status(404, "NotFound", "no installation"),
        status(409, "Conflict", "changed"),
        object(stored(9, "8")),
    ]);
    let mut store = ConfigMapStore::new(script.client(), "plimsoll");
    assert!(store.load().await.unwrap().ledger.is_some());
    for old in [6, 7] {
        let refused = Err(StoreError::Conflict { theirs: 7, ours: old });
        assert_eq!(store.save(&ledger(old)).await, refused);
    }
    assert_eq!(script.lines().len(), 3, "nothing was written");
    let refused = Err(StoreError::Conflict { theirs: 9, ours: 8 });
    assert_eq!(store.save(&ledger(8)).await, refused);
}

#[tokio::test]
async fn a_save_with_an_unknown_end_is_looked_up_before_it_is_repeated() {
    let script = Script::new([
        object(stored(1, "5")),
        status(404, "NotFound", "no memory"),
        status(404, "NotFound", "no installation"),
        status(504, "Timeout", "who knows"),
        object(stored(2, "6")),
        object(stored(3, "7")),
    ]);
    let mut store = ConfigMapStore::new(script.client(), "plimsoll");
    store.load().await.unwrap();
    assert!(matches!(
        store.save(&ledger(2)).await,
        Err(StoreError::Unavailable(_))
    ));
    assert_eq!(store.save(&ledger(2)).await, Ok(()), "it had got through");
    assert_eq!(store.save(&ledger(3)).await, Ok(()));
    assert_eq!(script.asked()[5].body["metadata"]["resourceVersion"], "6");
}

#[tokio::test]
async fn a_ledger_of_a_newer_build_is_refused_and_a_damaged_memory_is_begun_anew() {
    let newer = json!({"metadata": {}, "data": {"plimsoll-ledger.json": r#"{"version":99}"#}});
    let mut store = ConfigMapStore::new(Script::new([object(newer)]).client(), "plimsoll");
    assert!(matches!(
        store.load().await,
        Err(StoreError::Version { found: 99, .. })
    ));
    let damaged = json!({"metadata": {}, "data": {"plimsoll-memory.json": "{"}});
    let script = Script::new([
        object(stored(1, "5")),
        object(damaged),
        status(404, "NotFound", "no installation"),
    ]);
    let mut store = ConfigMapStore::new(script.client(), "plimsoll");
    assert_eq!(store.load().await.unwrap().memory, Some(Memory::default()));
}

#[tokio::test]
async fn what_stands_beside_the_ledger_is_kept_by_the_last_writer() {
    let paused = Installation {
        paused: Some(model::intent::Pause {
            by: "ada".to_owned(),
            why: "no".to_owned(),
            at: Instant(7),
        }),
        ..Installation::default()
    };
    let text = String::from_utf8(encode_installation(&paused).unwrap()).unwrap();
    let stored = json!({"metadata": {}, "data": {"plimsoll-installation.json": text}});
    let script = Script::new([
        status(404, "NotFound", "none"),
        object(stored.clone()),
        status(404, "NotFound", "no ledger"),
        status(404, "NotFound", "no memory"),
        object(stored),
    ]);
    let mut store = ConfigMapStore::new(script.client(), "plimsoll");
    assert_eq!(store.save_installation(&paused).await, Ok(()));
    let lines = script.lines();
    assert_eq!(
        lines,
        [
            "PUT /api/v1/namespaces/plimsoll/configmaps/plimsoll-installation",
            "POST /api/v1/namespaces/plimsoll/configmaps",
        ]
    );
    let kept = store.load().await.unwrap();
    assert_eq!((kept.ledger, kept.installation), (None, Some(paused)));
}

#[test]
fn large_values_are_compressed_and_what_does_not_fit_is_refused() {
    let pods = (0..30_000).map(|n| (PodKey::new("namespace", format!("deployment-{n}")), Instant(n)));
    let memory = Memory {
        waiting_since: pods.collect::<Vec<_>>().into(),
        ..Memory::default()
    };
    let bytes = encode_memory(&memory).unwrap();
    assert!(bytes.len() > LARGEST, "{}", bytes.len());
    let map = pack(MEMORY_NAME, &bytes).unwrap();
    assert!(map.data.is_none());
    assert_eq!(unpack(&map, MEMORY_NAME).unwrap(), bytes);
    // Noise does not compress.
    let mut state = 1_u64;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        u8::try_from(state >> 56).unwrap()
    })
    .take(LARGEST + 1)
    .collect();
    assert!(matches!(
        pack(MEMORY_NAME, &noise),
        Err(StoreError::Unavailable(_))
    ));
}
