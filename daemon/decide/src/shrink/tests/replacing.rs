//! Stories of nodes that cheaper ones replace: bought first, drained then, undone where nothing came.

use super::{long_unneeded, names, pair, run, small};
use crate::fixture::{Cluster, NOW, asks, policy, set};
use crate::{PolicySet, deliberate};
use model::advice::{Advice, Hook, PlacementAdvice, PolicyMode};
use model::aims::Aims;
use model::ids::{InstanceId, IntentId, PodKey};
use model::intent::{Intent, IntentKind, LaunchStage, RemoveStage};
use model::money::UsdPerHour;
use model::plan::StepKind;
use model::reason::{GiveUp, Reason};
use model::selector::LabelSelector;
use model::time::Span;

/// A large node for what a small one could carry.
fn oversized() -> Cluster {
    Cluster::new()
        .group("g", 1, 9)
        .offer("g", "large", 4000, 4000, 400_000_000)
        .offer("g", "small", 1000, 1000, 110_000_000)
        .node("n1", "g", "large")
        .running("web", "n1", asks(500, 500))
}

#[test]
fn a_node_is_replaced_by_a_cheaper_one_that_comes_first() {
    let done = run(&oversized().seen());
    assert_eq!(names(&done), ["grow g 1 -> 2 (g:small/b/on-demand)", "cordon n1"]);
    let [grow, cordon] = done.plan.steps.as_slice() else {
        return;
    };
    let why = Reason::Replaces {
        nodes: vec!["n1".into()],
        saves: UsdPerHour(290_000_000),
        evictions: 1,
    };
    assert_eq!(grow.reason, why);
    assert!(
        matches!(&cordon.kind, StepKind::Cordon { after, .. } if *after == [grow.intent.clone().unwrap()]),
        "{cordon:?}"
    );
    assert_eq!(done.plan.replacements.len(), 1);
    assert_eq!(done.plan.replacements[0].pods, [PodKey::new("default", "web")]);
    let mut dear = Aims::default();
    dear.shrink.eviction_cost_nanos = 300_000_000;
    let done = deliberate(
        &oversized().seen(),
        &long_unneeded(),
        &PolicySet::default(),
        &dear,
    );
    assert!(done.plan.steps.is_empty(), "the eviction counts more");
}

/// The large node on its way out after the launch of a small one that has come this far.
fn replaced(launch: Option<(LaunchStage, &[&str])>, removal: RemoveStage) -> Cluster {
    let mut cluster = oversized();
    let node = &mut cluster.seen.nodes[0];
    (node.unschedulable, node.draining) = (true, true);
    if let Some((stage, joined)) = launch {
        cluster.seen.ledger.intents.push(Intent {
            id: IntentId::new("3-0"),
            kind: IntentKind::Launch {
                group: "g".into(),
                offer: "g:small/a/on-demand".into(),
                count: 1,
                from: 1,
                to: 2,
                planned: vec!["new-3-1".into()],
                pods: vec![PodKey::new("default", "web")],
                stage,
                instances: Vec::new(),
                joined: joined.iter().map(|name| model::NodeName::new(*name)).collect(),
            },
            opened: NOW,
            deadline: NOW + Span::from_secs(900),
            generation: 1,
        });
    }
    cluster.seen.ledger.intents.push(Intent {
        id: IntentId::new("3-1"),
        kind: IntentKind::Remove {
            group: "g".into(),
            node: "n1".into(),
            instance: InstanceId::new("i-n1"),
            stage: removal,
            after: vec!["3-0".into()],
            gone: None,
        },
        opened: NOW,
        deadline: NOW + Span::from_secs(1800),
        generation: 1,
    });
    cluster
}

#[test]
fn a_replaced_node_is_drained_once_its_replacement_is_there() {
    let waits = replaced(Some((LaunchStage::Asked, &[])), RemoveStage::Cordoned);
    assert!(names(&run(&waits.seen())).is_empty());
    let there = replaced(Some((LaunchStage::Joined, &["s1"])), RemoveStage::Cordoned);
    let done = run(&there.node("s1", "g", "small").seen());
    assert_eq!(
        names(&done),
        ["evict default/web from n1"],
        "and the new node stays"
    );
}

#[test]
fn room_for_pods_that_move_is_kept_from_others() {
    for (asked, bought) in [(500, 0), (600, 1)] {
        let coming = replaced(Some((LaunchStage::Asked, &[])), RemoveStage::Cordoned);
        let there = replaced(Some((LaunchStage::Joined, &["s1"])), RemoveStage::Cordoned);
        for mut cluster in [coming, there.node("s1", "g", "small")] {
            // The old node could be kept instead.
            cluster.seen.nodes[0].ready = false;
            let done = run(&cluster.pending("w", 1, asks(asked, 100)).seen());
            assert_eq!(done.plan.nodes.len(), bought, "{asked}: {:?}", names(&done));
        }
    }
}

#[test]
fn a_removal_whose_replacement_failed_is_undone() {
    let done = run(&replaced(None, RemoveStage::Undoing).seen());
    assert_eq!(names(&done), ["uncordon n1"]);
    let why = Reason::GivenUp {
        intent: IntentId::new("3-1"),
        why: GiveUp::NotReplaced,
    };
    assert_eq!(done.plan.steps[0].reason, why);
}

#[test]
fn what_policies_may_forbid_is_not_bought_in_place_of_another_set() {
    let silent = || {
        set(vec![policy("p", Hook::Placement, PolicyMode::Enforce, |_| {
            Ok(Advice::Placement(PlacementAdvice::default()))
        })])
    };
    let mut other = oversized()
        .group("h", 0, 9)
        .offer("h", "tiny", 600, 600, 50_000_000);
    other.seen.groups[0].max = 1;
    let free = deliberate(
        &other.clone().seen(),
        &long_unneeded(),
        &PolicySet::default(),
        &Aims::default(),
    );
    assert_eq!(names(&free), ["grow h 0 -> 1 (h:tiny/a/on-demand)", "cordon n1"]);
    let bound = deliberate(&other.seen(), &long_unneeded(), &silent(), &Aims::default());
    assert!(bound.plan.steps.is_empty());
}

#[test]
fn pods_that_others_want_away_are_not_moved() {
    let mut guard = asks(100, 100);
    guard.near.push(model::pod::Near::new(
        "kubernetes.io/hostname".into(),
        LabelSelector::default(),
        None,
        model::pod::NearRule::Apart,
    ));
    let seen = pair(small()).running("guard", "n1", guard).seen();
    assert!(names(&run(&seen)).is_empty(), "{:?}", names(&run(&seen)));
}
