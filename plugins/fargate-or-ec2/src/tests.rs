//! On made-up pictures: EC2 $0.009 against Fargate $0.0123 a pod, so break-even is at 73 % utilisation.

use super::*;
use plimsoll_sdk::GroupKind;
use plimsoll_sdk::testing::{Picture, Set};

const WORKERS: u32 = 0;
const FARGATE: u32 = 1;

fn cluster(requested: u32, nodes: u32) -> Picture {
    let workers = Set {
        nodes,
        cpu_requested: requested,
        memory_requested: 100,
        ..Set::default()
    };
    let fargate = Set {
        name: "fargate".to_owned(),
        kind: GroupKind::Fargate,
        nodes: 0,
        ..Set::default()
    };
    Picture::new().set(workers).set(fargate)
}

fn class(owner: &str, pending: u32) -> plimsoll_sdk::testing::Class {
    plimsoll_sdk::testing::Class {
        owner_kind: owner.to_owned(),
        pending,
        ..Default::default()
    }
}

fn answer(picture: &Picture, json: &str) -> Prices {
    let view = picture.view();
    let prices = FargateOrEc2::configure(json).unwrap().place(&view).unwrap();
    prices.check(&view).unwrap();
    prices
}

#[test]
fn below_break_even_jobs_and_bursts_go_to_fargate() {
    for (owner, pending, requested, expected) in [
        ("Job", 1, 500, true),
        ("Job", 1, 729, true),
        ("Job", 1, 735, false),
        ("Deployment", 19, 500, false),
        ("Deployment", 20, 500, true),
        ("Deployment", 20, 900, false),
    ] {
        let prices = answer(&cluster(requested, 10).class(class(owner, pending)), "{}");
        let addend = prices.addend(0, FARGATE);
        assert_eq!(addend.is_some(), expected, "{owner} × {pending} at {requested}");
        if let Some((usd, code)) = addend {
            let priced = 0.0123 + usd;
            assert!(priced < 0.009 && priced > 0.0089 && code == CHEAPER_ON_FARGATE);
        }
        assert_eq!(prices.addend(0, WORKERS), None);
    }
}

#[test]
fn services_stay_on_ec2_unless_told_otherwise() {
    let picture = cluster(500, 10).class(class("Deployment", 3));
    assert_eq!(answer(&picture, "{}").ban(0, FARGATE), Some(STAYS_ON_EC2));
    assert_eq!(
        answer(&picture, r#"{"others_stay_on_ec2": false}"#),
        Prices::default()
    );
}

#[test]
fn says_nothing_where_there_is_no_choice() {
    let mut no_fargate = class("Job", 1);
    no_fargate.fargate_price = None;
    let mut no_ec2 = class("Deployment", 1);
    no_ec2.ec2_price = None;
    assert_eq!(
        answer(&cluster(100, 10).class(no_fargate).class(no_ec2), "{}"),
        Prices::default()
    );
}

#[test]
fn without_nodes_the_assumption_counts() {
    let picture = cluster(0, 0).class(class("Job", 1));
    assert!(answer(&picture, "{}").addend(0, FARGATE).is_some());
    let full = r#"{"assumed_utilisation_percent": 90}"#;
    assert_eq!(answer(&picture, full).addend(0, FARGATE), None);
}

#[test]
fn a_group_counts_once_however_many_sets_it_has() {
    let set = |group: &str, arch: &str, nodes, cpu_requested| Set {
        name: format!("{group}/{arch}"),
        group: group.to_owned(),
        arch: arch.to_owned(),
        nodes,
        cpu_requested,
        memory_requested: 0,
        ..Set::default()
    };
    // Ten nodes at 90 % and ten at 50 % are 70 %: below break-even. Counted by sets they would be 80 %.
    let picture = Picture::new()
        .set(set("fleet", "amd64", 10, 900))
        .set(Set {
            name: "fargate".to_owned(),
            kind: GroupKind::Fargate,
            ..Set::default()
        })
        .set(set("fleet", "arm64", 10, 900))
        .set(set("fleet", "spot", 10, 900))
        .set(set("workers", "amd64", 10, 500))
        .class(class("Job", 1));
    assert!(answer(&picture, "{}").addend(0, FARGATE).is_some());
}

#[test]
fn bad_configuration_names_the_field() {
    for (json, expected) in [
        (
            r#"{"assumed_utilisation_percent": 0}"#,
            "assumed_utilisation_percent",
        ),
        (r#"{"burst_pods": -1}"#, "integer `-1`"),
        (r#"{"bursts": 3}"#, "bursts"),
    ] {
        let refused = FargateOrEc2::configure(json).err().unwrap();
        assert!(refused.contains(expected), "{refused}");
    }
}
