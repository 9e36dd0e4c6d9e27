//! Annotations and marks of others on nodes and pods that run: what they keep, and for how long.

use super::{names, pair, run, small, stays, with};
use crate::fixture::NOW;
use model::aims::Aims;
use model::disruption::LocalStorage;
use model::ids::PodKey;
use model::memory::Memory;
use model::pod::{PodSpec, Taint, TaintEffect};
use model::reason::{PodStays, Stays};
use model::snapshot::Snapshot;
use model::time::{Instant, Span};

fn of_pod(why: PodStays) -> Stays {
    Stays::PodMustStay {
        pod: PodKey::new("default", "small"),
        why,
    }
}

/// Two nodes that fit on one, of which only the second may go.
fn two(spec: PodSpec) -> Snapshot {
    let mut seen = pair(spec).seen();
    seen.own_node = Some("n1".into());
    seen
}

fn goes(seen: &Snapshot) -> bool {
    names(&run(seen)).contains(&"cordon n2".to_owned())
}

/// Regression: a duration counted for nothing, and the pod was moved.
#[test]
fn a_duration_protects_a_pod_from_its_start_and_no_longer() {
    let minutes = |count: i64| Span::from_secs(60 * count);
    let spec = with(|s| s.traits.protected_for = Some(minutes(3)));
    let of = |started: Option<Instant>| {
        let mut seen = two(spec.clone());
        seen.pods.iter_mut().for_each(|pod| pod.started = started);
        seen
    };
    for (started, until) in [(NOW, NOW + minutes(3)), (NOW - minutes(2), NOW + minutes(1))] {
        let seen = of(Some(started));
        assert_eq!(
            stays(&run(&seen), "n2"),
            Some(of_pod(PodStays::ProtectedUntil(until)))
        );
        assert!(!goes(&seen));
    }
    assert_eq!(
        stays(&run(&of(None)), "n2"),
        Some(of_pod(PodStays::DoNotDisrupt)),
        "not started"
    );
    assert!(goes(&of(Some(NOW - minutes(3)))), "over to the millisecond");
}

/// Regression: scale-down-disabled was not read, and a node that somebody else removed was a candidate and took pods.
#[test]
fn what_annotations_of_a_node_keep() {
    let disabled = "cluster-autoscaler.kubernetes.io/scale-down-disabled";
    let protected = "karpenter.sh/do-not-disrupt";
    let tomorrow = NOW + Span::from_secs(24 * 3600);
    let cases = [
        (disabled, "true", Some(Stays::ScaleDownDisabled)),
        (disabled, "True", None),
        (disabled, "true ", None),
        (disabled, "", None),
        (protected, "48h", Some(Stays::ProtectedUntil(tomorrow))),
        (protected, "1m", None),
        (protected, "0s", None),
        (protected, "600", None),
    ];
    for (key, value, why) in cases {
        let mut seen = two(small());
        let node = &mut seen.nodes[1];
        node.created = NOW - Span::from_secs(24 * 3600);
        node.annotations.insert(key.to_owned(), value.to_owned());
        assert_eq!(goes(&seen), why.is_none(), "{key}={value:?}");
        assert_eq!(stays(&run(&seen), "n2"), why, "{key}={value:?}");
    }
}

fn taint(key: &str, value: &str, effect: TaintEffect) -> Taint {
    Taint {
        key: key.to_owned(),
        value: value.to_owned(),
        effect,
    }
}

#[test]
fn what_others_remove_is_neither_capacity_nor_a_candidate() {
    let handler = "the AWS Node Termination Handler";
    let cases = [
        ("ToBeDeletedByClusterAutoscaler", "the Cluster Autoscaler"),
        ("karpenter.sh/disrupted", "Karpenter"),
        ("aws-node-termination-handler/spot-itn", handler),
        ("aws-node-termination-handler/scheduled-maintenance", handler),
        ("aws-node-termination-handler/asg-lifecycle-termination", handler),
        (
            "node.kubernetes.io/out-of-service",
            "whoever declared it out of service",
        ),
        (
            "node.cloudprovider.kubernetes.io/shutdown",
            "whoever stopped its instance",
        ),
    ];
    for (key, who) in cases {
        for (marked, name) in [(0, "n1"), (1, "n2")] {
            let mut seen = pair(small()).seen();
            let mark = taint(key, "", TaintEffect::NoSchedule);
            seen.nodes[marked].taints.push(mark);
            assert!(!seen.nodes[marked].takes_pods());
            let removed = Stays::RemovedByOthers {
                who: who.to_owned(),
                mark: key.to_owned(),
            };
            assert_eq!(stays(&run(&seen), name), Some(removed));
            // The other one is not emptied into it.
            assert!(!goes(&seen), "{name}");
        }
    }
}

#[test]
fn marks_of_a_cluster_autoscaler_that_is_gone_count_for_nothing() {
    let at = |ago: i64| ((NOW - Span::from_secs(ago)).0 / 1000).to_string();
    let candidate = "DeletionCandidateOfClusterAutoscaler";
    for key in ["ToBeDeletedByClusterAutoscaler", candidate] {
        for (value, removes) in [(at(60), true), (at(3700), false), (String::new(), true)] {
            let mut node = pair(small()).seen().nodes.remove(1);
            node.taints
                .push(taint(key, &value, TaintEffect::PreferNoSchedule));
            assert_eq!(node.removed_by(NOW).is_some(), removes, "{key} {value}");
        }
    }
    // What it only thinks of takes pods all the same, and so does what is only advised.
    let mut node = pair(small()).seen().nodes.remove(1);
    node.taints
        .push(taint(candidate, "", TaintEffect::PreferNoSchedule));
    let advice = "aws-node-termination-handler/rebalance-recommendation";
    node.taints.push(taint(advice, "", TaintEffect::NoSchedule));
    assert!(node.takes_pods());
}

#[test]
fn pods_are_kept_as_their_annotations_say() {
    let annotated = |key: &str, value: &str| {
        with(|s| {
            s.traits.do_not_disrupt = true;
            s.annotations.insert(key.to_owned(), value.to_owned());
        })
    };
    let cases: Vec<(PodSpec, PodStays)> = vec![
        (with(|s| s.traits.on_completion = true), PodStays::OnCompletion),
        (with(|s| s.traits.moved_by_others = true), PodStays::MovedByOthers),
        (
            annotated("karpenter.sh/do-not-disrupt", "true"),
            PodStays::DoNotDisrupt,
        ),
        (
            annotated("cluster-autoscaler.kubernetes.io/safe-to-evict", "false"),
            PodStays::NotSafeToEvict,
        ),
    ];
    for (spec, why) in cases {
        let seen = two(spec);
        assert_eq!(stays(&run(&seen), "n2"), Some(of_pod(why)));
        assert!(!goes(&seen));
    }
}

#[test]
fn local_storage_keeps_pods_where_the_aims_say_so() {
    let cases: [(LocalStorage, bool, bool, Option<PodStays>); 5] = [
        (LocalStorage::EmptyDir, true, false, Some(PodStays::LocalStorage)),
        (LocalStorage::EmptyDir, false, true, None),
        (LocalStorage::Block, true, true, Some(PodStays::LocalStorage)),
        (LocalStorage::Block, false, true, Some(PodStays::HostPath)),
        (LocalStorage::Allow, true, true, None),
    ];
    for (mode, dir, path, why) in cases {
        let mut aims = Aims::default();
        aims.disruption.local_storage = mode;
        aims.shrink.unneeded_for = Span::ZERO;
        for safe in [false, true] {
            let seen = two(with(|s| {
                (
                    s.traits.local_storage,
                    s.traits.local_path,
                    s.traits.safe_to_evict,
                ) = (dir, path, safe);
            }));
            let done = crate::deliberate(&seen, &Memory::default(), &crate::PolicySet::default(), &aims);
            let expected = why.filter(|_| !safe).map(of_pod);
            assert_eq!(stays(&done, "n2"), expected, "safe: {safe}");
            assert_eq!(names(&done).contains(&"cordon n2".to_owned()), expected.is_none());
        }
    }
}

#[test]
fn pods_of_kube_system_without_a_budget_are_kept_where_the_aims_say_so() {
    for (block, namespace, another, stay) in [
        (true, "kube-system", true, Some(PodStays::SystemPod)),
        (false, "kube-system", true, None),
        (false, "kube-system", false, Some(PodStays::LastReady)),
        (true, "web", true, None),
        (false, "web", false, None),
    ] {
        let mut aims = Aims::default();
        aims.disruption.keep_system_pods = block;
        aims.shrink.unneeded_for = Span::ZERO;
        let spec = with(|s| s.namespace = namespace.to_owned());
        let mut seen = two(spec.clone());
        if another {
            seen = pair(spec.clone()).running("other", "n1", spec).seen();
            seen.own_node = Some("n1".into());
        }
        let done = crate::deliberate(&seen, &Memory::default(), &crate::PolicySet::default(), &aims);
        assert_eq!(
            stays(&done, "n2"),
            stay.map(of_pod),
            "{namespace} {block} {another}"
        );
    }
}

/// Regression: nothing was said of a node that was not Ready.
#[test]
fn a_node_that_is_not_ready_is_told() {
    let mut seen = pair(small()).seen();
    let since = Some(NOW - Span::from_secs(900));
    (seen.nodes[1].ready, seen.nodes[1].unready) = (false, since);
    assert_eq!(stays(&run(&seen), "n2"), Some(Stays::NotReady { since }));
    assert_eq!(
        Stays::NotReady {
            since: Some(Instant(0))
        }
        .to_string(),
        "not Ready since 1970-01-01T00:00:00Z"
    );
}

/// Regression: pods that wait for a ProvisioningRequest, or for their own delay, were bought for.
#[test]
fn waiting_pods_are_demand_once_their_annotations_let_them() {
    use crate::fixture::{Cluster, asks};
    let bought = |key: &str, value: &str, age: i64| {
        let mut spec = asks(600, 100);
        spec.annotations.insert(key.to_owned(), value.to_owned());
        let mut seen = Cluster::new()
            .group("g", 0, 9)
            .offer("g", "s", 1000, 1000, 1)
            .pending("p", 2, spec)
            .seen();
        seen.pods
            .iter_mut()
            .for_each(|pod| pod.created = NOW - Span::from_secs(age));
        run(&seen).plan.nodes.len()
    };
    let delay = "cluster-autoscaler.kubernetes.io/pod-scale-up-delay";
    for (value, age, nodes) in [
        ("600s", 600, 0),
        ("600s", 601, 2),
        ("10m", 10, 0),
        ("1.5h", 5399, 0),
        ("600", 10, 2),
        ("+10", 1, 2),
        ("", 1, 2),
        ("-5m", 0, 2),
        ("0s", 1, 2),
    ] {
        assert_eq!(bought(delay, value, age), nodes, "{value:?} at {age} s");
    }
    for key in model::annotations::CONSUMES {
        assert_eq!(bought(key, "batch-1", 9999), 0);
    }
    assert_eq!(bought("autoscaling.x-k8s.io/provisioning-class-name", "x", 0), 2);
}
