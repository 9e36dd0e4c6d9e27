//! `policy new`: a folder that builds and passes its tests as it is, with the SDK beside it.
//!
//! The SDK is written into the folder from what this program was built with, so that a policy needs no registry copy of
//! it and keeps building when the program is updated.

use super::HookArg;
use crate::exit::{Exit, Unreadable};
use crate::output::line;
use include_dir::{Dir, include_dir};
use std::fs;
use std::io;
use std::path::Path;

/// Sources of the SDK.
static GUEST: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../guest/src");
/// The contract.
const WIT: [(&str, &str); 3] = [
    ("hooks.wit", include_str!("../../../../wit/hooks.wit")),
    ("host.wit", include_str!("../../../../wit/host.wit")),
    ("view.wit", include_str!("../../../../wit/view.wit")),
];
/// Where the versions are that the SDK is tested with.
const WORKSPACE: &str = include_str!("../../../../../Cargo.toml");
const SDK: &str = "vendor/plimsoll-sdk";

/// Runs `policy new`.
pub(super) fn run(name: &str, hook: HookArg, dir: &Path) -> anyhow::Result<Exit> {
    if !valid(name) {
        return Err(Unreadable::new(format_args!(
            "name `{name}`: begin with a small letter, go on with small letters, digits and hyphens (at most 63)"
        ))
        .into());
    }
    let folder = dir.join(name);
    if folder.exists() {
        return Err(Unreadable::new(format_args!("{}: is there already", folder.display())).into());
    }
    write_all(&folder, name, hook)
        .map_err(|why| Unreadable::new(format_args!("{}: {why}", folder.display())))?;
    let shown = folder.display();
    line(format_args!(
        "{shown} is ready. Next:\n  plimsoll policy test {shown}\n  plimsoll policy build {shown}\nThe policy is in {shown}/src/lib.rs."
    ))?;
    Ok(Exit::Done)
}

fn valid(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn write_all(folder: &Path, name: &str, hook: HookArg) -> io::Result<()> {
    let source = match hook {
        HookArg::Scaler => include_str!("templates/scaler.rs.txt"),
        HookArg::Placement => include_str!("templates/placement.rs.txt"),
        HookArg::Headroom => include_str!("templates/headroom.rs.txt"),
        HookArg::Disruption => include_str!("templates/disruption.rs.txt"),
        HookArg::Review => include_str!("templates/review.rs.txt"),
    };
    let write = |path: &str, text: &str| -> io::Result<()> {
        let file = folder.join(path);
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(file, text)
    };
    let sources = folder.join(SDK).join("guest/src");
    fs::create_dir_all(&sources)?;
    GUEST.extract(&sources)?;
    for (path, text) in WIT {
        write(&format!("{SDK}/wit/{path}"), text)?;
    }
    write(&format!("{SDK}/guest/Cargo.toml"), &sdk_manifest())?;
    write("src/lib.rs", source)?;
    write("config.json", "{}\n")?;
    write(".gitignore", "/target\n*.wasm\n")?;
    write(
        "README.md",
        &include_str!("templates/README.md.txt").replace("NAME", name),
    )?;
    write("Cargo.toml", &manifest(name))
}

fn manifest(name: &str) -> String {
    format!(
        r#"[package]
name = "{name}"
version = "0.1.0"
edition = "2024"
publish = false

[lib]
crate-type = ["cdylib", "rlib"]

[dependencies]
plimsoll-sdk = {{ path = "{SDK}/guest" }}
{}

[workspace]
exclude = ["vendor"]
"#,
        dependency("serde")
    )
}

fn sdk_manifest() -> String {
    format!(
        r#"[package]
name = "plimsoll-sdk"
version = "{}"
edition = "2024"
license = "Apache-2.0"
publish = false

[lib]
name = "plimsoll_sdk"

[dependencies]
{}
{}

[target.'cfg(target_arch = "wasm32")'.dependencies]
{}

[workspace]
"#,
        env!("CARGO_PKG_VERSION"),
        dependency("serde"),
        dependency("serde_json"),
        dependency("wit-bindgen"),
    )
}

/// The line of the workspace that says which version of a crate is used.
fn dependency(name: &str) -> &'static str {
    let of_name = |line: &&str| line.split_once(" = ").is_some_and(|(key, _)| key == name);
    let line = WORKSPACE.lines().find(of_name).unwrap_or_default();
    line.split_once(" # ").map_or(line, |(line, _)| line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_come_from_the_workspace() {
        for name in ["serde", "serde_json", "wit-bindgen"] {
            let line = dependency(name);
            assert!(
                line.starts_with(name) && line.contains('"') && !line.contains('#'),
                "{name}: {line}"
            );
        }
    }

    #[test]
    fn names_are_names_of_packages_and_folders() {
        for (name, ok) in [
            ("a", true),
            ("keep-2", true),
            ("2x", false),
            ("A", false),
            ("../x", false),
            ("", false),
        ] {
            assert_eq!(valid(name), ok, "{name}");
        }
    }

    #[test]
    fn nothing_is_overwritten() {
        let room = tempfile::tempdir().unwrap();
        assert!(run("mine", HookArg::Scaler, room.path()).is_ok());
        for file in ["wit/view.wit", "guest/src/rows/cluster.rs"] {
            assert!(room.path().join("mine").join(SDK).join(file).is_file(), "{file}");
        }
        let refused = run("mine", HookArg::Scaler, room.path()).unwrap_err();
        assert!(refused.to_string().contains("is there already"));
    }
}
