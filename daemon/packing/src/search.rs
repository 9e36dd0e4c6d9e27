//! The search for a cheap packing, from the cheapest thing to try to the dearest.
//!
//! Several price-aware constructions under the duals come first; ruin and recreate works on the wasteful bins of the
//! cheapest; column generation over whole items proves a tighter bound and gives a mixture to dive into; of few bins,
//! cheaper sets are listed and tried. Every stage ends the search where the packing is as near to the bound as matters.
//! Work is counted, never timed, and grows with rows and columns, not with items.

use crate::construct;
use crate::dive;
use crate::duals::{Duals, Proof};
use crate::few_bins;
use crate::fill::Workspace;
use crate::generate::Generation;
use crate::improve;
use crate::number::{floor, real};
use crate::problem::{Demand, Problem};
use crate::random::Random;
use crate::solution::{Packing, Start};
use crate::stock::Stock;
use crate::table::Table;
use crate::work::Work;

/// A packing this near to its bound is not searched further.
const NEAR: f64 = 1.0005;
/// Column generation keeps an inverse of rows × rows.
const MOST_ROWS: usize = 400;
/// So few rows that whole patterns are proven at once: a limit per bin, say, makes the first bound a poor one.
const FEW_ROWS: usize = 8;
/// Work spent on that.
const SHORT: u64 = 40_000;
/// Work spent on sets of few bins.
const SETS: u64 = 2_000_000;
/// Bins below which rounding costs most of all: the search goes further.
const FEW_BINS: u64 = 30;
/// Items from which on the search need not go so far: rounding costs less of a large packing.
const MANY_ITEMS: u64 = 20_000;
/// Constructions tried then; without any work only the first of them.
const FEW_SCORINGS: usize = 2;
/// Always the same: same problem, same packing.
const SEED: u64 = 0x9E37_79B9_7F4A_7C15;

pub(crate) struct Instance<'a> {
    pub(crate) problem: &'a Problem,
    pub(crate) duals: Duals,
    /// The same on amounts as whole items fill them, where that is a better bound; no guide for packing.
    pub(crate) whole: Option<Duals>,
    pub(crate) floor: Packing,
    pub(crate) demand: Demand<'a>,
    pub(crate) work: Work,
}

impl Instance<'_> {
    fn stock(&self) -> Stock {
        Stock::new(self.problem, self.demand.counts)
    }

    fn cheaper(&self, a: Packing, b: Packing) -> Packing {
        if b.rank(self.problem) < a.rank(self.problem) {
            b
        } else {
            a
        }
    }

    /// The duals of the best bound known before the search.
    fn provable(&self) -> &Duals {
        self.whole.as_ref().unwrap_or(&self.duals)
    }

    /// There is some work to be done, but little.
    const fn is_brief(&self) -> bool {
        self.work.percent > 0 && self.work.is_little()
    }

    /// Work for ruin and recreate of this packing.
    fn effort(&self, packing: &Packing, effort: &Effort) -> u64 {
        let bins = packing.bins().saturating_mul(effort.each_bin);
        self.work.of(bins.clamp(effort.least, effort.most))
    }
}

/// Work for ruin and recreate: so much for each bin, within bounds.
struct Effort {
    least: u64,
    each_bin: u64,
    most: u64,
}

/// Few items share a bin: whole patterns matter most, and exact pricing can finish.
fn is_chunky(packing: &Packing) -> bool {
    packing.items() < 10 * packing.bins()
}

pub(crate) fn search<const D: usize>(instance: &Instance<'_>) -> (Packing, Option<Proof>) {
    let (problem, counts) = (instance.problem, instance.demand.counts);
    let Some(table) = Table::<D>::new(problem, &instance.duals.pays) else {
        return (Packing::nothing(counts), None);
    };
    let mut workspace = Workspace::new(Random::new(SEED + 8));
    // Constructions cost far less than all that follows, and often are near enough for it to be left out.
    let built = constructions(instance, &table, counts, &instance.stock(), &mut workspace);
    let best = instance.cheaper(instance.floor.clone(), built);
    // Its even shares and rough prices come as near as little work could.
    if instance.is_brief() && !problem.shared_caps.is_empty() {
        return (best, None);
    }
    let bound = real(instance.provable().bound(problem, counts, &[]));
    let near =
        |packing: &Packing, bound: f64| real(crate::number::narrow(packing.cost(problem))) <= bound * NEAR;
    // Ruin and recreate keeps what is unplaced unplaced: where stock ran out, nothing after this would find more.
    if best.unplaced() > 0 || instance.work.percent == 0 || near(&best, bound) {
        return (best, None);
    }
    let rows = counts.iter().filter(|count| **count > 0).count();
    if rows <= FEW_ROWS {
        let (_, proof) = mixture(instance, &table, &best, SHORT, &mut workspace);
        if near(&best, proof.bound * 1e9) {
            return (best, Some(proof));
        }
    }
    // Little work is best spent on one thing: on patterns where few items share a bin, else on ruin and recreate.
    if instance.is_brief() && is_chunky(&best) && rows <= MOST_ROWS {
        return generate(instance, &table, best, &mut workspace);
    }
    let alone = rows > MOST_ROWS || instance.is_brief();
    let work = instance.effort(
        &best,
        // What column generation will not look at anew is worth more of it now.
        &if alone {
            Effort {
                least: 80_000,
                each_bin: 20_000,
                most: 450_000,
            }
        } else {
            Effort {
                least: 20_000,
                each_bin: 8_000,
                most: if best.items() < MANY_ITEMS {
                    150_000
                } else {
                    110_000
                },
            }
        },
    );
    // What scarce stock is worth makes items pay more than their bins cost, and a bin would seem to waste less than
    // nothing:
    // the pruning of ruin and recreate rests on waste that is never negative.
    let plain = instance.duals.without_scarcity(problem);
    let plain_table;
    let improving = if instance.duals.is_plentiful() {
        &table
    } else if let Some(other) = Table::new(problem, &plain.pays) {
        plain_table = other;
        &plain_table
    } else {
        &table
    };
    let start = Start {
        packing: &best,
        stock: instance.stock(),
        seed: SEED,
    };
    let best = improve::improve(improving, start, work, &mut workspace);
    if near(&best, bound) {
        return (best, None);
    }
    if alone {
        return (best, None);
    }
    generate(instance, &table, best, &mut workspace)
}

/// The cheapest of the constructions; what they leave, the floor's way of packing may still place.
fn constructions<const D: usize>(
    instance: &Instance<'_>,
    table: &Table<'_, D>,
    counts: &[u32],
    stock: &Stock,
    workspace: &mut Workspace<D>,
) -> Packing {
    let even = Some(&construct::EVEN).filter(|_| !instance.problem.shared_caps.is_empty());
    let scorings = match even {
        _ if !instance.work.is_little() => construct::SCORINGS.len(),
        Some(_) => 0,
        None if instance.work == Work::NONE => 1,
        None => FEW_SCORINGS,
    };
    even.into_iter()
        .chain(construct::SCORINGS.iter().take(scorings))
        .map(|scoring| construct::pack(table, counts, stock.clone(), *scoring, workspace))
        .min_by_key(|packing| packing.rank(instance.problem))
        .unwrap_or_default()
}

/// Column generation from this packing: the mixture of bins it ends with, and what that proves.
fn mixture<'a, const D: usize>(
    instance: &Instance<'_>,
    table: &'a Table<'a, D>,
    best: &Packing,
    work: u64,
    workspace: &mut Workspace<D>,
) -> (Generation<'a, D>, Proof) {
    let start = instance
        .provable()
        .as_proof(instance.problem, instance.demand.counts);
    let mut generation = Generation::new(table, instance.demand, start, &[best, &instance.floor]);
    // Seeds apart, so that no two searches draw the same sequence and find the same thing.
    let proof = generation.run(work, &mut Random::new(SEED + 4), workspace);
    (generation, proof)
}

/// Column generation, a dive, and ruin and recreate under the duals that came of it.
fn generate<const D: usize>(
    instance: &Instance<'_>,
    table: &Table<'_, D>,
    best: Packing,
    workspace: &mut Workspace<D>,
) -> (Packing, Option<Proof>) {
    let (problem, counts) = (instance.problem, instance.demand.counts);
    let work = match best.items() {
        _ if is_chunky(&best) => 4_000_000,
        // Nearly all bins are whole parts of the mixture then, whatever it is.
        MANY_ITEMS.. => 450_000,
        _ => 900_000,
    };
    let (mut generation, proof) = mixture(instance, table, &best, instance.work.of(work), workspace);
    let bound = proof.bound * 1e9;
    if real(crate::number::narrow(best.cost(problem))) <= bound * NEAR {
        return (best, Some(proof));
    }
    // Of a large packing the last bins are a small part, and each costs the dive as much as the first hundred.
    let (rest, at_once) = match (best.bins(), best.items()) {
        (..FEW_BINS, _) => (0.5, 0.0),
        (_, ..MANY_ITEMS) => (4.0, 0.0),
        _ => (20.0, 0.25),
    };
    let mut dived = dive::dive(&mut generation, counts, dive::Depth { rest, at_once });
    let mut stock = instance.stock();
    for batch in &dived.batches {
        stock.buy(problem, batch.column, batch.copies);
    }
    // The dive leaves the last few bins: a fraction of a bin rounds up there, which constructions do better than a
    // solver.
    let tail = constructions(instance, table, &dived.left, &stock, workspace);
    dived.batches.extend(tail.batches);
    dived.left = tail.left;
    let best = instance.cheaper(best, dived);
    if instance.is_brief() {
        return (best, Some(proof));
    }
    // The duals of whole items tell waste that rounding causes from waste that a better packing would save.
    let pays: Vec<i64> = proof.pays.iter().map(|pays| floor(pays * 1e9)).collect();
    let plentiful = proof.scarce.iter().all(|worth| *worth <= 0.0);
    let Some(table) = Table::<D>::new(problem, &pays).filter(|_| plentiful) else {
        return (best, Some(proof));
    };
    let (least, most) = match (best.bins(), best.items()) {
        (..FEW_BINS, _) => (500_000, 500_000),
        (_, ..MANY_ITEMS) => (140_000, 200_000),
        _ => (110_000, 120_000),
    };
    let effort = Effort {
        least,
        each_bin: 14_000,
        most,
    };
    let start = Start {
        packing: &best,
        stock: instance.stock(),
        seed: SEED + 6,
    };
    let better = improve::improve(&table, start, instance.effort(&best, &effort), workspace);
    let best = instance.cheaper(best, better);
    (fewer(instance, &table, best, workspace), Some(proof))
}

/// The same, or a set of few bins that costs less.
fn fewer<const D: usize>(
    instance: &Instance<'_>,
    table: &Table<'_, D>,
    best: Packing,
    workspace: &mut Workspace<D>,
) -> Packing {
    if best.unplaced() > 0 || best.bins() > few_bins::MOST_BINS as u64 {
        return best;
    }
    let work = instance.work.of(SETS);
    let start = Start {
        packing: &best,
        stock: instance.stock(),
        seed: SEED + 9,
    };
    match few_bins::cheaper(table, instance.demand.counts, &start, work, workspace) {
        Some(other) => instance.cheaper(best, other),
        None => best,
    }
}
