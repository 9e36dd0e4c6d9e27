//! Few nodes: every set of them that costs less than the plan, the cheapest first, until the pods fit into one.
//!
//! Ruin and recreate goes from plan to plan and stays where the way to a cheaper one leads through dearer ones. Of few
//! nodes all cheaper sets can be listed: the duals say what each must waste, and so how much is left for the others.
//! Whether the pods fit is tried by filling the nodes one after another, never proven. Work is counted in passes over
//! rows, never timed.

use super::fill::{Bench, Taste};
use super::growth::Growth;
use super::random::Dice;
use super::shop::Shop;
use super::{Batch, Packing};

/// Nodes of a set at most.
pub(super) const MOST_NODES: usize = 6;
/// Sets that are looked at while they are listed.
const MOST_LOOKED_AT: u32 = 400_000;
/// Sets that are tried.
const MOST_SETS: usize = 4000;
/// Less than this, in nano-dollars per hour, is no saving.
const NOTHING: f64 = 1.0;

/// Columns in rising order, and what they cost together.
type Set = (f64, Vec<usize>);

/// A cheaper packing of these pods onto few nodes, as far as this much work finds one.
pub(super) fn cheaper<const D: usize>(
    shop: &Shop<'_, D>,
    (packing, counts, growth): (&Packing, &[u32], &Growth),
    work: u64,
    (dice, bench): (&mut Dice, &mut Bench<D>),
) -> Option<Packing> {
    // Addends make a node's price depend on its pods.
    if !shop.table.addends.is_empty() {
        return None;
    }
    let cost = packing
        .batches
        .iter()
        .map(|batch| shop.price[batch.column] * f64::from(batch.copies))
        .sum();
    let mut sets = Listing::new(shop, counts, (growth, cost)).sets();
    let until = bench.steps.saturating_add(work);
    let mut found = None;
    while bench.steps < until && !sets.is_empty() {
        for at in 0..sets.len() {
            bench.steps += 1;
            if let Some(packing) = filled(shop, (&sets[at].1, counts), (dice, bench)) {
                let price = sets[at].0;
                sets.retain(|(other, _)| *other < price - NOTHING);
                found = Some(packing);
                break;
            }
            if bench.steps >= until {
                break;
            }
        }
    }
    found
}

/// The nodes of a set, filled one after another in a manner left to chance; `None` where pods are left over.
fn filled<const D: usize>(
    shop: &Shop<'_, D>,
    (set, counts): (&[usize], &[u32]),
    (dice, bench): (&mut Dice, &mut Bench<D>),
) -> Option<Packing> {
    let taste = Taste {
        widest: dice.one_of([0.0, 0.25, 0.5, 1.0, 2.0]),
        keen: dice.one_of([0, 1, 2, 4, 8]),
        part: dice.one_of([1, 2, 4, 8]),
        noise: dice.one_of([0.0, 0.1, 0.3]),
        even: false,
    };
    let mut order = set.to_vec();
    for last in (1..order.len()).rev() {
        order.swap(last, dice.below(last + 1));
    }
    let mut left = counts.to_vec();
    let mut rows = rows_of(counts);
    let mut batches = Vec::with_capacity(order.len());
    for column in order {
        shop.fill(column, (&rows, &left), taste, bench);
        for (row, copies) in &bench.load {
            left[*row as usize] -= copies;
        }
        rows.retain(|row| left[*row as usize] > 0);
        batches.push(Batch {
            column,
            copies: 1,
            pods: bench.load.clone(),
        });
    }
    batches.retain(|batch| !batch.pods.is_empty());
    rows.is_empty().then_some(Packing { batches, left })
}

fn rows_of(counts: &[u32]) -> Vec<u32> {
    let rows = (0_u32..).zip(counts).filter(|(_, count)| **count > 0);
    rows.map(|(row, _)| row).collect()
}

/// The sets that could hold the pods, by what they offer together, and cost less.
struct Listing<'a, const D: usize> {
    shop: &'a Shop<'a, D>,
    growth: &'a Growth,
    /// Columns that a cheaper plan could have, and what each wastes at least.
    columns: Vec<(usize, f64)>,
    wanted: [f64; D],
    /// What a set may cost, and waste, at most.
    cost: f64,
    waste: f64,
    looked_at: u32,
    found: Vec<Set>,
}

impl<'a, const D: usize> Listing<'a, D> {
    fn new(shop: &'a Shop<'a, D>, counts: &[u32], (growth, cost): (&'a Growth, f64)) -> Self {
        let rows = rows_of(counts);
        let sum = |each: &dyn Fn(usize) -> f64| -> f64 {
            let of = |row: &u32| each(*row as usize) * f64::from(counts[*row as usize]);
            rows.iter().map(of).sum()
        };
        let waste = cost - sum(&|row| shop.pays[row]);
        let least = |column: usize| (shop.price[column] * (1.0 - shop.ratio[column])).max(0.0);
        let open = |column: &usize| growth.open(shop.table, *column) && !shop.rows_of[*column].is_empty();
        Self {
            shop,
            growth,
            columns: (0..shop.price.len())
                .filter(open)
                .map(|column| (column, least(column)))
                .filter(|(_, least)| *least <= waste)
                .collect(),
            wanted: std::array::from_fn(|dim| sum(&|row| f64::from(shop.ask[dim][row]))),
            cost,
            waste,
            looked_at: 0,
            found: Vec::new(),
        }
    }

    /// The cheapest first.
    fn sets(mut self) -> Vec<Set> {
        self.extend(0, (0.0, 0.0), ([0.0; D], &mut Vec::new()));
        self.found
            .sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
        self.found.truncate(MOST_SETS);
        self.found
    }

    /// Adds one column more, from a place among them on.
    fn extend(&mut self, from: usize, (cost, waste): (f64, f64), (room, set): ([f64; D], &mut Vec<usize>)) {
        for at in from..self.columns.len() {
            let (column, least) = self.columns[at];
            let (cost, waste) = (cost + self.shop.price[column], waste + least);
            // Columns come cheapest first.
            if cost >= self.cost - NOTHING || self.looked_at >= MOST_LOOKED_AT {
                return;
            }
            self.looked_at += 1;
            if waste > self.waste || !self.may_buy(set, column) {
                continue;
            }
            let mut room = room;
            for (room, own) in room.iter_mut().zip(&self.shop.room[column]) {
                *room += f64::from(*own);
            }
            set.push(column);
            if room.iter().zip(&self.wanted).all(|(room, wanted)| room >= wanted) {
                self.found.push((cost, set.clone()));
            }
            if set.len() < MOST_NODES {
                self.extend(at, (cost, waste), (room, set));
            }
            set.pop();
        }
    }

    /// Whether the group of the column grows by one more node than the set has of it.
    fn may_buy(&self, set: &[usize], column: usize) -> bool {
        let group = |column: usize| self.shop.table.columns[column].group;
        let have = set.iter().filter(|other| group(**other) == group(column)).count();
        let wanted = u32::try_from(have + 1).unwrap_or(u32::MAX);
        self.growth.most(self.shop.table, column, wanted) == wanted
    }
}
