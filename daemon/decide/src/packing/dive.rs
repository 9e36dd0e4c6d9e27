//! From a fractional mixture of loads to whole nodes: buy the whole parts, then the largest fraction, solve for
//! what is left, and so on. Of many nodes several are bought before the rest is solved anew.

use super::patterns::Patterns;
use super::shop::{Load, Shop};
use super::{Batch, Packing};
use crate::number::whole;

/// Rounds at most.
const MOST_ROUNDS: u32 = 400;
/// Patterns that a dive looks at, for each row.
const PATTERNS_A_ROW: usize = 4;
/// Pivots of one solution at most.
const MOST_PIVOTS: usize = 2000;

/// Buys until the mixture is fewer nodes than `rest`; what is left is the caller's. Of many fractions the largest, this
/// share of them, are bought before the rest is solved anew.
pub(super) fn dive<const D: usize>(
    patterns: &mut Patterns<'_, D>,
    counts: &[u32],
    (rest, share): (f64, f64),
) -> Packing {
    let shop = patterns.shop;
    patterns.master.keep_best(PATTERNS_A_ROW * patterns.rows.len());
    let mut left = counts.to_vec();
    let mut growth = shop.table.growth.clone();
    let mut batches: Vec<Batch> = Vec::new();
    for _ in 0..MOST_ROUNDS {
        let mut mixture: Vec<(usize, f64)> = patterns
            .master
            .solution()
            .filter(|(ix, _)| patterns.loads.get(*ix).is_some_and(Option::is_some))
            .collect();
        let nodes: f64 = mixture.iter().map(|(_, amount)| amount).sum();
        if nodes <= rest || left.iter().all(|left| *left == 0) {
            break;
        }
        let bought = whole_parts(patterns, &mixture, (&mut left, &mut growth));
        let many = if bought.is_empty() {
            at_once(nodes * share)
        } else {
            0
        };
        batches.extend(bought);
        let before = batches.len();
        for _ in 0..many {
            let Some((ix, batch)) = largest_fraction(patterns, &mixture, (&mut left, &mut growth)) else {
                break;
            };
            mixture.retain(|(of, _)| *of != ix);
            batches.push(batch);
        }
        if many > 0 && batches.len() == before {
            break;
        }
        let wanted: Vec<f64> = patterns
            .rows
            .iter()
            .map(|row| f64::from(left[*row as usize]))
            .chain(
                patterns
                    .limits
                    .iter()
                    .map(|(group, _)| -f64::from(growth[*group])),
            )
            .collect();
        if !patterns.master.rewant(&wanted, MOST_PIVOTS) {
            break;
        }
    }
    Packing { batches, left }
}

/// Whole fractions, one at least.
fn at_once(nodes: f64) -> usize {
    usize::try_from(whole(nodes)).map_or(1, |many| many.max(1))
}

fn whole_parts<const D: usize>(
    patterns: &Patterns<'_, D>,
    mixture: &[(usize, f64)],
    (left, growth): (&mut [u32], &mut [u32]),
) -> Vec<Batch> {
    let mut bought = Vec::new();
    for (ix, amount) in mixture {
        let Some(Some((column, load))) = patterns.loads.get(*ix) else {
            continue;
        };
        let room = &mut growth[patterns.shop.table.columns[*column].group];
        let copies = load
            .iter()
            .map(|(row, n)| left[*row as usize] / n)
            .fold(whole(amount + 1e-6).min(*room), u32::min);
        if copies > 0 {
            *room -= copies;
            for (row, n) in load {
                left[*row as usize] -= n * copies;
            }
            bought.push(Batch {
                column: *column,
                copies,
                pods: load.clone(),
            });
        }
    }
    bought
}

/// One node of the load with the largest fraction, cut to what is left, topped up, on the cheapest column; with the
/// purchase it comes from.
fn largest_fraction<const D: usize>(
    patterns: &Patterns<'_, D>,
    mixture: &[(usize, f64)],
    (left, growth): (&mut [u32], &mut [u32]),
) -> Option<(usize, Batch)> {
    let shop = patterns.shop;
    let surplus = |load: &Load| -> f64 {
        load.iter()
            .map(|(row, n)| f64::from(n.saturating_sub(left[*row as usize])) / f64::from(*n))
            .sum()
    };
    let (_, bought, column, load) = mixture
        .iter()
        .filter_map(|(ix, amount)| {
            let (column, load) = patterns.loads.get(*ix)?.as_ref()?;
            let open = growth[shop.table.columns[*column].group] > 0;
            open.then(|| (amount.fract() - 1e-3 * surplus(load), *ix, *column, load))
        })
        .max_by(|a, b| a.0.total_cmp(&b.0))?;
    let mut load: Load = load
        .iter()
        .map(|(row, n)| (*row, (*n).min(left[*row as usize])))
        .filter(|(_, n)| *n > 0)
        .collect();
    if load.is_empty() {
        return None;
    }
    for (row, n) in &load {
        left[*row as usize] -= n;
    }
    top_up(shop, column, &mut load, left);
    load.sort_unstable();
    let group = |column: usize| shop.table.columns[column].group;
    let column = shop
        .cheapest_of(|column| growth[group(column)] > 0, &shop.amounts(&load), &load)
        .unwrap_or(column);
    growth[group(column)] -= 1;
    let batch = Batch {
        column,
        copies: 1,
        pods: load,
    };
    Some((bought, batch))
}

/// Puts on the node what still fits, the most valuable pods first.
fn top_up<const D: usize>(shop: &Shop<'_, D>, column: usize, load: &mut Load, left: &mut [u32]) {
    let mut used = shop.amounts(load);
    let mut rows: Vec<u32> = shop.rows_of[column]
        .iter()
        .copied()
        .filter(|row| left[*row as usize] > 0)
        .collect();
    rows.sort_by(|a, b| {
        let pays = |row: &u32| shop.pays[*row as usize];
        pays(b).total_cmp(&pays(a)).then(a.cmp(b))
    });
    for row in rows {
        let there = load.iter().find(|(on, _)| *on == row).map_or(0, |(_, n)| *n);
        let copies = shop
            .copies_beside(column, &used, row)
            .min(shop.cap[row as usize].saturating_sub(there))
            .min(left[row as usize]);
        if copies == 0 {
            continue;
        }
        shop.put(&mut used, row, copies);
        left[row as usize] -= copies;
        match load.iter_mut().find(|(on, _)| *on == row) {
            Some((_, n)) => *n += copies,
            None => load.push((row, copies)),
        }
    }
}
