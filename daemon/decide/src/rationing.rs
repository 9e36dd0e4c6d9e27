//! Packing within quotas: what they leave no room for is packed anew onto nodes that count less.
//!
//! Packing itself knows nothing of quotas, for they nearly always leave more than is bought; then what it finds is
//! taken as it is. Else the nodes that take least of what is left for the pods they run are kept, and the pods of the
//! others are packed again with what can still be bought. It ends: every round keeps a node, or nothing can be bought.

use crate::quotas::Left;
use crate::table::Table;
use model::quota::Amounts;
use packing::duals::Duals;
use packing::{Batch, Demand, Packed, Work};

/// Packs pods, by row, as `packing::pack` does, and never beyond what quotas leave.
pub(crate) fn pack(table: &Table, duals: &Duals, demand: Demand<'_>, work: Work, left: &Left) -> Packed {
    if left.is_free() {
        return packing::pack(&table.problem, duals, demand, work);
    }
    let rows: Vec<usize> = (0..table.problem.rows.len()).collect();
    let (mut left, mut growth) = (left.clone(), table.problem.stock.clone());
    let mut found = Packed {
        left: demand.counts.to_vec(),
        ..Packed::default()
    };
    loop {
        let open: Vec<usize> = (0..table.problem.columns.len())
            .filter(|column| {
                let group = table.problem.columns[*column].group;
                growth[group] > 0 && left.allows(group, &table.sold[*column].each)
            })
            .collect();
        if open.is_empty() || found.left.iter().all(|left| *left == 0) {
            return found;
        }
        let whole = open.len() == table.problem.columns.len();
        let mut part = if whole {
            table.problem.clone()
        } else {
            table.problem.part(&rows, &open)
        };
        part.stock.clone_from(&growth);
        let duals = if whole {
            duals.clone()
        } else {
            duals.part(&rows, &open)
        };
        let still = Demand {
            counts: &found.left,
            ..demand
        };
        let mut packed = packing::pack(&part, &duals, still, work);
        for (_, batch) in &mut packed.batches {
            batch.column = open[batch.column];
        }
        let first = whole && found.batches.is_empty();
        found.left = packed.left;
        let (kept, given_up) = keep(table, packed.batches, &mut left);
        for (_, batch) in &kept {
            let growth = &mut growth[table.problem.columns[batch.column].group];
            *growth = growth.saturating_sub(batch.copies);
        }
        found.proof = packed.proof.filter(|_| first && given_up.is_empty());
        found.batches.extend(kept);
        if given_up.is_empty() {
            return found;
        }
        give_back(&given_up, &mut found.left);
    }
}

/// A node for each pod, as far as groups and quotas let them grow.
pub(crate) fn singly(table: &Table, counts: &[u32], left: &Left) -> Packed {
    let mut packed = packing::singly(&table.problem, counts);
    if left.is_free() {
        return packed;
    }
    let (kept, given_up) = keep(table, packed.batches, &mut left.clone());
    give_back(&given_up, &mut packed.left);
    Packed {
        batches: kept,
        ..packed
    }
}

/// Group of a column, and what one node of it counts where there are quotas.
fn counted(table: &Table, column: usize) -> (usize, &Amounts) {
    (table.problem.columns[column].group, &table.sold[column].each)
}

/// Whether quotas have room for all of these nodes.
pub(crate) fn holds(table: &Table, batches: &[Dealt], left: &Left) -> bool {
    let mut left = left.clone();
    batches.iter().all(|(_, batch)| {
        let (group, each) = counted(table, batch.column);
        let fits = left.copies(group, each, batch.copies) == batch.copies;
        left.take(group, each, batch.copies);
        fits
    })
}

/// Nodes with the zone they belong to.
type Dealt = (Option<usize>, Batch);

/// Nodes that quotas have room for, counted off, and those they have none for. As they come where there is room for
/// all; else those first that take least for each of their pods.
fn keep(table: &Table, batches: Vec<Dealt>, left: &mut Left) -> (Vec<Dealt>, Vec<Dealt>) {
    let mut batches = batches;
    if !holds(table, &batches, left) {
        let takes = |batch: &Batch| {
            let (group, each) = counted(table, batch.column);
            let pods: u32 = batch.pattern.iter().map(|(_, n)| n).sum();
            left.share(group, each) / f64::from(pods.max(1))
        };
        let mut keyed: Vec<(f64, Dealt)> = batches
            .into_iter()
            .map(|dealt| (takes(&dealt.1), dealt))
            .collect();
        keyed.sort_by(|a, b| a.0.total_cmp(&b.0));
        batches = keyed.into_iter().map(|(_, dealt)| dealt).collect();
    }
    let (mut kept, mut given_up) = (Vec::new(), Vec::new());
    for (zone, batch) in batches {
        let (group, each) = counted(table, batch.column);
        let copies = left.copies(group, each, batch.copies);
        left.take(group, each, copies);
        let part = |copies| {
            let batch = Batch {
                copies,
                ..batch.clone()
            };
            (zone, batch)
        };
        if copies > 0 {
            kept.push(part(copies));
        }
        if copies < batch.copies {
            given_up.push(part(batch.copies - copies));
        }
    }
    (kept, given_up)
}

fn give_back(given_up: &[Dealt], left: &mut [u32]) {
    for (_, batch) in given_up {
        for (row, n) in &batch.pattern {
            left[*row as usize] += n * batch.copies;
        }
    }
}

/// What nodes take, counted off.
pub(crate) fn beside(table: &Table, columns: impl Iterator<Item = usize>, left: &Left) -> Left {
    let mut left = left.clone();
    if !left.is_free() {
        for column in columns {
            let (group, each) = counted(table, column);
            left.take(group, each, 1);
        }
    }
    left
}
