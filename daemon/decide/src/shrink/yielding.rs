//! Which pods should go first where their ReplicaSets give some up: those on nodes that waste most.
//!
//! Pods that die anyway cost no eviction. A ReplicaSet gives up pods of lower deletion cost first, so pods are marked by
//! how much of its price their node wastes, in tenths; with some slack both ways, for every mark is a call. Costs that
//! somebody else sets are left alone, and so is everything else of a workload that uses them.

use super::Effect;
use super::fleet::Fleet;
use super::prices::Prices;
use crate::number::size;
use model::money::UsdPerHour;
use model::plan::StepKind;
use model::pod::{DELETION_LEVELS, Pod, PodPhase, deletion_cost, deletion_level};
use model::reason::Reason;
use std::collections::BTreeMap;

/// Marks in one plan: each is a call, and the next cycle continues.
const MARKS: usize = 200;
/// Owners whose pods belong to ReplicaSets, as far as they are seen through.
const BY_REPLICA_SET: [&str; 3] = ["Deployment", "ReplicaSet", "Rollout"];
/// Share of a level that a node's waste may leave its own by before the mark is changed, in tenths.
const SLACK: i64 = 5;

/// Marks to set, change or take away: nodes of `emptied` by what they waste, all others bear none.
pub(super) fn marks(fleet: &Fleet<'_>, prices: &Prices<'_>, emptied: &[usize]) -> Vec<Effect> {
    let owners = Owners::of(fleet);
    let mut wanted: Vec<(u8, Effect, &Pod)> = Vec::new();
    // Pods of nodes on their way out are moved anyway.
    for (at, bin) in fleet.bins.iter().enumerate().filter(|(_, bin)| bin.receives) {
        let pods = bin.pods.iter().filter_map(|pod| fleet.seen.pods.get(size(*pod)));
        let pods = pods.filter(|pod| pod.phase != PodPhase::Terminating);
        let waste = prices
            .waste(fleet, at)
            .filter(|_| emptied.binary_search(&at).is_ok());
        let known = pods
            .clone()
            .filter_map(|pod| deletion_level(pod.deletion_cost))
            .max();
        let level = level(waste.unwrap_or(0), bin.price, known.unwrap_or(0));
        for pod in pods {
            let Some(is) = deletion_level(pod.deletion_cost) else {
                continue;
            };
            let to = if owners.choose(pod.spec) { level } else { 0 };
            if to != is {
                let reason = Reason::Wasteful {
                    wastes: UsdPerHour(waste.unwrap_or(0).max(0)),
                    of: UsdPerHour(bin.price),
                };
                let kind = StepKind::Yield {
                    pod: pod.key.clone(),
                    node: bin.name.clone(),
                    cost: deletion_cost(to),
                };
                let effect = Effect {
                    kind,
                    reason,
                    intent: None,
                };
                wanted.push((to.abs_diff(is), effect, pod));
            }
        }
    }
    // What changes most first.
    wanted.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.2.key.cmp(&b.2.key)));
    wanted.truncate(MARKS);
    wanted.into_iter().map(|(_, effect, _)| effect).collect()
}

/// Tenths of the price that are wasted; the level known where they are not far from it.
fn level(waste: i64, price: i64, known: u8) -> u8 {
    if price <= 0 || waste <= 0 {
        return 0;
    }
    // Hundredths: whole levels of ten.
    let wasted = waste.saturating_mul(100) / price;
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
        let mut counts: BTreeMap<&model::WorkloadKey, u32> = BTreeMap::new();
        let mut theirs: std::collections::BTreeSet<&model::WorkloadKey> = std::collections::BTreeSet::new();
        for pod in &seen.pods {
            let Some(owner) = seen
                .specs
                .get(size(pod.spec))
                .and_then(|spec| spec.owner.as_ref())
            else {
                continue;
            };
            let count = counts.entry(owner).or_insert(0);
            *count = count.saturating_add(1);
            if deletion_level(pod.deletion_cost).is_none() {
                theirs.insert(owner);
            }
        }
        let chooses = seen.specs.iter().map(|spec| {
            !spec.traits.do_not_disrupt
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
        let of = |wasted: i64, known: u8| level(wasted, 100, known);
        assert_eq!((of(3, 0), of(15, 0), of(16, 0), of(100, 0)), (0, 0, 1, 10));
        assert_eq!(
            (of(30, 3), of(25, 3), of(24, 3), of(45, 3), of(46, 3)),
            (3, 3, 2, 3, 4)
        );
        assert_eq!((of(0, 3), of(-9, 3), level(5, 0, 3)), (0, 0, 0));
    }
}
