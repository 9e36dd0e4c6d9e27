//! Python, by componentize-py: an interpreter with the policy's modules already loaded.

use super::compiler::{first_line, in_path, read_made, run};
use super::sources::{Made, Sources};
use crate::cache;
use crate::world::WORLD;
use std::fs;
use std::path::Path;
use std::process::Command;

/// The version that the SDK is tested with.
const VERSION: &str = "0.25.1";
/// Levels of folders in a policy's.
const DEPTH: u32 = 16;
/// The SDK is found by its own path; the rest is nothing that could be imported.
const NOT_COPIED: [&str; 5] = ["vendor", "examples", "template", "tests", "__pycache__"];

/// A policy in Python: `policy.py` in its folder.
pub(super) fn build(sources: &Sources<'_>) -> Result<(Made, String), String> {
    let out = sources.room.join("policy.wasm");
    let mut python = compiler()?;
    // The interpreter inside writes byte code beside what it imports: let that be copies.
    let (policy, sdk) = (sources.room.join("policy"), sources.room.join("sdk"));
    copy(sources.folder, &policy, 0)?;
    copy(sources.sdk, &sdk, 0)?;
    // Texts are hashed alike each time, and no byte code is left beside the compiler.
    python.envs([("PYTHONHASHSEED", "0"), ("PYTHONDONTWRITEBYTECODE", "1")]);
    // Packages of the environment that happens to be active are none of the policy's.
    python.env_remove("VIRTUAL_ENV").env_remove("PYTHONPATH");
    python
        .arg("-d")
        .arg(&sources.world.folder)
        .args(["-w", WORLD, "componentize", "--stub-wasi"]);
    python
        .arg("plimsoll_sdk.app")
        .arg("-p")
        .arg(policy)
        .arg("-p")
        .arg(sdk);
    python.arg("-o").arg(&out);
    run(&mut python)?;
    Ok((
        Made::Component(read_made(&out)?),
        format!("componentize-py {VERSION}"),
    ))
}

/// Copies what may be imported: everything but hidden files, byte code, components and what a SDK shows.
fn copy(from: &Path, to: &Path, depth: u32) -> Result<(), String> {
    let fail = |why: std::io::Error| format!("{}: {why}", from.display());
    if depth > DEPTH {
        return Err(format!("{}: folders nested too deep", from.display()));
    }
    fs::create_dir_all(to).map_err(fail)?;
    for entry in fs::read_dir(from).map_err(fail)? {
        let entry = entry.map_err(fail)?;
        let name = entry.file_name();
        let shown = name.to_string_lossy();
        let path = entry.path();
        if shown.starts_with('.') || shown.ends_with(".wasm") || NOT_COPIED.contains(&shown.as_ref()) {
            continue;
        }
        if path.is_dir() {
            copy(&path, &to.join(&name), depth + 1)?;
        } else {
            fs::copy(&path, to.join(&name)).map_err(|why| format!("{}: {why}", path.display()))?;
        }
    }
    Ok(())
}

fn compiler() -> Result<Command, String> {
    let folder = cache::folder("python-tools")?;
    let python = folder.join("bin/python");
    let ours = || {
        let mut ours = Command::new(&python);
        // Not its script, which names the folder that it was installed into first.
        ours.args(["-c", "import componentize_py; componentize_py.script()"]);
        ours
    };
    let is_it = |mut program: Command| {
        let said = first_line(program.arg("--version"));
        said.is_some_and(|said| said.ends_with(VERSION))
    };
    if python.is_file() && is_it(ours()) {
        return Ok(ours());
    }
    let found = in_path("componentize-py").filter(|found| is_it(Command::new(found)));
    found.map(Command::new).ok_or_else(|| {
        let folder = folder.display();
        format!(
            "no componentize-py {VERSION} here; install it:\n  \
             python3 -m venv {folder} && {folder}/bin/pip install componentize-py=={VERSION}"
        )
    })
}
