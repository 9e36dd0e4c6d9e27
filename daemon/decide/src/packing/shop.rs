//! A table made ready for search: amounts in small units side by side, and what every pair of column and row is
//! worth under the duals.
//!
//! Units are powers of two that keep every amount below 2²⁴, where single precision is exact; requests are
//! rounded up to them and rooms down, so that what fits here fits in truth. Decides nothing.

use super::Table;
use super::growth::Growth;
use crate::bound::Knapsack;
use crate::number::{real, single, units};

/// Largest amount that single precision counts exactly.
const MOST_UNITS: i64 = 1 << 24;
/// A request that no room holds.
pub(super) const NEVER: f32 = f32::INFINITY;

/// See the module.
pub(super) struct Shop<'a, const D: usize> {
    pub(super) table: &'a Table,
    /// By row: what one pod pays, nano-dollars per hour.
    pub(super) pays: Vec<f64>,
    /// By dimension, by row.
    pub(super) ask: [Vec<f32>; D],
    /// By column, by dimension.
    pub(super) room: Vec<[f32; D]>,
    /// By column: price without addends.
    pub(super) price: Vec<f64>,
    /// By column: what fractions of pods could pay on it for each nano-dollar of its price.
    pub(super) ratio: Vec<f64>,
    /// Columns, the best ratio first.
    pub(super) by_ratio: Vec<usize>,
    /// By column times rows plus row.
    fit: Vec<Fit>,
    /// By row: how many one node may hold at most.
    pub(super) cap: Vec<u32>,
    /// By row: columns that it fits, a bit each.
    columns_of: Vec<Vec<u64>>,
    /// By column: rows that fit.
    pub(super) rows_of: Vec<Vec<u32>>,
}

/// How a row stands to a column.
#[derive(Clone, Copy, Default)]
pub(super) struct Fit {
    /// One over the length of the request, in shares of the room.
    pub(super) inverse: f32,
    /// Its largest share.
    pub(super) widest: f32,
    /// What it pays for what it would have to pay here, 0 to 1.
    pub(super) worth: f32,
}

/// Pods on one node: rows and how many of each.
pub(crate) type Load = Vec<(u32, u32)>;

/// Amounts by dimension, in units of the shop.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Amounts<const D: usize>(pub(super) [f32; D]);

impl<const D: usize> Default for Amounts<D> {
    fn default() -> Self {
        Self([0.0; D])
    }
}

impl<'a, const D: usize> Shop<'a, D> {
    /// `None` where the table has more dimensions than the shop.
    pub(super) fn new(table: &'a Table, pays: &[i64]) -> Option<Self> {
        if table.width() > D {
            return None;
        }
        let unit: Vec<i64> = (0..table.width()).map(|dim| unit_of(table, dim)).collect();
        let ask = std::array::from_fn(|dim| {
            let of = |row: &super::table::Row| unit.get(dim).map_or(0.0, |unit| up(row.ask[dim], *unit));
            table.rows.iter().map(of).collect()
        });
        let room: Vec<[f32; D]> = table
            .columns
            .iter()
            .map(|column| {
                std::array::from_fn(|dim| {
                    unit.get(dim)
                        .map_or(0.0, |unit| single(column.room[dim].max(0) / unit))
                })
            })
            .collect();
        let mut shop = Self {
            pays: pays.iter().map(|pays| real(*pays)).collect(),
            ask,
            cap: table.rows.iter().map(|row| row.cap.unwrap_or(u32::MAX)).collect(),
            price: table.columns.iter().map(|c| real(c.price)).collect(),
            ratio: Vec::with_capacity(table.columns.len()),
            by_ratio: Vec::new(),
            fit: vec![Fit::default(); table.columns.len() * table.rows.len()],
            columns_of: vec![vec![0; table.columns.len().div_ceil(64)]; table.rows.len()],
            rows_of: Vec::with_capacity(table.columns.len()),
            room,
            table,
        };
        for column in 0..table.columns.len() {
            shop.stock(column);
        }
        shop.by_ratio = (0..table.columns.len()).collect();
        shop.by_ratio
            .sort_by(|a, b| shop.ratio[*b].total_cmp(&shop.ratio[*a]).then(a.cmp(b)));
        Some(shop)
    }

    /// Works out how every row stands to the column.
    fn stock(&mut self, column: usize) {
        let room = self.room[column];
        let rows: Vec<u32> = (0..self.pays.len())
            .filter(|row| self.table.fits[column][*row] && (0..D).all(|dim| self.ask[dim][*row] <= room[dim]))
            .map(index)
            .collect();
        self.rows_of.push(rows);
        let (rows, shapes) = (&self.rows_of[column], self.shapes(column));
        let tariff = Some(self.table.columns[column].tariff);
        let values: Vec<f64> = rows
            .iter()
            .map(|row| self.pays[*row as usize] - real(self.table.addend(tariff, *row as usize)))
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

    /// What these pods pay together.
    pub(super) fn value(&self, load: &[(u32, u32)]) -> f64 {
        load.iter()
            .map(|(row, n)| self.pays[*row as usize] * f64::from(*n))
            .sum()
    }

    /// What a node of the column with these pods costs: addends included, never below zero.
    pub(super) fn node_price(&self, column: usize, load: &[(u32, u32)]) -> f64 {
        if self.table.addends.is_empty() {
            return self.price[column];
        }
        let tariff = Some(self.table.columns[column].tariff);
        let addends: f64 = load
            .iter()
            .map(|(row, n)| real(self.table.addend(tariff, *row as usize)) * f64::from(*n))
            .sum();
        (self.price[column] + addends).max(0.0)
    }

    /// Adds pods to amounts.
    pub(super) fn put(&self, used: &mut Amounts<D>, row: u32, copies: u32) {
        for (dim, used) in used.0.iter_mut().enumerate() {
            *used += self.ask[dim][row as usize] * single(i64::from(copies));
        }
    }

    /// Amounts of pods together.
    pub(super) fn amounts(&self, load: &[(u32, u32)]) -> Amounts<D> {
        let mut used = Amounts::default();
        for (row, copies) in load {
            self.put(&mut used, *row, *copies);
        }
        used
    }

    /// By row: how it stands to the column.
    pub(super) fn fits_of(&self, column: usize) -> &[Fit] {
        &self.fit[column * self.pays.len()..(column + 1) * self.pays.len()]
    }

    /// Whether the column runs pods of the row.
    pub(super) fn fits(&self, column: usize, row: u32) -> bool {
        self.columns_of[row as usize][column / 64] & (1 << (column % 64)) != 0
    }

    /// Whether any column does.
    pub(super) fn has_column(&self, row: u32) -> bool {
        self.columns_of[row as usize].iter().any(|bits| *bits != 0)
    }

    /// How many pods of the row an empty node of the column holds.
    pub(super) fn copies(&self, column: usize, row: u32) -> u32 {
        self.copies_beside(column, &Amounts::default(), row)
    }

    /// Whether no row is there more often than one node may hold.
    pub(super) fn within_caps(&self, load: &[(u32, u32)]) -> bool {
        load.iter().all(|(row, n)| *n <= self.cap[*row as usize])
    }

    /// How many pods of the row fit beside what takes `used`, other pods of it left aside.
    pub(super) fn copies_beside(&self, column: usize, used: &Amounts<D>, row: u32) -> u32 {
        if !self.fits(column, row) {
            return 0;
        }
        let mut copies = self.cap[row as usize];
        for dim in 0..D {
            let free = units(self.room[column][dim] - used.0[dim]);
            let fit = free.checked_div(units(self.ask[dim][row as usize]));
            copies = fit.map_or(copies, |fit| copies.min(fit));
        }
        copies
    }

    /// By row of `rows_of`: the shares of the column's room that one pod takes.
    pub(super) fn shapes(&self, column: usize) -> Vec<[f64; D]> {
        let room = &self.room[column];
        self.rows_of[column]
            .iter()
            .map(|row| std::array::from_fn(|dim| f64::from(share(self.ask[dim][*row as usize], room[dim]))))
            .collect()
    }

    /// The cheapest column with growth left that holds these pods, which take `used` together.
    pub(super) fn cheapest(&self, growth: &Growth, used: &Amounts<D>, load: &[(u32, u32)]) -> Option<usize> {
        self.cheapest_of(|column| growth.open(self.table, column), used, load)
    }

    /// The cheapest of the open columns that holds these pods, which take `used` together.
    pub(super) fn cheapest_of(
        &self,
        open: impl Fn(usize) -> bool,
        used: &Amounts<D>,
        load: &[(u32, u32)],
    ) -> Option<usize> {
        let mut best: Option<(f64, usize)> = None;
        for word in 0..self.table.columns.len().div_ceil(64) {
            let mut bits = load.iter().fold(u64::MAX, |bits, (row, _)| {
                bits & self.columns_of[*row as usize][word]
            });
            while bits != 0 {
                let column = word * 64 + bits.trailing_zeros() as usize;
                bits &= bits - 1;
                let holds = used
                    .0
                    .iter()
                    .zip(&self.room[column])
                    .all(|(used, room)| used <= room);
                if !holds || !open(column) {
                    continue;
                }
                // Columns come cheapest first; addends may turn that round.
                if self.table.addends.is_empty() {
                    return Some(column);
                }
                let price = self.node_price(column, load);
                if best.is_none_or(|(least, _)| price < least) {
                    best = Some((price, column));
                }
            }
        }
        best.map(|(_, column)| column)
    }
}

fn unit_of(table: &Table, dim: usize) -> i64 {
    let most = table
        .columns
        .iter()
        .map(|column| column.room[dim])
        .max()
        .unwrap_or(0);
    let mut unit = 1;
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

fn share(ask: f32, room: f32) -> f32 {
    if room > 0.0 { ask / room } else { 0.0 }
}

#[expect(clippy::cast_possible_truncation, reason = "a score, not an amount")]
const fn narrow(score: f64) -> f32 {
    score as f32
}

fn index(row: usize) -> u32 {
    u32::try_from(row).unwrap_or(u32::MAX)
}
