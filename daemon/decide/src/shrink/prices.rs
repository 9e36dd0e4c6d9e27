//! What pods that run are worth, and what could be bought in place of their nodes.
//!
//! Duals of everything that may move, on everything that is for sale: no repack of a set of nodes saves more than
//! what they waste and the free room of others that it fills, so waste says where to look. Money is exact; worth
//! only steers.

use super::fleet::Fleet;
use crate::bound;
use crate::constraints::Crowding;
use crate::demand::{self, Class};
use crate::fill::{self, Item, Taste};
use crate::market::Market;
use crate::number::{count, real, size};
use crate::packing::{Column, Table};
use crate::space::{self, Vector};
use crate::spot::{self, Pools};
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
    /// By row: lone crowds that its pods are of; rows of such pods have one kind each.
    crowds: Vec<Vec<u32>>,
    /// By kind.
    row_of: Vec<Option<u32>>,
    /// Columns, what they cost for what they hold at best rising.
    pub(super) by_ratio: Vec<usize>,
    /// By column: what it costs for what it holds at best.
    pub(super) ratio: Vec<f64>,
    /// By column: what a new node of it counts on top.
    on_top: Vec<OnTop>,
    /// By bin: what it counts on top.
    bins_on_top: Vec<OnTop>,
}

/// What a node counts beside its price (`aims.spot`), nano-dollars per hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OnTop {
    /// For where it stands.
    node: i64,
    /// For each of its pods.
    pod: i64,
}

impl OnTop {
    /// With so many pods.
    pub(super) fn with(self, pods: u32) -> i64 {
        self.node.saturating_add(self.pod.saturating_mul(i64::from(pods)))
    }

    /// For so many more pods.
    pub(super) fn for_more(self, pods: u32) -> i64 {
        self.pod.saturating_mul(i64::from(pods))
    }
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
                if !fleet.kinds[*kind].crowds.is_empty() {
                    class.crowding = Arc::new(Crowding::alone(count(*kind)));
                }
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
        let kinds: Vec<usize> = table
            .rows
            .iter()
            .map(|row| row.classes.first().map_or(0, |class| movable[*class]))
            .collect();
        let mut prices = Self {
            pays: duals.pays.clone(),
            market,
            crowds: kinds
                .iter()
                .map(|kind| fleet.kinds[*kind].crowds.clone())
                .collect(),
            kinds: kinds
                .iter()
                .map(|kind| (count(*kind), fleet.kinds[*kind].ask.clone()))
                .collect(),
            row_of,
            by_ratio: (0..table.columns.len()).collect(),
            ratio: Vec::new(),
            on_top: Vec::new(),
            bins_on_top: Vec::new(),
            table,
        };
        prices.count_on_top(fleet, aims);
        prices.rank(&counts);
        prices
    }

    fn count_on_top(&mut self, fleet: &Fleet<'_>, aims: &Aims) {
        let pools = Pools::of(fleet.seen, aims);
        let market = &self.market;
        let column = |of: &Column| {
            let offers = market.lots[of.lot].offers.iter();
            let more = |pools: &Pools| offers.map(|offer| pools.on_top_of_one_more(*offer)).min();
            OnTop {
                node: pools.as_ref().and_then(more).unwrap_or(0),
                pod: of.risk,
            }
        };
        let bin = |at: usize| {
            let offer = fleet.offer(at)?;
            Some(OnTop {
                node: pools.as_ref().map_or(0, |pools| pools.on_top(offer)),
                pod: spot::risk(&fleet.seen.offers[offer], aims),
            })
        };
        self.on_top = self.table.columns.iter().map(column).collect();
        self.bins_on_top = (0..fleet.bins.len())
            .map(|at| bin(at).unwrap_or_default())
            .collect();
    }

    /// Price of a new node of the column with these pods, and what it counts on top.
    pub(super) fn counted(&self, column: usize, load: &[(u32, u32)]) -> i64 {
        let pods = load.iter().map(|(_, copies)| copies).sum();
        let on_top = self.on_top[column].with(pods);
        self.table.columns[column].price.saturating_add(on_top)
    }

    /// What a bin counts on top of its price.
    pub(super) fn on_top(&self, bin: usize) -> OnTop {
        self.bins_on_top.get(bin).copied().unwrap_or_default()
    }

    /// Finds out what each column costs for what it holds, all pods there to choose from.
    fn rank(&mut self, counts: &[u32]) {
        let rows: Vec<u32> = (0..self.table.rows.len()).map(count).collect();
        self.ratio = (0..self.table.columns.len())
            .map(|column| {
                let load = self.filled(column, (&rows, counts), Taste::PLAIN);
                real(self.counted(column, &load)) / real(self.worth(&load)).max(1.0)
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
                left: if self.crowds[at].is_empty() { left[at] } else { 1 },
            })
        });
        let mut load = fill::fill(&of.room, items, taste);
        let mut there: Vec<u32> = Vec::new();
        load.retain(|(row, _)| self.joins(&mut there, *row));
        load
    }

    /// Whether these pods may be on one node, as far as they are kept apart from each other.
    pub(super) fn get_on(&self, load: &[(u32, u32)]) -> bool {
        let mut there: Vec<u32> = Vec::new();
        load.iter().all(|(row, copies)| {
            (*copies <= 1 || self.crowds[size(*row)].is_empty()) && self.joins(&mut there, *row)
        })
    }

    /// Whether a pod of the row may join these lone crowds; they are counted then.
    fn joins(&self, there: &mut Vec<u32>, row: u32) -> bool {
        let crowds = &self.crowds[size(row)];
        let joins = !crowds.iter().any(|crowd| there.contains(crowd));
        if joins {
            there.extend(crowds);
        }
        joins
    }

    /// Whether a new node of the column holds pods that take `total` together.
    pub(super) fn holds(&self, column: usize, rows: &[u32], total: &[i64]) -> bool {
        space::holds(&self.table.columns[column].room, total)
            && rows.iter().all(|row| self.table.fits[column][size(*row)])
    }
}
