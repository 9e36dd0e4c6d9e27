//! What one policy call costs: 10,000 rows, a Rust guest, a fresh pooled instance, fuel and epoch on.
//!
//! Prints the best and the median of many calls, in microseconds a call and nanoseconds a row. `columns` reads three
//! `u32` columns and answers one row for each class; `labels` reads all label columns; the first line has no rows. The
//! figures include everything the daemon does for a call: the instance, `configure`, the transfers, the checks. As in a
//! cycle, the policies of a hook share a View, and with it the columns once they are built; what the first of them pays
//! for building them stands beside it as `cold`, and what the very first call of a policy takes as `first` (best of ten
//! loads).

#![expect(
    clippy::print_stdout,
    clippy::panic,
    reason = "a bench prints, and ends where it cannot measure"
)]

use decide::Policy;
use host::{Engine, Limits, WasmPolicy, sample};
use model::advice::Hook;
use model::ids::PolicyName;
use policy_build::Toolchain;
use std::path::Path;
use std::time::Instant;

const ROWS: u32 = 10_000;
/// What issue and design ask for: microseconds a call of `columns`.
const TARGET: f64 = 100.0;

fn main() {
    let toolchain = match Toolchain::find() {
        Ok(toolchain) => toolchain,
        Err(why) => {
            println!("skipped: {why}");
            return;
        }
    };
    let engine = Engine::new().unwrap_or_else(|why| panic!("{why}"));
    println!(
        "instances: {}",
        if engine.pooled() { "pooled" } else { "on demand" }
    );
    let rows = sample::rows(ROWS);
    let empty = sample::rows(0);
    for (name, sample, count) in [
        ("columns", &empty, 0),
        ("columns", &rows, ROWS),
        ("labels", &rows, ROWS),
    ] {
        let bytes = built(&toolchain, name);
        let policy = load(&engine, &bytes, name);
        let first = (0..10).map(|_| first(&load(&engine, &bytes, name), sample));
        let first = first.fold(f64::INFINITY, f64::min);
        let (shared, fuel) = measure(&policy, sample, false);
        let (cold, cold_fuel) = measure(&policy, sample, true);
        assert_eq!(fuel, cold_fuel, "fuel tells who built the columns");
        let best = shared.best;
        let per_row = best * 1000.0 / f64::from(count.max(1));
        println!(
            "{name:8} {count:6} rows, View shared by all calls: best {best:8.1} µs, median {:8.1} µs, {per_row:7.1} ns a row, fuel {fuel}; cold View for each call: best {:8.1} µs, median {:8.1} µs; first {first:8.1} µs",
            shared.median, cold.best, cold.median
        );
        if name == "columns" && count == ROWS {
            let verdict = if best <= TARGET { "reached" } else { "missed" };
            println!("{:8} target ≤ {TARGET} µs: {verdict}", "");
        }
    }
}

fn built(toolchain: &Toolchain, name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../tests/guests")
        .join(name);
    let built = policy_build::build_rust(&folder, toolchain).unwrap_or_else(|why| panic!("{why}"));
    println!(
        "{}: {} bytes, built in {:.1} s",
        built.package,
        built.bytes.len(),
        built.took.as_secs_f64()
    );
    built.bytes
}

fn load(engine: &Engine, bytes: &[u8], name: &str) -> WasmPolicy {
    engine
        .load(bytes, &PolicyName::new(name), "", &Limits::default())
        .unwrap_or_else(|why| panic!("{why}"))
}

/// Microseconds of the first call of a policy.
fn first(policy: &WasmPolicy, sample: &sample::Sample) -> f64 {
    let view = sample.view(Hook::Placement);
    let started = Instant::now();
    let advised = std::hint::black_box(policy.advise(&view, &[]));
    assert!(advised.answer.is_ok(), "{:?}", advised.answer.err());
    started.elapsed().as_secs_f64() * 1e6
}

/// Microseconds a call.
struct Figures {
    best: f64,
    median: f64,
}

/// Times 500 calls, with one View for all or a new one for each, and says what fuel each took.
fn measure(policy: &WasmPolicy, sample: &sample::Sample, cold: bool) -> (Figures, u64) {
    let mut view = sample.view(Hook::Placement);
    let first = policy.advise(&view, &[]);
    assert!(first.answer.is_ok(), "{:?}", first.answer.err());
    let mut times: Vec<f64> = (0..500)
        .map(|_| {
            if cold {
                view = sample.view(Hook::Placement);
            }
            let started = Instant::now();
            let advised = std::hint::black_box(policy.advise(&view, &[]));
            let took = started.elapsed().as_secs_f64() * 1e6;
            assert_eq!(advised.fuel, first.fuel, "fuel differs from call to call");
            took
        })
        .collect();
    times.sort_by(f64::total_cmp);
    let figures = Figures {
        best: times[0],
        median: times[times.len() / 2],
    };
    (figures, first.fuel)
}
