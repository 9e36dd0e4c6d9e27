//! The stage before waiting pods are placed: what runs as packed, and room that pods on the move keep.

use super::fleet::Fleet;
use super::movers::{self, Kept};
use super::prices::Prices;
use crate::tenants::Tenants;
use model::aims::Aims;
use model::memory::Memory;
use model::snapshot::Snapshot;

/// The stage before waiting pods are placed: room for pods that are on the move already is kept from them.
pub(crate) struct Shrinking<'a> {
    pub(crate) fleet: Fleet<'a>,
    pub(super) prices: Option<Prices<'a>>,
    pub(crate) kept: Kept,
}

impl<'a> Shrinking<'a> {
    pub(crate) fn new((seen, tenants): (&'a Snapshot, &'a Tenants), memory: &Memory, aims: &Aims) -> Self {
        let mut fleet = Fleet::new((seen, tenants), aims);
        let prices = movers::any(&fleet).then(|| Prices::new(&fleet, memory, aims));
        let kept = prices
            .as_ref()
            .map_or_else(Kept::default, |prices| movers::keep(&mut fleet, prices));
        Self { fleet, prices, kept }
    }
}
