//! A scripted API server for tests: answers in order, and every request is kept for the assertion.

use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

/// What is answered to one request: a status code and a body; `None` never answers.
type Answer = Option<(u16, Value)>;

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
        self.asked.lock().unwrap().push(Asked { line, body });
        let next = self.answers.lock().unwrap().pop_front();
        match next {
            Some(Some((code, value))) => {
                let body = Body::from(value.to_string().into_bytes());
                Ok(Response::builder().status(code).body(body).expect("a response"))
            }
            Some(None) => std::future::pending().await,
            None => Err(std::io::Error::other("the script has ended")),
        }
    }
}

/// An error as the API server words it.
pub(crate) fn status(code: u16, reason: &str, message: &str) -> Answer {
    Some((
        code,
        json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code, "reason": reason,
            "message": message}),
    ))
}

/// An object.
pub(crate) fn object(value: Value) -> Answer {
    Some((200, value))
}
