//! Finding compilers, running them, and reading what they made.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, io};

/// Runs a compiler; what it says goes to stderr, so that stdout stays ours.
pub(super) fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let fail = |why: io::Error| format!("{program} cannot be started: {why}");
    let output = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(fail)?;
    let output = output.wait_with_output().map_err(fail)?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stdout);
    // Where stderr is closed, nobody wants to know.
    let _ = writeln!(io::stderr().lock(), "{}", said.trim_end());
    Err("does not compile (see above)".to_owned())
}

/// What a command prints first on stdout; `None` where it cannot be run or fails.
pub(super) fn first_line(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.lines().next()?.trim().to_owned();
    output.status.success().then_some(line)
}

/// Files of a folder with one of these endings, in the order of their names.
pub(super) fn files(folder: &Path, endings: &[&str]) -> Result<Vec<PathBuf>, String> {
    let fail = |why: io::Error| format!("{}: {why}", folder.display());
    let entries = fs::read_dir(folder).map_err(fail)?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    let mut files = paths.collect::<Result<Vec<_>, _>>().map_err(fail)?;
    let of_ending = |path: &PathBuf| {
        let ending = path.extension().and_then(|ending| ending.to_str());
        ending.is_some_and(|ending| endings.contains(&ending))
    };
    files.retain(of_ending);
    files.sort();
    Ok(files)
}

pub(super) fn read_made(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|why| format!("{}: {why}", file.display()))
}

/// A program in PATH.
pub(super) fn in_path(program: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}
