//! A proxy between the daemon and an AWS emulator: it writes down every call by its action and can answer some
//! of them badly, before or after they took effect.

use crate::Result;
use crate::wire::{self, Request};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// One call that came by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// `DescribeAutoScalingGroups`, …
    pub action: String,
    /// Body of the request as text (form-encoded for the query protocols).
    pub body: String,
    /// Status that the caller was given.
    pub status: u16,
}

impl Call {
    /// Whether it asks to change something, by its name.
    pub fn is_mutating(&self) -> bool {
        !["Describe", "Get", "List"]
            .iter()
            .any(|read| self.action.starts_with(read))
    }
}

/// What happens to a call instead of being passed on and answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// HTTP 500, nothing passed on.
    Refuse,
    /// Passed on, but the caller gets HTTP 500: the effect took place and nobody heard.
    LoseAnswer,
    /// Accepted, not passed on and never answered.
    Hang,
    /// Passed on and never answered: the effect took place and the caller still waits.
    Mute,
}

/// A running proxy; ends when dropped.
pub struct Proxy {
    /// `http://127.0.0.1:PORT`, to be given to the SDK as its endpoint.
    pub url: String,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct State {
    calls: Vec<Call>,
    faults: Vec<(String, Fault)>,
}

impl Proxy {
    /// A proxy in front of `upstream` (`http://127.0.0.1:PORT`).
    pub async fn before(upstream: &str) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let state = Arc::new(Mutex::new(State::default()));
        let (to, shared) = (wire::split(upstream)?.0.to_owned(), Arc::clone(&state));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (to, shared) = (to.clone(), Arc::clone(&shared));
                // A connection that breaks is the caller's to notice.
                tokio::spawn(async move { serve(stream, &to, &shared).await });
            }
        });
        Ok(Self { url, state, task })
    }

    /// The next call of this action meets the fault; several are met in the order they were given.
    pub fn fault(&self, action: &str, fault: Fault) {
        lock(&self.state).faults.push((action.to_owned(), fault));
    }

    /// Every call so far.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.state).calls.clone()
    }

    /// Calls of one action so far.
    pub fn count(&self, action: &str) -> usize {
        self.calls().iter().filter(|call| call.action == action).count()
    }

    /// Calls so far that asked to change something.
    pub fn mutating(&self) -> Vec<Call> {
        self.calls().into_iter().filter(Call::is_mutating).collect()
    }

    /// Forgets the calls so far.
    pub fn forget(&self) {
        lock(&self.state).calls.clear();
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, upstream: &str, state: &Mutex<State>) -> Result<()> {
    let Some(request) = wire::read_request(&mut stream).await? else {
        return Ok(());
    };
    let action = action(&request);
    let fault = take_fault(state, &action);
    if matches!(fault, Some(Fault::Hang | Fault::Mute)) {
        note(state, action, &request, 0);
        if fault == Some(Fault::Mute) {
            wire::send(upstream, &request).await?;
        }
        tokio::time::sleep(Duration::from_mins(2)).await;
        return Ok(());
    }
    let passed = match fault {
        Some(Fault::Refuse) => None,
        _ => Some(wire::send(upstream, &request).await?),
    };
    let (status, raw) = match passed.filter(|_| fault.is_none()) {
        Some(answer) => (answer.status, answer.raw),
        None => (500, refusal()),
    };
    note(state, action, &request, status);
    stream.write_all(&raw).await?;
    Ok(stream.shutdown().await?)
}

/// As the query protocols of AWS tell an internal failure.
fn refusal() -> Vec<u8> {
    let body = "<ErrorResponse><Error><Type>Receiver</Type><Code>InternalFailure</Code>\
                <Message>made by the test</Message></Error></ErrorResponse>";
    let length = body.len();
    format!(
        "HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/xml\r\nContent-Length: {length}\r\n\
         Connection: close\r\n\r\n{body}"
    )
    .into_bytes()
}

/// `Action` of a form, the end of `X-Amz-Target` (JSON), else the last part of the path (CloudWatch's CBOR; EKS' REST, where a
/// GET reads whatever it is called).
fn action(request: &Request) -> String {
    let form = String::from_utf8_lossy(&request.body);
    let in_form = form
        .split('&')
        .find_map(|pair| pair.strip_prefix("Action=").map(str::to_owned));
    let target = || {
        let target = request.header("x-amz-target")?;
        target.rsplit('.').next().map(str::to_owned)
    };
    in_form.or_else(target).unwrap_or_else(|| {
        let mut words = request.head.split(' ');
        let verb = if words.next() == Some("GET") { "Get " } else { "" };
        let path = words.next().unwrap_or_default();
        format!("{verb}{}", path.rsplit('/').next().unwrap_or_default())
    })
}

fn take_fault(state: &Mutex<State>, action: &str) -> Option<Fault> {
    let mut state = lock(state);
    let place = state.faults.iter().position(|(of, _)| of == action)?;
    Some(state.faults.remove(place).1)
}

fn note(state: &Mutex<State>, action: String, request: &Request, status: u16) {
    let body = String::from_utf8_lossy(&request.body).into_owned();
    lock(state).calls.push(Call { action, body, status });
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
