//! What nodes that have lived tell of those their group will launch: allocatable, labels, taints.
//!
//! A node is believed before any formula or tag, and for a day after the last of its kind has gone: else a pod that no
//! real node holds is bought for again as soon as the node is given back. Not here: the formula (`manifest`), tags
//! (`groups`); what was learnt ends with the process.

use model::Group;
use model::ids::{GroupName, InstanceId};
use model::node::{DRAIN_TAINT, EMPTYING_TAINT, Node};
use model::pod::Taint;
use model::resources::Resources;
use model::selector::Labels;
use model::time::{Instant, Span};
use std::collections::{BTreeMap, BTreeSet};

/// What was learnt counts for so long once no such node lives.
const KEPT: Span = Span::from_secs(86_400);

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

/// What was learnt of the nodes of all groups.
#[derive(Debug, Default)]
pub(super) struct Lived {
    groups: BTreeMap<GroupName, Learnt>,
}

/// What was learnt of the nodes of one group.
#[derive(Debug, Default)]
pub(super) struct Learnt {
    /// What nodes were made of when this was learnt: another template's nodes are others.
    made: String,
    /// Of the first node, with when it was last seen.
    labels: Option<(Labels, Instant)>,
    /// Of all of them.
    taints: Vec<Taint>,
    /// By instance type.
    sizes: BTreeMap<String, (Size, Instant)>,
}

/// What a node of a type can carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) allocatable: Resources,
    pub(super) max_pods: u32,
}

impl Lived {
    /// Learns from the Ready nodes of a group, which are made of `made` by now. Nodes that do not tell their type are of
    /// `only`, where the group has but one.
    pub(super) fn learn(
        &mut self,
        group: &Group,
        (made, only): (String, Option<&str>),
        nodes: &[Node],
        at: Instant,
    ) {
        let learnt = self.groups.entry(group.name.clone()).or_default();
        if learnt.made != made {
            *learnt = Learnt {
                made,
                ..Learnt::default()
            };
        }
        let old = |seen: Instant| at.since(seen) > KEPT;
        learnt.sizes.retain(|_, (_, seen)| !old(*seen));
        if learnt.labels.as_ref().is_some_and(|(_, seen)| old(*seen)) {
            (learnt.labels, learnt.taints) = (None, Vec::new());
        }
        let living = nodes_of(group, nodes);
        // The first of a type tells, so that the answer changes as seldom as can be.
        for node in living.iter().rev() {
            let own = node.labels.get(manifest::INSTANCE_TYPE).map(String::as_str);
            if let Some(kind) = own.or(only) {
                let size = Size {
                    allocatable: node.allocatable.clone(),
                    max_pods: node.max_pods,
                };
                learnt.sizes.insert(kind.to_owned(), (size, at));
            }
        }
        if let Some(first) = living.first() {
            learnt.labels = Some((shared_labels(first), at));
            learnt.taints = shared_taints(&living);
        }
    }

    /// What was learnt of a group.
    pub(super) fn of(&self, group: &GroupName) -> Option<&Learnt> {
        self.groups.get(group)
    }
}

impl Learnt {
    /// What a node of this type can carry.
    pub(super) fn size(&self, instance_type: &str) -> Option<&Size> {
        self.sizes.get(instance_type).map(|(size, _)| size)
    }

    /// Labels that the group's nodes share.
    pub(super) fn labels(&self) -> Option<&Labels> {
        self.labels.as_ref().map(|(labels, _)| labels)
    }

    /// Taints that they share.
    pub(super) fn taints(&self) -> &[Taint] {
        &self.taints
    }
}

/// The Ready nodes of this group.
pub(super) fn nodes_of<'n>(group: &Group, nodes: &'n [Node]) -> Vec<&'n Node> {
    let ids: BTreeSet<&InstanceId> = group.instances.iter().map(|i| &i.id).collect();
    let ours = |node: &&Node| node.ready && node.instance.as_ref().is_some_and(|id| ids.contains(id));
    nodes.iter().filter(ours).collect()
}

/// Labels of a living node that its siblings will carry too.
fn shared_labels(node: &Node) -> Labels {
    let shared = |key: &str| !OWN_LABELS.iter().any(|own| key.starts_with(own));
    node.labels
        .iter()
        .filter(|(key, _)| shared(key))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

/// Taints that all living nodes of a group carry: they come with the launch template or the kubelet's flags,
/// which no tag repeats. One that somebody set on a single node by hand is that node's.
fn shared_taints(living: &[&Node]) -> Vec<Taint> {
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
    fn what_was_learnt_outlives_the_node_and_not_its_template() {
        let mut node = node(&["gpu"]);
        node.instance = Some(InstanceId::new("i-1"));
        node.ready = true;
        node.allocatable = Resources::new(950, 1 << 30);
        let mut group = manifest::profile_group("g", Vec::new());
        group.instances.push(model::group::Instance {
            id: InstanceId::new("i-1"),
            instance_type: None,
            zone: None,
            state: model::group::InstanceState::InService,
            launched: None,
        });
        let mut lived = Lived::default();
        let (begin, hours) = (Instant(0), |hours: i64| {
            Instant(0) + Span::from_secs(hours * 3600)
        });
        let made = |version: &str| (version.to_owned(), Some("m5.large"));
        let cpu = |lived: &Lived| {
            let size = lived.of(&group.name).and_then(|learnt| learnt.size("m5.large"));
            size.map(|size| size.allocatable.cpu_milli)
        };
        lived.learn(&group, made("1"), &[node], begin);
        assert_eq!(cpu(&lived), Some(950));
        lived.learn(&group, made("1"), &[], hours(20));
        assert_eq!(cpu(&lived), Some(950), "the node is gone, what it told is not");
        assert_eq!(lived.of(&group.name).unwrap().taints().len(), 1);
        lived.learn(&group, made("1"), &[], hours(25));
        assert_eq!(cpu(&lived), None, "a day later nobody knows any more");
        assert!(lived.of(&group.name).unwrap().taints().is_empty());

        let mut lived = Lived::default();
        lived.groups.entry(group.name.clone()).or_default().sizes.insert(
            "m5.large".to_owned(),
            (
                Size {
                    allocatable: Resources::new(950, 1 << 30),
                    max_pods: 29,
                },
                begin,
            ),
        );
        lived.learn(&group, made("2"), &[], begin);
        assert_eq!(cpu(&lived), None, "another template makes other nodes");
    }

    #[test]
    fn labels_of_one_node_alone_are_left_out() {
        assert_eq!(
            shared_labels(&node(&[])),
            Labels::from([("team".to_owned(), "a".to_owned())])
        );
    }
}
