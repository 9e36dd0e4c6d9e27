//! On made-up pictures: EC2 $0.009 against Fargate $0.0123 a pod, so break-even is at 73 % utilisation.

use super::*;
use plimsoll_sdk::GroupKind;
use plimsoll_sdk::testing::{Class as MadeClass, Group, Node, Picture, Set};

const NOW: u64 = 1_793_577_600_000;
const WORKERS: u32 = 0;
const FARGATE: u32 = 1;

fn picture(at_minute: u64, requested: u32, nodes: usize) -> Picture {
    let set = |name: &str, kind| Set {
        name: name.to_owned(),
        kind,
        ..Set::default()
    };
    let picture = Picture::new()
        .at(NOW + at_minute * 60_000)
        .set(set("workers", GroupKind::Asg))
        .set(set("fargate", GroupKind::Fargate))
        .class(MadeClass::default())
        .group(Group {
            cpu_requested: requested,
            memory_requested: 100,
            ..Group::default()
        });
    (0..nodes).fold(picture, |picture, n| {
        picture.node(Node {
            name: format!("n{n}"),
            ..Node::default()
        })
    })
}

/// Whether the class is on Fargate in each of these cycles.
fn sides(json: &str, cycles: &[(u64, u32)]) -> Vec<bool> {
    let policy = FargateBreakEven::configure(json).unwrap();
    let mut state = Vec::new();
    let mut sides = Vec::new();
    for (minute, requested) in cycles {
        let picture = picture(*minute, *requested, 3).state(&state);
        let view = picture.view();
        let prices = policy.place(&view).unwrap();
        prices.check(&view).unwrap();
        assert_eq!((prices.ban(0, WORKERS), prices.addend(0, WORKERS)), (None, None));
        let priced = prices.addend(0, FARGATE);
        assert_eq!(priced.is_some(), prices.ban(0, FARGATE).is_none());
        if let Some((usd, code)) = priced {
            assert!(0.0123 + usd < 0.009 && 0.0123 + usd > 0.0089 && code == ON_FARGATE);
        }
        sides.push(priced.is_some());
        state = picture.kept().unwrap();
    }
    sides
}

#[test]
fn a_class_changes_sides_only_beyond_the_band_and_after_a_rest() {
    let cycles = [
        (0, 700),
        // Above break-even, within the band.
        (40, 770),
        // Beyond the band.
        (41, 790),
        // Far below, but it has just changed.
        (50, 100),
        (71, 100),
    ];
    assert_eq!(sides("{}", &cycles), [true, true, false, false, true]);
    let nervous = r#"{"band_percent": 0, "dwell_minutes": 0}"#;
    assert_eq!(sides(nervous, &cycles), [true, false, false, true, true]);
}

#[test]
fn without_nodes_or_a_choice_it_says_nothing() {
    let policy = FargateBreakEven::configure("{}").unwrap();
    assert_eq!(
        policy.place(&picture(0, 100, 0).view()).unwrap(),
        Prices::default()
    );
    let mut one = picture(0, 100, 3);
    one.classes[0].fargate_price = None;
    assert_eq!(policy.place(&one.view()).unwrap(), Prices::default());
    let jobs = FargateBreakEven::configure(r#"{"kinds": ["Job"]}"#).unwrap();
    assert_eq!(jobs.place(&picture(0, 100, 3).view()).unwrap(), Prices::default());
}

#[test]
fn strange_bytes_are_passed_over() {
    let sides = read(b"fargate 5 Job/a 1m 2Mi\nsouth 5 x\nec2 x y\n\xff\n");
    assert_eq!(written(&sides), "fargate 5 Job/a 1m 2Mi\n");
}

#[test]
fn bad_configuration_names_the_field() {
    for (json, expected) in [
        (r#"{"band_percent": 51}"#, "band_percent"),
        (r#"{"dwell_minutes": 1441}"#, "dwell_minutes"),
        (r#"{"band": 5}"#, "band"),
    ] {
        let refused = FargateBreakEven::configure(json).err().unwrap();
        assert!(refused.contains(expected), "{refused}");
    }
}
