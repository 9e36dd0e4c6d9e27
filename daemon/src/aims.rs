//! Aims in a file of their own, read again when they change or on SIGHUP.
//!
//! A file that cannot be used keeps the last good aims in force: one clear line, one count in the metrics.

use crate::config::{AimsFile, MAX_BYTES, bounded};
use crate::signals::Signals;
use cycle::Handle;
use model::Aims;
use model::aims::Mode;
use serve::Metrics;
use std::time::Duration;

/// How often the file is looked at.
const EVERY: Duration = Duration::from_secs(1);

/// The cluster's mode laid under the aims.
pub(crate) fn with_mode(mut aims: Aims, mode: Mode) -> Aims {
    aims.modes.cluster.get_or_insert(mode);
    aims
}

/// Follows a file until the daemon ends. The file is looked at by name, so that a ConfigMap's swapped folders are seen.
pub(crate) async fn follow(file: AimsFile, mode: Mode, handle: Handle, metrics: Metrics, signals: Signals) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use cycle::{Desk, Fixed, InForce, ManualClock, MemoryStore, Parts};
    use guard::Fence;
    use model::{Instant, Span};
    use std::sync::Arc;

    /// Between the configuration that was read and the first look at the file lie policies, stores and a cluster.
    #[tokio::test]
    async fn a_change_during_the_start_is_taken_over() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("aims.yaml");
        let bytes = b"mode: observe\n".to_vec();
        let desk = Desk::open(Parts {
            clock: Arc::new(ManualClock::new(Instant(0))),
            policies: InForce::default(),
            aims: manifest::aims("aims.yaml", &bytes).unwrap(),
            store: Box::new(MemoryStore::default()),
            log: None,
            library: Box::new(Fixed),
            fence: Fence::sole(),
            overdue: Span::from_secs(60),
        })
        .await
        .unwrap();
        let options = serve::Options {
            grpc: "127.0.0.1:0".parse().unwrap(),
            tls: None,
            reflection: false,
            http: None,
            admission: None,
        };
        let handle = desk.handle();
        let serving = serve::serve(handle.clone(), &options, Arc::new(serve::LoopbackOnly)).unwrap();
        std::fs::write(&path, "mode: act\n").unwrap();
        let following = tokio::spawn(follow(
            AimsFile { path, bytes },
            Mode::Observe,
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
