//! Whole runs: the same day twice is the same, nothing is broken, and what is reported is what happened.

use super::*;
use crate::report;

fn nothing(path: &str) -> Result<Vec<u8>, String> {
    Err(format!("{path}: no such file"))
}

fn day(hours: i64) -> Scenario {
    let text = include_bytes!("../../scenarios/day.yaml");
    let mut day = Scenario::read("day.yaml", text, &nothing).unwrap();
    day.start = day.start + Span::from_secs(3600 * 6);
    day.duration = Span::from_secs(3600 * hours);
    day
}

fn run(scenario: Scenario) -> Played {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let mut nobody = |_: Moment<'_>| ();
    let played = play(scenario, InForce::default(), Options::default(), &mut nobody);
    runtime.block_on(played).unwrap()
}

#[test]
fn the_same_scenario_and_seed_play_the_same_to_the_byte() {
    let (one, two) = (run(day(3)), run(day(3)));
    let json = |played: &Played| serde_json::to_string(&played.scorecard).unwrap();
    assert_eq!(json(&one), json(&two));
    assert_eq!(one.series, two.series);
    assert_eq!(report(&day(3), &one), report(&day(3), &two));
    let mut other = day(3);
    other.seed += 1;
    assert_ne!(json(&one), json(&run(other)), "another seed is another day");
}
