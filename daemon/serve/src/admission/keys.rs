//! The certificate of the webhook, which can be changed while it is served: connections that are open go on.

use crate::certificates::{Certificates, Life};
use crate::options::ServeError;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use std::sync::{Arc, PoisonError, RwLock};

/// The certificate in force; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Keys {
    now: Arc<RwLock<Option<Arc<CertifiedKey>>>>,
    certificates: Certificates,
}

impl Keys {
    /// None yet; when they end will be known there.
    pub(crate) fn new(certificates: Certificates) -> Self {
        Self {
            now: Arc::default(),
            certificates,
        }
    }

    /// Puts a chain (PEM, leaf first) and its key (PEM) in force for handshakes from now on.
    pub fn install(&self, chain: &str, key: &str) -> Result<(), ServeError> {
        let refused = |why: &dyn std::fmt::Display| ServeError::Tls {
            field: "admission",
            why: why.to_string(),
        };
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain.as_bytes())
            .collect::<Result<_, _>>()
            .map_err(|error| refused(&error))?;
        let life = Life::of_chain(&chain);
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).map_err(|error| refused(&error))?;
        let key = ring::sign::any_supported_type(&key).map_err(|error| refused(&error))?;
        let certified = CertifiedKey::new(chain, key);
        certified.keys_match().map_err(|error| refused(&error))?;
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(certified));
        if let Some(life) = life {
            self.certificates.one_in_force("admission", "certificate", life);
        }
        Ok(())
    }
}

impl ResolvesServerCert for Keys {
    fn resolve(&self, _hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
