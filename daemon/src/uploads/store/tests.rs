//! What becomes of files that were damaged, cannot be read or cannot be written.

use super::*;
use std::time::{Duration, SystemTime};

const COMPONENT_BYTES: &[u8] = b"\0asm a component";
const CONFIG: &str = r#"{"max":3,"why":"a \"limit\""}"#;

fn name() -> PolicyName {
    PolicyName::new("hours")
}

/// A store with one policy, and its two files.
fn filled(room: &Path) -> (Store, [PathBuf; 2]) {
    let store = Store::new(room);
    let component = store.keep(&name(), COMPONENT_BYTES, CONFIG).unwrap();
    let description = store.description(&name());
    (store, [description, component])
}

/// Digest and configuration of what would be loaded, after the shelf has held the file against its digest.
fn loaded(store: &Store) -> Result<(String, String), String> {
    let mut found = store.read(&BTreeSet::new(), true);
    if let Some(why) = found.lost.remove(&name()).or(found.alarm) {
        return Err(why);
    }
    let kept = found.kept.remove(&name()).ok_or_else(String::new)?;
    let there = bytes(&kept.file).map_err(|why| why.to_string())?;
    let is_meant = sha256(&there) == kept.digest;
    is_meant
        .then_some((kept.digest, kept.config))
        .ok_or_else(|| "the shelf tells".to_owned())
}

fn good() -> (String, String) {
    (sha256(COMPONENT_BYTES), CONFIG.to_owned())
}

/// Flips drawn from one seed (xorshift): the same ones every time.
fn flips(good: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let mut draw = 0x9e37_79b9_7f4a_7c15_u64;
    std::iter::repeat_with(move || {
        draw ^= draw << 13;
        draw ^= draw >> 7;
        draw ^= draw << 17;
        let mut bytes = good.to_vec();
        let bit = usize::try_from(draw >> 16).unwrap_or_default() % (bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    })
}

// A configuration that was cut off or had another digit used to be taken for the policy's, in the mode that the Ledger had
// for its digest, and one that was gone for none at all.
#[test]
fn no_damage_to_what_was_handed_in_makes_another_policy_of_it_and_each_is_told() {
    let room = tempfile::tempdir().unwrap();
    let (store, files) = filled(room.path());
    assert_eq!(loaded(&store), Ok(good()));
    for file in &files {
        let bytes = fs::read(file).unwrap();
        let cuts = (0..bytes.len()).map(|length| bytes[..length].to_vec());
        let newer = String::from_utf8_lossy(&bytes).replace("handed-in/v1", "handed-in/v2");
        let newer = std::iter::once(newer.into_bytes()).filter(|newer| *newer != bytes);
        for bad in cuts.chain(flips(&bytes).take(100)).chain(newer) {
            fs::write(file, &bad).unwrap();
            let found = loaded(&store);
            let is_told = found.as_ref().is_err_and(|why| !why.is_empty());
            assert!(is_told, "{}: {bad:?}: {found:?}", file.display());
        }
        fs::remove_file(file).unwrap();
        assert!(loaded(&store).is_err_and(|why| !why.is_empty()), "deleted");
        fs::create_dir(file).unwrap();
        assert!(loaded(&store).is_err_and(|why| !why.is_empty()), "a folder");
        fs::remove_dir(file).unwrap();
        fs::write(file, &bytes).unwrap();
        assert_eq!(loaded(&store), Ok(good()));
    }
    // Of another policy, under this one's name.
    let other = PolicyName::new("other");
    store.keep(&other, COMPONENT_BYTES, "{}").unwrap();
    fs::copy(store.description(&other), &files[0]).unwrap();
    assert!(loaded(&store).is_err());
    let barred = Store::new(&files[1]);
    assert!(loaded(&barred).is_err_and(|why| why.contains("policies_store cannot be read")));
    let missing = Store::new(&room.path().join("missing"));
    assert_eq!(loaded(&missing), Err(String::new()), "nothing was ever handed in");
}

#[test]
fn ten_thousand_flips_of_a_description_describe_nothing_else() {
    let room = tempfile::tempdir().unwrap();
    let (_, files) = filled(room.path());
    let good = fs::read(&files[0]).unwrap();
    assert!(Description::read(&good, &name()).is_ok());
    for bytes in flips(&good).take(10_000) {
        assert!(Description::read(&bytes, &name()).is_err(), "{bytes:?}");
    }
}

// The configuration used to be replaced first: where the component could not be, the old one had it after a restart.
#[test]
fn what_cannot_be_written_leaves_the_one_before_as_it_was() {
    for barred in ["description", "component"] {
        let room = tempfile::tempdir().unwrap();
        let (store, files) = filled(room.path());
        let (old, new) = (fs::read(&files[0]).unwrap(), b"another component");
        let file = match barred {
            "component" => store.component(&name(), &sha256(new)),
            _ => files[0].clone(),
        };
        let _ = fs::remove_file(&file);
        fs::create_dir(&file).unwrap();
        assert!(store.keep(&name(), new, "{}").is_err(), "{barred}");
        let left = fs::read_dir(room.path()).unwrap().flatten();
        let unfinished = left.filter(|entry| entry.file_name().to_string_lossy().starts_with('.'));
        assert_eq!(unfinished.count(), 0, "{barred}");
        fs::remove_dir(&file).unwrap();
        fs::write(&files[0], &old).unwrap();
        assert_eq!(loaded(&store), Ok(good()), "{barred}");
    }
}

#[test]
fn a_daemon_that_died_between_two_writes_has_the_one_before() {
    let room = tempfile::tempdir().unwrap();
    let (store, _) = filled(room.path());
    let new = b"another component";
    whole::replace(&store.component(&name(), &sha256(new)), new).unwrap();
    assert_eq!(loaded(&store), Ok(good()));
    store.keep(&name(), new, "{}").unwrap();
    assert_eq!(loaded(&store), Ok((sha256(new), "{}".to_owned())));
    assert_eq!(
        fs::read_dir(room.path()).unwrap().count(),
        2,
        "the old one is gone"
    );
}

#[test]
fn what_the_version_before_kept_is_taken_and_sealed() {
    let room = tempfile::tempdir().unwrap();
    let store = Store::new(room.path());
    let (old, config) = (room.path().join("hours.wasm"), room.path().join("hours.json"));
    fs::write(&old, COMPONENT_BYTES).unwrap();
    assert!(loaded(&store).is_err_and(|why| why.contains("hours.json")));
    fs::write(&config, CONFIG).unwrap();
    let looked = store.read(&BTreeSet::new(), false).kept.remove(&name()).unwrap();
    assert_eq!(looked.file, old, "whoever only looks changes nothing");
    assert_eq!(loaded(&store), Ok(good()));
    assert!(!old.exists() && !config.exists());
    assert_eq!(loaded(&store), Ok(good()));
}

#[test]
fn what_a_killed_writer_left_is_swept_and_names_of_the_configuration_are_left_alone() {
    let room = tempfile::tempdir().unwrap();
    let (store, _) = filled(room.path());
    let left = room.path().join(".tmpAbandoned");
    let file = File::create(&left).unwrap();
    file.set_modified(SystemTime::now().checked_sub(Duration::from_hours(2)).unwrap())
        .unwrap();
    let found = store.read(&BTreeSet::from([name()]), true);
    assert!(found.kept.is_empty() && found.lost.is_empty() && !left.exists());
}
