//! What is remembered for the next cycle: who has waited since when, how much demand there was, how full
//! groups are. Every list is bounded. Removals and recommendations are remembered by their own stages.

use crate::demand;
use crate::number::{permille, size};
use crate::tenants::Tenants;
use model::aims::Aims;
use model::ids::{GroupName, NodeName, OfferId};
use model::memory::{Backoff, GroupUse, Memory, Nominated};
use model::node::{Leaves, Node};
use model::pod::{Pod, PodPhase};
use model::resources::Resources;
use model::snapshot::{Freshness, Snapshot, Source};
use model::time::Span;
use std::collections::{BTreeMap, BTreeSet};

const DEMAND_KEPT: usize = 128;
const WAITING_KEPT: usize = 50_000;
const NOMINATED_KEPT: usize = 5000;
/// A pool that takes spot instances back is left alone for so long (as Karpenter's cache of unavailable offerings).
const TAKEN_BACK: Span = Span::from_secs(180);
const POOLS_KEPT: usize = 1000;
/// Weight of the newest measurement in thousandths; the rest stays with what was remembered.
const NEWEST: u32 = 300;

/// Notes pods that wait and forgets those that no longer do.
pub(crate) fn waiting(seen: &Snapshot, memory: &mut Memory, aims: &Aims) {
    if seen.freshness(Source::Pods) == Freshness::Missing {
        return;
    }
    let waits = |pod: &&Pod| {
        let spec = seen.specs.get(pod.spec as usize);
        spec.is_some_and(|spec| demand::waits(pod, spec, aims))
    };
    let since = seen.pods.iter().filter(waits).take(WAITING_KEPT).map(|pod| {
        let first = memory.waiting_since.get(&pod.key).unwrap_or(seen.at);
        (pod.key.clone(), first)
    });
    memory.waiting_since = since.collect::<Vec<_>>().into();
}

/// Notes since when pods wait on the node that they are nominated to for others there to end, and forgets the others.
pub(crate) fn nominated(seen: &Snapshot, memory: &mut Memory) {
    if seen.freshness(Source::Pods) == Freshness::Missing {
        return;
    }
    let waiting = seen.pods.iter().filter(|pod| pod.node.is_none());
    let named = waiting.filter_map(|pod| Some((pod, pod.nominated.as_ref()?)));
    let named: Vec<(&Pod, &NodeName)> = named.collect();
    let pods = if named.is_empty() { &[][..] } else { &seen.pods };
    let ending = pods.iter().filter(|pod| pod.phase == PodPhase::Terminating);
    let ending: BTreeSet<&NodeName> = ending.filter_map(|pod| pod.node.as_ref()).collect();
    let named = named.into_iter().filter(|(_, node)| ending.contains(node));
    let since = named.take(NOMINATED_KEPT).map(|(pod, node)| {
        let known = memory.nominated_since.get(&pod.key);
        let known = known.filter(|known| known.node == *node).cloned();
        let first = || Nominated {
            node: node.clone(),
            at: seen.at,
        };
        (pod.key.clone(), known.unwrap_or_else(first))
    });
    memory.nominated_since = since.collect();
}

/// Notes pools whose spot instances are being taken back: they are not bought from for a while. That spot is at risk is
/// confirmed by nobody, so that never closes the last pool that a group can buy from.
pub(crate) fn taken_back(seen: &Snapshot, memory: &mut Memory) {
    for node in &seen.nodes {
        let Some((leaving, offer)) = node.leaving.zip(node.offer.as_ref()) else {
            continue;
        };
        let until = leaving.told + TAKEN_BACK;
        let spot = matches!(leaving.why, Leaves::AtRisk | Leaves::Interrupted);
        if !spot || until <= seen.at {
            continue;
        }
        if leaving.why == Leaves::AtRisk && !another_is_open(seen, offer, memory) {
            continue;
        }
        let known = memory.no_capacity.get(offer).copied();
        if known.is_some() || memory.no_capacity.len() < POOLS_KEPT {
            let failures = known.map_or(0, |known| known.failures);
            let until = known.map_or(until, |known| known.until.max(until));
            memory
                .no_capacity
                .insert(offer.clone(), Backoff { failures, until });
        }
    }
}

/// Whether the group that sells this sells something else that is not left alone now.
fn another_is_open(seen: &Snapshot, id: &OfferId, memory: &Memory) -> bool {
    let group = seen.offer_ix(id).map(|ix| seen.offers[ix].group);
    let rests = |id: &OfferId| {
        let known = memory.no_capacity.get(id);
        known.is_some_and(|known| known.until > seen.at)
    };
    let mut sold = seen.offers.iter().filter(|offer| Some(offer.group) == group);
    sold.any(|other| other.id != *id && !rests(&other.id))
}

/// Notes how many pods wait.
pub(crate) fn demand(seen: &Snapshot, memory: &mut Memory, pending: u32) {
    memory.demand_history.push((seen.at, pending));
    let surplus = memory.demand_history.len().saturating_sub(DEMAND_KEPT);
    memory.demand_history.drain(..surplus);
}

/// Smooths what is requested and used of each group's nodes. Groups without nodes are forgotten.
pub(crate) fn utilisation(seen: &Snapshot, tenants: &Tenants, memory: &mut Memory) {
    let missing = |source| seen.freshness(source) == Freshness::Missing;
    if missing(Source::Pods) || missing(Source::Nodes) {
        return;
    }
    let mut sums: BTreeMap<&GroupName, Sum> = BTreeMap::new();
    let counts = |node: &Node| node.ready && !node.fargate;
    for node in seen.nodes.iter().filter(|node| counts(node)) {
        let Some(group) = &node.group else {
            continue;
        };
        let sum = sums.entry(group).or_default();
        sum.there.add(&node.allocatable);
        if let Some(usage) = &node.usage {
            sum.used.add(&Resources::new(usage.cpu_milli, usage.memory_bytes));
            sum.measured.add(&node.allocatable);
        }
    }
    for (node, pods) in seen.nodes.iter().zip(tenants.by_node()) {
        let group = node.group.as_ref().filter(|_| counts(node));
        let Some(sum) = group.and_then(|group| sums.get_mut(group)) else {
            continue;
        };
        for pod in pods {
            let spec = seen
                .pods
                .get(size(*pod))
                .and_then(|pod| seen.specs.get(size(pod.spec)));
            if let Some(spec) = spec {
                sum.asked.add(&spec.requests);
            }
        }
    }
    let old = std::mem::take(&mut memory.utilisation);
    for (group, sum) in sums {
        memory
            .utilisation
            .insert(group.clone(), sum.smoothed(old.get(group)));
    }
}

#[derive(Default)]
struct Sum {
    there: Resources,
    asked: Resources,
    used: Resources,
    /// Allocatable of the nodes whose load is known.
    measured: Resources,
}

impl Sum {
    fn smoothed(&self, old: Option<&GroupUse>) -> GroupUse {
        let now = GroupUse {
            cpu_requested: permille(self.asked.cpu_milli, self.there.cpu_milli),
            memory_requested: permille(self.asked.memory_bytes, self.there.memory_bytes),
            cpu_used: known(self.used.cpu_milli, self.measured.cpu_milli),
            memory_used: known(self.used.memory_bytes, self.measured.memory_bytes),
        };
        let Some(old) = old else {
            return now;
        };
        let maybe =
            |old: Option<u32>, now: Option<u32>| now.map(|now| old.map_or(now, |old| blend(old, now)));
        GroupUse {
            cpu_requested: blend(old.cpu_requested, now.cpu_requested),
            memory_requested: blend(old.memory_requested, now.memory_requested),
            cpu_used: maybe(old.cpu_used, now.cpu_used),
            memory_used: maybe(old.memory_used, now.memory_used),
        }
    }
}

fn blend(old: u32, now: u32) -> u32 {
    (old.saturating_mul(1000 - NEWEST)).saturating_add(now.saturating_mul(NEWEST)) / 1000
}

fn known(part: i64, whole: i64) -> Option<u32> {
    (whole > 0).then(|| permille(part, whole))
}
