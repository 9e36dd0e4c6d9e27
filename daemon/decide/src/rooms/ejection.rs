//! Room for one more pod by ejection chains: a pod that was seated goes to another node, or puts a third one out there,
//! so that one which found no room has its place. Where one is not enough several leave a node for it, small ones rather
//! than large ones.
//!
//! Filling node after node takes nothing back, and what it leaves over would be bought for although everybody fits. Only
//! pods that nobody has nominated or bought a node for are moved, only on nodes that stay. Work is counted.

use super::{Demand, Housed, Room, Stand};
use crate::class::Class;
use crate::constraints::Company;
use crate::queue::{Queue, Taken};
use crate::space::{self, Vector};
use crate::table::Table;
use model::ids::{NodeName, PodKey};
use std::collections::{BTreeMap, BTreeSet};

/// Pods that one after another go elsewhere for one.
const LINKS: usize = 2;
/// Pods that leave one node for one, at most.
const OUT: usize = 6;
/// Places that are tried, at most.
const WORK: usize = 20_000;

/// By node: how many of the pods seated there were nominated to it, or have it from a launch.
pub(super) type Kept = BTreeMap<NodeName, usize>;

/// A room while chains are tried.
#[derive(Clone)]
struct Berth<'r> {
    /// Its place among the rooms.
    at: usize,
    /// As it was before anybody came.
    room: &'r Room,
    free: Vector,
    company: Company,
    pods: Vec<(usize, PodKey)>,
    kept: usize,
}

struct Chains<'d, 'r> {
    demand: Demand<'d>,
    table: &'d Table,
    berths: Vec<Berth<'r>>,
    work: usize,
}

/// Seats as many as it can of those who are left over; `before` are the rooms before anybody came.
pub(super) fn seat(
    (demand, table): (Demand<'_>, &Table),
    (rooms, before): (&mut [Room], &[Room]),
    queue: &mut Queue<'_>,
    (housed, kept): (&mut Housed, &Kept),
) {
    let open: Vec<usize> = (0..demand.classes.len())
        .filter(|class| {
            let waits = queue.real_pods_of(*class).next().is_some();
            waits && demand.classes[*class].body.unmodelled.is_empty()
        })
        .collect();
    if open.is_empty() {
        return;
    }
    let stays = before
        .iter()
        .enumerate()
        .filter(|(_, room)| room.stand != Stand::Leaving);
    let berths = stays.map(|(at, room)| Berth {
        at,
        free: rooms[at].free.clone(),
        company: rooms[at].company.clone(),
        pods: housed.pods.get(&room.name).cloned().unwrap_or_default(),
        kept: kept.get(&room.name).copied().unwrap_or(0),
        room,
    });
    let mut chains = Chains {
        demand,
        table,
        berths: berths.collect(),
        work: WORK,
    };
    let mut seated = false;
    for class in open {
        loop {
            let next = queue.real_pods_of(class).next().cloned();
            let Some(pod) = next else { break };
            if !chains.place((class, pod), LINKS, &mut Vec::new()) {
                break;
            }
            queue.take_of(class, 1, &mut Taken::default());
            seated = true;
        }
    }
    if !seated {
        return;
    }
    for berth in chains.berths {
        let (room, name) = (&mut rooms[berth.at], &berth.room.name);
        (room.free, room.company) = (berth.free, berth.company);
        housed.pods.remove(name);
        housed.asks.remove(name);
        for pod in berth.pods {
            housed.add(name, pod, demand.classes);
        }
    }
}

impl Chains<'_, '_> {
    /// Finds the pod a berth, with so many links more; whether it did. What did not lead anywhere is taken back.
    fn place(&mut self, pod: (usize, PodKey), links: usize, path: &mut Vec<usize>) -> bool {
        for at in 0..self.berths.len() {
            if !path.contains(&at) && self.takes(at, pod.0) {
                self.put(at, pod);
                return true;
            }
        }
        if links == 0 {
            return false;
        }
        for at in 0..self.berths.len() {
            if path.contains(&at) || !self.admits(at, pod.0) {
                continue;
            }
            for other in self.movable(at, pod.0) {
                let Some(out) = self.remove(at, other) else {
                    continue;
                };
                if self.takes(at, pod.0) {
                    self.put(at, pod.clone());
                    path.push(at);
                    if self.place(out.clone(), links - 1, path) {
                        path.pop();
                        return true;
                    }
                    path.pop();
                    self.remove(at, pod.0);
                }
                self.put(at, out);
                if self.work == 0 {
                    return false;
                }
            }
        }
        (0..self.berths.len())
            .any(|at| !path.contains(&at) && self.place_for_several((at, &pod), links, path))
    }

    /// Puts the pod where several have to leave for it; whether all of them found another berth.
    fn place_for_several(
        &mut self,
        (at, pod): (usize, &(usize, PodKey)),
        links: usize,
        path: &mut Vec<usize>,
    ) -> bool {
        if self.work == 0 || !self.admits(at, pod.0) {
            return false;
        }
        self.work = self.work.saturating_sub(self.berths.len());
        let before = self.berths.clone();
        let Some(out) = self.clear(at, pod.0) else {
            self.berths = before;
            return false;
        };
        self.put(at, pod.clone());
        path.push(at);
        // Large ones find a berth less easily.
        let placed = out
            .into_iter()
            .rev()
            .all(|other| self.place(other, links - 1, path));
        path.pop();
        if !placed {
            self.berths = before;
        }
        placed
    }

    /// Lets pods off the berth, small ones first, until one of the class fits; none where that takes too many.
    fn clear(&mut self, at: usize, class: usize) -> Option<Vec<(usize, PodKey)>> {
        let asks = &self.demand.market.asks;
        let mut others = self.movable(at, class);
        others.sort_by_cached_key(|other| {
            let each = asks[*other].iter().zip(&self.berths[at].room.free);
            let shares = each.map(|(ask, whole)| ask.saturating_mul(1000) / (*whole).max(1));
            (shares.max().unwrap_or(0), *other)
        });
        let mut out = Vec::new();
        for other in others {
            while out.len() < OUT {
                let Some(pod) = self.remove(at, other) else { break };
                out.push(pod);
                if self.takes(at, class) {
                    return Some(out);
                }
            }
        }
        None
    }

    fn class(&self, class: usize) -> &Class {
        &self.demand.classes[class]
    }

    fn admits(&self, at: usize, class: usize) -> bool {
        let room = self.berths[at].room;
        room.admits[class] && self.table.allowed(room.set, self.table.row_of[class])
    }

    fn takes(&mut self, at: usize, class: usize) -> bool {
        self.work = self.work.saturating_sub(1);
        let berth = &self.berths[at];
        let of = self.class(class);
        self.work > 0
            && self.admits(at, class)
            && space::holds(&berth.free, &self.demand.market.asks[class])
            && (of.crowding.is_free() || berth.company.more(&of.crowding) > 0)
    }

    /// Classes of pods that may leave the berth.
    fn movable(&self, at: usize, class: usize) -> Vec<usize> {
        let berth = &self.berths[at];
        let others = berth.pods.iter().skip(berth.kept).map(|(other, _)| *other);
        let others: BTreeSet<usize> = others.filter(|other| *other != class).collect();
        others.into_iter().collect()
    }

    fn put(&mut self, at: usize, pod: (usize, PodKey)) {
        let classes = self.demand.classes;
        let ask = &self.demand.market.asks[pod.0];
        let berth = &mut self.berths[at];
        space::take(&mut berth.free, ask, 1);
        berth.company.put(&classes[pod.0].crowding, 1);
        berth.pods.push(pod);
    }

    /// Takes the last pod of the class off; guards of those who stay are counted anew.
    fn remove(&mut self, at: usize, class: usize) -> Option<(usize, PodKey)> {
        let classes = self.demand.classes;
        let berth = &mut self.berths[at];
        let last = berth.pods.iter().rposition(|(of, _)| *of == class);
        let out = berth.pods.remove(last.filter(|last| *last >= berth.kept)?);
        space::put(&mut berth.free, &self.demand.market.asks[class], 1);
        berth.company = berth.room.company.clone();
        for (of, _) in &berth.pods {
            berth.company.put(&classes[*of].crowding, 1);
        }
        Some(out)
    }
}
