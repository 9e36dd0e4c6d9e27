//! A new policy in Rust: a package with the SDK's sources beside it.

use super::{Hooks, write};
use include_dir::{Dir, include_dir};
use model::advice::Hook;
use policy_build::WIT;
use std::fs;
use std::io;
use std::path::Path;

/// Sources of the SDK.
static GUEST: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../guest/src");
/// Where the versions are that the SDK is tested with.
const WORKSPACE: &str = include_str!("../../../../../../Cargo.toml");
const SDK: &str = "vendor/plimsoll-sdk";

/// Writes it; the policy's own file first.
pub(super) fn write_all(folder: &Path, name: &str, hooks: Hooks<'_>) -> io::Result<&'static str> {
    let sources = folder.join(SDK).join("guest/src");
    fs::create_dir_all(&sources)?;
    GUEST.extract(&sources)?;
    for (path, text) in WIT {
        write(folder, &format!("{SDK}/wit/{path}"), text)?;
    }
    write(folder, &format!("{SDK}/guest/Cargo.toml"), sdk_manifest())?;
    match hooks {
        [hook] => write(folder, "src/lib.rs", template(*hook))?,
        several => {
            let modules: Vec<String> = several.iter().map(|hook| format!("mod {hook};\n")).collect();
            let modules = modules.concat();
            let head = "//! A policy of several hooks, one in each module.\n\n";
            write(folder, "src/lib.rs", format!("{head}{modules}"))?;
            for hook in several {
                write(folder, &format!("src/{hook}.rs"), template(*hook))?;
            }
        }
    }
    write(folder, ".gitignore", "/target\n*.wasm\n")?;
    let readme = include_str!("../templates/README.md.txt").replace("NAME", name);
    write(folder, "README.md", &readme)?;
    write(folder, "Cargo.toml", manifest(name))?;
    Ok("src/lib.rs")
}

fn template(hook: Hook) -> &'static str {
    match hook {
        Hook::Scaler => include_str!("../templates/scaler.rs.txt"),
        Hook::Placement => include_str!("../templates/placement.rs.txt"),
        Hook::Headroom => include_str!("../templates/headroom.rs.txt"),
        Hook::Disruption => include_str!("../templates/disruption.rs.txt"),
        Hook::Review => include_str!("../templates/review.rs.txt"),
    }
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
}
