//! Aims in a file of their own, read again when they change or on SIGHUP.
//!
//! A file that cannot be used keeps the last good aims in force: one clear line, one count in the metrics.

use crate::config::bounded;
use crate::signals::Signals;
use cycle::Handle;
use model::Aims;
use model::aims::Mode;
use serve::Metrics;
use std::path::PathBuf;
use std::time::Duration;

/// How often the file is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// The cluster's mode laid under the aims.
pub(crate) fn with_mode(mut aims: Aims, mode: Mode) -> Aims {
    aims.modes.cluster.get_or_insert(mode);
    aims
}

/// Follows a file until the daemon ends.
pub(crate) async fn follow(file: PathBuf, mode: Mode, handle: Handle, metrics: Metrics, signals: Signals) {
    let name = file.display().to_string();
    // What is in force was read a moment ago; a change in between is read once more, which does no harm.
    let mut last = bounded(&file);
    loop {
        let asked = tokio::select! {
            () = tokio::time::sleep(EVERY) => false,
            () = signals.reload.notified() => true,
            () = signals.ended() => return,
        };
        let now = bounded(&file);
        if now == last && !asked {
            continue;
        }
        let read = match &now {
            Ok(bytes) => manifest::aims(&name, bytes).map_err(|problems| problems.to_string()),
            Err(why) => Err(format!("{name}: {why}")),
        };
        last = now;
        metrics.aims_reloaded(read.is_ok());
        match read {
            Ok(aims) => {
                tracing::info!(file = %name, "new aims are in force");
                handle.set_aims(with_mode(aims, mode));
            }
            Err(problems) => {
                let problems = problems.replace('\n', "; ");
                tracing::error!(%problems, "the last good aims stay in force");
            }
        }
    }
}
