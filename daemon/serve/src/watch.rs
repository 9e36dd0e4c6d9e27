//! `WatchCycles`: every record as it ends, to a bounded number of watchers with a bounded queue each.
//!
//! Nothing here can hold up a cycle: a watcher that does not read is dropped.

use crate::desk::Desk;
use crate::{limits, messages};
use proto::v1;
use std::sync::Arc;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;

/// What a watcher reads.
pub(crate) type Cycles = ReceiverStream<Result<v1::Cycle, Status>>;

/// Admits a watcher and begins to feed it.
pub(crate) fn begin(desk: &Desk, with_steps_only: bool) -> Result<Cycles, Status> {
    let place = Arc::clone(&desk.watchers).try_acquire_owned().map_err(|_| {
        Status::resource_exhausted(format!("{} watchers are there already", limits::WATCHERS))
    })?;
    let (queue, cycles) = mpsc::channel(limits::WATCH_BEHIND);
    tokio::spawn(feed(desk.clone(), queue, with_steps_only, place));
    Ok(ReceiverStream::new(cycles))
}

async fn feed(
    desk: Desk,
    queue: mpsc::Sender<Result<v1::Cycle, Status>>,
    with_steps_only: bool,
    _place: OwnedSemaphorePermit,
) {
    let mut records = desk.handle.watch();
    let mut ending = desk.ending.clone();
    let last_word = loop {
        let record = tokio::select! {
            record = records.recv() => record,
            () = queue.closed() => return,
            _ = ending.wait_for(|ending| *ending) => break Status::unavailable("the daemon is stopping"),
        };
        match record {
            Ok(record) if with_steps_only && record.plan.steps.is_empty() => {}
            Ok(record) => match queue.try_send(Ok(messages::cycle(&record))) {
                Ok(()) => {}
                Err(TrySendError::Full(_)) => break too_slow(limits::WATCH_BEHIND as u64),
                Err(TrySendError::Closed(_)) => return,
            },
            Err(RecvError::Lagged(missed)) => break too_slow(missed),
            Err(RecvError::Closed) => break Status::unavailable("the daemon is stopping"),
        }
    };
    // The queue may be full of what the watcher has not read; it gets this long to find out why it ended.
    let _ = tokio::time::timeout(limits::CALL, queue.send(Err(last_word))).await;
}

fn too_slow(behind: u64) -> Status {
    Status::data_loss(format!(
        "this watcher was {behind} cycles behind and has been dropped; ListCycles has what it missed"
    ))
}
