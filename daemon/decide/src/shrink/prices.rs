//! What pods that run are worth, and what could be bought in place of their nodes.
//!
//! Duals of everything that may move, on everything that is for sale: no repack of a set of nodes saves more than
//! what they waste and the free room of others that it fills, so waste says where to look. Money is exact; worth
//! only steers.

use super::fleet::Fleet;
use crate::bound;
use crate::demand::{self, Class};
use crate::fill::{self, Item, Taste};
use crate::market::Market;
use crate::number::{count, real, size};
use crate::packing::Table;
use crate::space::{self, Vector};
use model::aims::Aims;
use model::memory::Memory;
use std::sync::Arc;

/// See the module.
pub(super) struct Prices<'a> {
    pub(super) market: Market<'a>,
    pub(super) table: Table,
    /// By row of the table: what one pod pays, nano-dollars per hour.
    pub(super) pays: Vec<i64>,
    /// By row: a kind that stands for it, and its request in the fleet's dimensions.
    pub(super) kinds: Vec<(u32, Vector)>,
    /// By kind.
    row_of: Vec<Option<u32>>,
    /// Columns, what they cost for what they hold at best rising.
    pub(super) by_ratio: Vec<usize>,
    /// By column: what it costs for what it holds at best.
    pub(super) ratio: Vec<f64>,
}

impl<'a> Prices<'a> {
    pub(super) fn new(fleet: &Fleet<'a>, memory: &Memory, aims: &Aims) -> Self {
        let mut counts = vec![0_u32; fleet.kinds.len()];
        for (kind, copies) in fleet.bins.iter().flat_map(|bin| &bin.load) {
            counts[size(*kind)] = counts[size(*kind)].saturating_add(*copies);
        }
        let movable: Vec<usize> = (0..counts.len())
            .filter(|kind| counts[*kind] > 0 && !fleet.kinds[*kind].tied)
            .collect();
        let classes: Vec<Class> = movable
            .iter()
            .map(|kind| {
                // Nobody queues: a class without pods, whose number is told apart.
                let mut class = demand::virtual_class(model::Resources::default(), 0, 0);
                class.body = Arc::clone(&fleet.seen.specs[*kind]);
                class
            })
            .collect();
        let market = Market::new(fleet.seen, memory, aims, &classes);
        let table = Table::new(&market, &classes, None);
        let by_class: Vec<u32> = movable.iter().map(|kind| counts[*kind]).collect();
        let counts = table.counts(&by_class);
        let duals = bound::search(&table, &counts);
        let mut row_of = vec![None; fleet.kinds.len()];
        for (class, kind) in movable.iter().enumerate() {
            row_of[*kind] = Some(count(table.row_of[class]));
        }
        let kinds = table
            .rows
            .iter()
            .map(|row| {
                let kind = row.classes.first().map_or(0, |class| movable[*class]);
                (count(kind), fleet.kinds[kind].ask.clone())
            })
            .collect();
        let mut prices = Self {
            pays: duals.pays.clone(),
            market,
            kinds,
            row_of,
            by_ratio: (0..table.columns.len()).collect(),
            ratio: Vec::new(),
            table,
        };
        prices.rank(&counts);
        prices
    }

    /// Finds out what each column costs for what it holds, all pods there to choose from.
    fn rank(&mut self, counts: &[u32]) {
        let rows: Vec<u32> = (0..self.table.rows.len()).map(count).collect();
        self.ratio = (0..self.table.columns.len())
            .map(|column| {
                let load = self.filled(column, (&rows, counts), Taste::PLAIN);
                real(self.table.columns[column].price) / real(self.worth(&load)).max(1.0)
            })
            .collect();
        let ratio = &self.ratio;
        self.by_ratio
            .sort_by(|a, b| ratio[*a].total_cmp(&ratio[*b]).then(a.cmp(b)));
    }

    /// Row of a kind; none for what must not move.
    pub(super) fn row(&self, kind: u32) -> Option<u32> {
        self.row_of.get(size(kind)).copied().flatten()
    }

    /// What these pods pay together.
    pub(super) fn worth(&self, load: &[(u32, u32)]) -> i64 {
        load.iter()
            .map(|(row, copies)| self.pays[size(*row)].saturating_mul(i64::from(*copies)))
            .sum()
    }

    /// Price of a bin less what its pods pay; none where some of them have no price.
    pub(super) fn waste(&self, fleet: &Fleet<'_>, bin: usize) -> Option<i64> {
        let bin = &fleet.bins[bin];
        let mut paid = 0_i64;
        for (kind, copies) in &bin.load {
            let row = size(self.row(*kind)?);
            if !self.table.has_column(row) {
                return None;
            }
            paid = paid.saturating_add(self.pays[row].saturating_mul(i64::from(*copies)));
        }
        Some(bin.price.saturating_sub(paid))
    }

    /// A new node of the column, filled from what is left of the rows.
    pub(super) fn filled(
        &self,
        column: usize,
        (rows, left): (&[u32], &[u32]),
        taste: Taste,
    ) -> Vec<(u32, u32)> {
        let of = &self.table.columns[column];
        let items = rows.iter().filter_map(|row| {
            let at = size(*row);
            (left[at] > 0 && self.table.fits[column][at]).then(|| Item {
                row: *row,
                ask: &self.table.rows[at].ask,
                pays: self.pays[at],
                left: left[at],
            })
        });
        fill::fill(&of.room, items, taste)
    }

    /// Whether a new node of the column holds pods that take `total` together.
    pub(super) fn holds(&self, column: usize, rows: &[u32], total: &[i64]) -> bool {
        space::holds(&self.table.columns[column].room, total)
            && rows.iter().all(|row| self.table.fits[column][size(*row)])
    }
}
