//! What becomes of files that were damaged: never another policy than was verified, and it is told. No registry answers.

use super::*;
use crate::cache::described;
use crate::fetch::Fetched;
use crate::keys::PrivateKey;
use crate::manifest::{self, Descriptor, IMAGE, Image, WASM, WASM_CONFIG};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

const MOST: u64 = 1 << 20;
const FIRST: &[u8] = b"the first component";
const SECOND: &[u8] = b"the second component";
const FILES: [&str; 3] = ["mine.wasm", "mine.json", "mine.before"];

struct Room {
    room: tempfile::TempDir,
    good: Vec<Vec<u8>>,
}

impl Room {
    /// The second component is kept, the first is the one before it, and both are signed.
    fn new() -> Self {
        let room = tempfile::tempdir().unwrap();
        let key = PrivateKey::generate().unwrap().0;
        fs::write(room.path().join("key.pub"), key.public().pem()).unwrap();
        let mut new = Self {
            room,
            good: Vec::new(),
        };
        let cache = Cache::at(&new.folder());
        cache.open().unwrap();
        for component in [FIRST, SECOND] {
            let fetched = fetched(component);
            let reference = reference();
            let signature = Signature::make(&reference, &fetched.digest, &key).unwrap();
            let kept = Kept::of(&reference, &fetched, vec![signature]).unwrap();
            cache.keep("mine", kept, component, MOST).unwrap();
        }
        new.good = FILES.map(|name| fs::read(new.at(name)).unwrap()).into();
        new
    }

    fn folder(&self) -> PathBuf {
        self.room.path().join("images")
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder().join(name)
    }

    /// A daemon starts.
    fn follower(&self, client: &Arc<Client>) -> Follower {
        let wanted = Wanted {
            name: "mine".to_owned(),
            reference: reference(),
            trust: Trust::Keys {
                files: vec![self.room.path().join("key.pub")],
                revoked: None,
            },
        };
        let options = Options {
            folder: self.folder(),
            every: Duration::from_mins(1),
            most: MOST,
            plain_http: false,
            patience: Duration::from_millis(100),
            seed: 7,
            check: Arc::new(|_| Ok(())),
        };
        Follower::open(wanted, options, Arc::clone(client)).unwrap()
    }

    fn put_right(&self) {
        for entry in fs::read_dir(self.folder()).unwrap() {
            remove(&entry.unwrap().path());
        }
        for (name, bytes) in FILES.iter().zip(&self.good) {
            fs::write(self.at(name), bytes).unwrap();
        }
    }

    /// What a Shelf would load: of the file, and of the one before.
    fn loaded(&self, follower: &Follower) -> [Option<Vec<u8>>; 2] {
        let read = |name| fs::read(self.at(name)).ok();
        let is_verified = |bytes: &Vec<u8>| follower.verified().has(Digest::of(bytes).hex());
        [read("mine.wasm"), read("mine.before")].map(|bytes| bytes.filter(is_verified))
    }

    /// The good one or none is loaded, and whatever is missing is told.
    fn holds(&self, client: &Arc<Client>, what: &str) {
        let follower = self.follower(client);
        let loaded = self.loaded(&follower);
        let good = [SECOND, FIRST].map(|bytes| Some(bytes.to_vec()));
        for (found, good) in loaded.iter().zip(&good) {
            assert!(found.is_none() || found == good, "{what}: {found:?}");
        }
        let is_told = follower.standing().trouble.is_some();
        assert!(is_told || loaded == good, "{what}: silent");
    }
}

fn remove(path: &Path) {
    if path.is_dir() {
        fs::remove_dir_all(path).unwrap();
    } else if path.exists() {
        fs::remove_file(path).unwrap();
    }
}

fn client() -> Arc<Client> {
    Arc::new(Client::new(false, Duration::from_millis(100)).unwrap())
}

/// Nobody listens there.
fn reference() -> Reference {
    "127.0.0.1:9/acme/mine:stable".parse().unwrap()
}

fn fetched(component: &[u8]) -> Fetched {
    let image = Image {
        schema_version: 2,
        media_type: IMAGE.to_owned(),
        artifact_type: None,
        config: Descriptor::of(WASM_CONFIG, b"{}"),
        layers: vec![Descriptor::of(WASM, component)],
        subject: None,
        annotations: BTreeMap::new(),
    };
    let raw = serde_json::to_vec(&image).unwrap();
    Fetched {
        digest: Digest::of(&raw),
        manifest: manifest::read(&raw).unwrap(),
        raw,
        component: component.to_vec(),
    }
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

fn changed(good: &[u8], count: usize) -> impl Iterator<Item = (String, Vec<u8>)> {
    let ends = |length: &usize| length.is_multiple_of(16) || *length < 64 || *length + 64 > good.len();
    let cuts = (0..good.len()).filter(ends);
    let cuts = cuts.map(|length| (format!("cut to {length} bytes"), good[..length].to_vec()));
    let flips = flips(good).take(count).enumerate();
    cuts.chain(flips.map(|(ix, bytes)| (format!("flip {ix}"), bytes)))
}

#[test]
fn no_damage_to_what_was_fetched_brings_anything_else_into_force_and_each_is_told() {
    let (room, client) = (Room::new(), client());
    room.holds(&client, "unharmed");
    for (name, good) in FILES.iter().zip(&room.good) {
        let file = room.at(name);
        for (what, bytes) in changed(good, 300) {
            fs::write(&file, bytes).unwrap();
            room.holds(&client, &format!("{name}: {what}"));
            room.put_right();
        }
        let newer = String::from_utf8_lossy(good).replace("plimsoll.image/v1", "plimsoll.image/v2");
        fs::write(&file, newer).unwrap();
        room.holds(&client, &format!("{name}: of the next version"));
        room.put_right();
        // A daemon of which one file was a folder used not to start.
        for is_aside in [false, true] {
            fs::remove_file(&file).unwrap();
            fs::create_dir(&file).unwrap();
            if is_aside {
                fs::write(room.at("mine.aside"), "").unwrap();
            }
            room.holds(&client, &format!("{name}: a folder, {is_aside}"));
            room.put_right();
        }
        fs::remove_file(&file).unwrap();
        let follower = room.follower(&client);
        let is_told = follower.standing().trouble.is_some();
        let is_in_force = room.loaded(&follower)[0].is_some();
        assert!(is_told || is_in_force, "{name}: deleted");
        room.put_right();
    }
    room.holds(&client, "put right");
}

/// What a start does with a description, without the start: every flip is refused or means the same.
#[test]
fn ten_thousand_flips_of_a_description_vouch_for_nothing_else() {
    let room = Room::new();
    let keys = KeySet::read(&[room.room.path().join("key.pub")], None).unwrap();
    let second = Digest::of(SECOND);
    for bytes in flips(&room.good[1]).take(10_000) {
        let known = described(&bytes).unwrap_or_default();
        let mut known = known.iter();
        if let Some(kept) = known.find(|kept| kept.describes(&second)) {
            assert_eq!(kept.digest, fetched(SECOND).digest);
            // A signature that was flipped counts no more: two of the digest's cannot be made of one.
            let counted = kept
                .signatures
                .iter()
                .filter(|one| one.signer(&kept.digest, &keys).is_ok());
            assert!(counted.count() <= 1);
        }
    }
}

#[test]
fn a_folder_that_cannot_be_used_is_trouble_and_is_taken_up_when_it_can() {
    use std::os::unix::fs::PermissionsExt;
    let (room, client) = (Room::new(), client());
    let set = |mode| fs::set_permissions(room.folder(), fs::Permissions::from_mode(mode)).unwrap();
    set(0o777);
    let mut follower = room.follower(&client);
    let why = follower.standing().trouble.clone().unwrap().to_string();
    assert!(why.contains("others may write"), "{why}");
    assert_eq!(room.loaded(&follower), [None, None]);
    set(0o700);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(follower.look());
    assert_eq!(room.loaded(&follower)[0].as_deref(), Some(SECOND));
}

// The Shelf used to load whatever lay there while the daemon ran, and what was damaged became the one to go back to.
#[test]
fn what_is_changed_while_the_daemon_runs_is_not_verified_and_not_kept_as_the_one_before() {
    let (room, client) = (Room::new(), client());
    let follower = room.follower(&client);
    assert!(room.loaded(&follower)[0].is_some());
    fs::write(room.at("mine.wasm"), b"anything else").unwrap();
    assert_eq!(room.loaded(&follower)[0], None);
    let kept = follower.kept.clone().unwrap();
    assert!(!follower.cache.is_whole("mine", &kept, MOST));
    let third = fetched(b"third");
    let kept = Kept::of(&reference(), &third, Vec::new()).unwrap();
    follower.cache.keep("mine", kept, b"third", MOST).unwrap();
    assert_eq!(fs::read(room.at("mine.before")).unwrap(), FIRST);
}

/// `/dev/full` in the place of the folder's disk cannot be had without mounting; a folder in the place of each file fails
/// the same rename, after everything was written.
#[test]
fn what_cannot_be_written_leaves_the_last_good_one() {
    for barred in FILES {
        let (room, client) = (Room::new(), client());
        let follower = room.follower(&client);
        remove(&room.at(barred));
        fs::create_dir(room.at(barred)).unwrap();
        let third = fetched(b"third");
        let kept = Kept::of(&reference(), &third, Vec::new()).unwrap();
        let count = || fs::read_dir(room.folder()).unwrap().count();
        let before = count();
        let failed = follower.cache.keep("mine", kept, b"third", MOST).unwrap_err();
        assert!(failed.to_string().contains("cannot be written"), "{failed}");
        assert_eq!(count(), before, "{barred}: an unfinished file stays");
        if barred != "mine.wasm" {
            assert_eq!(room.loaded(&follower)[0].as_deref(), Some(SECOND), "{barred}");
        }
    }
}

#[test]
fn what_a_killed_writer_left_is_swept() {
    let room = Room::new();
    let left = room.at(".tmpAbandoned");
    let file = fs::File::create(&left).unwrap();
    let long_ago = std::time::SystemTime::now()
        .checked_sub(Duration::from_hours(2))
        .unwrap();
    file.set_modified(long_ago).unwrap();
    room.follower(&client());
    assert!(!left.exists());
}
