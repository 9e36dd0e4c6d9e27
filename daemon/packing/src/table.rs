//! A problem made ready for search: amounts in small units side by side, and what every pair of column and row is
//! worth under the duals.
//!
//! Units are powers of two that keep every amount below 2²⁴, where single precision is exact; requests are
//! rounded up to them and capacities down, so that what fits here fits in truth. Decides nothing.

use crate::lp::Knapsack;
use crate::number::{real, single, units};
use crate::problem::Problem;
use crate::stock::Stock;

/// Largest amount that single precision counts exactly.
const MOST_UNITS: i64 = 1 << 24;
/// A request that no capacity holds.
pub(crate) const NEVER: f32 = f32::INFINITY;

/// See the module.
pub(crate) struct Table<'a, const D: usize> {
    pub(crate) problem: &'a Problem,
    /// By row: what one item pays, nano-dollars per hour.
    pub(crate) pays: Vec<f64>,
    /// By dimension, by row.
    pub(crate) ask: [Vec<f32>; D],
    /// By column, by dimension.
    pub(crate) capacity: Vec<[f32; D]>,
    /// By column: price without addends.
    pub(crate) price: Vec<f64>,
    /// By column: what fractions of items could pay on it for each nano-dollar of its price.
    pub(crate) ratio: Vec<f64>,
    /// Columns, the best ratio first.
    pub(crate) by_ratio: Vec<usize>,
    /// By column times rows plus row.
    fit: Vec<Fit>,
    /// By row: how many one bin may hold at most.
    pub(crate) cap: Vec<u32>,
    /// By row: columns that it fits, a bit each.
    columns_of: Vec<Vec<u64>>,
    /// By column: rows that fit.
    pub(crate) rows_of: Vec<Vec<u32>>,
}

/// How a row stands to a column.
#[derive(Clone, Copy, Default)]
pub(crate) struct Fit {
    /// One over the length of the request, in shares of the capacity.
    pub(crate) inverse: f32,
    /// Its largest share.
    pub(crate) widest: f32,
    /// What it pays for what it would have to pay here, 0 to 1.
    pub(crate) worth: f32,
}

/// Amounts by dimension, in units of the table.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Units<const D: usize>(pub(crate) [f32; D]);

impl<const D: usize> Default for Units<D> {
    fn default() -> Self {
        Self([0.0; D])
    }
}

impl<'a, const D: usize> Table<'a, D> {
    /// `None` where the problem has more dimensions than the table.
    pub(crate) fn new(problem: &'a Problem, pays: &[i64]) -> Option<Self> {
        if problem.width() > D {
            return None;
        }
        let unit: Vec<i64> = (0..problem.width()).map(|dim| unit_of(problem, dim)).collect();
        let ask = std::array::from_fn(|dim| {
            let of = |row: &super::problem::Row| unit.get(dim).map_or(0.0, |unit| up(row.ask[dim], *unit));
            problem.rows.iter().map(of).collect()
        });
        let capacity: Vec<[f32; D]> = problem
            .columns
            .iter()
            .map(|column| {
                std::array::from_fn(|dim| {
                    unit.get(dim)
                        .map_or(0.0, |unit| single(column.capacity[dim].max(0) / unit))
                })
            })
            .collect();
        let mut table = Self {
            pays: pays.iter().map(|pays| real(*pays)).collect(),
            ask,
            cap: problem
                .rows
                .iter()
                .map(|row| row.cap.unwrap_or(u32::MAX))
                .collect(),
            price: problem.columns.iter().map(|c| real(c.price)).collect(),
            ratio: Vec::with_capacity(problem.columns.len()),
            by_ratio: Vec::new(),
            fit: vec![Fit::default(); problem.columns.len() * problem.rows.len()],
            columns_of: vec![vec![0; problem.columns.len().div_ceil(64)]; problem.rows.len()],
            rows_of: Vec::with_capacity(problem.columns.len()),
            capacity,
            problem,
        };
        for column in 0..problem.columns.len() {
            table.stock(column);
        }
        table.by_ratio = (0..problem.columns.len()).collect();
        table
            .by_ratio
            .sort_by(|a, b| table.ratio[*b].total_cmp(&table.ratio[*a]).then(a.cmp(b)));
        Some(table)
    }

    /// Works out how every row stands to the column.
    fn stock(&mut self, column: usize) {
        let capacity = self.capacity[column];
        let rows: Vec<u32> = (0..self.pays.len())
            .filter(|row| {
                self.problem.fits[column][*row] && (0..D).all(|dim| self.ask[dim][*row] <= capacity[dim])
            })
            .map(index)
            .collect();
        self.rows_of.push(rows);
        let (rows, shapes) = (&self.rows_of[column], self.shapes(column));
        let tariff = Some(self.problem.columns[column].tariff);
        let values: Vec<f64> = rows
            .iter()
            .map(|row| self.pays[*row as usize] - real(self.problem.addend(tariff, *row as usize)))
            .collect();
        let mut knapsack = Knapsack::<D>::new();
        let value = knapsack.solve(&shapes, &values);
        self.ratio.push(value / self.price[column].max(1.0));
        let weights = knapsack.multipliers();
        for ((row, shape), value) in rows.iter().zip(&shapes).zip(&values) {
            let asked: f64 = shape.iter().zip(weights).map(|(x, w)| x * w).sum();
            let norm: f64 = shape.iter().map(|x| x * x).sum::<f64>().sqrt();
            let at = column * self.pays.len() + *row as usize;
            self.fit[at] = Fit {
                inverse: narrow(1.0 / norm.max(1e-9)),
                widest: narrow(shape.iter().copied().fold(0.0, f64::max)),
                worth: if asked > 0.0 {
                    narrow((value / asked).clamp(0.0, 1.0))
                } else {
                    1.0
                },
            };
            self.columns_of[*row as usize][column / 64] |= 1 << (column % 64);
        }
    }

    /// What these items pay together.
    pub(crate) fn value(&self, pattern: &[(u32, u32)]) -> f64 {
        pattern
            .iter()
            .map(|(row, n)| self.pays[*row as usize] * f64::from(*n))
            .sum()
    }

    /// What a bin of the column with these items costs: addends included, never below zero.
    pub(crate) fn bin_price(&self, column: usize, pattern: &[(u32, u32)]) -> f64 {
        // Without addends no pattern changes the price: the hot path of every search.
        if self.problem.addends.is_empty() {
            return self.price[column];
        }
        let tariff = Some(self.problem.columns[column].tariff);
        let addends: f64 = pattern
            .iter()
            .map(|(row, n)| real(self.problem.addend(tariff, *row as usize)) * f64::from(*n))
            .sum();
        (self.price[column] + addends).max(0.0)
    }

    /// Adds items to amounts.
    pub(crate) fn put(&self, used: &mut Units<D>, row: u32, copies: u32) {
        for (dim, used) in used.0.iter_mut().enumerate() {
            *used += self.ask[dim][row as usize] * single(i64::from(copies));
        }
    }

    /// Units of items together.
    pub(crate) fn amounts(&self, pattern: &[(u32, u32)]) -> Units<D> {
        let mut used = Units::default();
        for (row, copies) in pattern {
            self.put(&mut used, *row, *copies);
        }
        used
    }

    /// By row: how it stands to the column.
    pub(crate) fn fits_of(&self, column: usize) -> &[Fit] {
        &self.fit[column * self.pays.len()..(column + 1) * self.pays.len()]
    }

    /// Whether the column runs items of the row.
    pub(crate) fn fits(&self, column: usize, row: u32) -> bool {
        self.columns_of[row as usize][column / 64] & (1 << (column % 64)) != 0
    }

    /// Whether any column does.
    pub(crate) fn has_column(&self, row: u32) -> bool {
        self.columns_of[row as usize].iter().any(|bits| *bits != 0)
    }

    /// How many items of the row an empty bin of the column holds.
    pub(crate) fn copies(&self, column: usize, row: u32) -> u32 {
        self.copies_beside(column, &Units::default(), row)
    }

    /// Whether no row is there more often than one bin may hold.
    pub(crate) fn within_caps(&self, pattern: &[(u32, u32)]) -> bool {
        pattern.iter().all(|(row, n)| *n <= self.cap[*row as usize])
    }

    /// How many items of the row fit beside what takes `used`, other items of it left aside.
    pub(crate) fn copies_beside(&self, column: usize, used: &Units<D>, row: u32) -> u32 {
        if !self.fits(column, row) {
            return 0;
        }
        let mut copies = self.cap[row as usize];
        for dim in 0..D {
            let free = units(self.capacity[column][dim] - used.0[dim]);
            let fit = free.checked_div(units(self.ask[dim][row as usize]));
            copies = fit.map_or(copies, |fit| copies.min(fit));
        }
        copies
    }

    /// By row of `rows_of`: the shares of the column's capacity that one item takes.
    pub(crate) fn shapes(&self, column: usize) -> Vec<[f64; D]> {
        let capacity = &self.capacity[column];
        self.rows_of[column]
            .iter()
            .map(|row| {
                std::array::from_fn(|dim| f64::from(share(self.ask[dim][*row as usize], capacity[dim])))
            })
            .collect()
    }

    /// The cheapest column with stock left that holds these items, which take `used` together.
    pub(crate) fn cheapest(&self, stock: &Stock, used: &Units<D>, pattern: &[(u32, u32)]) -> Option<usize> {
        self.cheapest_of(|column| stock.open(self.problem, column), used, pattern)
    }

    /// The cheapest of the open columns that holds these items, which take `used` together.
    pub(crate) fn cheapest_of(
        &self,
        open: impl Fn(usize) -> bool,
        used: &Units<D>,
        pattern: &[(u32, u32)],
    ) -> Option<usize> {
        let mut best: Option<(f64, usize)> = None;
        for word in 0..self.problem.columns.len().div_ceil(64) {
            let mut bits = pattern.iter().fold(u64::MAX, |bits, (row, _)| {
                bits & self.columns_of[*row as usize][word]
            });
            while bits != 0 {
                let column = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let holds = used
                    .0
                    .iter()
                    .zip(&self.capacity[column])
                    .all(|(used, capacity)| used <= capacity);
                if !holds || !open(column) {
                    continue;
                }
                // Columns come cheapest first; addends may turn that round.
                if self.problem.addends.is_empty() {
                    return Some(column);
                }
                let price = self.bin_price(column, pattern);
                if best.is_none_or(|(least, _)| price < least) {
                    best = Some((price, column));
                }
            }
        }
        best.map(|(_, column)| column)
    }
}

fn unit_of(problem: &Problem, dim: usize) -> i64 {
    let most = problem
        .columns
        .iter()
        .map(|column| column.capacity[dim])
        .max()
        .unwrap_or(0);
    let mut unit = 1;
    // A TiB in bytes is more than single precision counts exactly; in units of 64 KiB it is not, and a request rounds
    // up by one.
    while most / unit >= MOST_UNITS {
        unit *= 2;
    }
    unit
}

/// In units, rounded up.
fn up(amount: i64, unit: i64) -> f32 {
    let units = amount.max(0) / unit + i64::from(amount.max(0) % unit > 0);
    if units >= MOST_UNITS { NEVER } else { single(units) }
}

fn share(ask: f32, capacity: f32) -> f32 {
    if capacity > 0.0 { ask / capacity } else { 0.0 }
}

#[expect(clippy::cast_possible_truncation, reason = "a score, not an amount")]
const fn narrow(score: f64) -> f32 {
    score as f32
}

fn index(row: usize) -> u32 {
    u32::try_from(row).unwrap_or(u32::MAX)
}
