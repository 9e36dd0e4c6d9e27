//! `WatchCycles`: every record as it ends, to a bounded number of watchers with a bounded number of bytes between them.
//!
//! A message is made when its watcher can take it, so that each has one under way, and all of them have a budget. What
//! a watcher does not take in time it does not get: who falls behind is told so and dropped, who reads nothing at all is
//! cut with the connection, because no word reaches it behind what it has not read. Nothing here holds up a cycle.

use crate::crowd::{Cut, Pass};
use crate::desk::Desk;
use crate::{limits, messages};
use logbook::CycleRecord;
use prost::Message;
use proto::v1;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, mpsc};
use tokio_stream::Stream;
use tonic::Status;

/// The unit in which bytes are counted.
const KIB: usize = 1 << 10;

/// Bytes of all watchers that were made for them and not yet taken.
#[derive(Clone)]
pub(crate) struct Unread(Arc<Semaphore>);

impl Unread {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(limits::WATCH_BYTES / KIB)))
    }

    /// How many there are.
    pub(crate) fn bytes(&self) -> usize {
        (limits::WATCH_BYTES / KIB).saturating_sub(self.0.available_permits()) * KIB
    }

    /// Makes a message once there is room for the largest, and keeps as much room as it takes.
    async fn message(&self, record: &CycleRecord) -> Option<Counted> {
        let largest = u32::try_from(limits::ANSWER_BYTES / KIB).ok()?;
        let mut room = Arc::clone(&self.0).acquire_many_owned(largest).await.ok()?;
        let message = messages::cycle(record);
        let takes = message.encoded_len().div_ceil(KIB).max(1);
        drop(room.split(room.num_permits().saturating_sub(takes)));
        Some(Counted(Ok(message), Some(room)))
    }
}

/// A message, or the last word, with the room that it takes.
struct Counted(Result<v1::Cycle, Status>, Option<OwnedSemaphorePermit>);

/// What a watcher reads.
pub(crate) struct Cycles {
    queue: mpsc::Receiver<Counted>,
    asked: Arc<Notify>,
    /// Of the message that was handed on last; the next is asked for only when that one has gone.
    room: Option<OwnedSemaphorePermit>,
}

impl Stream for Cycles {
    type Item = Result<v1::Cycle, Status>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.room = None;
        let Poll::Ready(next) = self.queue.poll_recv(cx) else {
            self.asked.notify_one();
            return Poll::Pending;
        };
        Poll::Ready(next.map(|Counted(message, room)| {
            self.room = room;
            message
        }))
    }
}

/// Admits a watcher and begins to feed it.
pub(crate) fn begin(desk: &Desk, pass: Option<Pass>, with_steps_only: bool) -> Result<Cycles, Status> {
    let place = Arc::clone(&desk.watchers).try_acquire_owned().map_err(|_| {
        Status::resource_exhausted(format!("{} watchers are there already", limits::WATCHERS))
    })?;
    // One message, and room for the last word.
    let (queue, cycles) = mpsc::channel(2);
    let asked = Arc::new(Notify::new());
    let feeding = Feeding {
        desk: desk.clone(),
        queue,
        asked: Arc::clone(&asked),
        pass,
        with_steps_only,
    };
    // Before the answer begins, so that no cycle after it is missed.
    let records = desk.handle.watch();
    tokio::spawn(async move {
        feeding.run(records).await;
        drop(place);
    });
    Ok(Cycles {
        queue: cycles,
        asked,
        room: None,
    })
}

/// What feeds one watcher.
struct Feeding {
    desk: Desk,
    queue: mpsc::Sender<Counted>,
    asked: Arc<Notify>,
    pass: Option<Pass>,
    with_steps_only: bool,
}

type Records = tokio::sync::broadcast::Receiver<Arc<CycleRecord>>;

impl Feeding {
    async fn run(self, mut records: Records) {
        let mut ending = self.desk.ending.clone();
        let last_word = tokio::select! {
            word = self.feed(&mut records) => word,
            () = self.queue.closed() => return,
            _ = ending.wait_for(|ending| *ending) => Some(stopping()),
        };
        match last_word {
            Some(word) => {
                let _ = self.queue.try_send(Counted(Err(word), None));
                // The word waits behind what the watcher has not read; so does the memory.
                self.gone_in_time().await;
            }
            None => self.cut(),
        }
    }

    /// Until the watcher has to go: with a last word, or without one where it takes nothing.
    async fn feed(&self, records: &mut Records) -> Option<Status> {
        loop {
            let asked = tokio::time::timeout(limits::WATCH_UNREAD, self.asked.notified()).await;
            if asked.is_err() {
                return None;
            }
            let record = loop {
                match records.recv().await {
                    Ok(record) if self.with_steps_only && record.plan.steps.is_empty() => {}
                    Ok(record) => break record,
                    Err(RecvError::Lagged(missed)) => return Some(too_slow(missed)),
                    Err(RecvError::Closed) => return Some(stopping()),
                }
            };
            let message = self.desk.unread.message(&record).await?;
            drop(record);
            if self.queue.send(message).await.is_err() {
                return Some(stopping());
            }
        }
    }

    async fn gone_in_time(&self) {
        let gone = tokio::time::timeout(limits::WATCH_UNREAD, self.queue.closed()).await;
        if gone.is_err() {
            self.cut();
        }
    }

    fn cut(&self) {
        tracing::info!(
            "a watcher has taken nothing for {:?}: its connection is cut",
            limits::WATCH_UNREAD
        );
        if let Some(pass) = &self.pass {
            pass.cut(Cut::Unread);
        }
    }
}

fn stopping() -> Status {
    Status::unavailable("the daemon is stopping")
}

fn too_slow(behind: u64) -> Status {
    Status::data_loss(format!(
        "this watcher was {behind} cycles behind and has been dropped; ListCycles has what it missed"
    ))
}
