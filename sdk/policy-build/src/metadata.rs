//! What a policy says of itself: a JSON object in the custom section `plimsoll.policy` of its component, so that it
//! survives every copy of the file. Written by `policy build` from `policy.yaml` or `Cargo.toml`, and from
//! `config.schema.json` where the folder has one; shown by `inspect`.
//!
//! Nothing here is believed where it matters: the daemon looks at imports and exports, and at the answers.

use crate::manifest::{MANIFEST, Manifest};
use crate::{schema, world};
use model::advice::Hook;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use wasm_encoder::{ComponentSection, CustomSection};
use wasmparser::{Parser, Payload};

/// Name of the section.
pub const SECTION: &str = "plimsoll.policy";
/// File of a policy's folder with the JSON Schema of its configuration.
pub const SCHEMA: &str = "config.schema.json";
/// Largest schema, bytes: as large as the configuration may be.
const SCHEMA_BYTES: u64 = 256 << 10;

/// The object in the section. Only ever added to; what an older component does not have is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Metadata {
    /// Name of the policy.
    pub name: String,
    /// Its own version, as its author writes it.
    pub version: String,
    /// What it does, in a line.
    pub description: String,
    /// What it is written in.
    pub language: String,
    /// The questions that it answers, by name.
    pub hooks: Vec<String>,
    /// Version of the contract whose SDK it was built with.
    pub sdk: String,
    /// JSON Schema of the configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_schema: Option<Value>,
}

impl Metadata {
    /// Of a policy's folder, and what could be seen of its component.
    ///
    /// # Errors
    /// A line that names the file of the folder and what is wrong with it.
    pub fn of(folder: &Path, hooks: &[Hook]) -> Result<Self, String> {
        let hooks = hooks.iter().map(Hook::to_string).collect();
        let config_schema = schema_of(folder)?;
        let sdk = world::version().to_owned();
        if folder.join(MANIFEST).is_file() {
            let manifest = Manifest::read(folder)?;
            return Ok(Self {
                name: manifest.name,
                version: manifest.version,
                description: manifest.description,
                language: manifest.language.as_str().to_owned(),
                hooks,
                sdk,
                config_schema,
            });
        }
        let package = package(folder)?;
        let text = |field: &str| package[field].as_str().unwrap_or_default().to_owned();
        Ok(Self {
            name: text("name"),
            version: text("version"),
            description: text("description"),
            language: "rust".to_owned(),
            hooks,
            sdk,
            config_schema,
        })
    }

    /// Puts this into a component, at its end.
    ///
    /// # Errors
    /// A line that says what cannot be written as JSON.
    pub fn embed(&self, component: &mut Vec<u8>) -> Result<(), String> {
        let data = serde_json::to_vec(self).map_err(|why| why.to_string())?;
        let section = CustomSection {
            name: SECTION.into(),
            data: Cow::Owned(data),
        };
        section.append_to_component(component);
        Ok(())
    }

    /// Out of a component; `None` where it says nothing of itself.
    ///
    /// # Errors
    /// Why the section cannot be read.
    pub fn read(component: &[u8]) -> Result<Option<Self>, String> {
        let Some(data) = section(component)? else {
            return Ok(None);
        };
        let read = serde_json::from_slice(data);
        read.map(Some).map_err(|why| format!("section {SECTION}: {why}"))
    }
}

/// The bytes of a component's section, unread; `None` where it says nothing of itself.
///
/// # Errors
/// Why the component cannot be read up to there.
pub fn section(component: &[u8]) -> Result<Option<&[u8]>, String> {
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(|why| why.to_string())? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            // Those of the modules inside are others'.
            Payload::CustomSection(custom) if depth == 0 && custom.name() == SECTION => {
                return Ok(Some(custom.data()));
            }
            _ => {}
        }
    }
    Ok(None)
}

/// The schema in the folder, which must be one.
fn schema_of(folder: &Path) -> Result<Option<Value>, String> {
    let file = folder.join(SCHEMA);
    let bytes = match fs::metadata(&file) {
        Ok(metadata) if metadata.len() > SCHEMA_BYTES => {
            return Err(format!(
                "{SCHEMA}: {} bytes are more than the {SCHEMA_BYTES} allowed",
                metadata.len()
            ));
        }
        Ok(_) => fs::read(&file).map_err(|why| format!("{SCHEMA}: {why}"))?,
        Err(_) => return Ok(None),
    };
    let schema: Value = serde_json::from_slice(&bytes).map_err(|why| format!("{SCHEMA}: {why}"))?;
    schema::sound(&schema).map_err(|why| format!("{SCHEMA}: {why}"))?;
    Ok(Some(schema))
}

/// The package of a Rust policy's folder, with what it inherits from a workspace.
fn package(folder: &Path) -> Result<Value, String> {
    let mut cargo = Command::new("cargo");
    cargo.args([
        "metadata",
        "--no-deps",
        "--format-version",
        "1",
        "--manifest-path",
    ]);
    let output = cargo
        .arg(folder.join("Cargo.toml"))
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    let output = output.map_err(|why| format!("cargo cannot be started: {why}"))?;
    let whole: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    let manifest = folder
        .join("Cargo.toml")
        .canonicalize()
        .map_err(|why| format!("Cargo.toml: {why}"))?;
    let manifest = manifest.to_string_lossy();
    let ours = whole["packages"].as_array().into_iter().flatten();
    let mut ours = ours.filter(|package| package["manifest_path"] == *manifest);
    ours.next()
        .cloned()
        .ok_or_else(|| "Cargo.toml: `cargo metadata` does not know the package".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_embedded_is_read_back_and_the_component_stays_one() {
        let mut component = wat::parse_str("(component (core module))").unwrap();
        assert_eq!(Metadata::read(&component), Ok(None));
        let said = Metadata {
            name: "größe".to_owned(),
            config_schema: Some(json!({"type": "object"})),
            ..Metadata::default()
        };
        said.embed(&mut component).unwrap();
        assert_eq!(Metadata::read(&component), Ok(Some(said)));
        let mut bad = wat::parse_str("(component)").unwrap();
        let section = CustomSection {
            name: SECTION.into(),
            data: Cow::Borrowed(b"{]"),
        };
        section.append_to_component(&mut bad);
        assert!(
            Metadata::read(&bad)
                .unwrap_err()
                .starts_with("section plimsoll.policy")
        );
    }

    #[test]
    fn a_schema_must_be_one() {
        let room = tempfile::tempdir().unwrap();
        for (text, why) in [
            ("{", "EOF"),
            ("[]", "a JSON object"),
            ("{\"type\": 7}", "`type` is not known"),
        ] {
            fs::write(room.path().join(SCHEMA), text).unwrap();
            let said = schema_of(room.path()).unwrap_err();
            assert!(said.starts_with(SCHEMA) && said.contains(why), "{said}");
        }
        fs::remove_file(room.path().join(SCHEMA)).unwrap();
        assert_eq!(schema_of(room.path()), Ok(None));
    }
}
