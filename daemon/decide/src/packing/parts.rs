//! A problem taken apart by zone: pods that were dealt to different zones share no node, so each zone is packed by
//! itself, with its share of the pods that may go anywhere.
//!
//! Zones that sell the same at the same price get the same mixture; where nothing was dealt there is one part, the
//! problem itself.

use super::table::{NO_ZONE, Table};
use super::{Batch, Packing};
use crate::bound::Duals;
use crate::number::count;
use std::collections::BTreeMap;

/// One zone's rows and columns, and where they are in the whole.
pub(super) struct Part {
    /// Zone by its place among the market's; `None` where nothing was dealt.
    pub(super) zone: Option<usize>,
    pub(super) table: Table,
    pub(super) duals: Duals,
    /// By row of the part: pods.
    pub(super) counts: Vec<u32>,
    rows: Vec<usize>,
    columns: Vec<usize>,
}

impl Part {
    fn new(table: &Table, duals: &Duals, zone: Option<usize>, counts: &[u32]) -> Self {
        let rows: Vec<usize> = (0..table.rows.len()).filter(|row| counts[*row] > 0).collect();
        let columns: Vec<usize> = (0..table.columns.len())
            .filter(|column| rows.iter().any(|row| table.fits[*column][*row]))
            .filter(|column| zone.is_none_or(|zone| table.columns[*column].zones & (1 << zone) != 0))
            .collect();
        Self {
            zone,
            table: table.part(&rows, &columns),
            duals: duals.part(&rows, &columns),
            counts: rows.iter().map(|row| counts[*row]).collect(),
            rows,
            columns,
        }
    }

    /// A packing of the part as one of the whole; what it left is added to `left`.
    pub(super) fn whole(&self, packing: Packing, left: &mut [u32]) -> Vec<Batch> {
        for (row, count) in self.rows.iter().zip(&packing.left) {
            left[*row] += count;
        }
        let batch = |batch: Batch| Batch {
            column: self.columns[batch.column],
            copies: batch.copies,
            pods: batch
                .pods
                .into_iter()
                .map(|(row, n)| (count(self.rows[row as usize]), n))
                .collect(),
        };
        packing.batches.into_iter().map(batch).collect()
    }
}

/// The parts of a problem, by zone.
pub(super) fn parts(table: &Table, duals: &Duals, counts: &[u32]) -> Vec<Part> {
    let sold = table.columns.iter().fold(0, |zones, column| zones | column.zones);
    let is_sold = |zone: &usize| *zone != NO_ZONE && sold & (1 << *zone) != 0;
    let mut dealt: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
    for (row, of) in table.rows.iter().enumerate() {
        if let Some(zone) = of.zone.filter(|zone| is_sold(zone) && counts[row] > 0) {
            dealt.entry(zone).or_insert_with(|| vec![0; counts.len()])[row] = counts[row];
        }
    }
    let anywhere: Vec<usize> = (0..counts.len())
        .filter(|row| table.rows[*row].zone.is_none() && counts[*row] > 0)
        .collect();
    let mut homeless = vec![0; counts.len()];
    share_out(table, duals, (counts, &anywhere), (&mut dealt, &mut homeless));
    let mut parts: Vec<Part> = dealt
        .into_iter()
        .map(|(zone, counts)| Part::new(table, duals, Some(zone), &counts))
        .collect();
    if homeless.iter().any(|count| *count > 0) {
        parts.push(Part::new(table, duals, None, &homeless));
    }
    parts
}

/// Deals pods that may go anywhere to the zones that were dealt to, by what those pay; pods that none of the zones
/// has a column for stay apart.
fn share_out(
    table: &Table,
    duals: &Duals,
    (counts, anywhere): (&[u32], &[usize]),
    (dealt, homeless): (&mut BTreeMap<usize, Vec<u32>>, &mut [u32]),
) {
    let worth: BTreeMap<usize, i128> = dealt
        .iter()
        .map(|(zone, counts)| {
            let pods = counts.iter().zip(&duals.pays);
            let sum: i128 = pods
                .map(|(n, pays)| i128::from(*n) * i128::from((*pays).max(1)))
                .sum();
            (*zone, sum)
        })
        .collect();
    for row in anywhere {
        let sold = |zone: usize| {
            let columns = table.columns.iter().zip(&table.fits);
            columns
                .into_iter()
                .any(|(of, fits)| fits[*row] && of.zones & (1 << zone) != 0)
        };
        let zones: Vec<usize> = dealt.keys().copied().filter(|zone| sold(*zone)).collect();
        let total: i128 = zones.iter().map(|zone| worth[zone]).sum();
        if zones.is_empty() {
            homeless[*row] = counts[*row];
            continue;
        }
        let (mut sum, mut given) = (0_i128, 0_u32);
        for zone in zones {
            sum += worth[&zone];
            let upto = i128::from(counts[*row]) * sum / total.max(1);
            let upto = u32::try_from(upto).unwrap_or(u32::MAX).min(counts[*row]);
            if let Some(counts) = dealt.get_mut(&zone) {
                counts[*row] = upto - given;
            }
            given = upto;
        }
    }
}

/// Whether rows were dealt to zones at all.
pub(super) fn is_dealt(table: &Table, counts: &[u32]) -> bool {
    let rows = table.rows.iter().zip(counts);
    rows.into_iter()
        .any(|(row, count)| row.zone.is_some() && *count > 0)
}

/// Nodes that a part may not buy any more because parts before it did.
pub(super) fn spend(growth: &mut [u32], table: &Table, batches: &[Batch]) {
    for batch in batches {
        let left = &mut growth[table.columns[batch.column].group];
        *left = left.saturating_sub(batch.copies);
    }
}
