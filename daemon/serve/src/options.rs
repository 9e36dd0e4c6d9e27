//! What the operator can choose about the listeners, and the one choice that is refused: gRPC in the clear on
//! an address that others can reach.

use crate::admission::Admission;
use crate::tls::Files;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Where and how to serve.
#[derive(Clone, Debug)]
pub struct Options {
    /// gRPC listener; port 0 takes a free one.
    pub grpc: SocketAddr,
    /// Certificate for the gRPC listener; required unless it binds a loopback address.
    pub tls: Option<TlsFiles>,
    /// gRPC by a Unix socket, too: its file is this user's alone, and whoever may open it may do everything.
    pub socket: Option<PathBuf>,
    /// gRPC server reflection.
    pub reflection: bool,
    /// Listener of `/metrics`, `/healthz` and `/readyz`: plain HTTP, read-only. `None`: not served.
    pub http: Option<SocketAddr>,
    /// `/metrics` asks who reads it: a bearer token whose owner may `get` the path `/metrics`.
    pub authorise_metrics: bool,
    /// The admission webhook; `None`: not served.
    pub admission: Option<Admission>,
}

/// PEM files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsFiles {
    /// Certificate chain.
    pub certificate: PathBuf,
    /// Private key.
    pub key: PathBuf,
    /// Authority that client certificates must come from; `None`: clients need none.
    pub client_ca: Option<PathBuf>,
}

/// Why serving cannot begin.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// gRPC in the clear where others can reach it.
    #[error(
        "grpc.bind: {0} is not a loopback address, and there is no TLS: set grpc.tls.certificate and grpc.tls.key, or bind 127.0.0.1"
    )]
    PlainOutside(SocketAddr),
    /// A listener cannot be had.
    #[error("{field}: cannot listen on {address}: {why}")]
    Listen {
        /// Field of the configuration.
        field: &'static str,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        why: std::io::Error,
    },
    /// The Unix socket cannot be had.
    #[error("grpc.socket: cannot listen on {path}: {why}")]
    Socket {
        /// Where.
        path: PathBuf,
        /// Why not.
        why: String,
    },
    /// A PEM file cannot be read.
    #[error("{field}: cannot read {path}: {why}")]
    File {
        /// Field of the configuration.
        field: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        why: std::io::Error,
    },
    /// The PEM files are no key and certificate.
    #[error("{field}: certificate or key is not usable: {why}")]
    Tls {
        /// Field of the configuration.
        field: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The runtime or its thread cannot be started.
    #[error("cannot start the serving thread: {0}")]
    Runtime(std::io::Error),
}

impl Options {
    /// Refuses what must not be served; reads nothing.
    pub fn check(&self) -> Result<(), ServeError> {
        if self.tls.is_none() && !self.grpc.ip().is_loopback() {
            return Err(ServeError::PlainOutside(self.grpc));
        }
        Ok(())
    }

    /// Reads the files and refuses what could not be served with them; listens nowhere.
    pub fn check_files(&self) -> Result<(), ServeError> {
        if let Some(tls) = &self.tls {
            Files::of_grpc(tls).check()?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(grpc: &str, tls: bool) -> Options {
        Options {
            grpc: grpc.parse().unwrap(),
            tls: tls.then(|| TlsFiles {
                certificate: "c".into(),
                key: "k".into(),
                client_ca: None,
            }),
            socket: None,
            reflection: false,
            http: None,
            authorise_metrics: false,
            admission: None,
        }
    }

    #[test]
    fn plain_grpc_stays_on_loopback() {
        for (address, tls, allowed) in [
            ("127.0.0.1:0", false, true),
            ("[::1]:0", false, true),
            ("127.8.9.1:0", false, true),
            ("0.0.0.0:0", false, false),
            ("[::]:0", false, false),
            ("10.0.0.7:0", false, false),
            ("0.0.0.0:0", true, true),
        ] {
            assert_eq!(
                options(address, tls).check().is_ok(),
                allowed,
                "{address} tls={tls}"
            );
        }
    }
}
