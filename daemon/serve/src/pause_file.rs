//! The kill switch as a local file: while it is there, nothing is carried out. Works without any API.
//!
//! It is looked for on a thread of its own, which no cycle, no policy and no flood of calls can hold up. It resumes only
//! where somebody took it away while this process looked: a file that went with a pod or a volume is no word of anybody.

use cycle::Handle;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;
use tokio::runtime::Builder;

/// How often the file is looked for; effects stop within a second (reliability invariant I20).
const EVERY: Duration = Duration::from_millis(250);

/// As whom the file pauses.
const BY: &str = "pause file";

/// A file that is being looked for, until this is dropped.
pub struct PauseFile {
    _looking: mpsc::Sender<()>,
}

/// Looks once, before the first cycle; `true`: it is there.
pub async fn look(file: &Path, handle: &Handle) -> bool {
    let there = again(file, handle, false).await;
    if !there && handle.status().paused.is_some_and(|pause| pause.by == BY) {
        tracing::warn!(
            file = %file.display(),
            "paused by a file that is gone since: the pause stays until `plimsoll resume`"
        );
    }
    there
}

impl PauseFile {
    /// Looks from now on, after it was or was not there.
    pub fn follow(file: PathBuf, mut there: bool, handle: Handle) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (looking, ended) = mpsc::channel();
        std::thread::Builder::new()
            .name("plimsoll-pause".to_owned())
            .spawn(move || {
                while ended.recv_timeout(EVERY) == Err(RecvTimeoutError::Timeout) {
                    there = runtime.block_on(again(&file, &handle, there));
                }
            })?;
        Ok(Self { _looking: looking })
    }
}

/// Looks again, after it was or was not there.
async fn again(file: &Path, handle: &Handle, was_there: bool) -> bool {
    // What cannot be looked for may be there.
    let there = file.try_exists().unwrap_or(true);
    let paused = handle.status().paused;
    match (there, paused) {
        (true, None) => {
            // Pulled in this process even where it cannot be kept; the cycle says so itself.
            let _ = handle.pause(BY, &format!("{} is there", file.display())).await;
        }
        (false, Some(pause)) if was_there && pause.by == BY => {
            if let Err(error) = handle.resume(BY).await {
                tracing::warn!(%error, "the pause file is gone, but the pause stays for now");
                // The next look tries once more.
                return true;
            }
        }
        _ => {}
    }
    there
}

#[cfg(test)]
mod tests {
    use super::*;
    use cycle::{Desk, Fixed, InForce, ManualClock, MemoryStore, Parts};
    use std::sync::Arc;

    async fn handle() -> Handle {
        let desk = Desk::open(Parts {
            clock: Arc::new(ManualClock::new(model::Instant(0))),
            policies: InForce::default(),
            aims: model::Aims::default(),
            mode: model::aims::Mode::Observe,
            store: Box::new(MemoryStore::default()),
            log: None,
            library: Box::new(Fixed),
            fence: guard::Fence::sole(),
            overdue: model::Span::from_secs(60),
        });
        desk.await.handle()
    }

    #[tokio::test]
    async fn the_file_pauses_and_taking_it_away_resumes() {
        let (folder, handle) = (tempfile::tempdir().unwrap(), handle().await);
        let file = folder.path().join("pause");
        let there = look(&file, &handle).await;
        let following = PauseFile::follow(file.clone(), there, handle.clone()).unwrap();
        let becomes = async |paused: bool| {
            while handle.status().paused.is_some_and(|pause| pause.by == BY) != paused {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        std::fs::write(&file, "").unwrap();
        becomes(true).await;
        std::fs::remove_file(&file).unwrap();
        becomes(false).await;
        drop(following);
    }

    /// The file was in a volume that went with the pod: nobody has said that effects may go on.
    #[tokio::test]
    async fn a_file_that_is_gone_at_the_start_does_not_resume() {
        let (folder, handle) = (tempfile::tempdir().unwrap(), handle().await);
        let file = folder.path().join("pause");
        handle.pause(BY, "before the restart").await.unwrap();
        let there = look(&file, &handle).await;
        again(&file, &handle, there).await;
        assert!(handle.status().paused.is_some());
    }
}
