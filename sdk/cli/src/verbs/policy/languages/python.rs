//! Python, by componentize-py: an interpreter with the policy's modules already loaded.

use super::component::WORLD;
use super::{Made, Sources, cache, first_line, in_path, read_made, run};
use std::process::Command;

/// The version that the SDK is tested with.
const VERSION: &str = "0.25.1";

/// A policy in Python: `policy.py` in its folder.
pub(super) fn build(sources: &Sources<'_>) -> Result<(Made, String), String> {
    let out = sources.room.join("policy.wasm");
    let mut python = compiler()?;
    // Texts are hashed alike each time, and no byte code is left in the policy's folder.
    python.envs([("PYTHONHASHSEED", "0"), ("PYTHONDONTWRITEBYTECODE", "1")]);
    python
        .arg("-d")
        .arg(&sources.world.folder)
        .args(["-w", WORLD, "componentize", "--stub-wasi"]);
    python
        .arg("plimsoll_sdk.app")
        .arg("-p")
        .arg(sources.folder)
        .arg("-p")
        .arg(sources.sdk);
    python.arg("-o").arg(&out);
    run(&mut python)?;
    Ok((
        Made::Component(read_made(&out)?),
        format!("componentize-py {VERSION}"),
    ))
}

fn compiler() -> Result<Command, String> {
    let folder = cache("python-tools")?;
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
