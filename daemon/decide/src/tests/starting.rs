//! Nodes that are Ready and not usable yet: capacity on its way, and nothing is bought in their place.

use super::shop;
use crate::checker::check;
use crate::fixture::{Cluster, NOW, asks};
use crate::{Deliberation, PolicySet, deliberate};
use model::aims::Aims;
use model::memory::Memory;
use model::node::Node;
use model::plan::StepKind;
use model::pod::{PodSpec, Taint, TaintEffect};
use model::startup::GRACE;
use model::time::Span;

const GPU: &str = "nvidia.com/gpu";

fn aims() -> Aims {
    let mut aims = Aims {
        startup_taints: vec!["example.com/*".to_owned()],
        ..Aims::default()
    };
    (aims.shrink.min_age, aims.shrink.unneeded_for) = (Span::ZERO, Span::ZERO);
    aims
}

fn run(cluster: Cluster) -> Deliberation {
    let (seen, aims) = (cluster.seen(), aims());
    let done = deliberate(&seen, &Memory::default(), &PolicySet::default(), &aims);
    check(&seen, &aims, &done);
    done
}

/// Steps that a starting node must not cause.
fn causes(done: &Deliberation) -> Vec<String> {
    let such = done.plan.steps.iter().filter(|step| {
        matches!(
            step.kind,
            StepKind::GrowGroup { .. } | StepKind::Nominate { .. } | StepKind::Cordon { .. }
        )
    });
    such.map(|step| step.kind.to_string()).collect()
}

fn tainted(key: &'static str, effect: TaintEffect, age: Span) -> impl Fn(&mut Node) {
    move |node| {
        node.created = NOW - age;
        node.taints.push(Taint {
            key: key.to_owned(),
            value: String::new(),
            effect,
        });
    }
}

fn gpu() -> PodSpec {
    let mut spec = asks(500, 1024);
    spec.requests.extended.insert(GPU.to_owned(), 1);
    spec
}

#[test]
fn pods_wait_for_a_node_whose_agent_is_not_up_yet() {
    let passing = [
        "ebs.csi.aws.com/agent-not-ready",
        "efs.csi.aws.com/agent-not-ready",
        "node.cilium.io/agent-not-ready",
        "startup-taint.cluster-autoscaler.kubernetes.io/x",
        "ignore-taint.cluster-autoscaler.kubernetes.io/x",
        "node.cloudprovider.kubernetes.io/uninitialized",
        "karpenter.sh/unregistered",
        "readiness.k8s.io/x",
        "example.com/vpn-down",
    ];
    for key in passing {
        for effect in [TaintEffect::NoSchedule, TaintEffect::NoExecute] {
            for (pods, nodes) in [(1, 1), (4, 1), (8, 2)] {
                let with = |age: Span| {
                    let mut cluster = shop().pending("web", pods, asks(500, 100));
                    for name in ["m", "n"].into_iter().take(nodes) {
                        cluster = cluster
                            .node(name, "g", "small")
                            .last_node(tainted(key, effect, age));
                    }
                    run(cluster)
                };
                let young = with(Span::from_secs(60));
                assert_eq!(
                    causes(&young),
                    [""; 0],
                    "{key} {effect:?}: {pods} pods, {nodes} nodes"
                );
                assert!(young.notes.overdue.is_empty());
                let old = with(GRACE + Span::from_secs(60));
                assert!(!causes(&old).is_empty(), "{key}: after its time the taint counts");
                assert_eq!(old.notes.overdue.len(), nodes, "{key}: and it is told");
            }
        }
    }
}

#[test]
fn a_node_that_starts_is_not_given_up_although_it_is_empty() {
    let key = "node.cilium.io/agent-not-ready";
    let with = |young| {
        let age = Span::from_secs(60);
        let cluster = shop().node("n", "g", "small");
        run(if young {
            cluster.last_node(tainted(key, TaintEffect::NoSchedule, age))
        } else {
            cluster
        })
    };
    assert_eq!(with(true).plan.steps.len(), 0);
}

#[test]
fn pods_wait_for_a_gpu_that_has_yet_to_register() {
    let shop = || {
        shop().last_offers(|offer| {
            offer.allocatable.extended.insert(GPU.to_owned(), 2);
        })
    };
    let bare = |age: Span| {
        move |node: &mut Node| {
            node.created = NOW - age;
            node.allocatable.extended.clear();
        }
    };
    for pods in [1, 2] {
        let with = |age: Span| {
            run(shop()
                .node("n", "g", "large")
                .last_node(bare(age))
                .pending("w", pods, gpu()))
        };
        assert_eq!(causes(&with(Span::from_secs(300))), [""; 0], "{pods}");
        assert!(!causes(&with(GRACE + Span::from_secs(1))).is_empty(), "{pods}");
    }
    // More than it will have: the rest is bought for.
    let three = run(shop()
        .node("n", "g", "large")
        .last_node(bare(Span::ZERO))
        .pending("w", 3, gpu()));
    assert_eq!(three.plan.nodes.len(), 1);
    // The same of a node that is not even Ready.
    let booting = run(shop()
        .node("n", "g", "large")
        .last_node(bare(Span::ZERO))
        .last_node(|node| node.ready = false)
        .pending("w", 2, gpu()));
    assert_eq!(causes(&booting), [""; 0]);
}
