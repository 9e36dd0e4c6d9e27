//! Accounts of single pods, and that a refusal names what comes closest.

use super::{plain, shop};
use crate::fixture::{Cluster, asks};
use crate::why::Why;
use crate::{PolicySet, deliberate_and_explain, fit};
use model::aims::Aims;
use model::ids::PodKey;
use model::memory::Memory;
use model::pod::NearRule;
use model::reason::{GroupBlock, Misfit, Refusal};
use model::snapshot::Snapshot;

fn account(seen: &Snapshot, pod: &str) -> Why {
    let (policies, aims) = (PolicySet::default(), Aims::default());
    let pod = PodKey::new("default", pod);
    deliberate_and_explain(seen, &Memory::default(), (&policies, &aims), &pod)
        .1
        .unwrap()
}

#[test]
fn alternatives_stand_in_the_order_of_what_a_pod_pays_there() {
    let seen = shop()
        .offer("g", "poor", 2000, 4096, 70_000_000)
        .pending("web", 16, asks(500, 1024))
        .seen();
    let why = account(&seen, "web-3");
    let named = |name: &str| {
        let found = why
            .alternatives
            .iter()
            .position(|other| other.offers[0].as_str().contains(name));
        found.unwrap()
    };
    assert_eq!((named("large"), why.alternatives.len()), (0, 3));
    assert!(
        named("small") < named("poor"),
        "the same node for more money is never nearer"
    );
    assert!(why.alternatives.is_sorted_by_key(|other| other.per_pod));
    let large = &why.alternatives[0];
    // At most its sixteenth of the node, and exactly what it pays.
    assert!(large.per_pod == why.pays && large.per_pod.0 <= 180_000_000 / 16);
    assert_eq!((large.holds, large.offers.len(), why.alike), (16, 2, 16));
    assert!(why.ruled_out.is_empty() && why.fargate.is_none() && why.zone.is_none());
}

#[test]
fn what_does_not_run_a_pod_is_counted_by_its_objection() {
    let mut picky = asks(3000, 1024);
    picky
        .node_selector
        .insert("topology.kubernetes.io/zone".into(), "b".into());
    let why = account(&shop().pending("web", 1, picky).seen(), "web-0");
    assert_eq!(why.alternatives.len(), 1);
    let out: Vec<(&str, u32)> = why.ruled_out.into_iter().collect();
    assert_eq!(out, [("InsufficientCpu", 1), ("NodeSelector", 2)]);
}

#[test]
fn rules_that_bind_are_told() {
    let mut alone = asks(500, 500);
    super::large::near(&mut alone, 0, fit::HOSTNAME, NearRule::Apart);
    let why = account(&shop().pending("web", 2, alone).seen(), "web-0");
    assert_eq!((why.per_node, why.alternatives[0].holds), (Some(1), 1));
    let mut spread = asks(500, 500);
    let rule = NearRule::Spread { skew: 1, domains: 1 };
    super::large::near(&mut spread, 0, super::large::ZONE, rule);
    let why = account(&shop().pending("web", 2, spread).seen(), "web-1");
    assert!(matches!(why.zone, Some(Some(_))), "{:?}", why.zone);
}

#[test]
fn groups_that_may_not_grow_are_told_beside_those_that_may() {
    let mut cluster = shop()
        .group("cheap", 5, 5)
        .offer("cheap", "small", 2000, 4096, 1_000_000)
        .pending("web", 1, asks(500, 500));
    cluster.seen.groups[1].max = 5;
    let why = account(&cluster.seen(), "web-0");
    assert_eq!(why.blocked_groups, [("cheap".into(), GroupBlock::AtMaximum)]);
    assert_eq!(why.ruled_out.get("GroupBlocked"), Some(&2));
}

#[test]
fn fargate_stands_beside_ec2() {
    let seen = shop()
        .profile("fp", "default")
        .pending("job", 1, asks(200, 200))
        .seen();
    let fargate = account(&seen, "job-0").fargate.unwrap();
    assert!(fargate.ec2.is_some_and(|ec2| ec2 > fargate.fargate) || !fargate.late);
    assert_eq!(fargate.offer.as_str(), "fp/250m/512Mi");
    let mut seen = seen;
    let spec = std::sync::Arc::make_mut(&mut seen.specs[0]);
    spec.traits.privileged = true;
    let why = account(&seen, "job-0");
    assert!(why.fargate.is_none());
    assert_eq!(why.not_on_fargate.map(|m| m.code()), Some("FargateExcluded"));
}

#[test]
fn nothing_is_told_of_pods_that_the_plan_is_not_about() {
    let seen = shop()
        .node("n", "g", "small")
        .running("r", "n", asks(1, 1))
        .seen();
    let (policies, aims) = (PolicySet::default(), Aims::default());
    let pod = PodKey::new("default", "r");
    assert_eq!(
        deliberate_and_explain(&seen, &Memory::default(), (&policies, &aims), &pod).1,
        None
    );
}

/// Nearest first: fewest objections, then the smallest shortfall; one line per type; the reason is the nearest's.
#[test]
fn the_closest_offers_are_the_closest() {
    let mut wide = asks(9000, 20_000);
    wide.requests.extended.insert("nvidia.com/gpu".into(), 1);
    let seen = Cluster::new()
        .group("g", 0, 50)
        .offer("g", "a-small", 2000, 4096, 1)
        .offer("g", "b-large", 8000, 32_000, 1)
        .offer("g", "c-huge", 8900, 32_000, 1)
        .offer("g", "d-tall", 64_000, 4096, 1)
        .pending("p", 1, wide)
        .seen();
    let done = plain(&seen);
    let Some(Refusal::Pod { why, closest, .. }) = done.plan.refusals.first() else {
        panic!("{:?}", done.plan.refusals);
    };
    let names: Vec<&str> = closest.iter().map(|(offer, _)| offer.as_str()).collect();
    assert_eq!(
        names,
        [
            "g:c-huge/a/on-demand",
            "g:b-large/a/on-demand",
            "g:d-tall/a/on-demand"
        ]
    );
    assert_eq!(
        *why,
        Misfit::InsufficientCpu {
            asked: 9000,
            there: 8900
        }
    );
    assert_eq!(why.shortfall(), Some(100));
}
