//! What every service holds: the Handle, the hook in front of it, and the bounds they share.

use crate::authorise::{self, Admitted, Authorise, Caller, Identity, Object, Verb};
use crate::crowd::Pass;
use crate::entrance::{Origin, Peer};
use crate::limits;
use crate::rate::Rate;
use crate::watch::Unread;
use cycle::Handle;
use logbook::CycleRecord;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{Semaphore, watch};
use tonic::codegen::http::HeaderMap;
use tonic::{Request, Status};

/// Cheap to clone; one for each service.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) handle: Handle,
    gate: Arc<dyn Authorise>,
    peers: Arc<Rate<(bool, IpAddr)>>,
    identities: Arc<Rate<(bool, String)>>,
    pub(crate) watchers: Arc<Semaphore>,
    pub(crate) unread: Unread,
    pub(crate) what_ifs: Arc<Semaphore>,
    /// Turns true when the server is to end.
    pub(crate) ending: watch::Receiver<bool>,
}

impl Desk {
    pub(crate) fn new(handle: Handle, gate: Arc<dyn Authorise>, ending: watch::Receiver<bool>) -> Self {
        Self {
            handle,
            gate,
            peers: Arc::new(Rate::new(limits::PEER_RATE, limits::PEER_BURST, limits::RATES)),
            identities: Arc::new(Rate::new(
                limits::IDENTITY_RATE,
                limits::IDENTITY_BURST,
                limits::RATES,
            )),
            watchers: Arc::new(Semaphore::new(limits::WATCHERS)),
            unread: Unread::new(),
            what_ifs: Arc::new(Semaphore::new(limits::WHAT_IFS)),
            ending,
        }
    }

    /// Who calls, where that was found out before the message was read; else it is found out now.
    pub(crate) async fn admit<T>(
        &self,
        request: &Request<T>,
        verb: Verb,
        object: Object,
    ) -> Result<Identity, Status> {
        match request.extensions().get::<Admitted>() {
            Some(admitted) if (admitted.verb, admitted.object) == (verb, object) => {
                Ok(admitted.identity.clone())
            }
            _ => {
                let peer = request.extensions().get::<Peer>();
                self.ask(request.metadata().as_ref(), peer, verb, object).await
            }
        }
    }

    /// Every call begins here: whether there are too many of this peer, who calls, whether they may, and whether
    /// there are too many of theirs. The levers have a rate of their own; loopback and the Unix socket have none, and
    /// the socket needs no hook: the file system has let its caller in.
    pub(crate) async fn ask(
        &self,
        headers: &HeaderMap,
        peer: Option<&Peer>,
        verb: Verb,
        object: Object,
    ) -> Result<Identity, Status> {
        if let Some(Origin::Socket(user)) = peer.map(|peer| peer.origin) {
            return Ok(Identity(user.map_or_else(
                || "socket".to_owned(),
                |user| format!("socket (uid {user})"),
            )));
        }
        let caller = Caller::of(headers, peer)?;
        self.let_in(&caller, peer.map(|peer| &peer.pass), verb, object)
            .await
    }

    /// The same for a connection that has no place in a crowd, such as those of the plain listener.
    pub(crate) async fn ask_plainly(
        &self,
        headers: &HeaderMap,
        from: SocketAddr,
        verb: Verb,
        object: Object,
    ) -> Result<Identity, Status> {
        let caller = Caller::at(headers, Some(from))?;
        self.let_in(&caller, None, verb, object).await
    }

    async fn let_in(
        &self,
        caller: &Caller,
        pass: Option<&Pass>,
        verb: Verb,
        object: Object,
    ) -> Result<Identity, Status> {
        let local = caller.loopback();
        let (lever, now) = (object == Object::Actions, Instant::now());
        if let (None, Some(peer)) = (&local, caller.address)
            && !self.peers.take(&(lever, peer.ip().to_canonical()), now)
        {
            return Err(too_often("this address"));
        }
        let identity = authorise::admit(&self.gate, caller, verb, object).await?;
        if let Some(pass) = pass {
            pass.known();
        }
        if local.as_ref() != Some(&identity) && !self.identities.take(&(lever, identity.0.clone()), now) {
            return Err(too_often(&identity.0));
        }
        Ok(identity)
    }

    /// The newest record that saw a cluster.
    pub(crate) fn seen(&self) -> Result<Arc<CycleRecord>, Status> {
        let latest = self.handle.latest().ok_or_else(nothing_yet)?;
        if latest.trouble.is_none() {
            return Ok(latest);
        }
        let saw = |record: &Arc<CycleRecord>| !record.snapshot.sources.is_empty();
        Ok(self.handle.records().into_iter().find(saw).unwrap_or(latest))
    }

    /// The record of a cycle; 0 means the newest.
    pub(crate) fn record(&self, cycle: u64) -> Result<Arc<CycleRecord>, Status> {
        match cycle {
            0 => self.handle.latest().ok_or_else(nothing_yet),
            number => self
                .handle
                .record(number)
                .ok_or_else(|| Status::not_found(format!("cycle {number} is not kept in memory"))),
        }
    }
}

fn too_often(who: &str) -> Status {
    Status::resource_exhausted(format!("too many calls of {who}; try again in a moment"))
}

fn nothing_yet() -> Status {
    Status::unavailable("no cycle has ended yet; try again in a moment")
}
