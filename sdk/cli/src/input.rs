//! Reading files for the verbs: `-` is stdin, gzip is unpacked, folders are walked, sizes are bounded.

use crate::exit::Unreadable;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Largest input file, packed or not.
pub(crate) const MAX_BYTES: u64 = manifest::MAX_BYTES as u64;

/// Somebody has read stdin to its end.
static STDIN_TAKEN: AtomicBool = AtomicBool::new(false);

/// Extensions of the files that are read in a folder.
const MANIFESTS: [&str; 3] = ["json", "yaml", "yml"];

/// The bytes of a file, or of stdin for `-`; an error names the file and gives exit code 2.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let shown = path.display();
    let mut bytes = Vec::new();
    let got = if path.as_os_str() == "-" {
        if STDIN_TAKEN.swap(true, Ordering::Relaxed) {
            return Err(Unreadable::new("stdin: is named twice, but can be read only once").into());
        }
        io::stdin().lock().take(MAX_BYTES + 1).read_to_end(&mut bytes)
    } else {
        File::open(path).and_then(|file| file.take(MAX_BYTES + 1).read_to_end(&mut bytes))
    };
    match got {
        Err(error) => Err(Unreadable::new(format_args!("{shown}: {error}")).into()),
        Ok(read) if read as u64 > MAX_BYTES => {
            Err(Unreadable::new(format_args!("{shown}: larger than {} MiB", MAX_BYTES >> 20)).into())
        }
        Ok(_) if bytes.starts_with(&[0x1f, 0x8b]) => {
            let plain = manifest::unpacked(&shown.to_string(), &bytes).map_err(Unreadable::new)?;
            Ok(plain.into_owned())
        }
        Ok(_) => Ok(bytes),
    }
}

/// How a path is called in messages.
pub(crate) fn name(path: &Path) -> String {
    if path.as_os_str() == "-" {
        "stdin".to_owned()
    } else {
        path.display().to_string()
    }
}

/// The files behind the paths: a folder stands for its manifests, in the order of their names, at any depth.
pub(crate) fn files(paths: &[PathBuf]) -> anyhow::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for path in paths {
        if !path.is_dir() {
            found.push(path.clone());
            continue;
        }
        let before = found.len();
        walk(path, 0, &mut found)
            .map_err(|error| Unreadable::new(format_args!("{}: {error}", path.display())))?;
        if found.len() == before {
            let what = format_args!("{}: holds no .yaml, .yml or .json files", path.display());
            return Err(Unreadable::new(what).into());
        }
    }
    Ok(found)
}

fn walk(folder: &Path, depth: u32, found: &mut Vec<PathBuf>) -> io::Result<()> {
    if depth > 32 {
        return Err(io::Error::other("folders nested too deep"));
    }
    let mut entries = fs::read_dir(folder)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, depth + 1, found)?;
        } else if path
            .extension()
            .is_some_and(|e| MANIFESTS.iter().any(|known| e.eq_ignore_ascii_case(known)))
        {
            found.push(path);
        }
    }
    Ok(())
}
