//! What the nodes of a group tell of those it will make: labels, taints, operating system, and how much is allocatable.
//!
//! Only nodes that are up tell anything but their labels: one that agents and device plugins still hold back (`startup`)
//! has taints that pass and amounts that are still to come. Of several, the smallest in each resource is promised; a
//! label, only where all have it. Not here: nodes that have gone (`observe` keeps them for a while), prices.

use crate::node::{INSTANCE_TYPE, NodeObject};
use crate::offers::PriceList;
use crate::purchase::purchase as bought_as;
use model::node::Node;
use model::offer::Purchase;
use model::pod::Taint;
use model::registration::{OperatingSystem, is_of_node, is_purchase};
use model::resources::{Resources, attach_driver};
use model::selector::Labels;
use model::startup::{Startup, is_of_group};
use model::time::Instant;
use std::collections::BTreeMap;

/// Labels that device plugins' helpers set by what the instance type has (NFD, GPU feature discovery).
const OF_TYPE: [&str; 2] = ["nvidia.com/", "feature.node.kubernetes.io/"];

/// Nodes as they tell of their siblings.
pub(crate) struct Grown<'a> {
    startup: Startup<'a>,
    /// By type, as the price list has it.
    promised: BTreeMap<&'a str, &'a Resources>,
    own: &'a [String],
}

/// What a node of a type can carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) allocatable: Resources,
    pub(crate) max_pods: u32,
}

impl<'a> Grown<'a> {
    /// For these nodes, seen at this time; `own` are the keys of the operator's startup taints.
    pub(crate) fn new(
        nodes: &'a [NodeObject],
        prices: &'a PriceList,
        at: Instant,
        own: &'a [String],
    ) -> Self {
        let promised = prices.rows.iter();
        Self {
            startup: Startup::new(nodes.iter().map(|object| &object.node), at, own),
            promised: promised
                .map(|row| (row.instance_type.as_str(), &row.allocatable))
                .collect(),
            own,
        }
    }

    /// Whether it is up: it takes pods, and lacks nothing that is still to come.
    fn is_up(&self, object: &NodeObject) -> bool {
        let mut node = object.node.clone();
        node.ready |= !object.ready_known;
        let promised = || {
            self.promised
                .get(node.labels.get(INSTANCE_TYPE)?.as_str())
                .copied()
        };
        node.ready && !self.startup.is_upcoming(&node, promised())
    }

    /// Those that tell: the ones that are up; where none is, all of them, of their labels and lasting taints only.
    fn telling(&self, nodes: &[&'a NodeObject]) -> (Vec<&'a Node>, bool) {
        let up: Vec<&Node> = nodes.iter().filter(|n| self.is_up(n)).map(|n| &n.node).collect();
        if up.is_empty() {
            (nodes.iter().map(|object| &object.node).collect(), false)
        } else {
            (up, true)
        }
    }

    /// What these nodes of one group tell.
    pub(crate) fn told(&self, nodes: &[&'a NodeObject]) -> Told<'a> {
        let (nodes, up) = self.telling(nodes);
        let taints = shared_taints(&nodes, self.own);
        Told { nodes, up, taints }
    }
}

/// What the nodes of one group tell.
pub(crate) struct Told<'a> {
    nodes: Vec<&'a Node>,
    /// They are up, so that their amounts count.
    up: bool,
    /// Taints that all of them have and keep.
    pub(crate) taints: Vec<Taint>,
}

impl Told<'_> {
    /// Labels that all nodes share and that are the group's.
    pub(crate) fn labels(&self) -> Labels {
        shared(&self.nodes, |key| !is_of_node(key))
    }

    /// The same of nodes of one type and purchase, with those labels that follow from either.
    pub(crate) fn labels_of(&self, instance_type: &str, purchase: Purchase) -> Labels {
        let mut labels = self.labels();
        let bought = self
            .nodes
            .iter()
            .copied()
            .filter(|node| bought_as(&node.labels) == purchase);
        let bought: Vec<&Node> = bought.collect();
        labels.extend(shared(&bought, is_purchase));
        let alike: Vec<&Node> = bought
            .into_iter()
            .filter(|node| is_of_type(node, instance_type))
            .collect();
        labels.extend(shared(&alike, |key| {
            !is_of_node(key) && OF_TYPE.iter().any(|prefix| key.starts_with(prefix))
        }));
        labels
    }

    /// What they run.
    pub(crate) fn os(&self) -> OperatingSystem {
        let mut systems = self
            .nodes
            .iter()
            .map(|node| OperatingSystem::of_labels(&node.labels));
        let first = systems.next().unwrap_or_default();
        match (&first, systems.all(|other| other == first)) {
            (OperatingSystem::Windows(_), false) => OperatingSystem::Windows(None),
            _ => first,
        }
    }

    /// The least that a node of the type has of everything; `None` where none is up.
    pub(crate) fn size(&self, instance_type: &str) -> Option<Size> {
        let nodes = self
            .nodes
            .iter()
            .filter(|node| self.up && is_of_type(node, instance_type));
        nodes
            .map(|node| Size {
                allocatable: without_volumes(&node.allocatable),
                max_pods: node.max_pods,
            })
            .reduce(|one, other| Size {
                allocatable: one.allocatable.least(&other.allocatable),
                max_pods: one.max_pods.min(other.max_pods),
            })
            // Nodes that were written by hand may tell no amounts at all.
            .filter(|size| size.allocatable.cpu_milli > 0 && size.allocatable.memory_bytes > 0)
    }
}

fn is_of_type(node: &Node, instance_type: &str) -> bool {
    node.labels
        .get(INSTANCE_TYPE)
        .is_some_and(|own| own == instance_type)
}

/// Labels of the first node that all others have too, of those that are wanted.
fn shared(nodes: &[&Node], wanted: impl Fn(&str) -> bool) -> Labels {
    let Some((first, others)) = nodes.split_first() else {
        return Labels::new();
    };
    let all = |(key, value): &(&String, &String)| {
        wanted(key) && others.iter().all(|node| node.labels.get(*key) == Some(*value))
    };
    let kept = first.labels.iter().filter(all);
    kept.map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn shared_taints(nodes: &[&Node], own: &[String]) -> Vec<Taint> {
    let Some((first, others)) = nodes.split_first() else {
        return Vec::new();
    };
    let all =
        |taint: &&Taint| is_of_group(taint, own) && others.iter().all(|node| node.taints.contains(taint));
    first.taints.iter().filter(all).cloned().collect()
}

fn without_volumes(allocatable: &Resources) -> Resources {
    let mut own = allocatable.clone();
    own.extended.retain(|name, _| attach_driver(name).is_none());
    own
}

#[cfg(test)]
mod tests;
