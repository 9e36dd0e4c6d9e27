//! What a world adds up to at its present instant: the bill, the waits, the nodes by kind.

use crate::referee::Violation;
use crate::series::{Tally, bill};
use crate::world::state::{OwnerKind, State};
use model::offer::OfferKind;
use model::pod::{PodPhase, SpecIx};
use model::{Instant, NodeName, Usd, UsdPerHour};
use std::collections::BTreeMap;

/// Sums at one instant.
#[derive(Clone, Debug)]
pub(crate) struct Sums {
    pub(crate) at: Instant,
    /// What everything has cost so far.
    pub(crate) cost: Usd,
    /// What everything that is paid for costs.
    pub(crate) rate: UsdPerHour,
    pub(crate) tally: Tally,
    /// How long the pods that still wait have waited, in milliseconds.
    pub(crate) waiting: Vec<i64>,
    /// Pods that are bound and not finished, DaemonSets apart.
    pub(crate) bound_pods: u32,
    /// Paid nodes by kind.
    pub(crate) nodes: BTreeMap<String, u32>,
    /// Requested share of the CPU of the Ready nodes, in thousandths.
    pub(crate) cpu_requested_permille: u32,
}

impl State {
    pub(crate) fn sums(&self) -> Sums {
        let living = || self.nodes.values().filter(|n| n.lives());
        let open: Usd = living().map(|n| bill(n.price, n.launched, self.now)).sum();
        let demand = || self.pods.values().filter(|p| !p.daemon);
        let bound = demand().filter(|p| p.node.is_some() && p.phase != PodPhase::Finished);
        let mut nodes: BTreeMap<String, u32> = BTreeMap::new();
        for node in living() {
            let kind = self.scenario.offers.get(node.offer).map(|o| kind_of(&o.kind));
            *nodes.entry(kind.unwrap_or_default()).or_insert(0) += 1;
        }
        let (mut used, mut whole) = (0_i64, 0_i64);
        for node in living().filter(|n| n.ready && !n.fargate) {
            used += node.used.cpu_milli;
            whole += node.allocatable.cpu_milli;
        }
        Sums {
            at: self.now,
            cost: Usd(self.tally.paid.0.saturating_add(open.0)),
            rate: living().map(|n| n.price).sum(),
            tally: self.tally.clone(),
            waiting: demand()
                .filter(|p| p.waits())
                .map(|p| self.now.since(p.since).millis())
                .collect(),
            bound_pods: u32::try_from(bound.count()).unwrap_or(u32::MAX),
            nodes,
            cpu_requested_permille: u32::try_from(used * 1000 / whole.max(1)).unwrap_or(0),
        }
    }

    /// Every node is counted anew, and every Deployment must have the pods that it wants.
    pub(crate) fn audit(&mut self) {
        let names: Vec<NodeName> = self.nodes.keys().cloned().collect();
        for breach in names
            .iter()
            .filter_map(|name| self.overcommit(name))
            .collect::<Vec<_>>()
        {
            self.breach(breach);
        }
        for (key, owner) in &self.owners {
            let OwnerKind::Deployment { replicas, .. } = owner.kind else {
                continue;
            };
            let there = self
                .pods
                .values()
                .filter(|p| p.owner == *key && p.stays())
                .count();
            if there != replicas as usize {
                let breach = Violation::lost(self.now, key, replicas, there);
                self.violations.push(breach);
            }
        }
    }

    /// Counts the pod-time that passes until `to`, by plain spec: waiting or running, DaemonSets apart.
    pub(crate) fn count_demand(&mut self, to: Instant) {
        let passed = to.since(self.now).millis();
        if passed == 0 {
            return;
        }
        let mut counts: BTreeMap<SpecIx, i64> = BTreeMap::new();
        for pod in self.pods.values() {
            if !pod.daemon && pod.phase != PodPhase::Finished {
                let spec = self.owners.get(&pod.owner).map_or(pod.spec, |o| o.spec);
                *counts.entry(spec).or_insert(0) += 1;
            }
        }
        for (spec, count) in counts {
            *self.demand.entry(spec).or_insert(0) += count * passed;
        }
    }
}

fn kind_of(kind: &OfferKind) -> String {
    match kind {
        OfferKind::Ec2 {
            instance_type,
            purchase,
            ..
        } => format!("{instance_type} {}", purchase.as_str()),
        OfferKind::Fargate { .. } => "Fargate".to_owned(),
    }
}
