//! The mutating admission webhook: where a pod that is being created should go, as a label for EKS' own webhook.
//!
//! Nothing is ever refused here: a pod is answered with its label, or left alone. What is known is answered from the
//! table of the last plans; a pod of which no plan knows is asked about within [`limits::UNSEEN`], or left alone. Not
//! here: what should go where (`cycle`), and who makes the certificates and registers the webhook (wiring).

mod count;
mod door;
mod keys;
mod review;

pub(crate) use count::Counts;
pub use keys::Keys;

use crate::accept::Door;
use crate::limits;
use crate::options::ServeError;
use crate::tls::{Files, InForce};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use count::Outcome;
use cycle::{Answer, Handle, Why};
use model::pod::PodSpec;
use std::future::Future;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::Semaphore;

/// Where reviews are posted to.
pub const PATH: &str = "/admit/v1/pods";

/// Where the webhook is served, and whose pods it leaves alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Admission {
    /// TLS listener; port 0 takes a free one.
    pub bind: SocketAddr,
    /// The daemon's own namespace: its pods are left alone, like those of `kube-system`.
    pub namespace: String,
    /// Authority that the API server's certificate must come from, PEM; `None`: it needs none.
    pub client_ca: Option<PathBuf>,
}

/// Refuses a client authority that could not be used; serves nothing.
pub fn check_client_ca(client_ca: &Path) -> Result<(), ServeError> {
    Files::of_admission(Some(client_ca), Keys::default()).check()
}

/// A webhook that is being served.
#[derive(Clone)]
pub struct Admitting {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its certificate: nobody is answered before there is one.
    pub keys: Keys,
}

/// What answers reviews.
pub(crate) struct Reviewer {
    pub(crate) handle: Handle,
    pub(crate) counts: Counts,
    pub(crate) namespace: String,
    pub(crate) places: Semaphore,
    /// Held by the pod of which no plan knows that is being asked about.
    pub(crate) unseen: Arc<Semaphore>,
}

impl Reviewer {
    pub(crate) fn new(handle: Handle, counts: Counts, namespace: String) -> Self {
        Self {
            handle,
            counts,
            namespace,
            places: Semaphore::new(limits::REVIEWS),
            unseen: Arc::new(Semaphore::new(1)),
        }
    }
}

/// Serves until `ending` is done.
pub(crate) async fn serve(
    listener: tokio::net::TcpListener,
    tls: InForce,
    reviewer: Reviewer,
    ending: impl Future<Output = ()> + Send + 'static,
) -> std::io::Result<()> {
    let outer = Door::new(
        listener,
        limits::ADMISSION_CONNECTIONS,
        limits::ADMISSION_CONNECTIONS_PER_PEER,
    )
    .silent_for(limits::ADMISSION_SILENCE)
    .at_most(limits::ADMISSION_CONNECTION_AGE);
    let door = door::TlsDoor::open(outer, tls)?;
    let router = Router::new()
        .route(PATH, post(admit))
        .with_state(Arc::new(reviewer));
    axum::serve(door, router).with_graceful_shutdown(ending).await
}

async fn admit(State(reviewer): State<Arc<Reviewer>>, body: Body) -> Response {
    let began = Instant::now();
    let read = axum::body::to_bytes(body, limits::REVIEW_BYTES);
    let bytes = match tokio::time::timeout(limits::REVIEW_READ, read).await {
        Ok(Ok(bytes)) => bytes,
        Ok(Err(_)) => return reviewer.refuse(&Outcome::TooLarge, StatusCode::PAYLOAD_TOO_LARGE, began),
        Err(_) => return reviewer.refuse(&Outcome::TooSlow, StatusCode::REQUEST_TIMEOUT, began),
    };
    let (uid, outcome) = reviewer.review(&bytes).await;
    match uid {
        Some(uid) => {
            let text = review::answer(&uid, &outcome);
            reviewer.counts.count(&outcome, began.elapsed());
            ([(header::CONTENT_TYPE, "application/json")], text).into_response()
        }
        None => reviewer.refuse(&Outcome::Malformed, StatusCode::BAD_REQUEST, began),
    }
}

impl Reviewer {
    /// What becomes of the pod, and under which uid that is answered; no uid, no answer.
    async fn review(&self, bytes: &Bytes) -> (Option<String>, Outcome) {
        let Ok(_place) = self.places.try_acquire() else {
            return (review::uid(bytes), Outcome::Shed);
        };
        let asked = match review::read(bytes) {
            Ok(asked) => asked,
            Err(review::Unreadable) => return (review::uid(bytes), Outcome::Malformed),
        };
        let outcome = match asked.pod {
            _ if asked.namespace == "kube-system" || asked.namespace == self.namespace => Outcome::Excluded,
            None => Outcome::Unreadable,
            Some(pod) => self.place(&Arc::new(pod.spec)).await.with(pod.labels),
        };
        (Some(asked.uid), outcome)
    }

    async fn place(&self, spec: &Arc<PodSpec>) -> Outcome {
        let answer = match self.handle.placement(spec) {
            Answer::Unseen => match tokio::time::timeout(limits::UNSEEN, self.ask(spec)).await {
                Ok(answer) => answer,
                Err(_) => return Outcome::Late,
            },
            known => known,
        };
        match answer {
            Answer::Label(label) => Outcome::Placed(label, review::Labels::default()),
            Answer::Would(_) => Outcome::Would,
            Answer::Leave(Why::Labelled) => Outcome::Labelled,
            Answer::Leave(Why::Excluded) => Outcome::Excluded,
            Answer::Leave(Why::Elsewhere) => Outcome::Elsewhere,
            Answer::Leave(Why::Paused) => Outcome::Paused,
            Answer::Leave(Why::Overdue) => Outcome::Overdue,
            Answer::Leave(Why::Busy) | Answer::Unseen => Outcome::Late,
        }
    }

    /// Asks the policies; the next of its like finds their word in the table, also where nobody waited for it.
    async fn ask(&self, spec: &Arc<PodSpec>) -> Answer {
        let Ok(turn) = Arc::clone(&self.unseen).acquire_owned().await else {
            return Answer::Leave(Why::Busy);
        };
        let (handle, spec) = (self.handle.clone(), Arc::clone(spec));
        let thinking = tokio::task::spawn_blocking(move || {
            let answer = handle.place_unseen(&spec);
            drop(turn);
            answer
        });
        thinking.await.unwrap_or(Answer::Leave(Why::Busy))
    }

    fn refuse(&self, outcome: &Outcome, status: StatusCode, began: Instant) -> Response {
        self.counts.count(outcome, began.elapsed());
        status.into_response()
    }
}

#[cfg(test)]
mod tests;
