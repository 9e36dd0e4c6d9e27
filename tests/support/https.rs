//! Just enough HTTP/1.1 over TLS for webhooks in tests: a server that answers every request by one function, and a
//! client that keeps its connection. One request at a time on a connection.
//!
//! Own code for the reason of `wire`. Not here: redirects, chunked bodies, HTTP/2.

use crate::Result;
use rcgen::{CertificateParams, KeyPair};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::client::TlsStream;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// A server on loopback with a certificate of its own; ends when dropped.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its certificate, PEM: what a client has to trust.
    pub certificate: String,
    accepting: JoinHandle<()>,
}

impl Server {
    /// Answers the body of every request by what `answer` makes of it.
    pub async fn start(answer: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static) -> Result<Self> {
        let key = KeyPair::generate()?;
        let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned()])?.self_signed(&key)?;
        let private = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes())?;
        let config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], private)?;
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let answer = Arc::new(answer);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (acceptor, answer) = (acceptor.clone(), Arc::clone(&answer));
                tokio::spawn(async move {
                    if let Ok(stream) = acceptor.accept(stream).await {
                        let _ = converse(stream, &*answer).await;
                    }
                });
            }
        });
        Ok(Self {
            address,
            certificate: certificate.pem(),
            accepting,
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn converse<S>(mut stream: S, answer: &(impl Fn(&[u8]) -> Vec<u8> + Sync)) -> Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let mut bytes = Vec::new();
    while let Some((_, body)) = read(&mut stream, &mut bytes).await? {
        let body = answer(&body);
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), &body].concat()).await?;
        stream.flush().await?;
    }
    Ok(())
}

/// A connection to a server whose name is verified.
pub struct Connection {
    stream: TlsStream<TcpStream>,
    bytes: Vec<u8>,
}

/// Whom a client trusts, and under which name.
#[derive(Clone)]
pub struct Trust {
    connector: TlsConnector,
    name: ServerName<'static>,
}

impl Trust {
    /// Trusts the certificates of a bundle (PEM) for this name.
    pub fn of(bundle: &str, name: &str) -> Result<Self> {
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(bundle.as_bytes()) {
            roots.add(certificate?)?;
        }
        let config = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self {
            connector: TlsConnector::from(Arc::new(config)),
            name: ServerName::try_from(name.to_owned())?,
        })
    }
}

impl Connection {
    /// Connects and shakes hands.
    pub async fn open(address: SocketAddr, trust: &Trust) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: trust.connector.connect(trust.name.clone(), stream).await?,
            bytes: Vec::new(),
        })
    }

    /// Posts JSON and reads the answer: its status and body.
    pub async fn post(&mut self, path: &str, body: &[u8]) -> Result<(u16, Vec<u8>)> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: webhook\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        self.stream.write_all(&[head.as_bytes(), body].concat()).await?;
        self.stream.flush().await?;
        let (head, body) = read(&mut self.stream, &mut self.bytes)
            .await?
            .ok_or("the server closed instead of answering")?;
        let status = head.split(' ').nth(1).ok_or("no status")?.parse()?;
        Ok((status, body))
    }
}

/// The next message on a connection: its head and its body by Content-Length; `None` when the peer closed instead.
async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    bytes: &mut Vec<u8>,
) -> Result<Option<(String, Vec<u8>)>> {
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break end;
        }
        if stream.read_buf(bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned();
    let mut lengths = head.lines().filter_map(|line| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case("content-length").then(|| value.trim())
    });
    let length: usize = lengths.next_back().unwrap_or("0").parse()?;
    let mut body = bytes.split_off(end + 4);
    while body.len() < length {
        if stream.read_buf(&mut body).await? == 0 {
            return Err("the peer closed within a body".into());
        }
    }
    *bytes = body.split_off(length);
    Ok(Some((head, body)))
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}
