//! How soon room is asked for again, within what time giving up a node must pay, and what replacing one loses.
//!
//! Free room that the pods of a node move into is lost to the next pods that come: where many come, emptying a node
//! saves only what the node wastes; where none come, it saves its price. What pods came for lately tells which, from
//! the picture alone.

use super::fleet::Fleet;
use super::prices::Prices;
use crate::number::{real, size};
use model::aims::Aims;
use model::intent::EffectKind;
use model::memory::Memory;
use model::snapshot::Snapshot;
use model::time::Span;

/// A boot time where none was measured.
const BOOT: Span = Span::from_secs(120);
/// From Ready to the old node's end: pods are asked to leave, start anew, and the instance stops.
const DRAIN: Span = Span::from_secs(60);

/// The part of the free room that pods will ask for within the time in which a removal must pay: what came in as long
/// a time before this, over what is free, 1 at most. Pods that we asked to move are no demand that came, nor are those
/// whose owner has said since that it wants fewer of them, as many as owners have let go of on balance.
pub(super) fn refilled(fleet: &Fleet<'_>, prices: &Prices<'_>, (memory, aims): (&Memory, &Aims)) -> f64 {
    let (seen, watch) = (fleet.seen, &memory.watch);
    let lately = aims.shrink.payback.min(aims.limits.long_window);
    let (mut came, mut worth, mut free) = (0_u32, 0_i64, 0_i64);
    let mut unwanted = 0_u32;
    for (at, bin) in fleet.bins.iter().enumerate() {
        for pod in bin.pods.iter().filter_map(|pod| seen.pods.get(size(*pod))) {
            let pays = prices.row(pod.spec).map(|row| prices.pays[size(row)]);
            if let Some(pays) = pays.filter(|_| seen.at.since(pod.created) < lately) {
                came = came.saturating_add(1);
                worth = worth.saturating_add(pays);
                let owner = seen
                    .specs
                    .get(size(pod.spec))
                    .and_then(|spec| spec.owner.as_ref());
                let less = owner.is_some_and(|owner| watch.wanted_less_since(owner, pod.created));
                unwanted = unwanted.saturating_add(u32::from(less));
            }
        }
        let waste = prices.waste(fleet, at).filter(|_| bin.receives);
        free = free.saturating_add(waste.unwrap_or(0).max(0));
    }
    let unwanted = unwanted.min(watch.released());
    let off = moved(seen, lately).saturating_add(unwanted).min(came);
    let own = f64::from(came - off) / f64::from(came.max(1));
    (real(worth) * own / real(free.max(1))).clamp(0.0, 1.0)
}

/// Pods that we asked to move within this time.
fn moved(seen: &Snapshot, lately: Span) -> u32 {
    let effects = seen.ledger.effects.iter();
    effects
        .filter(|effect| seen.at.since(effect.at) < lately)
        .map(|effect| match &effect.kind {
            EffectKind::Evicted { count } | EffectKind::Remade { count, .. } => *count,
            EffectKind::Bought { .. }
            | EffectKind::Removed
            | EffectKind::RemovedFrom { .. }
            | EffectKind::ScaledDown { .. }
            | EffectKind::Emptied { .. }
            | EffectKind::Explained { .. } => 0,
        })
        .fold(0, u32::saturating_add)
}

/// Hours in which giving up a node must pay that has wasted for so long: the payback where nothing moves, and never
/// more; as long again as it has wasted where pods come and go, for what it wastes may be filled or gone by itself in no
/// more time.
pub(super) fn hours(refilled: f64, wasted: Span, aims: &Aims) -> f64 {
    let payback = aims.shrink.payback;
    let known = wasted.min(payback);
    in_hours(payback).mul_add(1.0 - refilled, in_hours(known) * refilled)
}

/// Hours of a replaced node's price that replacing it loses where pods come and go: it runs beside those that replace
/// it, and by the time its pods move others have come to much of the new room. That is counted as one payback: with
/// less, nodes are replaced again and again as demand falls, for what the next hour undoes.
pub(super) fn lost(seen: &Snapshot, memory: &Memory, aims: &Aims) -> f64 {
    let groups = seen.groups.iter();
    let measured = groups.filter_map(|group| memory.boot_times.get(&group.name)?.iter().max());
    let boot = measured.max().copied().unwrap_or(BOOT);
    in_hours(boot) + in_hours(DRAIN) + in_hours(aims.shrink.payback)
}

/// A span in hours.
pub(super) fn in_hours(span: Span) -> f64 {
    real(span.millis()) / 3_600_000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_pays_within_as_long_as_it_has_wasted_where_pods_come_and_go() {
        let mut aims = Aims::default();
        aims.shrink.payback = Span::from_secs(2 * 3600);
        let of = |refilled: f64, minutes: i64| hours(refilled, Span::from_secs(minutes * 60), &aims);
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} {b}");
        near(of(0.0, 0), 2.0);
        near(of(1.0, 0), 0.0);
        near(of(1.0, 30), 0.5);
        near(of(1.0, 600), 2.0);
        near(of(0.5, 60), 1.5);
    }
}
