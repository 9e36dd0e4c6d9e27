//! What the cluster cannot do without: its last Ready pod stays, and no two are disturbed at once, budgets or not.

use super::*;
use crate::stage::pod;
use model::NodeName;
use model::pod::PodPhase;

type Edit = fn(&mut Stage);

fn dns() -> WorkloadKey {
    WorkloadKey::new("Deployment", "kube-system", "coredns")
}

/// The cluster with pods of one workload beside the usual ones: `c1` on the first of these nodes and so on.
fn with_dns(on: &[&str]) -> Stage {
    with(on, "kube-system", 0, "Deployment")
}

fn with(on: &[&str], namespace: &str, priority: i32, kind: &str) -> Stage {
    let mut stage = Stage::new();
    stage.seen.budgets.clear();
    for (name, number) in on.iter().zip(1..) {
        stage.seen.pods.push(pod(&format!("c{number}"), Some(name)));
    }
    let owner = WorkloadKey::new(kind, namespace, "coredns");
    stage.respec("c1", |spec| {
        spec.namespace = namespace.to_owned();
        spec.priority = priority;
        spec.owner = Some(owner.clone());
    });
    let spec = stage.pod_mut("c1").spec;
    for number in 1..=on.len() {
        stage.pod_mut(&format!("c{number}")).spec = spec;
    }
    let mut workload = stage.seen.workloads[0].clone();
    workload.key = owner;
    workload.replicas = u32::try_from(on.len()).unwrap();
    stage.seen.workloads.push(workload);
    stage.seen.sort();
    stage
}

fn none_to_spare() -> Verdict {
    held(HoldReason::NoneToSpare { workload: dns() })
}

fn said(stage: &Stage, kinds: Vec<StepKind>) -> Vec<Verdict> {
    let steps = kinds.into_iter().zip(0..);
    words(stage, steps.map(|(kind, at)| step(at, None, kind)).collect())
}

// CoreDNS was kept by its PodDisruptionBudget alone.
#[test]
fn the_last_ready_pod_keeps_its_node() {
    let kept = || none_to_spare();
    let table: [(&str, &[&str], Edit, Verdict); 14] = [
        ("one replica", &["n1"], |_| (), kept()),
        ("another elsewhere", &["n1", "n2"], |_| (), Verdict::Cleared),
        (
            "two here, which go one by one",
            &["n1", "n1"],
            |_| (),
            Verdict::Cleared,
        ),
        (
            "the other is not Ready",
            &["n1", "n2"],
            |s| s.pod_mut("c2").phase = PodPhase::Starting,
            kept(),
        ),
        (
            "the other is ending",
            &["n1", "n2"],
            |s| s.pod_mut("c2").phase = PodPhase::Terminating,
            kept(),
        ),
        (
            "the other waits",
            &["n1", "n2"],
            |s| {
                let other = s.pod_mut("c2");
                (other.phase, other.node) = (PodPhase::Pending, None);
            },
            kept(),
        ),
        (
            "the other is on a node that is not Ready",
            &["n1", "n2"],
            |s| s.node_mut("n2").ready = false,
            kept(),
        ),
        (
            "the other is on a cordoned node",
            &["n1", "n2"],
            |s| s.node_mut("n2").unschedulable = true,
            kept(),
        ),
        (
            "the other leaves already",
            &["n1", "n2"],
            |s| {
                s.ledger.intents.push(removal("4-0", "n2", RemoveStage::Opened));
            },
            kept(),
        ),
        (
            "of two that leave, a third stays",
            &["n1", "n2", "n3"],
            |s| {
                s.ledger.intents.push(removal("4-0", "n2", RemoveStage::Opened));
            },
            Verdict::Cleared,
        ),
        ("none here", &["n2"], |_| (), Verdict::Cleared),
        (
            "it is not Ready itself",
            &["n1"],
            |s| s.pod_mut("c1").phase = PodPhase::Starting,
            Verdict::Cleared,
        ),
        (
            "its owner lets it go",
            &["n1"],
            |s| {
                let spec = s.pod_mut("c1").spec as usize;
                Arc::make_mut(&mut s.seen.specs[spec]).traits.safe_to_evict = true;
            },
            Verdict::Cleared,
        ),
        (
            "the provider takes the node",
            &["n1"],
            |s| {
                use model::node::{Leaves, Leaving};
                let why = Leaves::Interrupted;
                s.node_mut("n1").leaving = Some(Leaving { why, told: NOW });
            },
            Verdict::Cleared,
        ),
    ];
    for (what, on, edit, expected) in table {
        let mut stage = with_dns(on);
        edit(&mut stage);
        assert_eq!(said(&stage, vec![cordon("n1")]), [expected], "{what}");
    }
}

#[test]
fn what_is_critical() {
    let table = [
        ("kube-system", 0, "Deployment", true),
        ("kube-system", 0, "StatefulSet", true),
        ("kube-system", 0, "DaemonSet", false),
        ("kube-system", 0, "Job", false),
        ("ns", 2_000_000_000, "Deployment", true),
        ("ns", 2_000_001_000, "Deployment", true),
        ("ns", 2_000_001_000, "DaemonSet", false),
        ("ns", 1_000_000_000, "Deployment", false),
        ("ns", 0, "Deployment", false),
    ];
    for (namespace, priority, kind, critical) in table {
        let stage = with(&["n1"], namespace, priority, kind);
        let is_held = matches!(
            said(&stage, vec![cordon("n1")])[..],
            [Verdict::Held(HoldReason::NoneToSpare { .. })]
        );
        assert_eq!(
            is_held, critical,
            "{kind} in {namespace} with priority {priority}"
        );
    }
}

#[test]
fn no_two_are_disturbed_at_once() {
    let pass = || Verdict::Cleared;
    // Two nodes of one plan.
    let two = with_dns(&["n1", "n2"]);
    let both = said(&two, vec![cordon("n1"), cordon("n2")]);
    assert_eq!(both, [pass(), none_to_spare()]);
    let three = said(&with_dns(&["n1", "n2", "n3"]), vec![cordon("n1"), cordon("n2")]);
    assert_eq!(three, [pass(), pass()]);
    // Two pods of one node that is drained, by name and place.
    let drains = |on: &[&str], edit: fn(&mut Stage)| {
        let mut stage = with_dns(on);
        stage
            .ledger
            .intents
            .push(removal("4-0", "n1", RemoveStage::Draining));
        let node = stage.node_mut("n1");
        (node.unschedulable, node.draining) = (true, true);
        edit(&mut stage);
        let here = on.iter().zip(1..).filter(|(node, _)| **node == "n1");
        said(
            &stage,
            here.map(|(_, number)| evict(&format!("c{number}"), "n1"))
                .collect(),
        )
    };
    assert_eq!(drains(&["n1"], |_| ()), [none_to_spare()], "the last one");
    assert_eq!(drains(&["n1", "n2"], |_| ()), [pass()]);
    assert_eq!(drains(&["n1", "n1"], |_| ()), [pass(), none_to_spare()]);
    assert_eq!(drains(&["n1", "n1", "n2"], |_| ()), [pass(), none_to_spare()]);
    let gone = |s: &mut Stage| s.pod_mut("c2").phase = PodPhase::Terminating;
    assert_eq!(
        drains(&["n1", "n2", "n3"], gone),
        [none_to_spare()],
        "one is away already"
    );
    let many: Vec<&str> = std::iter::repeat_n("n1", 3)
        .chain(std::iter::repeat_n("n2", 17))
        .collect();
    let roomy = |s: &mut Stage| {
        for name in ["n1", "n2"] {
            s.node_mut(name).max_pods = 250;
        }
    };
    assert_eq!(
        drains(&many, roomy),
        [pass(), pass(), none_to_spare()],
        "two of twenty"
    );
    let taken = |s: &mut Stage| {
        use model::node::{Leaves, Leaving};
        let why = Leaves::Interrupted;
        s.node_mut("n1").leaving = Some(Leaving { why, told: NOW });
    };
    assert_eq!(
        drains(&["n1"], taken),
        [pass()],
        "it goes with its node in any case"
    );
}

#[test]
fn once_a_new_one_is_ready_the_node_may_go() {
    let mut stage = with_dns(&["n1", "n2"]);
    // The first cycle took `n1`; its pod has been made anew on `n3`, and is not Ready yet.
    stage
        .ledger
        .intents
        .push(removal("4-0", "n1", RemoveStage::Draining));
    stage.pod_mut("c1").node = Some(NodeName::new("n3"));
    stage.pod_mut("c1").phase = PodPhase::Starting;
    assert_eq!(said(&stage, vec![cordon("n2")]), [none_to_spare()]);
    stage.pod_mut("c1").phase = PodPhase::Running;
    assert_eq!(said(&stage, vec![cordon("n2")]), [Verdict::Cleared]);
}
