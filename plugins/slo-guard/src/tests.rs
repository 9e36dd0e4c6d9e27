//! On made-up pictures of three nodes: with a pod of the workload, with another one of its namespace, with neither.

use super::*;
use plimsoll_sdk::testing::{Candidate as MadeCandidate, Metric, Mover, Picture};

const NOW: u64 = 1_793_577_600_000;
const MINUTE: u64 = 60_000;

fn json(more: &str) -> String {
    format!(
        r#"{{"objectives": [{{"namespace": "shop", "workload": "web", "metric": "burn", "at_most": 1.0{more}}}]}}"#
    )
}

fn picture(at_minute: u64, value: Option<(f64, u32)>) -> Picture {
    let candidate = |name: &str, namespace: &str, owner: &str| MadeCandidate {
        name: name.to_owned(),
        movers: vec![Mover {
            namespace: namespace.to_owned(),
            owner_name: owner.to_owned(),
            ..Mover::default()
        }],
        ..MadeCandidate::default()
    };
    let picture = Picture::new()
        .at(NOW + at_minute * MINUTE)
        .candidate(candidate("a", "shop", "web"))
        .candidate(candidate("b", "shop", "cache"))
        .candidate(candidate("c", "other", "web"));
    value.into_iter().fold(picture, |picture, (value, age_ms)| {
        picture.metric(Metric {
            name: "burn".to_owned(),
            namespace: "shop".to_owned(),
            workload: "web".to_owned(),
            value,
            age_ms,
            ..Metric::default()
        })
    })
}

fn denials(json: &str, picture: &Picture) -> [Option<u16>; 3] {
    let view = picture.view();
    let verdicts = SloGuard::configure(json).unwrap().judge(&view).unwrap();
    verdicts.check(&view).unwrap();
    [0, 1, 2].map(|candidate| verdicts.denial(candidate))
}

#[test]
fn what_burns_or_is_not_known_keeps_what_it_covers() {
    for (value, code) in [
        (Some((0.5, 15_000)), None),
        (Some((1.0, 15_000)), None),
        (Some((1.1, 15_000)), Some(BURNS)),
        (Some((0.5, 301_000)), Some(UNKNOWN)),
        (None, Some(UNKNOWN)),
    ] {
        let picture = picture(0, value);
        assert_eq!(denials(&json(""), &picture), [code; 3], "{value:?}");
        let namespace = json(r#", "covers": "namespace""#);
        assert_eq!(denials(&namespace, &picture), [code, code, None], "{value:?}");
        let workload = json(r#", "covers": "workload""#);
        assert_eq!(denials(&workload, &picture), [code, None, None], "{value:?}");
    }
}

#[test]
fn it_must_have_been_quiet_for_a_while() {
    let mut state = Vec::new();
    for (minute, value, code) in [
        (0, 5.0, Some(BURNS)),
        (1, 0.5, Some(BURNT)),
        (9, 0.5, Some(BURNT)),
        (10, 0.5, None),
        (11, 5.0, Some(BURNS)),
        (15, 0.5, Some(BURNT)),
    ] {
        let picture = picture(minute, Some((value, 15_000))).state(&state);
        assert_eq!(denials(&json(""), &picture), [code; 3], "minute {minute}");
        state = picture.kept().unwrap();
    }
}

#[test]
fn bad_configuration_names_the_field() {
    for (json, expected) in [
        ("{}".to_owned(), "objectives"),
        (r#"{"objectives": []}"#.to_owned(), "objectives: 1 to 500"),
        (json(r#", "covers": "all""#), "unknown variant `all`"),
        (json(r#", "calm_minutes": 1441"#), "objectives[0].calm_minutes"),
        (json("").replace("1.0", "-1"), "objectives[0].at_most"),
        (json("").replace("web", ""), "objectives[0].workload"),
        (json(r#", "limit": 1"#), "limit"),
    ] {
        let refused = SloGuard::configure(&json).err().unwrap();
        assert!(refused.contains(expected), "{refused}");
    }
}
