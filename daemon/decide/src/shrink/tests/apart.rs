//! Pods that want no other of their kind on their node: where they may move, and what keeps them.

use super::{long_unneeded, names, stays};
use crate::fixture::{Cluster, asks};
use crate::{Deliberation, PolicySet, deliberate};
use model::aims::Aims;
use model::ids::PodKey;
use model::memory::Memory;
use model::plan::StepKind;
use model::pod::{Near, NearRule, PodSpec};
use model::reason::Stays;
use model::selector::{LabelSelector, Requirement};
use model::snapshot::Snapshot;

const HOST: &str = "kubernetes.io/hostname";

/// A pod of the app, small.
fn of(app: &str) -> PodSpec {
    let mut spec = asks(100, 100);
    spec.labels.insert("app".into(), app.into());
    spec
}

fn apart(mut spec: PodSpec, key: &str, from: &str) -> PodSpec {
    let selector = LabelSelector {
        requirements: vec![Requirement::equal("app", from)],
    };
    let namespaces = Some(vec![spec.namespace.clone()]);
    spec.near
        .push(Near::new(key.to_owned(), selector, namespaces, NearRule::Apart));
    spec.near.sort();
    spec
}

fn gate() -> PodSpec {
    apart(of("gate"), HOST, "gate")
}

/// n1 half full of what stays there, n2 with one pod of `moves`.
fn pair(moves: PodSpec) -> Cluster {
    let mut big = asks(500, 500);
    big.traits.do_not_disrupt = true;
    Cluster::new()
        .group("g", 2, 9)
        .offer("g", "s", 1000, 1000, 100_000_000)
        .node("n1", "g", "s")
        .node("n2", "g", "s")
        .running("big", "n1", big)
        .running("mover", "n2", moves)
}

fn run(seen: &Snapshot) -> Deliberation {
    deliberate(seen, &long_unneeded(), &PolicySet::default(), &Aims::default())
}

fn is_cordoned(done: &Deliberation, name: &str) -> bool {
    let of = |kind: &StepKind| matches!(kind, StepKind::Cordon { node, .. } if node.as_str() == name);
    done.plan.steps.iter().any(|step| of(&step.kind))
}

#[test]
fn a_pod_that_wants_to_be_alone_of_its_kind_moves_where_none_is() {
    assert!(is_cordoned(&run(&pair(gate()).seen()), "n2"));
    let other = apart(of("door"), HOST, "door");
    assert!(is_cordoned(
        &run(&pair(gate()).running("door", "n1", other).seen()),
        "n2"
    ));
}

#[test]
fn it_stays_where_every_other_node_has_one() {
    let done = run(&pair(gate()).running("gate-2", "n1", gate()).seen());
    assert_eq!(names(&done), [""; 0]);
    let pod = PodKey::new("default", "mover");
    assert_eq!(stays(&done, "n2"), Some(Stays::PodsDoNotFit { pod }));
}

#[test]
fn it_stays_where_others_are_meant_or_others_mean_it() {
    for stranger in [of("gate"), apart(of("shop"), HOST, "gate")] {
        let done = run(&pair(gate()).running("stranger", "n1", stranger.clone()).seen());
        assert_eq!(names(&done), [""; 0], "{stranger:?}");
    }
    let by_zone = apart(of("gate"), "topology.kubernetes.io/zone", "gate");
    assert!(
        is_cordoned(&run(&pair(by_zone).seen()), "n2"),
        "the one in its zone is itself"
    );
}

/// Three nodes with little on them would fit on one, their pods of one kind on three alone.
#[test]
fn pods_of_several_nodes_keep_apart_from_each_other() {
    let mut cluster = pair(gate())
        .running("gate-3", "n3", gate())
        .offer("g", "big", 4000, 4000, 110_000_000);
    for node in ["n3", "n4"] {
        cluster = cluster.node(node, "g", "s");
    }
    let mut seen = cluster.running("gate-4", "n4", gate()).seen();
    seen.groups[0].desired = 4;
    let mut memory = long_unneeded();
    let since = memory.unneeded_since[&"n2".into()];
    memory
        .unneeded_since
        .extend([("n3".into(), since), ("n4".into(), since)]);
    let done = deliberate(&seen, &memory, &PolicySet::default(), &Aims::default());
    let gone = ["n2", "n3", "n4"].map(|name| is_cordoned(&done, name));
    assert_eq!(gone.iter().filter(|gone| **gone).count(), 1, "{:?}", names(&done));
    assert_eq!(done.plan.nodes, []);
}

/// A rollout: pods of the old and of the new template are of one crowd, and of two kinds.
#[test]
fn two_kinds_of_one_crowd_keep_apart() {
    let mut newer = gate();
    newer.labels.insert("pod-template-hash".into(), "2".into());
    let seen = pair(gate()).running("gate-2", "n1", newer.clone()).seen();
    assert_eq!(names(&run(&seen)), [""; 0]);

    let mut both = pair(gate())
        .node("n3", "g", "s")
        .running("newer", "n3", newer)
        .seen();
    both.groups[0].desired = 3;
    let mut memory = Memory::default();
    memory.unneeded_since.clone_from(&long_unneeded().unneeded_since);
    memory.unneeded_since.insert("n3".into(), crate::fixture::OLD);
    let done = deliberate(&both, &memory, &PolicySet::default(), &Aims::default());
    let gone = ["n2", "n3"].map(|name| is_cordoned(&done, name));
    assert_eq!(gone.iter().filter(|gone| **gone).count(), 1, "{:?}", names(&done));
}

#[test]
fn a_pod_that_waits_and_one_that_moves_do_not_count_on_one_place() {
    let mut seen = pair(gate()).pending("late", 1, gate()).seen();
    seen.groups[0].max = 2;
    assert!(
        !is_cordoned(&run(&seen), "n2"),
        "n1 is taken by the one that waits"
    );
}
