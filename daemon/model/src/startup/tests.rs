//! Taints that pass and devices that come late: how long a node counts as on its way.

use super::*;
use crate::selector::Labels;

const CREATED: Instant = Instant(1_000_000);

fn node(name: &str) -> Node {
    Node {
        name: name.into(),
        group: Some("g".into()),
        instance: None,
        offer: None,
        labels: Labels::new(),
        taints: Vec::new(),
        allocatable: Resources::new(1000, 1 << 30),
        max_pods: 10,
        ready: true,
        unschedulable: false,
        deleting: false,
        fargate: false,
        do_not_disrupt: false,
        draining: false,
        annotations: Labels::new(),
        unready: None,
        rate: None,
        created: CREATED,
        usage: None,
        leaving: None,
        template: None,
    }
}

fn tainted(key: &str, effect: TaintEffect) -> Node {
    let mut node = node("n");
    node.taints.push(Taint {
        key: key.to_owned(),
        value: String::new(),
        effect,
    });
    node
}

fn lacks(node: &Node, after: Span, own: &[String]) -> Vec<String> {
    let startup = Startup::new([node], CREATED + after, own);
    startup
        .lacks(node, None)
        .iter()
        .map(ToString::to_string)
        .collect()
}

#[test]
fn a_startup_taint_keeps_a_node_upcoming_for_a_while() {
    let own = ["example.com/agent-*".to_owned()];
    for key in [
        "ebs.csi.aws.com/agent-not-ready",
        "efs.csi.aws.com/agent-not-ready",
        "node.cilium.io/agent-not-ready",
        "startup-taint.cluster-autoscaler.kubernetes.io/vpn",
        "ignore-taint.cluster-autoscaler.kubernetes.io/cilium-agent-not-ready",
        "node.cloudprovider.kubernetes.io/uninitialized",
        "karpenter.sh/unregistered",
        "readiness.k8s.io/network",
        "example.com/agent-down",
    ] {
        for effect in [TaintEffect::NoSchedule, TaintEffect::NoExecute] {
            let node = tainted(key, effect);
            let told = [format!("startup taint {key} is still there")];
            assert_eq!(lacks(&node, Span::ZERO, &own), told);
            assert_eq!(lacks(&node, GRACE, &own), told);
            assert!(lacks(&node, GRACE + Span::from_secs(1), &own).is_empty(), "{key}");
            assert!(!is_of_group(&node.taints[0], &own), "{key}");
        }
        let soft = tainted(key, TaintEffect::PreferNoSchedule);
        assert!(
            lacks(&soft, Span::ZERO, &own).is_empty(),
            "{key} keeps nobody off"
        );
    }
    for key in [
        "nvidia.com/gpu",
        "dedicated",
        "eks.amazonaws.com/compute-type",
        "ebs.csi.aws.com/other",
    ] {
        let node = tainted(key, TaintEffect::NoSchedule);
        assert!(lacks(&node, Span::ZERO, &own).is_empty(), "{key}");
        assert!(is_of_group(&node.taints[0], &own), "{key}");
    }
}

#[test]
fn a_node_that_is_not_ready_is_booting_and_not_judged_here() {
    let mut node = tainted("node.cilium.io/agent-not-ready", TaintEffect::NoSchedule);
    node.ready = false;
    assert!(lacks(&node, Span::ZERO, &[]).is_empty());
}

#[test]
fn devices_that_the_offer_promises_are_waited_for() {
    for name in [
        "nvidia.com/gpu",
        "aws.amazon.com/neuron",
        "vpc.amazonaws.com/efa",
        "vpc.amazonaws.com/pod-eni",
    ] {
        let mut promised = Resources::default();
        promised.extended.insert(name.to_owned(), 4);
        let mut node = node("n");
        let startup = Startup::new([], CREATED, &[]);
        let lack = Lack::Resource {
            name: name.to_owned(),
            amount: 4,
        };
        assert_eq!(startup.lacks(&node, Some(&promised)), [lack]);
        node.allocatable.extended.insert(name.to_owned(), 1);
        assert!(!startup.is_upcoming(&node, Some(&promised)), "{name}");
    }
    for name in ["hugepages-2Mi", "attachable-volumes-csi-ebs.csi.aws.com"] {
        let mut promised = Resources::default();
        promised.extended.insert(name.to_owned(), 4);
        let node = node("n");
        assert!(
            !Startup::new([&node], CREATED, &[]).is_upcoming(&node, Some(&promised)),
            "{name}"
        );
    }
}

#[test]
fn devices_of_older_nodes_of_the_same_kind_are_waited_for() {
    let mut older = node("older");
    older.created = CREATED - Span::from_secs(3600);
    older
        .allocatable
        .extended
        .insert("aws.amazon.com/neuron".to_owned(), 2);
    let young = node("young");
    for order in [[&older, &young], [&young, &older]] {
        let startup = Startup::new(order, CREATED, &[]);
        assert!(startup.is_upcoming(&young, None));
        assert!(!startup.is_upcoming(&older, None));
    }
    let mut elsewhere = young.clone();
    elsewhere.group = Some("other".into());
    assert!(!Startup::new([&older, &elsewhere], CREATED, &[]).is_upcoming(&elsewhere, None));
    let mut of_type = young.clone();
    of_type
        .labels
        .insert(label::INSTANCE_TYPE.to_owned(), "m5.large".to_owned());
    assert!(!Startup::new([&older, &of_type], CREATED, &[]).is_upcoming(&of_type, None));
    // What younger nodes have is no promise of older ones.
    let mut newer = older.clone();
    newer.created = CREATED + Span::from_secs(1);
    assert!(!Startup::new([&newer, &young], CREATED, &[]).is_upcoming(&young, None));
}

#[test]
fn labels_announce_a_gpu_under_whatever_name_it_is_sold() {
    for (key, value, announces) in [
        ("nvidia.com/gpu.present", "true", true),
        ("nvidia.com/gpu.present", "false", false),
        ("k8s.amazonaws.com/accelerator", "nvidia-tesla-k80", true),
        ("kops.k8s.io/gpu", "1", true),
        ("team", "gpu", false),
    ] {
        let mut node = node("n");
        node.labels.insert(key.to_owned(), value.to_owned());
        assert_eq!(
            !lacks(&node, Span::ZERO, &[]).is_empty(),
            announces,
            "{key}={value}"
        );
        for sold_as in [
            "nvidia.com/gpu",
            "nvidia.com/mig-1g.5gb",
            "nvidia.com/gpu.shared",
            "amd.com/gpu",
        ] {
            let mut node = node.clone();
            node.allocatable.extended.insert(sold_as.to_owned(), 1);
            assert!(lacks(&node, Span::ZERO, &[]).is_empty(), "{key} {sold_as}");
        }
    }
}

#[test]
fn what_never_came_is_told_in_the_end() {
    let mut node = tainted("node.cilium.io/agent-not-ready", TaintEffect::NoSchedule);
    node.labels
        .insert("nvidia.com/gpu.present".to_owned(), "true".to_owned());
    let mut seen = Snapshot {
        at: CREATED + GRACE,
        nodes: vec![node],
        ..Snapshot::default()
    };
    let aims = Aims::default();
    let coming = as_coming(&seen, &aims);
    assert!(!coming.nodes[0].ready && coming.nodes[0].taints.is_empty());
    assert_eq!(coming.nodes[0].allocatable.amount("nvidia.com/gpu"), 1);
    assert!(overdue(&seen, &Aims::default()).is_empty());
    seen.at = CREATED + GRACE + Span::from_secs(1);
    assert!(
        matches!(as_coming(&seen, &aims), Cow::Borrowed(_)),
        "it counts as it stands"
    );
    let told: Vec<String> = overdue(&seen, &Aims::default())
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        told,
        [
            "node n has never become usable: startup taint node.cilium.io/agent-not-ready is still there, \
          nvidia.com/gpu is 0 of 1; it counts as it stands"
        ]
    );
}

/// `maxnodestartuptime` of the group wins over the aims and over what is usual, both ways.
#[test]
fn a_group_gives_its_nodes_a_time_of_its_own() {
    use crate::group::{Group, GroupKind, GroupOptions, LaunchMode};
    let group = |options: GroupOptions| Group {
        name: "g".into(),
        uid: None,
        kind: GroupKind::Asg,
        min: 0,
        max: 9,
        desired: 1,
        launch: LaunchMode::Desired,
        instances: Vec::new(),
        labels: Labels::new(),
        taints: Vec::new(),
        fargate_selectors: Vec::new(),
        foreign: None,
        rolling: None,
        options,
    };
    let aims = Aims::default();
    let minutes = |minutes: i64| Span::from_secs(60 * minutes);
    let own = |startup: Option<i64>, provision: Option<i64>| GroupOptions {
        startup_time: startup.map(minutes),
        provision_time: provision.map(minutes),
        ..GroupOptions::default()
    };
    // What the tags say, how long a node may lack a taint's end, and how long it may boot.
    for (options, lacks, boots) in [
        (own(None, None), 15, 15),
        (own(Some(5), None), 5, 5),
        (own(Some(30), None), 30, 30),
        (own(None, Some(10)), 10, 10),
        (own(None, Some(40)), 15, 40),
        (own(Some(20), Some(40)), 20, 20),
    ] {
        for ready in [true, false] {
            let time = if ready { lacks } else { boots };
            for (after, coming) in [
                (minutes(time), true),
                (Span::from_millis(minutes(time).millis() + 1), false),
            ] {
                let mut young = tainted("node.cilium.io/agent-not-ready", TaintEffect::NoSchedule);
                young.ready = ready;
                let seen = Snapshot {
                    at: CREATED + after,
                    nodes: vec![young],
                    groups: vec![group(options.clone())],
                    ..Snapshot::default()
                };
                let node = &seen.nodes[0];
                let is = if ready {
                    Startup::of(&seen, &aims).is_upcoming(node, None)
                } else {
                    seen.is_booting(node, &aims)
                };
                assert_eq!(is, coming, "{options:?} {ready} {after}");
            }
        }
    }
}
