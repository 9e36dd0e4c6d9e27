//! Nodes that can be given up: emptied into the free room of others, or replaced by cheaper ones, where it pays.
//!
//! Starts removals and carries open ones on, one stage at a time; nothing here waits. New nodes are bought before
//! old ones are drained, which the guard sees to. Budgets, annotations and owners are respected, and what is not
//! certain keeps the node. Policies of the hook `disruption` are asked before (`disruption`).

mod allowance;
mod annotated;
mod bins;
mod buying;
mod candidates;
mod choose;
mod continuing;
mod crew;
mod disruption;
mod drained;
mod explained;
mod fleet;
mod in_vain;
mod leaving;
mod movers;
mod moving;
mod orders;
mod prices;
mod renewing;
mod repairing;
mod search;
mod seeking;
mod shrinking;
mod shrunk;
mod ties;
mod turnover;
mod used;
mod yielding;

use allowance::Allowance;
pub(crate) use candidates::Before;
use candidates::Judge;
pub(crate) use disruption::ask;
use model::aims::Aims;
use model::memory::Memory;
use model::snapshot::{Freshness, Source};
use prices::Prices;
use renewing::Renewing;
pub(crate) use repairing::as_going;
pub(crate) use shrinking::Shrinking;
pub(crate) use shrunk::{Effect, Shrunk};
use yielding::Nodes;

/// Refusals listed.
const LISTED: usize = 50;

/// Decides on removals.
pub(crate) fn decide(
    shrinking: Shrinking<'_>,
    memory: &mut Memory,
    aims: &Aims,
    before: Before<'_>,
) -> Shrunk {
    let Shrinking {
        mut fleet,
        prices,
        kept,
    } = shrinking;
    let seen = fleet.seen;
    for bin in &mut fleet.bins {
        bin.addend = before.says.addend(&bin.name);
        bin.again = explained::again(seen, bin, (memory, aims));
    }
    let mut shrunk = Shrunk::default();
    let blind = [Source::Pods, Source::Nodes, Source::Groups, Source::Budgets]
        .iter()
        .any(|source| seen.freshness(*source) == Freshness::Missing);
    fleet.house(before.housed);
    let mut budgets = fleet.budgets();
    let allowance = Allowance::of(seen, aims);
    let rests = |node: &model::Node| {
        let group = node
            .group
            .as_ref()
            .filter(|_| !node.goes() || node.is_given_up())?;
        allowance.frozen(group)
    };
    continuing::carry_on((&fleet, &rests), &kept, &mut budgets, before.housed, &mut shrunk);
    in_vain::note(seen, memory, aims, (&shrunk.emptied, &shrunk.given_up));
    if !blind {
        leaving::begin(&fleet, aims, &mut shrunk);
    }
    if blind || !aims.shrink.enabled {
        // A source that was never seen is not an empty one, and time unneeded does not count meanwhile.
        memory.unneeded_since.clear();
        if !blind && before.start && yielding::any(seen) {
            let prices = prices.unwrap_or_else(|| Prices::new(&fleet, memory, aims));
            shrunk.marks = yielding::decide(&fleet, &prices, Nodes::default());
        }
        return shrunk;
    }
    let mut kept_prices = prices;
    let mut judge = Judge::new((seen, allowance), aims, before);
    let mut bought = before.bought.to_vec();
    let (repairs, renews) = (repairing::any(seen), renewing::any(seen, aims));
    if before.start && (repairs || renews) {
        let prices = kept_prices.get_or_insert_with(|| Prices::new(&fleet, memory, aims));
        let mut renewing = Renewing {
            fleet: &mut fleet,
            prices,
            memory,
            aims,
            budgets: &budgets,
        };
        repairing::begin(&renewing, &mut judge, &mut bought, &mut shrunk);
        renewing.begin(&mut judge, &mut bought, &mut shrunk);
    }
    judge.before.bought = &bought;
    let candidates = judge.candidates(&fleet, memory, &budgets);
    if candidates.is_empty() {
        memory.unneeded_since.clear();
    } else {
        let prices = kept_prices.get_or_insert_with(|| Prices::new(&fleet, memory, aims));
        memory.unneeded_since = judge.judge(&mut fleet, prices, (&candidates[..], &*memory), &mut shrunk);
    }
    let next = std::mem::take(&mut judge.next);
    if before.start && (aims.shrink.yields || !next.is_empty() || yielding::any(seen)) {
        let may_go: Vec<usize> = candidates.iter().map(|may| may.bin).collect();
        let prices = kept_prices.get_or_insert_with(|| Prices::new(&fleet, memory, aims));
        let nodes = Nodes {
            may_go: &may_go,
            next: &next,
            yields: aims.shrink.yields,
        };
        shrunk.marks = yielding::decide(&fleet, prices, nodes);
    }
    judge.refusals.truncate(LISTED);
    shrunk.refusals.append(&mut judge.refusals);
    shrunk
}

#[cfg(test)]
mod tests;
