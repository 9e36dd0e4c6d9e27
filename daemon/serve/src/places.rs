//! How many calls there may be at a time, in all and of one connection, and for how long each: questions share their
//! places, the levers have some of their own, so that no flood of questions stands before the kill switch.
//!
//! A call without a place is turned away with a word, never queued. Who calls is asked before the message is read, and
//! for the levers before a place is taken: who may not pull one cannot keep others from it by sending slowly. Not here:
//! who may call, and how often.

use crate::authorise::{self, Admitted};
use crate::desk::Desk;
use crate::entrance::Peer;
use crate::limits;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tonic::Status;
use tonic::codegen::http::{Request, Response};
use tower::{Layer, Service};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// All places of a server.
#[derive(Clone)]
pub(crate) struct Places {
    questions: Arc<Semaphore>,
    levers: Arc<Semaphore>,
    /// Of what is open to everybody: health, reflection.
    open: Arc<Semaphore>,
}

/// Puts calls in their places, and asks at the desk who makes them.
#[derive(Clone)]
pub(crate) struct Seating {
    places: Places,
    desk: Option<Desk>,
}

impl Seating {
    pub(crate) fn new(desk: Desk) -> Self {
        Self {
            places: Places::new(),
            desk: Some(desk),
        }
    }
}

impl Places {
    /// As many as `limits` says.
    pub(crate) fn new() -> Self {
        Self {
            questions: Arc::new(Semaphore::new(limits::CALLS)),
            levers: Arc::new(Semaphore::new(limits::LEVER_CALLS)),
            open: Arc::new(Semaphore::new(limits::OPEN_CALLS)),
        }
    }

    /// A place among all, and one among those of the connection.
    fn take(&self, path: &str, peer: Option<&Peer>) -> Option<Taken> {
        let lever = is_lever(path);
        let all = match authorise::asked(path) {
            _ if lever => &self.levers,
            Some(_) => &self.questions,
            None => &self.open,
        };
        let of_connection = match peer {
            Some(peer) => Some(Arc::clone(peer.pass.calls(lever)).try_acquire_owned().ok()?),
            None => None,
        };
        Some((Arc::clone(all).try_acquire_owned().ok()?, of_connection))
    }
}

type Taken = (OwnedSemaphorePermit, Option<OwnedSemaphorePermit>);

/// Whether a call pulls a lever.
fn is_lever(path: &str) -> bool {
    path.starts_with("/plimsoll.v1.Control/")
}

/// Time for a call.
fn time(path: &str) -> Duration {
    if path == "/plimsoll.v1.Policies/Load" {
        limits::LOAD
    } else if path.starts_with("/plimsoll.v1.Planner/") || path == "/plimsoll.v1.Policies/Compare" {
        limits::WHAT_IF
    } else {
        limits::CALL
    }
}

impl<S> Layer<S> for Seating {
    type Service = Seated<S>;

    fn layer(&self, inner: S) -> Seated<S> {
        Seated {
            inner,
            places: self.places.clone(),
            desk: self.desk.clone(),
            time,
        }
    }
}

/// A service whose calls have a place and an end.
#[derive(Clone)]
pub(crate) struct Seated<S> {
    inner: S,
    places: Places,
    desk: Option<Desk>,
    time: fn(&str) -> Duration,
}

impl<S, I, O> Service<Request<I>> for Seated<S>
where
    S: Service<Request<I>, Response = Response<O>> + Clone + Send + 'static,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    I: Send + 'static,
    O: Default + Send + 'static,
{
    type Response = Response<O>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<O>, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<I>) -> Self::Future {
        // The clone is the one that may wait for its turn; the one that is ready is called.
        let ready = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, ready);
        let path = request.uri().path().to_owned();
        let (time, places, desk) = ((self.time)(&path), self.places.clone(), self.desk.clone());
        let peer = request.extensions().get::<Peer>().cloned();
        if let Some(peer) = &peer {
            peer.pass.asked();
        }
        Box::pin(async move {
            let answering = async {
                let lever = is_lever(&path);
                let take = || places.take(&path, peer.as_ref()).ok_or_else(full);
                let early = if lever { None } else { Some(take()?) };
                if let (Some(desk), Some((verb, object))) = (&desk, authorise::asked(&path)) {
                    let identity = desk.ask(request.headers(), peer.as_ref(), verb, object).await?;
                    request.extensions_mut().insert(Admitted {
                        identity,
                        verb,
                        object,
                    });
                }
                let _place = if lever { Some(take()?) } else { early };
                Ok::<_, Status>(inner.call(request).await)
            };
            match tokio::time::timeout(time, answering).await {
                Ok(Ok(answer)) => answer.map_err(Into::into),
                Ok(Err(refused)) => Ok(refused.into_http()),
                Err(_) => Ok(Status::deadline_exceeded(format!("no answer within {time:?}")).into_http()),
            }
        })
    }
}

fn full() -> Status {
    Status::resource_exhausted("too many calls at once")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use tonic::Code;
    use tower::{ServiceExt, service_fn};

    fn call(path: &str) -> Request<String> {
        Request::builder().uri(path).body(String::new()).unwrap()
    }

    fn code(answer: &Response<String>) -> Option<Code> {
        answer.extensions().get::<Status>().map(Status::code)
    }

    #[tokio::test]
    async fn a_flood_of_questions_leaves_the_levers_a_place() {
        let places = Seating {
            places: Places::new(),
            desk: None,
        };
        let endless =
            service_fn(|_: Request<String>| std::future::pending::<Result<Response<String>, Infallible>>());
        let mut full = Vec::new();
        for _ in 0..limits::CALLS {
            full.push(tokio::spawn(
                places.layer(endless).call(call("/plimsoll.v1.Query/ListPods")),
            ));
        }
        while places.places.questions.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let quick =
            service_fn(|_: Request<String>| async { Ok::<_, Infallible>(Response::new(String::new())) });
        let ask = |path| places.layer(quick).oneshot(call(path));
        let turned_away = ask("/plimsoll.v1.Query/GetSummary").await.unwrap();
        assert_eq!(code(&turned_away), Some(Code::ResourceExhausted));
        let pause = ask("/plimsoll.v1.Control/Pause").await.unwrap();
        assert_eq!(code(&pause), None);
        for call in full {
            call.abort();
            let _ = call.await;
        }
        assert_eq!(code(&ask("/plimsoll.v1.Query/GetSummary").await.unwrap()), None);
    }

    #[test]
    fn a_what_if_has_more_time_than_a_question() {
        assert_eq!(time("/plimsoll.v1.Planner/WhatIf"), Duration::from_secs(30));
        assert_eq!(time("/plimsoll.v1.Query/GetSummary"), Duration::from_secs(10));
    }

    #[tokio::test]
    async fn a_call_ends_at_its_time() {
        let slow = service_fn(|_: Request<String>| async {
            tokio::time::sleep(limits::WHAT_IF).await;
            Ok::<_, Infallible>(Response::new(String::new()))
        });
        let seated = Seated {
            inner: slow,
            places: Places::new(),
            desk: None,
            time: |_| Duration::from_millis(10),
        };
        let ended = seated
            .oneshot(call("/plimsoll.v1.Query/GetSummary"))
            .await
            .unwrap();
        assert_eq!(code(&ended), Some(Code::DeadlineExceeded));
    }
}
