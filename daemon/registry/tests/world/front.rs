//! What stands before a real registry: passes everything on, or answers in one of the ways in which registries fail. It can
//! know of referrers, too (OCI 1.1), which Debian's registry does not: exactly that question, and what is needed to answer it.

use plimsoll_tests::Result;
use plimsoll_tests::wire::{self, Request};
use registry::Digest;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// How it fails; the text picks requests by a part of their path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// Not at all.
    None,
    /// Answers with this status and these further header lines.
    Status(u16, &'static str),
    /// Takes longer than anybody waits.
    Slow(&'static str),
    /// Ends the connection in the middle of the body.
    Truncated(&'static str),
    /// Changes one byte of the body.
    Tampered(&'static str),
    /// Sends more than was announced in the manifest.
    Padded(&'static str),
    /// Says another digest of a tag than it has.
    Lies(String),
    /// Wants to know who asks.
    Challenge(String),
    /// Says this.
    Says(String),
}

/// `user` and `pass`, as `Authorization` says it.
pub(crate) const PASSWORD: &str = "Basic dXNlcjpwYXNz";

/// A running front; ends when dropped.
pub(crate) struct Front {
    pub(crate) address: String,
    state: Arc<Mutex<State>>,
    task: JoinHandle<()>,
}

struct State {
    trouble: Trouble,
    /// Referrers by the digest that they refer to; `None`: it does not know of such things.
    referrers: Option<BTreeMap<String, Vec<Value>>>,
    /// What `Authorization` must say; empty: nothing.
    login: String,
    address: String,
    questions: Vec<String>,
}

impl Front {
    pub(crate) async fn before(registry: &str, referrers: bool) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?.to_string();
        let state = Arc::new(Mutex::new(State {
            trouble: Trouble::None,
            referrers: referrers.then(BTreeMap::new),
            login: String::new(),
            address: address.clone(),
            questions: Vec::new(),
        }));
        let (to, shared) = (registry.to_owned(), Arc::clone(&state));
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (to, shared) = (to.clone(), Arc::clone(&shared));
                // A connection that breaks is the caller's to notice.
                tokio::spawn(async move { serve(stream, &to, &shared).await });
            }
        });
        Ok(Self { address, state, task })
    }

    pub(crate) fn set(&self, trouble: Trouble) {
        lock(&self.state).trouble = trouble;
    }

    /// Only who says this in `Authorization` is let in.
    pub(crate) fn ask_for(&self, login: &str) {
        login.clone_into(&mut lock(&self.state).login);
    }

    /// Method and path of everything that was asked so far.
    pub(crate) fn questions(&self) -> Vec<String> {
        lock(&self.state).questions.clone()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, to: &str, state: &Mutex<State>) -> Result<()> {
    let Some(request) = wire::read_request(&mut stream).await? else {
        return Ok(());
    };
    let mut words = request.head.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let trouble = {
        let mut state = lock(state);
        state.questions.push(format!("{method} {path}"));
        let login = request.header("authorization").unwrap_or_default();
        if !state.login.is_empty() && state.login != login {
            refused(&state, path, login)
        } else {
            state.trouble.clone()
        }
    };
    let raw = match trouble {
        Trouble::Status(status, lines) => plain(
            status,
            lines,
            b"{\"errors\":[{\"code\":\"DENIED\",\"message\":\"as the test wants\"}]}",
        ),
        Trouble::Challenge(challenge) => plain(401, &format!("WWW-Authenticate: {challenge}\r\n"), b"{}"),
        Trouble::Says(text) => plain(200, "", text.as_bytes()),
        Trouble::Slow(part) if path.contains(part) => {
            tokio::time::sleep(Duration::from_mins(1)).await;
            return Ok(());
        }
        Trouble::Lies(digest) if method == "HEAD" && !path.contains("sha256") => {
            plain(200, &format!("Docker-Content-Digest: {digest}\r\n"), b"")
        }
        Trouble::Truncated(part) if path.contains(part) => {
            let mut raw = passed(to, &request, state).await?;
            raw.truncate(raw.len().saturating_sub(20));
            raw
        }
        Trouble::Tampered(part) if path.contains(part) => {
            let mut raw = passed(to, &request, state).await?;
            if let Some(last) = raw.last_mut() {
                *last ^= 1;
            }
            raw
        }
        Trouble::Padded(part) if path.contains(part) => plain(200, "", &vec![b'x'; 1 << 20]),
        _ => passed(to, &request, state).await?,
    };
    stream.write_all(&raw).await?;
    Ok(stream.shutdown().await?)
}

/// What is answered without the right login: a challenge, or the token that a bearer of the right password gets.
fn refused(state: &State, path: &str, login: &str) -> Trouble {
    let challenge = if let Some(token) = state.login.strip_prefix("Bearer ") {
        if path.starts_with("/token") && login == PASSWORD {
            return Trouble::Says(format!("{{\"token\":\"{token}\"}}"));
        }
        format!("Bearer realm=\"http://{}/token\",service=\"test\"", state.address)
    } else {
        "Basic realm=\"test\"".to_owned()
    };
    Trouble::Challenge(challenge)
}

/// What the registry says, or what it would say of referrers if it knew of them.
async fn passed(to: &str, request: &Request, state: &Mutex<State>) -> Result<Vec<u8>> {
    let mut words = request.head.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let path = path.split('?').next().unwrap_or_default();
    if let Some((_, of)) = path.split_once("/referrers/")
        && let Some(referrers) = &lock(state).referrers
    {
        let manifests = referrers.get(of).cloned().unwrap_or_default();
        let index = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": manifests});
        return Ok(plain(200, "", index.to_string().as_bytes()));
    }
    let answer = wire::send(to, request).await?;
    if method == "PUT" && path.contains("/manifests/") && answer.status == 201 {
        note_subject(&request.body, state);
    }
    Ok(answer.raw)
}

fn note_subject(manifest: &[u8], state: &Mutex<State>) {
    let read: Value = serde_json::from_slice(manifest).unwrap_or_default();
    if let (Some(subject), Some(referrers)) = (read["subject"]["digest"].as_str(), &mut lock(state).referrers)
    {
        referrers.entry(subject.to_owned()).or_default().push(json!({
            "mediaType": read["mediaType"], "artifactType": read["artifactType"],
            "digest": Digest::of(manifest).to_string(), "size": manifest.len()}));
    }
}

fn plain(status: u16, lines: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let mut raw = format!(
        "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\n{lines}Content-Length: {length}\r\nConnection: close\r\n\r\n"
    )
    .into_bytes();
    raw.extend_from_slice(body);
    raw
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
