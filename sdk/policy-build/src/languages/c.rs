//! C, without a C library: every `.c` file of the folder and of the SDK, by Zig's C compiler.

use super::compiler::{files, read_made, run};
use super::sources::{Made, Sources};
use super::zig;

/// A policy in C.
pub(super) fn build(sources: &Sources<'_>) -> Result<(Made, String), String> {
    let own = files(sources.folder, &["c"])?;
    if own.is_empty() {
        return Err("holds no .c file".to_owned());
    }
    let out = sources.room.join("core.wasm");
    let mut cc = zig::compiler()?;
    cc.args([
        "cc",
        "-target",
        "wasm32-freestanding",
        "-std=c11",
        "-O2",
        "-ffreestanding",
    ]);
    cc.args([
        "-Wall",
        "-Wextra",
        "-Werror",
        "-nostdlib",
        "-Wl,--no-entry",
        "-Wl,-s",
    ]);
    cc.args(["-Wl,-z,stack-size=65536", "-I"])
        .arg(sources.sdk.join("include"));
    cc.arg("-o").arg(&out);
    cc.args(files(&sources.sdk.join("src"), &["c"])?).args(own);
    run(&mut cc)?;
    let made = Made::Core {
        module: read_made(&out)?,
        adapter: None,
    };
    Ok((made, "C, zig cc".to_owned()))
}
