//! How many calls there may be at a time, and for how long each: questions share their places, the levers have some
//! of their own, so that no flood of questions stands before the kill switch.
//!
//! A call without a place is turned away with a word, never queued. Not here: who may call, and how often.

use crate::limits;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::Semaphore;
use tonic::Status;
use tonic::codegen::http::{Request, Response};
use tower::{Layer, Service};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// All places of a server.
#[derive(Clone)]
pub(crate) struct Places {
    questions: Arc<Semaphore>,
    levers: Arc<Semaphore>,
}

impl Places {
    /// As many as `limits` says.
    pub(crate) fn new() -> Self {
        Self {
            questions: Arc::new(Semaphore::new(limits::CALLS)),
            levers: Arc::new(Semaphore::new(limits::LEVER_CALLS)),
        }
    }

    fn of(&self, path: &str) -> &Arc<Semaphore> {
        if path.starts_with("/plimsoll.v1.Control/") {
            &self.levers
        } else {
            &self.questions
        }
    }
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

impl<S> Layer<S> for Places {
    type Service = Seated<S>;

    fn layer(&self, inner: S) -> Seated<S> {
        Seated {
            inner,
            places: self.clone(),
            time,
        }
    }
}

/// A service whose calls have a place and an end.
#[derive(Clone)]
pub(crate) struct Seated<S> {
    inner: S,
    places: Places,
    time: fn(&str) -> Duration,
}

impl<S, I, O> Service<Request<I>> for Seated<S>
where
    S: Service<Request<I>, Response = Response<O>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    O: Default + Send + 'static,
{
    type Response = Response<O>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<O>, BoxError>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, request: Request<I>) -> Self::Future {
        let path = request.uri().path();
        let time = (self.time)(path);
        let Ok(place) = Arc::clone(self.places.of(path)).try_acquire_owned() else {
            let full = Status::resource_exhausted("too many calls at once");
            return Box::pin(std::future::ready(Ok(full.into_http())));
        };
        let answer = self.inner.call(request);
        Box::pin(async move {
            let answered = tokio::time::timeout(time, answer).await;
            drop(place);
            answered.map_or_else(
                |_| Ok(Status::deadline_exceeded(format!("no answer within {time:?}")).into_http()),
                |answer| answer.map_err(Into::into),
            )
        })
    }
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
        let places = Places::new();
        let endless =
            service_fn(|_: Request<String>| std::future::pending::<Result<Response<String>, Infallible>>());
        let mut full = Vec::new();
        for _ in 0..limits::CALLS {
            full.push(places.layer(endless).call(call("/plimsoll.v1.Query/ListPods")));
        }
        let quick =
            service_fn(|_: Request<String>| async { Ok::<_, Infallible>(Response::new(String::new())) });
        let ask = |path| places.layer(quick).oneshot(call(path));
        let turned_away = ask("/plimsoll.v1.Query/GetSummary").await.unwrap();
        assert_eq!(code(&turned_away), Some(Code::ResourceExhausted));
        let pause = ask("/plimsoll.v1.Control/Pause").await.unwrap();
        assert_eq!(code(&pause), None);
        drop(full);
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
            time: |_| Duration::from_millis(10),
        };
        let ended = seated
            .oneshot(call("/plimsoll.v1.Query/GetSummary"))
            .await
            .unwrap();
        assert_eq!(code(&ended), Some(Code::DeadlineExceeded));
    }
}
