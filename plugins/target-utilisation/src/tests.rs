//! The default row: three pods of 250m at a target of 60 %, so 150 millicores a pod.

use super::*;
use plimsoll_sdk::testing::{Picture, Workload as Row};

fn answer(row: Row, json: &str) -> Option<(u32, u16)> {
    let picture = Picture::new().workload(row);
    let policy = TargetUtilisation::configure(json).unwrap();
    policy.scale(&picture.view()).unwrap().get(0)
}

fn using(milli: f64) -> Row {
    Row {
        value: Some(milli),
        ..Row::default()
    }
}

#[test]
fn in_proportion_with_tolerance() {
    for (milli, expected) in [
        (450.0, (3, STEADY)),
        (494.0, (3, STEADY)),
        (500.0, (4, UP)),
        (600.0, (4, UP)),
        (601.0, (5, UP)),
        (1e12, (10, UP)),
    ] {
        assert_eq!(answer(using(milli), "{}"), Some(expected), "{milli}");
    }
    assert_eq!(answer(using(494.0), r#"{"tolerance_percent": 1}"#), Some((4, UP)));
}

#[test]
fn downward_only_as_far_as_the_recent_highest() {
    for (recent_max, expected) in [(1, (1, DOWN)), (2, (2, DOWN)), (3, (3, STEADY)), (9, (3, STEADY))] {
        let row = Row {
            recent_max,
            ..using(100.0)
        };
        assert_eq!(answer(row, "{}"), Some(expected), "{recent_max}");
    }
}

#[test]
fn unknown_is_not_zero() {
    let missing = Row {
        value: None,
        ..Row::default()
    };
    let stale = Row {
        age_ms: 121_000,
        ..using(0.0)
    };
    let nobody_measured = Row {
        pods: 0,
        ..using(0.0)
    };
    for row in [missing, stale, nobody_measured] {
        assert_eq!(answer(row, "{}"), None);
    }
    // One of three pods reports: idle ones are not invented on the way down, nor load on the way up.
    let partly = |milli: f64| Row {
        pods: 1,
        recent_max: 1,
        ..using(milli)
    };
    assert_eq!(answer(partly(30.0), "{}"), Some((3, STEADY)));
    assert_eq!(answer(partly(200.0), "{}"), Some((3, STEADY)));
    assert_eq!(answer(partly(600.0), "{}"), Some((4, UP)));
}

#[test]
fn other_metrics_aim_at_an_amount_per_replica() {
    let queue = Row {
        metric: "queue".to_owned(),
        target: 100.0,
        request: 0.0,
        ..using(750.0)
    };
    assert_eq!(answer(queue, "{}"), Some((8, UP)));
}

#[test]
fn stays_within_the_bounds_of_the_row() {
    let low = Row {
        min: 2,
        recent_max: 0,
        ..using(0.0)
    };
    assert_eq!(answer(low, "{}"), Some((2, DOWN)));
    assert!(TargetUtilisation::configure(r#"{"tolerance_percent": 100}"#).is_err());
}
