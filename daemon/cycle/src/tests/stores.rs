//! The store in a folder.

use crate::FileStore;
use guard::{Kept, LedgerStore, StoreError};
use model::intent::Ledger;
use model::{Instant, Memory};
use std::fs;

fn ledger(generation: u64) -> Ledger {
    Ledger {
        generation,
        cycle: generation * 10,
        ..Ledger::default()
    }
}

fn kept(ledger: Ledger, memory: Memory) -> Kept {
    Kept {
        ledger: Some(ledger),
        memory: Some(memory),
        installation: None,
    }
}

#[tokio::test]
async fn what_is_saved_is_loaded() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = FileStore::new(folder.path().join("state"));
    assert_eq!(store.load().await, Ok(Kept::default()));
    store.save(&ledger(1)).await.unwrap();
    let mut memory = Memory::default();
    memory.demand_history.push((Instant(1), 7));
    store.save_memory(&memory).await.unwrap();
    store.save(&ledger(2)).await.unwrap();
    let mut other = FileStore::new(folder.path().join("state"));
    assert_eq!(other.load().await, Ok(kept(ledger(2), memory)));
    let names: Vec<_> = fs::read_dir(folder.path().join("state")).unwrap().collect();
    assert_eq!(names.len(), 2, "nothing is left lying about");
}

#[tokio::test]
async fn what_a_killed_writer_left_is_swept_away() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(".tmpXy12"), "{").unwrap();
    let mut store = FileStore::new(folder.path());
    store.save(&ledger(1)).await.unwrap();
    assert_eq!(store.load().await.unwrap().ledger, Some(ledger(1)));
    let names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["ledger.json"]);
}

#[tokio::test]
async fn an_older_or_equal_generation_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = FileStore::new(folder.path());
    store.save(&ledger(5)).await.unwrap();
    for ours in [4, 5] {
        let refused = store.save(&ledger(ours)).await;
        assert_eq!(refused, Err(StoreError::Conflict { theirs: 5, ours }));
    }
    assert_eq!(store.load().await.unwrap().ledger, Some(ledger(5)));
}

#[tokio::test]
async fn damage_and_newer_versions_are_said_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.json");
    let mut store = FileStore::new(folder.path());
    for (bytes, says) in [
        ("{\"version\":1,", "ledger.json: ledger is damaged: "),
        (
            "{\"version\":7}",
            "ledger has format version 7; this build reads 1 and 2",
        ),
    ] {
        fs::write(&path, bytes).unwrap();
        let loaded = store.load().await.unwrap_err().to_string();
        let saved = store.save(&ledger(9)).await.unwrap_err().to_string();
        assert!(loaded.contains(says) && saved.contains(says), "{loaded}; {saved}");
        assert_eq!(fs::read_to_string(&path).unwrap(), bytes);
    }
}

#[tokio::test]
async fn a_damaged_memory_is_put_aside_and_begun_anew() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = FileStore::new(folder.path());
    store.save(&ledger(3)).await.unwrap();
    let path = folder.path().join("memory.json");
    fs::write(&path, "{\"version\":1,").unwrap();
    assert_eq!(store.load().await.unwrap().memory, None);
    let aside = folder.path().join("memory.json.damaged");
    assert_eq!(fs::read_to_string(aside).unwrap(), "{\"version\":1,");
    store.save_memory(&Memory::default()).await.unwrap();
    assert_eq!(store.load().await, Ok(kept(ledger(3), Memory::default())));
    // One of a version to come is no damage: it is said, and left alone.
    fs::write(&path, "{\"version\":9}").unwrap();
    assert!(matches!(
        store.load().await,
        Err(StoreError::Version { found: 9, .. })
    ));
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("a-file");
    fs::write(&file, "").unwrap();
    let said = FileStore::new(&file)
        .save(&ledger(1))
        .await
        .unwrap_err()
        .to_string();
    assert!(said.contains("a-file/ledger.json: "), "{said}");
}
