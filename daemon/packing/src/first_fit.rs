//! First-fit-decreasing: the floor that no plan may exceed.
//!
//! The way common bin autoscalers pack: large items first, each onto the open bin with the fewest items that
//! some kind of bin could still hold; kinds are chosen at the end, cheapest first. Blind to prices until then.

use crate::amounts::{self, Amounts};
use crate::number::count;
use crate::problem::Problem;
use crate::solution::{Batch, Packing, Pattern};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::binary_heap::{BinaryHeap, PeekMut};

struct Open {
    used: Amounts,
    pattern: Pattern,
    total: u32,
    /// Of the columns that no other outdoes, those that run all of its items.
    kinds: Vec<usize>,
}

/// Packs items by row.
pub(crate) fn pack(problem: &Problem, counts: &[u32]) -> Packing {
    let mut rows: Vec<usize> = (0..problem.rows.len()).filter(|row| counts[*row] > 0).collect();
    // Large first: small ones fit into what is left between them.
    rows.sort_by(|a, b| problem.rows[*b].ask.cmp(&problem.rows[*a].ask).then(a.cmp(b)));
    let undominated = undominated(problem);
    let mut open: Vec<Open> = Vec::new();
    let mut left = vec![0; counts.len()];
    for row in rows {
        let mut queue: BinaryHeap<Reverse<(u32, usize)>> = open
            .iter()
            .enumerate()
            .map(|(ix, bin)| Reverse((bin.total, ix)))
            .collect();
        for placed in 0..counts[row] {
            if !place_one(problem, &undominated, &mut open, &mut queue, row) {
                left[row] = counts[row] - placed;
                break;
            }
        }
    }
    buy(problem, open, left)
}

/// Places one item on an open bin or on a fresh one; `false` when no kind of bin runs it.
fn place_one(
    problem: &Problem,
    undominated: &[usize],
    open: &mut Vec<Open>,
    queue: &mut BinaryHeap<Reverse<(u32, usize)>>,
    row: usize,
) -> bool {
    while let Some(mut next) = queue.peek_mut() {
        let Reverse((items, ix)) = *next;
        if add(problem, &mut open[ix], row) {
            *next = Reverse((items + 1, ix));
            return true;
        }
        PeekMut::pop(next);
    }
    let mut fresh = Open {
        used: vec![0; problem.width()],
        pattern: Vec::new(),
        total: 0,
        kinds: undominated.to_vec(),
    };
    if !add(problem, &mut fresh, row) {
        return false;
    }
    // The open bin with the fewest items comes first, as Karpenter's scheduler sorts its in-flight bins.
    queue.push(Reverse((fresh.total, open.len())));
    open.push(fresh);
    true
}

/// Columns with stock left that no other outdoes: whatever one of the others holds, one of these holds as well.
fn undominated(problem: &Problem) -> Vec<usize> {
    let mut undominated: Vec<usize> = Vec::new();
    let open = |column: &usize| problem.stock[problem.columns[*column].group] > 0;
    // The dearest are the largest, most often: few comparisons are left for the others.
    for column in (0..problem.columns.len()).rev().filter(open) {
        let outdone = |by: &usize| {
            let capacity = |column: usize| &problem.columns[column].capacity;
            let wide = capacity(*by)
                .iter()
                .zip(capacity(column))
                .all(|(by, own)| by >= own);
            wide && problem.fits[*by]
                .iter()
                .zip(&problem.fits[column])
                .all(|(by, own)| *by || !*own)
        };
        if !undominated.iter().any(outdone) {
            undominated.push(column);
        }
    }
    undominated
}

/// Adds an item if some kind still holds the bin with it.
fn add(problem: &Problem, bin: &mut Open, row: usize) -> bool {
    let name = count(row);
    let there = bin
        .pattern
        .last()
        .filter(|(last, _)| *last == name)
        .map_or(0, |(_, n)| *n);
    if problem.rows[row].cap.is_some_and(|cap| there >= cap) {
        return false;
    }
    let known = bin.pattern.last().is_some_and(|(last, _)| *last == name);
    amounts::put(&mut bin.used, &problem.rows[row].ask, 1);
    let holds = |kind: usize| {
        (known || problem.fits[kind][row]) && amounts::holds(&problem.columns[kind].capacity, &bin.used)
    };
    if !bin.kinds.iter().any(|kind| holds(*kind)) {
        amounts::take(&mut bin.used, &problem.rows[row].ask, 1);
        return false;
    }
    if known {
        if let Some((_, count)) = bin.pattern.last_mut() {
            *count += 1;
        }
    } else {
        bin.kinds.retain(|kind| problem.fits[*kind][row]);
        bin.pattern.push((name, 1));
    }
    bin.total += 1;
    true
}

/// Chooses the cheapest kind for every open bin; bins whose groups are used up give their items back.
fn buy(problem: &Problem, open: Vec<Open>, mut left: Vec<u32>) -> Packing {
    let addends = !problem.addends.is_empty();
    let mut stock = problem.stock.clone();
    let mut batches: BTreeMap<(usize, Pattern), u32> = BTreeMap::new();
    for mut bin in open {
        bin.pattern.sort_unstable();
        let fits = |kind: &usize| {
            stock[problem.columns[*kind].group] > 0
                && amounts::holds(&problem.columns[*kind].capacity, &bin.used)
                && bin
                    .pattern
                    .iter()
                    .all(|(row, _)| problem.fits[*kind][*row as usize])
        };
        let mut kinds = (0..problem.columns.len()).filter(fits);
        // Columns come cheapest first; addends may turn that round.
        let kind = if addends {
            kinds.min_by_key(|kind| (problem.bin_price(*kind, &bin.pattern), *kind))
        } else {
            kinds.next()
        };
        if let Some(kind) = kind {
            stock[problem.columns[kind].group] -= 1;
            *batches.entry((kind, bin.pattern)).or_insert(0) += 1;
        } else {
            for (row, count) in bin.pattern {
                left[row as usize] += count;
            }
        }
    }
    Packing {
        batches: batches
            .into_iter()
            .map(|((column, pattern), copies)| Batch {
                column,
                copies,
                pattern,
            })
            .collect(),
        left,
    }
}
