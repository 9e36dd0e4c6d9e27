//! Bounds of a plan whose pods were dealt to domains, or kept to what nodes may hold in any order: those of the same
//! demand undealt.
//!
//! Which domain a pod was dealt is our choice and no rule of kube-scheduler's: a bound that held only for the plans
//! with the same deal would be above what another costs. What rules about domains ask for is left out here, and what
//! rules about nodes ask for is what they ask in whatever order pods come, so the bound is lower than it might be, and
//! never wrong. Where neither says anything there is nothing to do.

use crate::adjust::Adjust;
use crate::class::Class;
use crate::constraints::Deals;
use crate::market::Market;
use crate::rooms;
use crate::shrink::Shrinking;
use crate::table::Table;
use model::aims::Aims;
use model::money::UsdPerHour;
use packing::duals::{self, Reach};
use std::sync::Arc;

/// The demand of a plan as if nothing had been dealt.
pub(crate) struct Undealt<'a> {
    market: &'a Market<'a>,
    classes: &'a [Class],
    /// By class: pods that have a place.
    served: &'a [u32],
}

impl<'a> Undealt<'a> {
    /// The market must be that of these classes.
    pub(crate) const fn new(market: &'a Market<'a>, classes: &'a [Class], served: &'a [u32]) -> Self {
        Self {
            market,
            classes,
            served,
        }
    }

    /// What no plan for the demand costs less than, at the prices that policies make.
    pub(crate) fn bound(
        &self,
        (aims, shrinking): (&Aims, &Shrinking<'_>),
        adjust: Option<&Adjust>,
        reach: Reach,
    ) -> UsdPerHour {
        let (market, classes) = (self.market, self.classes);
        let table = Table::new(market, classes, adjust);
        let counts = table.counts(self.served);
        let duals = duals::search_to(reach, &table.problem, &counts);
        let mut rooms = rooms::find((market, shrinking.fleet.tenants), aims, classes);
        let kept = (&market.space, classes);
        shrinking.kept.take_from(&shrinking.fleet, kept, &mut rooms);
        UsdPerHour(duals.bound(&table.problem, &counts, &rooms::as_free(market, &rooms, &table)))
    }
}

/// The classes undealt and in any order, each in its place; `None` where all of them are so already.
pub(crate) fn classes(deals: &Deals, dealt: &[Class]) -> Option<Vec<Class>> {
    let is_dealt = |class: &Class| class.deal.as_ref().is_some_and(|deal| !deal.is_nowhere());
    let is_bound = |class: &Class| is_dealt(class) || class.crowding.in_any_order().is_some();
    dealt.iter().any(is_bound).then(|| {
        let undealt = dealt.iter().map(|class| {
            let whole = class.deal.as_ref().and_then(|deal| deals.body_of(deal));
            let crowding = class.crowding.in_any_order().map(Arc::new);
            Class {
                deal: None,
                body: whole.unwrap_or_else(|| class.body.clone()),
                crowding: crowding.unwrap_or_else(|| Arc::clone(&class.crowding)),
                ..class.clone()
            }
        });
        undealt.collect()
    })
}
