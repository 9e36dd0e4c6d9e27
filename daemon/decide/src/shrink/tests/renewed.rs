//! Stories of nodes that expire or drift: bought first, one at a time, a canary before the others.

use super::{names, run, stays};
use crate::fixture::{Cluster, NOW, OLD, asks};
use crate::{Deliberation, PolicySet, deliberate};
use model::aims::Aims;
use model::disruption::{Cause, Closed, DriftMode, NodeBudget, Share};
use model::group::GroupKind;
use model::ids::PodKey;
use model::intent::{Intent, IntentKind, LaunchStage, RemoveStage};
use model::memory::{Canary, CanaryStage, Memory};
use model::node::Template;
use model::plan::StepKind;
use model::reason::{Reason, Stays};
use model::snapshot::Snapshot;
use model::time::{Instant, Span};
use model::workload::DisruptionBudget;

const WANTED: &str = "lt-a:2";

fn made(with: &str) -> Template {
    Template {
        made: with.to_owned(),
        wanted: WANTED.to_owned(),
    }
}

/// Three full nodes, the second the oldest.
fn full() -> Cluster {
    let mut cluster = Cluster::new()
        .group("g", 3, 9)
        .offer("g", "s", 1000, 1000, 100_000_000);
    for (name, age) in [("n1", 0), ("n2", 5), ("n3", 1)] {
        cluster = cluster
            .node(name, "g", "s")
            .last_node(|node| {
                node.created = OLD - Span::from_secs(age);
                node.template = Some(made("lt-a:1"));
            })
            .running(&format!("p-{name}"), name, asks(900, 500));
    }
    cluster
}

fn expiring() -> Aims {
    let mut aims = Aims::default();
    aims.disruption.expire_after = Some(Span::from_secs(30 * 86_400));
    aims
}

fn replacing() -> Aims {
    let mut aims = Aims::default();
    aims.disruption.drift = DriftMode::Replace;
    aims
}

fn think(seen: &Snapshot, aims: &Aims) -> Deliberation {
    deliberate(seen, &Memory::default(), &PolicySet::default(), aims)
}

#[test]
fn the_oldest_expired_node_is_replaced_by_one_of_its_kind_that_comes_first() {
    let done = think(&full().seen(), &expiring());
    assert_eq!(names(&done), ["grow g 3 -> 4 (g:s/a/on-demand)", "cordon n2"]);
    let [grow, cordon] = done.plan.steps.as_slice() else {
        return;
    };
    let renews = Reason::Renews {
        node: "n2".into(),
        cause: Cause::Expired,
        evictions: 1,
    };
    assert_eq!(grow.reason, renews);
    assert!(matches!(
        &cordon.reason,
        Reason::Renewed {
            cause: Cause::Expired,
            moves: 1,
            ..
        }
    ));
    let StepKind::Cordon { after, .. } = &cordon.kind else {
        panic!("{cordon:?}");
    };
    assert_eq!(
        after.as_slice(),
        grow.intent.as_slice(),
        "it waits for its successor"
    );
    assert_eq!(done.plan.replacements[0].pods, [PodKey::new("default", "p-n2")]);
    assert!(
        run(&full().seen()).plan.steps.is_empty(),
        "nothing expires by itself"
    );
}

/// What the pods on it need decides, not what the node was: a smaller one does, also where its own type is sold no more.
#[test]
fn an_expired_node_is_replaced_by_what_its_pods_need() {
    for (cpu, sold, buys) in [
        (900, true, Some("g:s/a/on-demand")),
        (900, false, Some("g:s/a/on-demand")),
        (1100, true, Some("g:m/a/on-demand")),
        (2500, true, Some("g:big/a/on-demand")),
        (2500, false, None),
    ] {
        let mut seen = Cluster::new()
            .group("g", 1, 9)
            .offer("g", "s", 1000, 4000, 100_000_000)
            .offer("g", "m", 2000, 4000, 200_000_000)
            .offer("g", "big", 4000, 4000, 400_000_000)
            .node("n1", "g", "big")
            .running("p", "n1", asks(cpu, 500))
            .seen();
        // Nothing is consolidated beside it.
        seen.groups[0].min = 1;
        if !sold {
            seen.offers.retain(|offer| !offer.id.as_str().contains(":big/"));
        }
        let done = think(&seen, &expiring());
        let bought = done.plan.replacements.first().map(|node| node.offer.as_str());
        assert_eq!(bought, buys, "{cpu} {sold}: {:?}", done.plan.refusals);
    }
}

#[test]
fn nodes_born_together_expire_one_by_one_and_never_late() {
    let seen = full().seen();
    let aims = expiring();
    let after = Span::from_secs(30 * 86_400);
    let mut due: Vec<Span> = Vec::new();
    for number in 0..50 {
        let mut node = seen.nodes[0].clone();
        (node.name, node.created) = (format!("ip-10-0-0-{number}").as_str().into(), OLD);
        let expires = aims.disruption.expires(&node).unwrap();
        assert_eq!(aims.disruption.expires(&node), Some(expires), "it never changes");
        assert!(expires <= OLD + after && expires >= OLD + Span::from_secs(27 * 86_400));
        due.push(expires.since(OLD));
    }
    due.sort();
    due.dedup();
    assert!(due.len() > 45, "{}", due.len());
    assert!(due[due.len() - 1].secs() - due[0].secs() > 2 * 86_400);
}

#[test]
fn what_keeps_an_expired_node() {
    type Change = fn(&mut Snapshot, &mut Aims);
    let cases: [(&str, Change); 8] = [
        ("shrinking is off", |_, aims| aims.shrink.enabled = false),
        ("own group says never", |_, aims| {
            aims.disruption.groups.entry("g".into()).or_default().expire_after = Some(Span::ZERO);
        }),
        ("a PodDisruptionBudget", |seen, _| {
            seen.budgets.push(DisruptionBudget {
                namespace: "default".to_owned(),
                name: "all".to_owned(),
                selector: model::selector::LabelSelector::default(),
                allowed: 0,
            });
        }),
        ("annotated nodes", |seen, _| {
            seen.nodes.iter_mut().for_each(|n| n.do_not_disrupt = true);
        }),
        ("somebody rolls the group", |seen, _| {
            seen.groups[0].rolling = Some("EKS".to_owned());
        }),
        ("the group is at its maximum", |seen, _| seen.groups[0].max = 3),
        ("a freeze", |_, aims| aims.disruption.budgets.push(freeze(0))),
        ("none at once", |_, aims| aims.disruption.parallel = 0),
    ];
    for (what, change) in cases {
        let (mut seen, mut aims) = (full().seen(), expiring());
        change(&mut seen, &mut aims);
        assert_eq!(names(&think(&seen, &aims)), [""; 0], "{what}");
    }
}

fn freeze(nodes: u32) -> NodeBudget {
    NodeBudget {
        name: "freeze".to_owned(),
        groups: Vec::new(),
        causes: vec![Cause::Expired],
        nodes: Share::Count(nodes),
        schedule: None,
    }
}

#[test]
fn what_keeps_a_due_node_is_told() {
    let mut aims = expiring();
    aims.disruption.budgets.push(freeze(0));
    let closed = Stays::NodeBudget(Closed {
        budget: "freeze".to_owned(),
        nodes: 0,
        until: None,
    });
    assert_eq!(stays(&think(&full().seen(), &aims), "n2"), Some(closed));
    let mut seen = full().seen();
    seen.groups[0].max = 3;
    let cause = Cause::Expired;
    assert_eq!(
        stays(&think(&seen, &expiring()), "n2"),
        Some(Stays::NotRenewable { cause })
    );
}

/// A node under way to be replaced by a launch.
fn under_way(seen: &mut Snapshot, node: &str) {
    let place = seen.nodes.iter().position(|n| n.name.as_str() == node).unwrap();
    (seen.nodes[place].draining, seen.nodes[place].unschedulable) = (true, true);
    seen.groups[0].desired += 1;
    let launch = IntentKind::Launch {
        group: "g".into(),
        offer: "g:s/a/on-demand".into(),
        count: 1,
        from: 3,
        to: 4,
        planned: vec!["new-3-1".into()],
        pods: vec![PodKey::new("default", format!("p-{node}"))],
        stage: LaunchStage::Asked,
        instances: Vec::new(),
        joined: Vec::new(),
    };
    let removal = IntentKind::Remove {
        group: "g".into(),
        node: node.into(),
        instance: format!("i-{node}").as_str().into(),
        stage: RemoveStage::Cordoned,
        after: vec!["3-0".into()],
        gone: None,
    };
    for (id, kind) in [("3-0", launch), ("3-1", removal)] {
        seen.ledger.intents.push(Intent {
            id: id.into(),
            kind,
            opened: NOW,
            deadline: NOW + Span::from_secs(1800),
            generation: 1,
        });
    }
}

#[test]
fn one_goes_at_a_time_and_more_where_the_aims_say_so() {
    let mut seen = full().seen();
    under_way(&mut seen, "n2");
    assert_eq!(names(&think(&seen, &expiring())), [""; 0]);
    let mut two = expiring();
    two.disruption.parallel = 2;
    assert_eq!(
        names(&think(&seen, &two)),
        ["grow g 4 -> 5 (g:s/a/on-demand)", "cordon n3"]
    );
    assert_eq!(names(&think(&full().seen(), &two)).len(), 4);
}

#[test]
fn drift_is_replaced_only_where_that_is_asked_for_and_ours() {
    assert_eq!(
        names(&think(&full().seen(), &Aims::default())),
        [""; 0],
        "reported only"
    );
    assert_eq!(
        names(&think(&full().seen(), &replacing())),
        ["grow g 3 -> 4 (g:s/a/on-demand)", "cordon n2"]
    );
    for kind in [GroupKind::ManagedNodeGroup, GroupKind::KopsInstanceGroup] {
        let mut seen = full().seen();
        seen.groups[0].kind = kind;
        assert_eq!(names(&think(&seen, &replacing())), [""; 0], "{kind:?}");
    }
    let mut seen = full().seen();
    seen.nodes.iter_mut().for_each(|node| node.template = None);
    assert_eq!(
        names(&think(&seen, &replacing())),
        [""; 0],
        "the unknown is no drift"
    );
}

/// Deliberates over a drifted group that has come this far, at this time.
fn at(seen: &mut Snapshot, memory: &Memory, seconds: i64, aims: &Aims) -> Deliberation {
    seen.at = NOW + Span::from_secs(seconds);
    deliberate(seen, memory, &PolicySet::default(), aims)
}

fn stage(done: &Deliberation) -> Option<CanaryStage> {
    done.memory.canaries.get(&"g".into()).map(|canary| canary.stage)
}

#[test]
fn others_follow_once_the_canary_has_settled() {
    let mut aims = replacing();
    aims.disruption.parallel = 5;
    aims.shrink.parallel = 5;
    let mut seen = full().seen();
    let first = at(&mut seen, &Memory::default(), 0, &aims);
    assert_eq!(
        names(&first).len(),
        2,
        "one, whatever `parallel` says: {:?}",
        names(&first)
    );
    // Asked for.
    under_way(&mut seen, "n2");
    let asked = at(&mut seen, &first.memory, 10, &aims);
    assert_eq!(
        (names(&asked), stage(&asked)),
        (vec![], Some(CanaryStage::Awaited(NOW)))
    );
    let awaits = Stays::AwaitsCanary {
        wanted: WANTED.to_owned(),
    };
    assert_eq!(stays(&asked, "n1"), Some(awaits.clone()));
    // It has come, and the old one is gone.
    let mut cluster = full();
    cluster.seen.nodes.retain(|node| node.name.as_str() != "n2");
    cluster.seen.pods.retain(|pod| &*pod.key.name != "p-n2");
    let mut seen = cluster
        .node("n4", "g", "s")
        .last_node(|node| (node.created, node.template) = (NOW + Span::from_secs(20), Some(made(WANTED))))
        .running("p-n4", "n4", asks(900, 500))
        .seen();
    let came = at(&mut seen, &asked.memory, 100, &aims);
    let ready = CanaryStage::Ready(NOW + Span::from_secs(100));
    assert_eq!((names(&came), stage(&came)), (vec![], Some(ready)));
    assert_eq!(stays(&came, "n1"), Some(awaits));
    let still = at(&mut seen, &came.memory, 699, &aims);
    assert_eq!((names(&still), stage(&still)), (vec![], Some(ready)));
    let settled = at(&mut seen, &still.memory, 700, &aims);
    let cordons = names(&settled)
        .into_iter()
        .filter(|name| name.starts_with("cordon"));
    assert_eq!(cordons.collect::<Vec<_>>(), ["cordon n3", "cordon n1"]);
    // All are made as they should be: nothing is remembered.
    seen.nodes
        .iter_mut()
        .for_each(|node| node.template = Some(made(WANTED)));
    let done = at(&mut seen, &settled.memory, 710, &aims);
    assert_eq!((names(&done), stage(&done)), (vec![], None));
}

#[test]
fn a_canary_that_does_not_come_stops_the_group_until_it_makes_nodes_otherwise() {
    let aims = replacing();
    let mut seen = full().seen();
    let memory = Memory {
        canaries: [(
            "g".into(),
            Canary {
                wanted: WANTED.to_owned(),
                stage: CanaryStage::Awaited(NOW),
            },
        )]
        .into(),
        ..Memory::default()
    };
    under_way(&mut seen, "n2");
    let waits = at(&mut seen, &memory, 899, &aims);
    assert_eq!(stage(&waits), Some(CanaryStage::Awaited(NOW)));
    let failed_at: Instant = NOW + Span::from_secs(900);
    let failed = at(&mut seen, &waits.memory, 900, &aims);
    assert_eq!(stage(&failed), Some(CanaryStage::Failed(failed_at)));
    // The removal is undone; nothing begins anew, now or later.
    let mut undone = full().seen();
    let later = at(&mut undone, &failed.memory, 90_000, &aims);
    assert_eq!(names(&later), [""; 0]);
    let stays_for = Stays::CanaryFailed {
        wanted: WANTED.to_owned(),
        at: failed_at,
    };
    assert_eq!(stays(&later, "n2"), Some(stays_for));
    // A new version of the template is another matter.
    for node in &mut undone.nodes {
        node.template = Some(Template {
            made: "lt-a:1".to_owned(),
            wanted: "lt-a:3".to_owned(),
        });
    }
    assert_eq!(names(&at(&mut undone, &later.memory, 90_010, &aims)).len(), 2);
}

#[test]
fn a_canary_that_is_no_longer_asked_for_teaches_nothing() {
    let aims = replacing();
    let mut seen = full().seen();
    under_way(&mut seen, "n2");
    let asked = at(&mut seen, &Memory::default(), 10, &aims);
    let mut undone = full().seen();
    let again = at(&mut undone, &asked.memory, 60, &aims);
    assert_eq!((names(&again).len(), stage(&again)), (2, None));
}

#[test]
fn a_canary_that_falls_over_while_it_settles_is_waited_for_and_fails_in_the_end() {
    let aims = replacing();
    let mut seen = full()
        .node("n4", "g", "s")
        .last_node(|node| {
            (node.created, node.template) = (NOW, Some(made(WANTED)));
            node.ready = false;
        })
        .seen();
    let ready = |since: i64| Memory {
        canaries: [(
            "g".into(),
            Canary {
                wanted: WANTED.to_owned(),
                stage: CanaryStage::Ready(NOW + Span::from_secs(since)),
            },
        )]
        .into(),
        ..Memory::default()
    };
    let fell = at(&mut seen, &ready(60), 100, &aims);
    assert_eq!(
        (names(&fell), stage(&fell)),
        (vec![], Some(CanaryStage::Awaited(NOW + Span::from_secs(100))))
    );
    let failed = at(&mut seen, &fell.memory, 1000, &aims);
    assert_eq!(
        stage(&failed),
        Some(CanaryStage::Failed(NOW + Span::from_secs(1000)))
    );
}
