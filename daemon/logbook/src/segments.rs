//! Segment files of a folder: their names and their order.

use crate::error::LogError;
use std::fs;
use std::path::{Path, PathBuf};

/// One segment file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Number in its name: its first cycle, or one more than the segment before where that is higher.
    pub(crate) number: u64,
    pub(crate) path: PathBuf,
    pub(crate) bytes: u64,
}

/// Segments of a folder, oldest first; other files are left alone.
pub(crate) fn list(folder: &Path) -> Result<Vec<Segment>, LogError> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(folder).map_err(|error| LogError::io(folder, error))? {
        let entry = entry.map_err(|error| LogError::io(folder, error))?;
        let Some(number) = entry.file_name().to_str().and_then(number) else {
            continue;
        };
        let path = entry.path();
        let bytes = entry
            .metadata()
            .map_err(|error| LogError::io(&path, error))?
            .len();
        segments.push(Segment { number, path, bytes });
    }
    segments.sort_by_key(|segment| segment.number);
    Ok(segments)
}

/// Where a segment of this number is.
pub(crate) fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("segment-{number:012}.plog"))
}

fn number(name: &str) -> Option<u64> {
    name.strip_prefix("segment-")?.strip_suffix(".plog")?.parse().ok()
}
