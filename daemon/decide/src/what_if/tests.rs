//! Changes, and names that are not there.

use super::*;
use crate::fixture::{Cluster, asks};

fn cluster() -> Snapshot {
    Cluster::new()
        .group("g", 2, 9)
        .offer("g", "s", 1000, 1000, 100)
        .node("n1", "g", "s")
        .node("n2", "g", "s")
        .running("p1", "n1", asks(1, 1))
        .running(
            "d1",
            "n1",
            PodSpec {
                owner: Some(WorkloadKey::new("DaemonSet", "default", "d")),
                ..asks(2, 2)
            },
        )
        .pending("w", 1, asks(1, 1))
        .workload("Deployment", "web", 3, asks(1, 1))
        .seen()
}

#[test]
fn every_kind_of_change_is_applied() {
    let seen = cluster();
    let change = Change {
        add_pods: vec![(PodKey::new("default", "w"), asks(5, 5), 2)],
        remove_pods: vec![PodKey::new("default", "w-0")],
        replicas: vec![(seen.workloads[0].key.clone(), 7)],
        remove_nodes: vec![NodeName::new("n1")],
        prices: vec![(OfferId::new("g:s"), UsdPerHour(5))],
    };
    let then = apply(&seen, &change).unwrap();
    let names: Vec<&str> = then.pods.iter().map(|p| &*p.key.name).collect();
    assert_eq!(names, ["p1", "w-0", "w-1"]);
    assert!(
        then.pods
            .iter()
            .all(|p| p.node.is_none() && p.phase == PodPhase::Pending)
    );
    assert_eq!(
        (
            then.nodes.len(),
            then.groups[0].desired,
            then.groups[0].instances.len()
        ),
        (1, 1, 1)
    );
    assert_eq!(then.workloads[0].replicas, 7);
    assert!(then.offers.iter().all(|o| o.price == UsdPerHour(5)));
    assert_eq!(apply(&seen, &Change::default()).unwrap(), seen);
}

#[test]
fn unknown_names_are_named() {
    let key = PodKey::new("default", "nobody");
    let cases = [
        (
            Change {
                remove_pods: vec![key],
                ..Change::default()
            },
            "pod default/nobody",
        ),
        (
            Change {
                remove_nodes: vec!["n9".into()],
                ..Change::default()
            },
            "node n9",
        ),
        (
            Change {
                prices: vec![("x".into(), UsdPerHour(1))],
                ..Change::default()
            },
            "offer x",
        ),
        (
            Change {
                replicas: vec![(WorkloadKey::new("Job", "a", "b"), 1)],
                ..Change::default()
            },
            "workload Job a/b",
        ),
    ];
    for (change, expected) in cases {
        let error = apply(&cluster(), &change).unwrap_err();
        assert_eq!(error.to_string(), format!("{expected} is not in the snapshot"));
    }
}
