//! What the manifest of a policy says of it: what its builder wrote into the component's section `plimsoll.policy`, and what
//! can be seen in the component itself. Where both say something, the component is believed.

use host::Limits;
use policy_build::metadata::{self, SECTION};
use registry::{Artifact, Digest};
use serde_json::Value;
use std::collections::BTreeMap;

/// A text longer than this is left out, bytes.
const LONGEST: usize = 4 << 10;

/// An artifact of a component, with these annotations beside its own; theirs win.
pub(super) fn artifact(component: Vec<u8>, further: &[(String, String)]) -> Result<Artifact, String> {
    let seen = host::inspect(&component, &Limits::default()).map_err(|why| why.to_string())?;
    let mut annotations = match section(&component)? {
        Some(described) => told(&described),
        None => BTreeMap::new(),
    };
    let hooks: Vec<&str> = seen.hooks.iter().map(|(hook, _)| hook.as_str()).collect();
    annotations.insert("io.plimsoll.policy.hooks".to_owned(), hooks.join(","));
    annotations.extend(further.iter().cloned());
    Ok(Artifact {
        imports: seen.imports,
        exports: seen.exports,
        annotations,
        component,
    })
}

/// The description in a component, where there is one.
fn section(component: &[u8]) -> Result<Option<Value>, String> {
    let section = metadata::section(component).map_err(|why| format!("malformed: {why}"))?;
    let read = section.map(serde_json::from_slice).transpose();
    read.map_err(|why| format!("section {SECTION}: {why}"))
}

fn told(described: &Value) -> BTreeMap<String, String> {
    let mut annotations = BTreeMap::new();
    for (field, names) in [
        (
            "name",
            &["org.opencontainers.image.title", "io.plimsoll.policy.name"][..],
        ),
        ("version", &["org.opencontainers.image.version"]),
        ("description", &["org.opencontainers.image.description"]),
        ("language", &["io.plimsoll.policy.language"]),
        ("sdk", &["io.plimsoll.policy.sdk"]),
    ] {
        let text = described[field].as_str().unwrap_or_default();
        if text.is_empty() || text.len() > LONGEST {
            continue;
        }
        for name in names {
            annotations.insert((*name).to_owned(), text.to_owned());
        }
    }
    // As large as its author likes: the component has it, the manifest says which it is.
    if let schema @ Value::Object(_) = &described["config_schema"] {
        let digest = Digest::of(schema.to_string().as_bytes());
        annotations.insert(
            "io.plimsoll.policy.config-schema-digest".to_owned(),
            digest.to_string(),
        );
    }
    annotations
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The smallest component with a custom section.
    fn with_section(text: &str) -> Vec<u8> {
        let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
        let mut body = vec![u8::try_from(SECTION.len()).unwrap()];
        body.extend(SECTION.as_bytes());
        body.extend(text.as_bytes());
        bytes.push(0);
        assert!(body.len() < 16_384);
        // LEB128 in two bytes.
        bytes.extend([
            u8::try_from(body.len() & 0x7f).unwrap() | 0x80,
            u8::try_from(body.len() >> 7).unwrap(),
        ]);
        bytes.extend(body);
        bytes
    }

    #[test]
    fn what_the_builder_wrote_is_in_the_annotations() {
        let text = r#"{"name": "mine", "version": "1.2.0", "language": "rust", "config_schema": {"type": "object"}, "sdk": 3}"#;
        let annotations = told(&section(&with_section(text)).unwrap().unwrap());
        let names: Vec<&str> = annotations.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            [
                "io.plimsoll.policy.config-schema-digest",
                "io.plimsoll.policy.language",
                "io.plimsoll.policy.name",
                "org.opencontainers.image.title",
                "org.opencontainers.image.version",
            ]
        );
        assert_eq!(section(b"\0asm\x0d\0\x01\0"), Ok(None));
        assert!(section(&with_section("{")).unwrap_err().contains(SECTION));
        assert_eq!(told(&Value::Null), BTreeMap::new());
    }
}
