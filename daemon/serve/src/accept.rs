//! Accepting connections: bounded in all, bounded per peer, silent ones closed, old ones too where nothing else ends
//! them, and a rest when the system has no file descriptors left instead of a spinning loop.
//!
//! The door is that of the plain listener and the webhook; gRPC has its own (`entrance.rs`), with the same connections.
//! No TLS and no HTTP here.

use crate::crowd::{Cut, Pass};
use crate::limits;
use std::any::Any;
use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, Sleep};

/// Accepts within bounds.
pub(crate) struct Door {
    listener: TcpListener,
    places: Arc<Semaphore>,
    per_peer: usize,
    silence: Duration,
    age: Option<Duration>,
    peers: Peers,
}

/// Open connections by peer.
type Peers = Arc<Mutex<BTreeMap<IpAddr, usize>>>;

impl Door {
    /// A door with so many places, `per_peer` of them for one address outside loopback.
    pub(crate) fn new(listener: TcpListener, places: usize, per_peer: usize) -> Self {
        Self {
            listener,
            places: Arc::new(Semaphore::new(places)),
            per_peer,
            silence: limits::SILENCE,
            age: None,
            peers: Peers::default(),
        }
    }

    /// Connections end when their peers have sent nothing for this long.
    pub(crate) const fn silent_for(mut self, silence: Duration) -> Self {
        self.silence = silence;
        self
    }

    /// Connections end at this age, whatever their peers do.
    pub(crate) const fn at_most(mut self, age: Duration) -> Self {
        self.age = Some(age);
        self
    }

    /// The next connection. Waits for a place; peers beyond their share are closed at once.
    pub(crate) async fn next(&mut self) -> Conn {
        loop {
            let Ok(place) = Arc::clone(&self.places).acquire_owned().await else {
                // The semaphore is never closed; were it, nobody may come in.
                std::future::pending::<()>().await;
                continue;
            };
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    if let Some(seat) = self.seat(peer.ip()) {
                        let _ = stream.set_nodelay(true);
                        return Conn::new(stream, (self.silence, self.age), (place, seat));
                    }
                    tracing::debug!(%peer, "closed: too many connections from this address");
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept connections; resting");
                    tokio::time::sleep(limits::ACCEPT_REST).await;
                }
            }
        }
    }

    /// A place among those of this peer; it is given back when it is dropped.
    pub(crate) fn seat(&self, peer: IpAddr) -> Option<Seat> {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = peers.get(&peer).copied().unwrap_or(0);
        if taken >= self.per_peer && !peer.is_loopback() {
            return None;
        }
        peers.insert(peer, taken + 1);
        drop(peers);
        Some(Seat {
            peer,
            peers: Arc::clone(&self.peers),
        })
    }
}

/// The plain listener serves through the same door.
impl axum::serve::Listener for Door {
    type Io = Conn;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        let conn = self.next().await;
        let peer = conn
            .stream
            .peer_addr()
            .unwrap_or_else(|_| SocketAddr::from(([0, 0, 0, 0], 0)));
        (conn, peer)
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}

/// One connection's share of its peer's.
pub(crate) struct Seat {
    peer: IpAddr,
    peers: Peers,
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut peers = self.peers.lock().unwrap_or_else(PoisonError::into_inner);
        match peers.get_mut(&self.peer) {
            Some(taken) if *taken > 1 => *taken -= 1,
            _ => {
                peers.remove(&self.peer);
            }
        }
    }
}

/// A connection that gives its place back when it is dropped and ends when its peer is silent.
pub(crate) struct Conn<S = TcpStream> {
    stream: S,
    silence: Duration,
    silent_at: Pin<Box<Sleep>>,
    old_at: Option<Pin<Box<Sleep>>>,
    leash: Option<Leash>,
    _place: Box<dyn Any + Send>,
}

/// What ends a connection of the crowd from our side: a word, or the time for its first request.
pub(crate) struct Leash {
    pass: Pass,
    told: oneshot::Receiver<Cut>,
    asked_by: Option<Pin<Box<Sleep>>>,
}

impl Leash {
    /// The first request must have come within `time`.
    pub(crate) fn new(pass: Pass, told: oneshot::Receiver<Cut>, time: Duration) -> Self {
        Self {
            pass,
            told,
            asked_by: Some(Box::pin(tokio::time::sleep(time))),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if let Poll::Ready(Ok(cut)) = Pin::new(&mut self.told).poll(cx) {
            let (kind, text) = match cut {
                Cut::Displaced => (io::ErrorKind::ConnectionAborted, "a newcomer took its place"),
                Cut::Unread => (io::ErrorKind::TimedOut, "the peer did not read its answers"),
            };
            return Poll::Ready(io::Error::new(kind, text));
        }
        let Some(asked_by) = &mut self.asked_by else {
            return Poll::Pending;
        };
        if asked_by.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        self.asked_by = None;
        if self.pass.has_asked() {
            return Poll::Pending;
        }
        Poll::Ready(io::Error::new(
            io::ErrorKind::TimedOut,
            "no whole request has come in time",
        ))
    }
}

impl<S> Conn<S> {
    fn new(stream: S, (silence, age): (Duration, Option<Duration>), place: impl Any + Send) -> Self {
        Self {
            stream,
            silence,
            silent_at: Box::pin(tokio::time::sleep(silence)),
            old_at: age.map(|age| Box::pin(tokio::time::sleep(age))),
            leash: None,
            _place: Box::new(place),
        }
    }

    /// A connection that others may end.
    pub(crate) fn led(stream: S, leash: Leash, place: impl Any + Send) -> Self {
        Self {
            leash: Some(leash),
            ..Self::new(stream, (limits::SILENCE, None), place)
        }
    }

    /// Ready with an error once the connection is too old, or has to go.
    fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        if let Some(leash) = &mut self.leash
            && let Poll::Ready(error) = leash.poll(cx)
        {
            tracing::debug!(%error, "a connection is cut");
            return Poll::Ready(error);
        }
        let Some(old_at) = &mut self.old_at else {
            return Poll::Pending;
        };
        old_at
            .as_mut()
            .poll(cx)
            .map(|()| io::Error::new(io::ErrorKind::TimedOut, "the connection is too old"))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Conn<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Poll::Ready(error) = self.poll_end(cx) {
            return Poll::Ready(Err(error));
        }
        match Pin::new(&mut self.stream).poll_read(cx, buf) {
            Poll::Ready(done) => {
                let next = Instant::now() + self.silence;
                self.silent_at.as_mut().reset(next);
                Poll::Ready(done)
            }
            Poll::Pending => self.silent_at.as_mut().poll(cx).map(|()| {
                Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the peer has been silent for too long",
                ))
            }),
        }
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Conn<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if let Poll::Ready(error) = self.poll_end(cx) {
            return Poll::Ready(Err(error));
        }
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
        if let Poll::Ready(error) = self.poll_end(cx) {
            return Poll::Ready(Err(error));
        }
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn door(places: usize) -> (Door, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        (Door::new(listener, places, 1), address)
    }

    #[tokio::test]
    async fn a_full_door_waits_until_a_place_is_given_back() {
        let (mut door, address) = door(1).await;
        let _first = TcpStream::connect(address).await.unwrap();
        let _second = TcpStream::connect(address).await.unwrap();
        let inside = door.next().await;
        let soon = Duration::from_millis(50);
        assert!(tokio::time::timeout(soon, door.next()).await.is_err());
        drop(inside);
        assert!(
            tokio::time::timeout(Duration::from_secs(5), door.next())
                .await
                .is_ok()
        );
    }

    #[tokio::test]
    async fn a_silent_peer_is_closed() {
        let (mut door, address) = door(1).await;
        door.silence = Duration::from_millis(50);
        let _peer = TcpStream::connect(address).await.unwrap();
        let mut inside = door.next().await;
        let error = inside.read_u8().await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_peer_that_drips_is_closed_at_its_age() {
        let (door, address) = door(1).await;
        let mut door = door.at_most(Duration::from_millis(100));
        let mut peer = TcpStream::connect(address).await.unwrap();
        let mut inside = door.next().await;
        let dripping = tokio::spawn(async move {
            while peer.write_all(b"x").await.is_ok() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        });
        let error = loop {
            if let Err(error) = inside.read_u8().await {
                break error;
            }
        };
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(inside);
        dripping.await.unwrap();
    }

    #[tokio::test]
    async fn seats_are_counted_by_peer_and_given_back() {
        let (door, _) = door(1).await;
        let outside = IpAddr::from([10, 0, 0, 1]);
        let seat = door.seat(outside).unwrap();
        assert!(door.seat(outside).is_none());
        assert!(door.seat(IpAddr::from([10, 0, 0, 2])).is_some());
        drop(seat);
        assert!(door.seat(outside).is_some());
    }
}
