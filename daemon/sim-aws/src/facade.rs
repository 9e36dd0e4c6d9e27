//! The server in front of an account: one address for every service, on a real or a virtual clock, with faults in
//! between.
//!
//! Beside AWS's own paths it serves `/_plimsoll/state` (groups, machines, cost, calls, as JSON) and, on a virtual
//! clock, `/_plimsoll/advance?seconds=N`. Not here: what calls mean.

mod control;

use crate::account::Account;
use crate::faults::{ErrorKind, FaultKind, names};
use crate::settings::Settings;
use crate::wire::{self, Answer, Buckets, Call, Request};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use model::{Instant, Span};
use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// Largest answer of a bloated read, bytes.
const BLOATED: usize = 10 << 20;
/// A call that hangs is let go after this.
const HANG: Duration = Duration::from_mins(2);
/// Longest poll of the queue.
const LONGEST_POLL: Duration = Duration::from_secs(20);

/// Whose time it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// The machine's, this many times as fast.
    Wall {
        /// 1: as fast as the machine's.
        speed: u32,
    },
    /// Moved by `Facade::advance` alone.
    Virtual,
}

/// Why a façade cannot be started.
#[derive(Debug, thiserror::Error)]
#[error("{at}: cannot listen: {error}")]
pub struct FacadeError {
    at: SocketAddr,
    error: std::io::Error,
}

/// A running façade; it ends when dropped.
#[derive(Debug)]
pub struct Facade {
    /// `http://127.0.0.1:PORT`, for `AWS_ENDPOINT_URL`.
    pub url: String,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    account: Mutex<Account>,
    side: Mutex<Side>,
    clock: Clock,
    began: (Instant, std::time::Instant),
}

/// What the façade itself keeps.
#[derive(Debug, Default)]
struct Side {
    calls: BTreeMap<String, u64>,
    buckets: Buckets,
    throttled: u64,
    last: BTreeMap<Vec<u8>, (Instant, Answer)>,
}

impl Facade {
    /// Starts one on this address; port 0 takes a free one.
    pub async fn start(settings: Settings, at: SocketAddr, clock: Clock) -> Result<Self, FacadeError> {
        let bound = TcpListener::bind(at)
            .await
            .map_err(|error| FacadeError { at, error })?;
        let own = bound.local_addr().map_err(|error| FacadeError { at, error })?;
        let now = wall();
        let shared = Arc::new(Shared {
            account: Mutex::new(Account::new(settings, now)),
            side: Mutex::default(),
            clock,
            began: (now, std::time::Instant::now()),
        });
        let router = Router::new().fallback(handle).with_state(Arc::clone(&shared));
        let task = tokio::spawn(async move {
            // A listener that breaks is noticed by whoever calls.
            let _ = axum::serve(bound, router).await;
        });
        let url = format!("http://{own}");
        Ok(Self { url, shared, task })
    }

    /// The account at the present instant, to look at and to meddle with.
    pub fn account<T>(&self, look: impl FnOnce(&mut Account) -> T) -> T {
        look(&mut self.shared.present())
    }

    /// Lets a virtual clock run on.
    pub fn advance(&self, span: Span) {
        let mut account = lock(&self.shared.account);
        let to = account.now() + span;
        account.advance(to);
    }

    /// Calls so far, by IAM name.
    pub fn calls(&self) -> BTreeMap<String, u64> {
        lock(&self.shared.side).calls.clone()
    }

    /// Names of all fields in the last answers to reads, as they were on the wire.
    pub fn fields(&self) -> BTreeSet<String> {
        let side = lock(&self.shared.side);
        side.last
            .values()
            .flat_map(|(_, answer)| wire::fields(answer))
            .collect()
    }

    /// Forgets the calls so far.
    pub fn forget_calls(&self) {
        lock(&self.shared.side).calls.clear();
    }

    /// Calls that a bucket refused so far.
    pub fn throttled(&self) -> u64 {
        lock(&self.shared.side).throttled
    }

    /// Until the server ends.
    pub async fn ended(&mut self) {
        let _ = (&mut self.task).await;
    }
}

impl Drop for Facade {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn present(&self) -> MutexGuard<'_, Account> {
        let mut account = lock(&self.account);
        if let Clock::Wall { speed } = self.clock {
            let passed = i64::try_from(self.began.1.elapsed().as_millis()).unwrap_or(i64::MAX);
            let now = self.began.0 + Span::from_millis(passed.saturating_mul(i64::from(speed)));
            account.advance(now);
        }
        account
    }
}

fn wall() -> Instant {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap_or_default();
    Instant(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn handle(
    State(shared): State<Arc<Shared>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(own) = uri.path().strip_prefix("/_plimsoll/") {
        return control::control(&shared, own, uri.query().unwrap_or_default());
    }
    let call = match wire::call(&request(&method, &uri, &headers, &body)) {
        Ok(call) => call,
        Err(answer) => return sent(*answer),
    };
    match decided(&shared, &call) {
        Verdict::Hang => {
            tokio::time::sleep(HANG).await;
            StatusCode::GATEWAY_TIMEOUT.into_response()
        }
        Verdict::Answer(answer) => sent(answer),
        Verdict::Do => sent(done(&shared, &call).await),
        Verdict::DoAndLose => {
            let _ = done(&shared, &call).await;
            sent(wire::internal(call.service))
        }
        Verdict::Stale(by) => {
            let answer = last(&shared, &call, by);
            sent(match answer {
                Some(answer) => answer,
                None => done(&shared, &call).await,
            })
        }
    }
}

fn request(method: &Method, uri: &Uri, headers: &HeaderMap, body: &Bytes) -> Request {
    let text = |name: &str| {
        headers
            .get(name)
            .and_then(|v| v.to_str().ok())
            .unwrap_or_default()
            .to_owned()
    };
    Request {
        method: method.to_string(),
        path: uri
            .path_and_query()
            .map_or_else(|| uri.path(), |path| path.as_str())
            .to_owned(),
        authorization: text("authorization"),
        target: text("x-amz-target"),
        body: body.to_vec(),
    }
}

/// What becomes of a call before the account sees it.
enum Verdict {
    Do,
    DoAndLose,
    Stale(Span),
    Answer(Answer),
    Hang,
}

fn decided(shared: &Shared, call: &Call) -> Verdict {
    let mut account = shared.present();
    let mut side = lock(&shared.side);
    *side.calls.entry(call.name()).or_default() += 1;
    let now = account.now();
    if let Some(answer) = wire::elsewhere(&account, call) {
        return Verdict::Answer(answer);
    }
    if account.settings.throttles && !side.buckets.take(call, now) {
        side.throttled += 1;
        return Verdict::Answer(wire::throttled(call.service));
    }
    drop(side);
    let faults: Vec<FaultKind> = account.in_force().map(|(_, kind)| kind.clone()).collect();
    for fault in faults {
        match fault {
            FaultKind::Errors {
                calls,
                permille,
                error,
            } if names(&calls, &call.name()) && account.chance(permille) => {
                return errored(call, error);
            }
            FaultKind::AnswerLost { calls, permille }
                if names(&calls, &call.name()) && account.chance(permille) =>
            {
                return Verdict::DoAndLose;
            }
            FaultKind::Stale { calls, by } if call.reads() && names(&calls, &call.name()) => {
                return Verdict::Stale(by);
            }
            _ => {}
        }
    }
    Verdict::Do
}

fn errored(call: &Call, error: ErrorKind) -> Verdict {
    let service = call.service;
    Verdict::Answer(match error {
        ErrorKind::Throttled => wire::throttled(service),
        ErrorKind::Internal => wire::internal(service),
        ErrorKind::Denied => wire::denied(call),
        ErrorKind::Expired => wire::expired(service),
        ErrorKind::Torn => {
            let mut answer = wire::internal(service);
            answer.status = 200;
            let half = answer.body.len() / 2;
            answer.body.truncate(half);
            answer
        }
        ErrorKind::Bloated => {
            let mut answer = wire::internal(service);
            answer.status = 200;
            answer.body = vec![b' '; BLOATED];
            answer
        }
        ErrorKind::Hang => return Verdict::Hang,
    })
}

/// Answers by the account; an empty queue is polled as long as the caller is willing to wait.
async fn done(shared: &Shared, call: &Call) -> Answer {
    let asked = call.json["WaitTimeSeconds"].as_u64().unwrap_or(0);
    let until = std::time::Instant::now() + Duration::from_secs(asked).min(LONGEST_POLL);
    loop {
        let polls = call.action == "ReceiveMessage" && std::time::Instant::now() < until;
        {
            let mut account = shared.present();
            let queue = wire::queue_of(&call.json);
            let empty = account
                .queue(&queue)
                .is_ok_and(|messages| messages.kept.is_empty());
            if !polls || !empty {
                let answer = wire::answer(&mut account, call);
                let now = account.now();
                let answer = mangled(&account, call, answer);
                drop(account);
                if call.reads() {
                    lock(&shared.side).last.insert(key(call), (now, answer.clone()));
                }
                return answer;
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn mangled(account: &Account, call: &Call, mut answer: Answer) -> Answer {
    for (_, fault) in account.in_force() {
        if let FaultKind::Mangled { calls, field, value } = fault
            && names(calls, &call.name())
        {
            answer = wire::mangled(answer, field, value.as_deref());
        }
    }
    answer
}

fn key(call: &Call) -> Vec<u8> {
    let mut key = call.name().into_bytes();
    key.extend_from_slice(&call.body);
    key.extend(call.path.iter().flat_map(|part| part.bytes()));
    key
}

fn last(shared: &Shared, call: &Call, by: Span) -> Option<Answer> {
    let now = shared.present().now();
    let side = lock(&shared.side);
    let (at, answer) = side.last.get(&key(call))?;
    (now.since(*at) <= by).then(|| answer.clone())
}

fn sent(answer: Answer) -> Response {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, answer.body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(answer.kind));
    if answer.kind == "application/cbor" {
        headers.insert("smithy-protocol", HeaderValue::from_static("rpc-v2-cbor"));
    }
    if let Some(error) = answer.error.and_then(|error| HeaderValue::from_str(&error).ok()) {
        headers.insert("x-amzn-errortype", error);
    }
    response
}
