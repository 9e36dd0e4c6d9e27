//! The way in to gRPC: TCP, in the clear or by TLS, and a Unix socket. Nobody waits for anybody: every connection is
//! accepted at once, shakes hands beside the others, has little time for it, and may have to go for a newcomer.
//!
//! Not here: who stays (`crowd.rs`), the socket's file (`socket.rs`), HTTP.

use crate::accept::{Conn, Leash};
use crate::crowd::{Crowd, Pass, Place};
use crate::limits;
use crate::tls::InForce;
use rustls::ServerConfig;
use socket2::SockRef;
use std::io;
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener};
use tokio::sync::mpsc;
use tokio_rustls::LazyConfigAcceptor;
use tonic::transport::server::Connected;

/// Where connections go that may speak HTTP/2.
pub(crate) type Queue = mpsc::Sender<Wire>;

/// Bytes both ways.
trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// A connection as the server takes it.
pub(crate) struct Wire {
    stream: Box<dyn Duplex>,
    peer: Peer,
}

/// Who is at the other end; every request of the connection carries it.
#[derive(Clone)]
pub(crate) struct Peer {
    pub(crate) origin: Origin,
    pub(crate) pass: Pass,
}

/// Where a connection comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// TCP.
    Address(SocketAddr),
    /// The Unix socket, and the user that opened it where the system tells.
    Socket(Option<u32>),
}

impl Connected for Wire {
    type ConnectInfo = Peer;

    fn connect_info(&self) -> Peer {
        self.peer.clone()
    }
}

/// Accepts from a TCP listener until it is aborted.
pub(crate) async fn tcp(listener: TcpListener, tls: Option<InForce>, queue: Queue) {
    let crowd = Crowd::new(limits::CONNECTIONS);
    loop {
        let Some((stream, address)) = rested(listener.accept().await).await else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        let (place, pass, told) = crowd.enter(address.ip(), has_begun(&stream));
        let place = Arc::new(place);
        let leash = Leash::new(pass.clone(), told, limits::FIRST_REQUEST);
        let conn = Conn::led(stream, leash, Arc::clone(&place));
        let peer = Peer {
            origin: Origin::Address(address),
            pass,
        };
        let tls = tls.as_ref().map(|tls| Arc::clone(&tls.borrow()));
        let queue = queue.clone();
        tokio::spawn(async move {
            let stream: Box<dyn Duplex> = match tls {
                None => Box::new(conn),
                Some(tls) => {
                    let shaking = tokio::time::timeout(limits::TLS_HANDSHAKE, shake(conn, tls, &place));
                    match shaking.await {
                        Ok(Ok(stream)) => stream,
                        Ok(Err(error)) => return tracing::debug!(%address, %error, "a TLS handshake failed"),
                        Err(_) => return tracing::debug!(%address, "a TLS handshake took too long"),
                    }
                }
            };
            drop(place);
            let _ = queue.send(Wire { stream, peer }).await;
        });
    }
}

/// Whether its first byte is there already; whoever has waited to be accepted has sent it long since.
fn has_begun(stream: &TcpStream) -> bool {
    let mut first = [MaybeUninit::uninit()];
    SockRef::from(stream).peek(&mut first).is_ok_and(|read| read > 0)
}

/// TLS, with the steps that count as going on.
async fn shake(conn: Conn<TcpStream>, tls: Arc<ServerConfig>, place: &Place) -> io::Result<Box<dyn Duplex>> {
    let greeted = LazyConfigAcceptor::new(rustls::server::Acceptor::default(), conn).await?;
    place.step();
    let stream = greeted.into_stream(tls).await?;
    place.step();
    Ok(Box::new(stream))
}

/// Accepts from the Unix socket until it is aborted. Its places are its own: no flood of TCP reaches them.
pub(crate) async fn socket(listener: UnixListener, queue: Queue) {
    let crowd = Crowd::new(limits::SOCKET_CONNECTIONS);
    loop {
        let Some((stream, _)) = rested(listener.accept().await).await else {
            continue;
        };
        let (place, pass, told) = crowd.enter(IpAddr::V4(Ipv4Addr::LOCALHOST), false);
        let peer = Peer {
            origin: Origin::Socket(stream.peer_cred().ok().map(|peer| peer.uid())),
            pass: pass.clone(),
        };
        let leash = Leash::new(pass, told, limits::FIRST_REQUEST);
        let stream = Box::new(Conn::led(stream, leash, place));
        if queue.send(Wire { stream, peer }).await.is_err() {
            return;
        }
    }
}

/// A rest where the system has nothing left to accept with, instead of a spinning loop.
async fn rested<T>(accepted: io::Result<T>) -> Option<T> {
    match accepted {
        Ok(accepted) => Some(accepted),
        Err(error) => {
            tracing::warn!(%error, "cannot accept connections; resting");
            tokio::time::sleep(limits::ACCEPT_REST).await;
            None
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
