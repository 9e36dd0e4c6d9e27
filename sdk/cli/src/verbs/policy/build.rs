//! `policy build`: the components of policies' folders, each with what its policy says of itself.
//!
//! Not here: compilers (`policy_build`), and what a component may be (`host`).

use super::listed;
use crate::exit::{Exit, Unreadable};
use crate::output::{self, line};
use model::advice::Hook;
use policy_build::Built;
use policy_build::metadata::Metadata;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// Builds the policies, each into its file.
pub(super) fn run(folders: &[PathBuf], out: Option<&Path>, out_dir: Option<&Path>) -> anyhow::Result<Exit> {
    if out.is_some() && folders.len() > 1 {
        return Err(
            Unreadable::new("--out names one file, but several folders are given: use --out-dir").into(),
        );
    }
    for folder in folders {
        let progress = output::Progress::start("building");
        let built = component(folder).map_err(Unreadable::new)?;
        drop(progress);
        let file = match (out, out_dir) {
            (Some(file), _) => file.to_owned(),
            (None, Some(dir)) => dir.join(format!("{}.wasm", built.package)),
            (None, None) => folder.join(format!("{}.wasm", built.package)),
        };
        let inspection = host::inspect(&built.bytes, &host::Limits::default())
            .map_err(|why| Unreadable::new(format_args!("{}: {why}", folder.display())))?;
        write(&file, &built.bytes)
            .map_err(|why| Unreadable::new(format_args!("{}: {why}", file.display())))?;
        line(format_args!(
            "{}: {} KiB in {:.1} s ({}); imports {}; exports {}",
            file.display(),
            built.bytes.len().div_ceil(1024),
            built.took.as_secs_f64(),
            built.tool,
            listed(&inspection.imports),
            listed(&inspection.exports),
        ))?;
    }
    Ok(Exit::Done)
}

/// Builds the policy in a folder, and writes what it says of itself into the component.
///
/// # Errors
/// Lines that name the folder and what is wrong, or what to install.
pub(super) fn component(folder: &Path) -> Result<Built, String> {
    let mut built = policy_build::build(folder)?;
    let fail = |why: String| format!("{}: {why}", folder.display());
    // What is no policy says so where it is looked at; here it is only not told about.
    if let Ok(seen) = host::inspect(&built.bytes, &host::Limits::default()) {
        let hooks: Vec<Hook> = seen.hooks.iter().map(|(hook, _)| *hook).collect();
        let metadata = Metadata::of(folder, &hooks).map_err(fail)?;
        metadata.embed(&mut built.bytes).map_err(fail)?;
    }
    Ok(built)
}

/// Writes a component as a whole: a daemon that watches the file never sees half of it.
pub(super) fn write(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or_else(|| Path::new("."));
    fs::create_dir_all(folder)?;
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(bytes)?;
    // A temporary file is the maker's alone; a component is read by a daemon under another user.
    new.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    new.persist(file).map_err(|why| why.error)?;
    Ok(())
}
