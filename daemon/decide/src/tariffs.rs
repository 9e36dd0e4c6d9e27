//! What pods cost on top of the price of their node: by offer set, which policies' addends go by, and by what the risk of an
//! interruption counts there (`aims.spot`).

use crate::number::narrow;
use model::aims::Aims;
use model::offer::{Offer, OfferKind, Purchase};
use model::snapshot::Snapshot;
use std::collections::BTreeMap;

/// Hours of a month as AWS bills it.
const HOURS_A_MONTH: i64 = 730;

/// What pods cost on top of the price of their node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tariff {
    /// Index into the offer sets, which policies' addends go by.
    pub(crate) set: usize,
    /// What the risk of an interruption counts: nano-dollars per hour and pod.
    pub(crate) risk: i64,
}

/// Tariffs, and by offer which one is its own: those of sets without risk first, in the order of the sets.
pub(crate) fn tariffs(seen: &Snapshot, aims: &Aims, set_of: &[usize]) -> (Vec<Tariff>, Vec<usize>) {
    let sets = set_of.iter().map(|set| set + 1).max().unwrap_or(0);
    let mut tariffs: Vec<Tariff> = (0..sets).map(|set| Tariff { set, risk: 0 }).collect();
    let mut known: BTreeMap<Tariff, usize> = tariffs.iter().enumerate().map(|(at, of)| (*of, at)).collect();
    let own = |(offer, set): (&Offer, &usize)| {
        let tariff = Tariff {
            set: *set,
            risk: risk(offer, aims),
        };
        *known.entry(tariff).or_insert_with(|| {
            tariffs.push(tariff);
            tariffs.len() - 1
        })
    };
    let tariff_of = seen.offers.iter().zip(set_of).map(own).collect();
    (tariffs, tariff_of)
}

/// What the risk of an interruption counts, in nano-dollars per hour and pod.
pub(crate) fn risk(offer: &Offer, aims: &Aims) -> i64 {
    if pool(offer).is_none() {
        return 0;
    }
    let monthly = offer.interruptions.unwrap_or(aims.spot.interruptions_permille);
    let cost = i128::from(aims.spot.interruption_cost_nanos) * i128::from(monthly);
    narrow(cost / i128::from(1000 * HOURS_A_MONTH))
}

/// What a spot offer is one of: its type and zone.
pub(crate) fn pool(offer: &Offer) -> Option<(&str, &str)> {
    match &offer.kind {
        OfferKind::Ec2 {
            instance_type,
            zone,
            purchase: Purchase::Spot,
            ..
        } => Some((instance_type, zone)),
        _ => None,
    }
}
