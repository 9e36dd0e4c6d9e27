//! Whole deliberations.

mod agents;
mod answers;
mod bounds;
mod hostile;
pub(crate) mod large;
mod limits;
mod nominating;
mod one_by_one;
mod optimum;
mod placing;
mod preemption;
mod properties;
mod reasons;
mod refusing;
mod rest;
mod starting;
mod volumes;
mod words;

use crate::checker::check;
use crate::fixture::Cluster;
use crate::{Deliberation, PolicySet, deliberate};
use model::aims::Aims;
use model::memory::Memory;
use model::snapshot::Snapshot;

pub(crate) fn run(seen: &Snapshot, policies: &PolicySet) -> Deliberation {
    let done = deliberate(seen, &Memory::default(), policies, &Aims::default());
    check(seen, &Aims::default(), &done);
    done
}

pub(crate) fn plain(seen: &Snapshot) -> Deliberation {
    run(seen, &PolicySet::default())
}

pub(crate) fn shop() -> Cluster {
    Cluster::new()
        .group("g", 0, 50)
        .offer("g", "small", 2000, 4096, 50_000_000)
        .offer("g", "large", 8000, 16384, 180_000_000)
}
