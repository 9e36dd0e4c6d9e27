//! Packs a small fleet, and prints who pays for it: what each item pays and each bin wastes add up to the bill.
//!
//! `cargo run -p plimsoll-packing --example bill`

#![expect(clippy::print_stdout, reason = "the bill is the result")]

use packing::{Column, Demand, Problem, Row, Work, amounts, duals, pack};

/// Kinds of items: name, millicores, MiB, how many.
const ITEMS: [(&str, i64, i64, u32); 3] = [
    ("web", 500, 1024, 60),
    ("cache", 250, 6144, 12),
    ("batch", 3500, 2048, 9),
];
/// Kinds of bins, the cheapest first: name, millicores, MiB, nano-dollars per hour.
const BINS: [(&str, i64, i64, i64); 3] = [
    ("small", 3920, 7168, 96_000_000),
    ("deep", 3920, 31_744, 252_000_000),
    ("wide", 15_890, 29_696, 384_000_000),
];

fn main() {
    let problem = problem();
    let counts: Vec<u32> = ITEMS.iter().map(|(.., count)| *count).collect();
    let duals = duals::search(&problem, &counts);
    let packed = pack(&problem, &duals, Demand::of(&counts), Work::USUAL);
    let pays = &packed.proof.as_ref().unwrap_or(&duals).pays;
    let (mut bill, mut wasted) = (0, 0);
    for (_, batch) in &packed.batches {
        let price = problem.bin_price(batch.column, &batch.pattern);
        let paid: i64 = batch
            .pattern
            .iter()
            .map(|(row, n)| pays[*row as usize] * i64::from(*n))
            .sum();
        bill += price * i64::from(batch.copies);
        wasted += (price - paid) * i64::from(batch.copies);
        let items = batch
            .pattern
            .iter()
            .map(|(row, n)| format!("{n} {}", ITEMS[*row as usize].0));
        let items = items.collect::<Vec<_>>().join(", ");
        println!(
            "{} x {:5} {}  wastes {}  holds {items}",
            batch.copies,
            BINS[batch.column].0,
            usd(price),
            usd(price - paid)
        );
    }
    let paid: i64 = pays
        .iter()
        .zip(&counts)
        .map(|(pays, count)| pays * i64::from(*count))
        .sum();
    for ((name, ..), pays) in ITEMS.iter().zip(pays) {
        println!("{name:5} pays {} each", usd(*pays));
    }
    println!("bill {} = paid {} + wasted {}", usd(bill), usd(paid), usd(wasted));
    assert_eq!(
        bill,
        paid + wasted,
        "the bill is explained to the last nano-dollar"
    );
}

fn problem() -> Problem {
    let row = |(_, cpu, memory, _): &(&str, i64, i64, u32)| Row {
        ask: vec![*cpu, *memory],
        alone_price: None,
        cap: None,
        zone: None,
    };
    let column = |(_, cpu, memory, price): &(&str, i64, i64, i64)| Column {
        group: 0,
        tariff: 0,
        zones: 1,
        admission: 0,
        capacity: vec![*cpu, *memory],
        price: *price,
    };
    let mut problem = Problem {
        dims: 2,
        rows: ITEMS.iter().map(row).collect(),
        columns: BINS.iter().map(column).collect(),
        stock: vec![1000],
        ..Problem::default()
    };
    problem.fits = problem
        .columns
        .iter()
        .map(|column| {
            problem
                .rows
                .iter()
                .map(|row| amounts::holds(&column.capacity, &row.ask))
                .collect()
        })
        .collect();
    problem
}

/// Nano-dollars per hour, in dollars.
#[expect(clippy::cast_precision_loss, reason = "for reading")]
fn usd(nano: i64) -> String {
    format!("${:.4}/h", nano as f64 / 1e9)
}
