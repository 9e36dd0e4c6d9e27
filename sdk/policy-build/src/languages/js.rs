//! JavaScript and TypeScript, by QuickJS: the build script of the SDK, run by Node.js with the packages of its lock file.

use super::compiler::{first_line, in_path, read_made, run};
use super::sources::{Made, Sources};
use crate::cache;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The first Node.js that the packages run on.
const OLDEST: u32 = 20;

/// A policy in JavaScript or TypeScript: `policy.ts` or `policy.js` in its folder.
pub(super) fn build(sources: &Sources<'_>) -> Result<(Made, String), String> {
    let version = node()?;
    let tools = tools(sources.sdk)?;
    let out = sources.room.join("policy.wasm");
    let mut node = Command::new("node");
    node.arg(sources.sdk.join("build/build.mjs"));
    node.arg(tools)
        .arg(sources.folder)
        .arg(&sources.world.folder)
        .arg(&out);
    run(&mut node)?;
    Ok((
        Made::Component(read_made(&out)?),
        format!("QuickJS, Node.js {version}"),
    ))
}

/// Version of the Node.js in PATH.
pub(super) fn node() -> Result<String, String> {
    let said = in_path("node").and_then(|node| first_line(Command::new(node).arg("--version")));
    let version = said.and_then(|said| said.strip_prefix('v').map(str::to_owned));
    let new_enough = |version: &String| {
        let major = version.split('.').next().and_then(|major| major.parse().ok());
        major.is_some_and(|major: u32| major >= OLDEST)
    };
    version.filter(new_enough).ok_or_else(|| {
        format!("no Node.js {OLDEST} or newer here; install it from nodejs.org or with a package manager")
    })
}

/// The folder of the cache in which the packages of the SDK's lock file are; says how to install them where they are not.
pub(super) fn tools(sdk: &Path) -> Result<PathBuf, String> {
    let lock = sdk.join("package-lock.json");
    let bytes = fs::read(&lock).map_err(|why| format!("{}: {why}", lock.display()))?;
    let folder = cache::folder("node-tools")?.join(short_digest(&bytes));
    if folder.join("node_modules").is_dir() {
        return Ok(folder);
    }
    let (to, from) = (folder.display(), sdk.display());
    Err(format!(
        "the packages that build it are not here; install them:\n  \
         mkdir -p {to} && cp {from}/package.json {from}/package-lock.json {to} && npm install --no-save --ignore-scripts --prefix {to}"
    ))
}

/// The first sixteen digits of the SHA-256.
fn short_digest(bytes: &[u8]) -> String {
    let digest = Sha256::digest(bytes);
    digest.iter().take(8).fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
