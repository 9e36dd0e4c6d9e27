//! Packings of drawn problems: whole, within their rooms, never dearer than the floor, and the same twice.

use super::*;
use crate::packing::table::{Column, Row};
use crate::space;
use proptest::prelude::*;

/// A table of plain rows and columns: asks and counts; rooms, prices and growth by column.
fn table(rows: &[(i64, i64)], columns: &[(i64, i64, i64)], growth: &[u32]) -> Table {
    let mut table = Table {
        dims: vec![0, 1, 2],
        crowds: Vec::new(),
        guarded: false,
        rows: rows
            .iter()
            .enumerate()
            .map(|(class, (cpu, memory))| Row {
                ask: vec![*cpu, *memory, 1],
                classes: vec![class],
                solo: None,
                cap: None,
                zone: None,
            })
            .collect(),
        columns: columns
            .iter()
            .enumerate()
            .map(|(lot, (cpu, memory, price))| Column {
                lot,
                group: lot % growth.len(),
                set: 0,
                tariff: 0,
                risk: 0,
                zones: 1,
                terrain: 0,
                room: vec![*cpu, *memory, 30],
                each: model::quota::Amounts::default(),
                price: *price,
            })
            .collect(),
        fits: Vec::new(),
        addends: Vec::new(),
        forbids: Vec::new(),
        row_of: (0..rows.len()).collect(),
        lot_prices: Vec::new(),
        growth: growth.to_vec(),
    };
    table.columns.sort_by_key(|column| column.price);
    table.fits = table
        .columns
        .iter()
        .map(|column| {
            table
                .rows
                .iter()
                .map(|row| space::holds(&column.room, &row.ask))
                .collect()
        })
        .collect();
    table
}

fn check(table: &Table, counts: &[u32], packing: &Packing) {
    let mut placed = vec![0; counts.len()];
    let mut bought = vec![0; table.growth.len()];
    for batch in &packing.batches {
        let column = &table.columns[batch.column];
        let mut used = vec![0; table.width()];
        for (row, n) in &batch.pods {
            assert!(*n > 0 && table.fits[batch.column][*row as usize]);
            space::put(&mut used, &table.rows[*row as usize].ask, *n);
            placed[*row as usize] += n * batch.copies;
        }
        assert!(space::holds(&column.room, &used), "{used:?} on {:?}", column.room);
        bought[column.group] += batch.copies;
    }
    for (row, count) in counts.iter().enumerate() {
        assert_eq!(placed[row] + packing.left[row], *count, "row {row}");
    }
    assert!(
        bought
            .iter()
            .zip(&table.growth)
            .all(|(bought, growth)| bought <= growth)
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whole_within_the_rooms_never_dearer_than_the_floor_and_the_same_twice(
        rows in prop::collection::vec((1..4000_i64, 1..9_000_000_000_i64), 1..12),
        counts in prop::collection::vec(1..40_u32, 12),
        columns in prop::collection::vec((500..16_000_i64, 1_000_000_000..64_000_000_000_i64, 0..900_000_000_i64), 1..9),
        growth in prop::collection::vec(0..60_u32, 1..4),
    ) {
        let table = table(&rows, &columns, &growth);
        let counts = &counts[..rows.len()];
        let duals = crate::bound::search(&table, counts);
        let (packing, proof) = pack_part(&table, &duals, (counts, counts), Work::USUAL);
        check(&table, counts, &packing);
        prop_assert!(packing.rank(&table) <= first_fit::pack(&table, counts).rank(&table));
        let (again, _) = pack_part(&table, &duals, (counts, counts), Work::USUAL);
        prop_assert_eq!(&packing, &again);
        if packing.unplaced() == 0 {
            let proof = proof.unwrap_or(duals);
            let cost = packing.cost(&table);
            prop_assert!(i128::from(proof.bound(&table, counts, &[])) <= cost);
        }
    }
}

#[test]
fn pods_of_a_third_of_a_node_are_proven_optimal() {
    // Three fit on a node and nothing tiles better; fractional pods would say 3.33.
    let table = table(&[(3, 3)], &[(10, 10, 1_000_000_000)], &[100]);
    let counts = [9];
    let duals = crate::bound::search(&table, &counts);
    assert!(duals.bound(&table, &counts, &[]) <= 2_700_000_000);
    let (packing, proof) = pack_part(&table, &duals, (&counts, &counts), Work::USUAL);
    assert_eq!(packing.cost(&table), 3_000_000_000);
    let proof = proof.expect("whole pods prove more");
    assert!(proof.bound(&table, &counts, &[]) >= 2_999_000_000);
}

#[test]
fn complementary_pods_share_nodes() {
    let table = table(&[(3, 1), (1, 3)], &[(8, 8, 1_000_000_000)], &[100]);
    let counts = [20, 20];
    let duals = crate::bound::search(&table, &counts);
    let (packing, _) = pack_part(&table, &duals, (&counts, &counts), Work::USUAL);
    check(&table, &counts, &packing);
    assert_eq!(packing.nodes(), 10);
}

#[test]
fn more_dimensions_than_the_search_has_leave_the_floor() {
    let mut table = table(&[(3, 3)], &[(10, 10, 1_000_000_000)], &[100]);
    table.dims = (0..20).collect();
    for row in &mut table.rows {
        row.ask.resize(20, 1);
    }
    for column in &mut table.columns {
        column.room.resize(20, 30);
    }
    let duals = crate::bound::search(&table, &[9]);
    let (packing, _) = pack_part(&table, &duals, (&[9], &[9]), Work::USUAL);
    check(&table, &[9], &packing);
    assert_eq!(packing.unplaced(), 0);
}
