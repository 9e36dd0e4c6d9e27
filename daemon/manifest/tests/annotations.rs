//! Row by row what `docs/annotations.md` says is honoured or read: manifests with the annotation, label or taint, and what
//! the picture of the cluster says of them. The document and these tables have the same rows.
//!
//! What is decided by it is tested in `decide` (`shrink/annotating.rs`).

#![expect(clippy::unwrap_used, reason = "helpers of tests stop the test")]

use manifest::{ClusterBuilder, PriceList};
use model::aims::Aims;
use model::group::options::{KEYS, PREFIX};
use model::node::Node;
use model::provisioned::{PROFILE_LABEL, Said};
use model::registration::purchase_of;
use model::snapshot::Snapshot;
use model::startup::{GRACE, Startup, is_of_group};
use model::time::Span;
use std::collections::{BTreeMap, BTreeSet};

const DOCUMENT: &str = include_str!("../../../docs/annotations.md");

/// Name, value, what the picture says.
const HONOURED: [(&str, &str, &str); 37] = [
    ("karpenter.sh/do-not-disrupt", "true", "annotated do-not-disrupt"),
    (
        "karpenter.sh/do-not-disrupt",
        "1.5h",
        "annotated do-not-disrupt until 2026-01-01T01:30:00Z",
    ),
    (
        "plimsoll.io/do-not-disrupt",
        "3m",
        "annotated do-not-disrupt until 2026-01-01T00:03:00Z",
    ),
    (
        "cluster-autoscaler.kubernetes.io/safe-to-evict",
        "false",
        "annotated safe-to-evict=false",
    ),
    (
        "cluster-autoscaler.kubernetes.io/safe-to-evict",
        "on-completion",
        "annotated safe-to-evict=on-completion, its node waits for it to end",
    ),
    (
        "cluster-autoscaler.kubernetes.io/safe-to-evict",
        "true",
        "safe to evict",
    ),
    (
        "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes",
        "scratch,host",
        "no local storage",
    ),
    (
        "cluster-autoscaler.kubernetes.io/pod-scale-up-delay",
        "600s",
        "no demand",
    ),
    (
        "autoscaling.x-k8s.io/consume-provisioning-request",
        "batch",
        "no demand",
    ),
    (
        "cluster-autoscaler.kubernetes.io/consume-provisioning-request",
        "batch",
        "no demand",
    ),
    (
        "descheduler.alpha.kubernetes.io/request-evict-only",
        "",
        "somebody else moves it, as its annotations say",
    ),
    (
        "descheduler.alpha.kubernetes.io/eviction-in-progress",
        "",
        "somebody else moves it, as its annotations say",
    ),
    (
        "controller.kubernetes.io/pod-deletion-cost",
        "-7",
        "deletion cost -7",
    ),
    ("kubernetes.io/config.mirror", "0123", "static"),
    (
        "cluster-autoscaler.kubernetes.io/scale-down-disabled",
        "true",
        "annotated scale-down-disabled",
    ),
    (
        "karpenter.sh/do-not-disrupt (node)",
        "true",
        "annotated do-not-disrupt",
    ),
    (
        "karpenter.sh/do-not-disrupt (node)",
        "2h",
        "annotated do-not-disrupt until 2026-01-01T02:00:00Z",
    ),
    (
        "plimsoll.io/do-not-disrupt (node)",
        "true",
        "annotated do-not-disrupt",
    ),
    (
        "ToBeDeletedByClusterAutoscaler",
        "1767225600",
        "takes no pods; the Cluster Autoscaler removes it",
    ),
    (
        "DeletionCandidateOfClusterAutoscaler",
        "1767225600",
        "the Cluster Autoscaler removes it",
    ),
    (
        "karpenter.sh/disrupted",
        "",
        "takes no pods; Karpenter removes it",
    ),
    (
        "karpenter.sh/disruption",
        "disrupting",
        "takes no pods; Karpenter removes it",
    ),
    (
        "aws-node-termination-handler/spot-itn",
        "x",
        "takes no pods; the AWS Node Termination Handler removes it",
    ),
    (
        "aws-node-termination-handler/scheduled-maintenance",
        "x",
        "takes no pods; the AWS Node Termination Handler removes it",
    ),
    (
        "aws-node-termination-handler/asg-lifecycle-termination",
        "x",
        "takes no pods; the AWS Node Termination Handler removes it",
    ),
    (
        "aws-node-termination-handler/action",
        "cordon-and-drain",
        "takes no pods; the AWS Node Termination Handler removes it",
    ),
    (
        "node.kubernetes.io/out-of-service",
        "nodeshutdown",
        "takes no pods; whoever declared it out of service removes it",
    ),
    (
        "node.cloudprovider.kubernetes.io/shutdown",
        "",
        "takes no pods; whoever stopped its instance removes it",
    ),
    ("plimsoll.io/removing", "", "takes no pods; Plimsoll drains it"),
    ("spec.unschedulable", "true", "takes no pods"),
    ("karpenter.sh/nodepool", "pool", "of pool; belongs to Karpenter"),
    ("karpenter.sh/provisioner-name", "pool", "belongs to Karpenter"),
    (
        "eks.amazonaws.com/compute-type",
        "auto",
        "belongs to EKS Auto Mode",
    ),
    ("eks.amazonaws.com/nodegroup", "web", "of web"),
    ("alpha.eksctl.io/nodegroup-name", "web", "of web"),
    ("kops.k8s.io/instancegroup", "web", "of web"),
    ("plimsoll.io/group", "web", "of web"),
];

/// Ordinary labels, taints and annotations: name, value, what they mean.
const READ: [(&str, &str, &str); 26] = [
    (
        "eks.amazonaws.com/fargate-profile",
        "web",
        "on Fargate by profile web",
    ),
    (
        "CapacityProvisioned",
        "0.25vCPU 0.5GB",
        "billed as 0.25 vCPU 0.5 GB",
    ),
    ("CapacityProvisioned", "plenty", "no size: plenty"),
    ("node.kubernetes.io/not-ready", "", STARTUP),
    (
        "node.kubernetes.io/unreachable",
        "",
        "keeps pods off; its kubelet is silent",
    ),
    ("node.kubernetes.io/memory-pressure", "", "keeps pods off"),
    ("node.kubernetes.io/disk-pressure", "", "keeps pods off"),
    ("node.kubernetes.io/pid-pressure", "", "keeps pods off"),
    ("node.kubernetes.io/network-unavailable", "", STARTUP),
    ("node.kubernetes.io/unschedulable", "", "keeps pods off"),
    ("node.cloudprovider.kubernetes.io/uninitialized", "true", STARTUP),
    ("karpenter.sh/unregistered", "", STARTUP),
    ("readiness.k8s.io/<rule>", "x", STARTUP),
    (
        "startup-taint.cluster-autoscaler.kubernetes.io/<any>",
        "x",
        STARTUP,
    ),
    (
        "ignore-taint.cluster-autoscaler.kubernetes.io/<any>",
        "x",
        STARTUP,
    ),
    (
        "status-taint.cluster-autoscaler.kubernetes.io/<any>",
        "x",
        "keeps pods off",
    ),
    ("ebs.csi.aws.com/agent-not-ready", "x", STARTUP),
    ("efs.csi.aws.com/agent-not-ready", "x", STARTUP),
    ("node.cilium.io/agent-not-ready", "true", STARTUP),
    ("nvidia.com/gpu", "present", "keeps pods off; of its group"),
    ("karpenter.sh/capacity-type", "spot", "bought as spot"),
    ("karpenter.sh/capacity-type", "on-demand", "bought as on-demand"),
    ("karpenter.sh/capacity-type", "reserved", "bought as reserved"),
    ("eks.amazonaws.com/capacityType", "SPOT", "bought as spot"),
    (
        "eks.amazonaws.com/capacityType",
        "ON_DEMAND",
        "bought as on-demand",
    ),
    ("eks.amazonaws.com/capacityType", "FREE", ""),
];

/// What the document calls a startup taint.
const STARTUP: &str = "keeps pods off; on its way for 15m0s";

/// Rows of the document: name, what it is, and how it is treated.
fn rows() -> Vec<(&'static str, &'static str, &'static str)> {
    let lines = DOCUMENT.lines().filter(|line| line.starts_with("| `"));
    lines
        .map(|line| {
            let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
            assert_eq!(cells.len(), 6, "{line}");
            assert!(cells[5].trim_matches('|').trim() != "", "{line}");
            let status = cells[4].split(':').next().unwrap();
            (cells[0].trim_matches('`'), cells[1], status.trim_matches('*'))
        })
        .collect()
}

/// A node and a pod with what the row names, or with nothing.
fn seen(name: &str, what: &str, value: &str) -> Snapshot {
    let key = name.trim_end_matches(" (node)");
    let key = &*key.replace(['<', '>'], "");
    let of_pod = DOCUMENT.split("\n## Annotations of nodes").next().unwrap();
    let is_pods = of_pod.contains(&format!("| `{name}` |"));
    let entry = format!("{{{key:?}: {value:?}}}");
    let on = |wanted: &str, pods: bool| what == wanted && is_pods == pods;
    let labels = if on("label", false) { entry.as_str() } else { "{}" };
    let pod_labels = if on("label", true) { entry.as_str() } else { "{}" };
    let of_node = if on("annotation", false) {
        entry.as_str()
    } else {
        "{}"
    };
    let of_pod = if on("annotation", true) {
        entry.as_str()
    } else {
        "{}"
    };
    let taints = if what == "taint" {
        format!("[{{key: {key:?}, value: {value:?}, effect: NoSchedule}}]")
    } else {
        "[]".to_owned()
    };
    let cordoned = what == "field";
    let text = format!(
        "
apiVersion: v1
kind: Node
metadata: {{name: n, creationTimestamp: '2026-01-01T00:00:00Z', labels: {labels}, annotations: {of_node}}}
spec: {{taints: {taints}, unschedulable: {cordoned}}}
status:
  allocatable: {{cpu: '4', memory: 8Gi, pods: '110'}}
  conditions: [{{type: Ready, status: 'True'}}]
---
apiVersion: v1
kind: Pod
metadata: {{name: p, namespace: web, creationTimestamp: '2026-01-01T00:00:00Z', labels: {pod_labels}, annotations: {of_pod}}}
spec:
  containers: [{{name: c}}]
  volumes: [{{name: scratch, emptyDir: {{}}}}, {{name: host, hostPath: {{path: /x}}}}]
status: {{phase: Pending, startTime: '2026-01-01T00:00:00Z'}}
"
    );
    let mut cluster = ClusterBuilder::new();
    cluster.read("row.yaml", text.as_bytes()).unwrap();
    cluster.finish(&PriceList::default(), &Aims::default())
}

/// Name of a tag, value, what the group is then.
const TAGS: [(&str, &str, &str); 7] = [
    (
        "scaledownunneededtime",
        "1h30m",
        "must have been unneeded for 90m0s",
    ),
    (
        "scaledownutilizationthreshold",
        "0.65",
        "is used to 65 % of its CPU or memory",
    ),
    (
        "scaledowngpuutilizationthreshold",
        ".5",
        "is used to 50 % of its GPUs",
    ),
    (
        "ignoredaemonsetsutilization",
        "T",
        "DaemonSets do not count in that",
    ),
    (
        "scaledownunreadytime",
        "20m",
        "not Ready must have been so for 20m0s",
    ),
    ("maxnodeprovisiontime", "25m", "to become a node: 25m0s"),
    ("maxnodestartuptime", "0.5h", "to become Ready: 30m0s"),
];

/// What is told of a group with this tag, wherever a file may say it.
fn told_of_group(name: &str, value: &str) -> [Vec<String>; 4] {
    let tags = format!("{{{:?}: {value:?}, team: a}}", format!("{PREFIX}{name}"));
    let node = |label: &str| {
        format!(
            "kind: Node\nmetadata: {{name: n, labels: {{{label}: web}}}}\nstatus: {{allocatable: {{cpu: 1, memory: 1Gi}}}}\n---\n"
        )
    };
    let files = [
        (
            "alpha.eksctl.io/nodegroup-name",
            format!("kind: ClusterConfig\nmetadata: {{name: c}}\nnodeGroups: [{{name: web, tags: {tags}}}]"),
        ),
        (
            "eks.amazonaws.com/nodegroup",
            format!(
                "kind: ClusterConfig\nmetadata: {{name: c}}\nmanagedNodeGroups: [{{name: other}}, {{name: web, tags: {tags}}}]"
            ),
        ),
        (
            "eks.amazonaws.com/nodegroup",
            format!("kind: Nodegroup\nmetadata: {{name: x}}\nspec: {{name: web, tags: {tags}}}"),
        ),
        (
            "kops.k8s.io/instancegroup",
            format!("kind: InstanceGroup\nmetadata: {{name: web}}\nspec: {{cloudLabels: {tags}}}"),
        ),
    ];
    files.map(|(label, file)| {
        let mut cluster = ClusterBuilder::new();
        cluster
            .read("group.yaml", format!("{}{file}", node(label)).as_bytes())
            .unwrap();
        let seen = cluster.finish(&PriceList::default(), &Aims::default());
        let group = seen
            .groups
            .iter()
            .find(|group| group.name.as_str() == "web")
            .unwrap();
        group.options.told()
    })
}

#[test]
fn tags_of_groups_are_read_wherever_they_stand() {
    let mut keys: Vec<&str> = Vec::new();
    for (name, value, says) in TAGS {
        for told in told_of_group(name, value) {
            assert!(
                told.len() == 1 && told[0].contains(says),
                "{name}={value}: {told:?}"
            );
        }
        keys.push(name);
    }
    keys.sort_unstable();
    let mut all = KEYS;
    all.sort_unstable();
    assert_eq!(keys, all);
    for value in ["True ", "yes", "50%", "600", "", "10 m", "1 h"] {
        for key in KEYS {
            // `600` is a number.
            let reads = value == "600" && key.ends_with("threshold");
            for told in told_of_group(key, value) {
                assert_eq!(told.len(), 1);
                assert_eq!(told[0].contains("is ignored"), !reads, "{key}={value}: {told:?}");
            }
        }
    }
}

/// What the picture says of the pod and the node.
fn told(seen: &Snapshot) -> String {
    let mut told: Vec<String> = Vec::new();
    let (pod, node) = (&seen.pods[0], &seen.nodes[0]);
    let spec = seen.spec(pod.spec);
    told.extend(pod.held(&spec, seen.at).map(|why| why.to_string()));
    told.extend(
        spec.waits_for(seen.at.since(pod.created))
            .map(|_| "no demand".to_owned()),
    );
    for (is, word) in [
        (spec.traits.safe_to_evict, "safe to evict"),
        (spec.traits.mirror, "static"),
        (
            !spec.traits.local_storage && !spec.traits.local_path,
            "no local storage",
        ),
        (!node.takes_pods(), "takes no pods"),
        (node.draining, "Plimsoll drains it"),
    ] {
        told.extend(is.then(|| word.to_owned()));
    }
    if pod.deletion_cost != 0 {
        told.push(format!("deletion cost {}", pod.deletion_cost));
    }
    told.extend(node.held(seen.at).map(|why| why.to_string()));
    told.extend(
        node.removed_by(seen.at)
            .map(|mark| format!("{} removes it", mark.who)),
    );
    told.extend(node.group.as_ref().map(|group| format!("of {group}")));
    told.extend(node.belongs_to().map(|who| format!("belongs to {who}")));
    told.join("; ")
}

/// What an ordinary label, taint or annotation of the pod or the node means.
fn meant(seen: &Snapshot) -> String {
    let mut meant: Vec<String> = Vec::new();
    let (spec, node, aims) = (seen.spec(seen.pods[0].spec), &seen.nodes[0], Aims::default());
    let profile = spec.labels.get(PROFILE_LABEL);
    meant.extend(profile.map(|profile| format!("on Fargate by profile {profile}")));
    match Said::of(&spec) {
        Said::Nothing => {}
        Said::Size(size) => meant.push(format!("billed as {size}")),
        Said::Unreadable(text) => meant.push(format!("no size: {text}")),
    }
    let tolerated = |taint| spec.tolerations.iter().any(|own| own.tolerates(taint));
    let keeps_off = node.taints.iter().any(|taint| !tolerated(taint));
    meant.extend(keeps_off.then(|| "keeps pods off".to_owned()));
    let upcoming = |seconds: i64| {
        let at = node.created + Span::from_secs(seconds);
        let startup = Startup::new([node], at, &aims.startup_taints);
        startup.is_upcoming(node, None)
    };
    let until = (0..2000).take_while(|seconds| upcoming(*seconds)).last();
    meant.extend(until.map(|seconds| format!("on its way for {}", Span::from_secs(seconds))));
    let young = Node {
        ready: false,
        ..node.clone()
    };
    let boots = young.is_booting(young.created, GRACE);
    meant.extend((!boots).then(|| "its kubelet is silent".to_owned()));
    let of_group = node
        .taints
        .iter()
        .any(|taint| is_of_group(taint, &aims.startup_taints));
    meant.extend(of_group.then(|| "of its group".to_owned()));
    meant.extend(purchase_of(&node.labels).map(|bought| format!("bought as {}", bought.as_str())));
    meant.join("; ")
}

#[test]
fn what_is_read_means_what_the_document_says_and_nothing_else() {
    let what: BTreeMap<&str, &str> = rows().into_iter().map(|(name, what, _)| (name, what)).collect();
    assert_eq!(meant(&seen("", "", "")), "");
    for (name, value, means) in READ {
        let seen = seen(name, what[name], value);
        assert_eq!(meant(&seen), means, "{name}={value:?}");
        assert_eq!(told(&seen), "", "{name}={value:?} is ordinary");
    }
    // And the document says so of the same rows.
    let startup: BTreeSet<&str> = DOCUMENT
        .lines()
        .filter(|line| line.contains("| **read**: startup taint"))
        .filter_map(|line| line.split('`').nth(1))
        .collect();
    let tested = READ.iter().filter(|(.., means)| *means == STARTUP);
    assert_eq!(startup, tested.map(|(name, ..)| *name).collect());
}

#[test]
fn what_is_honoured_has_its_effect_and_nothing_else() {
    let what: BTreeMap<&str, &str> = rows().into_iter().map(|(name, what, _)| (name, what)).collect();
    assert_eq!(told(&seen("", "", "")), "");
    for (name, value, says) in HONOURED {
        assert_eq!(told(&seen(name, what[name], value)), says, "{name}={value:?}");
    }
}

#[test]
fn the_document_and_the_table_have_the_same_rows() {
    let rows = rows();
    assert!(rows.len() >= 60, "{} rows", rows.len());
    let names: BTreeSet<&str> = rows.iter().map(|(name, ..)| *name).collect();
    assert_eq!(names.len(), rows.len(), "each name stands once");
    let honoured: Vec<&str> = HONOURED.iter().chain(&TAGS).map(|(name, ..)| *name).collect();
    let read: Vec<&str> = READ.iter().map(|(name, ..)| *name).collect();
    for (treated, tested) in [("honoured", honoured), ("read", read)] {
        let such = rows.iter().filter(|(.., status)| *status == treated);
        let such: BTreeSet<&str> = such.map(|(name, ..)| *name).collect();
        let tested: BTreeSet<&str> = tested.into_iter().collect();
        assert_eq!(such, tested, "{treated}");
    }
    for (name, _, status) in rows {
        assert!(
            ["honoured", "read", "not honoured"].contains(&status),
            "{name}: {status}"
        );
    }
}

/// What is not honoured changes nothing but the taint that it is.
#[test]
fn what_is_not_honoured_says_nothing() {
    for (name, what, status) in rows() {
        if status == "not honoured" && what != "tag" {
            assert_eq!(told(&seen(name, what, "true")), "", "{name}");
        }
    }
}

/// Every value that means nothing to those who defined it means nothing here.
#[test]
fn values_are_read_literally() {
    let long = "x".repeat(64 << 10);
    let values = [
        "True", "true ", "false", "0s", "-5m", "600", "+10", "008", "", &long,
    ];
    for value in values {
        assert_eq!(
            told(&seen("karpenter.sh/do-not-disrupt", "annotation", value)),
            "",
            "{value:.20}"
        );
        let node = [
            "karpenter.sh/do-not-disrupt (node)",
            "cluster-autoscaler.kubernetes.io/scale-down-disabled",
        ];
        for name in node {
            assert_eq!(told(&seen(name, "annotation", value)), "", "{name} {value:.20}");
        }
        let delay = "cluster-autoscaler.kubernetes.io/pod-scale-up-delay";
        let seen_delay = seen(delay, "annotation", value);
        // Not older than nothing: 0s waits for the next moment.
        assert_eq!(
            told(&seen_delay),
            if value == "0s" { "no demand" } else { "" },
            "{value:.20}"
        );
        let cost = seen("controller.kubernetes.io/pod-deletion-cost", "annotation", value);
        let meant = if value == "600" { 600 } else { 0 };
        assert_eq!(cost.pods[0].deletion_cost, meant, "{value:.20}");
    }
    let spaced = seen(
        "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes",
        "annotation",
        "scratch, host",
    );
    assert_eq!(told(&spaced), "", "` host` is no volume of the pod");
    for value in ["True", "true ", "yes", "", &long] {
        let safe = seen(
            "cluster-autoscaler.kubernetes.io/safe-to-evict",
            "annotation",
            value,
        );
        assert_eq!(told(&safe), "", "{value:.20}");
    }
}
