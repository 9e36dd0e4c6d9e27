//! The folder of components that were handed in: of each policy `<name>@<digest>.component` and `<name>.handed-in`, which
//! says which component it is and how it is configured, under a seal. Another description is another policy: so it is the
//! one file that is replaced, last, and a component has a name of its own.
//!
//! What is damaged is told by name and not loaded. The seal is for chance: whoever may write to the folder may decide. Not
//! here: what is in force, and in which mode (`host`, the Ledger).

use host::sha256;
use machine::whole;
use model::PolicyName;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

const VERSION: &str = "plimsoll.handed-in/v1";
const DESCRIBED: &str = "handed-in";
const COMPONENT: &str = "component";
/// A description larger than this is not read, bytes.
const MOST: u64 = 16 << 20;

/// See the module.
#[derive(Clone)]
pub(crate) struct Store {
    folder: PathBuf,
}

/// A policy that was handed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) file: PathBuf,
    pub(crate) digest: String,
    pub(crate) config: String,
}

/// What a folder holds.
#[derive(Default)]
pub(crate) struct Found {
    pub(crate) kept: BTreeMap<PolicyName, Kept>,
    /// What cannot be used, and why.
    pub(crate) lost: BTreeMap<PolicyName, String>,
    /// What is wrong with the folder itself.
    pub(crate) alarm: Option<String>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    version: String,
    name: String,
    digest: String,
    config: String,
    seal: String,
}

impl Description {
    fn of(name: &str, digest: &str, config: &str) -> Self {
        let [version, name, digest, config] = [VERSION, name, digest, config].map(str::to_owned);
        let mut new = Self {
            version,
            name,
            digest,
            config,
            seal: String::new(),
        };
        new.seal = new.sealed();
        new
    }

    fn read(text: &[u8], name: &PolicyName) -> Result<Self, String> {
        let read: Self = serde_json::from_slice(text).map_err(|why| why.to_string())?;
        if read.version != VERSION {
            return Err("is damaged, or of another version".to_owned());
        }
        if read.seal != read.sealed() || read.name != name.as_str() {
            return Err("is damaged, or not what was put there".to_owned());
        }
        Ok(read)
    }

    fn sealed(&self) -> String {
        let parts = [&self.version, &self.name, &self.digest, &self.config];
        // Each with its length: no two descriptions are the same text.
        let text = parts.map(|part| format!("{} {part}", part.len()));
        sha256(text.concat().as_bytes())
    }
}

impl Store {
    pub(crate) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
        }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Keeps a policy, as a whole or not at all: until the last step it is the one before.
    pub(crate) fn keep(&self, name: &PolicyName, component: &[u8], config: &str) -> io::Result<PathBuf> {
        fs::create_dir_all(&self.folder)?;
        let digest = sha256(component);
        let file = self.component(name, &digest);
        whole::replace(&file, component)?;
        let description = serde_json::to_vec(&Description::of(name.as_str(), &digest, config))?;
        whole::replace(&self.description(name), &description)?;
        self.tidy(name, &file);
        Ok(file)
    }

    /// What is there, but for these names. `at_home`: the daemon whose folder it is looks, and tidies up.
    pub(crate) fn read(&self, taken: &BTreeSet<PolicyName>, at_home: bool) -> Found {
        let mut found = Found::default();
        let names = match self.names() {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return found,
            Err(error) => {
                let folder = self.folder.display();
                found.alarm = Some(format!("policies_store cannot be read: {folder}: {error}"));
                return found;
            }
        };
        if at_home {
            whole::sweep(&self.folder, whole::ABANDONED);
        }
        for name in names {
            if taken.contains(&name) {
                tracing::warn!(policy = %name, "was handed in, too: the one of the configuration is meant");
                continue;
            }
            match self.described(&name, at_home) {
                Ok(kept) => drop(found.kept.insert(name, kept)),
                Err(why) => drop(found.lost.insert(name, why)),
            }
        }
        found
    }

    fn described(&self, name: &PolicyName, at_home: bool) -> Result<Kept, String> {
        let file = self.description(name);
        let fault = |why: &str| format!("{}: {why}; hand it in again", file.display());
        let text = match bytes(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return self.of_the_version_before(name, at_home);
            }
            Err(error) => return Err(fault(&error.to_string())),
        };
        let read = Description::read(&text, name).map_err(|why| fault(&why))?;
        Ok(Kept {
            file: self.component(name, &read.digest),
            digest: read.digest,
            config: read.config,
        })
    }

    /// `<name>.wasm`, with its configuration in `<name>.json`: nothing tells whether they belong together or are whole. It is
    /// sealed as it is found.
    fn of_the_version_before(&self, name: &PolicyName, at_home: bool) -> Result<Kept, String> {
        let file = self.folder.join(format!("{name}.wasm"));
        let lost = |file: &Path, why: &str| format!("{}: {why}; hand it in again", file.display());
        let component = match bytes(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let what = "is gone, and what it described is still there";
                return Err(lost(&self.description(name), what));
            }
            read => read.map_err(|error| lost(&file, &error.to_string()))?,
        };
        let beside = file.with_extension("json");
        let config = bytes(&beside).map_err(|error| lost(&beside, &error.to_string()))?;
        let config = String::from_utf8(config).map_err(|_| lost(&beside, "is damaged"))?;
        tracing::warn!(policy = %name, "was handed in to a version that did not seal what it kept; it is taken as it is");
        let mut kept = Kept {
            digest: sha256(&component),
            file,
            config,
        };
        if at_home {
            match self.keep(name, &component, &kept.config) {
                Ok(sealed) => kept.file = sealed,
                Err(error) => tracing::warn!(policy = %name, %error, "cannot be sealed now"),
            }
        }
        Ok(kept)
    }

    /// Names of which there is any file.
    fn names(&self) -> io::Result<BTreeSet<PolicyName>> {
        let mut names = BTreeSet::new();
        for entry in fs::read_dir(&self.folder)? {
            let file = PathBuf::from(entry?.file_name());
            let Some(stem) = file.file_stem().and_then(|stem| stem.to_str()) else {
                continue;
            };
            let ending = file.extension().and_then(|ending| ending.to_str());
            let name = match ending {
                Some(DESCRIBED | "wasm") => stem,
                Some(COMPONENT) => stem.split_once('@').map_or(stem, |(name, _)| name),
                _ => continue,
            };
            if !name.is_empty() {
                names.insert(PolicyName::new(name));
            }
        }
        Ok(names)
    }

    /// Removes what a policy was before. That it is there does no harm.
    fn tidy(&self, name: &PolicyName, newest: &Path) {
        let older = format!("{name}@");
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            let is_older = entry.file_name().to_string_lossy().starts_with(&older);
            if is_older && entry.path() != newest {
                let _ = fs::remove_file(entry.path());
            }
        }
        for ending in ["wasm", "json"] {
            let _ = fs::remove_file(self.folder.join(format!("{name}.{ending}")));
        }
    }

    fn description(&self, name: &PolicyName) -> PathBuf {
        self.folder.join(format!("{name}.{DESCRIBED}"))
    }

    fn component(&self, name: &PolicyName, digest: &str) -> PathBuf {
        self.folder.join(format!("{name}@{digest}.{COMPONENT}"))
    }
}

/// The bytes of a regular file of bearable size.
fn bytes(file: &Path) -> io::Result<Vec<u8>> {
    // Opening a pipe would wait for its writer.
    if !fs::metadata(file)?.is_file() {
        return Err(io::Error::other("not a regular file"));
    }
    let mut bytes = Vec::new();
    let read = File::open(file)?.take(MOST + 1).read_to_end(&mut bytes)?;
    if read as u64 > MOST {
        return Err(io::Error::other("larger than it can be"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests;
