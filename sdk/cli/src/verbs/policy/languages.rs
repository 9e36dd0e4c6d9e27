//! Building a policy in whatever language it is written. `policy.yaml` in its folder names the language and the hooks; a
//! folder without one is a Rust package (`build`).
//!
//! A language's module knows its compiler: finds it, says what to install where it is missing, and makes a core module
//! or a component. Installs nothing into the policy's folder.

mod assemblyscript;
mod c;
pub(super) mod component;
mod go;
mod js;
mod python;
mod zig;

use super::build::{self, Built};
use super::metadata::Metadata;
use super::toolchain::{self, Toolchain};
use component::World;
use model::advice::Hook;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use std::{env, fs};

/// Names the language of a policy's folder.
pub(super) const MANIFEST: &str = "policy.yaml";

/// `policy.yaml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Manifest {
    /// Name of the policy.
    pub(super) name: String,
    /// Its version.
    #[serde(default)]
    pub(super) version: String,
    /// What it does, in a line.
    #[serde(default)]
    pub(super) description: String,
    /// What it is written in.
    pub(super) language: Language,
    /// The questions it answers.
    pub(super) hooks: Vec<Hook>,
    /// Where the SDK of its language is, from its folder.
    #[serde(default = "vendored")]
    pub(super) sdk: PathBuf,
}

fn vendored() -> PathBuf {
    "vendor/plimsoll-sdk".into()
}

/// Languages beside Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Language {
    /// AssemblyScript.
    AssemblyScript,
    /// C.
    C,
    /// Go.
    Go,
    /// JavaScript or TypeScript.
    Js,
    /// Python.
    Python,
    /// Zig.
    Zig,
}

/// What a compiler made.
enum Made {
    /// A core module that speaks the canonical ABI, and the adapter that it needs for WASI, where it does.
    Core {
        module: Vec<u8>,
        adapter: Option<Vec<u8>>,
    },
    /// A component.
    Component(Vec<u8>),
}

/// A policy to be built.
struct Sources<'a> {
    folder: &'a Path,
    sdk: &'a Path,
    world: &'a World,
    /// Empty, and gone afterwards.
    room: &'a Path,
}

/// Builds the policy in a folder, and tells with what.
///
/// # Errors
/// Lines that name the folder and what is wrong, or what to install; a compiler's own messages have gone to stderr by
/// then.
pub(super) fn build(folder: &Path) -> Result<(Built, String), String> {
    let (mut built, tool) = compile(folder)?;
    let fail = |why: String| format!("{}: {why}", folder.display());
    // What is no policy says so where it is looked at; here it is only not told about.
    if let Ok(seen) = host::inspect(&built.bytes, &host::Limits::default()) {
        let hooks: Vec<Hook> = seen.hooks.iter().map(|(hook, _)| *hook).collect();
        let metadata = Metadata::of(folder, &hooks).map_err(fail)?;
        metadata.embed(&mut built.bytes).map_err(fail)?;
    }
    Ok((built, tool))
}

fn compile(folder: &Path) -> Result<(Built, String), String> {
    if !folder.join(MANIFEST).is_file() {
        let toolchain = Toolchain::find()?;
        return Ok((
            build::build(folder, &toolchain)?,
            format!("Rust, {}", toolchain.name()),
        ));
    }
    let started = Instant::now();
    let fail = |why: String| format!("{}: {why}", folder.display());
    let manifest = read(folder).map_err(fail)?;
    let (folder, sdk) = folders(folder, &manifest).map_err(fail)?;
    let room = tempfile::tempdir().map_err(|why| fail(why.to_string()))?;
    let world = World::of(&manifest.hooks, &room.path().join("wit")).map_err(fail)?;
    let sources = Sources {
        folder: &folder,
        sdk: &sdk,
        world: &world,
        room: room.path(),
    };
    let (made, tool) = match manifest.language {
        Language::AssemblyScript => assemblyscript::build(&sources),
        Language::C => c::build(&sources),
        Language::Go => go::build(&sources),
        Language::Js => js::build(&sources),
        Language::Python => python::build(&sources),
        Language::Zig => zig::build(&sources),
    }
    .map_err(fail)?;
    let bytes = match made {
        Made::Component(bytes) => bytes,
        Made::Core { module, adapter } => world.componentize(module, adapter.as_deref()).map_err(fail)?,
    };
    let built = Built {
        package: manifest.name,
        bytes,
        took: started.elapsed(),
    };
    Ok((built, tool))
}

/// Reads `policy.yaml`.
pub(super) fn read(folder: &Path) -> Result<Manifest, String> {
    let text = fs::read_to_string(folder.join(MANIFEST)).map_err(|why| format!("{MANIFEST}: {why}"))?;
    let manifest: Manifest = serde_saphyr::from_str(&text).map_err(|why| format!("{MANIFEST}: {why}"))?;
    if manifest.hooks.is_empty() {
        return Err(format!("{MANIFEST}: hooks: names none"));
    }
    if !super::new::valid(&manifest.name) {
        let name = &manifest.name;
        return Err(format!(
            "{MANIFEST}: name: `{name}`: small letters, digits and hyphens are meant"
        ));
    }
    Ok(manifest)
}

fn folders(folder: &Path, manifest: &Manifest) -> Result<(PathBuf, PathBuf), String> {
    let sdk = folder.join(&manifest.sdk);
    let whole = |path: &Path| {
        path.canonicalize()
            .map_err(|why| format!("{}: {why}", path.display()))
    };
    let sdk = whole(&sdk).map_err(|why| format!("{MANIFEST}: sdk: {why}"))?;
    Ok((whole(folder)?, sdk))
}

/// Runs a compiler; what it says goes to stderr, so that stdout stays ours.
fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let fail = |why: std::io::Error| format!("{program} cannot be started: {why}");
    let output = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(fail)?;
    let output = output.wait_with_output().map_err(fail)?;
    if output.status.success() {
        return Ok(());
    }
    crate::output::say(String::from_utf8_lossy(&output.stdout).trim_end());
    Err("does not compile (see above)".to_owned())
}

/// What a command prints first on stdout; `None` where it cannot be run or fails.
fn first_line(command: &mut Command) -> Option<String> {
    let output = command.stdin(Stdio::null()).stderr(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let line = text.lines().next()?.trim().to_owned();
    output.status.success().then_some(line)
}

/// A folder of ours in the user's cache.
fn cache(name: &str) -> Result<PathBuf, String> {
    let folder = toolchain::cache()?.join(name);
    fs::create_dir_all(&folder).map_err(|why| format!("{}: {why}", folder.display()))?;
    Ok(folder)
}

/// Files of a folder with one of these endings, in the order of their names.
fn files(folder: &Path, endings: &[&str]) -> Result<Vec<PathBuf>, String> {
    let fail = |why: std::io::Error| format!("{}: {why}", folder.display());
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

fn read_made(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|why| format!("{}: {why}", file.display()))
}

/// A program in PATH.
fn in_path(program: &str) -> Option<PathBuf> {
    let folders = env::var_os("PATH")?;
    env::split_paths(&folders)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_manifest_is_named() {
        let room = tempfile::tempdir().unwrap();
        let refused = |text: &str| {
            fs::write(room.path().join(MANIFEST), text).unwrap();
            read(room.path()).unwrap_err()
        };
        for (text, why) in [
            ("name: a\nlanguage: cobol\nhooks: [scaler]\n", "language"),
            ("name: a\nlanguage: go\nhooks: [scalar]\n", "hooks"),
            ("name: a\nlanguage: go\nhooks: []\n", "hooks: names none"),
            ("name: ../a\nlanguage: go\nhooks: [scaler]\n", "name: `../a`"),
            ("name: a\nlanguage: go\nhooks: [scaler]\nhoks: 1\n", "hoks"),
        ] {
            let said = refused(text);
            assert!(said.starts_with(MANIFEST) && said.contains(why), "{said}");
        }
    }
}
