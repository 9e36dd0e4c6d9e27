//! Few bins: every set of them that costs less than the plan, the cheapest first, until the items fit into one.
//!
//! Ruin and recreate goes from plan to plan and stays where the way to a cheaper one leads through dearer ones. Of few
//! bins all cheaper sets can be listed: the duals say what each must waste, and so how much is left for the others.
//! Whether the items fit is tried by filling the bins one after another, never proven. Work is counted in passes over
//! rows, never timed.

use crate::fill::{Left, Scoring, Workspace};
use crate::random::Random;
use crate::solution::{Batch, Packing, Start};
use crate::stock::Stock;
use crate::table::Table;

/// Bins of a set at most.
pub(crate) const MOST_BINS: usize = 6;
/// Sets that are looked at while they are listed.
const MOST_LOOKED_AT: u32 = 400_000;
/// Sets that are tried.
const MOST_SETS: usize = 4000;
/// Less than this, in nano-dollars per hour, is no saving.
const NOTHING: f64 = 1.0;

/// Columns in rising order, and what they cost together.
type Set = (f64, Vec<usize>);

/// A cheaper packing of these items onto few bins, as far as this much work finds one.
pub(crate) fn cheaper<const D: usize>(
    table: &Table<'_, D>,
    counts: &[u32],
    start: &Start<'_>,
    work: u64,
    workspace: &mut Workspace<D>,
) -> Option<Packing> {
    // Addends make a bin's price depend on its items.
    if !table.problem.addends.is_empty() {
        return None;
    }
    let mut random = Random::new(start.seed);
    let cost = start
        .packing
        .batches
        .iter()
        .map(|batch| table.price[batch.column] * f64::from(batch.copies))
        .sum();
    let mut sets = Listing::new(table, counts, &start.stock, cost).sets();
    let until = workspace.steps.saturating_add(work);
    let mut found = None;
    while workspace.steps < until && !sets.is_empty() {
        for at in 0..sets.len() {
            workspace.steps += 1;
            if let Some(packing) = filled(table, &sets[at].1, counts, &mut random, workspace) {
                let price = sets[at].0;
                // Any set that fits ends the search for dearer ones; cheaper ones are tried on, in other orders.
                sets.retain(|(other, _)| *other < price - NOTHING);
                found = Some(packing);
                break;
            }
            if workspace.steps >= until {
                break;
            }
        }
    }
    found
}

/// The bins of a set, filled one after another in a manner left to chance; `None` where items are left over.
fn filled<const D: usize>(
    table: &Table<'_, D>,
    set: &[usize],
    counts: &[u32],
    random: &mut Random,
    workspace: &mut Workspace<D>,
) -> Option<Packing> {
    let scoring = Scoring {
        widest: random.one_of([0.0, 0.25, 0.5, 1.0, 2.0]),
        sharpness: random.one_of([0, 1, 2, 4, 8]),
        part: random.one_of([1, 2, 4, 8]),
        noise: random.one_of([0.0, 0.1, 0.3]),
        even: false,
    };
    let mut order = set.to_vec();
    for last in (1..order.len()).rev() {
        // The bin that is filled first takes what suits it best and leaves the rest to others: which one that is
        // decides much.
        order.swap(last, random.below(last + 1));
    }
    let mut left = counts.to_vec();
    let mut rows = rows_of(counts);
    let mut batches = Vec::with_capacity(order.len());
    for column in order {
        let open = Left {
            rows: &rows,
            counts: &left,
        };
        table.fill(column, open, scoring, workspace);
        for (row, copies) in &workspace.pattern {
            left[*row as usize] -= copies;
        }
        rows.retain(|row| left[*row as usize] > 0);
        batches.push(Batch {
            column,
            copies: 1,
            pattern: workspace.pattern.clone(),
        });
    }
    batches.retain(|batch| !batch.pattern.is_empty());
    rows.is_empty().then_some(Packing { batches, left })
}

fn rows_of(counts: &[u32]) -> Vec<u32> {
    let rows = (0_u32..).zip(counts).filter(|(_, count)| **count > 0);
    rows.map(|(row, _)| row).collect()
}

/// The bins of a set together.
struct Sum<const D: usize> {
    cost: f64,
    /// What they waste at least.
    waste: f64,
    capacity: [f64; D],
}

impl<const D: usize> Default for Sum<D> {
    fn default() -> Self {
        Self {
            cost: 0.0,
            waste: 0.0,
            capacity: [0.0; D],
        }
    }
}

/// The sets that could hold the items, by what they offer together, and cost less.
struct Listing<'a, const D: usize> {
    table: &'a Table<'a, D>,
    stock: &'a Stock,
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
    fn new(table: &'a Table<'a, D>, counts: &[u32], stock: &'a Stock, cost: f64) -> Self {
        let rows = rows_of(counts);
        let sum = |each: &dyn Fn(usize) -> f64| -> f64 {
            let of = |row: &u32| each(*row as usize) * f64::from(counts[*row as usize]);
            rows.iter().map(of).sum()
        };
        let waste = cost - sum(&|row| table.pays[row]);
        let least = |column: usize| (table.price[column] * (1.0 - table.ratio[column])).max(0.0);
        let open = |column: &usize| stock.open(table.problem, *column) && !table.rows_of[*column].is_empty();
        Self {
            table,
            stock,
            columns: (0..table.price.len())
                .filter(open)
                .map(|column| (column, least(column)))
                .filter(|(_, least)| *least <= waste)
                .collect(),
            wanted: std::array::from_fn(|dim| sum(&|row| f64::from(table.ask[dim][row]))),
            cost,
            waste,
            looked_at: 0,
            found: Vec::new(),
        }
    }

    /// The cheapest first.
    fn sets(mut self) -> Vec<Set> {
        self.extend(0, &Sum::default(), &mut Vec::new());
        self.found
            .sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
        self.found.truncate(MOST_SETS);
        self.found
    }

    /// Adds one column more, from a place among them on.
    fn extend(&mut self, from: usize, sum: &Sum<D>, set: &mut Vec<usize>) {
        for at in from..self.columns.len() {
            let (column, least) = self.columns[at];
            let (cost, waste) = (sum.cost + self.table.price[column], sum.waste + least);
            // Columns come cheapest first.
            if cost >= self.cost - NOTHING || self.looked_at >= MOST_LOOKED_AT {
                return;
            }
            self.looked_at += 1;
            // The duals say what each column wastes at least: sets that must waste more than the whole packing does
            // cannot be cheaper.
            if waste > self.waste || !self.may_buy(set, column) {
                continue;
            }
            let mut capacity = sum.capacity;
            for (capacity, own) in capacity.iter_mut().zip(&self.table.capacity[column]) {
                *capacity += f64::from(*own);
            }
            set.push(column);
            if capacity
                .iter()
                .zip(&self.wanted)
                .all(|(capacity, wanted)| capacity >= wanted)
            {
                self.found.push((cost, set.clone()));
            }
            if set.len() < MOST_BINS {
                let sum = Sum {
                    cost,
                    waste,
                    capacity,
                };
                self.extend(at, &sum, set);
            }
            set.pop();
        }
    }

    /// Whether the group of the column grows by one more bin than the set has of it.
    fn may_buy(&self, set: &[usize], column: usize) -> bool {
        let group = |column: usize| self.table.problem.columns[column].group;
        let have = set.iter().filter(|other| group(**other) == group(column)).count();
        let wanted = u32::try_from(have + 1).unwrap_or(u32::MAX);
        self.stock.most(self.table.problem, column, wanted) == wanted
    }
}
