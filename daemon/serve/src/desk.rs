//! What every service holds: the Handle, the hook in front of it, and the bounds they share.

use crate::authorise::{self, Authorise, Identity, Object, Verb};
use crate::limits;
use cycle::Handle;
use logbook::CycleRecord;
use std::sync::Arc;
use tokio::sync::{Semaphore, watch};
use tonic::{Request, Status};

/// Cheap to clone; one for each service.
#[derive(Clone)]
pub(crate) struct Desk {
    pub(crate) handle: Handle,
    gate: Arc<dyn Authorise>,
    pub(crate) watchers: Arc<Semaphore>,
    pub(crate) what_ifs: Arc<Semaphore>,
    /// Turns true when the server is to end.
    pub(crate) ending: watch::Receiver<bool>,
}

impl Desk {
    pub(crate) fn new(handle: Handle, gate: Arc<dyn Authorise>, ending: watch::Receiver<bool>) -> Self {
        Self {
            handle,
            gate,
            watchers: Arc::new(Semaphore::new(limits::WATCHERS)),
            what_ifs: Arc::new(Semaphore::new(limits::WHAT_IFS)),
            ending,
        }
    }

    /// Every call begins here.
    pub(crate) async fn admit<T>(
        &self,
        request: &Request<T>,
        verb: Verb,
        object: Object,
    ) -> Result<Identity, Status> {
        authorise::admit(&self.gate, request, verb, object).await
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

fn nothing_yet() -> Status {
    Status::unavailable("no cycle has ended yet; try again in a moment")
}
