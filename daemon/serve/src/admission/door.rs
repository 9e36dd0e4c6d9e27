//! TLS in front of the webhook. Handshakes happen beside each other and are bounded in time, so that nobody who is slow
//! at it stands before the API server.
//!
//! HTTP/1.1 only: there are no streams that could be reset by the thousand, and a peer that is gone costs one
//! connection, not all reviews.

use crate::accept::{Conn, Door};
use crate::limits;
use crate::tls::InForce;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// Connections whose handshake is done.
pub(super) struct TlsDoor {
    done: mpsc::Receiver<TlsStream<Conn>>,
    address: SocketAddr,
}

impl TlsDoor {
    /// Accepts from now on, until it is dropped.
    pub(super) fn open(mut outer: Door, tls: InForce) -> io::Result<Self> {
        let address = axum::serve::Listener::local_addr(&outer)?;
        let (queue, done) = mpsc::channel(1);
        tokio::spawn(async move {
            loop {
                let conn = tokio::select! {
                    conn = outer.next() => conn,
                    () = queue.closed() => return,
                };
                let acceptor = TlsAcceptor::from(Arc::clone(&tls.borrow()));
                let queue = queue.clone();
                tokio::spawn(async move {
                    let shaking = acceptor.accept(conn);
                    match tokio::time::timeout(limits::ADMISSION_HANDSHAKE, shaking).await {
                        Ok(Ok(stream)) => drop(queue.send(stream).await),
                        Ok(Err(error)) => tracing::debug!(%error, "a handshake with the webhook failed"),
                        Err(_) => tracing::debug!("a handshake with the webhook took too long"),
                    }
                });
            }
        });
        Ok(Self { done, address })
    }
}

impl axum::serve::Listener for TlsDoor {
    type Io = TlsStream<Conn>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.done.recv().await {
            Some(stream) => (stream, self.address),
            // The accepting task lives as long as this; were it gone, nobody may come in.
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
    }
}
