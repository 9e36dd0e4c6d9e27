//! Nodes, namespaces and plain pods: the ground that rules stand on.

use crate::dice::Dice;
use serde_json::{Value, json};

/// Node label of the zone.
pub(super) const ZONE: &str = "topology.kubernetes.io/zone";
/// Node label of the node itself.
pub(super) const HOSTNAME: &str = "kubernetes.io/hostname";

/// Namespaces that pods are in. Now and then the labels of one are not told.
pub(super) fn namespaces(dice: &mut Dice) -> Vec<Value> {
    let all = [
        json!({"metadata": {"name": "default"}}),
        json!({"metadata": {"name": "shop", "labels": {"team": "a", "stage": "live"}}}),
        json!({"metadata": {"name": "lab", "labels": {"team": "b"}}}),
    ];
    let hidden = if dice.percent(8) {
        dice.below(all.len())
    } else {
        all.len()
    };
    let told = all.into_iter().enumerate().filter(|(at, _)| *at != hidden);
    told.map(|(_, namespace)| namespace).collect()
}

/// A roomy node with labels, some of which may be missing.
pub(super) fn node(dice: &mut Dice, number: usize) -> Value {
    let name = format!("n{number}");
    let mut labels = json!({});
    if dice.percent(92) {
        // Two nodes of one hostname are one domain.
        let hostname = if dice.percent(95) {
            name.clone()
        } else {
            "n0".to_owned()
        };
        labels[HOSTNAME] = json!(hostname);
    }
    for (key, values, percent) in LABELS {
        if dice.percent(percent) {
            labels[key] = json!(dice.pick(values));
        }
    }
    json!({
        "metadata": {"name": name, "labels": labels},
        "spec": {},
        "status": {
            "allocatable": {"cpu": "64", "memory": "256Gi", "pods": "110", "ephemeral-storage": "100Gi"},
            "conditions": [{"type": "Ready", "status": "True"}],
        },
    })
}

/// Labels of nodes: key, values, and how often in a hundred a node has one.
pub(super) const LABELS: [(&str, &[&str], usize); 5] = [
    (ZONE, &["a", "b", "c"], 88),
    ("rack", &["1", "2"], 60),
    ("disk", &["ssd", "hdd", ""], 50),
    ("cores", &["4", "16", "64", "many", "007"], 50),
    ("team", &["a", "b"], 30),
];

/// A pod that asks for nothing, with labels by which others mean it.
pub(super) fn pod(dice: &mut Dice, name: &str) -> Value {
    let mut labels = json!({});
    for (key, values, percent) in POD_LABELS {
        if dice.percent(percent) {
            labels[key] = json!(dice.pick(values));
        }
    }
    json!({
        "metadata": {
            "name": name,
            "namespace": dice.pick(&["default", "default", "shop", "lab"]),
            "labels": labels,
        },
        "spec": {"containers": [{"name": "main", "image": "x"}]},
    })
}

/// Labels of pods, as those of nodes.
pub(super) const POD_LABELS: [(&str, &[&str], usize); 3] = [
    ("app", &["web", "db"], 90),
    ("tier", &["front", "back"], 50),
    ("rev", &["1", "2"], 60),
];

/// Lets a pod run on one of the nodes, or on one that nobody knows; some are on their way out, some are done.
pub(super) fn run(dice: &mut Dice, pod: &mut Value, nodes: &[&str]) {
    let node = if dice.percent(97) {
        dice.pick(nodes)
    } else {
        "gone"
    };
    pod["spec"]["nodeName"] = json!(node);
    pod["status"]["phase"] = json!("Running");
    match dice.below(20) {
        0 | 1 => {
            pod["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z");
            pod["metadata"]["deletionGracePeriodSeconds"] = json!(30);
        }
        2 => pod["status"]["phase"] = json!(dice.pick(&["Succeeded", "Failed"])),
        3 => pod["status"]["phase"] = json!("Pending"),
        _ => {}
    }
}
