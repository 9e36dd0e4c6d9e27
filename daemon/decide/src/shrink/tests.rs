//! Stories of nodes that go and nodes that stay.

mod annotating;
mod apart;
mod budgeted;
mod expendable;
mod halves;
mod judged;
mod rated;
mod renewed;
mod repaired;
mod replacing;
mod tied;
mod turns;

use super::*;
use crate::fixture::{Cluster, NOW, OLD, asks, policy, set};
use crate::{Deliberation, PolicySet, deliberate};
use model::advice::{Hook, PolicyFault, PolicyMode};
use model::ids::{IntentId, PodKey};
use model::intent::{Intent, RemoveStage};
use model::money::UsdPerHour;
use model::plan::StepKind;
use model::pod::{PodPhase, PodSpec};
use model::reason::{GiveUp, PodStays, Reason, Refusal, Stays};
use model::selector::LabelSelector;
use model::snapshot::Snapshot;
use model::time::Span;
use model::workload::DisruptionBudget;

/// Two nodes of 1,000 m; one pod on each, together they fit on one.
pub(super) fn pair(spec: PodSpec) -> Cluster {
    Cluster::new()
        .group("g", 2, 9)
        .offer("g", "s", 1000, 1000, 100_000_000)
        .node("n1", "g", "s")
        .node("n2", "g", "s")
        .running("big", "n1", asks(500, 500))
        .running("small", "n2", spec)
}

pub(super) fn small() -> PodSpec {
    asks(100, 100)
}

/// A memory in which both nodes have been unneeded for long.
pub(super) fn long_unneeded() -> Memory {
    let mut memory = Memory::default();
    for name in ["n1", "n2"] {
        memory.unneeded_since.insert(name.into(), OLD);
    }
    memory
}

pub(super) fn run(seen: &Snapshot) -> Deliberation {
    deliberate(seen, &long_unneeded(), &PolicySet::default(), &Aims::default())
}

pub(super) fn names(done: &Deliberation) -> Vec<String> {
    done.plan.steps.iter().map(|step| step.kind.to_string()).collect()
}

pub(super) fn stays(done: &Deliberation, name: &str) -> Option<Stays> {
    done.plan.refusals.iter().find_map(|r| match r {
        Refusal::NodeStays { node, why } if node.as_str() == name => Some(why.clone()),
        _ => None,
    })
}

/// Whoever asks why such a node is still there gets an answer, in the cycle that begins a removal and in those after it.
#[test]
fn nodes_that_could_go_say_that_others_go_first() {
    let mut cluster = Cluster::new()
        .group("g", 6, 9)
        .offer("g", "s", 1000, 1000, 100_000_000);
    cluster.seen.groups[0].min = 0;
    let mut memory = Memory::default();
    let nodes = ["n1", "n2", "n3", "n4", "n5", "n6"];
    for name in nodes {
        cluster = cluster
            .node(name, "g", "s")
            .running(&format!("of-{name}"), name, small());
        memory.unneeded_since.insert(name.into(), OLD);
    }
    let mut seen = cluster.seen();
    let mut aims = Aims::default();
    aims.shrink.parallel = 1;
    let waiting = |seen: &Snapshot| {
        let done = deliberate(seen, &memory, &PolicySet::default(), &aims);
        let said = |wanted: &Stays| {
            let all = nodes.iter().filter_map(|name| stays(&done, name));
            all.filter(|why| why == wanted).count()
        };
        let steps = names(&done);
        let cordons = steps.iter().filter(|of| of.starts_with("cordon")).count();
        let waits = Stays::AwaitsRemovals { begun: 1 };
        (cordons, said(&Stays::PodsExpected), said(&waits))
    };
    assert_eq!(waiting(&seen), (1, 1, 4));
    let begun = crate::fixture::removal("n1", RemoveStage::Draining);
    seen.ledger.intents.push(begun);
    (seen.nodes[0].draining, seen.nodes[0].unschedulable) = (true, true);
    // Onto which node pods move is told by the plan's moves from now on.
    assert_eq!(waiting(&seen), (0, 0, 4));
}

#[test]
fn of_two_nodes_that_fit_on_one_exactly_one_goes() {
    let done = run(&pair(small()).seen());
    assert_eq!(names(&done).len(), 1);
    let step = &done.plan.steps[0];
    assert!(matches!(step.kind, StepKind::Cordon { .. }), "{step:?}");
    assert_eq!(step.intent, Some(IntentId::new("7-0")));
    assert!(matches!(
        step.reason,
        Reason::Unneeded {
            moves: 1,
            saves: UsdPerHour(100_000_000),
            ..
        }
    ));
}

#[test]
fn a_node_must_have_been_unneeded_long_enough_and_is_remembered() {
    let seen = pair(small()).seen();
    let first = deliberate(&seen, &Memory::default(), &PolicySet::default(), &Aims::default());
    assert!(first.plan.steps.is_empty());
    assert_eq!(
        stays(&first, "n2"),
        Some(Stays::NotUnneededLongEnough { since: Span::ZERO })
    );
    assert_eq!(first.memory.unneeded_since.get(&"n2".into()), Some(&NOW));
    let mut later = seen;
    later.at = NOW + Span::from_secs(600);
    let second = deliberate(&later, &first.memory, &PolicySet::default(), &Aims::default());
    assert_eq!(second.plan.steps.len(), 1);
}

type Change = fn(&mut Snapshot);

/// Name, pod on the node, what is changed of the picture, and why the node stays.
fn keepers() -> Vec<(&'static str, PodSpec, Change, Stays)> {
    vec![
        (
            "own node",
            small(),
            |s| s.own_node = Some("n2".into()),
            Stays::OwnNode,
        ),
        ("no group", small(), |s| s.nodes[1].group = None, Stays::NoGroup),
        (
            "no instance",
            small(),
            |s| s.nodes[1].instance = None,
            Stays::NoGroup,
        ),
        (
            "foreign",
            small(),
            |s| s.groups[0].foreign = Some("Karpenter".into()),
            Stays::BelongsTo {
                who: "Karpenter".into(),
            },
        ),
        (
            "rolling",
            small(),
            |s| s.groups[0].rolling = Some("EKS updates it".into()),
            Stays::Rolling,
        ),
        (
            "annotated",
            small(),
            |s| s.nodes[1].do_not_disrupt = true,
            Stays::DoNotDisrupt,
        ),
        ("young", small(), |s| s.nodes[1].created = NOW, Stays::TooYoung),
        ("minimum", small(), |s| s.groups[0].min = 2, Stays::GroupAtMinimum),
        (
            "too big",
            asks(600, 100),
            |_| (),
            Stays::PodsDoNotFit {
                pod: PodKey::new("default", "small"),
            },
        ),
        (
            "no owner",
            PodSpec {
                owner: None,
                ..small()
            },
            |_| (),
            Stays::PodMustStay {
                pod: PodKey::new("default", "small"),
                why: PodStays::NoOwner,
            },
        ),
        (
            "local storage",
            with(|s| s.traits.local_storage = true),
            |_| (),
            Stays::PodMustStay {
                pod: PodKey::new("default", "small"),
                why: PodStays::LocalStorage,
            },
        ),
        (
            "pod annotated",
            with(|s| s.traits.do_not_disrupt = true),
            |_| (),
            Stays::PodMustStay {
                pod: PodKey::new("default", "small"),
                why: PodStays::DoNotDisrupt,
            },
        ),
        (
            "static pod",
            with(|s| s.traits.mirror = true),
            |_| (),
            Stays::PodMustStay {
                pod: PodKey::new("default", "small"),
                why: PodStays::Mirror,
            },
        ),
        (
            "budget",
            with(|s| drop(s.labels.insert("app".into(), "x".into()))),
            |s| s.budgets.push(budget(0)),
            Stays::DisruptionBudget {
                budget: "default/pdb".into(),
            },
        ),
    ]
}

#[test]
fn what_keeps_a_node() {
    for (name, spec, change, expected) in keepers() {
        let mut seen = pair(spec).seen();
        change(&mut seen);
        let done = run(&seen);
        assert_eq!(stays(&done, "n2"), Some(expected), "{name}");
        assert!(!names(&done).contains(&"cordon n2".to_owned()), "{name}");
    }
}

#[test]
fn a_node_that_costs_less_than_moving_its_pods_stays_and_says_what_each_comes_to() {
    let mut seen = pair(small()).seen();
    seen.offers
        .iter_mut()
        .for_each(|offer| offer.price = UsdPerHour(100));
    let why = Stays::CostsMore {
        price: UsdPerHour(100),
        wastes: Some(UsdPerHour(91)),
        moves: 1,
        counts: UsdPerHour(500_000),
        addend: UsdPerHour::ZERO,
    };
    assert_eq!(stays(&run(&seen), "n2"), Some(why));
}

pub(super) fn with(change: impl FnOnce(&mut PodSpec)) -> PodSpec {
    let mut spec = small();
    change(&mut spec);
    spec
}

/// A budget over pods labelled `app=x`.
pub(super) fn budget(allowed: u32) -> DisruptionBudget {
    let requirement = model::selector::Requirement {
        key: "app".into(),
        operator: model::selector::Operator::Exists,
    };
    DisruptionBudget {
        namespace: "default".into(),
        name: "pdb".into(),
        selector: LabelSelector {
            requirements: vec![requirement],
        },
        allowed,
    }
}

#[test]
fn what_does_not_keep_a_node() {
    let daemon = PodSpec {
        owner: Some(model::WorkloadKey::new("DaemonSet", "default", "d")),
        ..asks(900, 900)
    };
    let mut proxy = with(|s| s.traits.mirror = true);
    proxy.priority = 2_000_001_000;
    let safe = with(|s| {
        s.traits.local_storage = true;
        s.traits.safe_to_evict = true;
    });
    for (name, spec) in [
        ("daemon", daemon),
        ("static pod of the node", proxy),
        ("safe to evict", safe),
    ] {
        let mut seen = pair(spec).seen();
        seen.own_node = Some("n1".into());
        assert_eq!(names(&run(&seen)), ["cordon n2"], "{name}");
    }
}

#[test]
fn unseen_sources_and_faults_start_nothing() {
    let mut blind = pair(small()).seen();
    blind.sources.remove(&Source::Budgets);
    let done = run(&blind);
    assert!(done.plan.steps.is_empty() && done.memory.unneeded_since.is_empty());
    let faulty = set(vec![policy("f", Hook::Headroom, PolicyMode::Enforce, |_| {
        Err(PolicyFault::Trap("x".into()))
    })]);
    let done = deliberate(&pair(small()).seen(), &long_unneeded(), &faulty, &Aims::default());
    assert!(done.plan.steps.is_empty());
    assert_eq!(
        done.memory.unneeded_since.get(&"n2".into()),
        Some(&OLD),
        "time goes on meanwhile"
    );
}

#[test]
fn a_waiting_pod_keeps_the_node_it_will_run_on() {
    let done = run(&pair(asks(400, 400)).pending("w", 1, asks(450, 450)).seen());
    assert!(
        names(&done).iter().all(|name| name.starts_with("nominate")),
        "{:?}",
        names(&done)
    );
}

fn removal(stage: RemoveStage) -> Intent {
    Intent {
        id: IntentId::new("3-1"),
        ..crate::fixture::removal("n2", stage)
    }
}

/// The pair with the removal of `n2` at this stage.
fn leaving(stage: RemoveStage, spec: PodSpec) -> Snapshot {
    let mut seen = pair(spec).seen();
    seen.ledger.intents.push(removal(stage));
    if stage != RemoveStage::Opened {
        seen.nodes[1].unschedulable = true;
        seen.nodes[1].draining = true;
    }
    seen
}

#[test]
fn an_open_removal_is_carried_on_stage_by_stage() {
    let cases = [
        (RemoveStage::Opened, vec!["cordon n2"]),
        (RemoveStage::Cordoned, vec!["evict default/small from n2"]),
        (RemoveStage::Draining, vec!["evict default/small from n2"]),
        (RemoveStage::Terminating, vec![]),
        (RemoveStage::Undoing, vec!["uncordon n2"]),
    ];
    for (stage, expected) in cases {
        let done = run(&leaving(stage, small()));
        assert_eq!(names(&done), expected, "{stage:?}");
        assert!(
            done.plan
                .steps
                .iter()
                .all(|s| s.intent == Some(IntentId::new("3-1")))
        );
    }
}

#[test]
fn an_emptied_node_is_removed_and_one_that_still_empties_is_waited_for() {
    let mut seen = leaving(RemoveStage::Draining, small());
    let at = seen.pods.iter().position(|p| &*p.key.name == "small").unwrap();
    seen.pods[at].phase = PodPhase::Terminating;
    assert!(names(&run(&seen)).is_empty());
    seen.pods.remove(at);
    assert_eq!(names(&run(&seen)), ["remove n2 (i-n2) from g"]);
}

#[test]
fn evictions_respect_what_the_budget_allows_in_this_cycle() {
    let spec = with(|s| drop(s.labels.insert("app".into(), "x".into())));
    for allowed in 0..3_u32 {
        let mut seen = pair(spec.clone()).running("small2", "n2", spec.clone()).seen();
        seen.ledger.intents.push(removal(RemoveStage::Draining));
        seen.nodes[1].draining = true;
        seen.budgets.push(budget(allowed));
        assert_eq!(names(&run(&seen)).len(), allowed as usize);
    }
}

#[test]
fn a_removal_is_given_up_when_it_should_be() {
    let given_up = |seen: &Snapshot| {
        let done = run(seen);
        done.plan.steps.iter().find_map(|s| match (&s.kind, &s.reason) {
            (StepKind::Uncordon { .. }, Reason::GivenUp { why, .. }) => Some(*why),
            _ => None,
        })
    };
    let mut late = leaving(RemoveStage::Draining, small());
    late.ledger.intents[0].deadline = NOW - Span::from_secs(1);
    assert_eq!(given_up(&late), Some(GiveUp::TimedOut));
    let bound = leaving(RemoveStage::Draining, with(|s| s.traits.do_not_disrupt = true));
    assert_eq!(given_up(&bound), Some(GiveUp::MustNotMove));
    let full = leaving(RemoveStage::Draining, asks(600, 600));
    assert_eq!(
        given_up(&full),
        Some(GiveUp::NeededAgain),
        "its pod fits nowhere else any more"
    );
    let mut lost = leaving(RemoveStage::Draining, small());
    lost.ledger.intents.clear();
    assert_eq!(
        given_up(&lost),
        Some(GiveUp::TimedOut),
        "a cordon of ours without an intent"
    );
    lost.nodes[1].ready = false;
    assert_eq!(
        given_up(&lost),
        None,
        "its instance may be gone: nothing is to run there"
    );
    assert_eq!(given_up(&leaving(RemoveStage::Draining, small())), None);
}

#[test]
fn a_node_on_its_way_out_is_kept_rather_than_bought_anew() {
    let mut cluster = pair(small()).pending("w", 1, asks(800, 800));
    cluster.seen.ledger.intents.push(removal(RemoveStage::Draining));
    cluster.seen.nodes[1].draining = true;
    let done = run(&cluster.seen());
    assert_eq!(names(&done), ["uncordon n2"]);
    assert_eq!(done.plan.existing.len(), 1);
}

#[test]
fn removals_at_once_are_limited() {
    let mut cluster = Cluster::new()
        .group("g", 6, 9)
        .offer("g", "s", 1000, 1000, 100_000_000);
    let mut memory = Memory::default();
    for name in ["n1", "n2", "n3", "n4", "n5", "n6"] {
        cluster = cluster.node(name, "g", "s");
        memory.unneeded_since.insert(name.into(), OLD);
    }
    let done = deliberate(&cluster.seen(), &memory, &PolicySet::default(), &Aims::default());
    // One by the share of empty nodes, and as many as may go at once of any.
    assert_eq!(done.plan.steps.len(), 3);
    assert_eq!(done.memory.unneeded_since.len(), 6);
}

/// Deletion costs that a plan sets, by pod.
fn marks(done: &Deliberation) -> Vec<(String, i32)> {
    let of = |step: &model::Step| match &step.kind {
        StepKind::Yield { pod, cost, .. } => Some((pod.name.to_string(), *cost)),
        _ => None,
    };
    done.plan.steps.iter().filter_map(of).collect()
}

/// Two nodes, one full and one nearly empty, with a Deployment on both.
fn uneven() -> Cluster {
    let mut spec = small();
    spec.owner = Some(model::WorkloadKey::new("Deployment", "default", "web"));
    let mut big = asks(900, 900);
    big.owner = Some(model::WorkloadKey::new("Deployment", "default", "big"));
    let mut cluster = Cluster::new()
        .group("g", 2, 9)
        .offer("g", "s", 1000, 1000, 100_000_000)
        .node("n1", "g", "s")
        .node("n2", "g", "s")
        .running("big", "n1", big)
        .running("web-1", "n1", spec.clone())
        .running("web-2", "n2", spec);
    cluster.seen.groups[0].min = 1;
    cluster
}

/// Nothing is given up, pods only yield.
fn yielding() -> Aims {
    let mut aims = Aims::default();
    aims.shrink.yields = true;
    aims.shrink.eviction_cost_nanos = 1_000_000_000_000;
    aims
}

fn marked(seen: &Snapshot, aims: &Aims) -> Vec<(String, i32)> {
    marks(&deliberate(seen, &long_unneeded(), &PolicySet::default(), aims))
}

#[test]
fn pods_of_a_wasteful_node_are_marked_to_go_first() {
    use model::pod::deletion_cost;
    let seen = uneven().seen();
    assert_eq!(
        marked(&seen, &yielding()),
        [("web-2".to_owned(), deletion_cost(8))]
    );
    assert!(
        marked(&seen, &Aims::default()).is_empty(),
        "only where the aims say so"
    );
    let with = |cost: i32, of: &str| {
        let mut seen = uneven().seen();
        seen.pods
            .iter_mut()
            .filter(|pod| &*pod.key.name == of)
            .for_each(|pod| pod.deletion_cost = cost);
        seen
    };
    assert!(
        marked(&with(deletion_cost(8), "web-2"), &yielding()).is_empty(),
        "as it is"
    );
    let moved = [("web-1".to_owned(), 0), ("web-2".to_owned(), deletion_cost(8))];
    let mut after = marked(&with(deletion_cost(4), "web-1"), &yielding());
    after.sort();
    assert_eq!(after, moved, "a mark that is no longer true is taken away");
    assert_eq!(
        marked(&with(deletion_cost(8), "web-2"), &Aims::default()),
        [("web-2".to_owned(), 0)],
        "and so are all once the aims no longer say so"
    );
    for of in ["web-1", "web-2"] {
        assert!(
            marked(&with(-1, of), &yielding()).is_empty(),
            "a workload that uses its own costs"
        );
    }
}

/// Nodes that new pods are to avoid from now on, or no longer.
fn avoided(seen: &Snapshot, aims: &Aims) -> Vec<(String, bool)> {
    let done = deliberate(seen, &long_unneeded(), &PolicySet::default(), aims);
    let of = |step: &model::Step| match &step.kind {
        StepKind::Avoid { node, on } => Some((node.to_string(), *on)),
        _ => None,
    };
    done.plan.steps.iter().filter_map(of).collect()
}

/// The cluster of `uneven` with our taint on a node.
fn tainted(name: &str) -> Snapshot {
    let mut seen = uneven().seen();
    let node = seen.nodes.iter_mut().find(|node| node.name.as_str() == name);
    node.unwrap().taints.push(model::pod::Taint {
        key: model::node::EMPTYING_TAINT.to_owned(),
        value: String::new(),
        effect: model::pod::TaintEffect::PreferNoSchedule,
    });
    seen
}

#[test]
fn new_pods_avoid_a_wasteful_node_as_long_as_it_is_one() {
    let off = |name: &str| [(name.to_owned(), false)];
    assert_eq!(avoided(&uneven().seen(), &yielding()), [("n2".to_owned(), true)]);
    assert!(
        avoided(&uneven().seen(), &Aims::default()).is_empty(),
        "only where the aims say so"
    );
    assert!(avoided(&tainted("n2"), &yielding()).is_empty(), "as it is");
    assert!(
        avoided(&tainted("n2"), &Aims::default()).is_empty(),
        "it was to go, and still may"
    );
    let full = avoided(&tainted("n1"), &Aims::default());
    assert_eq!(full, off("n1"), "it has filled");
    let mut disabled = yielding();
    disabled.shrink.enabled = false;
    assert_eq!(avoided(&tainted("n2"), &disabled), off("n2"));
    let full = avoided(&tainted("n1"), &yielding());
    assert_eq!(full, [("n2".to_owned(), true), ("n1".to_owned(), false)]);
    let mut kept = uneven().seen();
    kept.nodes[1].do_not_disrupt = true;
    assert!(
        avoided(&kept, &yielding()).is_empty(),
        "a node that stays may fill"
    );
}

/// kube-scheduler puts pods onto the emptiest nodes: without a word to it, onto those that go next.
#[test]
fn nodes_that_go_next_take_no_pods_of_those_that_go_first() {
    let mut cluster = Cluster::new()
        .group("g", 4, 9)
        .offer("g", "s", 1000, 1000, 100_000_000);
    for (node, pods) in [("n1", 1), ("n2", 1), ("n3", 1), ("n4", 6)] {
        cluster = cluster.node(node, "g", "s");
        for pod in 0..pods {
            cluster = cluster.running(&format!("{node}-{pod}"), node, small());
        }
    }
    let mut aims = Aims::default();
    aims.shrink.parallel = 1;
    let mut memory = long_unneeded();
    memory.unneeded_since.insert("n3".into(), OLD);
    let mut seen = cluster.seen();
    seen.groups[0].min = 1;
    let named = |seen: &Snapshot, memory: &Memory| {
        let done = deliberate(seen, memory, &PolicySet::default(), &aims);
        let mut names = names(&done);
        names.sort();
        names
    };
    assert_eq!(
        named(&seen, &memory),
        ["cordon n1", "let n2 empty", "let n3 empty"]
    );
    assert!(named(&seen, &Memory::default()).is_empty(), "nobody is moved yet");
}

#[test]
fn pods_that_nobody_chooses_among_are_not_marked() {
    let change = |change: fn(&mut PodSpec)| {
        let mut seen = uneven().seen();
        for spec in &mut seen.specs {
            change(std::sync::Arc::make_mut(spec));
        }
        seen
    };
    assert_eq!(marked(&change(|_| ()), &yielding()).len(), 1);
    let set =
        |spec: &mut PodSpec| spec.owner = Some(model::WorkloadKey::new("StatefulSet", "default", "web"));
    assert!(
        marked(&change(set), &yielding()).is_empty(),
        "a StatefulSet gives up its last"
    );
    assert!(marked(&change(|spec| spec.traits.do_not_disrupt = true), &yielding()).is_empty());
    let mut kept = uneven().seen();
    kept.nodes[1].do_not_disrupt = true;
    assert!(
        marked(&kept, &yielding()).is_empty(),
        "the node stays whatever is on it"
    );
    let mut alone = uneven().seen();
    alone.pods.retain(|pod| &*pod.key.name != "web-1");
    assert!(marked(&alone, &yielding()).is_empty(), "there is only one");
}

#[test]
fn room_that_others_ask_for_soon_is_not_free() {
    // The pod of `n2` pays for half of its node: without the room it fills, what is left is less than a move counts.
    let aims = {
        let mut aims = Aims::default();
        aims.shrink.eviction_cost_nanos = 60_000_000;
        aims
    };
    let lately = |pods: &[&str]| {
        let mut cluster = pair(asks(500, 500));
        cluster.seen.groups[0].min = 1;
        let mut seen = cluster.seen();
        for pod in seen.pods.iter_mut().filter(|pod| pods.contains(&&*pod.key.name)) {
            pod.created = NOW;
        }
        names(&deliberate(&seen, &long_unneeded(), &PolicySet::default(), &aims))
    };
    assert_eq!(lately(&[]).len(), 1, "nothing has come for long");
    assert!(
        lately(&["big", "small"]).is_empty(),
        "as much came lately as is free"
    );
}
