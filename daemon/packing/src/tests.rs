//! Packings of drawn problems: whole, within their capacities, never dearer than the floor, and the same twice.

use crate::amounts;
use crate::duals;
use crate::first_fit;
use crate::pack::pack_part;
use crate::problem::{Column, Demand, Problem, Row};
use crate::solution::Packing;
use crate::work::Work;
use proptest::prelude::*;

/// A problem of plain rows and columns: asks by row; capacities, prices and stock by column.
fn problem(rows: &[(i64, i64)], columns: &[(i64, i64, i64)], stock: &[u32]) -> Problem {
    let row = |(cpu, memory): &(i64, i64)| Row {
        ask: vec![*cpu, *memory, 1],
        alone_price: None,
        cap: None,
        zone: None,
    };
    let column = |(at, (cpu, memory, price)): (usize, &(i64, i64, i64))| Column {
        group: at % stock.len(),
        tariff: 0,
        zones: 1,
        admission: 0,
        capacity: vec![*cpu, *memory, 30],
        price: *price,
    };
    let mut problem = Problem {
        dims: 3,
        rows: rows.iter().map(row).collect(),
        columns: columns.iter().enumerate().map(column).collect(),
        stock: stock.to_vec(),
        ..Problem::default()
    };
    problem.columns.sort_by_key(|column| column.price);
    let holds = |column: &Column| {
        let rows = problem.rows.iter();
        rows.map(|row| amounts::holds(&column.capacity, &row.ask))
            .collect()
    };
    problem.fits = problem.columns.iter().map(holds).collect();
    problem
}

fn check(problem: &Problem, counts: &[u32], packing: &Packing) {
    let mut placed = vec![0; counts.len()];
    let mut bought = vec![0; problem.stock.len()];
    for batch in &packing.batches {
        let column = &problem.columns[batch.column];
        let mut used = vec![0; problem.width()];
        for (row, n) in &batch.pattern {
            assert!(*n > 0 && problem.fits[batch.column][*row as usize]);
            amounts::put(&mut used, &problem.rows[*row as usize].ask, *n);
            placed[*row as usize] += n * batch.copies;
        }
        assert!(
            amounts::holds(&column.capacity, &used),
            "{used:?} on {:?}",
            column.capacity
        );
        bought[column.group] += batch.copies;
    }
    for (row, count) in counts.iter().enumerate() {
        assert_eq!(placed[row] + packing.left[row], *count, "row {row}");
    }
    assert!(
        bought
            .iter()
            .zip(&problem.stock)
            .all(|(bought, stock)| bought <= stock)
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whole_within_the_rooms_never_dearer_than_the_floor_and_the_same_twice(
        rows in prop::collection::vec((1..4000_i64, 1..9_000_000_000_i64), 1..12),
        counts in prop::collection::vec(1..40_u32, 12),
        columns in prop::collection::vec((500..16_000_i64, 1_000_000_000..64_000_000_000_i64, 0..900_000_000_i64), 1..9),
        stock in prop::collection::vec(0..60_u32, 1..4),
    ) {
        let problem = problem(&rows, &columns, &stock);
        let counts = &counts[..rows.len()];
        let duals = duals::search(&problem, counts);
        let (packing, proof) = pack_part(&problem, &duals, Demand::of(counts), Work::USUAL);
        check(&problem, counts, &packing);
        prop_assert!(packing.rank(&problem) <= first_fit::pack(&problem, counts).rank(&problem));
        let (again, _) = pack_part(&problem, &duals, Demand::of(counts), Work::USUAL);
        prop_assert_eq!(&packing, &again);
        if packing.unplaced() == 0 {
            let proof = proof.unwrap_or(duals);
            let cost = packing.cost(&problem);
            prop_assert!(i128::from(proof.bound(&problem, counts, &[])) <= cost);
        }
    }
}

#[test]
fn items_of_a_third_of_a_bin_are_proven_optimal() {
    // Three fit on a bin and nothing tiles better; fractional items would say 3.33.
    let problem = problem(&[(3, 3)], &[(10, 10, 1_000_000_000)], &[100]);
    let counts = [9];
    let duals = duals::search(&problem, &counts);
    assert!(duals.bound(&problem, &counts, &[]) <= 2_700_000_000);
    let (packing, proof) = pack_part(&problem, &duals, Demand::of(&counts), Work::USUAL);
    assert_eq!(packing.cost(&problem), 3_000_000_000);
    let proof = proof.expect("whole items prove more");
    assert!(proof.bound(&problem, &counts, &[]) >= 2_999_000_000);
}

#[test]
fn complementary_items_share_bins() {
    let problem = problem(&[(3, 1), (1, 3)], &[(8, 8, 1_000_000_000)], &[100]);
    let counts = [20, 20];
    let duals = duals::search(&problem, &counts);
    let (packing, _) = pack_part(&problem, &duals, Demand::of(&counts), Work::USUAL);
    check(&problem, &counts, &packing);
    assert_eq!(packing.bins(), 10);
}

#[test]
fn more_dimensions_than_the_search_has_leave_the_floor() {
    let mut problem = problem(&[(3, 3)], &[(10, 10, 1_000_000_000)], &[100]);
    problem.dims = 20;
    for row in &mut problem.rows {
        row.ask.resize(20, 1);
    }
    for column in &mut problem.columns {
        column.capacity.resize(20, 30);
    }
    let duals = duals::search(&problem, &[9]);
    let (packing, _) = pack_part(&problem, &duals, Demand::of(&[9]), Work::USUAL);
    check(&problem, &[9], &packing);
    assert_eq!(packing.unplaced(), 0);
}
