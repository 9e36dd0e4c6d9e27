//! Keys: ECDSA on P-256 in the PEM files that cosign and openssl read and write, who is trusted, and who no longer is.
//!
//! Deliberately not here: cosign's encrypted private keys (it writes the plain form from which `cosign import-key-pair` makes
//! its own), and keys that never leave a KMS.

use crate::error::Fault;
use crate::reference::Digest;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _, UnparsedPublicKey,
};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// A file of keys larger than this is not read, bytes.
const MAX_BYTES: u64 = 1 << 20;

/// What stands before the 65 bytes of a point in the public key (SubjectPublicKeyInfo) of every key on P-256.
const P256: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A public key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    der: Vec<u8>,
}

impl PublicKey {
    fn from_der(der: &[u8]) -> Result<Self, String> {
        match der.strip_prefix(&P256) {
            Some(point) if point.len() == 65 && point.first() == Some(&4) => Ok(Self { der: der.to_owned() }),
            _ => Err(
                "a public key, but not of ECDSA on P-256 (as `cosign generate-key-pair` makes it)".to_owned(),
            ),
        }
    }

    /// SHA-256 of its DER form: what `openssl pkey -pubin -outform DER | sha256sum` prints.
    pub fn fingerprint(&self) -> Digest {
        Digest::of(&self.der)
    }

    /// As a PEM file.
    pub fn pem(&self) -> String {
        encoded("PUBLIC KEY", &self.der)
    }

    /// Whether it made this signature (ASN.1) over this message.
    pub fn has_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        let point = self.der.get(P256.len()..).unwrap_or_default();
        UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
            .verify(message, signature)
            .is_ok()
    }
}

/// A private key.
pub struct PrivateKey {
    pair: EcdsaKeyPair,
    random: SystemRandom,
}

impl PrivateKey {
    /// Makes one, and its PEM file.
    pub fn generate() -> Result<(Self, String), Fault> {
        let random = SystemRandom::new();
        let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random);
        let der = made.map_err(|why| key_fault("a new key", &why.to_string()))?;
        let key = Self::from_der("a new key", der.as_ref())?;
        Ok((key, encoded("PRIVATE KEY", der.as_ref())))
    }

    /// Reads a PEM file (PKCS#8, not encrypted).
    pub fn read(file: &Path) -> Result<Self, Fault> {
        let name = file.display().to_string();
        let blocks = blocks(file)?;
        for block in &blocks {
            match block.tag() {
                "PRIVATE KEY" => return Self::from_der(&name, block.contents()),
                "EC PRIVATE KEY" => {
                    let why = format!(
                        "write it as PKCS#8: openssl pkcs8 -topk8 -nocrypt -in {name} -out plain.key"
                    );
                    return Err(key_fault(&name, &why));
                }
                tag if tag.contains("ENCRYPTED") => {
                    let why = "is encrypted, which cannot be read here: use a plain PKCS#8 key from a secret store \
                               (`plimsoll policy sign --generate` makes one; `cosign import-key-pair` takes it)";
                    return Err(key_fault(&name, why));
                }
                _ => {}
            }
        }
        Err(key_fault(
            &name,
            "holds no private key (-----BEGIN PRIVATE KEY-----)",
        ))
    }

    fn from_der(name: &str, der: &[u8]) -> Result<Self, Fault> {
        let random = SystemRandom::new();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der, &random);
        let pair = pair.map_err(|why| key_fault(name, &format!("not a key of ECDSA on P-256: {why}")))?;
        Ok(Self { pair, random })
    }

    /// Its public half.
    pub fn public(&self) -> PublicKey {
        let mut der = P256.to_vec();
        der.extend_from_slice(self.pair.public_key().as_ref());
        PublicKey { der }
    }

    /// A signature (ASN.1) over a message.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Fault> {
        let signed = self.pair.sign(&self.random, message);
        let signed = signed.map_err(|why| key_fault("signing", &why.to_string()))?;
        Ok(signed.as_ref().to_owned())
    }
}

/// Who is trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet {
    keys: Vec<PublicKey>,
    revoked: BTreeSet<Digest>,
}

impl KeySet {
    /// Reads public keys from PEM files, each with one or several, or from folders of them (`*.pem`, `*.pub`), and what is
    /// revoked from a file of fingerprints and of digests of policies, one a line, or of the keys themselves. Also a set in which all are revoked is one.
    pub fn read(files: &[PathBuf], revoked: Option<&Path>) -> Result<Self, Fault> {
        let mut set = Self::default();
        for file in files {
            if file.is_dir() {
                for file in &folder(file)? {
                    set.keys.extend(public_keys(file)?);
                }
            } else {
                set.keys.extend(public_keys(file)?);
            }
        }
        if set.keys.is_empty() {
            let names: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
            return Err(key_fault(
                &names.join(", "),
                "no public key (*.pem, *.pub) is there",
            ));
        }
        if let Some(file) = revoked {
            set.revoked = revocations(file)?;
        }
        Ok(set)
    }

    /// Of these keys.
    pub fn of(keys: Vec<PublicKey>, revoked: impl IntoIterator<Item = Digest>) -> Self {
        Self {
            keys,
            revoked: revoked.into_iter().collect(),
        }
    }

    /// Whether this version of a policy is revoked, whoever signed it: keys and versions are named by digests alike.
    pub fn bars(&self, version: &Digest) -> bool {
        self.revoked.contains(version)
    }

    /// Whose signature over this message it is, or why it is nobody's who is trusted.
    pub fn signer(&self, message: &[u8], signature: &[u8]) -> Result<Digest, String> {
        let Some(key) = self.keys.iter().find(|key| key.has_signed(message, signature)) else {
            return Err("a signature by a key that is not among the trusted ones".to_owned());
        };
        let fingerprint = key.fingerprint();
        if self.revoked.contains(&fingerprint) {
            return Err(format!("a signature by the revoked key {fingerprint}"));
        }
        Ok(fingerprint)
    }
}

/// The public keys of a PEM file.
pub fn public_keys(file: &Path) -> Result<Vec<PublicKey>, Fault> {
    let name = file.display().to_string();
    let mut keys = Vec::new();
    for block in blocks(file)? {
        if block.tag() == "PUBLIC KEY" {
            keys.push(PublicKey::from_der(block.contents()).map_err(|why| key_fault(&name, &why))?);
        }
    }
    if keys.is_empty() {
        return Err(key_fault(
            &name,
            "holds no public key (-----BEGIN PUBLIC KEY-----)",
        ));
    }
    Ok(keys)
}

fn revocations(file: &Path) -> Result<BTreeSet<Digest>, Fault> {
    let name = file.display().to_string();
    let text = text(file)?;
    if text.contains("-----BEGIN") {
        let keys = public_keys(file)?;
        return Ok(keys.iter().map(PublicKey::fingerprint).collect());
    }
    let mut revoked = BTreeSet::new();
    for (number, line) in text.lines().enumerate() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        let whole = if line.contains(':') {
            line.to_owned()
        } else {
            format!("sha256:{line}")
        };
        let fingerprint = whole.parse().map_err(|why: String| {
            key_fault(&format!("{name}:{}", number + 1), &format!("a fingerprint {why}"))
        })?;
        revoked.insert(fingerprint);
    }
    Ok(revoked)
}

fn folder(folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    let name = folder.display().to_string();
    let read = fs::read_dir(folder).map_err(|why| key_fault(&name, &format!("cannot be read: {why}")))?;
    let mut files: Vec<PathBuf> = read.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|end| end == "pem" || end == "pub"));
    files.sort();
    Ok(files)
}

fn blocks(file: &Path) -> Result<Vec<pem::Pem>, Fault> {
    let text = text(file)?;
    pem::parse_many(&text)
        .map_err(|why| key_fault(&file.display().to_string(), &format!("not a PEM file: {why}")))
}

fn text(file: &Path) -> Result<String, Fault> {
    use std::io::Read as _;
    let unreadable =
        |why: std::io::Error| key_fault(&file.display().to_string(), &format!("cannot be read: {why}"));
    let mut text = String::new();
    let opened = fs::File::open(file).map_err(unreadable)?;
    opened
        .take(MAX_BYTES)
        .read_to_string(&mut text)
        .map_err(unreadable)?;
    Ok(text)
}

fn encoded(tag: &str, der: &[u8]) -> String {
    let lines = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_config(&pem::Pem::new(tag, der), lines)
}

fn key_fault(file: &str, why: &str) -> Fault {
    Fault::Key {
        file: file.to_owned(),
        why: why.to_owned(),
    }
}

#[cfg(test)]
mod tests;
