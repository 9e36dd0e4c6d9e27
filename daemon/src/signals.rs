//! Signals: SIGTERM and SIGINT end the daemon in good order, SIGHUP reads the aims again.

use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch};

/// What signals have asked for.
#[derive(Clone)]
pub(crate) struct Signals {
    ending: watch::Receiver<bool>,
    /// Woken by every SIGHUP.
    pub(crate) reload: Arc<Notify>,
}

impl Signals {
    /// Listens from now on; inside a runtime.
    pub(crate) fn listen() -> std::io::Result<Self> {
        let mut term = signal(SignalKind::terminate())?;
        let mut int = signal(SignalKind::interrupt())?;
        let mut hup = signal(SignalKind::hangup())?;
        let (end, ending) = watch::channel(false);
        let reload = Arc::new(Notify::new());
        let theirs = Arc::clone(&reload);
        tokio::spawn(async move {
            loop {
                let name = tokio::select! {
                    _ = term.recv() => "SIGTERM",
                    _ = int.recv() => "SIGINT",
                    _ = hup.recv() => {
                        theirs.notify_one();
                        continue;
                    }
                };
                tracing::info!(
                    signal = name,
                    "ending: the effect under way is finished, no other begins"
                );
                let _ = end.send(true);
            }
        });
        Ok(Self { ending, reload })
    }

    /// Done when the daemon is to end.
    pub(crate) async fn ended(&self) {
        let mut ending = self.ending.clone();
        let _ = ending.wait_for(|ending| *ending).await;
    }
}
