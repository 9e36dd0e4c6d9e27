//! The hosts of a licence and the room that is free on each. First fit, largest first: it may miss a way to fit, and then
//! a host stays that could have gone; it never finds one that is not there.

use crate::Licence;
use plimsoll_sdk::{Phase, View};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Free room of a host.
#[derive(Clone, Copy, Debug)]
struct Room {
    cpu_milli: u32,
    memory_mib: u32,
    pods: u32,
}

/// See the module.
pub(crate) struct Hosts {
    rooms: BTreeMap<String, Room>,
}

impl Hosts {
    /// Hosts that take pods: Ready, not cordoned, not going.
    pub(crate) fn of(view: &View<'_>, licence: &Licence) -> Self {
        let (key, value) = licence.of_hosts();
        let there = view.nodes().filter(|node| {
            node.label(key) == value && node.is_ready() && !node.is_cordoned() && !node.goes()
        });
        let mut rooms: BTreeMap<String, Room> = there
            .map(|node| {
                let room = Room {
                    cpu_milli: node.cpu_milli(),
                    memory_mib: node.memory_mib(),
                    pods: node.max_pods(),
                };
                (node.name().to_string(), room)
            })
            .collect();
        for pod in view.pods().filter(|pod| pod.phase() != Phase::Finished) {
            let Some(node) = pod.node() else { continue };
            if let Some(room) = rooms.get_mut(&*node.name()) {
                room.take(pod.cpu_milli(), pod.memory_mib());
            }
        }
        Self { rooms }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.rooms.contains_key(name)
    }

    pub(crate) fn count(&self) -> usize {
        self.rooms.len()
    }

    /// Whether the other hosts have room for these pods: millicores and MiB of each.
    pub(crate) fn hold_without(&self, name: &str, mut pods: Vec<(u32, u32)>) -> bool {
        let mut rooms: Vec<Room> = self
            .rooms
            .iter()
            .filter(|(host, _)| *host != name)
            .map(|(_, room)| *room)
            .collect();
        pods.sort_by_key(|pod| Reverse(*pod));
        pods.into_iter().all(|(cpu, memory)| {
            let room = rooms
                .iter_mut()
                .find(|room| room.pods > 0 && cpu <= room.cpu_milli && memory <= room.memory_mib);
            room.map(|room| room.take(cpu, memory)).is_some()
        })
    }
}

impl Room {
    fn take(&mut self, cpu_milli: u32, memory_mib: u32) {
        self.cpu_milli = self.cpu_milli.saturating_sub(cpu_milli);
        self.memory_mib = self.memory_mib.saturating_sub(memory_mib);
        self.pods = self.pods.saturating_sub(1);
    }
}

/// Hosts that there are or that have been asked for.
pub(crate) fn asked_for(view: &View<'_>, licence: &Licence) -> u32 {
    let (key, value) = licence.of_hosts();
    let groups = view.groups().filter(|group| group.label(key) == value);
    groups.fold(0, |sum: u32, group| {
        sum.saturating_add(group.desired().max(group.nodes()))
    })
}
