//! What nodes that have lived tell of those their group will launch: allocatable, labels, taints.
//!
//! A node is believed before any formula or tag, and for a day after the last of its kind has gone: else a pod that no
//! real node holds is bought for again as soon as the node is given back. Not here: the formula (`manifest`), tags
//! (`groups`); what was learnt ends with the process.

use super::catalogue::Catalogue;
use model::Group;
use model::ids::{GroupName, InstanceId};
use model::node::Node;
use model::pod::Taint;
use model::registration::{OperatingSystem, is_of_node};
use model::resources::Resources;
use model::selector::Labels;
use model::startup::Startup;
use model::time::{Instant, Span};
use std::collections::{BTreeMap, BTreeSet};

/// What was learnt counts for so long once no such node lives.
const KEPT: Span = Span::from_secs(86_400);

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
    /// Of all of them, with when one was last seen.
    labels: Option<(Labels, Instant)>,
    /// Of all of them.
    taints: Vec<Taint>,
    /// What they run.
    os: Option<OperatingSystem>,
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
    /// Learns from the nodes of a group that are up, which are made of `made` by now. Nodes that do not tell their type are
    /// of `only`, where the group has but one. A node that agents and device plugins still hold back tells nothing: what
    /// it lacks would be believed of its siblings for a day after it has gone.
    pub(super) fn learn(
        &mut self,
        group: &Group,
        (made, only): (String, Option<&str>),
        (nodes, startup, catalogue): (&[Node], &Startup<'_>, &Catalogue),
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
            (learnt.labels, learnt.taints, learnt.os) = (None, Vec::new(), None);
        }
        let mut living = nodes_of(group, nodes);
        living.retain(|node| {
            let own = node.labels.get(manifest::INSTANCE_TYPE).map(String::as_str);
            let shape = own.or(only).and_then(|name| catalogue.shape(name));
            !startup.is_upcoming(node, shape.map(|shape| &shape.allocatable))
        });
        let mut sizes: BTreeMap<&str, Size> = BTreeMap::new();
        for node in &living {
            let own = node.labels.get(manifest::INSTANCE_TYPE).map(String::as_str);
            if let Some(kind) = own.or(only) {
                let size = Size {
                    allocatable: node.allocatable.clone(),
                    max_pods: node.max_pods,
                };
                let known = sizes.entry(kind).or_insert_with(|| size.clone());
                known.allocatable = known.allocatable.least(&size.allocatable);
                known.max_pods = known.max_pods.min(size.max_pods);
            }
        }
        for (kind, size) in sizes {
            learnt.sizes.insert(kind.to_owned(), (size, at));
        }
        if let Some(first) = living.first() {
            learnt.os = Some(OperatingSystem::of_labels(&first.labels));
            learnt.labels = Some((shared_labels(&living), at));
            learnt.taints = shared_taints(&living, startup);
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

    /// What its nodes run.
    pub(super) fn os(&self) -> Option<&OperatingSystem> {
        self.os.as_ref()
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

/// Labels that all living nodes of a group carry, and that are not a node's own.
fn shared_labels(living: &[&Node]) -> Labels {
    let Some((first, others)) = living.split_first() else {
        return Labels::new();
    };
    let shared = first.labels.iter().filter(|(key, value)| {
        !is_of_node(key) && others.iter().all(|node| node.labels.get(*key) == Some(*value))
    });
    shared.map(|(key, value)| (key.clone(), value.clone())).collect()
}

/// Taints that all living nodes of a group carry: they come with the launch template or the kubelet's flags,
/// which no tag repeats. One that somebody set on a single node by hand is that node's.
fn shared_taints(living: &[&Node], startup: &Startup<'_>) -> Vec<Taint> {
    let Some((first, others)) = living.split_first() else {
        return Vec::new();
    };
    let shared = first
        .taints
        .iter()
        .filter(|taint| startup.is_of_group(taint) && others.iter().all(|node| node.taints.contains(taint)));
    shared.cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::node::DRAIN_TAINT;
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
            let shared = shared_taints(&living, &Startup::new([], Instant(0), &[]));
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
        let none = Startup::new([], Instant(0), &[]);
        let types = Catalogue::default();
        let (begin, hours) = (Instant(0), |hours: i64| {
            Instant(0) + Span::from_secs(hours * 3600)
        });
        let made = |version: &str| (version.to_owned(), Some("m5.large"));
        let cpu = |lived: &Lived| {
            let size = lived.of(&group.name).and_then(|learnt| learnt.size("m5.large"));
            size.map(|size| size.allocatable.cpu_milli)
        };
        lived.learn(&group, made("1"), (&[node], &none, &types), begin);
        assert_eq!(cpu(&lived), Some(950));
        lived.learn(&group, made("1"), (&[], &none, &types), hours(20));
        assert_eq!(cpu(&lived), Some(950), "the node is gone, what it told is not");
        assert_eq!(lived.of(&group.name).unwrap().taints().len(), 1);
        lived.learn(&group, made("1"), (&[], &none, &types), hours(25));
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
        lived.learn(&group, made("2"), (&[], &none, &types), begin);
        assert_eq!(cpu(&lived), None, "another template makes other nodes");
    }

    #[test]
    fn a_node_that_agents_hold_back_tells_nothing_of_its_group() {
        let mut node = node(&["gpu", "node.cilium.io/agent-not-ready", "example.com/vpn"]);
        (node.instance, node.ready) = (Some(InstanceId::new("i-1")), true);
        node.allocatable = Resources::new(10, 1 << 30);
        let mut group = manifest::profile_group("g", Vec::new());
        group.instances.push(model::group::Instance {
            id: InstanceId::new("i-1"),
            instance_type: None,
            zone: None,
            state: model::group::InstanceState::InService,
            launched: None,
        });
        let own = ["example.com/*".to_owned()];
        let mut lived = Lived::default();
        let nodes = [node];
        let mut learn = |at: Instant| {
            let startup = Startup::new(&nodes, at, &own);
            lived.learn(
                &group,
                ("1".to_owned(), Some("m5.large")),
                (&nodes, &startup, &Catalogue::default()),
                at,
            );
            let learnt = lived.of(&group.name).unwrap();
            let keys: Vec<String> = learnt.taints().iter().map(|taint| taint.key.clone()).collect();
            (learnt.size("m5.large").is_some(), keys)
        };
        assert_eq!(learn(nodes[0].created), (false, Vec::new()));
        let late = nodes[0].created + Span::from_secs(3600);
        assert_eq!(
            learn(late),
            (true, vec!["gpu".to_owned()]),
            "what passes is never the group's"
        );
    }

    #[test]
    fn labels_of_one_node_alone_are_left_out() {
        assert_eq!(
            shared_labels(&[&node(&[])]),
            Labels::from([("team".to_owned(), "a".to_owned())])
        );
    }
}
