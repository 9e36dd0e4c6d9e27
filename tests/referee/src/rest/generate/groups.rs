//! Where nodes come from: managed groups, eksctl's and kops' groups, one for all zones or one per zone, and Karpenter's.

use super::zone_name;
use crate::dice::Dice;
use crate::rest::world::NodeGroup;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Groups of one cluster, in zones `0..zones`.
pub(super) fn groups(dice: &mut Dice, zones: usize) -> Vec<NodeGroup> {
    let mut groups = Vec::new();
    for family in 0..dice.between(1, 3) {
        let usual = family_of(dice, family);
        if zones > 1 && dice.percent(45) {
            // One group per zone, as Cluster Autoscaler's documentation advises for volumes; now and then a zone has
            // none.
            for zone in 0..zones {
                if zone == 0 || dice.percent(85) {
                    let name = format!("{}-{}", usual.name, ["a", "b", "c", "d"][zone]);
                    groups.push(named(&usual, &name, vec![zone_name(zone)]));
                }
            }
        } else {
            let zones: Vec<String> = (0..zones)
                .filter(|zone| *zone == 0 || dice.percent(85))
                .map(zone_name)
                .collect();
            groups.push(named(&usual, &usual.name, zones));
        }
    }
    groups
}

fn named(usual: &NodeGroup, name: &str, zones: Vec<String>) -> NodeGroup {
    let mut group = usual.clone();
    for key in GROUP_KEYS {
        for labels in [&mut group.labels, &mut group.late_labels] {
            if let Some(value) = labels.get_mut(key) {
                name.clone_into(value);
            }
        }
    }
    NodeGroup {
        name: name.to_owned(),
        zones,
        ..group
    }
}

/// Labels whose value is the group's name.
const GROUP_KEYS: [&str; 4] = [
    "eks.amazonaws.com/nodegroup",
    "alpha.eksctl.io/nodegroup-name",
    "kops.k8s.io/instancegroup",
    "karpenter.sh/nodepool",
];

fn family_of(dice: &mut Dice, number: usize) -> NodeGroup {
    let spot = dice.percent(15);
    let mut group = NodeGroup {
        name: format!("pool{number}"),
        spot,
        ..NodeGroup::default()
    };
    membership(dice, &mut group);
    let karpenter = group.labels.contains_key("karpenter.sh/nodepool");
    match dice.below(20) {
        0..=1 => gpu(dice, &mut group),
        2 if !karpenter => {
            group.windows = true;
            group.types = vec!["m5.large".to_owned()];
            if dice.percent(60) {
                group.taints.push(taint("os", "windows", "NoSchedule"));
            }
        }
        3..=5 => group.types = vec!["m6g.large".to_owned()],
        _ => {
            let types = dice.some(&["m5.large", "m5.xlarge", "c5.2xlarge", "r5.large"], 1);
            group.types = types.into_iter().take(2).map(str::to_owned).collect();
        }
    }
    if dice.percent(20) {
        group.taints.push(taint("dedicated", "batch", "NoSchedule"));
        group.labels.insert("dedicated".to_owned(), "batch".to_owned());
    }
    if dice.percent(35) && !group.windows {
        startup(dice, &mut group);
    }
    group
}

fn membership(dice: &mut Dice, group: &mut NodeGroup) {
    let name = group.name.clone();
    let set = |labels: &mut BTreeMap<String, String>, key: &str, value: &str| {
        labels.insert(key.to_owned(), value.to_owned());
    };
    match dice.below(10) {
        0..=4 => {
            let capacity = if group.spot { "SPOT" } else { "ON_DEMAND" };
            set(&mut group.labels, "eks.amazonaws.com/nodegroup", &name);
            set(&mut group.labels, "eks.amazonaws.com/capacityType", capacity);
            set(&mut group.labels, "eks.amazonaws.com/nodegroup-image", "ami-0abc");
        }
        5..=6 => {
            // Nothing on a node of such a group tells how it is paid for.
            group.spot = false;
            set(&mut group.labels, "alpha.eksctl.io/nodegroup-name", &name);
            set(&mut group.labels, "alpha.eksctl.io/cluster-name", "prod");
        }
        7..=8 => {
            set(&mut group.late_labels, "kops.k8s.io/instancegroup", &name);
            set(&mut group.late_labels, "node-role.kubernetes.io/node", "");
            if group.spot {
                set(
                    &mut group.late_labels,
                    "node-role.kubernetes.io/spot-worker",
                    "true",
                );
            }
        }
        _ => {
            let capacity = if group.spot { "spot" } else { "on-demand" };
            set(&mut group.labels, "karpenter.sh/nodepool", &name);
            set(&mut group.labels, "karpenter.sh/capacity-type", capacity);
            set(&mut group.labels, "karpenter.sh/registered", "true");
            set(&mut group.labels, "karpenter.sh/initialized", "true");
        }
    }
}

fn gpu(dice: &mut Dice, group: &mut NodeGroup) {
    group.types = vec!["g5.xlarge".to_owned()];
    group.labels.insert(
        "k8s.amazonaws.com/accelerator".to_owned(),
        "nvidia-a10g".to_owned(),
    );
    if dice.percent(50) {
        group
            .taints
            .push(taint("nvidia.com/gpu", "present", "NoSchedule"));
    }
}

fn startup(dice: &mut Dice, group: &mut NodeGroup) {
    let known = [
        ("ebs.csi.aws.com/agent-not-ready", "", "NoExecute"),
        ("efs.csi.aws.com/agent-not-ready", "", "NoExecute"),
        ("node.cilium.io/agent-not-ready", "true", "NoExecute"),
        (
            "startup-taint.cluster-autoscaler.kubernetes.io/warm",
            "true",
            "NoSchedule",
        ),
        (
            "ignore-taint.cluster-autoscaler.kubernetes.io/warm",
            "true",
            "NoSchedule",
        ),
    ];
    let (key, value, effect) = known[dice.below(known.len())];
    group.startup.push(taint(key, value, effect));
}

fn taint(key: &str, value: &str, effect: &str) -> Value {
    json!({"key": key, "value": value, "effect": effect})
}
