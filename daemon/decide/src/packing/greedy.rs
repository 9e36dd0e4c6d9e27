//! One construction: node after node, always the column whose filling costs least for what it holds.
//!
//! A filled pattern is bought as often as the demand repeats it, so that work grows with rows, not pods.

use super::{Batch, Packing, Table, fill, node_price};
use super::{Item, Taste};
use crate::bound::Duals;
use crate::number::real;
use crate::space;

/// The constructions that are tried.
pub(super) const TASTES: [Taste; 6] = [
    Taste {
        widest: 0.5,
        keen: 2,
        part: 8,
    },
    Taste {
        widest: 0.0,
        keen: 2,
        part: 8,
    },
    Taste {
        widest: 1.0,
        keen: 2,
        part: 4,
    },
    Taste {
        widest: 0.25,
        keen: 8,
        part: 16,
    },
    Taste {
        widest: 2.0,
        keen: 4,
        part: 2,
    },
    Taste {
        widest: 0.5,
        keen: 0,
        part: 8,
    },
];
/// Columns filled afresh for one node.
const FILLS_A_NODE: u32 = 6;

/// A table with what every construction needs of it.
pub(super) struct Shop<'a> {
    table: &'a Table,
    duals: &'a Duals,
    /// By column, by row.
    worth: Vec<Vec<f64>>,
}

/// A filled column as last seen.
#[derive(Clone, Default)]
struct Quote {
    /// Price for value; lower is better.
    key: f64,
    /// Round it was made in.
    round: u32,
    pods: Vec<(usize, u32)>,
}

struct State {
    left: Vec<u32>,
    growth: Vec<u32>,
    quotes: Vec<Quote>,
    round: u32,
}

/// Before a column is filled, its best row says how much it could give for its price.
fn first_quote(worth: &[f64]) -> Quote {
    let best = worth.iter().copied().fold(1e-6, f64::max);
    Quote {
        key: 1.0 / best,
        ..Quote::default()
    }
}

impl<'a> Shop<'a> {
    pub(super) fn new(table: &'a Table, duals: &'a Duals) -> Self {
        let worth = (0..table.columns.len())
            .map(|column| {
                (0..table.rows.len())
                    .map(|row| {
                        if table.fits[column][row] {
                            duals.efficiency(table, column, row)
                        } else {
                            0.0
                        }
                    })
                    .collect()
            })
            .collect();
        Self { table, duals, worth }
    }

    /// Packs pods by row.
    pub(super) fn pack(&self, counts: &[u32], taste: Taste) -> Packing {
        let mut state = State {
            left: counts.to_vec(),
            growth: self.table.growth.clone(),
            quotes: self.worth.iter().map(|worth| first_quote(worth)).collect(),
            round: 0,
        };
        let mut batches = Vec::new();
        while let Some(column) = self.best_column(&mut state, taste) {
            let pods = std::mem::take(&mut state.quotes[column].pods);
            let column = self.right_size(&state, &pods, column);
            let mut batch = self.all_in_one(&state, column, &pods).unwrap_or(Batch {
                column,
                copies: 1,
                pods,
            });
            let repeats = batch
                .pods
                .iter()
                .map(|(row, n)| state.left[*row] / n)
                .min()
                .unwrap_or(1);
            let group = self.table.columns[batch.column].group;
            batch.copies = repeats.min(state.growth[group]).max(1);
            state.growth[group] -= batch.copies;
            for (row, n) in &batch.pods {
                state.left[*row] -= n * batch.copies;
            }
            batches.push(batch);
        }
        Packing {
            batches,
            left: state.left,
        }
    }

    fn open(&self, state: &State, column: usize) -> bool {
        state.growth[self.table.columns[column].group] > 0
    }

    /// The column that gives most for its price now; quotes of earlier rounds are renewed best first.
    fn best_column(&self, state: &mut State, taste: Taste) -> Option<usize> {
        state.round += 1;
        if state.left.iter().all(|left| *left == 0) {
            return None;
        }
        let mut fills = 0;
        loop {
            let best = |only_fresh: bool| {
                (0..state.quotes.len())
                    .filter(|c| self.open(state, *c))
                    .filter(|c| !only_fresh || state.quotes[*c].round == state.round)
                    .min_by(|a, b| {
                        state.quotes[*a]
                            .key
                            .total_cmp(&state.quotes[*b].key)
                            .then(a.cmp(b))
                    })
            };
            let candidate = best(false)?;
            if state.quotes[candidate].round == state.round {
                return state.quotes[candidate].key.is_finite().then_some(candidate);
            }
            let fresh = best(true).filter(|c| state.quotes[*c].key.is_finite());
            if fills >= FILLS_A_NODE && fresh.is_some() {
                return fresh;
            }
            fills += 1;
            let pods = self.fill(state, candidate, taste);
            state.quotes[candidate] = self.quote(state, candidate, pods);
        }
    }

    fn fill(&self, state: &State, column: usize, taste: Taste) -> Vec<(usize, u32)> {
        let items: Vec<Item<'_>> = (0..self.table.rows.len())
            .filter(|row| state.left[*row] > 0 && self.table.fits[column][*row])
            .map(|row| Item {
                row,
                ask: &self.table.rows[row].ask,
                worth: self.worth[column][row].max(1e-6),
                left: state.left[row],
            })
            .collect();
        fill(&self.table.columns[column].room, &items, taste)
    }

    fn quote(&self, state: &State, column: usize, pods: Vec<(usize, u32)>) -> Quote {
        let value = self.value(&pods);
        let key = if pods.is_empty() {
            f64::INFINITY
        } else {
            let column = self.right_size(state, &pods, column);
            real(node_price(self.table, column, &pods)) / value.max(1e-3)
        };
        Quote {
            key,
            round: state.round,
            pods,
        }
    }

    fn value(&self, pods: &[(usize, u32)]) -> f64 {
        pods.iter()
            .map(|(row, n)| real(self.duals.pays[*row].max(1)) * f64::from(*n))
            .sum()
    }

    /// The cheapest column that holds the same pods.
    fn right_size(&self, state: &State, pods: &[(usize, u32)], column: usize) -> usize {
        let mut used = vec![0; self.table.dims.len()];
        for (row, n) in pods {
            space::put(&mut used, &self.table.rows[*row].ask, *n);
        }
        (0..self.table.columns.len())
            .filter(|c| self.open(state, *c) && self.holds(*c, &used, pods))
            .min_by_key(|c| (node_price(self.table, *c, pods), *c))
            .unwrap_or(column)
    }

    fn holds(&self, column: usize, used: &[i64], pods: &[(usize, u32)]) -> bool {
        space::holds(&self.table.columns[column].room, used)
            && pods.iter().all(|(row, _)| self.table.fits[column][*row])
    }

    /// Everything that is left on one node, where that costs no more than this node and the value of the rest.
    fn all_in_one(&self, state: &State, column: usize, pods: &[(usize, u32)]) -> Option<Batch> {
        let rest: Vec<(usize, u32)> = state
            .left
            .iter()
            .copied()
            .enumerate()
            .filter(|(_, left)| *left > 0)
            .collect();
        let whole = self.right_size_of(state, &rest)?;
        let beyond = (self.value(&rest) - self.value(pods)).max(0.0);
        let here = real(node_price(self.table, column, pods)) + beyond;
        (real(node_price(self.table, whole, &rest)) <= here).then_some(Batch {
            column: whole,
            copies: 1,
            pods: rest,
        })
    }

    fn right_size_of(&self, state: &State, pods: &[(usize, u32)]) -> Option<usize> {
        let none = self.table.columns.len();
        Some(self.right_size(state, pods, none)).filter(|column| *column < none)
    }
}
