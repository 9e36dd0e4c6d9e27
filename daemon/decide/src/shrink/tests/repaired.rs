//! Nodes that have stopped working: given up and replaced, each pod counted once, and what keeps them.

use super::{names, run, stays};
use crate::checker::check;
use crate::fixture::{Cluster, NOW, asks, removal};
use crate::{Deliberation, PolicySet, deliberate};
use model::aims::Aims;
use model::disruption::{NodeBudget, Share};
use model::group::InstanceState;
use model::ids::WorkloadKey;
use model::intent::{IntentKind, RemoveStage};
use model::memory::Memory;
use model::node::{Node, UNREACHABLE_TAINT};
use model::plan::StepKind;
use model::pod::{PodPhase, PodSpec, Taint, TaintEffect};
use model::reason::{Reason, Stays};
use model::repair::{Doubt, NOT_READY_TAINT};
use model::snapshot::Snapshot;
use model::time::{Instant, Span};
use model::workload::DisruptionBudget;

const LONG: Span = Span::from_secs(1800);
const SINCE: Instant = Instant(NOW.0 - 1_800_000);

fn silent(node: &mut Node) {
    (node.ready, node.unready) = (false, Some(NOW - LONG));
    node.taints.push(Taint {
        key: UNREACHABLE_TAINT.to_owned(),
        value: String::new(),
        effect: TaintEffect::NoExecute,
    });
}

fn shop() -> PodSpec {
    PodSpec {
        owner: Some(WorkloadKey::new("Deployment", "default", "shop")),
        ..asks(800, 100)
    }
}

/// Full nodes, and a last one that has been silent for long, with a pod of a Deployment in this phase.
fn broken(others: usize, phase: PodPhase) -> Cluster {
    let size = u32::try_from(others).unwrap() + 1;
    let mut cluster = Cluster::new()
        .group("g", size, 99)
        .offer("g", "s", 1000, 1000, 100_000_000);
    for number in 1..=others {
        let name = format!("a{number}");
        cluster = cluster
            .node(&name, "g", "s")
            .running(&format!("big-{number}"), &name, asks(900, 500));
    }
    let mut cluster = cluster
        .node("n", "g", "s")
        .last_node(silent)
        .running("shop-7", "n", shop())
        .workload("Deployment", "shop", 1, shop());
    cluster.seen.pods.last_mut().unwrap().phase = phase;
    cluster
}

fn steps<'d>(done: &'d Deliberation, name: &str) -> Vec<&'d model::Step> {
    let steps = done.plan.steps.iter();
    steps.filter(|step| step.kind.name() == name).collect()
}

#[test]
fn a_node_that_is_not_ready_for_long_is_given_up_and_its_pods_get_another_place() {
    for phase in [PodPhase::Running, PodPhase::Starting, PodPhase::Terminating] {
        for others in [1, 2, 4, 9] {
            let seen = broken(others, phase).seen();
            let done = run(&seen);
            check(&seen, &Aims::default(), &done);
            let cordons = steps(&done, "Cordon");
            assert_eq!(cordons.len(), 1, "{phase:?} {others}: {:?}", names(&done));
            assert_eq!(cordons[0].reason, Reason::Broken { since: SINCE });
            assert!(matches!(&cordons[0].kind, StepKind::Cordon { node, .. } if node.as_str() == "n"));
            let grown = steps(&done, "GrowGroup");
            assert_eq!(grown.len(), 1, "{phase:?} {others}: one node for its pod");
            assert_eq!(done.plan.nodes.len(), 1);
            assert_eq!(done.plan.nodes[0].pods.len(), 1, "counted once");
        }
    }
}

#[test]
fn pods_that_wait_already_are_not_counted_twice() {
    // The node lifecycle controller has deleted the pod, and its ReplicaSet has made another.
    let seen = broken(2, PodPhase::Terminating)
        .pending("shop-8", 1, shop())
        .seen();
    let done = run(&seen);
    check(&seen, &Aims::default(), &done);
    assert_eq!(
        (done.plan.nodes.len(), done.plan.pending),
        (1, 1),
        "{:?}",
        names(&done)
    );
}

#[test]
fn what_is_not_certain_keeps_it_and_is_told() {
    type Change = fn(&mut Snapshot);
    let cases: [(Change, Stays); 9] = [
        (
            |s| s.nodes.last_mut().unwrap().unready = Some(NOW - Span::from_secs(60)),
            Stays::NotReady {
                since: Some(NOW - Span::from_secs(60)),
            },
        ),
        (
            |s| s.nodes.last_mut().unwrap().unready = None,
            Stays::NotReady { since: None },
        ),
        (
            |s| s.nodes.last_mut().unwrap().taints.clear(),
            Stays::NotGivenUp {
                since: SINCE,
                doubt: Doubt::NotTainted,
            },
        ),
        (
            |s| s.groups[0].instances.clear(),
            Stays::NotGivenUp {
                since: SINCE,
                doubt: Doubt::NotInService { state: None },
            },
        ),
        (
            |s| s.groups[0].instances.last_mut().unwrap().state = InstanceState::Other,
            Stays::NotGivenUp {
                since: SINCE,
                doubt: Doubt::NotInService {
                    state: Some(InstanceState::Other),
                },
            },
        ),
        (
            |s| s.nodes.last_mut().unwrap().do_not_disrupt = true,
            Stays::NotReady { since: Some(SINCE) },
        ),
        (
            |s| s.own_node = Some("n".into()),
            Stays::NotReady { since: Some(SINCE) },
        ),
        (
            |s| s.groups[0].foreign = Some("Karpenter".to_owned()),
            Stays::NotReady { since: Some(SINCE) },
        ),
        (
            |s| s.groups[0].rolling = Some("an update".to_owned()),
            Stays::NotReady { since: Some(SINCE) },
        ),
    ];
    for (number, (change, why)) in cases.into_iter().enumerate() {
        let mut seen = broken(3, PodPhase::Terminating).seen();
        change(&mut seen);
        let done = run(&seen);
        assert_eq!(
            steps(&done, "Cordon"),
            Vec::<&model::Step>::new(),
            "case {number}"
        );
        assert_eq!(stays(&done, "n"), Some(why), "case {number}");
    }
}

#[test]
fn where_many_are_not_ready_nothing_is_removed_and_every_one_is_told() {
    for count in [4_usize, 5, 10, 21] {
        for broken in 1..=count {
            let size = u32::try_from(count).unwrap();
            let mut cluster = Cluster::new()
                .group("g", size, 99)
                .offer("g", "s", 1000, 1000, 100_000_000);
            for number in 0..count {
                cluster = cluster.node(&format!("n{number:02}"), "g", "s");
                if number < broken {
                    cluster = cluster.last_node(silent);
                }
            }
            let seen = cluster.seen();
            let aims = Aims::default();
            let done = deliberate(&seen, &Memory::default(), &PolicySet::default(), &aims);
            let few = broken <= count.div_ceil(5) && !(broken > 2 && broken * 20 >= count * 11);
            let told = (0..broken).filter(|number| {
                let stays = stays(&done, &format!("n{number:02}"));
                matches!(
                    stays,
                    Some(Stays::NotGivenUp {
                        doubt: Doubt::TooMany { .. },
                        ..
                    })
                )
            });
            let wanted = if few { (broken, 0) } else { (0, broken) };
            assert_eq!(
                (steps(&done, "Cordon").len(), told.count()),
                wanted,
                "{broken} of {count}"
            );
        }
    }
}

#[test]
fn a_group_at_its_minimum_gets_another_node_first() {
    for phase in [PodPhase::Running, PodPhase::Terminating] {
        // With a pod to buy for: that purchase is the node that comes first.
        let mut seen = broken(2, phase).seen();
        seen.groups[0].min = 3;
        let done = run(&seen);
        check(&seen, &Aims::default(), &done);
        assert_eq!((done.plan.nodes.len(), done.plan.replacements.len()), (1, 0));
        assert!(steps(&done, "Cordon").is_empty());
        seen.groups[0].desired = 4;
        assert_eq!(
            steps(&run(&seen), "Cordon").len(),
            1,
            "once it has been asked for"
        );
    }
    let mut seen = broken(2, PodPhase::Running).seen();
    seen.groups[0].min = 3;
    seen.pods.retain(|pod| &*pod.key.name != "shop-7");
    seen.workloads.clear();
    let done = run(&seen);
    check(&seen, &Aims::default(), &done);
    let (grown, cordons) = (steps(&done, "GrowGroup"), steps(&done, "Cordon"));
    assert_eq!((grown.len(), cordons.len()), (1, 1), "{:?}", names(&done));
    assert_eq!(grown[0].reason, Reason::Repairs { node: "n".into() });
    assert!(matches!(&cordons[0].kind, StepKind::Cordon { after, .. }
        if after.as_slice() == grown[0].intent.as_slice()));
    // And where none can be had, it is told.
    seen.groups[0].max = 3;
    let done = run(&seen);
    assert_eq!(names(&done), Vec::<String>::new());
    assert_eq!(stays(&done, "n"), Some(Stays::NotReplaceable { since: SINCE }));
}

/// The removal of it, begun so many seconds ago.
fn leaving(phase: PodPhase, ago: i64, change: impl FnOnce(&mut Snapshot)) -> Deliberation {
    let mut seen = broken(2, phase).seen();
    let mut intent = removal("n", RemoveStage::Draining);
    intent.opened = NOW - Span::from_secs(ago);
    seen.ledger.intents.push(intent);
    let node = seen.nodes.last_mut().unwrap();
    (node.draining, node.unschedulable) = (true, true);
    change(&mut seen);
    run(&seen)
}

#[test]
fn it_goes_with_the_pods_that_nobody_can_end() {
    type Change = Box<dyn Fn(&mut Snapshot)>;
    let told_unready = |seen: &mut Snapshot| {
        let taint = &mut seen.nodes.last_mut().unwrap().taints[0];
        taint.key = NOT_READY_TAINT.to_owned();
    };
    let held = |seen: &mut Snapshot| {
        let spec = seen
            .pods
            .iter()
            .find(|pod| &*pod.key.name == "shop-7")
            .unwrap()
            .spec;
        let mut marked = (*seen.specs[spec as usize]).clone();
        marked.traits.do_not_disrupt = true;
        seen.specs[spec as usize] = marked.into();
    };
    let budget = |seen: &mut Snapshot| {
        seen.budgets.push(DisruptionBudget {
            namespace: "default".to_owned(),
            name: "none".to_owned(),
            selector: model::selector::LabelSelector::default(),
            allowed: 0,
        });
    };
    let cases: [(PodPhase, i64, Change, [usize; 3]); 9] = [
        (PodPhase::Terminating, 0, Box::new(|_| ()), [1, 0, 0]),
        (PodPhase::Running, 0, Box::new(|_| ()), [0, 1, 0]),
        (PodPhase::Running, 300, Box::new(|_| ()), [1, 0, 0]),
        (PodPhase::Terminating, 0, Box::new(told_unready), [0, 0, 0]),
        (PodPhase::Terminating, 300, Box::new(told_unready), [1, 0, 0]),
        (PodPhase::Running, 0, Box::new(held), [0, 0, 0]),
        (PodPhase::Running, 300, Box::new(held), [1, 0, 0]),
        (PodPhase::Running, 0, Box::new(budget), [0, 0, 0]),
        (PodPhase::Running, 300, Box::new(budget), [1, 0, 0]),
    ];
    for (number, (phase, ago, change, wanted)) in cases.into_iter().enumerate() {
        let done = leaving(phase, ago, |seen| change(seen));
        let found = ["RemoveNode", "Evict", "Uncordon"].map(|name| steps(&done, name).len());
        assert_eq!(found, wanted, "case {number}: {:?}", names(&done));
        if wanted[0] == 1 {
            let removal = steps(&done, "RemoveNode")[0];
            assert_eq!(removal.reason, Reason::Broken { since: SINCE });
        }
    }
}

#[test]
fn within_a_freeze_its_pods_do_not_end_with_it() {
    let mut seen = broken(2, PodPhase::Running).seen();
    let mut intent = removal("n", RemoveStage::Draining);
    intent.opened = NOW - Span::from_secs(600);
    seen.ledger.intents.push(intent);
    let node = seen.nodes.last_mut().unwrap();
    (node.draining, node.unschedulable) = (true, true);
    for frozen in [false, true] {
        let mut aims = Aims::default();
        let freeze = freeze();
        aims.disruption.budgets.extend(frozen.then_some(freeze));
        let done = deliberate(&seen, &Memory::default(), &PolicySet::default(), &aims);
        assert_eq!(steps(&done, "RemoveNode").is_empty(), frozen);
        let rests = matches!(stays(&done, "n"), Some(Stays::NodeBudget(_)));
        assert_eq!(rests, frozen, "{:?}", names(&done));
    }
}

/// Lets nothing go, for whatever reason.
fn freeze() -> NodeBudget {
    NodeBudget {
        name: "freeze".to_owned(),
        groups: Vec::new(),
        causes: Vec::new(),
        nodes: Share::Count(0),
        schedule: None,
    }
}

#[test]
fn a_node_that_works_again_is_drained_as_any_other_or_kept() {
    let works = |seen: &mut Snapshot| {
        let node = seen.nodes.last_mut().unwrap();
        (node.ready, node.unready) = (true, None);
        node.taints.clear();
    };
    // Its pod has no place elsewhere: it is kept.
    let done = leaving(PodPhase::Running, 600, works);
    assert!(steps(&done, "RemoveNode").is_empty());
    assert_eq!(steps(&done, "Uncordon").len(), 1, "{:?}", names(&done));
}

#[test]
fn its_removal_waits_for_the_node_that_comes_first() {
    let waits = |seen: &mut Snapshot| {
        let IntentKind::Remove { after, .. } = &mut seen.ledger.intents[0].kind else {
            panic!("it is a removal");
        };
        after.push("2-0".into());
    };
    let done = leaving(PodPhase::Terminating, 600, waits);
    assert!(steps(&done, "RemoveNode").is_empty(), "{:?}", names(&done));
}

#[test]
fn the_aims_can_leave_it_alone() {
    type Change = Box<dyn Fn(&mut Aims)>;
    let seen = broken(3, PodPhase::Terminating).seen();
    let cases: [(Change, bool); 5] = [
        (Box::new(|_| ()), true),
        (Box::new(|aims| aims.shrink.enabled = false), false),
        (Box::new(|aims| aims.disruption.repair.after = None), false),
        (Box::new(|aims| aims.groups = vec!["other".into()]), false),
        (Box::new(|aims| aims.disruption.budgets.push(freeze())), false),
    ];
    for (number, (change, goes)) in cases.into_iter().enumerate() {
        let mut aims = Aims::default();
        change(&mut aims);
        let done = deliberate(&seen, &Memory::default(), &PolicySet::default(), &aims);
        assert_eq!(!steps(&done, "Cordon").is_empty(), goes, "case {number}");
    }
}
