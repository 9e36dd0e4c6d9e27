//! From a fractional mixture of patterns to whole bins: buy the whole parts, then the largest fraction, solve for
//! what is left, and so on. Of many bins several are bought before the rest is solved anew.

use crate::generate::Generation;
use crate::number::whole;
use crate::solution::{Batch, Packing, Pattern};
use crate::table::Table;

/// Rounds at most.
const MOST_ROUNDS: u32 = 400;
/// Generation that a dive looks at, for each row.
const PATTERNS_A_ROW: usize = 4;
/// Pivots of one solution at most.
const MOST_PIVOTS: usize = 2000;

/// How far a dive goes.
#[derive(Clone, Copy)]
pub(crate) struct Depth {
    /// It ends where the mixture is no more bins than this.
    pub(crate) rest: f64,
    /// Where nothing of the mixture is whole, the largest fractions are bought: this share of them at once, one at least.
    pub(crate) at_once: f64,
}

/// What can still be bought, and for whom.
struct Open {
    /// By row: items without a bin.
    left: Vec<u32>,
    /// By group: bins.
    stock: Vec<u32>,
}

/// Buys bins of the mixture; what is left is the caller's.
pub(crate) fn dive<const D: usize>(
    generation: &mut Generation<'_, D>,
    counts: &[u32],
    depth: Depth,
) -> Packing {
    let table = generation.table;
    generation
        .master
        .keep_best(PATTERNS_A_ROW * generation.rows.len());
    let mut open = Open {
        left: counts.to_vec(),
        stock: table.problem.stock.clone(),
    };
    let mut batches: Vec<Batch> = Vec::new();
    for _ in 0..MOST_ROUNDS {
        let mut mixture: Vec<(usize, f64)> = generation
            .master
            .solution()
            .filter(|(ix, _)| generation.patterns.get(*ix).is_some_and(Option::is_some))
            .collect();
        let bins: f64 = mixture.iter().map(|(_, amount)| amount).sum();
        if bins <= depth.rest || open.left.iter().all(|left| *left == 0) {
            break;
        }
        let bought = whole_parts(generation, &mixture, &mut open);
        let many = if bought.is_empty() {
            at_once(bins * depth.at_once)
        } else {
            0
        };
        batches.extend(bought);
        let before = batches.len();
        for _ in 0..many {
            let Some((ix, batch)) = largest_fraction(generation, &mixture, &mut open) else {
                break;
            };
            mixture.retain(|(of, _)| *of != ix);
            batches.push(batch);
        }
        // Nothing whole, and no fraction that could be bought: another solution of the same master would be the same.
        if many > 0 && batches.len() == before {
            break;
        }
        let wanted: Vec<f64> = generation
            .rows
            .iter()
            .map(|row| f64::from(open.left[*row as usize]))
            .chain(
                generation
                    .limits
                    .iter()
                    .map(|(group, _)| -f64::from(open.stock[*group])),
            )
            .collect();
        if !generation.master.rewant(&wanted, MOST_PIVOTS) {
            break;
        }
    }
    Packing {
        batches,
        left: open.left,
    }
}

/// Whole fractions, one at least.
fn at_once(bins: f64) -> usize {
    usize::try_from(whole(bins)).map_or(1, |many| many.max(1))
}

fn whole_parts<const D: usize>(
    generation: &Generation<'_, D>,
    mixture: &[(usize, f64)],
    open: &mut Open,
) -> Vec<Batch> {
    let mut bought = Vec::new();
    for (ix, amount) in mixture {
        let Some(Some((column, pattern))) = generation.patterns.get(*ix) else {
            continue;
        };
        let stock = &mut open.stock[generation.table.problem.columns[*column].group];
        let copies = pattern
            .iter()
            .map(|(row, n)| open.left[*row as usize] / n)
            .fold(whole(amount + 1e-6).min(*stock), u32::min);
        if copies > 0 {
            *stock -= copies;
            for (row, n) in pattern {
                open.left[*row as usize] -= n * copies;
            }
            bought.push(Batch {
                column: *column,
                copies,
                pattern: pattern.clone(),
            });
        }
    }
    bought
}

/// One bin of the pattern with the largest fraction, cut to what is left, topped up, on the cheapest column; with the
/// purchase it comes from.
fn largest_fraction<const D: usize>(
    generation: &Generation<'_, D>,
    mixture: &[(usize, f64)],
    open: &mut Open,
) -> Option<(usize, Batch)> {
    let table = generation.table;
    let surplus = |pattern: &Pattern| -> f64 {
        pattern
            .iter()
            .map(|(row, n)| f64::from(n.saturating_sub(open.left[*row as usize])) / f64::from(*n))
            .sum()
    };
    let (_, bought, column, pattern) = mixture
        .iter()
        .filter_map(|(ix, amount)| {
            let (column, pattern) = generation.patterns.get(*ix)?.as_ref()?;
            let is_open = open.stock[table.problem.columns[*column].group] > 0;
            is_open.then(|| (amount.fract() - 1e-3 * surplus(pattern), *ix, *column, pattern))
        })
        .max_by(|a, b| a.0.total_cmp(&b.0))?;
    let mut pattern: Pattern = pattern
        .iter()
        .map(|(row, n)| (*row, (*n).min(open.left[*row as usize])))
        .filter(|(_, n)| *n > 0)
        .collect();
    if pattern.is_empty() {
        return None;
    }
    for (row, n) in &pattern {
        open.left[*row as usize] -= n;
    }
    // The pattern was made for all items; where some are gone there is capacity left that others would need a bin for.
    top_up(table, column, &mut pattern, &mut open.left);
    pattern.sort_unstable();
    let group = |column: usize| table.problem.columns[column].group;
    let column = table
        .cheapest_of(
            |column| open.stock[group(column)] > 0,
            &table.amounts(&pattern),
            &pattern,
        )
        .unwrap_or(column);
    open.stock[group(column)] -= 1;
    let batch = Batch {
        column,
        copies: 1,
        pattern,
    };
    Some((bought, batch))
}

/// Puts on the bin what still fits, the most valuable items first.
fn top_up<const D: usize>(table: &Table<'_, D>, column: usize, pattern: &mut Pattern, left: &mut [u32]) {
    let mut used = table.amounts(pattern);
    let mut rows: Vec<u32> = table.rows_of[column]
        .iter()
        .copied()
        .filter(|row| left[*row as usize] > 0)
        .collect();
    rows.sort_by(|a, b| {
        let pays = |row: &u32| table.pays[*row as usize];
        pays(b).total_cmp(&pays(a)).then(a.cmp(b))
    });
    for row in rows {
        let there = pattern.iter().find(|(on, _)| *on == row).map_or(0, |(_, n)| *n);
        let copies = table
            .copies_beside(column, &used, row)
            .min(table.cap[row as usize].saturating_sub(there))
            .min(left[row as usize]);
        if copies == 0 {
            continue;
        }
        table.put(&mut used, row, copies);
        left[row as usize] -= copies;
        match pattern.iter_mut().find(|(on, _)| *on == row) {
            Some((_, n)) => *n += copies,
            None => pattern.push((row, copies)),
        }
    }
}
