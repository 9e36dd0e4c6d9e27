//! Packing: the cheapest set of new nodes found for pods that need one.
//!
//! First-fit-decreasing is the floor; several price-aware constructions under the duals come next; ruin and
//! recreate works on the wasteful nodes of the cheapest; column generation over whole pods proves a tighter
//! bound and gives a mixture to dive into; of few nodes, cheaper sets are listed and tried. The cheapest of all is
//! taken. Work is counted, never timed, and grows with rows and columns, not with pods. Existing nodes and Fargate
//! are settled before; names and zones come after.

mod dive;
mod few;
mod fill;
mod first_fit;
mod greedy;
mod growth;
mod improve;
mod parts;
mod patterns;
mod pricing;
mod random;
mod shop;
mod table;
#[cfg(test)]
mod tests;

pub(crate) use table::{Column, Ladder, Row, Table};

use crate::bound::{Duals, Proof};
use crate::number::{floor, real};
use crate::space::{self, in_dims};
use fill::Bench;
use growth::Growth;
use patterns::Patterns;
pub(crate) use random::Dice;
pub(crate) use shop::Load;
use shop::Shop;

/// Equal new nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    /// Column of the table.
    pub(crate) column: usize,
    /// How many.
    pub(crate) copies: u32,
    /// Pods on each, by row.
    pub(crate) pods: Load,
}

/// New nodes, and pods that none was found for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Packing {
    pub(crate) batches: Vec<Batch>,
    /// By row.
    pub(crate) left: Vec<u32>,
}

impl Packing {
    /// Pods without a node.
    fn unplaced(&self) -> u64 {
        self.left.iter().map(|left| u64::from(*left)).sum()
    }

    fn nodes(&self) -> u64 {
        self.batches.iter().map(|batch| u64::from(batch.copies)).sum()
    }

    fn pods(&self) -> u64 {
        let on = |batch: &Batch| batch.pods.iter().map(|(_, n)| u64::from(*n)).sum::<u64>();
        self.batches
            .iter()
            .map(|batch| on(batch) * u64::from(batch.copies))
            .sum()
    }

    fn cost(&self, table: &Table) -> i128 {
        self.batches
            .iter()
            .map(|b| i128::from(node_price(table, b.column, &b.pods)) * i128::from(b.copies))
            .sum()
    }

    /// What is preferred first: all pods placed, then money, then few nodes.
    fn rank(&self, table: &Table) -> (u64, i128, u64) {
        (self.unplaced(), self.cost(table), self.nodes())
    }
}

/// Price of a new node of the column with these pods: addends included, never below zero.
pub(crate) fn node_price(table: &Table, column: usize, pods: &[(u32, u32)]) -> i64 {
    let of = &table.columns[column];
    let pods = pods.iter().map(|(row, count)| (*row as usize, *count));
    table.with_addends((of.price, of.tariff), pods).max(0)
}

/// How much work the search may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Work {
    /// In hundredths of the usual work; 0: constructions only.
    pub(crate) percent: u32,
}

impl Work {
    /// Constructions only.
    pub(crate) const NONE: Self = Self { percent: 0 };
    /// What a cycle does unless the aims say otherwise.
    #[cfg(test)]
    pub(crate) const USUAL: Self = Self { percent: 100 };

    /// As much as the aims allow.
    pub(crate) fn of_aims(aims: &model::Aims) -> Self {
        Self {
            percent: aims.search.work_percent.min(model::aims::SearchAims::MOST),
        }
    }

    /// It is spent on one thing, not on everything.
    pub(crate) const fn is_little(self) -> bool {
        self.percent < BRIEF
    }

    /// Each one's share of the work for several parts.
    fn shared(self, parts: usize) -> Self {
        Self {
            percent: self.percent.div_ceil(crate::number::count(parts).max(1)),
        }
    }

    const fn of(self, steps: u64) -> u64 {
        steps.saturating_mul(self.percent as u64) / 100
    }
}

/// What packing found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Packed {
    /// New nodes with the zone they belong to, where their pods were dealt one.
    pub(crate) batches: Vec<(Option<usize>, Batch)>,
    /// By row: pods that no node was found for.
    pub(crate) left: Vec<u32>,
    /// Duals that whole pods prove, where they are better than those of fractional ones.
    pub(crate) proof: Option<Duals>,
}

/// Packs pods, by row, onto new nodes. `most` is how many pods of a row a bound must allow on one node: at least
/// as many as will ever be counted against the duals that come back.
pub(crate) fn pack(table: &Table, duals: &Duals, (counts, most): (&[u32], &[u32]), work: Work) -> Packed {
    if !parts::is_dealt(table, counts) {
        let (packing, proof) = pack_part(table, duals, (counts, most), work);
        return Packed {
            batches: packing.batches.into_iter().map(|batch| (None, batch)).collect(),
            left: packing.left,
            proof,
        };
    }
    let mut packed = Packed {
        left: vec![0; counts.len()],
        ..Packed::default()
    };
    let mut parts = parts::parts(table, duals, counts);
    let work = work.shared(parts.len());
    let mut growth = table.growth.clone();
    for part in &mut parts {
        part.table.growth.clone_from(&growth);
        let (packing, _) = pack_part(&part.table, &part.duals, (&part.counts, &part.counts), work);
        let batches = part.whole(packing, &mut packed.left);
        parts::spend(&mut growth, table, &batches);
        packed
            .batches
            .extend(batches.into_iter().map(|batch| (part.zone, batch)));
    }
    packed
}

/// A node for each pod, the cheapest that holds it, as far as groups can grow.
pub(crate) fn singly(table: &Table, counts: &[u32]) -> Packed {
    let mut growth = table.growth.clone();
    let mut packed = Packed {
        left: counts.to_vec(),
        ..Packed::default()
    };
    for (row, left) in packed.left.iter_mut().enumerate() {
        let zone = table.rows[row].zone;
        for column in 0..table.columns.len() {
            let of = &table.columns[column];
            let copies = if table.fits[column][row] {
                growth[of.group].min(*left)
            } else {
                0
            };
            if copies > 0 {
                growth[of.group] -= copies;
                *left -= copies;
                let pods = vec![(crate::number::count(row), 1)];
                packed.batches.push((zone, Batch { column, copies, pods }));
            }
        }
    }
    packed
}

/// Packs pods of one zone, or of none in particular.
fn pack_part(
    table: &Table,
    duals: &Duals,
    (counts, most): (&[u32], &[u32]),
    work: Work,
) -> (Packing, Option<Duals>) {
    let Some(Ladder { columns, .. }) = table.ladder() else {
        return pack_columns(table, duals, (counts, most), work);
    };
    let rows: Vec<usize> = (0..table.rows.len()).collect();
    let thin = table.part(&rows, &columns);
    let (mut packing, _) = pack_columns(&thin, &duals.part(&rows, &columns), (counts, most), work);
    for batch in &mut packing.batches {
        batch.column = right_size(table, columns[batch.column], &batch.pods);
    }
    (packing, None)
}

/// The cheapest column of the same group and set that holds these pods.
fn right_size(table: &Table, column: usize, pods: &[(u32, u32)]) -> usize {
    let bought = &table.columns[column];
    let mut used = vec![0; table.width()];
    for (row, n) in pods {
        space::put(&mut used, &table.rows[*row as usize].ask, *n);
    }
    let holds = |at: &usize| {
        let of = &table.columns[*at];
        (of.group, of.tariff, of.zones) == (bought.group, bought.tariff, bought.zones)
            && space::holds(&of.room, &used)
            && pods.iter().all(|(row, _)| table.fits[*at][*row as usize])
    };
    // Columns come cheapest first.
    (0..column).find(holds).unwrap_or(column)
}

/// Packs with all columns of the table.
fn pack_columns(
    table: &Table,
    duals: &Duals,
    (counts, most): (&[u32], &[u32]),
    work: Work,
) -> (Packing, Option<Duals>) {
    if counts.iter().all(|count| *count == 0) || table.columns.is_empty() {
        let nothing = Packing {
            batches: Vec::new(),
            left: counts.to_vec(),
        };
        return (nothing, None);
    }
    // Free nodes would all look alike to a search by price; a millionth of a dollar makes few of them best.
    let mut priced = table.clone();
    for column in priced.columns.iter_mut().filter(|column| column.price == 0) {
        column.price = LEAST_PRICE;
    }
    let truthful = priced
        .columns
        .iter()
        .zip(&table.columns)
        .all(|(a, b)| a.price == b.price);
    let at_prices = if truthful {
        duals.clone()
    } else {
        duals.on(&priced)
    };
    let whole = (!work.is_little()).then(|| at_prices.of_whole_pods(&priced, counts));
    let problem = Problem {
        whole: whole.flatten(),
        duals: at_prices,
        floor: first_fit::pack(table, counts),
        table: &priced,
        counts,
        most,
        work,
    };
    let (found, proof) = in_dims!(table.width(), search(&problem));
    let packing = [problem.floor, found]
        .into_iter()
        .min_by_key(|packing| packing.rank(table))
        .unwrap_or_default();
    let proof = proof.map(|proof| duals.proven(table, &proof)).or(problem.whole);
    (packing, proof.filter(|_| truthful))
}

/// What a free node costs the search, nano-dollars per hour.
const LEAST_PRICE: i64 = 1000;
/// A packing this near to its bound is not searched further.
const NEAR: f64 = 1.0005;
/// Column generation keeps an inverse of rows × rows.
const MOST_ROWS: usize = 400;
/// So few rows that whole patterns are proven at once: a limit per node, say, makes the first bound a poor one.
const FEW_ROWS: usize = 8;
/// Work spent on that.
const SHORT: u64 = 40_000;
/// Work spent on sets of few nodes.
const SETS: u64 = 2_000_000;
/// Nodes below which rounding costs most of all: the search goes further.
const FEW_NODES: u64 = 30;
/// Pods from which on the search need not go so far: rounding costs less of a large plan.
const MANY_PODS: u64 = 20_000;
/// Below so much of the usual work it is spent on one thing, not on everything.
const BRIEF: u32 = 25;
/// Constructions tried then; without any work only the first of them.
const FEW_TASTES: usize = 2;
/// Always the same: same input, same plan.
const SEED: u64 = 0x9E37_79B9_7F4A_7C15;

struct Problem<'a> {
    table: &'a Table,
    duals: Duals,
    /// The same on amounts as whole pods fill them, where that is a better bound; no guide for packing.
    whole: Option<Duals>,
    floor: Packing,
    counts: &'a [u32],
    most: &'a [u32],
    work: Work,
}

impl Problem<'_> {
    fn growth(&self) -> Growth {
        Growth::new(self.table, self.counts)
    }

    fn cheaper(&self, a: Packing, b: Packing) -> Packing {
        if b.rank(self.table) < a.rank(self.table) {
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

    /// Work for ruin and recreate: so much a node, within bounds.
    fn effort(&self, packing: &Packing, (least, each, most): (u64, u64, u64)) -> u64 {
        self.work
            .of(packing.nodes().saturating_mul(each).clamp(least, most))
    }
}

/// Few pods share a node: whole patterns matter most, and exact pricing can finish.
fn is_chunky(packing: &Packing) -> bool {
    packing.pods() < 10 * packing.nodes()
}

fn search<const D: usize>(problem: &Problem<'_>) -> (Packing, Option<Proof>) {
    let (table, counts) = (problem.table, problem.counts);
    let Some(shop) = Shop::<D>::new(table, &problem.duals.pays) else {
        return (
            Packing {
                batches: Vec::new(),
                left: counts.to_vec(),
            },
            None,
        );
    };
    let mut bench = Bench::new(Dice::new(SEED + 8));
    let built = constructions(problem, &shop, (counts, problem.growth()), &mut bench);
    let best = problem.cheaper(problem.floor.clone(), built);
    // Its even shares and rough prices come as near as little work could.
    if problem.is_brief() && !table.crowds.is_empty() {
        return (best, None);
    }
    let bound = real(problem.provable().bound(table, counts, &[]));
    let near =
        |packing: &Packing, bound: f64| real(crate::number::narrow(packing.cost(table))) <= bound * NEAR;
    if best.unplaced() > 0 || problem.work.percent == 0 || near(&best, bound) {
        return (best, None);
    }
    let rows = counts.iter().filter(|count| **count > 0).count();
    if rows <= FEW_ROWS {
        let (_, proof) = mixture(problem, &shop, (&best, SHORT), &mut bench);
        if near(&best, proof.bound * 1e9) {
            return (best, Some(proof));
        }
    }
    // Little work is best spent on one thing: on patterns where few pods share a node, else on ruin and recreate.
    if problem.is_brief() && is_chunky(&best) && rows <= MOST_ROWS {
        return generate(problem, &shop, best, &mut bench);
    }
    let alone = rows > MOST_ROWS || problem.is_brief();
    let work = problem.effort(
        &best,
        if alone {
            (80_000, 20_000, 450_000)
        } else {
            (
                20_000,
                8_000,
                if best.pods() < MANY_PODS { 150_000 } else { 110_000 },
            )
        },
    );
    let plain = problem.duals.without_scarcity(table);
    let plain_shop;
    let improving = if problem.duals.is_plentiful() {
        &shop
    } else if let Some(other) = Shop::new(table, &plain.pays) {
        plain_shop = other;
        &plain_shop
    } else {
        &shop
    };
    let start = (&best, problem.growth());
    let best = improve::improve(improving, start, work, (Dice::new(SEED), &mut bench));
    if near(&best, bound) {
        return (best, None);
    }
    if alone {
        return (best, None);
    }
    generate(problem, &shop, best, &mut bench)
}

/// The cheapest of the constructions; what they leave, the floor's way of packing may still place.
fn constructions<const D: usize>(
    problem: &Problem<'_>,
    shop: &Shop<'_, D>,
    (counts, growth): (&[u32], Growth),
    bench: &mut Bench<D>,
) -> Packing {
    let even = Some(&greedy::EVEN).filter(|_| !problem.table.crowds.is_empty());
    let tastes = match even {
        _ if !problem.work.is_little() => greedy::TASTES.len(),
        Some(_) => 0,
        None if problem.work == Work::NONE => 1,
        None => FEW_TASTES,
    };
    even.into_iter()
        .chain(greedy::TASTES.iter().take(tastes))
        .map(|taste| greedy::pack(shop, (counts, growth.clone()), *taste, bench))
        .min_by_key(|packing| packing.rank(problem.table))
        .unwrap_or_default()
}

/// Column generation from this packing: the mixture of nodes it ends with, and what that proves.
fn mixture<'a, const D: usize>(
    problem: &Problem<'_>,
    shop: &'a Shop<'a, D>,
    (best, work): (&Packing, u64),
    bench: &mut Bench<D>,
) -> (Patterns<'a, D>, Proof) {
    let counts = problem.counts;
    let start = problem.provable().as_proof(problem.table, counts);
    let mut patterns = Patterns::new(shop, (counts, problem.most), start, &[best, &problem.floor]);
    let proof = patterns.run(work, (&mut Dice::new(SEED + 4), bench));
    (patterns, proof)
}

/// Column generation, a dive, and ruin and recreate under the duals that came of it.
fn generate<const D: usize>(
    problem: &Problem<'_>,
    shop: &Shop<'_, D>,
    best: Packing,
    bench: &mut Bench<D>,
) -> (Packing, Option<Proof>) {
    let (table, counts) = (problem.table, problem.counts);
    let work = match best.pods() {
        _ if is_chunky(&best) => 4_000_000,
        // Nearly all nodes are whole parts of the mixture then, whatever it is.
        MANY_PODS.. => 450_000,
        _ => 900_000,
    };
    let (mut patterns, proof) = mixture(problem, shop, (&best, problem.work.of(work)), bench);
    let bound = proof.bound * 1e9;
    if real(crate::number::narrow(best.cost(table))) <= bound * NEAR {
        return (best, Some(proof));
    }
    // Of a large plan the last nodes are a small part, and each costs the dive as much as the first hundred.
    let (rest, share) = match (best.nodes(), best.pods()) {
        (..FEW_NODES, _) => (0.5, 0.0),
        (_, ..MANY_PODS) => (4.0, 0.0),
        _ => (20.0, 0.25),
    };
    let mut dived = dive::dive(&mut patterns, counts, (rest, share));
    let mut growth = problem.growth();
    for batch in &dived.batches {
        growth.buy(table, batch.column, batch.copies);
    }
    let tail = constructions(problem, shop, (&dived.left, growth), bench);
    dived.batches.extend(tail.batches);
    dived.left = tail.left;
    let best = problem.cheaper(best, dived);
    if problem.is_brief() {
        return (best, Some(proof));
    }
    let pays: Vec<i64> = proof.pays.iter().map(|pays| floor(pays * 1e9)).collect();
    let plentiful = proof.scarce.iter().all(|worth| *worth <= 0.0);
    let Some(shop) = Shop::<D>::new(table, &pays).filter(|_| plentiful) else {
        return (best, Some(proof));
    };
    let bounds = match (best.nodes(), best.pods()) {
        (..FEW_NODES, _) => (500_000, 500_000),
        (_, ..MANY_PODS) => (140_000, 200_000),
        _ => (110_000, 120_000),
    };
    let work = problem.effort(&best, (bounds.0, 14_000, bounds.1));
    let start = (&best, problem.growth());
    let better = improve::improve(&shop, start, work, (Dice::new(SEED + 6), bench));
    let best = problem.cheaper(best, better);
    (fewer(problem, &shop, best, bench), Some(proof))
}

/// The same, or a set of few nodes that costs less.
fn fewer<const D: usize>(
    problem: &Problem<'_>,
    shop: &Shop<'_, D>,
    best: Packing,
    bench: &mut Bench<D>,
) -> Packing {
    if best.unplaced() > 0 || best.nodes() > few::MOST_NODES as u64 {
        return best;
    }
    let work = problem.work.of(SETS);
    let plan = (&best, problem.counts, &problem.growth());
    match few::cheaper(shop, plan, work, (&mut Dice::new(SEED + 9), bench)) {
        Some(other) => problem.cheaper(best, other),
        None => best,
    }
}
