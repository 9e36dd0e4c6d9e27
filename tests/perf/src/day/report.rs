//! The figures of days as a line, a table and a curve.

use super::Evening;
use crate::plot::{self, Mark};
use std::fmt::Write as _;

/// One day, for whoever waits.
pub(super) fn line(day: &Evening) -> String {
    format!(
        "seed {} unneeded {} s ${}: ${:.2} = +{:.1} %, {} evictions, {} bought, {} removed, p99 wait {} s, {} ms",
        day.seed,
        day.unneeded,
        day.price,
        day.usd,
        day.gap,
        day.evictions,
        day.launches,
        day.removals,
        day.wait_p99,
        day.slowest_ms
    )
}

/// Days of equal settings, in the order they were played.
fn rows(days: &[Evening]) -> Vec<(i64, f64, Vec<&Evening>)> {
    let mut rows: Vec<(i64, f64, Vec<&Evening>)> = Vec::new();
    for day in days {
        let same = |row: &&mut (i64, f64, Vec<&Evening>)| {
            row.0 == day.unneeded && row.1.total_cmp(&day.price).is_eq()
        };
        match rows.iter_mut().find(same) {
            Some(row) => row.2.push(day),
            None => rows.push((day.unneeded, day.price, vec![day])),
        }
    }
    rows
}

/// The middle value and the largest.
fn spread(of: &[&Evening], figure: impl Fn(&Evening) -> f64) -> (f64, f64) {
    let mut values: Vec<f64> = of.iter().map(|day| figure(day)).collect();
    values.sort_by(f64::total_cmp);
    let middle = values.get(values.len() / 2).copied().unwrap_or(0.0);
    (middle, values.last().copied().unwrap_or(0.0))
}

/// The table of settings: median and worst over the seeds.
pub(super) fn table(days: &[Evening]) -> String {
    let mut text = String::from(
        "| unneeded s | $ per eviction | $/day | bound | over it % median [worst] | evictions median [worst] | \
         bought | removed | p99 wait s | pod-seconds waited |\n|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for (unneeded, price, of) in rows(days) {
        let (gap, evictions) = (spread(&of, |d| d.gap), spread(&of, |d| f64::from(d.evictions)));
        let middle = |figure: &dyn Fn(&Evening) -> f64| spread(&of, figure).0;
        let _ = writeln!(
            text,
            "| {unneeded} | {price} | {:.2} | {:.2} | {:.1} [{:.1}] | {:.0} [{:.0}] | {:.0} | {:.0} | {:.0} | {} |",
            middle(&|d| d.usd),
            middle(&|d| d.bound_usd),
            gap.0,
            gap.1,
            evictions.0,
            evictions.1,
            middle(&|d| f64::from(d.launches)),
            middle(&|d| f64::from(d.removals)),
            spread(&of, |d| f64::from(i32::try_from(d.wait_p99).unwrap_or(i32::MAX))).1,
            of.iter().map(|d| d.waited).max().unwrap_or(0),
        );
    }
    text
}

/// Cost against evictions, a line per patience.
pub(super) fn curve(days: &[Evening]) -> String {
    let mut lines: Vec<(String, Vec<Mark>)> = Vec::new();
    for (unneeded, price, of) in rows(days) {
        let name = format!("unneeded {unneeded} s");
        let mark = Mark {
            x: spread(&of, |d| f64::from(d.evictions)).0,
            y: spread(&of, |d| d.gap).0,
            label: format!("${price}"),
        };
        match lines.iter_mut().find(|line| line.0 == name) {
            Some(line) => line.1.push(mark),
            None => lines.push((name, vec![mark])),
        }
    }
    plot::scatter(
        "Scenario S2 (synthetic pods, Alibaba 2018 demand): cost and evictions by what an eviction counts",
        ("evictions a day", "% over the bound"),
        &lines,
        Some((1000.0, 10.0)),
    )
}
