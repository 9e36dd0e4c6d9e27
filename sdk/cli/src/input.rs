//! Reading files for the verbs: `-` is stdin, `.gz` is unpacked, folders are walked, sizes are bounded.

use crate::exit::Unreadable;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Largest input file, unpacked.
pub(crate) const MAX_BYTES: u64 = 64 << 20;

/// The bytes of a file, or of stdin for `-`; an error names the file and gives exit code 2.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = path.display();
    let mut bytes = Vec::new();
    let got = if path.as_os_str() == "-" {
        io::stdin().lock().take(MAX_BYTES + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
    };
    match got {
        Err(error) => Err(Unreadable::new(format_args!("{shown}: {error}")).into()),
        Ok(read) if read as u64 > MAX_BYTES => {
            Err(Unreadable::new(format_args!("{shown}: larger than {} MiB", MAX_BYTES >> 20)).into())
        }
        Ok(_) => Ok(bytes),
    }
}
