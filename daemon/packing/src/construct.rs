//! One construction: bin after bin, always the column whose filling costs least for what it holds.
//!
//! A filled pattern is bought as often as the demand repeats it, so that work grows with rows, not items.

use crate::fill::{Left, Scoring, Workspace};
use crate::solution::{Batch, Packing, Pattern};
use crate::stock::Stock;
use crate::table::Table;

/// The constructions that are tried.
pub(crate) const SCORINGS: [Scoring; 6] = [
    scoring(0.5, 2, 8),
    scoring(0.0, 2, 8),
    scoring(1.0, 2, 4),
    scoring(0.25, 8, 16),
    scoring(2.0, 4, 2),
    scoring(0.5, 0, 8),
];

const fn scoring(widest: f32, sharpness: i32, part: u32) -> Scoring {
    Scoring {
        widest,
        sharpness,
        part,
        noise: 0.0,
        even: false,
    }
}

/// The construction for a shared cap that sets how many bins there are.
pub(crate) const EVEN: Scoring = Scoring {
    even: true,
    ..scoring(0.5, 2, 8)
};

/// Columns filled afresh for one bin.
const FILLS_A_BIN: u32 = 6;

/// A filled column as last seen.
#[derive(Clone, Default)]
struct Candidate {
    /// Price for value; lower is better.
    key: f64,
    /// Round it was made in.
    round: u32,
    pattern: Pattern,
}

struct State<const D: usize> {
    /// By row: items without a place.
    left: Vec<u32>,
    /// Rows that have some.
    rows: Vec<u32>,
    /// What those items take and pay together.
    total: Amounts64<D>,
    value: f64,
    stock: Stock,
    candidates: Vec<Candidate>,
    round: u32,
}

/// Amounts that may be larger than a bin's.
type Amounts64<const D: usize> = [f64; D];

/// Packs items by row, with capacity to grow.
pub(crate) fn pack<const D: usize>(
    table: &Table<'_, D>,
    counts: &[u32],
    stock: Stock,
    scoring: Scoring,
    workspace: &mut Workspace<D>,
) -> Packing {
    let mut state = State::new(table, counts, stock);
    let mut batches = Vec::new();
    while let Some(column) = next_column(table, &mut state, scoring, workspace) {
        let pattern = std::mem::take(&mut state.candidates[column].pattern);
        let used = table.amounts(&pattern);
        // A bin is filled as the column promised most for; a smaller or cheaper one may hold just that.
        let column = table.cheapest(&state.stock, &used, &pattern).unwrap_or(column);
        if let Some(batch) = all_in_one(table, &state, column, &pattern) {
            batches.push(batch);
            state.left.fill(0);
            break;
        }
        // Bought as often as the demand repeats it: work grows with kinds of bins found, not with bins.
        let repeats = pattern
            .iter()
            .map(|(row, n)| state.left[*row as usize] / n)
            .min()
            .unwrap_or(1);
        let copies = state.stock.most(table.problem, column, repeats).max(1);
        state.buy(table, column, &pattern, copies);
        batches.push(Batch {
            column,
            copies,
            pattern,
        });
    }
    Packing {
        batches,
        left: state.left,
    }
}

impl<const D: usize> State<D> {
    fn new(table: &Table<'_, D>, counts: &[u32], stock: Stock) -> Self {
        let rows: Vec<u32> = (0_u32..)
            .zip(counts)
            .filter(|(_, count)| **count > 0)
            .map(|(row, _)| row)
            .collect();
        let mut state = Self {
            left: counts.to_vec(),
            total: [0.0; D],
            value: 0.0,
            stock,
            candidates: table
                .ratio
                .iter()
                .map(|ratio| Candidate {
                    key: 1.0 / ratio.max(1e-9),
                    ..Candidate::default()
                })
                .collect(),
            round: 0,
            rows,
        };
        for row in &state.rows {
            let count = f64::from(counts[*row as usize]);
            state.value += table.pays[*row as usize] * count;
            for (dim, total) in state.total.iter_mut().enumerate() {
                *total += f64::from(table.ask[dim][*row as usize]) * count;
            }
        }
        state
    }

    fn to_place(&self) -> Left<'_> {
        Left {
            rows: &self.rows,
            counts: &self.left,
        }
    }

    fn buy(&mut self, table: &Table<'_, D>, column: usize, pattern: &[(u32, u32)], copies: u32) {
        self.stock.buy(table.problem, column, copies);
        for (row, n) in pattern {
            let items = n * copies;
            self.left[*row as usize] -= items;
            self.value -= table.pays[*row as usize] * f64::from(items);
            for (dim, total) in self.total.iter_mut().enumerate() {
                *total -= f64::from(table.ask[dim][*row as usize]) * f64::from(items);
            }
        }
        let left = &self.left;
        self.rows.retain(|row| left[*row as usize] > 0);
    }
}

/// Sizes of bin that are tried for an even share, in hundredths of it.
const SHARES: [f64; 6] = [0.6, 0.8, 1.0, 1.25, 1.6, 2.2];

/// The column of the next bin: around an even share where a shared cap sets how many bins there are, else the one that
/// gives most for its price.
fn next_column<const D: usize>(
    table: &Table<'_, D>,
    state: &mut State<D>,
    scoring: Scoring,
    workspace: &mut Workspace<D>,
) -> Option<usize> {
    let even = scoring.even.then(|| even_share(table, state)).flatten();
    match even {
        Some(share) => column_near(table, state, &share, scoring, workspace),
        None => None,
    }
    .or_else(|| best_column(table, state, scoring, workspace))
}

/// What is left for each bin, by dimension, where the scarcest shared cap gets as many as it needs.
fn even_share<const D: usize>(table: &Table<'_, D>, state: &State<D>) -> Option<[f64; D]> {
    let first = table.problem.dims;
    let bins = table
        .problem
        .shared_caps
        .iter()
        .zip(first..)
        .map(|(most, dim)| state.total[dim] / f64::from((*most).max(1)))
        .fold(0.0, f64::max);
    (bins >= 1.0).then(|| {
        let mut share = state.total.map(|total| total / bins);
        // Shared caps set how many bins there are; they say nothing about how large one must be.
        share[first..].fill(0.0);
        share
    })
}

/// The column that gives most for its price among those that hold about this share.
fn column_near<const D: usize>(
    table: &Table<'_, D>,
    state: &mut State<D>,
    share: &[f64; D],
    scoring: Scoring,
    workspace: &mut Workspace<D>,
) -> Option<usize> {
    let mut tried: Vec<usize> = Vec::with_capacity(SHARES.len());
    let mut best: Option<(f64, usize)> = None;
    for part in SHARES {
        let holds = |column: &usize| {
            let capacity = table.capacity[*column].iter().zip(share);
            state.stock.open(table.problem, *column)
                && capacity
                    .into_iter()
                    .all(|(capacity, share)| f64::from(*capacity) >= share * part)
        };
        // Columns come cheapest first.
        let Some(column) = (0..table.capacity.len()).find(holds) else {
            break;
        };
        if tried.contains(&column) {
            continue;
        }
        tried.push(column);
        let value = table.fill(column, state.to_place(), scoring, workspace);
        if workspace.pattern.is_empty() {
            continue;
        }
        let key = table.bin_price(column, &workspace.pattern) / value;
        if best.is_none_or(|(least, _)| key < least) {
            best = Some((key, column));
            state.candidates[column].pattern.clone_from(&workspace.pattern);
        }
    }
    best.map(|(_, column)| column)
}

/// The column that gives most for its price now; candidates of earlier rounds are renewed best first.
fn best_column<const D: usize>(
    table: &Table<'_, D>,
    state: &mut State<D>,
    scoring: Scoring,
    workspace: &mut Workspace<D>,
) -> Option<usize> {
    state.round += 1;
    if state.rows.is_empty() {
        return None;
    }
    let mut fills = 0;
    let mut best_fresh: Option<usize> = None;
    loop {
        let best = (0..state.candidates.len())
            .filter(|column| state.stock.open(table.problem, *column))
            .min_by(|a, b| {
                let key = |column: &usize| state.candidates[*column].key;
                key(a).total_cmp(&key(b)).then(a.cmp(b))
            })?;
        if state.candidates[best].round == state.round {
            return state.candidates[best].key.is_finite().then_some(best);
        }
        // Candidates of earlier rounds only look better than they are now, for items are gone since: the best fresh one
        // is near
        // the truth after a few.
        if fills >= FILLS_A_BIN && best_fresh.is_some() {
            return best_fresh;
        }
        fills += 1;
        let value = table.fill(best, state.to_place(), scoring, workspace);
        let mut key = f64::INFINITY;
        if !workspace.pattern.is_empty() {
            let column = table
                .cheapest(&state.stock, &workspace.used, &workspace.pattern)
                .unwrap_or(best);
            key = table.bin_price(column, &workspace.pattern) / value;
            if best_fresh.is_none_or(|fresh| key < state.candidates[fresh].key) {
                best_fresh = Some(best);
            }
        }
        let candidate = &mut state.candidates[best];
        candidate.key = key;
        candidate.round = state.round;
        candidate.pattern.clear();
        candidate.pattern.extend_from_slice(&workspace.pattern);
    }
}

/// Everything that is left on one bin, where that costs no more than this bin and the value of the rest.
fn all_in_one<const D: usize>(
    table: &Table<'_, D>,
    state: &State<D>,
    column: usize,
    pattern: &[(u32, u32)],
) -> Option<Batch> {
    let fits = |capacity: &[f32; D]| {
        capacity
            .iter()
            .zip(&state.total)
            .all(|(capacity, total)| *total <= f64::from(*capacity))
    };
    if !table.capacity.iter().any(fits) {
        return None;
    }
    let rest: Pattern = state
        .rows
        .iter()
        .map(|row| (*row, state.left[*row as usize]))
        .collect();
    if !table.within_caps(&rest) {
        return None;
    }
    let whole = table.cheapest(&state.stock, &table.amounts(&rest), &rest)?;
    // What the rest pays is the least that bins for it cost: no cheaper way to go on is given up by this.
    let beyond = (state.value - table.value(pattern)).max(0.0);
    let here = table.bin_price(column, pattern) + beyond;
    (table.bin_price(whole, &rest) <= here).then_some(Batch {
        column: whole,
        copies: 1,
        pattern: rest,
    })
}
