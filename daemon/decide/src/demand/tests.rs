//! Who waits, and what is to come.

use super::*;
use crate::fixture::{Cluster, NOW, asks};
use model::time::Span;

fn names(classes: &[Class]) -> Vec<String> {
    classes
        .iter()
        .flat_map(|c| &c.pods)
        .map(ToString::to_string)
        .collect()
}

fn fold(seen: &Snapshot) -> Vec<Class> {
    classes(seen, &Memory::default(), &Aims::default(), &BTreeMap::new())
}

#[test]
fn only_pods_that_are_ours_and_wait_are_demand() {
    let daemon = PodSpec {
        owner: Some(WorkloadKey::new("DaemonSet", "default", "d")),
        ..asks(1, 1)
    };
    let other = PodSpec {
        scheduler: "volcano".into(),
        ..asks(1, 1)
    };
    let mut seen = Cluster::new()
        .group("g", 1, 9)
        .offer("g", "s", 1000, 1000, 1)
        .node("n", "g", "s")
        .pending("wait", 4, asks(1, 1))
        .pending("daemon", 1, daemon)
        .pending("other", 1, other)
        .running("run", "n", asks(1, 1))
        .seen();
    let phases = [PodPhase::Gated, PodPhase::Terminating, PodPhase::Finished];
    for (n, phase) in phases.into_iter().enumerate() {
        let key = PodKey::new("default", format!("wait-{n}"));
        seen.pods.iter_mut().find(|p| p.key == key).unwrap().phase = phase;
    }
    assert_eq!(names(&fold(&seen)), ["default/wait-3"]);
    let aims = Aims {
        schedulers: vec!["volcano".into()],
        ..Aims::default()
    };
    let with = classes(&seen, &Memory::default(), &aims, &BTreeMap::new());
    assert_eq!(names(&with), ["default/wait-3", "default/other-0"]);
}

#[test]
fn replicas_to_come_take_the_first_free_numbers() {
    let seen = Cluster::new()
        .pending("web", 2, asks(1, 1))
        .workload("Deployment", "web", 5, asks(1, 1))
        .seen();
    let classes = fold(&seen);
    assert_eq!((classes.len(), classes[0].pending, classes[0].to_come), (1, 2, 3));
    assert_eq!(
        names(&classes)[2..],
        ["default/web-2", "default/web-3", "default/web-4"]
    );
}

#[test]
fn two_workloads_of_one_name_share_no_pod_name() {
    let seen = Cluster::new()
        .workload("Deployment", "db", 2, asks(1, 1))
        .workload("StatefulSet", "db", 2, asks(2, 2))
        .seen();
    let mut all = names(&fold(&seen));
    all.sort();
    assert_eq!(
        all,
        ["default/db-0", "default/db-1", "default/db-2", "default/db-3"]
    );
}

#[test]
fn finished_pods_count_for_jobs_only_and_terminating_ones_never() {
    for (kind, phase, lacking) in [
        ("Job", PodPhase::Finished, 1),
        ("Deployment", PodPhase::Finished, 2),
        ("Job", PodPhase::Terminating, 2),
        ("Deployment", PodPhase::Terminating, 2),
        ("StatefulSet", PodPhase::Running, 1),
    ] {
        let spec = PodSpec {
            owner: Some(WorkloadKey::new(kind, "default", "w")),
            ..asks(1, 1)
        };
        let mut seen = Cluster::new()
            .pending("w", 1, spec.clone())
            .workload(kind, "w", 2, spec)
            .seen();
        seen.pods[0].phase = phase;
        let to_come: u32 = fold(&seen).iter().map(|c| c.to_come).sum();
        assert_eq!(to_come, lacking, "{kind} {phase:?}");
    }
}

#[test]
fn a_revision_of_a_listed_deployment_is_not_demand_twice() {
    let seen = Cluster::new()
        .workload("Deployment", "web", 2, asks(1, 1))
        .workload("ReplicaSet", "web-5d8f", 2, asks(1, 1))
        .workload("DaemonSet", "agent", 9, asks(1, 1))
        .seen();
    assert_eq!(names(&fold(&seen)), ["default/web-0", "default/web-1"]);
}

#[test]
fn pods_that_were_never_seen_are_not_zero_pods() {
    let mut seen = Cluster::new().workload("Deployment", "web", 2, asks(1, 1)).seen();
    seen.sources.insert(Source::Pods, Freshness::Missing);
    assert!(fold(&seen).is_empty());
}

#[test]
fn long_waits_are_a_class_of_their_own() {
    let seen = Cluster::new().pending("web", 2, asks(1, 1)).seen();
    let since = vec![(PodKey::new("default", "web-1"), NOW - Span::from_secs(301))];
    let memory = Memory {
        waiting_since: since.into(),
        ..Memory::default()
    };
    let classes = classes(&seen, &memory, &Aims::default(), &BTreeMap::new());
    assert_eq!(classes.iter().map(|c| c.late).collect::<Vec<_>>(), [false, true]);
}
