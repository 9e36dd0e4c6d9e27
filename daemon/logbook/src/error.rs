//! What can be wrong with a log: one line that names the file.

use std::io;
use std::path::{Path, PathBuf};

/// Why a log cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The file system objects.
    #[error("{}: {error}", path.display())]
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What it says.
        error: io::Error,
    },
    /// Bytes that no writer has written.
    #[error("{}: damaged at byte {offset}: {why}", path.display())]
    Damaged {
        /// Which segment.
        path: PathBuf,
        /// Where the bad part begins.
        offset: u64,
        /// What is wrong.
        why: String,
    },
    /// A record of a version that this build does not read.
    #[error("{}: a record has version {found}; this build reads {reads}", path.display())]
    Version {
        /// Which segment.
        path: PathBuf,
        /// Version found.
        found: u32,
        /// Versions read.
        reads: String,
    },
    /// No segments there.
    #[error("{}: no log segments (segment-*.plog)", path.display())]
    Empty {
        /// Which folder.
        path: PathBuf,
    },
    /// A record that cannot be packed.
    #[error("a record cannot be written: {why}")]
    Unwritable {
        /// Why.
        why: String,
    },
}

impl LogError {
    pub(crate) fn io(path: &Path, error: io::Error) -> Self {
        Self::Io {
            path: path.to_owned(),
            error,
        }
    }
}
