//! What whole items leave empty: duals under which a bin that they cannot fill to the brim is paid in full.
//!
//! Amounts are replaced by what a dual feasible function makes of them (Fekete and Schepers' u⁽ᵏ⁾: a share x of a capacity
//! becomes ⌊(k+1)x⌋/k, or x where (k+1)x is whole). Shares that fit together still come to at most one, so every bound
//! stays valid; where most items ask for the same, and a capacity holds k of them with something left, it grows by that.
//! Which k is good is found from the items that are there. Patterns of several kinds are column generation's.

use super::{Duals, floor, real};
use crate::number::narrow;
use crate::problem::{Problem, Row};
use std::collections::BTreeSet;

/// Requests tried for a dimension of a column: those that ask for most of it.
const TRIED: usize = 12;
/// Most items of a kind on a bin for which something is tried.
const MOST: i64 = 1000;
/// Columns on which no item pays nearly the least, in hundredths of it, are left as they are.
const NEAR: i64 = 103;

impl Duals {
    /// The same weights on amounts as whole items fill them; `None` where these items pay no more by that.
    pub fn of_whole_items(&self, problem: &Problem, counts: &[u32]) -> Option<Self> {
        let mut pays = problem.rows.iter().map(Row::price_alone).collect::<Vec<_>>();
        let mut gained = false;
        for (column, fits) in problem.fits.iter().enumerate() {
            let plain: Vec<Option<i64>> = fits
                .iter()
                .enumerate()
                .map(|(row, fits)| fits.then(|| self.on_column(problem, column, row)))
                .collect();
            let near = |row: usize| {
                let own = plain[row].filter(|_| counts[row] > 0);
                own.is_some_and(|own| own.saturating_mul(100) <= self.pays[row].saturating_mul(NEAR))
            };
            let rows: Vec<usize> = (0..problem.rows.len()).filter(|row| near(*row)).collect();
            let steps = self.steps(problem, column, &rows, counts);
            gained |= steps.iter().any(Option::is_some);
            for (row, plain) in plain.iter().enumerate() {
                let Some(plain) = *plain else { continue };
                let price = if steps.iter().all(Option::is_none) {
                    plain
                } else {
                    self.stepped(problem, column, &steps, row)
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

    /// By dimension: the k under which these rows ask for most of the column's capacity.
    fn steps(&self, problem: &Problem, column: usize, rows: &[usize], counts: &[u32]) -> Vec<Option<i64>> {
        let capacity = &problem.columns[column].capacity;
        let asks = |dim: usize| {
            rows.iter()
                .map(move |row| (problem.rows[*row].ask[dim], counts[*row]))
        };
        let dims = self.shares[column].iter().zip(capacity).enumerate();
        dims.map(|(dim, (share, capacity))| {
            let asks: Vec<(i64, u32)> = asks(dim).filter(|(ask, _)| *ask > 0).collect();
            if *share <= 0.0 || *capacity <= 0 || asks.is_empty() {
                return None;
            }
            let sum = |k: Option<i64>| -> f64 {
                let shares = asks
                    .iter()
                    .map(|(ask, many)| share_of(*ask, *capacity, k) * f64::from(*many));
                shares.sum()
            };
            let plain = sum(None);
            let tried = candidates(&asks, *capacity)
                .into_iter()
                .map(|k| (sum(Some(k)), k));
            let best = tried.max_by(|a, b| a.0.total_cmp(&b.0))?;
            (best.0 > plain * (1.0 + 1e-6)).then_some(best.1)
        })
        .collect()
    }

    /// What an item of the row pays on the column under these steps, rounded down.
    fn stepped(&self, problem: &Problem, column: usize, steps: &[Option<i64>], row: usize) -> i64 {
        let of = &problem.columns[column];
        let scarce = self.scarce.get(of.group).copied().unwrap_or(0);
        let worth = real(of.price.saturating_add(scarce));
        let dims = self.shares[column]
            .iter()
            .zip(&of.capacity)
            .zip(&problem.rows[row].ask)
            .zip(steps);
        let share: f64 = dims
            .filter(|(((_, capacity), _), _)| **capacity > 0)
            .map(|(((share, capacity), ask), k)| share * share_of(*ask, *capacity, *k))
            .sum();
        floor(worth * share).saturating_add(problem.addend(Some(of.tariff), row))
    }
}

/// How many of one request fill the capacity, for the requests that ask for most of it together.
fn candidates(asks: &[(i64, u32)], capacity: i64) -> BTreeSet<i64> {
    let mut asks: Vec<(i64, i64)> = asks
        .iter()
        .map(|(ask, many)| (narrow(i128::from(*ask) * i128::from(*many)), *ask))
        .collect();
    asks.sort_unstable_by(|a, b| b.cmp(a));
    asks.dedup_by_key(|(_, ask)| *ask);
    let counts = asks.iter().take(TRIED).map(|(_, ask)| capacity / ask);
    counts.filter(|k| (1..=MOST).contains(k)).collect()
}

/// What a request counts for of a capacity.
fn share_of(ask: i64, capacity: i64, k: Option<i64>) -> f64 {
    let plain = real(ask) / real(capacity);
    let Some(k) = k else { return plain };
    let parts = i128::from(ask) * i128::from(k + 1);
    if parts % i128::from(capacity) == 0 {
        plain
    } else {
        real(narrow(parts / i128::from(capacity))) / real(k)
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
        /// Requests that fit into a capacity together count for at most one.
        #[test]
        fn what_fits_counts_for_at_most_one(
            asks in prop::collection::vec(1..400_i64, 1..20),
            slack in 0..50_i64,
            k in 1..60_i64,
        ) {
            let capacity = asks.iter().sum::<i64>() + slack;
            let sum: f64 = asks.iter().map(|ask| share_of(*ask, capacity, Some(k))).sum();
            prop_assert!(sum <= 1.0 + 1e-9, "{sum}");
        }
    }
}
