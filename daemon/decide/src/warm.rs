//! Starting warm: the last purchase, as far as it still fits the demand, as one more candidate beside what packing
//! finds.
//!
//! A plan that was held back is asked for again in the next cycle; with this it is never a dearer one. Nothing is
//! trusted: every node is held against the table anew, and what it has no pods for any more is left out.

use crate::bought::Bought;
use crate::class::Class;
use crate::market::Market;
use crate::number::{count, size};
use crate::space;
use crate::table::Table;
use model::ids::OfferId;
use model::memory::LastNodes;
use packing::duals::Duals;
use packing::{Batch, Demand, Packed, Work};
use std::collections::BTreeMap;

/// Kinds of nodes that are remembered.
const KEPT: usize = 2000;

/// What to remember of a purchase: equal nodes together, in the order in which they were bought.
pub(crate) fn remembered(classes: &[Class], bought: &[Bought], market: &Market<'_>) -> Vec<LastNodes> {
    let mut places: BTreeMap<(usize, Vec<(usize, u32)>), usize> = BTreeMap::new();
    let mut nodes: Vec<LastNodes> = Vec::new();
    let mut last: Option<(&Bought, usize)> = None;
    for node in bought
        .iter()
        .filter(|node| !market.seen.offers[node.offer].is_fargate() && !node.classes.is_empty())
    {
        // Equal nodes are most often bought one after another.
        let same = |known: &Bought| known.offer == node.offer && known.classes == node.classes;
        if let Some((_, place)) = last.filter(|(known, _)| same(known)) {
            nodes[place].copies += 1;
            continue;
        }
        let load = load(&node.classes);
        let next = nodes.len();
        match places.entry((node.offer, load)) {
            std::collections::btree_map::Entry::Occupied(known) => {
                nodes[*known.get()].copies += 1;
                last = Some((node, *known.get()));
            }
            std::collections::btree_map::Entry::Vacant(entry) if next < KEPT => {
                let pods = entry.key().1.iter().map(|(class, count)| {
                    let body = &classes[*class].body;
                    (body.owner.clone(), body.requests.clone(), *count)
                });
                nodes.push(LastNodes {
                    offer: node.node.offer.clone(),
                    copies: 1,
                    pods: pods.collect(),
                });
                entry.insert(next);
                last = Some((node, next));
            }
            std::collections::btree_map::Entry::Vacant(_) => {}
        }
    }
    nodes
}

/// Classes of the pods of a node, rising, and how many of each.
fn load(classes: &[usize]) -> Vec<(usize, u32)> {
    let mut classes = classes.to_vec();
    classes.sort_unstable();
    let equal = classes.chunk_by(|a, b| a == b);
    equal.map(|pods| (pods[0], count(pods.len()))).collect()
}

/// The last purchase for these pods, by row; what it leaves is packed without search. `None` where it serves less
/// than half of them, and where rules deal zones or seats: those are settled anew each time.
pub(crate) fn packing(
    market: &Market<'_>,
    (classes, last): (&[Class], &[LastNodes]),
    (table, duals): (&Table, &Duals),
    demand: Demand<'_>,
) -> Option<Packed> {
    let counts = demand.counts;
    let pods = sum(counts);
    let dealt = table.guarded || table.problem.rows.iter().any(|row| row.zone.is_some());
    if last.is_empty() || pods == 0 || dealt {
        return None;
    }
    let mut again = Again {
        table,
        columns: columns(market, table),
        rows: rows(classes, table),
        growth: table.problem.stock.clone(),
        left: counts.to_vec(),
        batches: Vec::new(),
    };
    for nodes in last {
        again.buy(nodes);
    }
    let left = sum(&again.left);
    if left * 2 > pods {
        return None;
    }
    if left > 0 {
        let mut rest = table.problem.clone();
        rest.stock = again.growth;
        let still = Demand {
            counts: &again.left,
            ..demand
        };
        let packed = packing::pack(&rest, duals, still, Work::NONE);
        again.batches.extend(packed.batches);
        again.left = packed.left;
    }
    Some(Packed {
        batches: again.batches,
        left: again.left,
        proof: None,
    })
}

/// What is preferred first: all pods placed, then money, then few nodes.
pub(crate) fn rank(table: &Table, packed: &Packed) -> (u64, i128, u64) {
    let batches = packed.batches.iter().map(|(_, batch)| batch);
    let cost = batches.clone().map(|batch| {
        let price = table.problem.bin_price(batch.column, &batch.pattern);
        i128::from(price) * i128::from(batch.copies)
    });
    let nodes = batches.map(|batch| u64::from(batch.copies)).sum();
    (sum(&packed.left), cost.sum(), nodes)
}

fn sum(counts: &[u32]) -> u64 {
    counts.iter().map(|count| u64::from(*count)).sum()
}

/// By offer: its column, or, where another one beats it, the columns that are as large, cheapest first.
fn columns<'a>(market: &'a Market<'_>, table: &Table) -> BTreeMap<&'a OfferId, Vec<usize>> {
    let mut found: BTreeMap<&OfferId, Vec<usize>> = BTreeMap::new();
    for (ix, lot) in market.lots.iter().enumerate() {
        let all = || table.problem.columns.iter().enumerate();
        let own = table
            .sold
            .iter()
            .enumerate()
            .find(|(_, of)| of.lot == ix)
            .map(|(column, _)| column);
        let room = table.project(&lot.room);
        let columns: Vec<usize> = own.map_or_else(
            || {
                let as_large = |of: &packing::Column| of.capacity.iter().zip(&room).all(|(a, b)| a >= b);
                let mut larger: Vec<usize> = all().filter(|(_, of)| as_large(of)).map(|(at, _)| at).collect();
                larger.sort_by_key(|column| table.problem.columns[*column].price);
                larger
            },
            |column| vec![column],
        );
        let offers = lot.offers.iter().map(|offer| &market.seen.offers[*offer].id);
        found.extend(offers.map(|offer| (offer, columns.clone())));
    }
    found
}

type Who<'a> = (Option<&'a model::WorkloadKey>, &'a model::Resources);

fn rows<'a>(classes: &'a [Class], table: &Table) -> BTreeMap<Who<'a>, Vec<usize>> {
    let mut rows: BTreeMap<Who<'a>, Vec<usize>> = BTreeMap::new();
    for (ix, class) in classes.iter().enumerate() {
        let of = rows
            .entry((class.body.owner.as_ref(), &class.body.requests))
            .or_default();
        if !of.contains(&table.row_of[ix]) {
            of.push(table.row_of[ix]);
        }
    }
    rows
}

struct Again<'a> {
    table: &'a Table,
    columns: BTreeMap<&'a OfferId, Vec<usize>>,
    /// By owner and request: rows that may be meant.
    rows: BTreeMap<Who<'a>, Vec<usize>>,
    growth: Vec<u32>,
    left: Vec<u32>,
    batches: Vec<(Option<usize>, Batch)>,
}

impl Again<'_> {
    fn buy(&mut self, nodes: &LastNodes) {
        let all: u32 = nodes.pods.iter().map(|(_, _, count)| *count).sum();
        let holds = |column: &usize| self.load(*column, nodes).iter().map(|(_, n)| *n).sum::<u32>() == all;
        let columns = self.columns.get(&nodes.offer).map_or(&[][..], Vec::as_slice);
        let whole = columns.iter().copied().find(holds);
        let Some(column) = whole.or_else(|| columns.first().copied()) else {
            return;
        };
        let mut copies = nodes.copies;
        while copies > 0 {
            let load = self.load(column, nodes);
            let group = self.table.problem.columns[column].group;
            // As many more of this very load as there are pods for.
            let alike = load
                .iter()
                .map(|(row, count)| self.left[size(*row)] / count)
                .min()
                .unwrap_or(0);
            let bought = alike.min(copies).min(self.growth[group]);
            if bought == 0 {
                return;
            }
            for (row, count) in &load {
                self.left[size(*row)] -= count * bought;
            }
            self.growth[group] -= bought;
            copies -= bought;
            let batch = Batch {
                column,
                copies: bought,
                pattern: load,
            };
            self.batches.push((None, batch));
        }
    }

    /// The pods of one such node that still wait and still may be on it, by row.
    fn load(&self, column: usize, nodes: &LastNodes) -> packing::Pattern {
        let table = self.table;
        let mut free = table.problem.columns[column].capacity.clone();
        let mut load: BTreeMap<u32, u32> = BTreeMap::new();
        for (owner, requests, count) in &nodes.pods {
            let mut wanted = *count;
            for row in self.rows.get(&(owner.as_ref(), requests)).into_iter().flatten() {
                let Ok(at) = u32::try_from(*row) else {
                    continue;
                };
                let there = load.get(&at).copied().unwrap_or(0);
                let of = &table.problem.rows[*row];
                let cap = of.cap.unwrap_or(u32::MAX).saturating_sub(there);
                let waiting = self.left[*row].saturating_sub(there);
                let takes = wanted.min(cap).min(waiting);
                let takes = space::copies(&free, &of.ask, takes);
                if takes > 0 && table.problem.fits[column][*row] {
                    space::take(&mut free, &of.ask, takes);
                    *load.entry(at).or_insert(0) += takes;
                    wanted -= takes;
                }
            }
        }
        load.into_iter().collect()
    }
}
