//! The folder of components that were in force: of each policy the one that is and the one before it, so that a roll-back
//! after a restart has something to go back to.
//!
//! Bytes come back only where they are what was kept, by digest. Not here: who is trusted; what a registry brought is kept
//! by whoever verified it (`Source::before`).

use crate::policy::sha256;
use std::collections::BTreeSet;
use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

const VERSION: &str = "plimsoll.past/v1";
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
        Ok(Self {
            folder: folder.to_owned(),
        })
    }

    /// Keeps a component that has come into force, and the one before it that was not rejected; forgets the others.
    pub(crate) fn keep(
        &self,
        name: &str,
        (digest, bytes): (&str, &[u8]),
        rejected: &BTreeSet<String>,
    ) -> io::Result<()> {
        let newest = Kept {
            digest: digest.to_owned(),
            bytes: sha256(bytes),
        };
        // An index that cannot be read is of no use, and is replaced.
        let known = self.index(name).unwrap_or_default();
        if known.first() == Some(&newest) {
            return Ok(());
        }
        let good = |kept: &&Kept| kept.digest != newest.digest && !rejected.contains(&kept.digest);
        let mut kept: Vec<Kept> = known.iter().filter(good).cloned().collect();
        kept.insert(0, newest);
        kept.truncate(KEPT);
        self.replace(&self.file(name, &kept[0]), bytes)?;
        let lines = kept
            .iter()
            .map(|kept| format!("{} {}\n", kept.digest, kept.bytes));
        let index = format!("{VERSION}\n{}", lines.collect::<String>());
        self.replace(&self.index_file(name), index.as_bytes())?;
        let gone = known.iter().filter(|old| !kept.contains(old));
        for old in gone {
            // It is in no index any more: that it is there does no harm.
            let _ = fs::remove_file(self.file(name, old));
        }
        Ok(())
    }

    /// The newest component that is neither in force nor rejected.
    pub(crate) fn before(&self, name: &str, unwanted: &BTreeSet<String>, most: u64) -> Option<Vec<u8>> {
        let known = self.index(name)?;
        let mut good = known.iter().filter(|kept| !unwanted.contains(&kept.digest));
        good.find_map(|kept| {
            let bytes = read(&self.file(name, kept), most).ok()?;
            (sha256(&bytes) == kept.bytes).then_some(bytes)
        })
    }

    /// What is kept of a policy, newest first; `None` where nothing is, or it cannot be read.
    fn index(&self, name: &str) -> Option<Vec<Kept>> {
        let text = String::from_utf8(read(&self.index_file(name), INDEX_BYTES).ok()?).ok()?;
        let mut lines = text.lines();
        if lines.next() != Some(VERSION) {
            return None;
        }
        let kept = lines.map(|line| {
            let (digest, bytes) = line.split_once(' ')?;
            Some(Kept {
                digest: digest.to_owned(),
                bytes: bytes.to_owned(),
            })
        });
        kept.collect()
    }

    fn index_file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{}.index", stem(name)))
    }

    fn file(&self, name: &str, kept: &Kept) -> PathBuf {
        self.folder.join(format!("{}@{}", stem(name), stem(&kept.bytes)))
    }

    fn replace(&self, file: &Path, bytes: &[u8]) -> io::Result<()> {
        let mut new = tempfile::NamedTempFile::new_in(&self.folder)?;
        new.write_all(bytes)?;
        new.as_file().set_permissions(Permissions::from_mode(0o600))?;
        new.as_file().sync_all()?;
        new.persist(file).map_err(|why| why.error)?;
        Ok(())
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

    fn digests(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn the_one_before_comes_back_unless_it_was_rejected_or_is_not_what_was_kept() {
        let room = tempfile::tempdir().unwrap();
        let past = Past::open(&room.path().join("past")).unwrap();
        let (none, most) = (BTreeSet::new(), 100);
        for (digest, rejected) in [("a", &[][..]), ("a", &[]), ("b", &[]), ("c", &["b"])] {
            past.keep("p", (digest, digest.as_bytes()), &digests(rejected))
                .unwrap();
        }
        assert_eq!(past.before("p", &none, most).unwrap(), b"c");
        assert_eq!(
            past.before("p", &digests(&["c"]), most).unwrap(),
            b"a",
            "b was rejected"
        );
        assert_eq!(past.before("p", &digests(&["a", "c"]), most), None);
        assert_eq!(past.before("other", &none, most), None);
        assert_eq!(past.before("p", &none, 0), None, "larger than is allowed");
        let files = fs::read_dir(room.path().join("past")).unwrap().count();
        assert_eq!(files, 3, "two components and an index");

        let of_a = past.file("p", &past.index("p").unwrap()[1]);
        fs::write(&of_a, b"x").unwrap();
        assert_eq!(
            past.before("p", &digests(&["c"]), most),
            None,
            "bytes that were not kept"
        );
        fs::write(past.index_file("p"), b"\xff").unwrap();
        assert_eq!(past.before("p", &none, most), None);
        past.keep("p", ("d", b"d"), &none).unwrap();
        assert_eq!(past.before("p", &none, most).unwrap(), b"d");

        past.keep("../up", ("e", b"e"), &none).unwrap();
        assert_eq!(past.before("../up", &none, most).unwrap(), b"e");
        assert_eq!(fs::read_dir(room.path()).unwrap().count(), 1, "nothing leads out");
    }

    #[test]
    fn a_folder_that_others_may_write_to_is_refused() {
        let room = tempfile::tempdir().unwrap();
        let folder = room.path().join("open");
        fs::create_dir(&folder).unwrap();
        fs::set_permissions(&folder, Permissions::from_mode(0o777)).unwrap();
        assert!(
            Past::open(&folder)
                .unwrap_err()
                .to_string()
                .contains("others may write")
        );
    }
}
