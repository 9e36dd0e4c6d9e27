//! The folder of last good policies: `<name>.wasm`, which a Shelf watches, `<name>.before`, to which it may go back, and
//! `<name>.json`, which says what they are and who signed them. All are replaced as wholes; whatever comes back from disk is
//! held against its digests again.
//!
//! Not here: who is trusted. A file that nobody vouches for any more is set aside by whoever asks (`follow`).

use crate::error::Fault;
use crate::fetch::Fetched;
use crate::manifest;
use crate::reference::{Digest, Reference};
use crate::signature::Signature;
use machine::whole;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

const VERSION: &str = "plimsoll.image/v1";
/// A file of descriptions larger than this is not read, bytes.
const MOST: u64 = 4 << 20;

/// What is known of a kept policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Kept {
    /// As the configuration named it when it was fetched.
    pub(crate) reference: String,
    /// Of the manifest.
    pub(crate) digest: Digest,
    /// The manifest, byte for byte.
    manifest: String,
    /// Empty where unsigned policies were allowed.
    pub(crate) signatures: Vec<Signature>,
}

impl Kept {
    pub(crate) fn of(
        reference: &Reference,
        fetched: &Fetched,
        signatures: Vec<Signature>,
    ) -> Result<Self, Fault> {
        let manifest = String::from_utf8(fetched.raw.clone()).map_err(|_| Fault::Manifest {
            what: fetched.digest.to_string(),
            why: "is not text".to_owned(),
        })?;
        Ok(Self {
            reference: reference.to_string(),
            digest: fetched.digest.clone(),
            manifest,
            signatures,
        })
    }

    /// Digest of its component; `None` where the manifest is damaged.
    pub(crate) fn component(&self) -> Option<Digest> {
        let raw = self.manifest.as_bytes();
        let layer = manifest::read(raw).ok()?.layer.digest;
        (Digest::of(raw) == self.digest).then_some(layer)
    }

    /// Whether it describes this component, link by link: digest, manifest, layer.
    pub(crate) fn describes(&self, component: &Digest) -> bool {
        self.component().as_ref() == Some(component)
    }
}

/// The newest first. Two, because there is one to go back to, and because two files cannot be replaced at once: whichever
/// of them the component is, it is known.
#[derive(Serialize, Deserialize)]
struct Sidecar {
    version: String,
    kept: Vec<Kept>,
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    folder: PathBuf,
}

impl Cache {
    /// In this folder; nothing is touched before `open`.
    pub(crate) fn at(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    /// Makes the folder where it is missing. One that others may write to is refused: what lies in it is run.
    pub(crate) fn open(&self) -> Result<(), Fault> {
        let folder = &self.folder;
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
        made.map_err(|why| fault(folder, &format!("cannot be made: {why}")))?;
        let metadata = fs::metadata(folder).map_err(|why| fault(folder, &why.to_string()))?;
        if metadata.mode() & 0o022 != 0 {
            let why = "others may write to this folder, and what lies in it is run: name a folder in it that the daemon makes \
                       by itself";
            return Err(fault(folder, why));
        }
        whole::sweep(folder, whole::ABANDONED);
        Ok(())
    }

    /// The component's file.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.wasm"))
    }

    /// The file of the component before it.
    pub(crate) fn before(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.before"))
    }

    fn sidecar(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }

    /// Where a component lies that a Shelf must not see.
    fn aside(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.aside"))
    }

    /// What is kept under a name, if it is whole; also what was set aside.
    pub(crate) fn read(&self, name: &str, most: u64) -> Result<Option<Kept>, Fault> {
        let file = self.file(name);
        let component = match bytes(&file, most)? {
            Some(component) => component,
            None => match bytes(&self.aside(name), most)? {
                Some(component) => component,
                None if self.known(name)?.is_empty() => return Ok(None),
                None => return Err(fault(&file, "is gone")),
            },
        };
        let component = Digest::of(&component);
        match self
            .known(name)?
            .into_iter()
            .find(|kept| kept.describes(&component))
        {
            Some(kept) => Ok(Some(kept)),
            None => Err(fault(&file, "is not what was fetched")),
        }
    }

    /// Whether what lies under a name is this, as it was kept, and described.
    pub(crate) fn is_whole(&self, name: &str, kept: &Kept, most: u64) -> bool {
        let component = bytes(&self.file(name), most).ok().flatten();
        component.is_some_and(|component| kept.describes(&Digest::of(&component)))
            && self.known(name).is_ok_and(|known| known.first() == Some(kept))
    }

    /// What is known of the one before, if it is whole.
    pub(crate) fn read_before(&self, name: &str, most: u64) -> Result<Option<Kept>, Fault> {
        let file = self.before(name);
        let Some(component) = bytes(&file, most)? else {
            return Ok(None);
        };
        let component = Digest::of(&component);
        let mut known = self.known(name)?.into_iter();
        let kept = known.find(|kept| kept.describes(&component));
        kept.map(Some)
            .ok_or_else(|| fault(&file, "is not what was fetched"))
    }

    /// Forgets the one before.
    pub(crate) fn drop_before(&self, name: &str) -> Result<(), Fault> {
        let file = self.before(name);
        match fs::remove_file(&file) {
            Err(why) if why.kind() != std::io::ErrorKind::NotFound => {
                Err(fault(&file, &format!("cannot be removed: {why}")))
            }
            _ => Ok(()),
        }
    }

    /// Takes a component out of sight. It is not deleted: a key that cannot be read now may be read later.
    pub(crate) fn set_aside(&self, name: &str) -> Result<(), Fault> {
        Self::rename(&self.file(name), &self.aside(name))
    }

    /// Brings back what was set aside, where something was.
    pub(crate) fn bring_back(&self, name: &str) -> Result<(), Fault> {
        Self::rename(&self.aside(name), &self.file(name))
    }

    /// Replaces what is kept under a name; what was kept, no larger than this, becomes the one before.
    pub(crate) fn keep(&self, name: &str, kept: Kept, component: &[u8], most: u64) -> Result<(), Fault> {
        // What cannot be read is of no use, and is replaced.
        let mut all = self.known(name).unwrap_or_default();
        // A copy: until the new one is there the file of the last good one stays where it is. What was damaged meanwhile is
        // nothing to go back to.
        if let Ok(Some(old)) = bytes(&self.file(name), most)
            && old != component
            && all.iter().any(|kept| kept.describes(&Digest::of(&old)))
        {
            Self::replace(&self.before(name), &old)?;
        }
        all.retain(|older| older.digest != kept.digest);
        all.insert(0, kept);
        all.truncate(2);
        let sidecar = Sidecar {
            version: VERSION.to_owned(),
            kept: all,
        };
        let file = self.sidecar(name);
        let text = serde_json::to_vec(&sidecar).map_err(|why| fault(&file, &why.to_string()))?;
        Self::replace(&file, &text)?;
        Self::replace(&self.file(name), component)?;
        // Of no use any more; that it is there does no harm.
        let _ = fs::remove_file(self.aside(name));
        Ok(())
    }

    fn rename(from: &Path, to: &Path) -> Result<(), Fault> {
        match fs::rename(from, to) {
            Err(why) if why.kind() != std::io::ErrorKind::NotFound => {
                Err(fault(from, &format!("cannot be renamed: {why}")))
            }
            _ => Ok(()),
        }
    }

    fn known(&self, name: &str) -> Result<Vec<Kept>, Fault> {
        let file = self.sidecar(name);
        let Some(text) = bytes(&file, MOST)? else {
            return Ok(Vec::new());
        };
        described(&text).map_err(|why| fault(&file, &why))
    }

    fn replace(file: &Path, bytes: &[u8]) -> Result<(), Fault> {
        whole::replace(file, bytes).map_err(|why| fault(file, &format!("cannot be written: {why}")))
    }
}

/// What a description says, newest first.
pub(crate) fn described(text: &[u8]) -> Result<Vec<Kept>, String> {
    let sidecar: Sidecar = serde_json::from_slice(text).map_err(|why| why.to_string())?;
    if sidecar.version != VERSION {
        return Err("was written by another version".to_owned());
    }
    Ok(sidecar.kept)
}

/// The bytes of a file; `None` where there is none.
fn bytes(file: &Path, most: u64) -> Result<Option<Vec<u8>>, Fault> {
    let opened = match fs::File::open(file) {
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        opened => opened.map_err(|why| fault(file, &format!("cannot be read: {why}")))?,
    };
    let mut bytes = Vec::new();
    let read = opened.take(most.saturating_add(1)).read_to_end(&mut bytes);
    read.map_err(|why| fault(file, &format!("cannot be read: {why}")))?;
    if bytes.len() as u64 > most {
        return Err(fault(file, &format!("more than {most} bytes")));
    }
    Ok(Some(bytes))
}

fn fault(file: &Path, why: &str) -> Fault {
    Fault::Cache {
        file: file.display().to_string(),
        why: why.to_owned(),
    }
}
