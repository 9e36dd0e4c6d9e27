//! A problem taken apart by zone: items that were dealt to different zones share no bin, so each zone is packed by
//! itself, with its share of the items that may go anywhere.
//!
//! Zones that sell the same at the same price get the same mixture; where nothing was dealt there is one part, the
//! problem itself.

use crate::duals::Duals;
use crate::number::count;
use crate::problem::{NO_ZONE, Problem};
use crate::solution::{Batch, Packing};
use std::collections::BTreeMap;

/// One zone's rows and columns, and where they are in the whole.
pub(crate) struct Part {
    /// Its number, a bit of `Column::zones`; `None` where nothing was dealt.
    pub(crate) zone: Option<usize>,
    pub(crate) problem: Problem,
    pub(crate) duals: Duals,
    /// By row of the part: items.
    pub(crate) counts: Vec<u32>,
    rows: Vec<usize>,
    columns: Vec<usize>,
}

impl Part {
    fn new(problem: &Problem, duals: &Duals, zone: Option<usize>, counts: &[u32]) -> Self {
        let rows: Vec<usize> = (0..problem.rows.len()).filter(|row| counts[*row] > 0).collect();
        let columns: Vec<usize> = (0..problem.columns.len())
            .filter(|column| rows.iter().any(|row| problem.fits[*column][*row]))
            .filter(|column| zone.is_none_or(|zone| problem.columns[*column].zones & (1 << zone) != 0))
            .collect();
        Self {
            zone,
            problem: problem.part(&rows, &columns),
            duals: duals.part(&rows, &columns),
            counts: rows.iter().map(|row| counts[*row]).collect(),
            rows,
            columns,
        }
    }

    /// A packing of the part as one of the whole; what it left is added to `left`.
    pub(crate) fn whole(&self, packing: Packing, left: &mut [u32]) -> Vec<Batch> {
        for (row, count) in self.rows.iter().zip(&packing.left) {
            left[*row] += count;
        }
        let batch = |batch: Batch| Batch {
            column: self.columns[batch.column],
            copies: batch.copies,
            pattern: batch
                .pattern
                .into_iter()
                .map(|(row, n)| (count(self.rows[row as usize]), n))
                .collect(),
        };
        packing.batches.into_iter().map(batch).collect()
    }
}

/// The parts of a problem, by zone.
pub(crate) fn parts(problem: &Problem, duals: &Duals, counts: &[u32]) -> Vec<Part> {
    let sold = problem
        .columns
        .iter()
        .fold(0, |zones, column| zones | column.zones);
    let is_sold = |zone: &usize| *zone != NO_ZONE && sold & (1 << *zone) != 0;
    let mut dealt: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
    for (row, of) in problem.rows.iter().enumerate() {
        if let Some(zone) = of.zone.filter(|zone| is_sold(zone) && counts[row] > 0) {
            dealt.entry(zone).or_insert_with(|| vec![0; counts.len()])[row] = counts[row];
        }
    }
    let mut shares = Shares {
        unsold: vec![0; counts.len()],
        dealt,
    };
    shares.share_out(problem, duals, counts);
    let Shares { dealt, unsold } = shares;
    let mut parts: Vec<Part> = dealt
        .into_iter()
        .map(|(zone, counts)| Part::new(problem, duals, Some(zone), &counts))
        .collect();
    if unsold.iter().any(|count| *count > 0) {
        parts.push(Part::new(problem, duals, None, &unsold));
    }
    parts
}

/// Who is packed in which zone.
struct Shares {
    /// By zone, by row: items.
    dealt: BTreeMap<usize, Vec<u32>>,
    /// By row: items that no zone that was dealt to has a column for.
    unsold: Vec<u32>,
}

impl Shares {
    /// Deals items that may go anywhere to the zones that were dealt to, by what those pay: a zone with more of a load has
    /// more capacity left over on its bins.
    fn share_out(&mut self, problem: &Problem, duals: &Duals, counts: &[u32]) {
        let worth: BTreeMap<usize, i128> = self
            .dealt
            .iter()
            .map(|(zone, counts)| (*zone, paid(duals, counts)))
            .collect();
        let anywhere = |row: &usize| problem.rows[*row].zone.is_none() && counts[*row] > 0;
        for row in (0..counts.len()).filter(anywhere) {
            let sold = |zone: usize| {
                let columns = problem.columns.iter().zip(&problem.fits);
                columns
                    .into_iter()
                    .any(|(of, fits)| fits[row] && of.zones & (1 << zone) != 0)
            };
            let zones: Vec<usize> = worth.keys().copied().filter(|zone| sold(*zone)).collect();
            let total: i128 = zones.iter().map(|zone| worth[zone]).sum();
            if zones.is_empty() {
                self.unsold[row] = counts[row];
                continue;
            }
            let (mut sum, mut given) = (0_i128, 0_u32);
            for zone in zones {
                sum += worth[&zone];
                // By the running sum, so that rounding neither loses an item nor makes one up.
                let upto = i128::from(counts[row]) * sum / total.max(1);
                let upto = u32::try_from(upto).unwrap_or(u32::MAX).min(counts[row]);
                if let Some(counts) = self.dealt.get_mut(&zone) {
                    counts[row] = upto - given;
                }
                given = upto;
            }
        }
    }
}

/// What these items pay together, each at least a nano-dollar.
fn paid(duals: &Duals, counts: &[u32]) -> i128 {
    let items = counts.iter().zip(&duals.pays);
    items
        .map(|(n, pays)| i128::from(*n) * i128::from((*pays).max(1)))
        .sum()
}

/// Whether rows were dealt to zones at all.
pub(crate) fn is_dealt(problem: &Problem, counts: &[u32]) -> bool {
    let rows = problem.rows.iter().zip(counts);
    rows.into_iter()
        .any(|(row, count)| row.zone.is_some() && *count > 0)
}

/// Bins that a part may not buy any more because parts before it did.
pub(crate) fn spend(stock: &mut [u32], problem: &Problem, batches: &[Batch]) {
    for batch in batches {
        let left = &mut stock[problem.columns[batch.column].group];
        *left = left.saturating_sub(batch.copies);
    }
}
