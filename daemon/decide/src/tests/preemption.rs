//! A preemptor has its place on the node it is nominated to, as long as that can come true.

use crate::checker::check;
use crate::fixture::{Cluster, NOW, asks};
use crate::preemption::MOST;
use crate::{Deliberation, PolicySet, deliberate};
use model::aims::Aims;
use model::ids::PodKey;
use model::memory::Memory;
use model::pod::{PodPhase, PodSpec};
use model::snapshot::Snapshot;

fn with_priority(priority: i32, cpu: i64) -> PodSpec {
    PodSpec {
        priority,
        ..asks(cpu, 100)
    }
}

/// A full node, on which `low` ends for the sake of `high-0`.
fn preempting() -> Cluster {
    let mut cluster = Cluster::new()
        .group("g", 1, 9)
        .offer("g", "s", 4000, 8000, 100_000_000)
        .node("n", "g", "s")
        .running("stays", "n", with_priority(0, 1000))
        .running("low", "n", with_priority(0, 3000))
        .pending("high", 1, with_priority(1000, 3000));
    for pod in &mut cluster.seen.pods {
        match &*pod.key.name {
            "low" => pod.phase = PodPhase::Terminating,
            "high-0" => pod.nominated = Some("n".into()),
            _ => {}
        }
    }
    cluster
}

fn decided(seen: &Snapshot, memory: &Memory) -> Deliberation {
    let (policies, aims) = (PolicySet::default(), Aims::default());
    let done = deliberate(seen, memory, &policies, &aims);
    check(seen, &aims, &done);
    done
}

fn bought(seen: &Snapshot) -> usize {
    decided(seen, &Memory::default()).plan.nodes.len()
}

#[test]
fn a_preemptor_on_its_nominated_node_buys_no_other() {
    let done = decided(&preempting().seen(), &Memory::default());
    assert!(
        done.plan.nodes.is_empty() && done.plan.steps.is_empty(),
        "{:?}",
        done.plan.steps
    );
    assert_eq!(
        done.plan.existing,
        [("n".into(), vec![PodKey::new("default", "high-0")])]
    );
}

#[test]
fn a_nomination_is_waited_for_for_a_while() {
    let mut seen = preempting().seen();
    let mut memory = decided(&seen, &Memory::default()).memory;
    seen.at = NOW + MOST;
    let done = decided(&seen, &memory);
    assert!(done.plan.nodes.is_empty());
    memory = done.memory;
    seen.at = seen.at + model::time::Span::from_secs(1);
    let done = decided(&seen, &memory);
    assert_eq!(done.plan.nodes.len(), 1);
    memory = done.memory;
    // Nominated anew to another node, it is waited for again.
    seen.pods.iter_mut().for_each(|pod| pod.nominated = None);
    assert!(decided(&seen, &memory).memory.nominated_since.is_empty());
}

/// What makes a nomination worth nothing, and how many nodes are bought then.
#[test]
fn a_preemptor_whose_nomination_cannot_come_true_is_demand() {
    type Way = (&'static str, fn(&mut Snapshot));
    let ways: [Way; 6] = [
        ("another node", |seen| {
            waiting(seen, |pod| pod.nominated = Some("gone".into()));
        }),
        ("no nomination", |seen| waiting(seen, |pod| pod.nominated = None)),
        ("a node that takes no pods", |seen| {
            seen.nodes[0].unschedulable = true;
        }),
        ("nobody ends", |seen| {
            seen.pods
                .iter_mut()
                .filter(|pod| pod.node.is_some())
                .for_each(|pod| pod.phase = PodPhase::Running);
        }),
        ("who ends is no victim of lower priority", |seen| {
            let low = seen.pod(&PodKey::new("default", "low")).unwrap().spec;
            std::sync::Arc::make_mut(&mut seen.specs[low as usize]).priority = 1000;
        }),
        ("no room without the victims either", |seen| {
            seen.nodes[0].allocatable.cpu_milli = 3900;
        }),
    ];
    for (way, change) in ways {
        let mut seen = preempting().seen();
        change(&mut seen);
        assert_eq!(bought(&seen), 1, "{way}");
    }
}

fn waiting(seen: &mut Snapshot, change: impl Fn(&mut model::pod::Pod)) {
    seen.pods
        .iter_mut()
        .filter(|pod| pod.node.is_none())
        .for_each(change);
}

/// What victims leave is the preemptor's: nobody else is placed there, and what is left beside it is free.
#[test]
fn room_that_victims_leave_is_for_the_preemptor() {
    for (cpu, nodes) in [(3000, 1), (600, 1), (500, 0), (400, 0)] {
        let mut seen = preempting().pending("other", 1, with_priority(0, cpu)).seen();
        // 500 m are free beside the preemptor and, before the victim is gone, beside the victim.
        seen.nodes[0].allocatable.cpu_milli = 4500;
        assert_eq!(bought(&seen), nodes, "{cpu}");
    }
}

/// Two preemptors share what one victim leaves only where both fit.
#[test]
fn two_preemptors_of_one_node_are_counted_one_after_the_other() {
    for (cpu, nodes) in [(1500, 0), (2000, 1)] {
        let mut seen = preempting().seen();
        seen.pods.retain(|pod| pod.node.is_some());
        let mut cluster = Cluster { seen }.pending("high", 2, with_priority(1000, cpu));
        for pod in cluster.seen.pods.iter_mut().filter(|pod| pod.node.is_none()) {
            pod.nominated = Some("n".into());
        }
        assert_eq!(bought(&cluster.seen()), nodes, "{cpu}");
    }
}

/// The bound is under what it costs to wait for the victim and to buy nothing.
#[test]
fn the_bound_counts_room_that_is_free_once_victims_have_gone() {
    for (cpu, bounded) in [(600, false), (1000, false), (1100, true)] {
        let mut seen = preempting().pending("other", 1, with_priority(0, cpu)).seen();
        let high = seen.pod(&PodKey::new("default", "high-0")).unwrap().spec;
        std::sync::Arc::make_mut(&mut seen.specs[high as usize])
            .requests
            .cpu_milli = 2000;
        let done = decided(&seen, &Memory::default());
        assert_eq!(done.plan.nodes.len(), 1, "{cpu}");
        assert_eq!(done.plan.cost.bound.0 > 0, bounded, "{cpu}: {:?}", done.plan.cost);
    }
}
