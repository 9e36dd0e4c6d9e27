//! How an answer of the API server becomes an Outcome, and the time-out around every call.
//!
//! A time-out or a 5xx after a mutating call leaves the end unknown: the same intent is tried again, never a
//! different call. Not here: retries, preconditions.

use kube::Error;
use model::outcome::Outcome;
use model::time::Span;
use std::future::Future;
use std::time::Duration;

/// Longest word of a server that is kept, in bytes.
const LONGEST_WORD: usize = 256;

/// An outcome with the UID of the object it concerned, where that is known.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Carried {
    /// What happened.
    pub(crate) outcome: Outcome,
    /// Of the workload, node or pod.
    pub(crate) uid: Option<String>,
}

impl From<Outcome> for Carried {
    fn from(outcome: Outcome) -> Self {
        Self { outcome, uid: None }
    }
}

/// Why a call gave no object.
#[derive(Debug)]
pub(crate) enum CallError {
    /// Not answered in time.
    TimedOut(Duration),
    /// Answered with an error, or not at all.
    Kube(Box<Error>),
}

/// Runs one call under its own time-out.
pub(crate) async fn bounded<T>(
    limit: Duration,
    call: impl Future<Output = Result<T, Error>>,
) -> Result<T, CallError> {
    match tokio::time::timeout(limit, call).await {
        Ok(answer) => answer.map_err(|error| CallError::Kube(Box::new(error))),
        Err(_) => Err(CallError::TimedOut(limit)),
    }
}

impl CallError {
    /// HTTP status the API server answered with; `None` where it did not answer.
    pub(crate) fn code(&self) -> Option<u16> {
        match self {
            Self::Kube(error) => match &**error {
                Error::Api(status) => Some(status.code),
                _ => None,
            },
            Self::TimedOut(_) => None,
        }
    }

    /// The outcome of a mutating call that ended this way. `what` names the object.
    pub(crate) fn outcome(&self, what: &str) -> Outcome {
        let why = cut(&format!("{what}: {self}"));
        match self.code() {
            Some(404) => Outcome::Stale { why },
            Some(409) => Outcome::Stale { why },
            Some(429) => Outcome::Refused {
                after: self.retry_after(),
                why,
            },
            Some(code) if code < 500 => Outcome::Failed { why },
            Some(_) | None => Outcome::Unknown { why },
        }
    }

    /// The outcome when a call that only reads ended this way: nothing was changed, so nothing is unknown.
    pub(crate) fn unread(&self, what: &str) -> Outcome {
        match self.outcome(what) {
            Outcome::Unknown { why } => Outcome::Refused { after: None, why },
            other => other,
        }
    }

    fn retry_after(&self) -> Option<Span> {
        let Self::Kube(error) = self else {
            return None;
        };
        let Error::Api(status) = &**error else {
            return None;
        };
        let seconds = status.details.as_ref()?.retry_after_seconds;
        (seconds > 0).then(|| Span::from_secs(i64::from(seconds)))
    }
}

impl std::fmt::Display for CallError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::TimedOut(limit) => write!(f, "no answer within {}s", limit.as_secs_f32()),
            Self::Kube(error) => match &**error {
                Error::Api(status) => write!(f, "{} ({} {})", status.message, status.code, status.reason),
                other => write!(f, "{other}"),
            },
        }
    }
}

/// The world is not as the step says.
pub(crate) fn stale(why: impl AsRef<str>) -> Outcome {
    Outcome::Stale {
        why: cut(why.as_ref()),
    }
}

/// A server's words, cut at a character boundary.
pub(crate) fn cut(words: &str) -> String {
    let end = words.floor_char_boundary(LONGEST_WORD);
    words.get(..end).unwrap_or_default().to_owned()
}
