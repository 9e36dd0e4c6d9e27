//! TLS from PEM files, which are read again and taken when they change: for handshakes from now on, while connections that
//! are open go on.
//!
//! Files are looked at by name, so that the swapped folders of a mounted Secret are seen, and taken once they have been
//! read twice alike: no pair is torn apart. What cannot be used leaves what is in force as it is, with one line in the
//! log, an alarm and a count. Not here: handshakes (`entrance.rs`, `admission/door.rs`).

use crate::admission::Keys;
use crate::certificates::{Certificates, Life, now};
use crate::limits;
use crate::metrics::Metrics;
use crate::options::{ServeError, TlsFiles};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{WantsServerCert, WebPkiClientVerifier};
use rustls::{ConfigBuilder, RootCertStore, ServerConfig};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tokio::sync::watch;

/// What is in force for handshakes.
pub(crate) type InForce = watch::Receiver<Arc<ServerConfig>>;

/// Files of one listener: field of the configuration and path.
#[derive(Clone)]
pub(crate) struct Files {
    listener: &'static str,
    named: Vec<(&'static str, PathBuf)>,
    make: Make,
}

/// What they are made into.
#[derive(Clone)]
enum Make {
    Grpc,
    Admission(Keys),
}

/// What stood in them, in their order.
type Contents = Vec<Vec<u8>>;

/// What becomes of that.
pub(crate) struct Loaded {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) lives: Vec<(&'static str, Life)>,
}

impl Files {
    /// Of the gRPC listener.
    pub(crate) fn of_grpc(tls: &TlsFiles) -> Self {
        let certificate = ("grpc.tls.certificate", tls.certificate.clone());
        let key = ("grpc.tls.key", tls.key.clone());
        let ca = tls.client_ca.clone().map(|ca| ("grpc.tls.client_ca", ca));
        Self {
            listener: "grpc",
            named: [certificate, key].into_iter().chain(ca).collect(),
            make: Make::Grpc,
        }
    }

    /// Of the webhook's listener, whose own certificate comes in another way (`admission/keys.rs`): the authority of the
    /// API server's certificate, where it must show one.
    pub(crate) fn of_admission(client_ca: Option<&Path>, keys: Keys) -> Self {
        let ca = client_ca.map(|ca| ("admission.client_ca", ca.to_owned()));
        Self {
            listener: "admission",
            named: ca.into_iter().collect(),
            make: Make::Admission(keys),
        }
    }

    /// Reads them all.
    pub(crate) fn read(&self) -> Result<Contents, ServeError> {
        self.named.iter().map(|(field, path)| pem(field, path)).collect()
    }

    /// Reads them and refuses what could not be served with them.
    pub(crate) fn check(&self) -> Result<(), ServeError> {
        self.config(&self.read()?).map(drop)
    }

    /// Makes TLS of what stood in them.
    fn config(&self, contents: &Contents) -> Result<Loaded, ServeError> {
        let (field, made) = match &self.make {
            Make::Grpc => ("grpc.tls", grpc(contents)),
            Make::Admission(keys) => ("admission.client_ca", admission(contents, keys.clone())),
        };
        made.map_err(|why| ServeError::Tls { field, why })
    }

    /// Reads and takes them, as the first that are in force.
    pub(crate) fn open(self, certificates: &Certificates) -> Result<(InForce, Follower), ServeError> {
        let read = self.read()?;
        let loaded = self.config(&read)?;
        certificates.in_force(self.listener, &loaded.lives);
        let (sent, in_force) = watch::channel(loaded.config);
        let follower = Follower {
            files: self,
            last: Ok(read),
            seen: None,
            sent,
            certificates: certificates.clone(),
        };
        Ok((in_force, follower))
    }
}

impl Files {
    /// What a server that is running may change to: nothing that has ended already.
    fn usable(&self, contents: &Contents) -> Result<Loaded, String> {
        let loaded = self.config(contents).map_err(|error| error.to_string())?;
        match loaded.lives.iter().find(|(_, life)| life.is_over(now())) {
            Some((what, _)) => Err(format!("the {what} has expired")),
            None => Ok(loaded),
        }
    }
}

/// Takes newer files.
pub(crate) struct Follower {
    files: Files,
    /// What was taken or refused last: that is not looked at again.
    last: Result<Contents, String>,
    /// What was read last, where it is not that.
    seen: Option<Result<Contents, String>>,
    sent: watch::Sender<Arc<ServerConfig>>,
    certificates: Certificates,
}

impl Follower {
    /// Looks until it is dropped.
    pub(crate) async fn follow(mut self, metrics: Metrics) {
        while !self.files.named.is_empty() {
            tokio::time::sleep(limits::CERTIFICATES_EVERY).await;
            let files = self.files.clone();
            // A volume that hangs holds up nobody else.
            let read = tokio::task::spawn_blocking(move || files.read().map_err(|error| error.to_string()));
            let Ok(read) = read.await else { continue };
            if let Some(good) = self.look(read) {
                metrics.certificates_reloaded(self.files.listener, good);
            }
        }
    }

    /// Looks at what was read: whether it is in force now, where it is new.
    fn look(&mut self, read: Result<Contents, String>) -> Option<bool> {
        if read == self.last {
            self.seen = None;
            return None;
        }
        if self.seen.as_ref() != Some(&read) {
            self.seen = Some(read);
            return None;
        }
        self.seen = None;
        let loaded = read.as_ref().map_err(Clone::clone);
        let loaded = loaded.and_then(|contents| self.files.usable(contents));
        self.last = read;
        let listener = self.files.listener;
        match loaded {
            Ok(loaded) => {
                self.certificates.in_force(listener, &loaded.lives);
                self.sent.send_replace(loaded.config);
                tracing::info!(listener, "new certificate files are in force");
                Some(true)
            }
            Err(why) => {
                self.certificates.refused(listener, &why);
                tracing::error!(listener, %why, "new certificate files cannot be used; the last good ones stay in force");
                Some(false)
            }
        }
    }
}

/// Certificate, key and, where clients must show one, the authority of theirs.
fn grpc(pems: &[Vec<u8>]) -> Result<Loaded, String> {
    let [certificate, key, ca @ ..] = pems else {
        return Err("a certificate and a key are wanted".to_owned());
    };
    let chain = certificates(certificate)?;
    if chain.is_empty() {
        return Err("no certificate is in grpc.tls.certificate".to_owned());
    }
    let served = Life::of_chain(&chain).map(|life| ("certificate", life));
    let key = PrivateKeyDer::from_pem_slice(key).map_err(said)?;
    let (builder, trusted) = builder(ca.first())?;
    let mut config = builder.with_single_cert(chain, key).map_err(said)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Loaded {
        config: Arc::new(config),
        lives: served.into_iter().chain(trusted).collect(),
    })
}

/// HTTP/1.1 with whatever certificate is in force; clients must show one where there is an authority of theirs.
fn admission(pems: &[Vec<u8>], keys: Keys) -> Result<Loaded, String> {
    let (builder, trusted) = builder(pems.first())?;
    let mut config = builder.with_cert_resolver(Arc::new(keys));
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Loaded {
        config: Arc::new(config),
        lives: trusted.into_iter().collect(),
    })
}

/// A configuration that knows whom it lets in, and until when there is anybody.
type Builder = (
    ConfigBuilder<ServerConfig, WantsServerCert>,
    Option<(&'static str, Life)>,
);

/// Lets in clients with a certificate of these authorities and nobody else, or everybody.
fn builder(ca: Option<&Vec<u8>>) -> Result<Builder, String> {
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(said)?;
    let Some(ca) = ca else {
        return Ok((builder.with_no_client_auth(), None));
    };
    let authorities = certificates(ca)?;
    let life = Life::of_authorities(&authorities).map(|life| ("client CA", life));
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(authorities);
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let verifier = verifier.build().map_err(said)?;
    Ok((builder.with_client_cert_verifier(verifier), life))
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(said)
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn pem(field: &'static str, path: &Path) -> Result<Vec<u8>, ServeError> {
    let refused = |why| ServeError::File {
        field,
        path: path.to_owned(),
        why,
    };
    let mut pem = Vec::new();
    let file = std::fs::File::open(path).map_err(refused)?;
    file.take(limits::PEM_BYTES + 1)
        .read_to_end(&mut pem)
        .map_err(refused)?;
    if pem.len() as u64 > limits::PEM_BYTES {
        return Err(refused(std::io::Error::other(format!(
            "more than {} bytes",
            limits::PEM_BYTES
        ))));
    }
    Ok(pem)
}
