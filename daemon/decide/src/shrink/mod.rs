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
mod ties;
mod turnover;
mod used;
mod yielding;

use crate::nodeless::Nodeless;
use crate::rooms::Housed;
use crate::tenants::Tenants;
use allowance::Allowance;
use candidates::Judge;
pub(crate) use disruption::{Says, ask};
pub(crate) use fleet::Fleet;
use model::aims::Aims;
use model::ids::{GroupName, PodKey};
use model::memory::Memory;
use model::plan::{PlannedNode, StepKind};
use model::reason::{Reason, Refusal};
use model::snapshot::{Freshness, Snapshot, Source};
use model::time::Instant;
use movers::Kept;
use prices::Prices;
use renewing::Renewing;
pub(crate) use repairing::as_going;
use yielding::Nodes;

/// Refusals listed.
const LISTED: usize = 50;

/// What came of the stage.
#[derive(Debug, Default)]
pub(crate) struct Shrunk {
    /// Removals undone.
    pub(crate) uncordons: Vec<Effect>,
    /// Pods asked to move.
    pub(crate) evictions: Vec<Effect>,
    /// Emptied nodes to remove.
    pub(crate) removals: Vec<Effect>,
    /// Removals begun, and cordons tried again.
    pub(crate) cordons: Vec<Effect>,
    /// Removals begun whose nodes are replaced.
    pub(crate) swaps: Vec<Swap>,
    /// Where the pods of nodes go whose removal is begun, new nodes apart.
    pub(crate) moves: Vec<(model::NodeName, Vec<PodKey>)>,
    pub(crate) refusals: Vec<Refusal>,
    /// Pods that are to go first where some are given up, and nodes that new ones avoid; or no longer.
    pub(crate) marks: Vec<Effect>,
    /// Removals that are being undone: group, and when they were begun.
    given_up: Vec<(GroupName, Instant)>,
    /// Removals whose nodes are empty now: the same.
    emptied: Vec<(GroupName, Instant)>,
}

/// A step of this stage, with the intent it moves where there is one already.
#[derive(Clone, Debug)]
pub(crate) struct Effect {
    pub(crate) kind: StepKind,
    pub(crate) reason: Reason,
    pub(crate) intent: Option<model::IntentId>,
}

/// New nodes, and those that go once all of them have come.
#[derive(Clone, Debug)]
pub(crate) struct Swap {
    /// With the index of the offer.
    pub(crate) nodes: Vec<(usize, PlannedNode)>,
    pub(crate) why: Reason,
    pub(crate) cordons: Vec<Effect>,
}

impl Shrunk {
    /// With the instances that never became nodes.
    pub(crate) fn give_up(&mut self, nodeless: Nodeless) {
        self.removals.extend(nodeless.removals);
        self.refusals.extend(nodeless.refusals);
    }

    /// Nodes bought in place of others.
    pub(crate) fn replacements(&self) -> Vec<PlannedNode> {
        let nodes = self.swaps.iter().flat_map(|swap| &swap.nodes);
        nodes.map(|(_, node)| node.clone()).collect()
    }
}

/// The stage before waiting pods are placed: room for pods that are on the move already is kept from them.
pub(crate) struct Shrinking<'a> {
    pub(crate) fleet: Fleet<'a>,
    prices: Option<Prices<'a>>,
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

/// What was decided before.
#[derive(Clone, Copy)]
pub(crate) struct Before<'b> {
    /// Where waiting pods and headroom were placed.
    pub(crate) housed: &'b Housed,
    /// Nodes bought for waiting pods, with the index of the offer.
    pub(crate) bought: &'b [(usize, model::NodeName)],
    /// Something new may be given up in this cycle.
    pub(crate) start: bool,
    /// Policies have a say on prices.
    pub(crate) priced: bool,
    /// What policies say of nodes that could be given up.
    pub(crate) says: &'b Says,
}

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
