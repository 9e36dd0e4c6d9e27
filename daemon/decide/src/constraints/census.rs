//! Who runs where, counted once for the rules that ask.

use super::{ZONE, could_stand};
use crate::demand::Class;
use crate::fit::{self, Place};
use crate::number::size;
use model::ids::NodeName;
use model::node::Node;
use model::pod::{Near, NearRule, PodSpec};
use model::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};

/// See the module.
pub(super) struct Census<'a> {
    seen: &'a Snapshot,
    /// By spec: nodes that carry pods of it, and how many. Only specs that some rule could mean.
    carried: Vec<BTreeMap<&'a NodeName, u32>>,
    /// Rules of running pods that want others away, and the spec they belong to.
    apart: Vec<(&'a Near, usize)>,
    /// Nobody has any rule.
    plain: bool,
}

impl<'a> Census<'a> {
    pub(super) fn new(seen: &'a Snapshot, classes: &[Class]) -> Self {
        let ruled = |spec: &PodSpec| !spec.near.is_empty() || !spec.host_ports.is_empty();
        let apart: Vec<(&Near, usize)> = seen
            .specs
            .iter()
            .enumerate()
            .flat_map(|(ix, spec)| spec.near.iter().map(move |near| (near, ix)))
            .filter(|(near, _)| near.rule == NearRule::Apart)
            .collect();
        let plain = apart.is_empty() && !classes.iter().any(|class| ruled(&class.body));
        let mut carried: Vec<BTreeMap<&NodeName, u32>> = vec![BTreeMap::new(); seen.specs.len()];
        if !plain {
            let rules: Vec<&Near> = classes.iter().flat_map(|class| &class.body.near).collect();
            let meant: Vec<bool> = seen
                .specs
                .iter()
                .map(|spec| ruled(spec) || rules.iter().any(|near| near.selects(spec)))
                .collect();
            for pod in seen.pods.iter().filter(|pod| pod.holds_resources()) {
                let ix = size(pod.spec);
                if let Some(node) = pod.node.as_ref().filter(|_| meant.get(ix) == Some(&true)) {
                    *carried[ix].entry(node).or_insert(0) += 1;
                }
            }
        }
        Self {
            seen,
            carried,
            apart,
            plain,
        }
    }

    /// No waiting pod has a rule, and no other wants anybody away.
    pub(super) const fn is_plain(&self) -> bool {
        self.plain
    }

    /// Nodes with pods that the rule means, and how many.
    pub(super) fn by_node(&self, near: &Near) -> BTreeMap<NodeName, u32> {
        let mut counts = BTreeMap::new();
        for (spec, carried) in self.seen.specs.iter().zip(&self.carried) {
            if carried.is_empty() || !near.selects(spec) {
                continue;
            }
            for (node, count) in carried {
                *counts.entry((*node).clone()).or_insert(0) += count;
            }
        }
        counts
    }

    /// Zones with pods that the rule means, and how many.
    pub(super) fn by_zone(&self, near: &Near) -> BTreeMap<String, u32> {
        let mut counts = BTreeMap::new();
        for (node, count) in self.by_node(near) {
            if let Some(zone) = self.seen.node(&node).and_then(zone_of) {
                *counts.entry(zone.to_owned()).or_insert(0) += count;
            }
        }
        counts
    }

    /// Nodes with pods of such a spec.
    pub(super) fn nodes_of(&self, such: impl Fn(&PodSpec) -> bool) -> BTreeSet<NodeName> {
        let specs = self.seen.specs.iter().zip(&self.carried);
        specs
            .filter(|(spec, carried)| !carried.is_empty() && such(spec))
            .flat_map(|(_, carried)| carried.keys().map(|node| (*node).clone()))
            .collect()
    }

    /// Zones of these nodes.
    pub(super) fn zones_of(&self, nodes: &BTreeSet<NodeName>) -> Vec<String> {
        let zones = nodes
            .iter()
            .filter_map(|node| self.seen.node(node).and_then(zone_of));
        let zones: BTreeSet<&str> = zones.collect();
        zones.into_iter().map(str::to_owned).collect()
    }

    /// Rules of running pods that want a pod like this away.
    pub(super) fn repelling(&self, body: &PodSpec) -> impl Iterator<Item = (&'a Near, usize)> {
        self.apart
            .iter()
            .copied()
            .filter(move |(near, owner)| !self.carried[*owner].is_empty() && near.selects(body))
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// Nodes whose labels the pod accepts.
    pub(super) fn nodes_for(&self, body: &PodSpec) -> Vec<&'a NodeName> {
        let nodes = self
            .seen
            .nodes
            .iter()
            .filter(|node| !node.fargate && !node.deleting);
        nodes
            .filter(|node| could_stand(body, Place::of_node(node)))
            .map(|node| &node.name)
            .collect()
    }

    /// Zones in which a node stands or could be bought that the pod accepts.
    pub(super) fn zones_for(&self, body: &PodSpec) -> Vec<String> {
        let nodes = self
            .seen
            .nodes
            .iter()
            .filter(|node| !node.fargate && !node.deleting);
        let there = nodes
            .filter(|node| could_stand(body, Place::of_node(node)))
            .filter_map(|node| zone_of(node).map(str::to_owned));
        let offers = self.seen.offers.iter().filter(|offer| !offer.is_fargate());
        let mut zones: BTreeSet<String> = there.collect();
        for offer in offers {
            let Some(zone) = offer.labels.get(ZONE).filter(|zone| !zones.contains(*zone)) else {
                continue;
            };
            let taints = self
                .seen
                .groups
                .get(size(offer.group))
                .map_or(&[][..], |group| &group.taints);
            let place = Place {
                labels: &offer.labels,
                name: "",
                taints,
            };
            if fit::admits(body, place) {
                zones.insert(zone.clone());
            }
        }
        zones.into_iter().collect()
    }
}

fn zone_of(node: &Node) -> Option<&str> {
    node.labels.get(ZONE).map(String::as_str)
}
