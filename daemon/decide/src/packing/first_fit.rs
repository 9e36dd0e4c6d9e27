//! First-fit-decreasing: the floor that no plan may exceed.
//!
//! The way common node autoscalers pack: large pods first, each onto the open node with the fewest pods that
//! some kind of node could still hold; kinds are chosen at the end, cheapest first. Blind to prices until then.

use super::shop::Load;
use super::{Batch, Packing, Table, node_price};
use crate::number::count;
use crate::space::{self, Vector};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::collections::binary_heap::{BinaryHeap, PeekMut};

struct Open {
    used: Vector,
    pods: Load,
    total: u32,
    /// Of the columns that no other outdoes, those that run all of its pods.
    kinds: Vec<usize>,
}

/// Packs pods by row.
pub(super) fn pack(table: &Table, counts: &[u32]) -> Packing {
    let mut rows: Vec<usize> = (0..table.rows.len()).filter(|row| counts[*row] > 0).collect();
    rows.sort_by(|a, b| table.rows[*b].ask.cmp(&table.rows[*a].ask).then(a.cmp(b)));
    let roomy = roomy(table);
    let mut open: Vec<Open> = Vec::new();
    let mut left = vec![0; counts.len()];
    for row in rows {
        let mut queue: BinaryHeap<Reverse<(u32, usize)>> = open
            .iter()
            .enumerate()
            .map(|(ix, node)| Reverse((node.total, ix)))
            .collect();
        for placed in 0..counts[row] {
            if !place_one((table, &roomy), &mut open, &mut queue, row) {
                left[row] = counts[row] - placed;
                break;
            }
        }
    }
    buy(table, open, left)
}

/// Places one pod on an open node or on a fresh one; `false` when no kind of node runs it.
fn place_one(
    (table, roomy): (&Table, &[usize]),
    open: &mut Vec<Open>,
    queue: &mut BinaryHeap<Reverse<(u32, usize)>>,
    row: usize,
) -> bool {
    while let Some(mut next) = queue.peek_mut() {
        let Reverse((pods, ix)) = *next;
        if add(table, &mut open[ix], row) {
            *next = Reverse((pods + 1, ix));
            return true;
        }
        PeekMut::pop(next);
    }
    let mut fresh = Open {
        used: vec![0; table.width()],
        pods: Vec::new(),
        total: 0,
        kinds: roomy.to_vec(),
    };
    if !add(table, &mut fresh, row) {
        return false;
    }
    queue.push(Reverse((fresh.total, open.len())));
    open.push(fresh);
    true
}

/// Columns with growth left that no other outdoes: whatever one of the others holds, one of these holds as well.
fn roomy(table: &Table) -> Vec<usize> {
    let mut roomy: Vec<usize> = Vec::new();
    let open = |column: &usize| table.growth[table.columns[*column].group] > 0;
    // The dearest are the largest, most often: few comparisons are left for the others.
    for column in (0..table.columns.len()).rev().filter(open) {
        let outdone = |by: &usize| {
            let room = |column: usize| &table.columns[column].room;
            let wide = room(*by).iter().zip(room(column)).all(|(by, own)| by >= own);
            wide && table.fits[*by]
                .iter()
                .zip(&table.fits[column])
                .all(|(by, own)| *by || !*own)
        };
        if !roomy.iter().any(outdone) {
            roomy.push(column);
        }
    }
    roomy
}

/// Adds a pod if some kind still holds the node with it.
fn add(table: &Table, node: &mut Open, row: usize) -> bool {
    let name = count(row);
    let there = node
        .pods
        .last()
        .filter(|(last, _)| *last == name)
        .map_or(0, |(_, n)| *n);
    if table.rows[row].cap.is_some_and(|cap| there >= cap) {
        return false;
    }
    let known = node.pods.last().is_some_and(|(last, _)| *last == name);
    space::put(&mut node.used, &table.rows[row].ask, 1);
    let holds =
        |kind: usize| (known || table.fits[kind][row]) && space::holds(&table.columns[kind].room, &node.used);
    if !node.kinds.iter().any(|kind| holds(*kind)) {
        space::take(&mut node.used, &table.rows[row].ask, 1);
        return false;
    }
    if known {
        if let Some((_, count)) = node.pods.last_mut() {
            *count += 1;
        }
    } else {
        node.kinds.retain(|kind| table.fits[*kind][row]);
        node.pods.push((name, 1));
    }
    node.total += 1;
    true
}

/// Chooses the cheapest kind for every open node; nodes whose groups are used up give their pods back.
fn buy(table: &Table, open: Vec<Open>, mut left: Vec<u32>) -> Packing {
    let addends = !table.addends.is_empty();
    let mut growth = table.growth.clone();
    let mut batches: BTreeMap<(usize, Load), u32> = BTreeMap::new();
    for mut node in open {
        node.pods.sort_unstable();
        let fits = |kind: &usize| {
            growth[table.columns[*kind].group] > 0
                && space::holds(&table.columns[*kind].room, &node.used)
                && node.pods.iter().all(|(row, _)| table.fits[*kind][*row as usize])
        };
        let mut kinds = (0..table.columns.len()).filter(fits);
        // Columns come cheapest first; addends may turn that round.
        let kind = if addends {
            kinds.min_by_key(|kind| (node_price(table, *kind, &node.pods), *kind))
        } else {
            kinds.next()
        };
        if let Some(kind) = kind {
            growth[table.columns[kind].group] -= 1;
            *batches.entry((kind, node.pods)).or_insert(0) += 1;
        } else {
            for (row, count) in node.pods {
                left[row as usize] += count;
            }
        }
    }
    Packing {
        batches: batches
            .into_iter()
            .map(|((column, pods), copies)| Batch { column, copies, pods })
            .collect(),
        left,
    }
}
