//! How far groups may still grow while a packing is built.

use super::Table;

/// How many nodes of each group may still be bought.
#[derive(Clone, Debug)]
pub(super) struct Growth {
    left: Vec<u32>,
    /// No group can run out: it may grow by as many nodes as there are pods.
    endless: bool,
}

impl Growth {
    pub(super) fn new(table: &Table, counts: &[u32]) -> Self {
        let pods: u64 = counts.iter().map(|count| u64::from(*count)).sum();
        Self {
            endless: table
                .columns
                .iter()
                .all(|c| u64::from(table.growth[c.group]) >= pods),
            left: table.growth.clone(),
        }
    }

    pub(super) fn open(&self, table: &Table, column: usize) -> bool {
        self.endless || self.left[table.columns[column].group] > 0
    }

    /// How many nodes of the column could be bought, at most `copies`.
    pub(super) fn most(&self, table: &Table, column: usize, copies: u32) -> u32 {
        if self.endless {
            copies
        } else {
            copies.min(self.left[table.columns[column].group])
        }
    }

    /// Buys; `most` said how many there are.
    pub(super) fn buy(&mut self, table: &Table, column: usize, copies: u32) {
        let left = &mut self.left[table.columns[column].group];
        *left = left.saturating_sub(copies);
    }

    /// Gives a node back.
    pub(super) fn give_back(&mut self, table: &Table, column: usize) {
        let left = &mut self.left[table.columns[column].group];
        *left = left.saturating_add(1);
    }
}
