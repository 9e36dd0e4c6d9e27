//! Duals and lower bounds: what no plan for the same demand can undercut, and what each item pays.
//!
//! Weak duality does all the work. Give every column weights on its dimensions that add up to its price
//! (plus what a scarce group is worth); let an item pay the least, over the columns that run it, of its
//! weighted share. Then no bin's items pay more than the bin costs, whatever the weights are, so what the
//! items pay, less what free capacity and scarce stock could at most be worth, is a bound. The search for good
//! weights (`weights`) can only make the bound tight, never wrong. Sums are integers.

mod search;
mod whole_items;

use crate::amounts::{self, in_dims};
use crate::lp::Knapsack;
use crate::number::{floor, narrow, real};
use crate::problem::{Ladder, Problem, Row};
use std::collections::BTreeMap;

pub(crate) use search::{Alone, alone};
pub use search::{Reach, search, search_to};

/// Room that costs nothing: bins that are there or on their way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FreeCapacity {
    /// In the problem's dimensions.
    pub capacity: Vec<i64>,
    /// Tariff, for addends.
    pub tariff: Option<usize>,
    /// Rows its rules admit.
    pub admits: Vec<bool>,
}

/// Nano-dollars of a dollar.
const DOLLAR: f64 = 1e9;

/// Prices that no pattern of whole items beats, in dollars per hour.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proof {
    /// What the counted items pay, less what scarce stock is worth.
    pub(crate) bound: f64,
    /// By row.
    pub(crate) pays: Vec<f64>,
    /// By group.
    pub(crate) scarce: Vec<f64>,
    /// Bound and cost of the mixture met.
    pub(crate) closed: bool,
}

/// Dual prices of a problem.
#[derive(Clone, Debug)]
pub struct Duals {
    /// By column, by dimension: share of the column's worth that lies on the dimension; sums to at most 1.
    shares: Vec<Vec<f64>>,
    /// By group: what one more bin of it would be worth, in nano-dollars per hour.
    scarce: Vec<i64>,
    /// By row: what one item pays, in nano-dollars per hour.
    pub pays: Vec<i64>,
}

impl Duals {
    /// Prices from any shares: valid whatever they are.
    fn from_shares(problem: &Problem, mut shares: Vec<Vec<f64>>, scarce: Vec<i64>) -> Self {
        for (column, shares) in problem.columns.iter().zip(&mut shares) {
            normalise(&column.capacity, shares);
        }
        let mut duals = Self {
            shares,
            scarce,
            pays: Vec::new(),
        };
        duals.pays = duals.prices(problem);
        duals
    }

    /// By row: what an item pays where it pays least.
    fn prices(&self, problem: &Problem) -> Vec<i64> {
        let mut least: Vec<i64> = problem.rows.iter().map(Row::price_alone).collect();
        for (column, fits) in problem.fits.iter().enumerate() {
            let rates = self.rates(problem, column);
            let tariff = Some(problem.columns[column].tariff);
            for (row, least) in least.iter_mut().enumerate().filter(|(row, _)| fits[*row]) {
                let price = pays(&rates, &problem.rows[row].ask).saturating_add(problem.addend(tariff, row));
                *least = price.min(*least);
            }
        }
        // What runs nowhere pays nothing.
        // A row that nothing holds is in no packing: it must not make the bound infinite.
        let nowhere = |price: i64| if price == i64::MAX { 0 } else { price };
        least.into_iter().map(nowhere).collect()
    }

    /// The same weights on the same columns at other prices.
    #[must_use]
    pub fn on(&self, problem: &Problem) -> Self {
        Self::from_shares(problem, self.shares.clone(), self.scarce.clone())
    }

    /// Duals of a problem from those of some of its columns: every other weighs amounts as the one that stands for it.
    fn spread(self, problem: &Problem, ladder: &Ladder) -> Self {
        let shares = problem
            .columns
            .iter()
            .zip(&ladder.stands_for)
            .map(|(column, next)| {
                let model = &problem.columns[ladder.columns[*next]].capacity;
                let weigh = |((share, of), own): ((&f64, &i64), &i64)| {
                    if *of > 0 {
                        share * real(*own) / real(*of)
                    } else {
                        0.0
                    }
                };
                self.shares[*next]
                    .iter()
                    .zip(model)
                    .zip(&column.capacity)
                    .map(weigh)
                    .collect()
            });
        Self::from_shares(problem, shares.collect(), self.scarce)
    }

    /// The same for some rows and columns of their problem only.
    #[must_use]
    pub fn part(&self, rows: &[usize], columns: &[usize]) -> Self {
        Self {
            shares: columns
                .iter()
                .map(|column| self.shares[*column].clone())
                .collect(),
            scarce: self.scarce.clone(),
            pays: rows.iter().map(|row| self.pays[*row]).collect(),
        }
    }

    /// The same weights without what scarce groups are worth: no bin's items pay more than its price.
    #[must_use]
    pub fn without_scarcity(&self, problem: &Problem) -> Self {
        if self.is_plentiful() {
            return self.clone();
        }
        Self::from_shares(problem, self.shares.clone(), vec![0; self.scarce.len()])
    }

    /// No group is worth more than its price: none limits the purchase.
    pub fn is_plentiful(&self) -> bool {
        self.scarce.iter().all(|worth| *worth == 0)
    }

    /// These duals as a start for column generation, with their bound for these items.
    pub(crate) fn as_proof(&self, problem: &Problem, counts: &[u32]) -> Proof {
        let paid = self.bound_with(problem, counts, &[], &self.pays);
        Proof {
            bound: real(paid) / DOLLAR,
            pays: self.pays.iter().map(|pays| real(*pays) / DOLLAR).collect(),
            scarce: self.scarce.iter().map(|worth| real(*worth) / DOLLAR).collect(),
            closed: false,
        }
    }

    /// The same weights, but items pay what column generation proved: in dollars, by row and by group. No pattern of
    /// whole items pays more than its bin is worth; an item that costs less without a bin pays that.
    pub(crate) fn proven(&self, problem: &Problem, proof: &Proof) -> Self {
        let pays = |(pays, row): (&f64, &Row)| floor(pays * DOLLAR).min(row.price_alone());
        Self {
            shares: self.shares.clone(),
            scarce: proof
                .scarce
                .iter()
                .map(|worth| floor(worth * DOLLAR) + i64::from(*worth > 0.0))
                .collect(),
            pays: proof.pays.iter().zip(&problem.rows).map(pays).collect(),
        }
    }

    /// The column on which an item of the row pays least, and how much.
    pub fn cheapest_column(&self, problem: &Problem, row: usize) -> Option<(usize, i64)> {
        (0..problem.columns.len())
            .filter(|column| problem.fits[*column][row])
            .map(|column| (column, self.on_column(problem, column, row)))
            .min_by_key(|(column, price)| (*price, *column))
    }

    /// What an item of the row would pay of a bin of this capacity and price. A column pays what it pays; another bin by
    /// the weights of a column that runs the row, is as large and costs no more, and never less than there.
    pub fn share_of(&self, problem: &Problem, capacity: &[i64], price: i64, row: usize) -> i64 {
        let runs = |column: &usize| problem.fits[*column][row];
        let own = |column: &usize| {
            problem.columns[*column].price == price && problem.columns[*column].capacity == capacity
        };
        let columns = (0..problem.columns.len()).filter(runs);
        if let Some(pays) = columns
            .clone()
            .filter(own)
            .map(|column| self.on_column(problem, column, row))
            .min()
        {
            return pays;
        }
        let as_large = |column: &usize| {
            let of = &problem.columns[*column];
            of.price <= price
                && of
                    .capacity
                    .iter()
                    .zip(capacity)
                    .all(|(theirs, own)| theirs >= own)
        };
        let Some(column) = columns.clone().find(as_large).or_else(|| {
            let cheapest = self.cheapest_column(problem, row);
            cheapest.map(|(column, _)| column)
        }) else {
            return price;
        };
        let mut weights = self.shares[column].clone();
        normalise(capacity, &mut weights);
        let parts = weights.iter().zip(capacity).zip(&problem.rows[row].ask);
        let share: f64 = parts
            .filter(|((_, capacity), _)| **capacity > 0)
            .map(|((share, capacity), ask)| share * real(*ask) / real(*capacity))
            .sum();
        floor(real(price) * share).max(self.on_column(problem, column, row))
    }

    /// What an item of the row pays on a column, rounded down.
    fn on_column(&self, problem: &Problem, column: usize, row: usize) -> i64 {
        let rates = self.rates(problem, column);
        let addend = problem.addend(Some(problem.columns[column].tariff), row);
        pays(&rates, &problem.rows[row].ask).saturating_add(addend)
    }

    /// What a unit of each dimension costs on a column.
    fn rates(&self, problem: &Problem, column: usize) -> Vec<f64> {
        let of = &problem.columns[column];
        let scarce = self.scarce.get(of.group).copied().unwrap_or(0);
        let worth = real(of.price.saturating_add(scarce));
        let rate = |(share, capacity): (&f64, &i64)| {
            if *capacity > 0 {
                worth * share / real(*capacity)
            } else {
                0.0
            }
        };
        self.shares[column].iter().zip(&of.capacity).map(rate).collect()
    }

    /// The bound for these items by row, with this capacity for free: the best of the same weights with and
    /// without scarcity. Never below zero: prices are not.
    pub fn bound(&self, problem: &Problem, counts: &[u32], free: &[FreeCapacity]) -> i64 {
        // Scarcity raises what items pay and is paid back for each bin in stock: which of both bounds is higher depends
        // on the demand.
        let own = self.own_bound(problem, counts, free);
        if self.is_plentiful() {
            return own;
        }
        let plentiful = self.without_scarcity(problem);
        own.max(plentiful.own_bound(problem, counts, free))
    }

    fn own_bound(&self, problem: &Problem, counts: &[u32], free: &[FreeCapacity]) -> i64 {
        let of = |only: &dyn Fn(usize) -> bool| -> i64 {
            let pays: Vec<i64> = (0..problem.rows.len())
                .map(|row| {
                    if only(row) {
                        self.pays[row]
                    } else {
                        self.pays[row].min(0)
                    }
                })
                .collect();
            self.bound_with(problem, counts, free, &pays)
        };
        // Lowering what some rows pay keeps the prices valid; rows that free capacity alone can hold are worth
        // more to the bound at nothing, because the free capacity is then worth nothing to them either.
        let undominated = rows_held(problem, counts, free);
        of(&|_| true).max(of(&|row| !undominated[row])).max(0)
    }

    fn bound_with(&self, problem: &Problem, counts: &[u32], free: &[FreeCapacity], pays: &[i64]) -> i64 {
        let paid: i128 = pays
            .iter()
            .zip(counts)
            .map(|(pays, count)| i128::from(*pays) * i128::from(*count))
            .sum();
        let stock: i128 = self
            .scarce
            .iter()
            .zip(&problem.stock)
            .map(|(worth, stock)| i128::from(*worth) * i128::from(*stock))
            .sum();
        let mut known: BTreeMap<&FreeCapacity, i64> = BTreeMap::new();
        let mut capacities: i128 = 0;
        for capacity in free {
            let worth = *known
                .entry(capacity)
                .or_insert_with(|| worth_of(problem, counts, capacity, pays));
            capacities += i128::from(worth);
        }
        narrow(paid - stock - capacities)
    }
}

/// What an amount costs at these rates, rounded down.
fn pays(rates: &[f64], ask: &[i64]) -> i64 {
    floor(rates.iter().zip(ask).map(|(rate, ask)| rate * real(*ask)).sum())
}

/// Makes non-negative shares on usable dimensions sum to just below 1, so that rounding never exceeds 1.
fn normalise(capacity: &[i64], shares: &mut [f64]) {
    for (share, capacity) in shares.iter_mut().zip(capacity) {
        if *capacity <= 0 || !share.is_finite() || *share < 0.0 {
            *share = 0.0;
        }
    }
    let sum: f64 = shares.iter().sum();
    let usable = capacity.iter().filter(|capacity| **capacity > 0).count();
    for (share, capacity) in shares.iter_mut().zip(capacity) {
        if sum > 0.0 {
            *share *= (1.0 - 1e-12) / sum;
        } else if *capacity > 0 {
            *share = (1.0 - 1e-12) / real(i64::try_from(usable).unwrap_or(i64::MAX));
        }
    }
}

/// At most what the items that fit into one free capacity could pay together, rounded up.
fn worth_of(problem: &Problem, counts: &[u32], free: &FreeCapacity, pays: &[i64]) -> i64 {
    let rows: Vec<(usize, u32)> = (0..problem.rows.len())
        .filter(|row| free.admits[*row])
        .map(|row| {
            (
                row,
                amounts::copies(&free.capacity, &problem.rows[row].ask, counts[row]),
            )
        })
        .filter(|(_, copies)| *copies > 0)
        .collect();
    // A bin's addends together never make it cheaper than free: both forms are bounds, the lower counts.
    let net = |row: usize| pays[row].saturating_sub(problem.addend(free.tariff, row));
    let mut worth = knapsack_worth(problem, free, &rows, &net);
    if !problem.addends.is_empty() {
        // Addends below zero could make free capacity worth more than what is in it pays.
        worth = worth.min(knapsack_worth(problem, free, &rows, &|row| pays[row]));
    }
    worth
}

fn knapsack_worth(
    problem: &Problem,
    free: &FreeCapacity,
    rows: &[(usize, u32)],
    value: &dyn Fn(usize) -> i64,
) -> i64 {
    in_dims!(problem.width(), knapsack_worth_in(problem, free, rows, value))
}

fn knapsack_worth_in<const D: usize>(
    problem: &Problem,
    free: &FreeCapacity,
    rows: &[(usize, u32)],
    value: &dyn Fn(usize) -> i64,
) -> i64 {
    let rows: Vec<(usize, u32)> = rows.iter().filter(|(row, _)| value(*row) > 0).copied().collect();
    let all: i128 = rows
        .iter()
        .map(|(row, copies)| i128::from(value(*row)) * i128::from(*copies))
        .sum();
    if problem.width() > D {
        return narrow(all);
    }
    let items: Vec<[f64; D]> = rows
        .iter()
        .map(|(row, _)| shape(&problem.rows[*row].ask, &free.capacity))
        .collect();
    let values: Vec<f64> = rows.iter().map(|(row, _)| real(value(*row))).collect();
    let mut knapsack = Knapsack::<D>::new();
    knapsack.solve(&items, &values);
    // Any multipliers bound the knapsack: their sum, plus what each item is worth beyond its weighted share.
    let multipliers = knapsack.multipliers();
    let base: f64 = multipliers.iter().sum();
    let surplus: f64 = rows
        .iter()
        .zip(items.iter().zip(&values))
        .map(|((_, copies), (item, value))| {
            let cost: f64 = item.iter().zip(multipliers).map(|(x, m)| x * m).sum();
            (value - cost).max(0.0) * f64::from(*copies)
        })
        .sum();
    let linear = floor((base + surplus) * (1.0 + 1e-9)).saturating_add(1);
    linear.min(narrow(all))
}

/// A request as shares of a capacity; dimensions without capacity are left out (nothing that asks for them fits).
fn shape<const D: usize>(ask: &[i64], capacity: &[i64]) -> [f64; D] {
    let mut shape = [0.0; D];
    for (share, (ask, capacity)) in shape.iter_mut().zip(ask.iter().zip(capacity)) {
        *share = if *capacity > 0 {
            real(*ask) / real(*capacity)
        } else {
            0.0
        };
    }
    shape
}

/// Rows all of whose items the free capacity holds, taken one row at a time.
fn rows_held(problem: &Problem, counts: &[u32], free: &[FreeCapacity]) -> Vec<bool> {
    (0..problem.rows.len())
        .map(|row| {
            let ask = &problem.rows[row].ask;
            let mut left = counts[row];
            for capacity in free.iter().filter(|of| of.admits[row]) {
                left -= amounts::copies(&capacity.capacity, ask, left);
                if left == 0 {
                    break;
                }
            }
            left == 0
        })
        .collect()
}
