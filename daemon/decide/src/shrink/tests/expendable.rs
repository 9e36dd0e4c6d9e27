//! Expendable pods keep no node, and are asked to leave before it goes.

use super::{long_unneeded, names, pair, run};
use crate::fixture::{asks, removal};
use crate::{PolicySet, deliberate};
use model::aims::Aims;
use model::intent::RemoveStage;
use model::pod::PodSpec;
use model::selector::LabelSelector;
use model::workload::DisruptionBudget;

fn of_priority(priority: i32) -> PodSpec {
    let mut spec = PodSpec {
        priority,
        owner: None,
        ..asks(600, 100)
    };
    spec.traits.do_not_disrupt = true;
    spec
}

fn begins(spec: PodSpec) -> bool {
    names(&run(&pair(spec).seen()))
        .iter()
        .any(|step| step.contains("n2"))
}

#[test]
fn a_node_goes_although_expendable_pods_fit_nowhere_and_are_annotated() {
    assert!(!begins(of_priority(0)));
    assert!(!begins(of_priority(-10)));
    assert!(begins(of_priority(-11)));
    assert!(begins(of_priority(i32::MIN)));
}

#[test]
fn others_beside_them_still_need_a_place() {
    let beside = |cpu: i64| {
        let seen = pair(of_priority(-11))
            .running("other", "n2", asks(cpu, 100))
            .seen();
        let done = run(&seen);
        names(&done).iter().any(|step| step.contains("n2"))
    };
    assert!(beside(300));
    assert!(!beside(600), "it fits nowhere else");
}

#[test]
fn their_budgets_hold_for_the_eviction_api_does() {
    let with_budget = |allowed: u32| {
        let mut seen = pair(of_priority(-11)).seen();
        seen.budgets.push(DisruptionBudget {
            namespace: "default".to_owned(),
            name: "spare".to_owned(),
            selector: LabelSelector::default(),
            allowed,
        });
        names(&run(&seen)).iter().any(|step| step.contains("n2"))
    };
    assert!(with_budget(1));
    assert!(!with_budget(0));
}

#[test]
fn they_are_evicted_first() {
    let mut cluster = pair(of_priority(-11)).last_node(|node| {
        node.draining = true;
        node.unschedulable = true;
    });
    cluster
        .seen
        .ledger
        .intents
        .push(removal("n2", RemoveStage::Cordoned));
    let mut seen = cluster.seen();
    let steps = |seen: &model::Snapshot| {
        let done = deliberate(seen, &long_unneeded(), &PolicySet::default(), &Aims::default());
        done.plan
            .steps
            .iter()
            .map(|step| step.kind.name())
            .collect::<Vec<_>>()
    };
    assert_eq!(steps(&seen), ["Evict"]);
    seen.pods.retain(|pod| &*pod.key.name != "small");
    assert_eq!(steps(&seen), ["RemoveNode"]);
}
