//! Gangs are served whole or not at all: GPU nodes are not bought where not even one waiting gang would find GPUs for all of
//! its members. Counted in GPUs: what is free on nodes, what has been asked for and is on its way, and what the plan buys. Where
//! other pods wait for GPUs, too, nothing is held: a step does not say whom it is for.
//!
//! A gang is as many as the annotation `plimsoll.io/gang-size` of its pods says, else as many as there are.

use crate::{GANG_IN_PART, KeepGpuForMl};
use plimsoll_sdk::{Group, Holds, Phase, View};
use std::collections::BTreeMap;

const SIZE: &str = "plimsoll.io/gang-size";

#[derive(Clone, Copy, Debug, Default)]
struct Gang {
    /// Members that there are.
    members: u32,
    /// Members that there should be.
    size: u32,
    /// GPUs that the waiting ones ask for.
    wanted: u32,
    /// GPUs of one member.
    each: u32,
}

impl Gang {
    /// GPUs that are wanting until all of it runs; `None` where nothing of it waits.
    fn wants(self) -> Option<u32> {
        let missing = self.size.saturating_sub(self.members);
        let wants = self.wanted.saturating_add(missing.saturating_mul(self.each));
        (self.wanted > 0).then_some(wants)
    }
}

pub(crate) fn review(policy: &KeepGpuForMl, view: &View<'_>) -> Holds {
    let mut holds = Holds::default();
    let (gangs, others) = waiting(policy, view);
    let least = gangs
        .iter()
        .filter_map(|(name, gang)| Some((gang.wants()?, name)))
        .min();
    let Some((wanted, name)) = least.filter(|_| !others) else {
        return holds;
    };
    let gpus = |group: Group<'_>| gpus_of(policy, view, group);
    let grows: Vec<_> = view
        .steps()
        .filter(|step| step.kind() == "GrowGroup")
        .filter_map(|step| {
            let group = view.groups().find(|group| group.name() == step.group())?;
            let each = gpus(group);
            (each > 0).then(|| (step, step.to().saturating_sub(step.from()).saturating_mul(each)))
        })
        .collect();
    let bought: u32 = grows.iter().map(|(_, gpus)| *gpus).fold(0, u32::saturating_add);
    let coming = view.groups().fold(0_u32, |sum, group| {
        let missing = group.desired().saturating_sub(group.nodes());
        sum.saturating_add(missing.saturating_mul(gpus(group)))
    });
    let there = bought.saturating_add(coming).saturating_add(free(policy, view));
    if there < wanted {
        let why = format!("gang {name} wants {wanted} GPUs and would find {there}");
        for (step, _) in grows {
            holds.hold_because(step, GANG_IN_PART, &why);
        }
    }
    holds
}

/// Gangs by namespace and name, and whether other pods wait for GPUs.
fn waiting(policy: &KeepGpuForMl, view: &View<'_>) -> (BTreeMap<String, Gang>, bool) {
    let mut gangs: BTreeMap<String, Gang> = BTreeMap::new();
    let mut others = false;
    for pod in view.pods() {
        let gpus = pod.extended(&policy.resource);
        if gpus == 0 || matches!(pod.phase(), Phase::Finished | Phase::Terminating) {
            continue;
        }
        let waits = pod.phase() == Phase::Pending && pod.node().is_none();
        let name = pod.label(&policy.gang_label);
        if name.is_empty() {
            others |= waits;
            continue;
        }
        let gang = gangs.entry(format!("{}/{name}", pod.namespace())).or_default();
        gang.members += 1;
        gang.each = gang.each.max(gpus);
        let size: u32 = pod.annotation(SIZE).parse().unwrap_or(0);
        gang.size = gang.size.max(size);
        if waits {
            gang.wanted = gang.wanted.saturating_add(gpus);
        }
    }
    (gangs, others)
}

/// GPUs that nobody has on nodes that take pods.
fn free(policy: &KeepGpuForMl, view: &View<'_>) -> u32 {
    let mut rooms: BTreeMap<String, u32> = view
        .nodes()
        .filter(|node| node.is_ready() && !node.is_cordoned() && !node.goes())
        .map(|node| (node.name().to_string(), node.extended(&policy.resource)))
        .collect();
    for pod in view.pods().filter(|pod| pod.phase() != Phase::Finished) {
        let Some(node) = pod.node() else { continue };
        if let Some(room) = rooms.get_mut(&*node.name()) {
            *room = room.saturating_sub(pod.extended(&policy.resource));
        }
    }
    rooms.values().fold(0, |sum: u32, room| sum.saturating_add(*room))
}

/// GPUs of a node of the group, of its largest offer: it holds where not even that is enough.
fn gpus_of(policy: &KeepGpuForMl, view: &View<'_>, group: Group<'_>) -> u32 {
    let name = group.name();
    let mine = view.offers().filter(|offer| offer.group().name() == name);
    mine.map(|offer| offer.extended(&policy.resource))
        .max()
        .unwrap_or(0)
}
