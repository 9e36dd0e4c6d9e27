//! Ruin and recreate: a few wasteful nodes are taken apart and packed anew, as long as that wastes no more.
//!
//! The gap of a plan is the sum over its nodes of price less what their pods pay, and no node wastes less than
//! nothing. So an attempt is given up as soon as its new nodes together waste more than the old ones did: the
//! duals prune exactly. Work is counted in passes over rows, never timed.

use super::fill::{Bench, Taste};
use super::growth::Growth;
use super::random::Dice;
use super::shop::{Load, Shop};
use super::{Batch, Packing};
use std::collections::BTreeMap;

/// Nodes taken apart in one attempt, at most.
const MOST_RUINED: usize = 6;
/// Work of an attempt beside its fillings.
const ATTEMPT: u64 = 4;
/// Less waste than this, in nano-dollars per hour, is none.
const NOTHING: f64 = 1.0;
/// With fewer nodes than this any column may be the right one.
const FEW_NODES: usize = 8;
/// So often in a hundred the pods are not all put on one node then, which would always do as well as before.
const SPLITS: usize = 80;

struct Node {
    column: usize,
    load: Load,
    /// Price less value.
    waste: f64,
}

struct Search<'a, const D: usize> {
    shop: &'a Shop<'a, D>,
    nodes: Vec<Node>,
    growth: Growth,
    dice: Dice,
    /// By row: pods of the ruined nodes without a place.
    left: Vec<u32>,
    /// Rows that have some.
    rows: Vec<u32>,
    /// What they take together; may be more than any node has, so that single precision is not enough.
    total: [f64; D],
}

/// Improves a packing with about this much work.
pub(super) fn improve<const D: usize>(
    shop: &Shop<'_, D>,
    (packing, growth): (&Packing, Growth),
    work: u64,
    (dice, bench): (Dice, &mut Bench<D>),
) -> Packing {
    let mut search = Search {
        shop,
        nodes: expand(shop, packing),
        growth,
        dice,
        left: vec![0; shop.pays.len()],
        rows: Vec::new(),
        total: [0.0; D],
    };
    for node in &search.nodes {
        search.growth.buy(shop.table, node.column, 1);
    }
    let until = bench.steps.saturating_add(work);
    while bench.steps < until && !search.nodes.is_empty() {
        bench.steps += ATTEMPT;
        search.attempt(bench);
    }
    Packing {
        batches: folded(search.nodes),
        left: packing.left.clone(),
    }
}

fn expand<const D: usize>(shop: &Shop<'_, D>, packing: &Packing) -> Vec<Node> {
    let node = |batch: &Batch| Node {
        column: batch.column,
        load: batch.pods.clone(),
        waste: shop.node_price(batch.column, &batch.pods) - shop.value(&batch.pods),
    };
    packing
        .batches
        .iter()
        .flat_map(|batch| (0..batch.copies).map(move |_| node(batch)))
        .collect()
}

/// Equal nodes together again.
fn folded(nodes: Vec<Node>) -> Vec<Batch> {
    let mut batches: BTreeMap<(usize, Load), u32> = BTreeMap::new();
    for mut node in nodes {
        node.load.sort_unstable();
        *batches.entry((node.column, node.load)).or_insert(0) += 1;
    }
    batches
        .into_iter()
        .map(|((column, pods), copies)| Batch { column, copies, pods })
        .collect()
}

impl<const D: usize> Search<'_, D> {
    /// Takes some nodes apart and packs their pods anew; keeps the better of both.
    fn attempt(&mut self, bench: &mut Bench<D>) {
        let ruined = self.choose();
        let limit: f64 = ruined.iter().map(|node| self.nodes[*node].waste).sum();
        if limit <= NOTHING {
            return;
        }
        self.ruin(&ruined);
        let built = self.rebuild(&ruined, limit, bench);
        for row in self.rows.drain(..) {
            self.left[row as usize] = 0;
        }
        let Some(built) = built else {
            for node in &ruined {
                self.growth.buy(self.shop.table, self.nodes[*node].column, 1);
            }
            return;
        };
        for node in &ruined {
            // They are in falling order, so that none of them moves before its turn.
            self.nodes.swap_remove(*node);
        }
        self.nodes.extend(built);
    }

    /// One to six nodes, wasteful ones rather than others, in falling order.
    fn choose(&mut self) -> Vec<usize> {
        let many = self.nodes.len();
        let wanted = (1 + self.dice.below(MOST_RUINED)).min(many);
        let rivals = 1 + self.dice.below(6);
        let mut chosen: Vec<usize> = Vec::with_capacity(wanted);
        for _ in 0..8 * wanted {
            if chosen.len() == wanted {
                break;
            }
            let mut best = self.dice.below(many);
            for _ in 1..rivals {
                let rival = self.dice.below(many);
                if self.nodes[rival].waste > self.nodes[best].waste {
                    best = rival;
                }
            }
            if chosen.contains(&best) {
                best = self.dice.below(many);
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
        for node in ruined {
            let node = &self.nodes[*node];
            self.growth.give_back(self.shop.table, node.column);
            for (row, copies) in &node.load {
                if self.left[*row as usize] == 0 {
                    self.rows.push(*row);
                }
                self.left[*row as usize] += copies;
            }
        }
        for row in &self.rows {
            let pods = f64::from(self.left[*row as usize]);
            for (dim, total) in self.total.iter_mut().enumerate() {
                *total += f64::from(self.shop.ask[dim][*row as usize]) * pods;
            }
        }
    }

    /// New nodes for the pods of the ruined ones; `None` once they waste more than `limit`. Growth is bought for
    /// what is returned, and for nothing otherwise.
    fn rebuild(&mut self, ruined: &[usize], limit: f64, bench: &mut Bench<D>) -> Option<Vec<Node>> {
        let taste = Taste {
            widest: self.dice.one_of([0.0, 0.25, 0.5, 1.0, 2.0]),
            keen: self.dice.one_of([0, 1, 2, 4, 8]),
            part: self.dice.one_of([1, 2, 4, 8, 16]),
            noise: self.dice.one_of([0.0, 0.1, 0.3, 0.6]),
            even: false,
        };
        let unsteady = self.dice.one_of([0.0, 0.01, 0.05, 0.2]);
        let columns = self.candidates(ruined);
        let split = self.nodes.len() < FEW_NODES && self.dice.percent(SPLITS);
        let mut open = self.rows.clone();
        let mut built: Vec<Node> = Vec::new();
        let mut waste = 0.0;
        while !open.is_empty() {
            let together = if split && built.is_empty() {
                None
            } else {
                self.last_node(&open, limit - waste)
            };
            let node = together.or_else(|| self.next_node(&open, (&columns, taste, unsteady), bench));
            let Some(node) = node.filter(|node| waste + node.waste <= limit) else {
                for node in &built {
                    self.growth.give_back(self.shop.table, node.column);
                }
                return None;
            };
            waste += node.waste;
            self.growth.buy(self.shop.table, node.column, 1);
            for (row, copies) in &node.load {
                self.left[*row as usize] -= copies;
                for (dim, total) in self.total.iter_mut().enumerate() {
                    *total -= f64::from(self.shop.ask[dim][*row as usize]) * f64::from(*copies);
                }
            }
            let left = &self.left;
            open.retain(|row| left[*row as usize] > 0);
            built.push(node);
        }
        Some(built)
    }

    /// Columns to try: those of the ruined nodes, some of the best, a few at random.
    fn candidates(&mut self, ruined: &[usize]) -> Vec<usize> {
        let many = self.shop.by_ratio.len();
        let mut columns: Vec<usize> = ruined.iter().map(|node| self.nodes[*node].column).collect();
        for _ in 0..2 {
            columns.push(self.shop.by_ratio[self.dice.below(many.min(12))]);
        }
        columns.push(self.shop.by_ratio[self.dice.below(many.min(40))]);
        if self.dice.percent(30) {
            columns.push(self.dice.below(many));
            columns.push(self.dice.below(many));
        }
        if self.nodes.len() < FEW_NODES && self.dice.percent(70) {
            if self.dice.percent(50) {
                columns.clear();
            }
            for _ in 0..4 {
                columns.push(self.dice.below(many));
            }
        }
        columns.sort_unstable();
        columns.dedup();
        columns
    }

    /// All that is left on one node, where its waste stays within the limit.
    fn last_node(&self, open: &[u32], limit: f64) -> Option<Node> {
        let holds = |room: &[f32; D]| {
            self.total
                .iter()
                .zip(room)
                .all(|(total, room)| *total <= f64::from(*room))
        };
        if !self.shop.room.iter().any(holds) {
            return None;
        }
        let load: Load = open.iter().map(|row| (*row, self.left[*row as usize])).collect();
        if !self.shop.within_caps(&load) {
            return None;
        }
        let column = self
            .shop
            .cheapest(&self.growth, &self.shop.amounts(&load), &load)?;
        let waste = self.shop.node_price(column, &load) - self.shop.value(&load);
        (waste <= limit).then_some(Node { column, load, waste })
    }

    /// The candidate whose filling costs least for its value.
    fn next_node(
        &mut self,
        open: &[u32],
        (columns, taste, unsteady): (&[usize], Taste, f32),
        bench: &mut Bench<D>,
    ) -> Option<Node> {
        let mut best: Option<(f64, Node)> = None;
        for column in columns {
            if !self.growth.open(self.shop.table, *column) {
                continue;
            }
            let value = self.shop.fill(*column, (open, &self.left), taste, bench);
            if bench.load.is_empty() {
                continue;
            }
            let column = self
                .shop
                .cheapest(&self.growth, &bench.used, &bench.load)
                .unwrap_or(*column);
            let price = self.shop.node_price(column, &bench.load);
            let key = price / value * f64::from(1.0 + unsteady * self.dice.share());
            if best.as_ref().is_none_or(|(least, _)| key < *least) {
                let waste = price - self.shop.value(&bench.load);
                let load = bench.load.clone();
                best = Some((key, Node { column, load, waste }));
            }
        }
        best.map(|(_, node)| node)
    }
}
