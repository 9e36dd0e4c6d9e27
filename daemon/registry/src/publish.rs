//! Writing to a registry: a policy as an artifact, a signature beside it. The tag moves last, so that whoever follows it never
//! meets a policy whose signature is still on its way.

use crate::error::Fault;
use crate::fetch::signature_tag;
use crate::keys::{KeySet, PrivateKey};
use crate::manifest::{self, Descriptor, Image};
use crate::reference::{Digest, Reference};
use crate::signature::{self, Signature};
use crate::wire::{Client, fault};
use http::HeaderValue;
use oci_client::RegistryOperation;
use serde_json::json;
use std::collections::BTreeMap;

/// Bytes of a config that nobody reads, where a manifest needs one.
const EMPTY: &[u8] = b"{}";

/// A policy on its way to a registry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Artifact {
    /// The component.
    pub component: Vec<u8>,
    /// What it imports, for the config.
    pub imports: Vec<String>,
    /// What it exports, for the config.
    pub exports: Vec<String>,
    /// What is said of it in the manifest.
    pub annotations: BTreeMap<String, String>,
}

impl Artifact {
    /// Config and manifest. The same policy has the same digest, whenever and by whomever it is pushed.
    fn written(&self) -> Result<(Vec<u8>, Vec<u8>), Fault> {
        let layer = Descriptor::of(manifest::WASM, &self.component);
        let config = json!({
            // Of no use, and different each time; the layout wants the field.
            "created": "1970-01-01T00:00:00Z",
            "architecture": "wasm",
            "os": "wasip2",
            "layerDigests": [layer.digest.to_string()],
            "component": {"imports": self.imports, "exports": self.exports, "target": null},
        });
        let config = config.to_string().into_bytes();
        let manifest = Image {
            schema_version: 2,
            media_type: manifest::IMAGE.to_owned(),
            artifact_type: None,
            config: Descriptor::of(manifest::WASM_CONFIG, &config),
            layers: vec![layer],
            subject: None,
            annotations: self.annotations.clone(),
        };
        Ok((config, encoded(&manifest)?))
    }
}

impl Client {
    /// Pushes a policy, signs it where a key is given, then moves the tag to it. Gives the digest.
    pub async fn push(
        &self,
        reference: &Reference,
        artifact: &Artifact,
        key: Option<&PrivateKey>,
    ) -> Result<Digest, Fault> {
        let Some(tag) = reference.tag().filter(|_| reference.digest().is_none()) else {
            return Err(Fault::Reference {
                text: reference.to_string(),
                why: "what is pushed gets a tag; its digest follows from its bytes".to_owned(),
            });
        };
        let (config, raw) = artifact.written()?;
        let digest = Digest::of(&raw);
        let writer = Writer::open(self, reference).await?;
        writer.blob(&artifact.component).await?;
        writer.blob(&config).await?;
        writer.manifest(&digest.to_string(), &raw).await?;
        if let Some(key) = key {
            self.sign(&reference.at(&digest), &digest, key).await?;
        }
        writer.manifest(tag, &raw).await?;
        Ok(digest)
    }

    /// Signs what is at a digest and stores the signature: as a referrer where the registry knows of these, else under
    /// cosign's tag. Gives `false` where this key has signed it already.
    pub async fn sign(
        &self,
        reference: &Reference,
        digest: &Digest,
        key: &PrivateKey,
    ) -> Result<bool, Fault> {
        let own = KeySet::of(vec![key.public()], []);
        if signature::signer(&self.signatures(reference, digest).await?, digest, &own).is_ok() {
            return Ok(false);
        }
        // What is signed is there, and whole.
        let subject = self.manifest(reference, digest).await?;
        let made = Signature::make(reference, digest, key)?;
        let payload = made.payload.clone().into_bytes();
        let mut layer = Descriptor::of(signature::PAYLOAD, &payload);
        layer.annotations = BTreeMap::from([(signature::ANNOTATION.to_owned(), made.signature)]);
        let writer = Writer::open(self, reference).await?;
        writer.blob(&payload).await?;
        if self.referrers(reference, digest).await?.is_some() {
            writer.blob(EMPTY).await?;
            let image = Image {
                schema_version: 2,
                media_type: manifest::IMAGE.to_owned(),
                artifact_type: Some(signature::ARTIFACT.to_owned()),
                config: Descriptor::of(signature::ARTIFACT, EMPTY),
                layers: vec![layer],
                subject: Some(Descriptor::of(manifest::IMAGE, &subject)),
                annotations: BTreeMap::new(),
            };
            let raw = encoded(&image)?;
            writer.manifest(&Digest::of(&raw).to_string(), &raw).await?;
            return Ok(true);
        }
        let mut layers = self
            .tagged(reference, digest)
            .await?
            .map_or_else(Vec::new, |image| image.layers);
        layers.push(layer);
        let digests: Vec<String> = layers.iter().map(|layer| layer.digest.to_string()).collect();
        let config = json!({"architecture": "", "os": "", "config": {}, "rootfs": {"type": "layers", "diff_ids": digests}});
        let config = config.to_string().into_bytes();
        writer.blob(&config).await?;
        let image = Image {
            schema_version: 2,
            media_type: manifest::IMAGE.to_owned(),
            artifact_type: None,
            config: Descriptor::of("application/vnd.oci.image.config.v1+json", &config),
            layers,
            subject: None,
            annotations: BTreeMap::new(),
        };
        writer.manifest(&signature_tag(digest), &encoded(&image)?).await?;
        Ok(true)
    }
}

/// One repository, with leave to write.
struct Writer<'a> {
    oci: oci_client::Client,
    to: &'a Reference,
}

impl<'a> Writer<'a> {
    async fn open(client: &Client, to: &'a Reference) -> Result<Self, Fault> {
        let (oci, login, target) = client.session(to).await?;
        let token = oci.auth(&target, &login, RegistryOperation::Push).await;
        token.map_err(|why| fault(to, "a token to push", &why))?;
        Ok(Self { oci, to })
    }

    async fn blob(&self, bytes: &[u8]) -> Result<(), Fault> {
        let digest = Digest::of(bytes).to_string();
        let target = self.to.oci("any");
        // A registry that does not say gets the bytes.
        if let Ok(true) = self.oci.blob_exists(&target, &digest).await {
            return Ok(());
        }
        let pushed = self.oci.push_blob(&target, bytes.to_vec(), &digest).await;
        pushed
            .map(drop)
            .map_err(|why| fault(self.to, "pushing a blob", &why))
    }

    async fn manifest(&self, at: &str, raw: &[u8]) -> Result<(), Fault> {
        let media = HeaderValue::from_static(manifest::IMAGE);
        let pushed = self
            .oci
            .push_manifest_raw(&self.to.oci(at), raw.to_vec(), media)
            .await;
        let pushed = pushed.map_err(|why| fault(self.to, &format!("pushing manifests/{at}"), &why));
        pushed.map(drop)
    }
}

fn encoded(image: &Image) -> Result<Vec<u8>, Fault> {
    let raw = serde_json::to_vec(image).map_err(|why| why.to_string());
    let raw = raw.and_then(|raw| {
        if raw.len() as u64 > manifest::MAX_BYTES {
            return Err(format!(
                "more than {} bytes: fewer or shorter annotations",
                manifest::MAX_BYTES
            ));
        }
        Ok(raw)
    });
    raw.map_err(|why| Fault::Manifest {
        what: "the manifest to push".to_owned(),
        why,
    })
}
