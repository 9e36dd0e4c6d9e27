//! Marks on disk of what is being compiled, so that a component whose compiling ended the whole process is known at the next
//! start and not tried again.
//!
//! A mark is a file that its process keeps locked. The lock goes with the process, however that ends: a mark that can be locked
//! is one whose process died. Processes that share a folder are told apart by the same. Not here: what is done about it
//! (`engine`), and whose turn it is (`turns`).

use std::fs::{File, TryLockError, remove_file};
use std::io::{self, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

/// How often somebody else may be quicker before we do without.
const TRIES: usize = 8;

/// Something of this process is being compiled, until this is dropped.
pub(crate) struct Mark {
    file: PathBuf,
    /// Keeps it locked.
    _locked: File,
}

/// What came of marking.
pub(crate) enum Marked {
    Ours(Mark),
    /// There is a mark, and its process is gone.
    Died,
    /// Another process that is alive compiles the same.
    Elsewhere,
}

impl Mark {
    /// Makes a mark that is on disk before this returns. One that a process left which died is taken over where somebody has
    /// `told` to try again.
    pub(crate) fn make(file: &Path, told: bool) -> io::Result<Marked> {
        for _ in 0..TRIES {
            match File::options().read(true).write(true).open(file) {
                Ok(found) => match found.try_lock() {
                    // Done with and removed between being opened and being locked.
                    Ok(()) if found.metadata()?.nlink() == 0 => {}
                    Ok(()) if told => return Ok(Marked::Ours(Self::of(file, found))),
                    Ok(()) => return Ok(Marked::Died),
                    Err(TryLockError::WouldBlock) => return Ok(Marked::Elsewhere),
                    Err(TryLockError::Error(why)) => return Err(why),
                },
                Err(why) if why.kind() == io::ErrorKind::NotFound => {
                    if let Some(new) = new(file)? {
                        return Ok(Marked::Ours(Self::of(file, new)));
                    }
                }
                Err(why) => return Err(why),
            }
        }
        Ok(Marked::Elsewhere)
    }

    fn of(file: &Path, locked: File) -> Self {
        Self {
            file: file.to_owned(),
            _locked: locked,
        }
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        if let Err(why) = remove_file(&self.file)
            && why.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(mark = %self.file.display(), %why, "cannot be removed: the policy is refused at the next start");
        }
    }
}

/// A new mark, locked before anybody can see it; `None` where somebody else's came first.
fn new(file: &Path) -> io::Result<Option<File>> {
    let folder = file.parent().unwrap_or(file);
    let mut new = NamedTempFile::new_in(folder)?;
    writeln!(
        new,
        "A policy was being compiled by process {}. Where that has died, remove this file to have it compiled again.",
        std::process::id()
    )?;
    new.as_file().try_lock()?;
    new.as_file().sync_all()?;
    match new.persist_noclobber(file) {
        Ok(marked) => {
            // Against a machine that dies at the same moment; against anything less the name is there already.
            let _ = File::open(folder).and_then(|folder| folder.sync_all());
            Ok(Some(marked))
        }
        Err(why) if why.error.kind() == io::ErrorKind::AlreadyExists => Ok(None),
        Err(why) => Err(why.error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(file: &Path, told: bool) -> Marked {
        Mark::make(file, told).unwrap()
    }

    #[test]
    fn a_mark_goes_with_what_it_marks() {
        let room = tempfile::tempdir().unwrap();
        let file = room.path().join("a.compiling");
        let mark = made(&file, false);
        assert!(matches!(mark, Marked::Ours(_)) && file.is_file());
        // Of the same process or another one: it is alive.
        assert!(matches!(made(&file, false), Marked::Elsewhere));
        assert!(matches!(made(&file, true), Marked::Elsewhere));
        drop(mark);
        assert!(!file.exists());
        assert!(matches!(made(&file, false), Marked::Ours(_)));
        assert_eq!(std::fs::read_dir(room.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_mark_without_its_process_is_taken_over_by_who_is_told_only() {
        let room = tempfile::tempdir().unwrap();
        let file = room.path().join("a.compiling");
        std::fs::write(&file, "of a process that died").unwrap();
        assert!(matches!(made(&file, false), Marked::Died));
        assert!(matches!(made(&file, false), Marked::Died), "it stays");
        assert!(matches!(made(&file, true), Marked::Ours(_)));
        assert!(matches!(made(&file, false), Marked::Ours(_)));
    }
}
