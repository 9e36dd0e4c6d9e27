//! `policy.yaml`: what a policy is called, what it is written in, and which questions it answers.

use model::advice::Hook;
use serde::Deserialize;
use std::fs;
use std::path::{Path, PathBuf};

/// Names the language of a policy's folder.
pub const MANIFEST: &str = "policy.yaml";

/// `policy.yaml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Name of the policy.
    pub name: String,
    /// Its version.
    #[serde(default)]
    pub version: String,
    /// What it does, in a line.
    #[serde(default)]
    pub description: String,
    /// What it is written in.
    pub language: Language,
    /// The questions it answers.
    pub hooks: Vec<Hook>,
    /// Where the SDK of its language is, from its folder.
    #[serde(default = "vendored")]
    pub sdk: PathBuf,
}

fn vendored() -> PathBuf {
    "vendor/plimsoll-sdk".into()
}

/// Languages beside Rust.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
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

impl Language {
    /// As `policy.yaml` and `policy new --lang` have it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AssemblyScript => "assemblyscript",
            Self::C => "c",
            Self::Go => "go",
            Self::Js => "js",
            Self::Python => "python",
            Self::Zig => "zig",
        }
    }
}

impl Manifest {
    /// Reads the file in a policy's folder.
    ///
    /// # Errors
    /// A line that names the file, and its field where one is wrong.
    pub fn read(folder: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(folder.join(MANIFEST)).map_err(|why| format!("{MANIFEST}: {why}"))?;
        let manifest: Self = serde_saphyr::from_str(&text).map_err(|why| format!("{MANIFEST}: {why}"))?;
        if manifest.hooks.is_empty() {
            return Err(format!("{MANIFEST}: hooks: names none"));
        }
        if !is_policy_name(&manifest.name) {
            let name = &manifest.name;
            return Err(format!(
                "{MANIFEST}: name: `{name}`: small letters, digits and hyphens are meant"
            ));
        }
        Ok(manifest)
    }
}

/// Whether a policy may be called so: small letters, digits and hyphens, a letter first, at most 63.
pub fn is_policy_name(name: &str) -> bool {
    name.len() <= 63
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

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
            assert_eq!(is_policy_name(name), ok, "{name}");
        }
    }

    #[test]
    fn what_is_wrong_with_a_manifest_is_named() {
        let room = tempfile::tempdir().unwrap();
        let refused = |text: &str| {
            fs::write(room.path().join(MANIFEST), text).unwrap();
            Manifest::read(room.path()).unwrap_err()
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
