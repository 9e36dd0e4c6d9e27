//! Nominations: which waiting pods get `status.nominatedNodeName`, when they give it back, and when nodes that have just
//! started are opened.
//!
//! kube-scheduler (1.36) tries the nominated node first and keeps a nominated pod's room for it; it drops the nomination
//! of a pod that it finds no node for, unless the pod never preempts. Not here: where pods go.

use crate::fit;
use crate::number::size;
use crate::rooms::{Housed, Room, Stand};
use crate::steps::Steps;
use model::ids::NodeName;
use model::node::Node;
use model::plan::StepKind;
use model::pod::{NearRule, Pod, PodSpec};
use model::reason::Reason;
use model::time::Span;
use std::collections::{BTreeMap, BTreeSet};

/// Nominations in one plan: each is two calls of some milliseconds, and the next cycle continues.
const AT_MOST: usize = 1000;

/// A node opens after this time whoever is nominated to it.
const STARTING_TIME: Span = Span::from_secs(120);

/// A Ready node and the pods that wait for it, those that are nominated to it first.
struct Place<'a> {
    name: &'a NodeName,
    pods: Vec<&'a Pod>,
}

impl<'a> Steps<'a> {
    /// Nominations of waiting pods to nodes that are Ready, where they are not nominated there already. Nodes that are
    /// starting are opened once there is nobody left to nominate to any of them: every node that opens makes
    /// kube-scheduler try all that wait, and whoever is not nominated by then takes what room there is.
    pub(crate) fn nominate(&mut self, rooms: &'a [Room], housed: &'a Housed) {
        let ready = rooms.iter().filter(|room| room.stand == Stand::Ready);
        let places: Vec<Place<'a>> = ready.map(|room| self.place(room, housed)).collect();
        let starting: Vec<&Node> = places
            .iter()
            .filter_map(|place| self.seen.node(place.name))
            .filter(|node| node.is_starting())
            .collect();
        let turn = if starting.is_empty() {
            self.turn(&places)
        } else {
            None
        };
        let mut calls = Vec::new();
        for Place { name, pods } in &places {
            let mut alike = 0;
            for pod in pods {
                let there = pod.nominated.as_ref() == Some(*name);
                alike += u32::from(turn == Some(pod.spec));
                if turn == Some(pod.spec) && alike > self.at_once(pod.spec) {
                    if there {
                        calls.push((pod, NodeName::new("")));
                    }
                } else if !there {
                    calls.push((pod, (*name).clone()));
                }
            }
        }
        let starting_names: BTreeSet<&NodeName> = starting.iter().map(|node| &node.name).collect();
        let is_complete = !calls.iter().any(|(_, node)| starting_names.contains(node));
        for (pod, node) in calls.into_iter().take(AT_MOST) {
            let pod = pod.key.clone();
            self.add(StepKind::Nominate { pod, node }, Reason::Planned, None);
        }
        for node in starting {
            let overdue = self.seen.at.since(node.created) > STARTING_TIME;
            if overdue || is_complete && !has_boot_taints(node) {
                let node = node.name.clone();
                self.add(StepKind::Uncordon { node }, Reason::Planned, None);
            }
        }
    }

    fn place(&self, room: &'a Room, housed: &Housed) -> Place<'a> {
        let pods = housed.pods.get(&room.name).into_iter().flatten();
        let mut pods: Vec<&'a Pod> = pods.filter_map(|(_, key)| self.seen.pod(key)).collect();
        pods.sort_by_key(|pod| pod.nominated.as_ref() != Some(&room.name));
        Place {
            name: &room.name,
            pods,
        }
    }

    /// The spec whose turn it is to give nominations back. kube-scheduler counts pods that are nominated to a node as
    /// being there when it tries one of them, but nobody on the way to other zones: more of a spec than its skew allows
    /// keep each other waiting for ever. One spec at a time, so that the room it leaves open is of its own size, and the
    /// smaller ones more often, since whoever else is stuck may take that room: every second cycle the smallest, every
    /// fourth the next.
    fn turn(&self, places: &[Place<'_>]) -> Option<u32> {
        let mut stuck: BTreeSet<(i64, u32)> = BTreeSet::new();
        for place in places {
            let mut alike: BTreeMap<u32, u32> = BTreeMap::new();
            for pod in &place.pods {
                let there = alike.entry(pod.spec).or_insert(0);
                *there += 1;
                if *there > self.at_once(pod.spec) {
                    stuck.insert((self.weight(pod.spec), pod.spec));
                }
            }
        }
        let turn = size(self.seen.cycle.trailing_zeros()).min(stuck.len().checked_sub(1)?);
        stuck.into_iter().nth(turn).map(|(_, spec)| spec)
    }

    /// What a pod takes of a node, roughly: millicores, and eight MiB for one of them.
    fn weight(&self, spec: u32) -> i64 {
        let requests = self.seen.specs.get(size(spec)).map(|spec| &spec.requests);
        requests.map_or(0, |requests| {
            requests.cpu_milli.saturating_add(requests.memory_bytes >> 23)
        })
    }

    /// Pods of a spec that may be nominated to one node at the same time.
    fn at_once(&self, spec: u32) -> u32 {
        let spread = |spec: &PodSpec| {
            let skews = spec.near.iter().filter_map(|near| match near.rule {
                NearRule::Spread { skew, .. } if near.key != fit::HOSTNAME => Some(skew.max(1)),
                _ => None,
            });
            skews.min()
        };
        let spec = self.seen.specs.get(size(spec));
        spec.and_then(|spec| spread(spec)).unwrap_or(u32::MAX)
    }
}

/// Whether Kubernetes itself still keeps pods away: nobody is housed there yet, so nobody is missing either.
fn has_boot_taints(node: &Node) -> bool {
    let boots = |key: &str| {
        key.starts_with("node.kubernetes.io/") || key == "node.cloudprovider.kubernetes.io/uninitialized"
    };
    node.taints.iter().any(|taint| boots(&taint.key))
}
