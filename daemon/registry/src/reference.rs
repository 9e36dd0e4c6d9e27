//! Names of artifacts: a registry, a repository, and a tag or a digest. Nothing is filled in: neither a registry nor
//! `latest`, so that what is written down is what is fetched.

use crate::error::Fault;
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// SHA-256 of some bytes, written `sha256:<64 hexadecimal digits>`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

impl Digest {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(hex::encode(Sha256::digest(bytes)))
    }

    /// Its 64 digits.
    pub fn hex(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", self.0)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix("sha256:").unwrap_or_default();
        let is_digit = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
        if digits.len() == 64 && digits.bytes().all(is_digit) {
            Ok(Self(digits.to_owned()))
        } else {
            Err("must be sha256: and 64 hexadecimal digits".to_owned())
        }
    }
}

impl TryFrom<String> for Digest {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

/// One artifact of a registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    registry: String,
    repository: String,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Reference {
    /// Host of the registry, with its port where it has one.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// Namespace and name.
    pub fn repository(&self) -> &str {
        &self.repository
    }

    /// The tag; `None` where there is only a digest.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest by which it is pinned.
    pub fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The same repository at this digest, whatever the tag.
    #[must_use]
    pub fn at(&self, digest: &Digest) -> Self {
        Self {
            tag: None,
            digest: Some(digest.clone()),
            ..self.clone()
        }
    }

    /// Whether the registry runs on this machine: then it is asked without TLS.
    pub fn is_loopback(&self) -> bool {
        let host = self
            .registry
            .rsplit_once(':')
            .map_or(self.registry.as_str(), |(host, _)| host);
        host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// As the OCI client takes it, by this tag or digest.
    pub(crate) fn oci(&self, at: &str) -> oci_client::Reference {
        // By a digest, too: the client cuts what it takes for the tag off its URL, and fails where it is not there.
        oci_client::Reference::with_tag(self.registry.clone(), self.repository.clone(), at.to_owned())
    }
}

impl FromStr for Reference {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let fault = |why: &str| Fault::Reference {
            text: text.to_owned(),
            why: why.to_owned(),
        };
        let (registry, rest) = text
            .split_once('/')
            .ok_or_else(|| fault("names no registry and repository"))?;
        if registry != "localhost" && !registry.contains(['.', ':']) {
            return Err(fault("does not begin with the host of a registry"));
        }
        // Parses and holds it against the grammar of the distribution specification.
        oci_client::Reference::try_from(text).map_err(|why| fault(&why.to_string()))?;
        let (rest, digest) = match rest.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest.parse().map_err(|why: String| fault(&why))?)),
            None => (rest, None),
        };
        let (repository, tag) = match rest.rsplit_once(':') {
            Some((repository, tag)) => (repository, Some(tag.to_owned())),
            None => (rest, None),
        };
        if tag.is_none() && digest.is_none() {
            return Err(fault("names neither a tag nor a digest"));
        }
        Ok(Self {
            registry: registry.to_owned(),
            repository: repository.to_owned(),
            tag,
            digest,
        })
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        match &self.digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_meant() {
        let digest = Digest::of(b"");
        for good in [
            "localhost:5000/acme/policy:v1",
            "127.0.0.1:5000/policy:v1",
            "ghcr.io/acme/policies/spot:1.2.3",
            &format!("ghcr.io/acme/spot@{digest}"),
            &format!("ghcr.io/acme/spot:v1@{digest}"),
        ] {
            assert_eq!(good.parse::<Reference>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "spot:v1",
            "acme/spot:v1",
            "ghcr.io/acme/spot",
            "ghcr.io/Acme/spot:v1",
            "ghcr.io/acme/spot:",
            "ghcr.io/acme/spot@sha256:12",
            "ghcr.io/acme/spot@sha512:12",
            "ghcr.io/../spot:v1",
            "https://ghcr.io/acme/spot:v1",
            "ghcr.io/acme/spot:v1?x=1",
        ] {
            assert!(bad.parse::<Reference>().is_err(), "{bad}");
        }
    }

    #[test]
    fn loopback_is_this_machine_only() {
        for (text, here) in [
            ("localhost:5000/p:1", true),
            ("127.0.0.1:5000/p:1", true),
            ("10.0.0.1:5000/p:1", false),
            ("localhost.example.com/p:1", false),
        ] {
            assert_eq!(text.parse::<Reference>().unwrap().is_loopback(), here, "{text}");
        }
    }
}
