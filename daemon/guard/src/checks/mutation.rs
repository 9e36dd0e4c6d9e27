//! Mutation runs: the tests of the checks are run once for every check, without it, and one of them has to fail. A check
//! that no test would miss may as well not be there.

use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// Names the place of the check that a run leaves out.
const LEFT_OUT: &str = "PLIMSOLL_GUARD_WITHOUT";

/// The place of the check that this run leaves out.
pub(super) fn left_out() -> Option<usize> {
    static PLACE: OnceLock<Option<usize>> = OnceLock::new();
    *PLACE.get_or_init(|| std::env::var(LEFT_OUT).ok()?.parse().ok())
}

/// The checks by the names of their files, in the order they are asked.
fn names() -> Vec<&'static str> {
    let lines = include_str!("../checks.rs").lines();
    lines
        .filter_map(|line| line.trim().strip_suffix("::check,"))
        .collect()
}

/// Whether the tables pass without the check at this place.
fn passes_without(place: usize) -> bool {
    let tables = Command::new(std::env::current_exe().unwrap())
        .args(["checks::tests::", "--test-threads", "2"])
        .env(LEFT_OUT, place.to_string())
        .env("RUST_BACKTRACE", "0")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    tables.success()
}

#[test]
fn every_check_is_missed_by_a_test() {
    let names = names();
    assert_eq!(names.len(), super::CHECKS.len());
    assert!(passes_without(names.len()), "the tables pass with all of them");
    let places = names.iter().enumerate();
    let missed_by_none: Vec<_> = places
        .filter(|(place, _)| passes_without(*place))
        .map(|(_, name)| name)
        .collect();
    assert!(missed_by_none.is_empty(), "{missed_by_none:?}");
}
