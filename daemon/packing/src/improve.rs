//! Ruin and recreate: a few wasteful bins are taken apart and packed anew, as long as that wastes no more.
//!
//! The gap of a plan is the sum over its bins of price less what their items pay, and no bin wastes less than
//! nothing. So an attempt is given up as soon as its new bins together waste more than the old ones did: the
//! duals prune exactly. Work is counted in passes over rows, never timed.

use crate::fill::{Left, Scoring, Workspace};
use crate::random::Random;
use crate::solution::{Batch, Packing, Pattern, Start};
use crate::stock::Stock;
use crate::table::Table;
use std::collections::BTreeMap;

/// Bins taken apart in one attempt, at most.
const MOST_RUINED: usize = 6;
/// Work of an attempt beside its fillings.
const ATTEMPT: u64 = 4;
/// Less waste than this, in nano-dollars per hour, is none.
const NOTHING: f64 = 1.0;
/// With fewer bins than this any column may be the right one.
const FEW_BINS: usize = 8;
/// So often in a hundred the items are not all put on one bin then, which would always do as well as before.
const SPLITS: usize = 80;

struct Bin {
    column: usize,
    pattern: Pattern,
    /// Price less value.
    waste: f64,
}

/// How one attempt fills bins.
struct Trial {
    /// Columns to try.
    columns: Vec<usize>,
    scoring: Scoring,
    /// Up to this share of a column's price for its value is left to chance.
    unsteady: f32,
}

struct Search<'a, const D: usize> {
    table: &'a Table<'a, D>,
    bins: Vec<Bin>,
    stock: Stock,
    random: Random,
    /// By row: items of the ruined bins without a place.
    left: Vec<u32>,
    /// Rows that have some.
    rows: Vec<u32>,
    /// What they take together; may be more than any bin has, so that single precision is not enough.
    total: [f64; D],
}

/// Improves a packing with about this much work.
pub(crate) fn improve<const D: usize>(
    table: &Table<'_, D>,
    start: Start<'_>,
    work: u64,
    workspace: &mut Workspace<D>,
) -> Packing {
    let mut search = Search {
        table,
        bins: expand(table, start.packing),
        stock: start.stock,
        random: Random::new(start.seed),
        left: vec![0; table.pays.len()],
        rows: Vec::new(),
        total: [0.0; D],
    };
    for bin in &search.bins {
        search.stock.buy(table.problem, bin.column, 1);
    }
    let until = workspace.steps.saturating_add(work);
    while workspace.steps < until && !search.bins.is_empty() {
        workspace.steps += ATTEMPT;
        search.attempt(workspace);
    }
    Packing {
        batches: folded(search.bins),
        left: start.packing.left.clone(),
    }
}

fn expand<const D: usize>(table: &Table<'_, D>, packing: &Packing) -> Vec<Bin> {
    let bin = |batch: &Batch| Bin {
        column: batch.column,
        pattern: batch.pattern.clone(),
        waste: table.bin_price(batch.column, &batch.pattern) - table.value(&batch.pattern),
    };
    packing
        .batches
        .iter()
        .flat_map(|batch| (0..batch.copies).map(move |_| bin(batch)))
        .collect()
}

/// Equal bins together again.
fn folded(bins: Vec<Bin>) -> Vec<Batch> {
    let mut batches: BTreeMap<(usize, Pattern), u32> = BTreeMap::new();
    for mut bin in bins {
        bin.pattern.sort_unstable();
        *batches.entry((bin.column, bin.pattern)).or_insert(0) += 1;
    }
    batches
        .into_iter()
        .map(|((column, pattern), copies)| Batch {
            column,
            copies,
            pattern,
        })
        .collect()
}

impl<const D: usize> Search<'_, D> {
    /// Takes some bins apart and packs their items anew; keeps the better of both.
    fn attempt(&mut self, workspace: &mut Workspace<D>) {
        let ruined = self.choose();
        let limit: f64 = ruined.iter().map(|bin| self.bins[*bin].waste).sum();
        // Bins that waste nothing are in some best packing already, as far as these duals can tell.
        if limit <= NOTHING {
            return;
        }
        self.ruin(&ruined);
        let built = self.rebuild(&ruined, limit, workspace);
        for row in self.rows.drain(..) {
            self.left[row as usize] = 0;
        }
        let Some(built) = built else {
            for bin in &ruined {
                self.stock.buy(self.table.problem, self.bins[*bin].column, 1);
            }
            return;
        };
        for bin in &ruined {
            // They are in falling order, so that none of them moves before its turn.
            self.bins.swap_remove(*bin);
        }
        self.bins.extend(built);
    }

    /// One to six bins, wasteful ones rather than others, in falling order.
    fn choose(&mut self) -> Vec<usize> {
        let many = self.bins.len();
        let wanted = (1 + self.random.below(MOST_RUINED)).min(many);
        // Sometimes one draw, sometimes the most wasteful of six: only wasteful bins would leave the search in one
        // corner.
        let rivals = 1 + self.random.below(6);
        let mut chosen: Vec<usize> = Vec::with_capacity(wanted);
        for _ in 0..8 * wanted {
            if chosen.len() == wanted {
                break;
            }
            let mut best = self.random.below(many);
            for _ in 1..rivals {
                let rival = self.random.below(many);
                if self.bins[rival].waste > self.bins[best].waste {
                    best = rival;
                }
            }
            // A few wasteful bins win every draw; one at random beside them is what lets their items go elsewhere.
            if chosen.contains(&best) {
                best = self.random.below(many);
            }
            if !chosen.contains(&best) {
                chosen.push(best);
            }
        }
        chosen.sort_unstable_by(|a, b| b.cmp(a));
        chosen
    }

    fn ruin(&mut self, ruined: &[usize]) {
        self.total = [0.0; D];
        for bin in ruined {
            let bin = &self.bins[*bin];
            // Ruined bins are for sale again while their items are packed anew.
            self.stock.give_back(self.table.problem, bin.column);
            for (row, copies) in &bin.pattern {
                if self.left[*row as usize] == 0 {
                    self.rows.push(*row);
                }
                self.left[*row as usize] += copies;
            }
        }
        for row in &self.rows {
            let items = f64::from(self.left[*row as usize]);
            for (dim, total) in self.total.iter_mut().enumerate() {
                *total += f64::from(self.table.ask[dim][*row as usize]) * items;
            }
        }
    }

    /// New bins for the items of the ruined ones; `None` once they waste more than `limit`. Stock is bought for
    /// what is returned, and for nothing otherwise.
    fn rebuild(&mut self, ruined: &[usize], limit: f64, workspace: &mut Workspace<D>) -> Option<Vec<Bin>> {
        let scoring = Scoring {
            widest: self.random.one_of([0.0, 0.25, 0.5, 1.0, 2.0]),
            sharpness: self.random.one_of([0, 1, 2, 4, 8]),
            part: self.random.one_of([1, 2, 4, 8, 16]),
            noise: self.random.one_of([0.0, 0.1, 0.3, 0.6]),
            even: false,
        };
        let unsteady = self.random.one_of([0.0, 0.01, 0.05, 0.2]);
        let trial = Trial {
            columns: self.candidates(ruined),
            scoring,
            unsteady,
        };
        // Of few bins, all items on one bin always wastes no more than before, and hides every other way.
        let split = self.bins.len() < FEW_BINS && self.random.percent(SPLITS);
        let mut open = self.rows.clone();
        let mut built: Vec<Bin> = Vec::new();
        let mut waste = 0.0;
        while !open.is_empty() {
            let together = if split && built.is_empty() {
                None
            } else {
                self.last_bin(&open, limit - waste)
            };
            let bin = together.or_else(|| self.next_bin(&open, &trial, workspace));
            // Waste never is negative: what is over the limit now stays over it, whatever comes.
            let Some(bin) = bin.filter(|bin| waste + bin.waste <= limit) else {
                for bin in &built {
                    self.stock.give_back(self.table.problem, bin.column);
                }
                return None;
            };
            waste += bin.waste;
            self.stock.buy(self.table.problem, bin.column, 1);
            for (row, copies) in &bin.pattern {
                self.left[*row as usize] -= copies;
                for (dim, total) in self.total.iter_mut().enumerate() {
                    *total -= f64::from(self.table.ask[dim][*row as usize]) * f64::from(*copies);
                }
            }
            let left = &self.left;
            open.retain(|row| left[*row as usize] > 0);
            built.push(bin);
        }
        Some(built)
    }

    /// Columns to try: those of the ruined bins, some of the best, a few at random.
    fn candidates(&mut self, ruined: &[usize]) -> Vec<usize> {
        let many = self.table.by_ratio.len();
        let mut columns: Vec<usize> = ruined.iter().map(|bin| self.bins[*bin].column).collect();
        for _ in 0..2 {
            columns.push(self.table.by_ratio[self.random.below(many.min(12))]);
        }
        columns.push(self.table.by_ratio[self.random.below(many.min(40))]);
        if self.random.percent(30) {
            columns.push(self.random.below(many));
            columns.push(self.random.below(many));
        }
        if self.bins.len() < FEW_BINS && self.random.percent(70) {
            if self.random.percent(50) {
                columns.clear();
            }
            for _ in 0..4 {
                columns.push(self.random.below(many));
            }
        }
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// All that is left on one bin, where its waste stays within the limit.
    fn last_bin(&self, open: &[u32], limit: f64) -> Option<Bin> {
        let holds = |capacity: &[f32; D]| {
            self.total
                .iter()
                .zip(capacity)
                .all(|(total, capacity)| *total <= f64::from(*capacity))
        };
        if !self.table.capacity.iter().any(holds) {
            return None;
        }
        let pattern: Pattern = open.iter().map(|row| (*row, self.left[*row as usize])).collect();
        if !self.table.within_caps(&pattern) {
            return None;
        }
        let column = self
            .table
            .cheapest(&self.stock, &self.table.amounts(&pattern), &pattern)?;
        let waste = self.table.bin_price(column, &pattern) - self.table.value(&pattern);
        (waste <= limit).then_some(Bin {
            column,
            pattern,
            waste,
        })
    }

    /// The candidate whose filling costs least for its value.
    fn next_bin(&mut self, open: &[u32], trial: &Trial, workspace: &mut Workspace<D>) -> Option<Bin> {
        let left = Left {
            rows: open,
            counts: &self.left,
        };
        let mut best: Option<(f64, Bin)> = None;
        for column in &trial.columns {
            if !self.stock.open(self.table.problem, *column) {
                continue;
            }
            let value = self.table.fill(*column, left, trial.scoring, workspace);
            if workspace.pattern.is_empty() {
                continue;
            }
            let column = self
                .table
                .cheapest(&self.stock, &workspace.used, &workspace.pattern)
                .unwrap_or(*column);
            let price = self.table.bin_price(column, &workspace.pattern);
            let key = price / value * f64::from(1.0 + trial.unsteady * self.random.share());
            if best.as_ref().is_none_or(|(least, _)| key < *least) {
                let waste = price - self.table.value(&workspace.pattern);
                let pattern = workspace.pattern.clone();
                best = Some((
                    key,
                    Bin {
                        column,
                        pattern,
                        waste,
                    },
                ));
            }
        }
        best.map(|(_, bin)| bin)
    }
}
