//! A scripted API server for tests: answers in order, and every request is kept for the assertion.

use http::{Request, Response, StatusCode};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// What is answered to one request: a status code and a body.
type Answer = (u16, Value);

/// A request as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// `GET /api/v1/…`.
    pub(crate) line: String,
    /// Its body; null where it had none.
    pub(crate) body: Value,
}

/// The script and what was asked so far.
#[derive(Clone, Default)]
pub(crate) struct Script {
    answers: Arc<Mutex<VecDeque<Answer>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Script {
    /// Answers these in order.
    pub(crate) fn new(answers: impl IntoIterator<Item = Answer>) -> Self {
        let script = Self::default();
        script.answers.lock().unwrap().extend(answers);
        script
    }

    /// A client that talks to the script.
    pub(crate) fn client(&self) -> Client {
        let script = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let script = script.clone();
            async move { script.answer(request).await }
        });
        Client::new(service, "default")
    }

    /// Requests so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// Request lines so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.asked().into_iter().map(|asked| asked.line).collect()
    }

    async fn answer(&self, request: Request<Body>) -> Result<Response<Body>, std::io::Error> {
        let path = request.uri().path_and_query().map_or("", |p| p.as_str());
        let line = format!("{} {}", request.method(), path.trim_end_matches(['?', '&']));
        let bytes = request
            .into_body()
            .collect_bytes()
            .await
            .map_err(std::io::Error::other)?;
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        let (code, value) = self
            .next(Asked { line, body })
            .ok_or_else(|| std::io::Error::other("the script has ended"))?;
        let mut response = Response::new(Body::from(value.to_string().into_bytes()));
        *response.status_mut() = code;
        Ok(response)
    }

    fn next(&self, asked: Asked) -> Option<(StatusCode, Value)> {
        self.asked.lock().expect("no panic before").push(asked);
        let (code, value) = self.answers.lock().expect("no panic before").pop_front()?;
        Some((StatusCode::from_u16(code).ok()?, value))
    }
}

/// An error as the API server words it.
pub(crate) fn status(code: u16, reason: &str, message: &str) -> Answer {
    let body = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
        "reason": reason, "message": message});
    (code, body)
}

/// An object.
pub(crate) fn object(value: Value) -> Answer {
    (200, value)
}
