//! `policy new`: a folder that builds and passes its tests as it is, with the SDK of its language beside it.
//!
//! The SDK is written into the folder from what this program was built with, so that a policy needs no registry copy of
//! it and keeps building when the program is updated.

mod kit;
mod rust;

use super::{HookArg, LanguageArg};
use crate::exit::{Exit, Unreadable};
use crate::output::line;
use model::advice::Hook;
use policy_build::is_policy_name;
use policy_build::metadata::SCHEMA;
use std::fs;
use std::io;
use std::path::Path;

/// The hooks of a new policy, at least one.
type Hooks<'a> = &'a [Hook];

/// Runs `policy new`.
pub(super) fn run(name: &str, language: LanguageArg, hooks: &[HookArg], dir: &Path) -> anyhow::Result<Exit> {
    if !is_policy_name(name) {
        return Err(Unreadable::new(format_args!(
            "name `{name}`: begin with a small letter, go on with small letters, digits and hyphens (at most 63)"
        ))
        .into());
    }
    let folder = dir.join(name);
    if folder.exists() {
        return Err(Unreadable::new(format_args!("{}: is there already", folder.display())).into());
    }
    let mut hooks: Vec<Hook> = hooks.iter().map(|hook| hook.hook()).collect();
    hooks.sort_unstable();
    hooks.dedup();
    let source = write_all(&folder, name, language, &hooks)
        .map_err(|why| Unreadable::new(format_args!("{}: {why}", folder.display())))?;
    let shown = folder.display();
    line(format_args!(
        "{shown} is ready. Next:\n  plimsoll policy test {shown}\n  plimsoll policy build {shown}\nThe policy is in {shown}/{source}."
    ))?;
    Ok(Exit::Done)
}

/// Writes the folder and tells where the policy is in it; several hooks are all over it.
fn write_all(folder: &Path, name: &str, language: LanguageArg, hooks: Hooks<'_>) -> io::Result<&'static str> {
    let source = match language {
        LanguageArg::Rust => rust::write_all(folder, name, hooks)?,
        other => kit::of(other).write_all(folder, name, hooks)?,
    };
    write(folder, "config.json", "{}\n")?;
    // Several hooks read the same configuration, and each refuses what is not its own: no schema holds for them together.
    if let [hook] = hooks {
        write(folder, SCHEMA, schema(*hook))?;
    }
    for hook in hooks {
        let cases = if hooks.len() == 1 {
            table(*hook).to_owned()
        } else {
            unconfigured(table(*hook))
        };
        write(folder, &format!("tests/{hook}.yaml"), cases)?;
    }
    Ok(if hooks.len() == 1 { source } else { "" })
}

/// What a policy out of the template answers, in whatever language.
fn table(hook: Hook) -> &'static str {
    match hook {
        Hook::Scaler => include_str!("templates/tables/scaler.yaml"),
        Hook::Placement => include_str!("templates/tables/placement.yaml"),
        Hook::Headroom => include_str!("templates/tables/headroom.yaml"),
        Hook::Disruption => include_str!("templates/tables/disruption.yaml"),
        Hook::Review => include_str!("templates/tables/review.yaml"),
    }
}

/// What the configuration of a policy out of the template looks like, in whatever language.
fn schema(hook: Hook) -> &'static str {
    match hook {
        Hook::Scaler => include_str!("templates/schemas/scaler.json"),
        Hook::Placement => include_str!("templates/schemas/placement.json"),
        Hook::Headroom => include_str!("templates/schemas/headroom.json"),
        Hook::Disruption => include_str!("templates/schemas/disruption.json"),
        Hook::Review => include_str!("templates/schemas/review.json"),
    }
}

/// A table without the cases that set something: several hooks read the same configuration, and each refuses what is not
/// its own.
fn unconfigured(table: &str) -> String {
    let (head, cases) = table.split_once("- name: ").unwrap_or((table, ""));
    let cases = cases
        .split("- name: ")
        .filter(|case| !case.contains("\n  config:"));
    cases.fold(head.to_owned(), |text, case| text + "- name: " + case)
}

fn write(folder: &Path, path: &str, bytes: impl AsRef<[u8]>) -> io::Result<()> {
    let file = folder.join(path);
    if let Some(parent) = file.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(file, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_template_has_a_schema_that_its_tables_keep_to() {
        for hook in Hook::ALL {
            let schema: serde_json::Value = serde_json::from_str(schema(hook)).unwrap();
            assert_eq!(policy_build::schema::sound(&schema), Ok(()), "{hook}");
            let table: serde_json::Value = serde_saphyr::from_str(table(hook)).unwrap();
            let configured = table["cases"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|case| case["config"].is_object());
            for case in configured {
                let problems = policy_build::schema::problems(&schema, &case["config"]);
                assert_eq!(problems, Vec::<String>::new(), "{hook}: {}", case["name"]);
            }
        }
    }

    #[test]
    fn nothing_is_overwritten() {
        let room = tempfile::tempdir().unwrap();
        let new = |name: &str, language| run(name, language, &[HookArg::Scaler], room.path());
        assert!(new("mine", LanguageArg::Rust).is_ok());
        for file in ["wit/view.wit", "guest/src/rows/cluster.rs"] {
            let file = room.path().join("mine/vendor/plimsoll-sdk").join(file);
            assert!(file.is_file(), "{}", file.display());
        }
        let refused = new("mine", LanguageArg::C).unwrap_err();
        assert!(refused.to_string().contains("is there already"));
    }

    #[test]
    fn a_folder_in_any_language_has_what_it_needs_and_nothing_else() {
        let room = tempfile::tempdir().unwrap();
        for (language, source) in [
            (LanguageArg::Assemblyscript, "policy.ts"),
            (LanguageArg::C, "policy.c"),
            (LanguageArg::Go, "policy.go"),
            (LanguageArg::Js, "policy.ts"),
            (LanguageArg::Python, "policy.py"),
            (LanguageArg::Zig, "policy.zig"),
        ] {
            let name = format!("{language:?}").to_lowercase();
            run(&name, language, &[HookArg::Review], room.path()).unwrap();
            let folder = room.path().join(&name);
            let manifest = policy_build::Manifest::read(&folder).unwrap();
            assert_eq!(
                (manifest.name.as_str(), manifest.hooks),
                (name.as_str(), vec![Hook::Review])
            );
            for file in [source, "README.md", "config.json", "tests/review.yaml"] {
                assert!(folder.join(file).is_file(), "{name}: {file}");
            }
            let sdk = folder.join(manifest.sdk);
            assert!(sdk.join("README.md").is_file(), "{name}: no SDK");
            for other in ["examples", "template", "node_modules", "__pycache__"] {
                assert!(!sdk.join(other).exists(), "{name}: {other}");
            }
        }
    }
}
