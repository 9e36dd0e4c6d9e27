//! Manifests: what is read from a registry, and what is written to it, as bytes; pure. Policies are in the CNCF layout for
//! WebAssembly: an OCI image manifest, a config of type `application/vnd.wasm.config.v0+json`, one layer `application/wasm`.
//!
//! Not here: whether the bytes are the ones that were asked for (`fetch`), and who signed them (`signature`).

use crate::reference::Digest;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A manifest or an index larger than this is not read, bytes.
pub const MAX_BYTES: u64 = 256 << 10;

/// Media type of a manifest.
pub const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
/// Media type of a list of manifests.
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Media type of the config of a component.
pub const WASM_CONFIG: &str = "application/vnd.wasm.config.v0+json";
/// Media type of a component.
pub const WASM: &str = "application/wasm";

/// Something a manifest points to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// Media type.
    pub media_type: String,
    /// Of its bytes.
    pub digest: Digest,
    /// Bytes.
    pub size: u64,
    /// What else is said of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// In an index: what kind of artifact it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_type: Option<String>,
}

impl Descriptor {
    /// Of these bytes.
    pub(crate) fn of(media_type: &str, bytes: &[u8]) -> Self {
        Self {
            media_type: media_type.to_owned(),
            digest: Digest::of(bytes),
            size: bytes.len() as u64,
            annotations: BTreeMap::new(),
            artifact_type: None,
        }
    }
}

/// A manifest of any kind of artifact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Image {
    pub(crate) schema_version: u32,
    #[serde(default)]
    pub(crate) media_type: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) artifact_type: Option<String>,
    pub(crate) config: Descriptor,
    pub(crate) layers: Vec<Descriptor>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) subject: Option<Descriptor>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) annotations: BTreeMap<String, String>,
}

/// A list of manifests.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
struct Index {
    #[serde(default)]
    manifests: Vec<Descriptor>,
}

/// The manifest of a policy, reduced to what matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The component.
    pub layer: Descriptor,
    /// What describes it.
    pub config: Descriptor,
    /// What its publisher says of it.
    pub annotations: BTreeMap<String, String>,
}

/// Reads the manifest of a policy. What is wrong is one line.
pub fn read(bytes: &[u8]) -> Result<Manifest, String> {
    let image = image(bytes)?;
    if image.config.media_type != WASM_CONFIG {
        return Err(format!(
            "not a WebAssembly artifact: its config is {:?}, not {WASM_CONFIG}",
            short(&image.config.media_type)
        ));
    }
    let count = image.layers.len();
    let [layer] = <[Descriptor; 1]>::try_from(image.layers)
        .map_err(|_| format!("has {count} layers, where a policy has one"))?;
    if layer.media_type != WASM {
        return Err(format!("its layer is {:?}, not {WASM}", short(&layer.media_type)));
    }
    Ok(Manifest {
        layer,
        config: image.config,
        annotations: image.annotations,
    })
}

/// Reads a manifest.
pub(crate) fn image(bytes: &[u8]) -> Result<Image, String> {
    let image: Image = parsed(bytes)?;
    if image.schema_version != 2 || !(image.media_type.is_empty() || image.media_type == IMAGE) {
        return Err(format!(
            "not an OCI image manifest, but {:?} of version {}",
            short(&image.media_type),
            image.schema_version
        ));
    }
    Ok(image)
}

/// Reads a list of manifests. What is wrong is one line.
pub fn list(bytes: &[u8]) -> Result<Vec<Descriptor>, String> {
    parsed::<Index>(bytes).map(|index| index.manifests)
}

fn parsed<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T, String> {
    if bytes.len() as u64 > MAX_BYTES {
        return Err(format!("more than {MAX_BYTES} bytes"));
    }
    serde_json::from_slice(bytes).map_err(|why| format!("not a manifest that can be read: {why}"))
}

/// Text of a registry, cut to a length that a line can hold.
pub(crate) fn short(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> serde_json::Value {
        let descriptor = |media: &str| serde_json::json!({"mediaType": media, "digest": Digest::of(b"x").to_string(), "size": 1});
        serde_json::json!({"schemaVersion": 2, "mediaType": IMAGE, "config": descriptor(WASM_CONFIG),
            "layers": [descriptor(WASM)], "annotations": {"a": "b"}})
    }

    #[test]
    fn a_policy_is_one_component() {
        let read_it = |value: &serde_json::Value| read(value.to_string().as_bytes());
        let manifest = read_it(&good()).unwrap();
        assert_eq!(
            (manifest.layer.size, manifest.layer.digest),
            (1, Digest::of(b"x"))
        );
        let with = |path: &str, new: serde_json::Value| {
            let mut value = good();
            *value.pointer_mut(path).unwrap() = new;
            read_it(&value).unwrap_err()
        };
        let layer = good()["layers"][0].clone();
        for (path, new, says) in [
            ("/schemaVersion", 1.into(), "version 1"),
            ("/mediaType", INDEX.into(), "not an OCI image manifest"),
            ("/layers", serde_json::json!([]), "has 0 layers"),
            ("/layers", serde_json::json!([layer, layer]), "has 2 layers"),
            (
                "/layers/0/mediaType",
                "application/vnd.wasm.content.layer.v1+wasm".into(),
                "its layer is",
            ),
            ("/layers/0/digest", "sha256:12".into(), "64 hexadecimal digits"),
            ("/layers/0/size", serde_json::json!(-1), "not a manifest"),
            (
                "/config/mediaType",
                "application/vnd.oci.image.config.v1+json".into(),
                "not a WebAssembly artifact",
            ),
        ] {
            let why = with(path, new);
            assert!(why.contains(says), "{path}: {why}");
        }
        for bad in [
            &b""[..],
            b"null",
            b"{}",
            b"\xff",
            &vec![b'['; 300_000][..],
            &[b'['; 1000][..],
        ] {
            assert!(read(bad).is_err());
        }
    }
}
