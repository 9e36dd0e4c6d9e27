//! Zig, and the compiler that C shares with it. One version: Zig changes its language between minor ones.

use super::compiler::{first_line, in_path, read_made, run};
use super::sources::{Made, Sources};
use crate::cache;
use std::path::PathBuf;
use std::process::Command;

/// The version that both SDKs are tested with.
const VERSION: &str = "0.17.1";

/// A policy in Zig: `policy.zig` in its folder.
pub(super) fn build(sources: &Sources<'_>) -> Result<(Made, String), String> {
    let out = sources.room.join("core.wasm");
    let mut emit = std::ffi::OsString::from("-femit-bin=");
    emit.push(&out);
    let root = |name: &str, file: PathBuf| format!("-M{name}={}", file.display());
    let mut zig = compiler()?;
    // Without overflow checks a policy could answer nonsense: no ReleaseFast.
    zig.args([
        "build-exe",
        "-target",
        "wasm32-freestanding",
        "-O",
        "ReleaseSafe",
        "-fstrip",
    ]);
    zig.args(["-fno-entry", "-rdynamic", "--stack", "65536", "--name", "core"]);
    zig.arg(emit);
    zig.args(["--dep", "policy"]);
    zig.arg(root("root", sources.sdk.join("src/plimsoll.zig")));
    zig.args(["--dep", "plimsoll=root"]);
    zig.arg(root("policy", sources.folder.join("policy.zig")));
    run(&mut zig)?;
    let made = Made::Core {
        module: read_made(&out)?,
        adapter: None,
    };
    Ok((made, format!("Zig {VERSION}")))
}

/// The compiler, with its caches in ours.
pub(super) fn compiler() -> Result<Command, String> {
    let python = cache::folder("zig-tools")?.join("bin/python");
    let of_python = || {
        let mut zig = Command::new(&python);
        zig.args(["-m", "ziglang"]);
        zig
    };
    let is_it = |mut zig: Command| first_line(zig.arg("version")).as_deref() == Some(VERSION);
    let mut zig = if python.is_file() && is_it(of_python()) {
        of_python()
    } else if let Some(found) = in_path("zig").filter(|zig| is_it(Command::new(zig))) {
        Command::new(found)
    } else {
        let folder = cache::folder("zig-tools")?;
        let folder = folder.display();
        return Err(format!(
            "no Zig {VERSION} here (it compiles C, too); install it:\n  \
             python3 -m venv {folder} && {folder}/bin/pip install ziglang=={VERSION}"
        ));
    };
    let kept = cache::folder("zig-cache")?;
    zig.env("ZIG_GLOBAL_CACHE_DIR", &kept)
        .env("ZIG_LOCAL_CACHE_DIR", &kept);
    Ok(zig)
}
