//! Duals and lower bounds: what no plan for the same demand can undercut, and what each pod pays.
//!
//! Weak duality does all the work. Give every column weights on its dimensions that add up to its price
//! (plus what a scarce group is worth); let a pod pay the least, over the columns that run it, of its
//! weighted share. Then no node's pods pay more than the node costs, whatever the weights are, so what the
//! pods pay, less what free room and scarce growth could at most be worth, is a bound. The search for good
//! weights (`weights`) can only make the bound tight, never wrong. Sums are integers.

mod gaps;
mod knapsack;
mod master;
mod weights;

use crate::number::{floor, narrow, real};
use crate::packing::{Ladder, Row, Table};
use crate::space::{self, in_dims};
use std::collections::BTreeMap;

pub(crate) use knapsack::Knapsack;
pub(crate) use master::{Master, Purchase};
pub(crate) use weights::{Alone, Reach, alone, search, search_to};

/// Room that costs nothing: nodes that are there or on their way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct FreeRoom {
    /// In the table's dimensions.
    pub(crate) room: Vec<i64>,
    /// Offer set, for bans.
    pub(crate) set: Option<usize>,
    /// Tariff, for addends.
    pub(crate) tariff: Option<usize>,
    /// Rows its rules admit.
    pub(crate) admits: Vec<bool>,
}

/// Nano-dollars of a dollar.
const DOLLAR: f64 = 1e9;

/// Prices that no load of whole pods beats, in dollars per hour.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proof {
    /// What the counted pods pay, less what scarce growth is worth.
    pub(crate) bound: f64,
    /// By row.
    pub(crate) pays: Vec<f64>,
    /// By group.
    pub(crate) scarce: Vec<f64>,
    /// Bound and cost of the mixture met.
    pub(crate) closed: bool,
}

/// Dual prices of a table.
#[derive(Clone, Debug)]
pub(crate) struct Duals {
    /// By column, by dimension: share of the column's worth that lies on the dimension; sums to at most 1.
    shares: Vec<Vec<f64>>,
    /// By group: what one more node of it would be worth, in nano-dollars per hour.
    scarce: Vec<i64>,
    /// By row: what one pod pays, in nano-dollars per hour.
    pub(crate) pays: Vec<i64>,
}

impl Duals {
    /// Prices from any shares: valid whatever they are.
    fn from_shares(table: &Table, mut shares: Vec<Vec<f64>>, scarce: Vec<i64>) -> Self {
        for (column, shares) in table.columns.iter().zip(&mut shares) {
            normalise(&column.room, shares);
        }
        let mut duals = Self {
            shares,
            scarce,
            pays: Vec::new(),
        };
        duals.pays = duals.prices(table);
        duals
    }

    /// By row: what a pod pays where it pays least.
    fn prices(&self, table: &Table) -> Vec<i64> {
        let mut least: Vec<i64> = table.rows.iter().map(Row::solo_price).collect();
        for (column, fits) in table.fits.iter().enumerate() {
            let rates = self.rates(table, column);
            let tariff = Some(table.columns[column].tariff);
            for (row, least) in least.iter_mut().enumerate().filter(|(row, _)| fits[*row]) {
                let price = pays(&rates, &table.rows[row].ask).saturating_add(table.addend(tariff, row));
                *least = price.min(*least);
            }
        }
        // What runs nowhere pays nothing.
        let nowhere = |price: i64| if price == i64::MAX { 0 } else { price };
        least.into_iter().map(nowhere).collect()
    }

    /// The same weights on the same columns at other prices.
    pub(crate) fn on(&self, table: &Table) -> Self {
        Self::from_shares(table, self.shares.clone(), self.scarce.clone())
    }

    /// Duals of a table from those of some of its columns: every other weighs amounts as the one that stands for it.
    fn spread(self, table: &Table, ladder: &Ladder) -> Self {
        let shares = table
            .columns
            .iter()
            .zip(&ladder.stands_for)
            .map(|(column, next)| {
                let model = &table.columns[ladder.columns[*next]].room;
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
                    .zip(&column.room)
                    .map(weigh)
                    .collect()
            });
        Self::from_shares(table, shares.collect(), self.scarce)
    }

    /// The same for some rows and columns of their table only.
    pub(crate) fn part(&self, rows: &[usize], columns: &[usize]) -> Self {
        Self {
            shares: columns
                .iter()
                .map(|column| self.shares[*column].clone())
                .collect(),
            scarce: self.scarce.clone(),
            pays: rows.iter().map(|row| self.pays[*row]).collect(),
        }
    }

    /// The same weights without what scarce groups are worth: no node's pods pay more than its price.
    pub(crate) fn without_scarcity(&self, table: &Table) -> Self {
        if self.is_plentiful() {
            return self.clone();
        }
        Self::from_shares(table, self.shares.clone(), vec![0; self.scarce.len()])
    }

    /// No group is worth more than its price: none limits the purchase.
    pub(crate) fn is_plentiful(&self) -> bool {
        self.scarce.iter().all(|worth| *worth == 0)
    }

    /// These duals as a start for column generation, with their bound for these pods.
    pub(crate) fn as_proof(&self, table: &Table, counts: &[u32]) -> Proof {
        let paid = self.bound_with(table, counts, &[], &self.pays);
        Proof {
            bound: real(paid) / DOLLAR,
            pays: self.pays.iter().map(|pays| real(*pays) / DOLLAR).collect(),
            scarce: self.scarce.iter().map(|worth| real(*worth) / DOLLAR).collect(),
            closed: false,
        }
    }

    /// The same weights, but pods pay what column generation proved: in dollars, by row and by group. No load of
    /// whole pods pays more than its node is worth; a pod that Fargate runs for less pays that.
    pub(crate) fn proven(&self, table: &Table, proof: &Proof) -> Self {
        let pays = |(pays, row): (&f64, &Row)| floor(pays * DOLLAR).min(row.solo_price());
        Self {
            shares: self.shares.clone(),
            scarce: proof
                .scarce
                .iter()
                .map(|worth| floor(worth * DOLLAR) + i64::from(*worth > 0.0))
                .collect(),
            pays: proof.pays.iter().zip(&table.rows).map(pays).collect(),
        }
    }

    /// The column on which a pod of the row pays least, and how much.
    pub(crate) fn cheapest_column(&self, table: &Table, row: usize) -> Option<(usize, i64)> {
        (0..table.columns.len())
            .filter(|column| table.fits[*column][row])
            .map(|column| (column, self.on_column(table, column, row)))
            .min_by_key(|(column, price)| (*price, *column))
    }

    /// What a pod of the row would pay of a node of this room and price. A column pays what it pays; another node by
    /// the weights of a column that runs the row, is as large and costs no more, and never less than there.
    pub(crate) fn share_of(&self, table: &Table, (room, price): (&[i64], i64), row: usize) -> i64 {
        let runs = |column: &usize| table.fits[*column][row];
        let own =
            |column: &usize| table.columns[*column].price == price && table.columns[*column].room == room;
        let columns = (0..table.columns.len()).filter(runs);
        if let Some(pays) = columns
            .clone()
            .filter(own)
            .map(|column| self.on_column(table, column, row))
            .min()
        {
            return pays;
        }
        let as_large = |column: &usize| {
            let of = &table.columns[*column];
            of.price <= price && of.room.iter().zip(room).all(|(theirs, own)| theirs >= own)
        };
        let Some(column) = columns.clone().find(as_large).or_else(|| {
            let cheapest = self.cheapest_column(table, row);
            cheapest.map(|(column, _)| column)
        }) else {
            return price;
        };
        let mut weights = self.shares[column].clone();
        normalise(room, &mut weights);
        let parts = weights.iter().zip(room).zip(&table.rows[row].ask);
        let share: f64 = parts
            .filter(|((_, room), _)| **room > 0)
            .map(|((share, room), ask)| share * real(*ask) / real(*room))
            .sum();
        floor(real(price) * share).max(self.on_column(table, column, row))
    }

    /// What a pod of the row pays on a column, rounded down.
    fn on_column(&self, table: &Table, column: usize, row: usize) -> i64 {
        let rates = self.rates(table, column);
        let addend = table.addend(Some(table.columns[column].tariff), row);
        pays(&rates, &table.rows[row].ask).saturating_add(addend)
    }

    /// What a unit of each dimension costs on a column.
    fn rates(&self, table: &Table, column: usize) -> Vec<f64> {
        let of = &table.columns[column];
        let scarce = self.scarce.get(of.group).copied().unwrap_or(0);
        let worth = real(of.price.saturating_add(scarce));
        let rate = |(share, room): (&f64, &i64)| {
            if *room > 0 {
                worth * share / real(*room)
            } else {
                0.0
            }
        };
        self.shares[column].iter().zip(&of.room).map(rate).collect()
    }

    /// The bound for these pods by row, with this room for free: the best of the same weights with and
    /// without scarcity. Never below zero: prices are not.
    pub(crate) fn bound(&self, table: &Table, counts: &[u32], free: &[FreeRoom]) -> i64 {
        let own = self.own_bound(table, counts, free);
        if self.is_plentiful() {
            return own;
        }
        let plentiful = self.without_scarcity(table);
        own.max(plentiful.own_bound(table, counts, free))
    }

    fn own_bound(&self, table: &Table, counts: &[u32], free: &[FreeRoom]) -> i64 {
        let of = |only: &dyn Fn(usize) -> bool| -> i64 {
            let pays: Vec<i64> = (0..table.rows.len())
                .map(|row| {
                    if only(row) {
                        self.pays[row]
                    } else {
                        self.pays[row].min(0)
                    }
                })
                .collect();
            self.bound_with(table, counts, free, &pays)
        };
        // Lowering what some rows pay keeps the prices valid; rows that free room alone can hold are worth
        // more to the bound at nothing, because the free room is then worth nothing to them either.
        let roomy = roomy_rows(table, counts, free);
        of(&|_| true).max(of(&|row| !roomy[row])).max(0)
    }

    fn bound_with(&self, table: &Table, counts: &[u32], free: &[FreeRoom], pays: &[i64]) -> i64 {
        let paid: i128 = pays
            .iter()
            .zip(counts)
            .map(|(pays, count)| i128::from(*pays) * i128::from(*count))
            .sum();
        let growth: i128 = self
            .scarce
            .iter()
            .zip(&table.growth)
            .map(|(worth, growth)| i128::from(*worth) * i128::from(*growth))
            .sum();
        let mut known: BTreeMap<&FreeRoom, i64> = BTreeMap::new();
        let mut rooms: i128 = 0;
        for room in free {
            let worth = *known
                .entry(room)
                .or_insert_with(|| worth_of(table, counts, room, pays));
            rooms += i128::from(worth);
        }
        narrow(paid - growth - rooms)
    }
}

/// What an amount costs at these rates, rounded down.
fn pays(rates: &[f64], ask: &[i64]) -> i64 {
    floor(rates.iter().zip(ask).map(|(rate, ask)| rate * real(*ask)).sum())
}

/// Makes non-negative shares on usable dimensions sum to just below 1, so that rounding never exceeds 1.
fn normalise(room: &[i64], shares: &mut [f64]) {
    for (share, room) in shares.iter_mut().zip(room) {
        if *room <= 0 || !share.is_finite() || *share < 0.0 {
            *share = 0.0;
        }
    }
    let sum: f64 = shares.iter().sum();
    let usable = room.iter().filter(|room| **room > 0).count();
    for (share, room) in shares.iter_mut().zip(room) {
        if sum > 0.0 {
            *share *= (1.0 - 1e-12) / sum;
        } else if *room > 0 {
            *share = (1.0 - 1e-12) / real(i64::try_from(usable).unwrap_or(i64::MAX));
        }
    }
}

/// At most what the pods that fit into one free room could pay together, rounded up.
fn worth_of(table: &Table, counts: &[u32], free: &FreeRoom, pays: &[i64]) -> i64 {
    let rows: Vec<(usize, u32)> = (0..table.rows.len())
        .filter(|row| free.admits[*row] && table.allowed(free.set, *row))
        .map(|row| (row, space::copies(&free.room, &table.rows[row].ask, counts[row])))
        .filter(|(_, copies)| *copies > 0)
        .collect();
    // A node's addends together never make it cheaper than free: both forms are bounds, the lower counts.
    let net = |row: usize| pays[row].saturating_sub(table.addend(free.tariff, row));
    let mut worth = knapsack_worth(table, free, &rows, &net);
    if !table.addends.is_empty() {
        worth = worth.min(knapsack_worth(table, free, &rows, &|row| pays[row]));
    }
    worth
}

fn knapsack_worth(
    table: &Table,
    free: &FreeRoom,
    rows: &[(usize, u32)],
    value: &dyn Fn(usize) -> i64,
) -> i64 {
    in_dims!(table.width(), knapsack_worth_in(table, free, rows, value))
}

fn knapsack_worth_in<const D: usize>(
    table: &Table,
    free: &FreeRoom,
    rows: &[(usize, u32)],
    value: &dyn Fn(usize) -> i64,
) -> i64 {
    let rows: Vec<(usize, u32)> = rows.iter().filter(|(row, _)| value(*row) > 0).copied().collect();
    let all: i128 = rows
        .iter()
        .map(|(row, copies)| i128::from(value(*row)) * i128::from(*copies))
        .sum();
    if table.width() > D {
        return narrow(all);
    }
    let items: Vec<[f64; D]> = rows
        .iter()
        .map(|(row, _)| shape(&table.rows[*row].ask, &free.room))
        .collect();
    let values: Vec<f64> = rows.iter().map(|(row, _)| real(value(*row))).collect();
    let mut knapsack = Knapsack::<D>::new();
    knapsack.solve(&items, &values);
    // Any multipliers bound the knapsack: their sum, plus what each pod is worth beyond its weighted share.
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

/// A request as shares of a room; dimensions without room are left out (nothing that asks for them fits).
fn shape<const D: usize>(ask: &[i64], room: &[i64]) -> [f64; D] {
    let mut shape = [0.0; D];
    for (share, (ask, room)) in shape.iter_mut().zip(ask.iter().zip(room)) {
        *share = if *room > 0 { real(*ask) / real(*room) } else { 0.0 };
    }
    shape
}

/// Rows all of whose pods the free room holds, taken one row at a time.
fn roomy_rows(table: &Table, counts: &[u32], free: &[FreeRoom]) -> Vec<bool> {
    (0..table.rows.len())
        .map(|row| {
            let ask = &table.rows[row].ask;
            let mut left = counts[row];
            for room in free.iter().filter(|r| r.admits[row] && table.allowed(r.set, row)) {
                left -= space::copies(&room.room, ask, left);
                if left == 0 {
                    break;
                }
            }
            left == 0
        })
        .collect()
}

#[cfg(test)]
mod tests;
