//! Other orders and other nodes for pods that depend on each other, where putting those down first that pay most left some
//! without a place: a search that is counted and gives up early.
//!
//! Only for few pods, and only into free room. Everything else about such pods is `moving`'s.

use super::fleet::Put;
use super::search::Search;
use super::ties::Ties;
use crate::fill::Taste;
use crate::number::{count, size};

/// Pods that are tried in other orders, at most.
const PODS: u32 = 12;
/// Nodes with room for a pod that are tried, at most.
const NODES: usize = 12;
/// Questions to the filters for one probe, and for all of them.
const QUESTIONS: u32 = 600;
pub(super) const ALL_QUESTIONS: u32 = 20_000;

/// Pods of a kind that are without a place, and nodes that have room for one.
struct Open {
    row: u32,
    kind: u32,
    nodes: Vec<usize>,
}

impl Search<'_, '_> {
    /// Tries others where some were left; what was found first stands where nothing else is.
    pub(super) fn seek(&mut self, ruined: &[usize], (mark, taste): (usize, Taste)) {
        let pods: u32 = ruined.iter().map(|bin| self.fleet.bins[*bin].moves()).sum();
        if !self.engaged || self.is_placed() || pods > PODS || self.questions == 0 {
            return;
        }
        let puts = self.fleet.since(mark).to_vec();
        let left: Vec<(u32, u32)> = self
            .rows
            .iter()
            .map(|row| (*row, self.left[size(*row)]))
            .collect();
        self.back(ruined, mark);
        if self.sought() {
            self.house(taste);
            if self.is_placed() {
                return;
            }
        }
        self.back(ruined, mark);
        self.again(&puts, &left);
    }

    /// All of the pods are without a place again.
    fn back(&mut self, ruined: &[usize], mark: usize) {
        self.fleet.undo(mark);
        if let Some(ties) = &mut self.ties {
            ties.undo(self.lifted);
        }
        self.pool(ruined);
    }

    /// Puts down what was put down before.
    fn again(&mut self, puts: &[Put], left: &[(u32, u32)]) {
        for put in puts {
            self.fleet.put(*put);
            if let Some(ties) = &mut self.ties {
                ties.put(*put);
            }
        }
        for row in self.rows.drain(..) {
            self.left[size(row)] = 0;
        }
        for (row, copies) in left {
            self.rows.push(*row);
            self.left[size(*row)] = *copies;
        }
    }

    /// Puts every pod that filters are asked about somewhere; `false` where no place for all was found.
    fn sought(&mut self) -> bool {
        let Some(mut ties) = self.ties.take() else {
            return false;
        };
        let rows = self.rows.iter().filter(|row| self.prices.tied[size(**row)]);
        let open: Vec<Open> = rows
            .map(|row| {
                let kind = self.prices.kinds[size(*row)].0;
                let room =
                    |bin: &&usize| self.fleet.bins[**bin].receives && self.fleet.takes(**bin, kind, 1) > 0;
                let nodes = self.receivers.iter().filter(room).copied();
                Open {
                    row: *row,
                    kind,
                    nodes: nodes.take(NODES).collect(),
                }
            })
            .collect();
        let mut questions = QUESTIONS.min(self.questions);
        self.questions -= questions;
        let found =
            open.iter().all(|open| !open.nodes.is_empty()) && self.descend(&mut ties, &open, &mut questions);
        self.questions += questions;
        let left = &self.left;
        self.rows.retain(|row| left[size(*row)] > 0);
        self.ties = Some(ties);
        found
    }

    fn descend(&mut self, ties: &mut Ties<'_>, open: &[Open], questions: &mut u32) -> bool {
        if open.iter().all(|open| self.left[size(open.row)] == 0) {
            return true;
        }
        for Open { row, kind, nodes } in open {
            for bin in nodes {
                if self.left[size(*row)] == 0 || *questions == 0 {
                    break;
                }
                *questions -= 1;
                let (mark, told) = (self.fleet.mark(), ties.mark());
                if self.fleet.takes(*bin, *kind, 1) == 0 || !ties.place(*kind, *bin) {
                    continue;
                }
                self.left[size(*row)] -= 1;
                self.fleet.put(Put {
                    bin: count(*bin),
                    kind: *kind,
                    copies: 1,
                });
                if self.descend(ties, open, questions) {
                    return true;
                }
                self.fleet.undo(mark);
                ties.undo(told);
                self.left[size(*row)] += 1;
            }
        }
        false
    }
}
