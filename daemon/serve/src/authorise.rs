//! Who may ask what: one hook in front of every call, and its answer for callers on loopback.
//!
//! How a cluster checks a token (TokenReview, SubjectAccessReview) is not here; `plimsolld` brings it.

use crate::entrance::{Origin, Peer};
use crate::limits;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use tonic::Status;
use tonic::codegen::http::HeaderMap;

/// Who calls.
#[derive(Clone, PartialEq, Eq)]
pub struct Caller {
    /// Where the connection comes from; `None` where that is not known: never loopback.
    pub address: Option<SocketAddr>,
    /// Bearer token of the `authorization` header.
    pub token: Option<String>,
}

/// What is done, as RBAC names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verb {
    /// Read one thing.
    Get,
    /// Read many.
    List,
    /// Be told.
    Watch,
    /// Plan on changed input.
    Simulate,
    /// Change a lever.
    Update,
}

/// To what, as a resource of the group `plimsoll.io`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Object {
    /// What the daemon sees: groups, offers, nodes, workloads, pods.
    Snapshots,
    /// Cycles, explanations, what-ifs.
    Decisions,
    /// Policies.
    Policies,
    /// The levers: kill switch and modes.
    Actions,
    /// `/metrics`: no resource of a group, but a path (`nonResourceURLs`).
    Metrics,
}

/// The name under which an allowed caller is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity(pub String);

/// Why a caller may not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// No token, or not a good one.
    #[error("{0}")]
    Unauthenticated(String),
    /// Known, but not allowed.
    #[error("{who} may not {verb} {}", .object.in_rbac())]
    Forbidden {
        /// Who.
        who: String,
        /// What.
        verb: Verb,
        /// To what.
        object: Object,
    },
    /// The cluster could not be asked: nobody is let in on a guess.
    #[error("cannot check who you are: {0}")]
    Unavailable(String),
}

/// Decides who may do what.
#[tonic::async_trait]
pub trait Authorise: Send + Sync + 'static {
    /// Says who the caller is, if the caller may.
    async fn authorise(&self, caller: &Caller, verb: Verb, object: Object) -> Result<Identity, Denied>;
}

/// Lets callers on loopback do everything and nobody else anything.
#[derive(Clone, Copy, Debug, Default)]
pub struct LoopbackOnly;

#[tonic::async_trait]
impl Authorise for LoopbackOnly {
    async fn authorise(&self, caller: &Caller, _verb: Verb, _object: Object) -> Result<Identity, Denied> {
        caller.loopback().ok_or_else(|| {
            Denied::Unauthenticated("only callers on loopback are let in by this configuration".to_owned())
        })
    }
}

impl Caller {
    /// The identity of a caller on loopback.
    pub fn loopback(&self) -> Option<Identity> {
        let address = self.address.filter(|a| a.ip().to_canonical().is_loopback())?;
        Some(Identity(format!("loopback ({})", address.ip())))
    }

    /// Reads who calls off a request.
    pub(crate) fn of(headers: &HeaderMap, peer: Option<&Peer>) -> Result<Self, Status> {
        let address = peer.and_then(|peer| match peer.origin {
            Origin::Address(address) => Some(address),
            Origin::Socket(_) => None,
        });
        Self::at(headers, address)
    }

    /// The same, where it is known from where the connection comes.
    pub(crate) fn at(headers: &HeaderMap, address: Option<SocketAddr>) -> Result<Self, Status> {
        let token = match headers.get("authorization") {
            None => None,
            Some(value) => Some(bearer(value.as_bytes())?),
        };
        Ok(Self { address, token })
    }
}

/// Tokens never reach a log.
impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller")
            .field("address", &self.address)
            .field("token", &self.token.as_ref().map(|_| "…"))
            .finish()
    }
}

fn bearer(value: &[u8]) -> Result<String, Status> {
    let wrong = || Status::unauthenticated("authorization: `Bearer <token>` is wanted");
    if value.len() > limits::TOKEN_BYTES {
        return Err(wrong());
    }
    let text = std::str::from_utf8(value).map_err(|_| wrong())?;
    let (scheme, token) = text.split_once(' ').ok_or_else(wrong)?;
    let token = token.trim();
    let clean = !token.is_empty() && token.bytes().all(|b| b.is_ascii_graphic());
    if scheme.eq_ignore_ascii_case("bearer") && clean {
        Ok(token.to_owned())
    } else {
        Err(wrong())
    }
}

/// What a call asks for, by its path: known before a byte of its message has come. `None`: it is open to everybody.
pub(crate) fn asked(path: &str) -> Option<(Verb, Object)> {
    let (service, method) = path.strip_prefix("/plimsoll.v1.")?.split_once('/')?;
    Some(match (service, method) {
        ("Control", _) => (Verb::Update, Object::Actions),
        ("Explain", _) => (Verb::Get, Object::Decisions),
        ("Planner", _) => (Verb::Simulate, Object::Decisions),
        ("Policies", "List") => (Verb::List, Object::Policies),
        ("Policies", "Compare") => (Verb::Simulate, Object::Policies),
        ("Policies", _) => (Verb::Update, Object::Policies),
        ("Query", "GetSummary" | "GetEcs") => (Verb::Get, Object::Snapshots),
        ("Query", "GetCycle") => (Verb::Get, Object::Decisions),
        ("Query", "ListCycles") => (Verb::List, Object::Decisions),
        ("Query", "WatchCycles") => (Verb::Watch, Object::Decisions),
        ("Query", _) => (Verb::List, Object::Snapshots),
        _ => return None,
    })
}

/// A caller that was let in before its message was read, and what for.
#[derive(Clone)]
pub(crate) struct Admitted {
    pub(crate) identity: Identity,
    pub(crate) verb: Verb,
    pub(crate) object: Object,
}

/// Asks the hook about a caller.
pub(crate) async fn admit(
    hook: &Arc<dyn Authorise>,
    caller: &Caller,
    verb: Verb,
    object: Object,
) -> Result<Identity, Status> {
    hook.authorise(caller, verb, object).await.map_err(|denied| {
        tracing::info!(address = ?caller.address, %verb, %object, %denied, "call refused");
        let text = denied.to_string();
        match denied {
            Denied::Unauthenticated(_) => Status::unauthenticated(text),
            Denied::Forbidden { .. } => Status::permission_denied(text),
            Denied::Unavailable(_) => Status::unavailable(text),
        }
    })
}

impl Verb {
    /// As RBAC writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::Watch => "watch",
            Self::Simulate => "simulate",
            Self::Update => "update",
        }
    }
}

impl Object {
    /// As RBAC writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Snapshots => "snapshots",
            Self::Decisions => "decisions",
            Self::Policies => "policies",
            Self::Actions => "actions",
            Self::Metrics => "/metrics",
        }
    }

    /// As a person finds it in a role.
    fn in_rbac(self) -> String {
        match self {
            Self::Metrics => format!("{self} (a path, in nonResourceURLs)"),
            _ => format!("{self} (group plimsoll.io)"),
        }
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn loopback_is_let_in_and_nobody_else() {
        for (address, allowed) in [
            (Some("127.0.0.1:9"), true),
            (Some("[::1]:9"), true),
            (Some("[::ffff:127.0.0.1]:9"), true),
            (Some("10.0.0.1:9"), false),
            (Some("[::ffff:10.0.0.1]:9"), false),
            (None, false),
        ] {
            let caller = Caller {
                address: address.map(|a| a.parse().unwrap()),
                token: None,
            };
            let answer = LoopbackOnly
                .authorise(&caller, Verb::Update, Object::Actions)
                .await;
            assert_eq!(answer.is_ok(), allowed, "{address:?}");
        }
    }

    #[test]
    fn only_bearer_tokens_are_read() {
        assert_eq!(bearer(b"Bearer abc.def").unwrap(), "abc.def");
        assert_eq!(bearer(b"bearer  abc").unwrap(), "abc");
        let long = [b'a'; limits::TOKEN_BYTES + 1];
        let bad: [&[u8]; 6] = [
            b"",
            b"Bearer ",
            b"Basic abc",
            b"Bearer a b",
            b"Bearer \xff",
            &long,
        ];
        for value in bad {
            assert!(bearer(value).is_err());
        }
    }

    #[test]
    fn a_token_is_never_shown() {
        let caller = Caller {
            address: None,
            token: Some("secret".to_owned()),
        };
        assert!(!format!("{caller:?}").contains("secret"));
    }
}
