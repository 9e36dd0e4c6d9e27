//! What the tests share: where things are, how to skip, servers that stop with the test that started them.
//!
//! Not a test itself, and nothing that the product uses. The servers are real: a Kubernetes control plane, AWS
//! emulators, the daemon.

#[cfg(feature = "aws")]
pub mod aws;
#[cfg(feature = "aws")]
pub mod blue;
#[cfg(feature = "aws")]
pub mod bound;
pub mod cluster;
#[cfg(feature = "aws")]
pub mod daemon;
#[cfg(feature = "aws")]
pub mod eks;
#[cfg(feature = "aws")]
pub mod emulator;
#[cfg(feature = "aws")]
pub mod https;
#[cfg(feature = "aws")]
pub mod kubelet;
pub mod memory;
pub mod port;
pub mod process;
#[cfg(feature = "aws")]
pub mod proxy;
pub mod registry;
pub mod story;
pub mod tools;
pub mod wait;
pub mod wire;

pub use skip;

use std::path::{Path, PathBuf};

/// Whatever went wrong, in words.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// What stands before `?` in tests.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The root of the repository.
pub fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests.parent().unwrap_or(tests).to_path_buf()
}

/// Outside data for tests and benchmarks: `PLIMSOLL_DATA`, else `../shared/data` beside the repository.
pub fn data(name: &str) -> Option<PathBuf> {
    let folder =
        std::env::var_os("PLIMSOLL_DATA").map_or_else(|| root().join("../shared/data"), PathBuf::from);
    Some(folder.join(name)).filter(|path| path.exists())
}
