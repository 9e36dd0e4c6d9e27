//! Signatures in cosign's "simple signing" form: a JSON payload that names the digest of a manifest, and a signature over that
//! payload. Pure; offline: no transparency log is asked, and none is written to.
//!
//! A signature says who stands for these bytes. It does not say which tag they belong under: whoever rules the registry can
//! put an older signed version back. A reference with a digest rules that out.

use crate::error::Fault;
use crate::keys::{KeySet, PrivateKey};
use crate::reference::{Digest, Reference};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Media type of a payload.
pub(crate) const PAYLOAD: &str = "application/vnd.dev.cosign.simplesigning.v1+json";
/// What kind of artifact a signature is, where it refers to its subject.
pub(crate) const ARTIFACT: &str = "application/vnd.dev.cosign.artifact.sig.v1+json";
/// Annotation of the payload's layer that holds the signature, base64.
pub(crate) const ANNOTATION: &str = "dev.cosignproject.cosign/signature";
/// A payload larger than this is not read, bytes.
pub(crate) const MAX_BYTES: u64 = 64 << 10;

/// What `critical.type` says.
const TYPE: &str = "cosign container image signature";

/// A payload and a signature over it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// The payload, JSON, byte for byte as it was signed.
    pub payload: String,
    /// ASN.1, base64.
    pub signature: String,
}

#[derive(Serialize, Deserialize)]
struct Payload {
    critical: Critical,
    optional: Option<BTreeMap<String, serde_json::Value>>,
}

#[derive(Serialize, Deserialize)]
struct Critical {
    identity: Identity,
    image: Image,
    #[serde(rename = "type")]
    what: String,
}

#[derive(Serialize, Deserialize)]
struct Identity {
    #[serde(rename = "docker-reference")]
    reference: String,
}

#[derive(Serialize, Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    digest: String,
}

impl Signature {
    /// Signs what is at this digest.
    pub fn make(reference: &Reference, digest: &Digest, key: &PrivateKey) -> Result<Self, Fault> {
        let payload = Payload {
            critical: Critical {
                identity: Identity {
                    reference: format!("{}/{}", reference.registry(), reference.repository()),
                },
                image: Image {
                    digest: digest.to_string(),
                },
                what: TYPE.to_owned(),
            },
            optional: None,
        };
        let payload = serde_json::to_string(&payload).map_err(|why| Fault::Manifest {
            what: "the payload of a signature".to_owned(),
            why: why.to_string(),
        })?;
        let signature = STANDARD.encode(key.sign(payload.as_bytes())?);
        Ok(Self { payload, signature })
    }

    /// Who signed this digest, or why this is no signature of it.
    pub fn signer(&self, digest: &Digest, keys: &KeySet) -> Result<Digest, String> {
        let signature = STANDARD
            .decode(self.signature.trim())
            .map_err(|_| "a signature that is not base64".to_owned())?;
        // First who said it, then what was said: nothing is read that nobody trusted stands for.
        let signer = keys.signer(self.payload.as_bytes(), &signature)?;
        let payload: Payload = serde_json::from_str(&self.payload)
            .map_err(|why| format!("a payload that cannot be read: {why}"))?;
        if payload.critical.what != TYPE {
            return Err("a signature of something else than an artifact".to_owned());
        }
        if payload.critical.image.digest != digest.to_string() {
            return Err("a signature of another digest".to_owned());
        }
        Ok(signer)
    }
}

/// Who signed this digest: the first of these signatures that is good. One that is revoked is nobody's.
pub fn signer(signatures: &[Signature], digest: &Digest, keys: &KeySet) -> Result<(usize, Digest), Fault> {
    if keys.bars(digest) {
        return Err(Fault::Barred {
            digest: digest.clone(),
        });
    }
    let mut why = Vec::new();
    for (ix, signature) in signatures.iter().enumerate() {
        match signature.signer(digest, keys) {
            Ok(key) => return Ok((ix, key)),
            Err(reason) => why.push(reason),
        }
    }
    let digest = digest.clone();
    if why.is_empty() {
        Err(Fault::Unsigned { digest })
    } else {
        why.dedup();
        Err(Fault::Untrusted { digest, why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_good_for_one_digest_by_one_key() {
        let key = PrivateKey::generate().unwrap().0;
        let reference: Reference = "localhost:5000/a/b:v1".parse().unwrap();
        let (digest, other) = (Digest::of(b"x"), Digest::of(b"y"));
        let made = Signature::make(&reference, &digest, &key).unwrap();
        // The form that cosign signs and reads: field by field.
        let payload: serde_json::Value = serde_json::from_str(&made.payload).unwrap();
        let wanted = serde_json::json!({"critical": {
            "identity": {"docker-reference": "localhost:5000/a/b"},
            "image": {"docker-manifest-digest": digest.to_string()},
            "type": "cosign container image signature"}, "optional": null});
        assert_eq!(payload, wanted);
        let keys = KeySet::of(vec![key.public()], []);
        assert_eq!(made.signer(&digest, &keys), Ok(key.public().fingerprint()));
        assert!(made.signer(&other, &keys).unwrap_err().contains("another digest"));
        let stranger = KeySet::of(vec![PrivateKey::generate().unwrap().0.public()], []);
        assert!(made.signer(&digest, &stranger).is_err());
        let mut moved = made.clone();
        moved.payload = moved.payload.replace(digest.hex(), other.hex());
        assert!(
            moved
                .signer(&other, &keys)
                .unwrap_err()
                .contains("not among the trusted")
        );
        let mut broken = made.clone();
        broken.signature = "?".to_owned();
        assert!(broken.signer(&digest, &keys).unwrap_err().contains("base64"));

        let found = signer(&[moved.clone(), broken.clone(), made.clone()], &digest, &keys).unwrap();
        assert_eq!(found, (2, key.public().fingerprint()));
        assert!(matches!(signer(&[], &digest, &keys), Err(Fault::Unsigned { .. })));
        let barred = KeySet::of(vec![key.public()], [digest.clone()]);
        let found = signer(std::slice::from_ref(&made), &digest, &barred);
        assert!(matches!(found, Err(Fault::Barred { .. })), "whoever signed it");
        assert!(
            matches!(signer(&[moved, broken], &digest, &keys), Err(Fault::Untrusted { why, .. }) if why.len() == 2)
        );
    }

    #[test]
    fn a_trusted_key_over_something_else_is_no_signature() {
        let key = PrivateKey::generate().unwrap().0;
        let keys = KeySet::of(vec![key.public()], []);
        let digest = Digest::of(b"x");
        for payload in [
            "",
            "{}",
            "null",
            &format!(
                r#"{{"critical":{{"identity":{{"docker-reference":""}},"image":{{"docker-manifest-digest":"{digest}"}},"type":"atomic container signature"}},"optional":null}}"#
            ),
        ] {
            let signature = STANDARD.encode(key.sign(payload.as_bytes()).unwrap());
            let made = Signature {
                payload: payload.to_owned(),
                signature,
            };
            assert!(made.signer(&digest, &keys).is_err(), "{payload}");
        }
    }
}
