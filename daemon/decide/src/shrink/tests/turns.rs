//! Nodes that are cordoned while their pods leave, and pods that leave by turns: what `referee emptied` found.

use super::tied::{HOST, SPREAD, ZONE, moves_to, near, of, run, three};
use super::{budget, names, stays};
use crate::filters::Filters;
use crate::fixture::Cluster;
use model::pod::{NearRule, PodSpec, Toleration};
use model::reason::{Holds, Stays};
use model::snapshot::Snapshot;

/// A spread that leaves out nodes whose taints the pod does not tolerate.
fn honours(mut spec: PodSpec) -> PodSpec {
    for near in &mut spec.near {
        near.nodes.only_tolerated = true;
    }
    spec
}

fn tolerant(mut spec: PodSpec) -> PodSpec {
    spec.tolerations.push(Toleration {
        key: Some("node.kubernetes.io/unschedulable".to_owned()),
        value: None,
        effect: None,
    });
    spec
}

/// One pod of the workload on every node; n2 could go.
fn one_each(spec: &PodSpec) -> Cluster {
    three()
        .running("mover", "n2", spec.clone())
        .running("there-1", "n1", spec.clone())
        .running("there-3", "n3", spec.clone())
}

/// The node that goes is cordoned: with `nodeTaintsPolicy: Honor` it is no domain any more, and the others are even.
#[test]
fn a_cordoned_node_counts_only_where_a_spread_counts_tainted_nodes() {
    let spread = near(of("web"), HOST, "web", SPREAD);
    let done = run(&one_each(&honours(spread.clone())).seen());
    assert_eq!(names(&done), ["cordon n2"]);
    assert!(moves_to(&done, "mover").is_some());
    for kept in [spread.clone(), tolerant(honours(spread))] {
        let done = run(&one_each(&kept).seen());
        assert_eq!(names(&done), [""; 0]);
        let why = stays(&done, "n2");
        let by_spread = matches!(
            &why,
            Some(Stays::PodHeld {
                by: Holds::Spread { .. },
                ..
            })
        );
        assert!(by_spread, "{why:?}");
    }
}

#[test]
fn a_node_that_changes_keeps_its_pods() {
    let seen = one_each(&honours(near(of("web"), ZONE, "web", SPREAD))).seen();
    let mut cordoned = seen.nodes[1].clone();
    cordoned.unschedulable = true;
    let mut filters = Filters::new(&seen);
    filters.change_node(&cordoned);
    let spec = seen.pods[0].spec;
    assert!(filters.judge(spec, &cordoned.name).is_err());
    filters.change_node(&seen.nodes[1]);
    for node in &seen.nodes {
        let fresh = Filters::new(&seen);
        assert_eq!(filters.judge(spec, &node.name), fresh.judge(spec, &node.name));
    }
}

/// Two pods on n2, of which the first by name wants to be where the other is.
fn company(first: &str, second: &str, allowed: u32) -> Snapshot {
    let mut wants = near(of("x"), HOST, "x", NearRule::Together);
    wants.labels.insert("wants".into(), "company".into());
    let mut seen = three()
        .running(first, "n2", wants)
        .running(second, "n2", of("x"))
        .seen();
    seen.budgets.push(budget(allowed));
    seen
}

/// A budget of one: whoever leaves first must find a place while the other still stands where it is.
#[test]
fn pods_that_a_budget_lets_go_one_by_one_are_not_moved_as_if_they_left_together() {
    assert_eq!(names(&run(&company("a", "b", 2))), ["cordon n2"]);
    let done = run(&company("a", "b", 1));
    assert_eq!(names(&done), [""; 0], "a waits for b, and b for a's budget");
    let why = Stays::DisruptionBudget {
        budget: "default/pdb".into(),
    };
    assert_eq!(stays(&done, "n2"), Some(why));
    assert_eq!(names(&run(&company("b", "a", 1))), ["cordon n2"]);
}
