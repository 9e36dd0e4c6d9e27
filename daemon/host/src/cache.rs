//! Compiled components on disk, so that a restart, or the second `policy check`, costs no compiling.
//!
//! Machine code is run as it is, so nothing is believed that this host did not write: the folder and its files belong to
//! this user and to nobody else, and every file carries a seal (HMAC-SHA-256 by a key that this host drew once) over the
//! component's digest, the engine's settings and the code. What does not fit is not loaded; it is compiled again and said.
//! Bounded: the longest unused go first. A folder that cannot be used is the embedder's to tell; policies load without it.

use crate::artefact::Artefact;
use hmac::{Hmac, KeyInit, Mac};
use machine::whole;
use sha2::Sha256;
use std::fs::{self, DirBuilder, File, Metadata};
use std::io::{self, Read, Write as _};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tempfile::NamedTempFile;

/// Our folder within the given one: what is given may be a volume whose mode is not ours to set.
const FOLDER: &str = "compiled-policies";
const KEY: &str = "key";
const KEY_BYTES: usize = 32;
const SEAL_BYTES: usize = 32;
const ENDING: &str = "cwasm";
const MARK: &str = "compiling";
/// First bytes under every seal: another use of the same key would be another word.
const PURPOSE: &[u8] = b"plimsoll compiled policy 1\0";
/// Files of writers that were killed stay no longer than this.
const ABANDONED: Duration = Duration::from_hours(1);

/// See the module.
#[derive(Clone, Debug)]
pub struct Cache {
    folder: PathBuf,
    key: [u8; KEY_BYTES],
    max_bytes: u64,
    marks: bool,
}

/// What there is of a component.
pub(crate) enum Found {
    /// Sealed by this host.
    Kept(Artefact),
    Nothing,
    /// Something that is not believed, and why.
    Distrusted(String),
}

impl Cache {
    /// Opens the cache in a folder, which is made where it is missing; of all files together it keeps so many bytes.
    ///
    /// # Errors
    /// A line that names the folder and says what is wrong with it: not writable, or open to other users.
    pub fn open(folder: &Path, max_bytes: u64) -> Result<Self, String> {
        let ours = folder.join(FOLDER);
        let fail = |why: String| format!("{}: {why}", ours.display());
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&ours)
            .map_err(|why| fail(format!("cannot be made: {why}")))?;
        let metadata = fs::symlink_metadata(&ours).map_err(|why| fail(why.to_string()))?;
        if !metadata.is_dir() {
            return Err(fail("not a folder".to_owned()));
        }
        private(&metadata)
            .map_err(|why| fail(format!("{why}; remove it, or set mode 0700 and its owner")))?;
        // Also where nothing is compiled and so nothing kept: a full disk may be full of them.
        whole::sweep(&ours, whole::ABANDONED);
        let key = key(&ours.join(KEY)).map_err(fail)?;
        Ok(Self {
            folder: ours,
            key,
            max_bytes,
            marks: false,
        })
    }

    /// Marks what is being compiled in the same folder: a component at which a process died is then refused
    /// (`LoadFault::DiedCompiling`) until it is told to be tried again (`Engine::told`), or the mark is removed. For a
    /// process that is started again whenever it dies.
    #[must_use]
    pub const fn with_marks(mut self) -> Self {
        self.marks = true;
        self
    }

    /// Where a component is marked while it is compiled; `None`: it is not.
    pub(crate) fn mark(&self, digest: &str) -> Option<PathBuf> {
        self.marks.then(|| self.folder.join(format!("{digest}.{MARK}")))
    }

    /// What is kept of a component, by its digest, for engines of this compatibility. At most so many bytes are read.
    pub(crate) fn find(&self, digest: &str, compatibility: &[u8; 32], most: u64) -> Found {
        let file = self.file(digest, compatibility);
        let bytes = match read(&file, most.saturating_add(SEAL_BYTES as u64)) {
            Ok(bytes) => bytes,
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Found::Nothing,
            Err(why) => return Found::Distrusted(format!("{}: {why}", file.display())),
        };
        if !self.has_sealed(digest, compatibility, &bytes) {
            return Found::Distrusted(format!("{}: not sealed by this host", file.display()));
        }
        let mut code = bytes;
        code.drain(..SEAL_BYTES);
        touch(&file);
        Found::Kept(Artefact::made(code))
    }

    /// Keeps a component's code, as a whole or not at all, and makes room for it.
    pub(crate) fn keep(&self, digest: &str, compatibility: &[u8; 32], code: &Artefact) -> io::Result<()> {
        let code = code.bytes();
        if code.len() as u64 + SEAL_BYTES as u64 > self.max_bytes {
            return Err(io::Error::other(format!(
                "{} bytes are more than the cache may hold ({})",
                code.len(),
                self.max_bytes
            )));
        }
        let mac = self.seal(digest, compatibility, code);
        let seal = mac
            .ok_or_else(|| io::Error::other("the key is no key"))?
            .finalize();
        let mut new = NamedTempFile::new_in(&self.folder)?;
        new.write_all(&seal.into_bytes())?;
        new.write_all(code)?;
        let file = self.file(digest, compatibility);
        new.persist(&file).map_err(|why| why.error)?;
        self.make_room(&file);
        Ok(())
    }

    fn file(&self, digest: &str, compatibility: &[u8; 32]) -> PathBuf {
        let mut fit = hex::encode(compatibility);
        fit.truncate(12);
        self.folder.join(format!("{digest}-{fit}.{ENDING}"))
    }

    fn has_sealed(&self, digest: &str, compatibility: &[u8; 32], bytes: &[u8]) -> bool {
        let sealed = bytes.split_first_chunk::<SEAL_BYTES>();
        sealed.is_some_and(|(seal, code)| {
            self.seal(digest, compatibility, code)
                .is_some_and(|mac| mac.verify_slice(seal).is_ok())
        })
    }

    fn seal(&self, digest: &str, compatibility: &[u8; 32], code: &[u8]) -> Option<Hmac<Sha256>> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).ok()?;
        mac.update(PURPOSE);
        mac.update(&(digest.len() as u64).to_le_bytes());
        mac.update(digest.as_bytes());
        mac.update(compatibility);
        mac.update(code);
        Some(mac)
    }

    /// Removes the longest unused until the rest fits, and what killed writers left. Another process may do the same:
    /// what is gone already is no harm.
    fn make_room(&self, newest: &Path) {
        let Ok(entries) = fs::read_dir(&self.folder) else {
            return;
        };
        let mut files: Vec<(SystemTime, PathBuf, u64)> = Vec::new();
        for entry in entries.flatten() {
            let (path, metadata) = (entry.path(), entry.metadata());
            let Some((used, bytes)) = metadata.ok().and_then(|m| Some((m.modified().ok()?, m.len()))) else {
                continue;
            };
            if path.extension().is_some_and(|ending| ending == ENDING) {
                files.push((used, path, bytes));
            } else if path.extension().is_none_or(|ending| ending != MARK)
                && path.file_name().is_some_and(|name| name != KEY)
                && used.elapsed().is_ok_and(|age| age > ABANDONED)
            {
                let _ = fs::remove_file(path);
            }
        }
        files.sort();
        let mut all: u64 = files.iter().map(|(_, _, bytes)| bytes).sum();
        for (_, path, bytes) in files {
            if all <= self.max_bytes {
                break;
            }
            if path != newest && fs::remove_file(&path).is_ok() {
                all = all.saturating_sub(bytes);
            }
        }
    }
}

/// The key of this host, drawn where there is none. One that cannot be used makes way for a new one: what it sealed is
/// compiled again, and neither the cache nor its marks are lost with it.
fn key(file: &Path) -> Result<[u8; KEY_BYTES], String> {
    match key_in(file) {
        Ok(Some(key)) => return Ok(key),
        Ok(None) => {}
        Err(why) => {
            tracing::warn!(key = %file.display(), %why, "cannot be used and is drawn anew: every policy is compiled again");
            fs::remove_file(file)
                .map_err(|why| format!("{KEY} cannot be removed: {why}; remove the folder"))?;
        }
    }
    drawn(file).map_err(|why| format!("{KEY} cannot be written: {why}"))?;
    // Another process may have been quicker: the key is the one in the file.
    let key = key_in(file)
        .transpose()
        .unwrap_or_else(|| Err("is gone".to_owned()));
    key.map_err(|why| format!("{KEY}: {why}; remove the folder"))
}

/// The key in a file; `None` where there is no file.
fn key_in(file: &Path) -> Result<Option<[u8; KEY_BYTES]>, String> {
    let bytes = match read(file, KEY_BYTES as u64) {
        Ok(bytes) => bytes,
        Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(why) => return Err(why.to_string()),
    };
    let key = bytes
        .try_into()
        .map_err(|_| format!("has not {KEY_BYTES} bytes"))?;
    Ok(Some(key))
}

fn drawn(file: &Path) -> io::Result<()> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(io::Error::other)?;
    let mut new = NamedTempFile::new_in(file.parent().unwrap_or(file))?;
    new.write_all(&key)?;
    // A machine that dies now must not leave an empty one.
    new.as_file().sync_all()?;
    match new.persist_noclobber(file) {
        Ok(_) => Ok(()),
        Err(why) if why.error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(why) => Err(why.error),
    }
}

/// The bytes of a regular file of this user's alone.
fn read(file: &Path, most: u64) -> io::Result<Vec<u8>> {
    // Opening a pipe would wait for its writer; a link leads out of our folder.
    if !fs::symlink_metadata(file)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let opened = File::open(file)?;
    let metadata = opened.metadata()?;
    private(&metadata).map_err(io::Error::other)?;
    if metadata.len() > most {
        return Err(io::Error::other("larger than it can be"));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or_default());
    opened.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether only this user has a say over it.
fn private(metadata: &Metadata) -> Result<(), String> {
    let mode = metadata.mode() & 0o777;
    if metadata.uid() != rustix::process::geteuid().as_raw() {
        return Err("belongs to another user".to_owned());
    }
    if mode & 0o077 != 0 {
        return Err(format!("open to other users (mode 0{mode:o})"));
    }
    Ok(())
}

/// Marks a file as used. One that cannot be marked is only forgotten sooner.
fn touch(file: &Path) {
    if let Ok(opened) = File::options().append(true).open(file) {
        let _ = opened.set_modified(SystemTime::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    const DIGEST: &str = "0123456789abcdef";
    const ROOM: u64 = 1 << 20;
    const FITS: [u8; 32] = [7; 32];

    /// What happens to a file, and how it is called.
    type Damage<'a> = (&'static str, &'a dyn Fn(&Path));

    /// A cache with code in it; long enough that most bits lie in the code.
    fn filled(room: &Path) -> (Cache, PathBuf, Vec<u8>) {
        let cache = Cache::open(room, ROOM).unwrap();
        let code: Vec<u8> = (0..=255).cycle().take(300).collect();
        cache.keep(DIGEST, &FITS, &Artefact::made(code.clone())).unwrap();
        let file = cache.file(DIGEST, &FITS);
        (cache, file, code)
    }

    fn is_distrusted(cache: &Cache) -> bool {
        matches!(cache.find(DIGEST, &FITS, ROOM), Found::Distrusted(why) if why.contains(".cwasm: "))
    }

    /// Flips drawn from one seed (xorshift): the same ones every time.
    fn draws() -> impl Iterator<Item = usize> {
        let mut draw = 0x9e37_79b9_7f4a_7c15_u64;
        std::iter::repeat_with(move || {
            draw ^= draw << 13;
            draw ^= draw >> 7;
            draw ^= draw << 17;
            usize::try_from(draw >> 16).unwrap_or_default()
        })
    }

    #[test]
    fn no_damage_to_compiled_code_lets_it_be_run_and_each_is_told() {
        let room = tempfile::tempdir().unwrap();
        let (cache, file, code) = filled(room.path());
        let good = fs::read(&file).unwrap();
        for length in 0..good.len() {
            fs::write(&file, &good[..length]).unwrap();
            assert!(is_distrusted(&cache), "cut to {length} bytes");
        }
        for draw in draws().take(10_000) {
            let (bit, mut bytes) = (draw % (good.len() * 8), good.clone());
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(!cache.has_sealed(DIGEST, &FITS, &bytes), "bit {bit}");
        }
        assert!(cache.has_sealed(DIGEST, &FITS, &good));
        // Of the next version: the same word and key, another purpose.
        let mut next = Hmac::<Sha256>::new_from_slice(&cache.key).unwrap();
        next.update(b"plimsoll compiled policy 2\0");
        next.update(&code);
        let next = [&next.finalize().into_bytes()[..], &code].concat();
        fs::write(&file, next).unwrap();
        assert!(is_distrusted(&cache), "of the next version");
        fs::write(&file, &good).unwrap();
        assert!(matches!(cache.find(DIGEST, &FITS, ROOM), Found::Kept(found) if found.bytes() == code));
        // Made for another processor, or code of another component.
        let other = cache.file(DIGEST, &[8; 32]);
        fs::copy(&file, &other).unwrap();
        assert!(matches!(cache.find(DIGEST, &[8; 32], ROOM), Found::Distrusted(_)));
        assert!(
            matches!(cache.find(DIGEST, &FITS, 10), Found::Distrusted(_)),
            "too large"
        );
        fs::remove_file(&file).unwrap();
        assert!(matches!(cache.find(DIGEST, &FITS, ROOM), Found::Nothing));
        fs::create_dir(&file).unwrap();
        assert!(is_distrusted(&cache), "a folder");
        // It cannot be kept, which is told, and nothing is left of the try.
        let files = || fs::read_dir(file.parent().unwrap()).unwrap().count();
        let before = files();
        assert!(cache.keep(DIGEST, &FITS, &Artefact::made(code)).is_err());
        assert_eq!(files(), before);
    }

    // A key that was cut off cost the cache and the marks of what the daemon died at, at every start until somebody came.
    #[test]
    fn a_key_that_is_damaged_is_drawn_anew_and_what_it_sealed_is_not_run() {
        let bad: [Damage<'_>; 5] = [
            ("cut off", &|key| fs::write(key, [1; 31]).unwrap()),
            ("empty", &|key| fs::write(key, "").unwrap()),
            ("too long", &|key| fs::write(key, [1; 33]).unwrap()),
            ("deleted", &|key| fs::remove_file(key).unwrap()),
            ("known to others", &|key| {
                fs::set_permissions(key, fs::Permissions::from_mode(0o644)).unwrap();
            }),
        ];
        for (what, damage) in bad {
            let room = tempfile::tempdir().unwrap();
            let (old, file, code) = filled(room.path());
            damage(&file.with_file_name(KEY));
            let cache = Cache::open(room.path(), ROOM).unwrap();
            assert!(cache.key != old.key && is_distrusted(&cache), "{what}");
            cache.keep(DIGEST, &FITS, &Artefact::made(code)).unwrap();
            assert!(
                matches!(cache.find(DIGEST, &FITS, ROOM), Found::Kept(_)),
                "{what}"
            );
            assert_eq!(Cache::open(room.path(), ROOM).unwrap().key, cache.key, "{what}");
        }
        let room = tempfile::tempdir().unwrap();
        let (_, file, _) = filled(room.path());
        let key = file.with_file_name(KEY);
        fs::remove_file(&key).unwrap();
        fs::create_dir(&key).unwrap();
        let refused = Cache::open(room.path(), ROOM).err().unwrap();
        assert!(refused.contains("key cannot be removed"), "{refused}");
    }

    #[test]
    fn every_flipped_bit_of_the_key_makes_all_of_it_distrusted() {
        let room = tempfile::tempdir().unwrap();
        let (cache, file, _) = filled(room.path());
        let key = file.with_file_name(KEY);
        for bit in 0..KEY_BYTES * 8 {
            let mut bytes = cache.key;
            bytes[bit / 8] ^= 1 << (bit % 8);
            fs::write(&key, bytes).unwrap();
            assert!(
                is_distrusted(&Cache::open(room.path(), ROOM).unwrap()),
                "bit {bit}"
            );
        }
    }
}
