//! Packing: the cheapest set of new nodes found for pods that need one.
//!
//! Several price-aware constructions under the duals and first-fit-decreasing as the floor; the cheapest is
//! taken. Work grows with rows and columns, not with pods. Existing nodes and Fargate are settled before;
//! names and zones come after.

mod fill;
mod first_fit;
mod greedy;
mod table;

pub(crate) use fill::{Item, Taste, fill};
pub(crate) use table::Table;

use crate::bound::Duals;

/// Equal new nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Batch {
    /// Column of the table.
    pub(crate) column: usize,
    /// How many.
    pub(crate) copies: u32,
    /// Pods on each, by row.
    pub(crate) pods: Vec<(usize, u32)>,
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
pub(crate) fn node_price(table: &Table, column: usize, pods: &[(usize, u32)]) -> i64 {
    let of = &table.columns[column];
    pods.iter()
        .fold(of.price, |price, (row, count)| {
            let addend = table.addend(Some(of.set), *row);
            price.saturating_add(addend.saturating_mul(i64::from(*count)))
        })
        .max(0)
}

/// Packs pods, by row, onto new nodes.
pub(crate) fn pack(table: &Table, duals: &Duals, counts: &[u32]) -> Packing {
    if counts.iter().all(|count| *count == 0) || table.columns.is_empty() {
        return Packing {
            batches: Vec::new(),
            left: counts.to_vec(),
        };
    }
    // Free nodes would all look alike to a search by price; a millionth of a dollar makes few of them best.
    let mut priced = table.clone();
    for column in &mut priced.columns {
        column.price = column.price.saturating_add(1000);
    }
    let duals = duals.on(&priced);
    let shop = greedy::Shop::new(&priced, &duals);
    let floor = first_fit::pack(table, counts);
    greedy::TASTES
        .iter()
        .map(|taste| shop.pack(counts, *taste))
        .chain([floor])
        .min_by_key(|packing| packing.rank(table))
        .unwrap_or_default()
}
