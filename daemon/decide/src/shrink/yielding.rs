//! Nodes that are to empty by themselves: which of their pods go first, and where new ones go instead.
//!
//! Nodes that are to be given up after those that are being drained take no pods of theirs where kube-scheduler has a
//! choice: left alone it puts them onto the emptiest nodes, which are the next to go, and every pod is moved twice.
//!
//! Where the aims want it, nodes that waste much do so too whether or not they can go.
//! Pods that die anyway cost no eviction. A ReplicaSet gives up pods of lower deletion cost first, so pods are marked by
//! what their node wastes for each of them; and kube-scheduler is asked by a taint (`PreferNoSchedule`) to put new pods
//! elsewhere where it can, so that full nodes stay full and wasteful ones run empty. Both with some slack both ways, for
//! every change is a call. Costs that somebody else sets are left alone, and so is everything else of a workload that uses
//! them. Nothing here depends on whether the node is given up in the end.

use super::fleet::Fleet;
use super::prices::Prices;
use super::shrunk::Effect;
use crate::number::size;
use model::money::UsdPerHour;
use model::plan::StepKind;
use model::pod::{DELETION_LEVELS, Pod, PodPhase, deletion_cost, deletion_level};
use model::reason::Reason;
use model::snapshot::Snapshot;
use std::collections::BTreeMap;

/// Marks in one plan: each is a call, and the next cycle continues.
const MARKS: usize = 200;
/// The same for taints.
const TAINTS: usize = 50;
/// Owners whose pods belong to ReplicaSets, as far as they are seen through.
const BY_REPLICA_SET: [&str; 3] = ["Deployment", "ReplicaSet", "Rollout"];
/// Hundredths that a node's waste may leave its level by before the mark is changed.
const SLACK: i64 = 10;
/// Hundredths of its price that a node wastes from which new pods avoid it, and below which they no longer do.
const AVOIDED: (i64, i64) = (25, 15);

/// Whether anything is marked.
pub(super) fn any(seen: &Snapshot) -> bool {
    seen.pods.iter().any(|pod| pod.deletion_cost != 0) || seen.nodes.iter().any(model::node::Node::emptying)
}

/// Nodes by their bins, sorted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Nodes<'n> {
    /// Those that may go.
    pub(super) may_go: &'n [usize],
    /// Those that are to go after the ones that are being drained.
    pub(super) next: &'n [usize],
    /// Pods are marked, and whatever wastes much and may go is avoided.
    pub(super) yields: bool,
}

/// Marks and taints to set, change or take away.
pub(super) fn decide(fleet: &Fleet<'_>, prices: &Prices<'_>, nodes: Nodes<'_>) -> Vec<Effect> {
    let waste = |bin: usize| {
        let may_go = nodes.may_go.binary_search(&bin).is_ok();
        prices.waste(fleet, bin).filter(|_| may_go).unwrap_or(0)
    };
    let wasted: Vec<i64> = (0..fleet.bins.len()).map(|bin| waste(bin).max(0)).collect();
    let mut effects = taints(fleet, &wasted, nodes);
    let marked = if nodes.yields {
        wasted
    } else {
        vec![0; wasted.len()]
    };
    effects.extend(marks(fleet, prices, &marked));
    effects
}

/// `wasted`: by bin. A node that was to go stays avoided as long as it may go and wastes: plans change from cycle to cycle.
fn taints(fleet: &Fleet<'_>, wasted: &[i64], nodes: Nodes<'_>) -> Vec<Effect> {
    let receiving = fleet.bins.iter().zip(wasted).enumerate();
    let mut wanted: Vec<(i64, Effect)> = Vec::new();
    for (at, (bin, wastes)) in receiving.filter(|(_, (bin, _))| bin.receives) {
        let Some(node) = fleet.node(at) else { continue };
        let (from, below) = AVOIDED;
        let share = hundredths(*wastes, bin.price);
        let on = if node.emptying() {
            share >= below
        } else {
            nodes.yields && share >= from || nodes.next.binary_search(&at).is_ok()
        };
        if on != node.emptying() {
            let kind = StepKind::Avoid {
                node: bin.name.clone(),
                on,
            };
            wanted.push((share, effect(kind, *wastes, bin.price)));
        }
    }
    wanted.sort_by_key(|(share, _)| std::cmp::Reverse(*share));
    wanted.truncate(TAINTS);
    wanted.into_iter().map(|(_, effect)| effect).collect()
}

/// `wasted`: by bin.
fn marks(fleet: &Fleet<'_>, prices: &Prices<'_>, wasted: &[i64]) -> Vec<Effect> {
    let owners = Owners::of(fleet);
    let usual = usual(fleet, prices);
    let mut wanted: Vec<(u8, Effect, &Pod)> = Vec::new();
    // Pods of nodes on their way out are moved anyway.
    for (bin, wastes) in fleet.bins.iter().zip(wasted).filter(|(bin, _)| bin.receives) {
        let pods = bin.pods.iter().filter_map(|pod| fleet.seen.pods.get(size(*pod)));
        let pods = pods.filter(|pod| pod.phase != PodPhase::Terminating);
        let known = pods
            .clone()
            .filter_map(|pod| deletion_level(pod.deletion_cost))
            .max();
        let paid = usual.saturating_mul(i64::from(bin.moves())) / 2;
        let level = level(*wastes, paid, known.unwrap_or(0));
        for pod in pods {
            let Some(is) = deletion_level(pod.deletion_cost) else {
                continue;
            };
            let to = if owners.choose(pod.spec) { level } else { 0 };
            if to != is {
                let kind = StepKind::Yield {
                    pod: pod.key.clone(),
                    node: bin.name.clone(),
                    cost: deletion_cost(to),
                };
                wanted.push((to.abs_diff(is), effect(kind, *wastes, bin.price), pod));
            }
        }
    }
    // What changes most first.
    wanted.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.2.key.cmp(&b.2.key)));
    wanted.truncate(MARKS);
    wanted.into_iter().map(|(_, effect, _)| effect).collect()
}

fn effect(kind: StepKind, wastes: i64, of: i64) -> Effect {
    Effect {
        kind,
        reason: Reason::Wasteful {
            wastes: UsdPerHour(wastes),
            of: UsdPerHour(of),
        },
        intent: None,
    }
}

/// What a pod pays on the average.
fn usual(fleet: &Fleet<'_>, prices: &Prices<'_>) -> i64 {
    let (mut paid, mut pods) = (0_i64, 0_i64);
    for (kind, copies) in fleet.bins.iter().flat_map(|bin| &bin.load) {
        let pays = prices.row(*kind).map_or(0, |row| prices.pays[size(row)]);
        paid = paid.saturating_add(pays.saturating_mul(i64::from(*copies)));
        pods = pods.saturating_add(i64::from(*copies));
    }
    paid / pods.max(1)
}

fn hundredths(of: i64, whole: i64) -> i64 {
    of.saturating_mul(100) / whole.max(1)
}

/// How soon pods of a node should go: what it wastes beside half of what as many usual pods pay, in tenths of both
/// together, so that a node that few pods keep comes first. The level known where it is not far from that.
fn level(wastes: i64, paid: i64, known: u8) -> u8 {
    if wastes <= 0 {
        return 0;
    }
    let wasted = hundredths(wastes, wastes.saturating_add(paid));
    let known_at = i64::from(known) * 10;
    if wasted >= known_at - SLACK && wasted <= known_at + 10 + SLACK {
        return known;
    }
    u8::try_from(wasted / 10)
        .unwrap_or(DELETION_LEVELS)
        .min(DELETION_LEVELS)
}

/// By kind: whether its ReplicaSet has a choice, and the choice is left to us.
struct Owners(Vec<bool>);

impl Owners {
    fn of(fleet: &Fleet<'_>) -> Self {
        let seen = fleet.seen;
        // By spec first: keys are compared once for each, not for every pod.
        let mut by_spec: Vec<(u32, bool)> = vec![(0, false); seen.specs.len()];
        for pod in &seen.pods {
            if let Some((count, theirs)) = by_spec.get_mut(size(pod.spec)) {
                *count = count.saturating_add(1);
                *theirs |= deletion_level(pod.deletion_cost).is_none();
            }
        }
        let mut counts: BTreeMap<&model::WorkloadKey, u32> = BTreeMap::new();
        let mut theirs: std::collections::BTreeSet<&model::WorkloadKey> = std::collections::BTreeSet::new();
        for (spec, (pods, marked)) in seen.specs.iter().zip(by_spec) {
            let Some(owner) = &spec.owner else { continue };
            let count = counts.entry(owner).or_insert(0);
            *count = count.saturating_add(pods);
            if marked {
                theirs.insert(owner);
            }
        }
        let chooses = seen.specs.iter().map(|spec| {
            spec.held().is_none()
                && spec.traits.protected_for.is_none()
                && spec.owner.as_ref().is_some_and(|owner| {
                    BY_REPLICA_SET.contains(&&*owner.kind)
                        && !theirs.contains(owner)
                        && counts.get(owner).is_some_and(|count| *count > 1)
                })
        });
        Self(chooses.collect())
    }

    fn choose(&self, kind: u32) -> bool {
        self.0.get(size(kind)).copied().unwrap_or(false)
    }
}

#[cfg(test)]
mod tests {
    use super::level;

    #[test]
    fn a_level_is_kept_while_waste_stays_near_it() {
        let of = |wasted: i64, known: u8| level(wasted, 100 - wasted, known);
        assert_eq!((of(3, 0), of(20, 0), of(21, 0), of(100, 0)), (0, 0, 2, 10));
        assert_eq!(
            (of(30, 3), of(20, 3), of(19, 3), of(50, 3), of(51, 3)),
            (3, 3, 1, 3, 5)
        );
        assert_eq!((of(0, 3), of(-9, 3), level(5, 0, 3)), (0, 0, 10));
    }
}
