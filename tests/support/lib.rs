//! What the tests share: where things are, how to skip, servers that stop with the test that started them.
//!
//! Not a test itself, and nothing that the product uses.

pub mod skip;
pub mod tools;

use std::path::{Path, PathBuf};

/// The root of the repository.
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_path_buf()
}

/// Outside data for tests and benchmarks: `PLIMSOLL_DATA`, else `../shared/data` beside the repository.
pub fn data(name: &str) -> Option<PathBuf> {
    let folder = std::env::var_os("PLIMSOLL_DATA").map_or_else(|| root().join("../shared/data"), PathBuf::from);
    Some(folder.join(name)).filter(|path| path.exists())
}
