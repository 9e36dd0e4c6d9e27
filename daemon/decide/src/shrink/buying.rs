//! New nodes for the pods of a probe that free room does not hold.
//!
//! One after the other: everything that is left on one node, or the kind of node whose filling costs least for what
//! it holds, cut down to the cheapest that holds it. Ends as soon as more is paid than could still be saved.

use super::search::{New, Search};
use crate::fill::Taste;
use crate::number::{real, size};
use crate::space;

/// Kinds of new nodes that are filled for each that is bought, best for their price.
const COLUMNS: usize = 16;

impl Search<'_, '_> {
    /// New nodes for what is left; `None` once they cost as much as there is to spare.
    pub(super) fn buy(&mut self, spare: f64, (set, taste): (Option<usize>, Taste)) -> Option<Vec<New>> {
        let mut bought: Vec<New> = Vec::new();
        let mut paid = 0_i64;
        let mut growth: Vec<(usize, u32)> = Vec::new();
        let mut quotas = self.quotas.clone();
        while !self.rows.is_empty() {
            let open = |column: usize| {
                let (of, group) = (&self.prices.table.sold[column], self.prices.group(column));
                let taken = growth.iter().find(|(known, _)| *known == group);
                set.is_none_or(|set| set == of.set)
                    && quotas.allows(group, &of.each)
                    && self.prices.market.weights[group] >= self.weight
                    && self.growth[group] > taken.map_or(0, |(_, taken)| *taken)
            };
            let new = self.next(&open, taste)?;
            paid = paid.saturating_add(self.prices.counted(new.column, &new.load));
            if real(paid) >= spare {
                return None;
            }
            let group = self.prices.group(new.column);
            quotas.take(group, &self.prices.table.sold[new.column].each, 1);
            match growth.iter_mut().find(|(known, _)| *known == group) {
                Some((_, taken)) => *taken += 1,
                None => growth.push((group, 1)),
            }
            for (row, copies) in &new.load {
                self.left[size(*row)] -= copies;
            }
            let left = &self.left;
            self.rows.retain(|row| left[size(*row)] > 0);
            bought.push(new);
        }
        Some(bought)
    }

    /// The next new node: everything on one, or the column whose filling costs least for what it holds.
    fn next(&self, open: &dyn Fn(usize) -> bool, taste: Taste) -> Option<New> {
        let prices = self.prices;
        let all: Vec<(u32, u32)> = self
            .rows
            .iter()
            .map(|row| (*row, self.left[size(*row)]))
            .collect();
        let last = self.cheapest(open, &all);
        let key = |column: usize, load: &[(u32, u32)]| {
            real(prices.counted(column, load)) / real(prices.worth(load)).max(1.0)
        };
        let mut best = last.map(|column| {
            (
                key(column, &all),
                New {
                    column,
                    load: all,
                    offer: None,
                },
            )
        });
        let columns = prices.by_ratio.iter().copied().filter(|column| open(*column));
        for column in columns.take(COLUMNS) {
            // No filling of it can beat what is known already.
            if best
                .as_ref()
                .is_some_and(|(least, _)| prices.ratio[column] >= *least)
            {
                break;
            }
            let load = prices.filled(column, (&self.rows, &self.left), taste);
            if load.is_empty() {
                continue;
            }
            let column = self.cheapest(open, &load).unwrap_or(column);
            let key = key(column, &load);
            if best.as_ref().is_none_or(|(least, _)| key < *least) {
                best = Some((
                    key,
                    New {
                        column,
                        load,
                        offer: None,
                    },
                ));
            }
        }
        best.map(|(_, new)| new)
    }

    /// The cheapest column that holds these pods.
    fn cheapest(&self, open: &dyn Fn(usize) -> bool, load: &[(u32, u32)]) -> Option<usize> {
        if !self.prices.get_on(load) {
            return None;
        }
        let table = &self.prices.table;
        let mut total = vec![0_i64; table.problem.width()];
        for (row, copies) in load {
            space::put(&mut total, &table.problem.rows[size(*row)].ask, *copies);
        }
        let rows: Vec<u32> = load.iter().map(|(row, _)| *row).collect();
        // Columns are in the order of their prices.
        (0..table.problem.columns.len())
            .find(|column| open(*column) && self.prices.holds(*column, &rows, &total))
    }
}
