//! What is to be packed: rows are kinds of items, columns are kinds of bins.
//!
//! Amounts, prices and counts are integers. Who asks for what, and what a bin is in the world, is the caller's: rows and
//! columns are told apart by their places alone. Items that fit the same bins at the same prices should be one row, and
//! a column that another one beats in every respect should be none: work grows with both.

use crate::amounts::Amounts;
use crate::number::{floor, real};
use std::collections::{BTreeMap, BTreeSet};

/// A kind of items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// What one takes, in the problem's dimensions.
    pub ask: Amounts,
    /// Price of one without any bin, nano-dollars per hour; `None` where it needs a bin. A bound never counts more.
    pub alone_price: Option<i64>,
    /// How many one new bin may hold, where that is limited.
    pub cap: Option<u32>,
    /// The only zone whose columns may hold it; [`NO_ZONE`] where no column is sold there.
    pub zone: Option<usize>,
}

impl Row {
    /// What one costs without a bin, nano-dollars per hour; the most there is where nothing holds it alone.
    pub fn price_alone(&self) -> i64 {
        self.alone_price.unwrap_or(i64::MAX)
    }
}

/// A zone in which no column is sold.
pub const NO_ZONE: usize = usize::MAX;

/// A kind of bins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Whose stock limits how many can be bought: a place in [`Problem::stock`].
    pub group: usize,
    /// What items on it cost on top: a place in [`Problem::addends`].
    pub tariff: usize,
    /// Zones that it is sold in, a bit each.
    pub zones: u64,
    /// Columns with the same number hold the same rows, as far as amounts allow.
    pub admission: usize,
    /// What one holds, in the problem's dimensions.
    pub capacity: Amounts,
    /// Price of one, nano-dollars per hour.
    pub price: i64,
}

/// Kinds of items, kinds of bins, and which may hold which.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problem {
    /// How many dimensions are amounts; those of `shared_caps` stand behind them.
    pub dims: usize,
    /// Caps that several rows share, each a dimension of its own of which an item takes one: how many items a new bin
    /// holds.
    pub shared_caps: Vec<u32>,
    /// Kinds of items.
    pub rows: Vec<Row>,
    /// Kinds of bins, the cheapest first.
    pub columns: Vec<Column>,
    /// By column, by row: whether the item may be there. Must be false where the amounts do not fit.
    pub fits: Vec<Vec<bool>>,
    /// By tariff, by row: nano-dollars per hour that an item there costs on top; may be negative. Empty: nothing at all.
    pub addends: Vec<Vec<i64>>,
    /// By group: how many bins may be bought.
    pub stock: Vec<u32>,
}

/// How many items of each row are to be packed.
#[derive(Clone, Copy, Debug)]
pub struct Demand<'a> {
    /// By row: items to pack.
    pub counts: &'a [u32],
    /// By row: how many items a proof must allow on one bin: at least as many as will ever be counted against it.
    pub provable: &'a [u32],
}

impl<'a> Demand<'a> {
    /// These items, and a proof for no more of them.
    pub const fn of(counts: &'a [u32]) -> Self {
        Self {
            counts,
            provable: counts,
        }
    }
}

/// From here on a search looks at some columns for all.
const MANY_COLUMNS: usize = 160;

/// Some columns of a problem that stand for all.
#[derive(Clone, Debug)]
pub(crate) struct Ladder {
    /// In rising order.
    pub(crate) columns: Vec<usize>,
    /// By column of the problem: place among those of the one that stands for it.
    pub(crate) stands_for: Vec<usize>,
}

/// What columns of one step have in common: terms and rules, nearly the price, nearly the proportions.
type Step = ((usize, usize, u64, usize), i64, Vec<i64>);

impl Problem {
    /// Number of dimensions, shared caps included.
    pub fn width(&self) -> usize {
        self.dims + self.shared_caps.len()
    }

    /// What one item of the row costs on top in a bin of the tariff.
    pub fn addend(&self, tariff: Option<usize>, row: usize) -> i64 {
        tariff
            .and_then(|tariff| self.addends.get(tariff))
            .map_or(0, |rows| rows[row])
    }

    /// A bin's price with what these items of rows cost on top of it; addends may make it less than nothing.
    pub fn with_addends(&self, price: i64, tariff: usize, items: impl Iterator<Item = (usize, u32)>) -> i64 {
        let Some(addends) = self.addends.get(tariff) else {
            return price;
        };
        items.fold(price, |price, (row, copies)| {
            price.saturating_add(addends[row].saturating_mul(i64::from(copies)))
        })
    }

    /// Price of a new bin of the column with these items: addends included, never below zero.
    pub fn bin_price(&self, column: usize, pattern: &[(u32, u32)]) -> i64 {
        let of = &self.columns[column];
        let items = pattern.iter().map(|(row, copies)| (*row as usize, *copies));
        self.with_addends(of.price, of.tariff, items).max(0)
    }

    /// Whether any bin that could be bought holds the row.
    pub fn has_column(&self, row: usize) -> bool {
        self.fits.iter().any(|fits| fits[row])
    }

    /// The problem of some rows and columns only, each in rising order.
    #[must_use]
    pub fn part(&self, rows: &[usize], columns: &[usize]) -> Self {
        let addends = |of: &Vec<i64>| rows.iter().map(|row| of[*row]).collect();
        let fits = |of: &Vec<bool>| rows.iter().map(|row| of[*row]).collect();
        Self {
            dims: self.dims,
            shared_caps: self.shared_caps.clone(),
            rows: rows.iter().map(|row| self.rows[*row].clone()).collect(),
            columns: columns.iter().map(|at| self.columns[*at].clone()).collect(),
            fits: columns.iter().map(|at| fits(&self.fits[*at])).collect(),
            addends: self.addends.iter().map(addends).collect(),
            stock: self.stock.clone(),
        }
    }

    /// Where there are very many columns, enough of them for a search: of those that cost and offer nearly the same
    /// the one with most for its price. What is found is put onto the others afterwards.
    pub(crate) fn ladder(&self) -> Option<Ladder> {
        if self.columns.len() <= MANY_COLUMNS {
            return None;
        }
        let asked = self.asked_together();
        let keys: Vec<Step> = self
            .columns
            .iter()
            .map(|column| step_of(column, &asked))
            .collect();
        let mut steps: BTreeMap<&Step, (f64, usize)> = BTreeMap::new();
        for (at, (column, key)) in self.columns.iter().zip(&keys).enumerate() {
            let offers = offered_for_its_price(column, &asked);
            let best = steps.entry(key).or_insert((offers, at));
            if offers > best.0 {
                *best = (offers, at);
            }
        }
        let mut kept: BTreeSet<usize> = steps.values().map(|(_, at)| *at).collect();
        // A row that only a column of another step holds would look as if nothing held it.
        for row in 0..self.rows.len() {
            if !kept.iter().any(|column| self.fits[*column][row]) {
                kept.extend((0..self.columns.len()).find(|column| self.fits[*column][row]));
            }
        }
        let columns: Vec<usize> = kept.into_iter().collect();
        let at = |column: usize| columns.binary_search(&column).unwrap_or_default();
        Some(Ladder {
            stands_for: keys.iter().map(|key| at(steps[key].1)).collect(),
            columns,
        })
    }

    /// By dimension: what one item of every row takes, at least 1.
    fn asked_together(&self) -> Amounts {
        let mut asked: Amounts = vec![1; self.width()];
        for row in &self.rows {
            for (sum, ask) in asked.iter_mut().zip(&row.ask) {
                *sum = sum.saturating_add(*ask);
            }
        }
        asked
    }
}

fn step_of(column: &Column, asked: &[i64]) -> Step {
    let step = |amount: f64, fine: f64| floor(amount.max(1e-9).log2() * fine);
    let share = |dim: usize| real(column.capacity[dim]) / real(asked[dim]);
    let shape = (1..column.capacity.len()).map(|dim| step(share(dim) / share(0).max(1e-12), 2.0));
    (
        (column.group, column.tariff, column.zones, column.admission),
        step(real(column.price), 8.0),
        shape.collect(),
    )
}

/// Shares of what is asked for that a column holds, summed over the dimensions, for each nano-dollar of its price.
fn offered_for_its_price(column: &Column, asked: &[i64]) -> f64 {
    let shares = column
        .capacity
        .iter()
        .zip(asked)
        .map(|(capacity, sum)| real(*capacity) / real(*sum));
    shares.sum::<f64>() / real(column.price.max(1))
}
