//! Which nodes to give up, most saved for each eviction first.
//!
//! Single nodes are probed in the order of what they could save at best; what was found before something else was
//! begun is probed again, because free room only shrinks. Then small sets of wasteful nodes that have waited for long are
//! tried together:
//! their pods may fit fewer or cheaper nodes than they are on now. Counted work, loaded dice: the same every time.

use super::search::{Found, Search, Terms, Tied};
use crate::fill::Taste;
use crate::number::{count, real};
use packing::Random as Dice;
use std::collections::BTreeSet;

/// Always the same: same input, same plan.
const SEED: u64 = 0x5DEE_CE66_D1CE_4E5B;
/// Nodes taken apart together, at most.
const MOST_TOGETHER: usize = 6;
/// Sets that are tried before the best of them is taken.
const TRIES: u32 = 40;
/// Single nodes probed in a row without anything found, after which none is tried further.
const MISSES: u32 = 100;
/// Nodes that are looked at for whether they could go before any does.
const LOOKED_AT: usize = 64;
/// Nodes that are foreseen to go after those that do.
const FORESEEN: usize = 50;
/// Rounds of tries without anything found, after which there is nothing to find.
const ROUNDS: u32 = 24;

/// How much may be begun, and how much is tried for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// Nodes given up, at most.
    pub(super) nodes: usize,
    /// Nodes replaced together, at most.
    pub(super) together: usize,
    /// Probes, at most.
    pub(super) probes: u32,
}

impl Reach {
    /// So many nodes, each by itself.
    pub(super) fn alone(nodes: usize) -> Self {
        Self {
            nodes,
            together: 0,
            probes: probes(nodes),
        }
    }
}

/// A node that may go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate {
    pub(super) bin: usize,
    /// Price less what its pods pay.
    pub(super) waste: i64,
    /// Hours in which giving it up must pay.
    pub(super) hours: f64,
    /// It has been unneeded as long as any node has to be: others may be bought in its place.
    pub(super) settled: bool,
}

/// What is given up, in this order.
pub(super) fn choose(
    search: &mut Search<'_, '_>,
    candidates: &[Candidate],
    terms: Terms,
    reach: Reach,
) -> Vec<Found> {
    let mut chosen = singles(search, candidates, terms, reach);
    let begun: usize = chosen.iter().map(|found| found.ruined.len()).sum();
    let left = reach.nodes.saturating_sub(begun);
    let settled = candidates.iter().filter(|candidate| candidate.settled);
    let mut open: Vec<Candidate> = settled.copied().collect();
    together(search, &mut open, terms, (reach, left), &mut chosen);
    chosen
}

/// Nodes that would be given up after those that are, without others in their place; sorted. Nothing may be asked of the
/// search afterwards but its fleet, which is as it was.
pub(super) fn next(search: &mut Search<'_, '_>, candidates: &[Candidate], terms: Terms) -> Vec<usize> {
    let mark = search.fleet.mark();
    let bins = search.fleet.bins.iter();
    let before: Vec<(bool, bool)> = bins.map(|bin| (bin.receives, bin.awaited)).collect();
    search.tied = Tied::Foreseen;
    let left = candidates.iter().filter(|of| search.fleet.bins[of.bin].receives);
    let left: Vec<Candidate> = left
        .map(|of| Candidate {
            settled: false,
            ..*of
        })
        .collect();
    let nodes = left.len().min(FORESEEN);
    let reach = Reach {
        probes: search.probes.saturating_add(probes(nodes)),
        ..Reach::alone(nodes)
    };
    let found = singles(search, &left, terms, reach);
    // Headroom stands in no journal.
    for (bin, ask) in found.iter().flat_map(|found| &found.headroom) {
        search.fleet.give(*bin, ask);
    }
    search.fleet.undo(mark);
    for (bin, (receives, awaited)) in search.fleet.bins.iter_mut().zip(before) {
        (bin.receives, bin.awaited) = (receives, awaited);
    }
    let mut next: Vec<usize> = found.into_iter().flat_map(|found| found.ruined).collect();
    next.sort_unstable();
    next
}

/// What a node could save for each eviction at best, and the round it was last probed in.
struct Quote {
    key: f64,
    round: u32,
    found: Option<Found>,
}

fn singles(search: &mut Search<'_, '_>, candidates: &[Candidate], terms: Terms, reach: Reach) -> Vec<Found> {
    let fleet = &search.fleet;
    let at_best = |candidate: &Candidate| {
        let bin = &fleet.bins[candidate.bin];
        real(bin.price.saturating_add(1)) / f64::from(bin.moves()).max(1e-6)
    };
    let mut quotes: Vec<(usize, Quote)> = candidates
        .iter()
        .map(|candidate| {
            let key = at_best(candidate);
            let quote = Quote {
                key,
                round: 0,
                found: None,
            };
            (candidate.bin, quote)
        })
        .collect();
    // The best is last.
    quotes.sort_by(|a, b| a.1.key.total_cmp(&b.1.key).then(b.0.cmp(&a.0)));
    let mut misses = stable_first(search, candidates, (&mut quotes, terms));
    let mut chosen: Vec<Found> = Vec::new();
    let mut round = 1;
    while misses < MISSES && chosen.len() < reach.nodes && search.probes < reach.probes {
        let Some((bin, quote)) = quotes.pop() else { break };
        if search.fleet.bins[bin].awaited {
            continue;
        }
        // Evictions go first where they bring most: what brings less does not overtake what has to wait.
        if search.tied == Tied::Waits && search.fleet.bins[bin].moves() > 0 {
            continue;
        }
        if let Some(found) = quote.found.filter(|_| quote.round == round) {
            search.commit(&found);
            chosen.push(found);
            round += 1;
            continue;
        }
        misses += 1;
        let terms = together_in(terms, candidates, &[bin]);
        let settled = candidates.iter().any(|of| of.bin == bin && of.settled);
        let found = search.probe(&[bin], terms);
        if let Some(found) = found.filter(|found| settled || found.bought.is_empty()) {
            misses = 0;
            let key = per_eviction(&found, terms);
            let at = quotes.partition_point(|(other, quote)| (quote.key, bin) < (key, *other));
            let quote = Quote {
                key,
                round,
                found: Some(found),
            };
            quotes.insert(at, (bin, quote));
        }
    }
    chosen
}

/// Lets nodes take pods that could go themselves only after those that stay: who is moved to them would be moved again.
/// Where none could, those that were looked at need no second look; returns how many.
fn stable_first(
    search: &mut Search<'_, '_>,
    candidates: &[Candidate],
    (quotes, terms): (&mut Vec<(usize, Quote)>, Terms),
) -> u32 {
    let fleet = &search.fleet;
    let full = |bin: &usize| fleet.bins[*bin].moves() > 0 && !fleet.bins[*bin].awaited;
    let best = quotes.iter().rev().map(|(bin, _)| *bin).filter(full);
    let looked_at: BTreeSet<usize> = best.take(LOOKED_AT).collect();
    let mut may_go: BTreeSet<usize> = BTreeSet::new();
    for bin in &looked_at {
        let terms = together_in(terms, candidates, &[*bin]);
        if search.probe(&[*bin], terms).is_some() {
            may_go.insert(*bin);
        }
    }
    if may_go.is_empty() {
        quotes.retain(|(bin, _)| !looked_at.contains(bin));
        return count(looked_at.len());
    }
    search.receivers.sort_by_key(|bin| may_go.contains(bin));
    0
}

fn per_eviction(found: &Found, terms: Terms) -> f64 {
    (found.worth(terms) + 1.0) / f64::from(found.moves).max(1e-6)
}

/// Sets of nodes, wasteful ones rather than others, as long as something is found.
fn together(
    search: &mut Search<'_, '_>,
    open: &mut Vec<Candidate>,
    terms: Terms,
    (reach, mut left): (Reach, usize),
    chosen: &mut Vec<Found>,
) {
    let mut dice = Dice::new(SEED);
    let mut idle = 0;
    while idle < ROUNDS && search.probes < reach.probes {
        let fleet = &search.fleet;
        open.retain(|candidate| {
            let bin = &fleet.bins[candidate.bin];
            bin.receives && !bin.awaited && candidate.waste > 0
        });
        let most = left.min(reach.together).min(MOST_TOGETHER).min(open.len());
        if most < 2 {
            return;
        }
        let mut best: Option<(f64, Found)> = None;
        for _ in 0..TRIES {
            let nodes = draw(open, most, &mut dice);
            let taste = Taste {
                widest: dice.one_of([0.0, 0.25, 0.5, 1.0]),
                keen: dice.one_of([0, 1, 2, 4]),
                part: dice.one_of([1, 2, 4, 8]),
            };
            let terms = together_in(terms, open, &nodes);
            let found = search.probe(&nodes, Terms { taste, ..terms });
            if let Some(found) = found
                && best.as_ref().is_none_or(|(net, _)| found.net(terms) > *net)
            {
                best = Some((found.net(terms), found));
            }
        }
        let Some((_, found)) = best else {
            idle += 1;
            continue;
        };
        idle = 0;
        left = left.saturating_sub(found.ruined.len());
        search.commit(&found);
        chosen.push(found);
    }
}

/// Terms for nodes that go together: as long as the one that has wasted for the shortest time.
fn together_in(terms: Terms, open: &[Candidate], bins: &[usize]) -> Terms {
    let of = open.iter().filter(|candidate| bins.contains(&candidate.bin));
    let hours = of.map(|candidate| candidate.hours).fold(terms.hours, f64::min);
    Terms { hours, ..terms }
}

/// Two nodes or more, by tournament on waste.
fn draw(open: &[Candidate], most: usize, dice: &mut Dice) -> Vec<usize> {
    let wanted = 2 + dice.below(most - 1);
    let rivals = 1 + dice.below(6);
    let mut drawn = BTreeSet::new();
    for _ in 0..8 * wanted {
        if drawn.len() == wanted {
            break;
        }
        let one = (0..rivals)
            .map(|_| open[dice.below(open.len())])
            .max_by_key(|candidate| (candidate.waste, candidate.bin));
        drawn.extend(one.map(|candidate| candidate.bin));
    }
    drawn.into_iter().collect()
}

/// Probes that are made for so many nodes.
pub(super) fn probes(nodes: usize) -> u32 {
    let most = u32::try_from(nodes.saturating_mul(400)).unwrap_or(u32::MAX);
    most.clamp(400, 40_000)
}
