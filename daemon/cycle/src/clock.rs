//! Time as the cycle sees it: the wall's, or a scenario's.
//!
//! Only this room and the ends read clocks; every decision gets its `now` from the Snapshot.

use model::{Instant, Span};
use std::future::Future;
use std::pin::Pin;
use std::task::Poll;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::sync::watch;

/// A sleep that a trait object can return.
pub type Sleep<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Tells the time and waits.
pub trait Clock: Send + Sync {
    /// Now, in milliseconds since the Unix epoch. Never goes backwards.
    fn now(&self) -> Instant;

    /// Returns after this span.
    fn sleep(&self, span: Span) -> Sleep<'_>;
}

/// The machine's clock: the wall's reading at the start plus monotonic time since, so that a jump of the
/// wall clock neither opens a window nor ends a deadline early (reliability invariant I26).
#[derive(Clone, Copy, Debug)]
pub struct WallClock {
    wall: i64,
    since: std::time::Instant,
}

impl WallClock {
    /// Reads the wall clock once.
    pub fn start() -> Self {
        let wall = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
        Self {
            wall,
            since: std::time::Instant::now(),
        }
    }
}

impl Clock for WallClock {
    fn now(&self) -> Instant {
        let passed = i64::try_from(self.since.elapsed().as_millis()).unwrap_or(i64::MAX);
        Instant(self.wall.saturating_add(passed))
    }

    fn sleep(&self, span: Span) -> Sleep<'_> {
        let millis = u64::try_from(span.millis()).unwrap_or(0);
        Box::pin(tokio::time::sleep(Duration::from_millis(millis)))
    }
}

/// Virtual time: it stands still until somebody moves it.
#[derive(Debug)]
pub struct ManualClock {
    time: watch::Sender<Instant>,
    leaps: bool,
}

impl ManualClock {
    /// Time moves by `advance` and `set` only; a sleep ends when the time it waits for has come.
    pub fn new(at: Instant) -> Self {
        Self {
            time: watch::Sender::new(at),
            leaps: false,
        }
    }

    /// Discrete-event time: a sleep moves the clock to its own end and returns. For one sleeper at a time;
    /// effects under such a clock must be ready at once, or they time out.
    pub fn leaping(at: Instant) -> Self {
        Self {
            time: watch::Sender::new(at),
            leaps: true,
        }
    }

    /// Moves time on.
    pub fn advance(&self, span: Span) {
        self.time.send_modify(|now| *now = (*now).max(*now + span));
    }

    /// Moves time on to here; an earlier instant is ignored.
    pub fn set(&self, at: Instant) {
        self.time.send_modify(|now| *now = (*now).max(at));
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        *self.time.borrow()
    }

    fn sleep(&self, span: Span) -> Sleep<'_> {
        Box::pin(async move {
            let end = self.now() + span;
            if self.leaps {
                breathe().await;
                self.set(end);
                return;
            }
            let mut time = self.time.subscribe();
            while *time.borrow_and_update() < end {
                if time.changed().await.is_err() {
                    return;
                }
            }
        })
    }
}

/// Lets other tasks run once: a leaping clock never waits otherwise.
async fn breathe() {
    let mut first = true;
    std::future::poll_fn(|context| {
        if std::mem::take(&mut first) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}
