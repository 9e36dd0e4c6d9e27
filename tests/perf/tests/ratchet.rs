//! Floors that only ever move one way: how many fixed loops a row may take, and how far above its bound its plan may
//! cost. Costs are the same on every machine; times are held with slack, because machines have neighbours.
//!
//! A change that beats a floor lowers it in `floors.csv`. Where the outside data is absent nothing can be measured, and
//! the test says so.

use perf::data;
use perf::measure::Taken;
use perf::suite::{self, Figures, Seeds, Try};
use serde::Deserialize;

/// What a row may take and cost at seed 41: a line of `floors.csv`.
#[derive(Deserialize)]
struct Floor {
    row: String,
    /// Fixed loops on a quiet machine.
    loops: f64,
    /// Percent above the bound, as far as it was proven.
    gap: f64,
    /// Pods without a place.
    refused: usize,
}

/// A row may take so many times its floor: neighbours take caches and cores.
const SLACK: f64 = 2.0;
/// Percent that rounding may cost.
const ROUNDING: f64 = 0.005;

fn floors() -> Result<Vec<Floor>, csv::Error> {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/floors.csv");
    let rows = csv::Reader::from_path(file)?.into_deserialize();
    rows.collect()
}

/// What a row loses against its floor.
fn slips(floor: &Floor, figures: &Figures) -> Vec<String> {
    let mut slips = Vec::new();
    for one in &figures.tries {
        let loops = one.taken.in_loops();
        if loops > floor.loops * SLACK {
            slips.push(format!(
                "{}: {loops:.1} loops, at most {:.1} × {SLACK}",
                floor.row, floor.loops
            ));
        }
        if one.gap > floor.gap + ROUNDING {
            slips.push(format!(
                "{}: {:.3} % above its bound, at most {}",
                floor.row, one.gap, floor.gap
            ));
        }
        if one.refused > floor.refused {
            slips.push(format!(
                "{}: {} refused, at most {}",
                floor.row, one.refused, floor.refused
            ));
        }
    }
    if figures.tries.is_empty() {
        slips.push(format!("{}: nothing was tried", floor.row));
    }
    slips
}

#[test]
fn nothing_slips() {
    if !data::folder().join("ec2_us-east-1.csv.gz").exists() {
        eprintln!(
            "skipped: no outside data at {} (PLIMSOLL_DATA)",
            data::folder().display()
        );
        return;
    }
    let seeds = Seeds { from: 41, many: 1 };
    let mut all = Vec::new();
    for floor in &floors().unwrap() {
        let mut lost = slips(floor, &suite::run(&floor.row, seeds).unwrap());
        if !lost.is_empty() {
            // Once more: a neighbour may have come in the middle of it.
            lost = slips(floor, &suite::run(&floor.row, seeds).unwrap());
        }
        all.extend(lost);
    }
    assert!(all.is_empty(), "{}", all.join("\n"));
}

#[test]
fn the_ratchet_catches_what_is_slower_dearer_or_refused() {
    let floor = Floor {
        row: "a row".to_owned(),
        loops: 10.0,
        gap: 0.5,
        refused: 0,
    };
    let lost = |seconds: f64, gap: f64, refused: usize| {
        let taken = Taken {
            seconds,
            reference: 1.0,
            ..Taken::default()
        };
        let one = Try {
            taken,
            gap,
            refused,
            ..Try::default()
        };
        let figures = Figures {
            tries: vec![one],
            ..Figures::default()
        };
        slips(&floor, &figures).len()
    };
    assert_eq!(lost(19.9, 0.5, 0), 0);
    assert_eq!(lost(20.1, 0.5, 0), 1);
    assert_eq!(lost(1.0, 0.51, 0), 1);
    assert_eq!(lost(1.0, 0.0, 1), 1);
    assert_eq!(lost(99.0, 9.0, 9), 3);
    assert_eq!(slips(&floor, &Figures::default()).len(), 1);
}

#[test]
fn every_floor_has_a_row() {
    let rows = suite::rows();
    let floors = floors().unwrap();
    assert!(floors.len() >= 10, "only {} floors", floors.len());
    for floor in &floors {
        assert!(rows.iter().any(|row| row.name == floor.row), "{}", floor.row);
    }
}
