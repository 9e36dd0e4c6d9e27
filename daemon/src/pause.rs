//! The kill switch as a local file: while it is there, nothing is carried out. Works without any API.
//!
//! It resumes only where somebody took it away while this process looked: a file that went with a pod or a volume is no
//! word of anybody.

#[cfg(feature = "live")]
pub(crate) mod annotation;

use crate::signals::Signals;
use cycle::Handle;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often the file is looked for; effects stop within a second (reliability invariant I20).
const EVERY: Duration = Duration::from_millis(250);

/// As whom the file pauses.
const BY: &str = "pause file";

/// Looks once, before the first cycle; `true`: it is there.
pub(crate) async fn look(file: &Path, handle: &Handle) -> bool {
    let there = again(file, handle, false).await;
    if !there && handle.status().paused.is_some_and(|pause| pause.by == BY) {
        tracing::warn!(
            file = %file.display(),
            "paused by a file that is gone since: the pause stays until `plimsoll resume`"
        );
    }
    there
}

/// Looks again, after it was or was not there.
async fn again(file: &Path, handle: &Handle, was_there: bool) -> bool {
    let there = tokio::fs::try_exists(file).await.unwrap_or(true);
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

/// Looks until the daemon ends.
pub(crate) async fn follow(file: PathBuf, mut there: bool, handle: Handle, signals: Signals) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => there = again(&file, &handle, there).await,
            () = signals.ended() => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aims::tests::desk;

    #[tokio::test]
    async fn the_file_pauses_and_taking_it_away_resumes() {
        let (folder, handle) = (tempfile::tempdir().unwrap(), desk(b"mode: observe\n").await);
        let file = folder.path().join("pause");
        let there = look(&file, &handle).await;
        std::fs::write(&file, "").unwrap();
        let there = again(&file, &handle, there).await;
        assert!(there && handle.status().paused.is_some_and(|pause| pause.by == BY));
        std::fs::remove_file(&file).unwrap();
        again(&file, &handle, there).await;
        assert!(handle.status().paused.is_none());
    }

    /// The file was in a volume that went with the pod: nobody has said that effects may go on.
    #[tokio::test]
    async fn a_file_that_is_gone_at_the_start_does_not_resume() {
        let (folder, handle) = (tempfile::tempdir().unwrap(), desk(b"mode: observe\n").await);
        let file = folder.path().join("pause");
        handle.pause(BY, "before the restart").await.unwrap();
        let there = look(&file, &handle).await;
        again(&file, &handle, there).await;
        assert!(handle.status().paused.is_some());
    }
}
