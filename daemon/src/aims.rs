//! Aims in a file of their own, read again when they change or on SIGHUP.
//!
//! A file that cannot be used, or loosens what it does not acknowledge, keeps the last good aims in force: one clear line
//! for each mistake, one count in the metrics. What is looser is not decided here (`guard`).

use crate::config::{AimsFile, MAX_BYTES, bounded};
use crate::signals::Signals;
use cycle::{Handle, Unacknowledged};
use manifest::Lines;
use model::loosening::{Change, Loosening};
use serve::Metrics;
use std::time::Duration;

/// How often the file is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// Fields that are told one by one; the rest is counted, as of other mistakes in a file.
const TOLD: usize = 50;

/// Says why the aims that the daemon was started with, in a file of their own or in its configuration, are not in force.
pub(crate) fn say_refused(file: Option<&AimsFile>, refused: &Unacknowledged) {
    let problems = match file {
        Some(AimsFile { path, bytes }) => unacknowledged(&path.display().to_string(), bytes, refused),
        None => unacknowledged("aims", &[], refused),
    };
    for problem in problems {
        tracing::error!(%problem, "the last good aims stay in force");
    }
}

/// Follows a file until the daemon ends. The file is looked at by name, so that a ConfigMap's swapped folders are seen.
pub(crate) async fn follow(file: AimsFile, handle: Handle, metrics: Metrics, signals: Signals) {
    let AimsFile { path, bytes } = file;
    let name = path.display().to_string();
    // What is in force, not what the file is by now: a change during the start is a change.
    let mut last = Ok(bytes);
    loop {
        let asked = tokio::select! {
            () = tokio::time::sleep(EVERY) => false,
            () = signals.reload.notified() => true,
            () = signals.ended() => return,
        };
        let now = bounded(&path, MAX_BYTES);
        if now == last && !asked {
            continue;
        }
        let taken = match &now {
            Ok(bytes) => take(&name, bytes, &handle).await,
            Err(why) => Err(unread(&handle, &format!("{name}: {why}"))),
        };
        last = now;
        metrics.aims_reloaded(taken.is_ok());
        match taken {
            Ok(()) => tracing::info!(file = %name, "new aims are in force"),
            Err(problems) => {
                for problem in problems {
                    tracing::error!(%problem, "the last good aims stay in force");
                }
            }
        }
    }
}

/// Puts the aims of a file in force, or tells what is wrong with them, one line each.
async fn take(name: &str, bytes: &[u8], handle: &Handle) -> Result<(), Vec<String>> {
    let aims = manifest::aims(name, bytes).map_err(|problems| unread(handle, &problems.to_string()))?;
    let taken = handle.offer_aims(aims).await;
    taken.map_err(|refused| unacknowledged(name, bytes, &refused))
}

/// Tells that a file cannot be used at all, as an alarm and line by line.
fn unread(handle: &Handle, problems: &str) -> Vec<String> {
    handle.aims_unread(&problems.replace('\n', "; "));
    problems.lines().map(str::to_owned).collect()
}

/// What aims loosen, with the line it stands on and what allows it.
fn unacknowledged(name: &str, bytes: &[u8], refused: &Unacknowledged) -> Vec<String> {
    let lines = Lines::of(bytes);
    let said = |loosening: &Loosening| {
        let line = lines.of_field(&loosening.field);
        let line = line.map_or_else(String::new, |line| format!(":{line}"));
        let what = match loosening.change {
            Change::Removed if loosening.field == "aims" => "empty, and aims are in force".to_owned(),
            _ => format!("{}: looser than what is in force", loosening.field),
        };
        format!("{name}{line}: {what}; if that is meant, add `{loosening}` to acknowledge")
    };
    let mut problems: Vec<String> = refused.0.iter().take(TOLD).map(said).collect();
    if let Some(more) = refused.0.len().checked_sub(TOLD).filter(|more| *more > 0) {
        problems.push(format!("{name}: {more} more fields are looser"));
    }
    problems
}

#[cfg(test)]
mod edits;

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use cycle::{Desk, Fixed, InForce, ManualClock, MemoryStore, Parts};
    use guard::Fence;
    use model::aims::Mode;
    use model::{Instant, Span};
    use std::sync::Arc;

    /// A daemon that begins with these aims.
    pub(crate) async fn desk(bytes: &[u8]) -> Handle {
        let desk = Desk::open(Parts {
            clock: Arc::new(ManualClock::new(Instant(0))),
            policies: InForce::default(),
            aims: manifest::aims("aims.yaml", bytes).unwrap(),
            mode: Mode::Observe,
            store: Box::new(MemoryStore::default()),
            log: None,
            library: Box::new(Fixed),
            fence: Fence::sole(),
            overdue: Span::from_secs(60),
        });
        desk.await.handle()
    }

    /// Between the configuration that was read and the first look at the file lie policies, stores and a cluster.
    #[tokio::test]
    async fn a_change_during_the_start_is_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("aims.yaml");
        let bytes = b"mode: observe\n".to_vec();
        let handle = desk(&bytes).await;
        let options = serve::Options {
            grpc: "127.0.0.1:0".parse().unwrap(),
            tls: None,
            socket: None,
            reflection: false,
            http: None,
            authorise_metrics: false,
            admission: None,
        };
        let serving = serve::serve(handle.clone(), &options, Arc::new(serve::LoopbackOnly)).unwrap();
        std::fs::write(&path, "mode: act\nacknowledge: [mode from observe to act]\n").unwrap();
        let following = tokio::spawn(follow(
            AimsFile { path, bytes },
            handle.clone(),
            serving.metrics.clone(),
            Signals::listen().unwrap(),
        ));
        for _ in 0..100 {
            if handle.status().modes.of_cluster() == Mode::Act {
                break;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        following.abort();
        assert_eq!(handle.status().modes.of_cluster(), Mode::Act);
        tokio::task::spawn_blocking(move || serving.stop()).await.unwrap();
    }
}
