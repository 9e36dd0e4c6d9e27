//! The folder of the user's cache in which compilers, and what they leave for the next build, are kept.

use std::path::PathBuf;
use std::{env, fs};

/// `$PLIMSOLL_CACHE`, else `plimsoll` in the user's cache folder.
///
/// # Errors
/// A line that says that no variable names one.
pub fn cache() -> Result<PathBuf, String> {
    let set = |name: &str| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    set("PLIMSOLL_CACHE")
        .or_else(|| set("XDG_CACHE_HOME").map(|folder| folder.join("plimsoll")))
        .or_else(|| set("HOME").map(|folder| folder.join(".cache/plimsoll")))
        .ok_or_else(|| "neither PLIMSOLL_CACHE nor HOME says where to build".to_owned())
}

/// A folder in it, made where it is not there.
pub(crate) fn folder(name: &str) -> Result<PathBuf, String> {
    let folder = cache()?.join(name);
    fs::create_dir_all(&folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    Ok(folder)
}
