//! The scheduler of the modelled cluster: a nominated node first, else the first with room, or the emptiest one as
//! kube-scheduler chooses by default (NodeResourcesFit, LeastAllocated). Fargate gives its pods a place of their own.
//!
//! It knows what the owners of the replays can ask for: resources, a label, one toleration, a node each. Not here:
//! preemption, anything else that pods can require.

use crate::cluster::{Cluster, ModelNode, Owner};
use model::Span;
use std::collections::{BTreeMap, BTreeSet};

/// From a pod's creation to its place on Fargate.
const FARGATE: Span = Span::from_secs(45);

/// What is free on a node, and whose pods are there.
struct Room {
    cpu: i64,
    memory: i64,
    pods: u32,
    owners: BTreeSet<usize>,
}

impl Cluster {
    /// Binds what waits.
    pub(crate) fn schedule(&mut self) {
        let mut rooms = self.rooms();
        let now = self.now;
        let waiting: Vec<String> = self
            .pods
            .iter()
            .filter(|(_, pod)| pod.node.is_none())
            .map(|(name, _)| name.clone())
            .collect();
        for name in waiting {
            let pod = &self.pods[&name];
            let at = pod.owner;
            let owner = &self.owners[at];
            let home = if owner.fargate {
                (now.since(pod.created) >= FARGATE).then(|| fargate_node(&name))
            } else {
                let nominated = pod.nominated.as_ref().map(|node| node.as_str().to_owned());
                let nominated = nominated.filter(|node| {
                    rooms
                        .get(node)
                        .is_some_and(|room| fits(owner, at, &self.nodes[node], room))
                });
                nominated.or_else(|| self.home(&rooms, owner, at))
            };
            let Some(home) = home else { continue };
            if let Some(room) = rooms.get_mut(&home) {
                take(room, owner, at);
            }
            if let Some(pod) = self.pods.get_mut(&name) {
                (pod.node, pod.bound) = (Some(home), Some(now));
            }
        }
    }

    fn rooms(&self) -> BTreeMap<String, Room> {
        let mut rooms: BTreeMap<String, Room> = BTreeMap::new();
        for (name, node) in &self.nodes {
            if self.is_ready(node) && !node.cordoned {
                let room = Room {
                    cpu: node.allocatable.cpu_milli,
                    memory: node.allocatable.memory_bytes,
                    pods: node.max_pods,
                    owners: BTreeSet::new(),
                };
                rooms.insert(name.clone(), room);
            }
        }
        for pod in self.pods.values() {
            if let Some(room) = pod.node.as_ref().and_then(|node| rooms.get_mut(node)) {
                take(room, &self.owners[pod.owner], pod.owner);
            }
        }
        rooms
    }

    fn home(&self, rooms: &BTreeMap<String, Room>, owner: &Owner, at: usize) -> Option<String> {
        let mut fitting = rooms
            .iter()
            .filter(|(name, room)| fits(owner, at, &self.nodes[*name], room));
        let home = if self.spreads {
            // Of equals the last counts as emptiest, whichever that is: always the same.
            fitting.max_by_key(|(name, room)| {
                let all = &self.nodes[*name].allocatable;
                room.cpu * 500 / all.cpu_milli.max(1) + room.memory / (all.memory_bytes / 500).max(1)
            })
        } else {
            fitting.next()
        };
        home.map(|(name, _)| name.clone())
    }
}

fn fits(owner: &Owner, at: usize, node: &ModelNode, room: &Room) -> bool {
    let selected = owner
        .selects
        .as_ref()
        .is_none_or(|(key, value)| node.labels.get(key) == Some(value));
    let tolerated = node
        .taints
        .iter()
        .all(|taint| owner.tolerates.as_ref() == Some(&taint.key));
    let alone = !owner.apart || !room.owners.contains(&at);
    let held = room.cpu >= owner.cpu_milli && room.memory >= owner.memory_mib << 20 && room.pods > 0;
    selected && tolerated && alone && held
}

fn take(room: &mut Room, owner: &Owner, at: usize) {
    room.cpu -= owner.cpu_milli;
    room.memory -= owner.memory_mib << 20;
    room.pods = room.pods.saturating_sub(1);
    room.owners.insert(at);
}

/// The node of a pod on Fargate.
pub(crate) fn fargate_node(pod: &str) -> String {
    format!("fargate-{pod}")
}
