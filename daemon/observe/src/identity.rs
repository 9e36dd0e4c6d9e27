//! Which cluster this is: the UID of its namespace kube-system, which is there before all others, cannot be deleted, and is
//! never that of another cluster.
//!
//! One small read a minute: the address of an API server may lead to another cluster while a daemon runs. Where it is not
//! ours to read, nobody knows, and it is said once. Not here: what follows from another UID than before (`cycle`).

use http::Request;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Client, Error};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{sleep, timeout};

const PATH: &str = "/api/v1/namespaces/kube-system";
/// From one read to the next.
const EVERY: Duration = Duration::from_mins(1);
/// From a read that failed to the next.
const AGAIN: Duration = Duration::from_secs(2);
/// One answer.
const ANSWER: Duration = Duration::from_secs(5);

/// What the API server has said last.
#[derive(Default)]
pub(crate) struct Identity {
    said: Mutex<Option<Said>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    Uid(String),
    NotOurs,
}

impl Identity {
    /// The cluster's UID, as far as it is known.
    pub(crate) fn uid(&self) -> Option<String> {
        match &*self.said.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(Said::Uid(uid)) => Some(uid.clone()),
            Some(Said::NotOurs) | None => None,
        }
    }

    /// Whether the API server has answered the question at all.
    pub(crate) fn is_told(&self) -> bool {
        self.said.lock().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    fn learn(&self, said: Said) {
        let mut known = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = known.as_ref() != Some(&said);
        if is_news && said == Said::NotOurs {
            tracing::warn!(
                "the namespace kube-system may not be read: a Ledger of another cluster of this name would not be noticed"
            );
        }
        *known = Some(said);
    }
}

/// Asks again and again, until the task is dropped.
pub(crate) async fn follow(client: Client, identity: &Identity) {
    loop {
        let wait = match ask(&client).await {
            Some(said) => {
                identity.learn(said);
                EVERY
            }
            None => AGAIN,
        };
        sleep(wait).await;
    }
}

/// The answer; `None` where there is none, or one that says nothing.
async fn ask(client: &Client) -> Option<Said> {
    let request = Request::get(PATH).body(Vec::new()).ok()?;
    match timeout(ANSWER, client.request::<Namespace>(request)).await.ok()? {
        Ok(namespace) => namespace
            .metadata
            .uid
            .filter(|uid| !uid.is_empty())
            .map(Said::Uid),
        Err(Error::Api(status)) if matches!(status.code, 403 | 404) => Some(Said::NotOurs),
        Err(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{Script, status};

    #[tokio::test]
    async fn the_uid_of_kube_system_is_that_of_the_cluster() {
        let answer = |uid: &str| {
            (
                200,
                format!(r#"{{"metadata":{{"name":"kube-system","uid":"{uid}"}}}}"#),
            )
        };
        let script = Script::new([
            answer("5c3a"),
            answer(""),
            status(403, "Forbidden"),
            status(503, "ServiceUnavailable"),
        ]);
        let client = script.client();
        assert_eq!(ask(&client).await, Some(Said::Uid("5c3a".to_owned())));
        assert_eq!(ask(&client).await, None, "an answer without one is no answer");
        assert_eq!(ask(&client).await, Some(Said::NotOurs));
        assert_eq!(ask(&client).await, None);
        assert!(
            script.lines().iter().all(|line| line.contains(PATH)),
            "{:?}",
            script.lines()
        );
    }

    #[test]
    fn what_was_said_last_holds() {
        let identity = Identity::default();
        assert_eq!((identity.uid(), identity.is_told()), (None, false));
        identity.learn(Said::Uid("5c3a".to_owned()));
        assert_eq!(identity.uid().as_deref(), Some("5c3a"));
        identity.learn(Said::NotOurs);
        assert_eq!((identity.uid(), identity.is_told()), (None, true));
    }
}
