//! Shares between namespaces, and what one cycle looks at of more than it has work for.

use super::*;
use crate::fixture::{Cluster, asks};
use crate::{PolicySet, deliberate};
use model::Memory;
use model::plan::Plan;
use model::pod::{Near, Toleration};
use model::selector::LabelSelector;
use model::time::Instant;

/// Wants, a total, and the shares of it.
type Case = (
    &'static [(&'static str, u64)],
    u64,
    &'static [(&'static str, u64)],
);

#[test]
fn who_wants_less_than_an_even_share_has_it_all() {
    let cases: [Case; 6] = [
        (&[], 10, &[]),
        (&[("a", 3)], 10, &[("a", 3)]),
        (&[("a", 30)], 10, &[("a", 10)]),
        (
            &[("a", 1), ("b", 100), ("c", 100)],
            11,
            &[("a", 1), ("b", 5), ("c", 5)],
        ),
        (
            &[("a", 2), ("b", 100), ("a", 2), ("c", 5)],
            20,
            &[("a", 4), ("b", 11), ("c", 5)],
        ),
        (
            &[("a", 7), ("b", 7), ("c", 7)],
            2,
            &[("a", 0), ("b", 1), ("c", 1)],
        ),
    ];
    for (wants, total, shares) in cases {
        let found: Vec<(&str, u64)> = between(wants.iter().copied(), total).into_iter().collect();
        assert_eq!(found, shares, "{wants:?} of {total}");
    }
}

/// Pods of this namespace that wait.
fn waiting(seen: &mut Snapshot, namespace: &str, name: &str, spec: PodSpec) {
    let like = Cluster::new().pending(name, 1, spec).seen();
    let mut pod = like.pods[0].clone();
    pod.key = PodKey::new(namespace, name);
    pod.spec = u32::try_from(seen.specs.len()).unwrap();
    let mut spec = (*like.specs[0]).clone();
    namespace.clone_into(&mut spec.namespace);
    spec.owner = None;
    seen.specs.push(Arc::new(spec));
    seen.pods.push(pod);
}

/// A namespace with so many kinds of pods, and a neighbour with one.
fn crowded(kinds: i64) -> Snapshot {
    let mut seen = Cluster::new()
        .group("g", 0, 1000)
        .offer("g", "large", 4000, 8192, 100)
        .seen();
    for n in 0..kinds {
        waiting(&mut seen, "loud", &format!("p-{n:03}"), asks(100 + n, 100));
    }
    waiting(&mut seen, "quiet", "q", asks(300, 300));
    seen.sort();
    seen
}

fn planned(seen: &Snapshot, aims: &Aims) -> Plan {
    let done = deliberate(seen, &Memory::default(), &PolicySet::default(), aims);
    crate::checker::check(seen, aims, &done);
    done.plan
}

fn placed(plan: &Plan) -> BTreeSet<String> {
    let pods = plan.nodes.iter().flat_map(|node| &node.pods);
    pods.map(|pod| pod.name.to_string()).collect()
}

fn put_off(plan: &Plan) -> usize {
    let why = |refusal: &&Refusal| {
        matches!(
            refusal,
            Refusal::Pod {
                why: Misfit::PutOff,
                ..
            }
        )
    };
    plan.refusals.iter().filter(why).count()
}

#[test]
fn a_namespace_with_many_kinds_waits_for_itself_and_for_nobody_else() {
    let mut aims = Aims::default();
    let seen = crowded(40);
    let plan = planned(&seen, &aims);
    assert_eq!((placed(&plan).len(), put_off(&plan)), (41, 0));
    aims.search.kinds = 10;
    let plan = planned(&seen, &aims);
    assert!(placed(&plan).contains("q"));
    assert_eq!((placed(&plan).len(), put_off(&plan)), (10, 31));
    // A share of nothing is one kind.
    aims.search.kinds = 1;
    assert_eq!(placed(&planned(&seen, &aims)).len(), 2);
    aims.search.kinds = 1000;
    aims.search.pods = 6;
    assert_eq!(placed(&planned(&seen, &aims)).len(), 6);
}

#[test]
fn the_turn_comes_to_everybody() {
    let mut aims = Aims::default();
    aims.search.kinds = 10;
    let mut seen = crowded(40);
    let begin = seen.at;
    let mut seen_in_turn = BTreeSet::new();
    for turn in 0..6 {
        seen.at = Instant(begin.0 + turn * TURN_MILLIS);
        let first = placed(&planned(&seen, &aims));
        seen.at = Instant(seen.at.0 + TURN_MILLIS / 3);
        seen_in_turn.extend(first);
    }
    assert_eq!(seen_in_turn.len(), 41);
}

#[test]
fn pods_of_higher_priority_go_first() {
    let mut aims = Aims::default();
    aims.search.kinds = 4;
    let mut seen = crowded(40);
    for n in [7, 23] {
        Arc::make_mut(&mut seen.specs[n]).priority = 1000;
    }
    let wanted: BTreeSet<String> = ["p-007", "p-023"].map(str::to_owned).into();
    for turn in 0..5 {
        seen.at = Instant(seen.at.0 + turn * TURN_MILLIS);
        assert!(placed(&planned(&seen, &aims)).is_superset(&wanted), "{turn}");
    }
}

#[test]
fn rules_that_are_dear_to_follow_count_several_times() {
    let near = |rule| {
        let selector = LabelSelector::default();
        Near::new("kubernetes.io/hostname".to_owned(), selector, None, rule)
    };
    let with = |near: Vec<Near>| PodSpec { near, ..asks(1, 1) };
    let many = PodSpec {
        tolerations: vec![
            Toleration {
                key: None,
                value: None,
                effect: None
            };
            100_000
        ],
        ..asks(1, 1)
    };
    let works = [
        asks(1, 1),
        with(vec![near(NearRule::Apart)]),
        with(vec![near(NearRule::Together)]),
        many,
    ];
    assert_eq!(works.map(|spec| work_of(&spec)), [1, 4, 16, MOST]);
}

/// Ten workloads that want two thousand million replicas each.
#[test]
fn no_more_replicas_are_named_than_a_cycle_looks_at() {
    let mut aims = Aims::default();
    aims.search.pods = 50;
    let mut cluster = Cluster::new()
        .group("g", 0, 1000)
        .offer("g", "large", 4000, 8192, 100);
    for n in 0..10 {
        cluster = cluster.workload("Deployment", &format!("d-{n}"), 2_000_000_000, asks(50, 50 + n));
    }
    let mut seen = cluster.seen();
    waiting(&mut seen, "quiet", "q", asks(300, 300));
    seen.sort();
    let plan = planned(&seen, &aims);
    assert_eq!((plan.pending, placed(&plan).contains("q")), (50, true));
}
