//! AssemblyScript: the build script of the SDK, run by Node.js with the packages of its lock file.

use super::compiler::{read_made, run};
use super::js;
use super::sources::{Made, Sources};
use std::process::Command;

/// A policy in AssemblyScript: `policy.ts` in its folder.
pub(super) fn build(sources: &Sources<'_>) -> Result<(Made, String), String> {
    let version = js::node()?;
    let tools = js::tools(sources.sdk)?;
    let out = sources.room.join("core.wasm");
    let mut node = Command::new("node");
    node.arg(sources.sdk.join("build/build.mjs"));
    node.arg(tools)
        .arg(sources.folder)
        .arg(&sources.world.folder)
        .arg(&out);
    run(&mut node)?;
    let made = Made::Core {
        module: read_made(&out)?,
        adapter: None,
    };
    Ok((made, format!("AssemblyScript, Node.js {version}")))
}
