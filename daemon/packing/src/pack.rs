//! Packing as a whole: zones apart, many columns thinned, and the cheapest of all that was found.
//!
//! First-fit-decreasing is the floor that no packing may exceed; what is tried beyond it is in `search`.

use crate::amounts::{self, in_dims};
use crate::duals::Duals;
use crate::first_fit;
use crate::problem::{Demand, Ladder, Problem};
use crate::search::{Instance, search};
use crate::solution::{Batch, Packed, Packing};
use crate::work::Work;
use crate::zones;

/// What a free bin costs the search, nano-dollars per hour.
const LEAST_PRICE: i64 = 1000;

/// Packs items into new bins, zone by zone where zones were dealt.
pub fn pack(problem: &Problem, duals: &Duals, demand: Demand<'_>, work: Work) -> Packed {
    if !zones::is_dealt(problem, demand.counts) {
        let (packing, proof) = pack_part(problem, duals, demand, work);
        return Packed {
            batches: packing.batches.into_iter().map(|batch| (None, batch)).collect(),
            left: packing.left,
            proof,
        };
    }
    let mut packed = Packed {
        left: vec![0; demand.counts.len()],
        ..Packed::default()
    };
    let mut parts = zones::parts(problem, duals, demand.counts);
    // A zone is a problem of its own, and the work is that of the whole: ten zones must not cost ten searches.
    let work = work.shared(parts.len());
    let mut stock = problem.stock.clone();
    for part in &mut parts {
        // Groups may sell in several zones: what one part bought, the next cannot buy.
        part.problem.stock.clone_from(&stock);
        let (packing, _) = pack_part(&part.problem, &part.duals, Demand::of(&part.counts), work);
        let batches = part.whole(packing, &mut packed.left);
        zones::spend(&mut stock, problem, &batches);
        packed
            .batches
            .extend(batches.into_iter().map(|batch| (part.zone, batch)));
    }
    packed
}

/// A bin for each item, the cheapest that holds it, as far as there is stock.
pub fn singly(problem: &Problem, counts: &[u32]) -> Packed {
    let mut stock = problem.stock.clone();
    let mut packed = Packed {
        left: counts.to_vec(),
        ..Packed::default()
    };
    for (row, left) in packed.left.iter_mut().enumerate() {
        let zone = problem.rows[row].zone;
        for column in 0..problem.columns.len() {
            let of = &problem.columns[column];
            let copies = if problem.fits[column][row] {
                stock[of.group].min(*left)
            } else {
                0
            };
            if copies > 0 {
                stock[of.group] -= copies;
                *left -= copies;
                let pattern = vec![(crate::number::count(row), 1)];
                packed.batches.push((
                    zone,
                    Batch {
                        column,
                        copies,
                        pattern,
                    },
                ));
            }
        }
    }
    packed
}

/// Packs items of one zone, or of none in particular.
pub(crate) fn pack_part(
    problem: &Problem,
    duals: &Duals,
    demand: Demand<'_>,
    work: Work,
) -> (Packing, Option<Duals>) {
    let Some(Ladder { columns, .. }) = problem.ladder() else {
        return pack_columns(problem, duals, demand, work);
    };
    let rows: Vec<usize> = (0..problem.rows.len()).collect();
    let thin = problem.part(&rows, &columns);
    let (mut packing, _) = pack_columns(&thin, &duals.part(&rows, &columns), demand, work);
    for batch in &mut packing.batches {
        // The column found stands for others of nearly its price; one of those may be cheaper for these very items.
        batch.column = right_size(problem, columns[batch.column], &batch.pattern);
    }
    (packing, None)
}

/// The cheapest column of the same group and set that holds these items.
fn right_size(problem: &Problem, column: usize, pattern: &[(u32, u32)]) -> usize {
    let bought = &problem.columns[column];
    let mut used = vec![0; problem.width()];
    for (row, n) in pattern {
        amounts::put(&mut used, &problem.rows[*row as usize].ask, *n);
    }
    let holds = |at: &usize| {
        let of = &problem.columns[*at];
        (of.group, of.tariff, of.zones) == (bought.group, bought.tariff, bought.zones)
            && amounts::holds(&of.capacity, &used)
            && pattern.iter().all(|(row, _)| problem.fits[*at][*row as usize])
    };
    // Columns come cheapest first.
    (0..column).find(holds).unwrap_or(column)
}

/// Packs with all columns of the problem.
fn pack_columns(
    problem: &Problem,
    duals: &Duals,
    demand: Demand<'_>,
    work: Work,
) -> (Packing, Option<Duals>) {
    if demand.counts.iter().all(|count| *count == 0) || problem.columns.is_empty() {
        return (Packing::nothing(demand.counts), None);
    }
    // Free bins would all look alike to a search by price; a millionth of a dollar makes few of them best.
    let mut priced = problem.clone();
    for column in priced.columns.iter_mut().filter(|column| column.price == 0) {
        column.price = LEAST_PRICE;
    }
    // Duals at other prices than the real ones prove nothing about real money.
    let truthful = priced
        .columns
        .iter()
        .zip(&problem.columns)
        .all(|(a, b)| a.price == b.price);
    let at_prices = if truthful {
        duals.clone()
    } else {
        duals.on(&priced)
    };
    let whole = (!work.is_little()).then(|| at_prices.of_whole_items(&priced, demand.counts));
    let instance = Instance {
        whole: whole.flatten(),
        duals: at_prices,
        floor: first_fit::pack(problem, demand.counts),
        problem: &priced,
        demand,
        work,
    };
    let (found, proof) = in_dims!(problem.width(), search(&instance));
    let packing = [instance.floor, found]
        .into_iter()
        // The floor is compared at real prices, so that no search can make a packing dearer than first-fit-decreasing.
        .min_by_key(|packing| packing.rank(problem))
        .unwrap_or_default();
    let proof = proof
        .map(|proof| duals.proven(problem, &proof))
        .or(instance.whole);
    (packing, proof.filter(|_| truthful))
}
