//! What policies answer: placement, headroom, faults and quarantine.

use super::{run, shop};
use crate::demand::is_headroom;
use crate::fixture::{Cluster, asks, policy, set};
use crate::{deliberate, faults_name};
use model::advice::{Advice, HeadroomAdvice, Hook, PlacementAdvice, PolicyFault, PolicyMode};
use model::aims::{Aims, Mode};
use model::memory::Memory;
use model::reason::{Misfit, Refusal};
use model::resources::{MIB, Resources};
use model::time::Span;

/// A placement policy that answers about the set of this name.
fn about(
    name: &'static str,
    set_name: &'static str,
    advice: impl Fn(u32) -> PlacementAdvice + Send + Sync + 'static,
) -> crate::PolicyEntry {
    policy(name, Hook::Placement, PolicyMode::Enforce, move |view| {
        let set = view.sets.iter().position(|s| s.name == set_name).unwrap();
        Ok(Advice::Placement(advice(u32::try_from(set).unwrap())))
    })
}

fn two_groups() -> Cluster {
    Cluster::new()
        .group("a", 0, 50)
        .group("b", 0, 50)
        .offer("a", "s", 2000, 4096, 50_000_000)
        .offer("b", "s", 2000, 4096, 60_000_000)
        .pending("web", 4, asks(500, 512))
}

#[test]
fn placement_answers_add_up() {
    let group = |policies: Vec<crate::PolicyEntry>| {
        let done = run(&two_groups().seen(), &set(policies));
        (done.plan.nodes[0].group.to_string(), done.plan.cost)
    };
    let factor = |f| {
        move |set| PlacementAdvice {
            factors: vec![(set, f)],
            ..PlacementAdvice::default()
        }
    };
    let addend = |a| {
        move |set| PlacementAdvice {
            addends: vec![(0, set, a, 4)],
            ..PlacementAdvice::default()
        }
    };
    let forbid = |set| PlacementAdvice {
        forbids: vec![(0, set, 9)],
        ..PlacementAdvice::default()
    };
    assert_eq!(group(vec![]).0, "a");
    assert_eq!(group(vec![about("x", "a", factor(1100))]).0, "a");
    let (chosen, cost) = group(vec![about("x", "a", factor(1100)), about("y", "a", factor(1100))]);
    assert_eq!(chosen, "b", "factors multiply");
    assert_eq!((cost.rate.0, cost.policy_rate.0), (60_000_000, 60_000_000));
    assert!(cost.bound.0 <= 50_000_000, "without policies it could cost less");
    assert_eq!(group(vec![about("x", "a", addend(2_000_000))]).0, "a");
    let twice = vec![
        about("x", "a", addend(2_000_000)),
        about("y", "a", addend(1_000_000)),
    ];
    assert_eq!(group(twice).0, "b", "addends add");
    assert_eq!(
        group(vec![about("x", "a", forbid), about("y", "a", factor(1))]).0,
        "b",
        "a forbid wins"
    );
    let (chosen, cost) = group(vec![about("x", "b", addend(-20_000_000))]);
    assert_eq!(
        (chosen.as_str(), cost.rate.0, cost.policy_rate.0),
        ("b", 60_000_000, 0),
        "never below zero"
    );
}

#[test]
fn clamped_prices_are_reported_and_shadows_change_nothing() {
    let pull = |set| PlacementAdvice {
        addends: vec![(0, set, -20_000_000, 4)],
        ..PlacementAdvice::default()
    };
    let done = run(&two_groups().seen(), &set(vec![about("x", "b", pull)]));
    assert_eq!(done.notes.clamped.len(), 1);
    let mut shadow = about("x", "b", pull);
    shadow.mode = PolicyMode::Shadow;
    let done = run(&two_groups().seen(), &set(vec![shadow]));
    assert_eq!(done.plan.nodes[0].group.as_str(), "a");
    assert_eq!(
        (done.notes.calls.len(), done.notes.calls[0].mode),
        (1, PolicyMode::Shadow)
    );
}

#[test]
fn a_hook_in_observe_is_asked_and_not_followed_in_a_cluster_that_acts() {
    let pull = |set| PlacementAdvice {
        addends: vec![(0, set, -20_000_000, 4)],
        ..PlacementAdvice::default()
    };
    let spare = policy("spare", Hook::Headroom, PolicyMode::Enforce, |_| {
        Ok(Advice::Headroom(vec![HeadroomAdvice {
            count: 1,
            requests: Resources::new(1000, 512 * MIB),
            code: 7,
        }]))
    });
    let policies = set(vec![about("x", "b", pull), spare]);
    let with = |cluster: Mode, hook: Mode| {
        let mut aims = Aims::default();
        aims.modes.cluster = Some(cluster);
        aims.modes.hooks = [(Hook::Placement, hook), (Hook::Headroom, hook)].into();
        let done = deliberate(&two_groups().seen(), &Memory::default(), &policies, &aims);
        let shadows = done.notes.calls.iter().filter(|c| c.mode == PolicyMode::Shadow);
        let spare = done.plan.nodes.iter().flat_map(|n| &n.pods).any(is_headroom);
        (done.plan.nodes[0].group.to_string(), spare, shadows.count())
    };
    assert_eq!(with(Mode::Act, Mode::Act), ("b".to_owned(), true, 0));
    assert_eq!(with(Mode::Act, Mode::Observe), ("a".to_owned(), false, 2));
    assert_eq!(with(Mode::Observe, Mode::Observe), ("b".to_owned(), true, 0));
}

#[test]
fn a_pod_that_policies_forbid_everywhere_is_refused_by_their_name() {
    let ban = |set| PlacementAdvice {
        forbids: vec![(0, set, 9)],
        ..PlacementAdvice::default()
    };
    let done = run(
        &two_groups().seen(),
        &set(vec![about("x", "a", ban), about("y", "b", ban)]),
    );
    let Some(Refusal::Pod { why, closest, .. }) = done.plan.refusals.first() else {
        panic!("{:?}", done.plan.refusals);
    };
    assert_eq!(
        *why,
        Misfit::Forbidden {
            by: "x".into(),
            code: 9
        }
    );
    assert_eq!(closest.len(), 2);
}

#[test]
fn headroom_is_bought_once_and_gives_way_to_pods() {
    let room = |count| {
        policy("room", Hook::Headroom, PolicyMode::Enforce, move |_| {
            let requests = Resources::new(500, 512 * MIB);
            Ok(Advice::Headroom(vec![HeadroomAdvice {
                count,
                requests,
                code: 1,
            }]))
        })
    };
    let done = run(
        &shop().pending("web", 2, asks(500, 512)).seen(),
        &set(vec![room(2)]),
    );
    assert_eq!(
        (
            done.plan.nodes.len(),
            done.plan.pending,
            done.plan.nodes[0].pods.len()
        ),
        (1, 2, 4)
    );
    let on_free = run(&shop().node("n", "g", "small").seen(), &set(vec![room(2)]));
    assert!(on_free.plan.nodes.is_empty() && on_free.plan.existing.is_empty());
    let mut tight = shop().pending("web", 4, asks(2000, 512));
    tight.seen.offers.retain(|o| o.id.as_str().contains("small"));
    tight.seen.groups[0].max = 4;
    let done = run(&tight.seen(), &set(vec![room(3)]));
    let real = done
        .plan
        .nodes
        .iter()
        .flat_map(|n| &n.pods)
        .filter(|p| !is_headroom(p))
        .count();
    assert_eq!((real, done.plan.nodes.len()), (4, 4));
}

#[test]
fn a_policy_that_keeps_failing_is_no_longer_asked_until_it_changes() {
    let traps = || {
        policy("p", Hook::Headroom, PolicyMode::Enforce, |_| {
            Err(PolicyFault::Trap("x".into()))
        })
    };
    let nonsense = about("q", "g", |set| PlacementAdvice {
        factors: vec![(set + 9, 1)],
        ..PlacementAdvice::default()
    });
    let mut seen = shop().pending("web", 1, asks(1, 1)).seen();
    let mut memory = Memory::default();
    let policies = set(vec![traps(), nonsense]);
    for _ in 0..3 {
        let done = deliberate(&seen, &memory, &policies, &Aims::default());
        assert!(
            done.notes
                .calls
                .iter()
                .all(|c| c.mode == PolicyMode::Enforce && c.answer.is_err())
        );
        memory = done.memory;
        seen.at = seen.at + Span::from_secs(60);
    }
    assert_eq!(memory.quarantine.len(), 2);
    let done = deliberate(&seen, &memory, &policies, &Aims::default());
    assert!(done.notes.calls.iter().all(|c| c.mode == PolicyMode::Shadow));
    let mut better = policy("p", Hook::Headroom, PolicyMode::Enforce, |_| {
        Ok(Advice::Headroom(vec![]))
    });
    better.digest = "0123456789abcdef".into();
    assert_eq!(faults_name(&better).as_str(), "p@0123456789ab");
    let done = deliberate(&seen, &memory, &set(vec![better]), &Aims::default());
    assert!(done.notes.calls[0].answer.is_ok());
    assert!(!done.memory.quarantine.contains_key(&"p".into()));
}
