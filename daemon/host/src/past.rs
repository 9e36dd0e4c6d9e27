//! The folder of components that were in force: of each policy the one that is and the one before it, so that a roll-back
//! after a restart has something to go back to.
//!
//! Bytes come back only where they are what was kept, by digest. Not here: who is trusted; what a registry brought is kept
//! by whoever verified it (`Source::before`).

use crate::policy::sha256;
use machine::whole;
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

const VERSION: &str = "plimsoll.past/v2";
/// The version before, which had no seal.
const UNSEALED: &str = "plimsoll.past/v1";
/// Components of a policy: the one in force and the one before.
const KEPT: usize = 2;
/// Most of an index.
const INDEX_BYTES: u64 = 1 << 16;
/// Longer names of policies stand as their digest.
const LONGEST: usize = 100;

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Past {
    folder: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Kept {
    /// By which the policy is known.
    digest: String,
    /// Of the bytes, which also name the file: rules are known by the digest of their text without comments.
    bytes: String,
}

impl Past {
    /// Makes the folder where it is missing. One that others may write to is refused: what lies in it is run.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        if fs::metadata(folder)?.mode() & 0o022 != 0 {
            let why = "others may write to this folder, and what lies in it is run";
            return Err(io::Error::other(why));
        }
        whole::sweep(folder, whole::ABANDONED);
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Keeps a component that has come into force, and the one before it that was not rejected; forgets the others.
    pub(crate) fn keep(
        &self,
        name: &str,
        digest: &str,
        bytes: &[u8],
        rejected: &BTreeSet<String>,
    ) -> io::Result<()> {
        let newest = Kept {
            digest: digest.to_owned(),
            bytes: sha256(bytes),
        };
        // An index that cannot be read is of no use, and is replaced.
        let lost = |why: &String| {
            tracing::warn!(policy = name, %why, "the component before is lost: a roll-back will not find it");
        };
        let known = self.index(name).inspect_err(lost).unwrap_or_default();
        if known.first() == Some(&newest) {
            // What was damaged since is put right while the good bytes are at hand.
            let file = self.file(name, &newest);
            let is_whole = read(&file, bytes.len() as u64).is_ok_and(|there| there == bytes);
            return if is_whole {
                Ok(())
            } else {
                whole::replace(&file, bytes)
            };
        }
        let good = |kept: &&Kept| kept.digest != newest.digest && !rejected.contains(&kept.digest);
        let mut kept: Vec<Kept> = known.iter().filter(good).cloned().collect();
        kept.insert(0, newest);
        kept.truncate(KEPT);
        whole::replace(&self.file(name, &kept[0]), bytes)?;
        let lines = kept
            .iter()
            .map(|kept| format!("{} {}\n", kept.digest, kept.bytes));
        let index = format!("{VERSION}\n{}", lines.collect::<String>());
        // The seal is for chance: a digest that became another one would hide what it stands for.
        let index = format!("{index}{}\n", sha256(index.trim_end().as_bytes()));
        whole::replace(&self.index_file(name), index.as_bytes())?;
        let gone = known.iter().filter(|old| !kept.contains(old));
        for old in gone {
            // It is in no index any more: that it is there does no harm.
            let _ = fs::remove_file(self.file(name, old));
        }
        Ok(())
    }

    /// The newest component that is neither in force nor rejected; `None` where there was none.
    ///
    /// # Errors
    /// One line that says what is damaged, where one may have been lost.
    pub(crate) fn before(
        &self,
        name: &str,
        unwanted: &BTreeSet<String>,
        most: u64,
    ) -> Result<Option<Vec<u8>>, String> {
        let mut lost = None;
        for kept in self.index(name)? {
            if unwanted.contains(&kept.digest) || unwanted.contains(&kept.bytes) {
                continue;
            }
            let file = self.file(name, &kept);
            match read(&file, most) {
                Ok(bytes) if sha256(&bytes) == kept.bytes => return Ok(Some(bytes)),
                Ok(_) => lost = Some(format!("{}: is not what was kept", file.display())),
                Err(why) => lost = Some(format!("{}: {why}", file.display())),
            }
        }
        lost.map_or(Ok(None), Err)
    }

    /// What is kept of a policy, newest first; nothing where there is no index.
    fn index(&self, name: &str) -> Result<Vec<Kept>, String> {
        let file = self.index_file(name);
        let fault = |why: &str| format!("{}: {why}", file.display());
        let text = match read(&file, INDEX_BYTES) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            read => read.map_err(|why| fault(&why.to_string()))?,
        };
        let text = String::from_utf8(text).map_err(|_| fault("is damaged"))?;
        let (sealed, seal) = match text.lines().next() {
            Some(UNSEALED) => (text.as_str(), None),
            Some(VERSION) => {
                let parts = text.strip_suffix('\n').and_then(|text| text.rsplit_once('\n'));
                let (sealed, seal) = parts.ok_or_else(|| fault("is damaged"))?;
                (sealed, Some(seal))
            }
            _ => return Err(fault("is damaged, or of another version")),
        };
        if seal.is_some_and(|seal| seal != sha256(sealed.as_bytes())) {
            return Err(fault("is damaged"));
        }
        let lines = sealed.lines().skip(1);
        let kept = lines.map(|line| {
            let (digest, bytes) = line.split_once(' ')?;
            Some(Kept {
                digest: digest.to_owned(),
                bytes: bytes.to_owned(),
            })
        });
        kept.collect::<Option<_>>().ok_or_else(|| fault("is damaged"))
    }

    fn index_file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{}.index", stem(name)))
    }

    fn file(&self, name: &str, kept: &Kept) -> PathBuf {
        self.folder.join(format!("{}@{}", stem(name), stem(&kept.bytes)))
    }
}

/// What is part of a file's name leads out of no folder.
fn stem(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if name.len() <= LONGEST && name.chars().all(plain) {
        name.to_owned()
    } else {
        sha256(name.as_bytes())
    }
}

fn read(file: &Path, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let read = File::open(file)?
        .take(most.saturating_add(1))
        .read_to_end(&mut bytes)?;
    if read as u64 > most {
        return Err(io::Error::other("too large"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn digests(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_one_before_comes_back_unless_it_was_rejected_or_is_not_what_was_kept() {
        let room = tempfile::tempdir().unwrap();
        let past = Past::open(&room.path().join("past")).unwrap();
        let (none, most) = (BTreeSet::new(), 100);
        for (digest, rejected) in [("a", &[][..]), ("a", &[]), ("b", &[]), ("c", &["b"])] {
            past.keep("p", digest, digest.as_bytes(), &digests(rejected))
                .unwrap();
        }
        assert_eq!(past.before("p", &none, most).unwrap().unwrap(), b"c");
        assert_eq!(
            past.before("p", &digests(&["c"]), most).unwrap().unwrap(),
            b"a",
            "b was rejected"
        );
        assert_eq!(past.before("p", &digests(&["a", "c"]), most), Ok(None));
        assert_eq!(past.before("other", &none, most), Ok(None));
        assert!(past.before("p", &none, 0).is_err(), "larger than is allowed");
        let files = fs::read_dir(room.path().join("past")).unwrap().count();
        assert_eq!(files, 3, "two components and an index");

        let of_a = past.file("p", &past.index("p").unwrap()[1]);
        fs::write(&of_a, b"x").unwrap();
        let lost = past.before("p", &digests(&["c"]), most).unwrap_err();
        assert!(lost.contains("is not what was kept"), "{lost}");
        fs::write(past.index_file("p"), b"\xff").unwrap();
        assert!(past.before("p", &none, most).is_err());
        past.keep("p", "d", b"d", &none).unwrap();
        assert_eq!(past.before("p", &none, most).unwrap().unwrap(), b"d");

        past.keep("../up", "e", b"e", &none).unwrap();
        assert_eq!(past.before("../up", &none, most).unwrap().unwrap(), b"e");
        assert_eq!(fs::read_dir(room.path()).unwrap().count(), 1, "nothing leads out");
    }

    /// Two components that were in force, and their folder.
    fn two(room: &Path) -> Past {
        let past = Past::open(room).unwrap();
        for bytes in [&b"first"[..], b"second"] {
            past.keep("p", &sha256(bytes), bytes, &BTreeSet::new()).unwrap();
        }
        past
    }

    // A flipped bit of the index used to hide the component before, or to name another, and nobody was told.
    #[test]
    fn damage_to_what_is_kept_brings_nothing_else_back_and_is_told() {
        let room = tempfile::tempdir().unwrap();
        let past = two(room.path());
        let (in_force, most) = (digests(&[&sha256(b"second")]), 100);
        let back = || past.before("p", &in_force, most);
        assert_eq!(back(), Ok(Some(b"first".to_vec())));
        for file in [past.index_file("p"), past.file("p", &past.index("p").unwrap()[1])] {
            let good = fs::read(&file).unwrap();
            let cuts = (0..good.len()).map(|length| good[..length].to_vec());
            let flips = (0..good.len() * 8).map(|bit| {
                let mut bytes = good.clone();
                bytes[bit / 8] ^= 1 << (bit % 8);
                bytes
            });
            let newer = std::iter::once(b"plimsoll.past/v3\n".to_vec());
            for bad in cuts.chain(flips).chain(newer) {
                fs::write(&file, &bad).unwrap();
                assert!(back().is_err(), "{}: {bad:?}", file.display());
            }
            fs::remove_file(&file).unwrap();
            assert!(!matches!(back(), Ok(Some(_))));
            fs::create_dir(&file).unwrap();
            assert!(back().is_err());
            fs::remove_dir(&file).unwrap();
            fs::write(&file, &good).unwrap();
        }
        assert_eq!(back(), Ok(Some(b"first".to_vec())));
    }

    // It used to be taken for whole because the index named it.
    #[test]
    fn what_is_damaged_is_put_right_while_it_is_in_force() {
        let room = tempfile::tempdir().unwrap();
        let past = two(room.path());
        let second = past.file("p", &past.index("p").unwrap()[0]);
        fs::write(&second, b"sec").unwrap();
        past.keep("p", &sha256(b"second"), b"second", &BTreeSet::new())
            .unwrap();
        assert_eq!(fs::read(&second).unwrap(), b"second");
    }

    #[test]
    fn a_folder_that_others_may_write_to_is_refused() {
        let room = tempfile::tempdir().unwrap();
        let folder = room.path().join("open");
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(
            Past::open(&folder)
                .unwrap_err()
                .to_string()
                .contains("others may write")
        );
    }
}
