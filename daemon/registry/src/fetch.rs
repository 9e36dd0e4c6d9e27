//! Reading from a registry: what a tag points to, a policy by its digest, the signatures of a digest. Everything is held
//! against its digest before anybody sees it.

use crate::error::Fault;
use crate::manifest::{self, Descriptor, Image, Manifest};
use crate::reference::{Digest, Reference};
use crate::signature::{self, Signature};
use crate::wire::{Client, Question, success};
use http::Method;

/// Signatures of one digest that are looked at.
const MOST_SIGNATURES: usize = 32;

/// A policy as it came: manifest and component fit the digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Of the manifest: what a reference is pinned to and what is signed.
    pub digest: Digest,
    /// The manifest, byte for byte.
    pub raw: Vec<u8>,
    /// The same, read.
    pub manifest: Manifest,
    /// The component.
    pub component: Vec<u8>,
}

impl Client {
    /// The digest that a reference points to now; a pinned one points to its digest without a question.
    pub async fn digest(&self, reference: &Reference) -> Result<Digest, Fault> {
        if let Some(digest) = reference.digest() {
            return Ok(digest.clone());
        }
        let path = format!("manifests/{}", reference.tag().unwrap_or_default());
        let question = Question {
            of: reference,
            path: &path,
            accept: manifest::IMAGE,
            limit: manifest::MAX_BYTES,
        };
        let answer = success(self.ask(Method::HEAD, &question).await?, &question)?;
        let told = answer
            .headers
            .get("docker-content-digest")
            .and_then(|told| told.to_str().ok());
        match told {
            Some(told) => told.parse().map_err(|why: String| Fault::Manifest {
                what: question.what(),
                why: format!("Docker-Content-Digest: {why}"),
            }),
            // It need not tell.
            None => Ok(Digest::of(&self.get(&question).await?.body)),
        }
    }

    /// The policy at this digest; a component of more than `most` bytes is not fetched.
    pub async fn policy(&self, reference: &Reference, digest: &Digest, most: u64) -> Result<Fetched, Fault> {
        let raw = self.manifest(reference, digest).await?;
        let manifest = manifest::read(&raw).map_err(|why| Fault::Manifest {
            what: reference.at(digest).to_string(),
            why,
        })?;
        if manifest.layer.size > most {
            return Err(Fault::TooLarge {
                what: reference.at(digest).to_string(),
                limit: most,
            });
        }
        let component = self.blob(reference, &manifest.layer).await?;
        Ok(Fetched {
            digest: digest.clone(),
            raw,
            manifest,
            component,
        })
    }

    /// All signatures of a digest that the registry knows, good or not: its referrers first, then those under cosign's tag.
    pub async fn signatures(&self, reference: &Reference, digest: &Digest) -> Result<Vec<Signature>, Fault> {
        let mut found = Vec::new();
        for referrer in self.referrers(reference, digest).await?.unwrap_or_default() {
            let raw = self.manifest(reference, &referrer.digest).await?;
            let image = read_image(reference, &raw)?;
            found.extend(self.signatures_of(reference, &image).await?);
        }
        if let Some(image) = self.tagged(reference, digest).await? {
            found.extend(self.signatures_of(reference, &image).await?);
        }
        found.truncate(MOST_SIGNATURES);
        Ok(found)
    }

    /// What refers to a digest as its signature; `None` where the registry does not know of referrers.
    pub(crate) async fn referrers(
        &self,
        reference: &Reference,
        digest: &Digest,
    ) -> Result<Option<Vec<Descriptor>>, Fault> {
        let question = Question {
            of: reference,
            path: &format!("referrers/{digest}"),
            accept: manifest::INDEX,
            limit: manifest::MAX_BYTES,
        };
        let answer = self.ask(Method::GET, &question).await?;
        if matches!(answer.status, 400 | 404 | 405 | 501) {
            return Ok(None);
        }
        let answer = success(answer, &question)?;
        let listed = manifest::list(&answer.body).map_err(|why| Fault::Manifest {
            what: question.what(),
            why,
        })?;
        let ours = |of: &Descriptor| of.artifact_type.as_deref() == Some(signature::ARTIFACT);
        let mut signatures: Vec<Descriptor> = listed.into_iter().filter(ours).collect();
        signatures.truncate(MOST_SIGNATURES);
        Ok(Some(signatures))
    }

    /// The signatures under the tag that cosign keeps for a digest.
    pub(crate) async fn tagged(
        &self,
        reference: &Reference,
        digest: &Digest,
    ) -> Result<Option<Image>, Fault> {
        let question = Question {
            of: reference,
            path: &format!("manifests/{}", signature_tag(digest)),
            accept: manifest::IMAGE,
            limit: manifest::MAX_BYTES,
        };
        match self.get(&question).await {
            Ok(answer) => Ok(Some(read_image(reference, &answer.body)?)),
            Err(Fault::Missing { .. }) => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// The bytes of a manifest, by its digest.
    pub(crate) async fn manifest(&self, reference: &Reference, digest: &Digest) -> Result<Vec<u8>, Fault> {
        let question = Question {
            of: reference,
            path: &format!("manifests/{digest}"),
            accept: manifest::IMAGE,
            limit: manifest::MAX_BYTES,
        };
        verified(self.get(&question).await?.body, digest, &question)
    }

    async fn blob(&self, reference: &Reference, of: &Descriptor) -> Result<Vec<u8>, Fault> {
        let question = Question {
            of: reference,
            path: &format!("blobs/{}", of.digest),
            accept: "*/*",
            limit: of.size,
        };
        verified(self.get(&question).await?.body, &of.digest, &question)
    }

    async fn signatures_of(&self, reference: &Reference, image: &Image) -> Result<Vec<Signature>, Fault> {
        let mut found = Vec::new();
        for layer in image.layers.iter().take(MOST_SIGNATURES) {
            let Some(signed) = layer.annotations.get(signature::ANNOTATION) else {
                continue;
            };
            if layer.media_type != signature::PAYLOAD || layer.size > signature::MAX_BYTES {
                continue;
            }
            let payload = match self.blob(reference, layer).await {
                Ok(payload) => payload,
                // Half a signature is none; the others may be whole.
                Err(Fault::Missing { .. }) => continue,
                Err(fault) => return Err(fault),
            };
            if let Ok(payload) = String::from_utf8(payload) {
                found.push(Signature {
                    payload,
                    signature: signed.clone(),
                });
            }
        }
        Ok(found)
    }
}

/// Where cosign keeps the signatures of a digest.
pub(crate) fn signature_tag(digest: &Digest) -> String {
    format!("sha256-{}.sig", digest.hex())
}

fn read_image(reference: &Reference, raw: &[u8]) -> Result<Image, Fault> {
    manifest::image(raw).map_err(|why| Fault::Manifest {
        what: format!("signatures of {reference}"),
        why,
    })
}

fn verified(bytes: Vec<u8>, digest: &Digest, question: &Question<'_>) -> Result<Vec<u8>, Fault> {
    let found = Digest::of(&bytes);
    if found == *digest {
        Ok(bytes)
    } else {
        Err(Fault::Digest {
            what: question.what(),
            found,
        })
    }
}
