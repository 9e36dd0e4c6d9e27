//! What whole pods leave empty: duals under which a node that they cannot fill to the brim is paid in full.
//!
//! Amounts are replaced by what a dual feasible function makes of them (Fekete and Schepers' u⁽ᵏ⁾: a share x of a room
//! becomes ⌊(k+1)x⌋/k, or x where (k+1)x is whole). Shares that fit together still come to at most one, so every bound
//! stays valid; where most pods ask for the same, and a room holds k of them with something left, it grows by that.
//! Which k is good is found from the pods that are there. Loads of several kinds are column generation's.

use super::{Duals, floor, real};
use crate::number::narrow;
use crate::packing::{Row, Table};
use std::collections::BTreeSet;

/// Requests tried for a dimension of a column: those that ask for most of it.
const TRIED: usize = 12;
/// Most pods of a kind on a node for which something is tried.
const MOST: i64 = 1000;
/// Columns on which no pod pays nearly the least, in hundredths of it, are left as they are.
const NEAR: i64 = 103;

impl Duals {
    /// The same weights on amounts as whole pods fill them; `None` where these pods pay no more by that.
    pub(crate) fn of_whole_pods(&self, table: &Table, counts: &[u32]) -> Option<Self> {
        let mut pays = table.rows.iter().map(Row::solo_price).collect::<Vec<_>>();
        let mut gained = false;
        for (column, fits) in table.fits.iter().enumerate() {
            let plain: Vec<Option<i64>> = fits
                .iter()
                .enumerate()
                .map(|(row, fits)| fits.then(|| self.on_column(table, column, row)))
                .collect();
            let near = |row: usize| {
                let own = plain[row].filter(|_| counts[row] > 0);
                own.is_some_and(|own| own.saturating_mul(100) <= self.pays[row].saturating_mul(NEAR))
            };
            let rows: Vec<usize> = (0..table.rows.len()).filter(|row| near(*row)).collect();
            let steps = self.steps(table, column, (&rows, counts));
            gained |= steps.iter().any(Option::is_some);
            for (row, plain) in plain.iter().enumerate() {
                let Some(plain) = *plain else { continue };
                let price = if steps.iter().all(Option::is_none) {
                    plain
                } else {
                    self.stepped(table, column, (&steps, row))
                };
                pays[row] = pays[row].min(price);
            }
        }
        for pays in pays.iter_mut().filter(|pays| **pays == i64::MAX) {
            *pays = 0;
        }
        let paid = |pays: &[i64]| -> i128 {
            let each = pays.iter().zip(counts);
            each.map(|(pays, count)| i128::from(*pays) * i128::from(*count))
                .sum()
        };
        (gained && paid(&pays) > paid(&self.pays)).then(|| Self { pays, ..self.clone() })
    }

    /// By dimension: the k under which these rows ask for most of the column's room.
    fn steps(&self, table: &Table, column: usize, (rows, counts): (&[usize], &[u32])) -> Vec<Option<i64>> {
        let room = &table.columns[column].room;
        let asks = |dim: usize| {
            rows.iter()
                .map(move |row| (table.rows[*row].ask[dim], counts[*row]))
        };
        let dims = self.shares[column].iter().zip(room).enumerate();
        dims.map(|(dim, (share, room))| {
            let asks: Vec<(i64, u32)> = asks(dim).filter(|(ask, _)| *ask > 0).collect();
            if *share <= 0.0 || *room <= 0 || asks.is_empty() {
                return None;
            }
            let sum = |k: Option<i64>| -> f64 {
                let shares = asks
                    .iter()
                    .map(|(ask, many)| share_of(*ask, *room, k) * f64::from(*many));
                shares.sum()
            };
            let plain = sum(None);
            let tried = candidates(&asks, *room).into_iter().map(|k| (sum(Some(k)), k));
            let best = tried.max_by(|a, b| a.0.total_cmp(&b.0))?;
            (best.0 > plain * (1.0 + 1e-6)).then_some(best.1)
        })
        .collect()
    }

    /// What a pod of the row pays on the column under these steps, rounded down.
    fn stepped(&self, table: &Table, column: usize, (steps, row): (&[Option<i64>], usize)) -> i64 {
        let of = &table.columns[column];
        let scarce = self.scarce.get(of.group).copied().unwrap_or(0);
        let worth = real(of.price.saturating_add(scarce));
        let dims = self.shares[column]
            .iter()
            .zip(&of.room)
            .zip(&table.rows[row].ask)
            .zip(steps);
        let share: f64 = dims
            .filter(|(((_, room), _), _)| **room > 0)
            .map(|(((share, room), ask), k)| share * share_of(*ask, *room, *k))
            .sum();
        floor(worth * share).saturating_add(table.addend(Some(of.tariff), row))
    }
}

/// How many of one request fill the room, for the requests that ask for most of it together.
fn candidates(asks: &[(i64, u32)], room: i64) -> BTreeSet<i64> {
    let mut asks: Vec<(i64, i64)> = asks
        .iter()
        .map(|(ask, many)| (narrow(i128::from(*ask) * i128::from(*many)), *ask))
        .collect();
    asks.sort_unstable_by(|a, b| b.cmp(a));
    asks.dedup_by_key(|(_, ask)| *ask);
    let counts = asks.iter().take(TRIED).map(|(_, ask)| room / ask);
    counts.filter(|k| (1..=MOST).contains(k)).collect()
}

/// What a request counts for of a room.
fn share_of(ask: i64, room: i64, k: Option<i64>) -> f64 {
    let plain = real(ask) / real(room);
    let Some(k) = k else { return plain };
    let parts = i128::from(ask) * i128::from(k + 1);
    if parts % i128::from(room) == 0 {
        plain
    } else {
        real(narrow(parts / i128::from(room))) / real(k)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_fills_a_room_with_something_left_counts_for_more() {
        assert!((share_of(500, 15_710, Some(31)) - 1.0 / 31.0).abs() < 1e-15);
        assert!((share_of(1000, 15_710, Some(31)) - 2.0 / 31.0).abs() < 1e-15);
        assert_eq!(
            candidates(&[(500, 9), (1000, 3), (20_000, 1)], 15_710),
            BTreeSet::from([15, 31])
        );
    }

    proptest! {
        /// Requests that fit into a room together count for at most one.
        #[test]
        fn what_fits_counts_for_at_most_one(
            asks in prop::collection::vec(1..400_i64, 1..20),
            slack in 0..50_i64,
            k in 1..60_i64,
        ) {
            let room = asks.iter().sum::<i64>() + slack;
            let sum: f64 = asks.iter().map(|ask| share_of(*ask, room, Some(k))).sum();
            prop_assert!(sum <= 1.0 + 1e-9, "{sum}");
        }
    }
}
