//! I5, I6 and I23: how much may change per window and stand at once. Windows are counted from the Ledger,
//! so that they survive a restart; no setting switches them off silently.

use crate::case::Case;
use crate::fleet::{self, number};
use crate::objection::{Objection, hold};
use crate::proof::proven;
use crate::step_effect::{continues, purchase, scaled_down, zone_left};
use crate::tally::Tally;
use crate::watched::{explained, is_watched_empty, most_emptied};
use model::limits::Limits;
use model::plan::{Step, StepKind};
use model::spending::Spending;
use model::{GroupName, HoldReason, UsdPerHour};

pub(super) fn check(step: &Step, case: &Case<'_>, tally: &Tally) -> Option<Objection> {
    if continues(step, case) {
        return None;
    }
    match &step.kind {
        StepKind::GrowGroup { .. } | StepKind::PlaceOnFargate { .. } => buying(&step.kind, case, tally),
        StepKind::Cordon { node, .. } | StepKind::Evict { node, .. } if case.is_taken(node) => None,
        // Where the window of empty nodes is used up they go as any other, while there is room for that.
        StepKind::Cordon { node, group, .. } if is_watched_empty(node, case) => {
            emptying(case, tally).filter(|_| removing(step, group, case, tally).is_some())
        }
        StepKind::Cordon { node, .. } if explained(node, case, tally.explained).is_some() => {
            at_once(case, tally)
        }
        StepKind::Cordon { group, .. } | StepKind::RemoveInstance { group, .. } => {
            removing(step, group, case, tally)
        }
        StepKind::Evict { node, .. } if tally.emptied_nodes.contains(node) => {
            let group = case.seen.node(node).and_then(|node| node.group.as_ref());
            let filled = group.and_then(|group| removing(step, group, case, tally));
            filled.or_else(|| evicting(case, tally))
        }
        StepKind::Evict { .. } | StepKind::Remake { .. } => evicting(case, tally),
        StepKind::ScaleWorkload { .. } => scaling_down(&step.kind, case, tally),
        _ => None,
    }
}

fn buying(kind: &StepKind, case: &Case<'_>, tally: &Tally) -> Option<Objection> {
    let limits = case.limits();
    let (count, rate) = purchase(kind, case);
    let (proof, _) = proven(kind, case, tally.doubt);
    let (unproven, excess) = (
        count.saturating_sub(proof.nodes),
        UsdPerHour(rate.0.saturating_sub(proof.rate.0)),
    );
    if unproven > 0 && tally.bought.saturating_add(unproven) > limits.bought_per_window {
        return hold(HoldReason::PurchasesPerWindow {
            limit: limits.bought_per_window,
        });
    }
    if count > 0 && tally.nodes.saturating_add(count) > limits.max_nodes {
        return hold(HoldReason::MaxNodes {
            limit: limits.max_nodes,
        });
    }
    if excess > UsdPerHour::ZERO && over(tally.added, excess, limits.added_per_window) {
        return hold(HoldReason::RatePerWindow {
            limit: limits.added_per_window,
        });
    }
    if over(tally.rate, rate, limits.max_rate) {
        return hold(HoldReason::MaxRate {
            limit: limits.max_rate,
        });
    }
    in_month(rate, case, tally)
}

/// A step that adds nothing to the bill is let through: a month that is over its budget needs its replacements.
fn in_month(rate: UsdPerHour, case: &Case<'_>, tally: &Tally) -> Option<Objection> {
    let limit = case.limits().max_per_month.filter(|_| rate > UsdPerHour::ZERO)?;
    let rates = (tally.rate, tally.rate + rate);
    let forecast = Spending::forecast(case.ledger.spending, case.seen.at, rates);
    (forecast > limit)
        .then(|| hold(HoldReason::MonthlyBudget { limit, forecast }))
        .flatten()
}

/// A negative price is no credit: it counts as nothing.
fn over(used: UsdPerHour, more: UsdPerHour, limit: UsdPerHour) -> bool {
    used + more.max(UsdPerHour::ZERO) > limit
}

fn removing(step: &Step, name: &GroupName, case: &Case<'_>, tally: &Tally) -> Option<Objection> {
    let limits = case.limits();
    // The larger of both: `desired` falls with the call that ends an instance, the instance goes later. By the smaller the
    // share would shrink while its own removals are under way.
    let group_size = case
        .seen
        .group(name)
        .map_or(0, |group| group.desired.max(group.living()));
    let per_group = fleet::share_of_window(group_size, limits);
    if tally.removed.get(name).copied().unwrap_or(0) >= per_group {
        return hold(HoldReason::RemovalsPerWindow { limit: per_group });
    }
    if let Some(full) = in_zone(&step.kind, case, tally) {
        return Some(full);
    }
    let per_cluster = fleet::share(
        fleet::size(case.seen),
        limits.removed_per_long_window_permille,
        Limits::default().removed_per_long_window_permille,
        limits,
    );
    if tally.removed_long >= per_cluster {
        return hold(HoldReason::RemovalsPerWindow { limit: per_cluster });
    }
    at_once(case, tally)
}

/// Several groups may have their nodes in one zone.
fn in_zone(kind: &StepKind, case: &Case<'_>, tally: &Tally) -> Option<Objection> {
    let limits = case.limits();
    let permille = limits.removed_per_zone_permille?;
    let zone = zone_left(kind, case.seen);
    let theirs = case
        .seen
        .nodes
        .iter()
        .filter(|node| !node.fargate && node.zone() == zone);
    let usual = Limits::default().removed_per_zone_permille.unwrap_or(permille);
    let limit = fleet::share(number(theirs.count()), permille, usual, limits);
    let zone = zone.to_owned();
    let full = tally.removed_in.get(&zone).copied().unwrap_or(0) >= limit;
    full.then(|| hold(HoldReason::RemovalsPerZone { zone, limit }))
        .flatten()
}

fn at_once(case: &Case<'_>, tally: &Tally) -> Option<Objection> {
    let limit = case.limits().removals_at_once;
    (tally.leaving >= limit)
        .then(|| hold(HoldReason::RemovalsAtOnce { limit }))
        .flatten()
}

/// Nodes that were watched empty go by a limit of their own: nobody is moved by it.
fn emptying(case: &Case<'_>, tally: &Tally) -> Option<Objection> {
    let limit = most_emptied(case);
    (tally.emptied >= limit)
        .then(|| hold(HoldReason::EmptiedPerWindow { limit }))
        .flatten()
}

fn evicting(case: &Case<'_>, tally: &Tally) -> Option<Objection> {
    let limit = case.limits().evictions_per_window;
    (tally.evicted >= limit)
        .then(|| hold(HoldReason::EvictionsPerWindow { limit }))
        .flatten()
}

/// Replicas that go are pods that go: all workloads at their minimum are as little as a fleet that is drained.
fn scaling_down(kind: &StepKind, case: &Case<'_>, tally: &Tally) -> Option<Objection> {
    let limit = case.limits().scaled_down_per_window?;
    let lowered = scaled_down(kind, case.seen);
    (lowered > 0 && tally.scaled_down.saturating_add(lowered) > limit)
        .then(|| hold(HoldReason::ScaledDownPerWindow { limit }))
        .flatten()
}
