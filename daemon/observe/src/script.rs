//! A scripted API server for tests: answers in order, and every request line is kept for the assertion.

use http::{Request, Response, StatusCode};
use kube::Client;
use kube::client::Body;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Status code and body of an answer.
pub(crate) type Answer = (u16, String);

/// The script and what was asked so far.
#[derive(Clone, Default)]
pub(crate) struct Script {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Script {
    /// Answers these in order, and refuses the connection after that.
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let script = Self::default();
        script.answers.lock().unwrap().extend(answers);
        script
    }

    /// A client that talks to the script.
    pub(crate) fn client(&self) -> Client {
        let script = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let answer = script.answer(&request);
            async move { answer }
        });
        Client::new(service, "default")
    }

    /// Requests so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.lines.lock().unwrap().clone()
    }

    /// Waits until so many requests have come in.
    pub(crate) async fn asked(&self, count: usize) {
        let reached = async {
            while self.lines().len() < count {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), reached)
            .await
            .expect("as many requests as the script has answers");
    }

    fn answer(&self, request: &Request<Body>) -> Result<Response<Body>, std::io::Error> {
        let path = request.uri().path_and_query().map_or("", |p| p.as_str());
        let (code, body) = self
            .next(path)
            .ok_or_else(|| std::io::Error::other("the script has ended"))?;
        let mut response = Response::new(Body::from(body.into_bytes()));
        *response.status_mut() = code;
        Ok(response)
    }

    fn next(&self, path: &str) -> Option<(StatusCode, String)> {
        self.lines.lock().expect("no panic before").push(path.to_owned());
        let (code, body) = self.answers.lock().expect("no panic before").pop_front()?;
        Some((StatusCode::from_u16(code).ok()?, body))
    }
}

/// An error as the API server words it.
pub(crate) fn status(code: u16, reason: &str) -> Answer {
    let body = serde_json::json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
        "reason": reason, "message": "scripted"});
    (code, body.to_string())
}
