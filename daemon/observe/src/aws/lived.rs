//! What nodes that have lived tell of those their group will launch: allocatable, labels, taints.
//!
//! A living node is believed before any formula or tag. Not here: the formula (`manifest`), tags (`groups`).

use model::Group;
use model::ids::InstanceId;
use model::node::{DRAIN_TAINT, EMPTYING_TAINT, Node};
use model::pod::Taint;
use model::selector::Labels;
use std::collections::BTreeSet;

/// Labels that are a node's own, by how they begin.
const OWN_LABELS: [&str; 5] = [
    "kubernetes.io/hostname",
    "topology.",
    "failure-domain.",
    "alpha.eksctl.io/instance-id",
    "node.kubernetes.io/instance-type",
];

/// Taints that tell of a node's own condition, or that it is about to leave, by how they begin.
const OWN_TAINTS: [&str; 6] = [
    DRAIN_TAINT,
    EMPTYING_TAINT,
    "node.kubernetes.io/",
    "node.cloudprovider.kubernetes.io/",
    "ToBeDeletedByClusterAutoscaler",
    "DeletionCandidateOfClusterAutoscaler",
];

/// The Ready nodes of this group.
pub(super) fn nodes_of<'n>(group: &Group, nodes: &'n [Node]) -> Vec<&'n Node> {
    let ids: BTreeSet<&InstanceId> = group.instances.iter().map(|i| &i.id).collect();
    let ours = |node: &&Node| node.ready && node.instance.as_ref().is_some_and(|id| ids.contains(id));
    nodes.iter().filter(ours).collect()
}

/// Labels of a living node that its siblings will carry too.
pub(super) fn shared_labels(node: &Node) -> Labels {
    let shared = |key: &str| !OWN_LABELS.iter().any(|own| key.starts_with(own));
    node.labels
        .iter()
        .filter(|(key, _)| shared(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Taints that all living nodes of a group carry: they come with the launch template or the kubelet's flags,
/// which no tag repeats. One that somebody set on a single node by hand is that node's.
pub(super) fn shared_taints(living: &[&Node]) -> Vec<Taint> {
    let Some((first, others)) = living.split_first() else {
        return Vec::new();
    };
    let shared = first.taints.iter().filter(|taint| {
        !OWN_TAINTS.iter().any(|own| taint.key.starts_with(own))
            && others.iter().all(|node| node.taints.contains(taint))
    });
    shared.cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn node(taints: &[&str]) -> Node {
        let taint = |key: &&str| json!({"key": key, "effect": "NoSchedule"});
        let taints: Vec<_> = taints.iter().map(taint).collect();
        let object = json!({"metadata": {"name": "n", "labels": {"team": "a", "kubernetes.io/hostname": "n",
            "topology.kubernetes.io/zone": "z"}}, "spec": {"taints": taints}});
        manifest::node_from(&serde_json::from_value(object).unwrap())
            .0
            .node
    }

    #[test]
    fn taints_of_living_nodes_are_their_siblings_too() {
        let keys = |nodes: &[Node]| {
            let living: Vec<&Node> = nodes.iter().collect();
            let shared = shared_taints(&living);
            shared.into_iter().map(|taint| taint.key).collect::<Vec<_>>()
        };
        let leaving = node(&["gpu", DRAIN_TAINT, "node.kubernetes.io/unschedulable"]);
        assert_eq!(keys(&[leaving]), ["gpu"]);
        assert_eq!(keys(&[node(&["by-hand", "gpu"]), node(&["gpu"])]), ["gpu"]);
        assert!(keys(&[]).is_empty());
    }

    #[test]
    fn labels_of_one_node_alone_are_left_out() {
        assert_eq!(
            shared_labels(&node(&[])),
            Labels::from([("team".to_owned(), "a".to_owned())])
        );
    }
}
