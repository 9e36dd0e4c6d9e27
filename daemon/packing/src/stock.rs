//! How far groups may still grow while a packing is built.

use crate::problem::Problem;

/// How many bins of each group may still be bought.
#[derive(Clone, Debug)]
pub(crate) struct Stock {
    left: Vec<u32>,
    /// No group can run out: it may grow by as many bins as there are items.
    endless: bool,
}

impl Stock {
    pub(crate) fn new(problem: &Problem, counts: &[u32]) -> Self {
        let items: u64 = counts.iter().map(|count| u64::from(*count)).sum();
        Self {
            endless: problem
                .columns
                .iter()
                .all(|c| u64::from(problem.stock[c.group]) >= items),
            left: problem.stock.clone(),
        }
    }

    pub(crate) fn open(&self, problem: &Problem, column: usize) -> bool {
        self.endless || self.left[problem.columns[column].group] > 0
    }

    /// How many bins of the column could be bought, at most `copies`.
    pub(crate) fn most(&self, problem: &Problem, column: usize, copies: u32) -> u32 {
        if self.endless {
            copies
        } else {
            copies.min(self.left[problem.columns[column].group])
        }
    }

    /// Buys; `most` said how many there are.
    pub(crate) fn buy(&mut self, problem: &Problem, column: usize, copies: u32) {
        let left = &mut self.left[problem.columns[column].group];
        *left = left.saturating_sub(copies);
    }

    /// Gives a bin back.
    pub(crate) fn give_back(&mut self, problem: &Problem, column: usize) {
        let left = &mut self.left[problem.columns[column].group];
        *left = left.saturating_add(1);
    }
}
