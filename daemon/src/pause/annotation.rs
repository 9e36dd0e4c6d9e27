//! The kill switch as an annotation of the daemon's namespace, `plimsoll.io/pause`: for whoever has `kubectl` at hand and
//! no way to gRPC or to the daemon's files.
//!
//! While it is there, with any value but `false`, nothing is carried out. `false` releases what it has pulled. Its removal
//! releases nothing: configuration management that puts the namespace back as it was must not resume (reliability
//! invariant I20). Where the API server is away, the pause file works.

use crate::signals::Signals;
use cycle::Handle;
use futures::StreamExt;
use k8s_openapi::api::core::v1::Namespace;
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::watch_object;
use kube::{Api, Client};
use std::pin::pin;
use std::time::Duration;

/// The annotation.
const ANNOTATION: &str = "plimsoll.io/pause";
/// As whom it pauses.
const BY: &str = "annotation plimsoll.io/pause";
/// How often is looked whether somebody has resumed what it still pauses.
const EVERY: Duration = Duration::from_millis(250);

/// Follows the annotation until the daemon ends.
pub(crate) async fn follow((client, namespace): (Client, String), handle: Handle, signals: Signals) {
    let watched = watch_object(Api::<Namespace>::all(client), &namespace).default_backoff();
    let mut watched = pin!(watched);
    let mut value = None;
    let mut broken = false;
    loop {
        tokio::select! {
            seen = watched.next() => match seen {
                Some(Ok(found)) => {
                    value = found.and_then(|found| found.metadata.annotations?.remove(ANNOTATION));
                    broken = false;
                }
                // Said once. What was seen last counts on.
                Some(Err(error)) if !std::mem::replace(&mut broken, true) => {
                    tracing::warn!(%namespace, %error, "the annotation {ANNOTATION} cannot be watched");
                }
                Some(Err(_)) => {}
                None => return,
            },
            () = tokio::time::sleep(EVERY), if value.is_some() => {}
            () = signals.ended() => return,
        }
        if let Some(value) = &value {
            obey(value, &handle).await;
        }
    }
}

async fn obey(value: &str, handle: &Handle) {
    match handle.status().paused {
        // Pulled in this process even where it cannot be kept; the cycle says so itself.
        None if value != "false" => drop(handle.pause(BY, value).await),
        Some(pause) if value == "false" && pause.by == BY => {
            if let Err(error) = handle.resume(BY).await {
                tracing::warn!(%error, "the annotation says to resume, but the pause stays for now");
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aims::tests::desk;

    #[tokio::test]
    async fn it_pulls_and_releases_what_it_has_pulled() {
        let handle = desk(b"mode: observe\n").await;
        let by = || handle.status().paused.map(|pause| (pause.by, pause.why));
        obey("false", &handle).await;
        assert_eq!(by(), None);
        for value in ["true", "", "looking into it", "no"] {
            obey(value, &handle).await;
            assert_eq!(by(), Some((BY.to_owned(), value.to_owned())));
            obey("false", &handle).await;
            assert_eq!(by(), None);
        }
        // What somebody else has pulled stays, whatever it says.
        handle.pause("ada", "mine").await.unwrap();
        for value in ["true", "false"] {
            obey(value, &handle).await;
            assert_eq!(by(), Some(("ada".to_owned(), "mine".to_owned())));
        }
    }
}
