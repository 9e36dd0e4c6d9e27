//! The kill switch as a local file: while it is there, nothing is carried out. Works without any API.

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

/// Looks once, before the first cycle.
pub(crate) async fn look(file: &Path, handle: &Handle) {
    let there = tokio::fs::try_exists(file).await.unwrap_or(true);
    let paused = handle.status().paused;
    match (there, paused) {
        (true, None) => {
            // Pulled in this process even where it cannot be kept; the cycle says so itself.
            let _ = handle.pause(BY, &format!("{} is there", file.display())).await;
        }
        (false, Some(pause)) if pause.by == BY => {
            if let Err(error) = handle.resume(BY).await {
                tracing::warn!(%error, "the pause file is gone, but the pause stays for now");
            }
        }
        _ => {}
    }
}

/// Looks until the daemon ends.
pub(crate) async fn follow(file: PathBuf, handle: Handle, signals: Signals) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => look(&file, &handle).await,
            () = signals.ended() => return,
        }
    }
}
