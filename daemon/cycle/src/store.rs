//! Stores of Ledger, Memory and Installation that need nothing but this machine: a folder, or nothing at all.
//!
//! The one in the cluster (a Kubernetes object) is at the ends.

use guard::ledger::{
    decode_installation, decode_ledger, decode_memory, encode_installation, encode_ledger, encode_memory,
};
use guard::{Kept, LedgerStore, StoreError, Stored};
use machine::whole;
use model::intent::{Installation, Ledger};
use model::memory::Memory;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Three files in a folder, each replaced as a whole: a crash leaves the old one or the new one. For one process at
/// a time; the generation tells when there were two.
#[derive(Clone, Debug)]
pub struct FileStore {
    folder: PathBuf,
}

impl FileStore {
    /// Keeps `ledger.json`, `memory.json` and `installation.json` in this folder, which is made at the first save.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    fn read_ledger(&self) -> Result<Option<Ledger>, StoreError> {
        let path = self.folder.join("ledger.json");
        read(&path)?
            .map(|bytes| decode_ledger(&bytes).map_err(|error| at(&path, error)))
            .transpose()
    }

    /// A damaged Memory is said and put aside: it must not keep the daemon from starting.
    fn read_memory(&self) -> Result<Option<Memory>, StoreError> {
        let path = self.folder.join("memory.json");
        let Some(bytes) = read(&path)? else {
            return Ok(None);
        };
        match decode_memory(&bytes) {
            Ok(memory) => Ok(Some(memory)),
            Err(StoreError::Unavailable(why)) => {
                let aside = self.folder.join("memory.json.damaged");
                let kept = fs::rename(&path, &aside).is_ok();
                tracing::warn!(file = %path.display(), aside = %aside.display(), kept, %why,
                    "the memory is damaged: beginning anew");
                Ok(None)
            }
            Err(error) => Err(at(&path, error)),
        }
    }

    fn read_installation(&self) -> Result<Option<Installation>, StoreError> {
        let path = self.folder.join("installation.json");
        read(&path)?
            .map(|bytes| decode_installation(&bytes).map_err(|error| at(&path, error)))
            .transpose()
    }

    fn write_ledger(&self, ledger: &Ledger) -> Result<(), StoreError> {
        if let Some(stored) = self.read_ledger()?
            && stored.generation >= ledger.generation
        {
            return Err(StoreError::Conflict {
                theirs: stored.generation,
                ours: ledger.generation,
            });
        }
        write(&self.folder, "ledger.json", &encode_ledger(ledger)?)
    }
}

impl LedgerStore for FileStore {
    fn load(&mut self) -> Stored<'_, Kept> {
        // No other process writes here.
        whole::sweep(&self.folder, Duration::ZERO);
        let kept = self.read_ledger().and_then(|ledger| {
            Ok(Kept {
                ledger,
                memory: self.read_memory()?,
                installation: self.read_installation()?,
            })
        });
        Box::pin(std::future::ready(kept))
    }

    fn save<'a>(&'a mut self, ledger: &'a Ledger) -> Stored<'a, ()> {
        Box::pin(std::future::ready(self.write_ledger(ledger)))
    }

    fn save_memory<'a>(&'a mut self, memory: &'a Memory) -> Stored<'a, ()> {
        let saved = encode_memory(memory).and_then(|bytes| write(&self.folder, "memory.json", &bytes));
        Box::pin(std::future::ready(saved))
    }

    fn save_installation<'a>(&'a mut self, installation: &'a Installation) -> Stored<'a, ()> {
        let saved = encode_installation(installation)
            .and_then(|bytes| write(&self.folder, "installation.json", &bytes));
        Box::pin(std::future::ready(saved))
    }

    fn load_installation(&mut self) -> Stored<'_, Option<Installation>> {
        Box::pin(std::future::ready(self.read_installation()))
    }

    fn is_lasting(&self) -> bool {
        true
    }
}

/// Keeps everything for the life of the process: tests, and simulations that nobody resumes.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    ledger: Option<Ledger>,
    memory: Memory,
}

impl LedgerStore for MemoryStore {
    fn load(&mut self) -> Stored<'_, Kept> {
        let kept = Kept {
            ledger: self.ledger.clone(),
            memory: self.ledger.is_some().then(|| self.memory.clone()),
            installation: None,
        };
        Box::pin(std::future::ready(Ok(kept)))
    }

    fn save<'a>(&'a mut self, ledger: &'a Ledger) -> Stored<'a, ()> {
        let theirs = self.ledger.as_ref().map(|stored| stored.generation);
        let saved = if let Some(theirs) = theirs.filter(|theirs| *theirs >= ledger.generation) {
            Err(StoreError::Conflict {
                theirs,
                ours: ledger.generation,
            })
        } else {
            self.ledger = Some(ledger.clone());
            Ok(())
        };
        Box::pin(std::future::ready(saved))
    }

    fn save_memory<'a>(&'a mut self, memory: &'a Memory) -> Stored<'a, ()> {
        self.memory = memory.clone();
        Box::pin(std::future::ready(Ok(())))
    }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, StoreError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unavailable(path, &error)),
    }
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> Result<(), StoreError> {
    let path = folder.join(name);
    let written = fs::create_dir_all(folder).and_then(|()| whole::replace(&path, bytes));
    written.map_err(|error| unavailable(&path, &error))
}

fn unavailable(path: &Path, error: &io::Error) -> StoreError {
    StoreError::Unavailable(format!("{}: {error}", path.display()))
}

/// Says which file is meant.
fn at(path: &Path, error: StoreError) -> StoreError {
    match error {
        StoreError::Unavailable(why) => StoreError::Unavailable(format!("{}: {why}", path.display())),
        other => other,
    }
}
