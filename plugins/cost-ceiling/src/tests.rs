//! On made-up pictures: a node for ten cents an hour, of which a shop's pod asks for a quarter of the CPU and of the memory.

use super::*;
use plimsoll_sdk::testing::{Class, Group, Node, Offer, Picture, Pod as MadePod, Set, Step};

fn running(pods: usize) -> Picture {
    let node = Node {
        cpu_milli: 1000,
        memory_mib: 2048,
        price: Some(0.1),
        ..Node::default()
    };
    let picture = Picture::new()
        .group(Group::default())
        .offer(Offer::default())
        .set(Set::default())
        .node(node);
    (0..pods).fold(picture, |picture, n| {
        picture.pod(MadePod {
            namespace: "shop".to_owned(),
            name: format!("web-{n}"),
            owner_name: "web".to_owned(),
            ..MadePod::default()
        })
    })
}

fn class(namespace: &str, pending: u32, priority: i32) -> Class {
    Class {
        namespace: namespace.to_owned(),
        pending,
        priority,
        ec2_price: Some(0.02),
        ..Class::default()
    }
}

fn policy(json: &str) -> CostCeiling {
    CostCeiling::read(json).unwrap()
}

#[test]
fn pods_beyond_the_ceiling_are_bought_nothing() {
    // Two pods of $0.025 each run; one more takes $0.0123 on Fargate, which is less than on EC2.
    for (ceiling, pending, held) in [
        (0.07, 1, false),
        (0.07, 2, true),
        (0.0623, 1, false),
        (0.0622, 1, true),
        (0.0, 0, true),
    ] {
        let picture = running(2).class(class("shop", pending, 0));
        let view = picture.view();
        let json = format!(r#"{{"usd_per_hour": {{"shop": {ceiling}}}}}"#);
        let prices = policy(&json).place(&view).unwrap();
        prices.check(&view).unwrap();
        assert_eq!(prices.ban(0, 0).is_some(), held, "{ceiling} {pending}");
    }
}

#[test]
fn higher_priority_comes_first_and_others_are_let_be() {
    let picture = running(0)
        .class(class("shop", 3, 0))
        .class(class("shop", 3, 10))
        .class(class("other", 100, 0))
        .class(class("", 100, 0));
    let view = picture.view();
    let json = r#"{"usd_per_hour": {"shop": 0.05}}"#;
    let prices = policy(json).place(&view).unwrap();
    let bans: Vec<bool> = (0..4).map(|class| prices.ban(class, 0).is_some()).collect();
    assert_eq!(bans, [true, false, false, false]);
    let every = policy(r#"{"usd_per_hour": {"*": 0.05}}"#).place(&view).unwrap();
    assert_eq!((every.ban(2, 0), every.ban(3, 0)), (Some(OVER_CEILING), None));
}

#[test]
fn replicas_beyond_the_ceiling_are_not_begun() {
    let step = |object: &str, from, to| Step {
        kind: "ScaleWorkload".to_owned(),
        group: String::new(),
        namespace: "shop".to_owned(),
        object: object.to_owned(),
        from,
        to,
        ..Step::default()
    };
    let picture = running(2)
        .step(step("web", 2, 3))
        .step(step("web", 2, 4))
        .step(step("web", 2, 1))
        .step(step("unknown", 0, 50))
        .step(Step::default());
    let view = picture.view();
    let holds = policy(r#"{"usd_per_hour": {"shop": 0.08}}"#)
        .review(&view)
        .unwrap();
    holds.check(&view).unwrap();
    let held: Vec<Option<u16>> = (0..5).map(|step| holds.held(step)).collect();
    assert_eq!(held, [None, Some(OVER_CEILING), None, None, None]);
}

#[test]
fn bad_configuration_names_the_field() {
    for (json, expected) in [
        ("{}", "usd_per_hour"),
        (r#"{"usd_per_hour": {}}"#, "names no namespace"),
        (r#"{"usd_per_hour": {"shop": -1}}"#, "usd_per_hour.shop"),
        (r#"{"usd_per_hour": {"": 1}}"#, "without a name"),
        (r#"{"usd_per_hour": {"shop": 1}, "except": []}"#, "except"),
    ] {
        let refused = CostCeiling::read(json).err().unwrap();
        assert!(refused.contains(expected), "{refused}");
    }
}
