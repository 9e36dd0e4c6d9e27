//! The simulated provider: launches, boots, bills, interrupts and terminates instances and Fargate pods.

use crate::referee::Violation;
use crate::scenario::{FaultKind, Scenario};
use crate::world::queue::Event;
use crate::world::state::{SimNode, State};
use model::offer::{OfferKind, Purchase};
use model::pod::PodPhase;
use model::time::Lag;
use model::{GroupName, InstanceState, NodeName, Offer, PodKey, Resources, Span};
use std::sync::Arc;

/// Spot instances get their notice this long before they are taken back (EC2 user guide).
const SPOT_NOTICE: Span = Span::from_secs(120);
/// A terminated instance's node stays this long.
const LEAVING: Span = Span::from_secs(15);
/// A terminated instance stays listed this long.
const LISTED: Span = Span::from_secs(60);
/// A Fargate profile at its maximum is asked again after this long.
const FARGATE_RETRY: Span = Span::from_secs(15);
/// A node is called not Ready after 40 s of silence, and its pods are deleted 300 s later.
const TOLERATED: Span = Span::from_secs(340);

/// Why a launch brought nothing: the message of the provider.
pub(crate) struct NoCapacity(pub(crate) String);

impl State {
    /// Nodes that are there when the world begins, dealt over the group's offers.
    pub(crate) fn add_initial_nodes(&mut self, group: &GroupName, count: u32) {
        let scenario = Arc::clone(&self.scenario);
        let cheapest = offers_of(&scenario, group).map(|(_, o)| o.price).min();
        let offers: Vec<usize> = offers_of(&scenario, group)
            .filter(|(_, offer)| Some(offer.price) == cheapest)
            .map(|(ix, _)| ix)
            .collect();
        for (_, &offer) in (0..count).zip(offers.iter().cycle()) {
            if let Some(name) = self.add_instance(group, offer) {
                self.in_service_now(&name);
                self.join(&name);
                self.become_ready(&name);
                self.daemons_started(&name);
            }
        }
    }

    /// Launches instances of one offer: all of them or none.
    pub(crate) fn launch(
        &mut self,
        group: &GroupName,
        offer: usize,
        count: u32,
    ) -> Result<Vec<NodeName>, NoCapacity> {
        let scenario = Arc::clone(&self.scenario);
        let (Some(sold), now) = (scenario.offers.get(offer), self.now) else {
            return Err(NoCapacity("no such offer".to_owned()));
        };
        let holds = |wanted: &dyn Fn(&FaultKind) -> bool| {
            scenario
                .faults
                .iter()
                .any(|f| f.holds(scenario.start, now) && wanted(&f.kind))
        };
        if holds(&|kind| lacks(kind, group, sold)) {
            return Err(NoCapacity(format!(
                "InsufficientInstanceCapacity: {} in {}",
                sold.instance_type().unwrap_or_default(),
                sold.zone().unwrap_or_default()
            )));
        }
        let never_joins =
            holds(&|kind| matches!(kind, FaultKind::NeverJoins { groups } if names(groups, group)));
        let mut launched = Vec::new();
        for _ in 0..count {
            let Some(name) = self.add_instance(group, offer) else {
                break;
            };
            self.tally.launches += 1;
            let boot = self.rng.lag(self.boot_lag());
            let part = |percent: i64| now + Span::from_millis(boot.millis() * percent / 100);
            self.queue.push(part(40), Event::InService(name.clone()));
            if !never_joins {
                self.queue.push(part(85), Event::Joins(name.clone()));
                self.queue.push(part(100), Event::Ready(name.clone()));
            }
            launched.push(name);
        }
        if self.living(group) > group_max(&scenario, group) {
            self.breach(Violation::bounds(now, group, "above its maximum"));
        }
        Ok(launched)
    }

    fn boot_lag(&self) -> Lag {
        let scenario = &self.scenario;
        let slow = scenario.faults.iter().find_map(|fault| match fault.kind {
            FaultKind::SlowBoot { boot } if fault.holds(scenario.start, self.now) => Some(boot),
            _ => None,
        });
        slow.unwrap_or(scenario.boot)
    }

    fn add_instance(&mut self, group: &GroupName, offer: usize) -> Option<NodeName> {
        let scenario = Arc::clone(&self.scenario);
        let plan = scenario.groups.iter().find(|g| g.name == *group)?;
        let sold = scenario.offers.get(offer)?;
        let number = self.launched.entry(group.clone()).or_insert(0);
        *number += 1;
        let name = NodeName::new(format!("{group}-{number:04}"));
        let mut labels = sold.labels.clone();
        labels.extend(plan.labels.clone());
        labels.insert("kubernetes.io/hostname".to_owned(), name.to_string());
        let node = SimNode {
            group: group.clone(),
            offer,
            price: sold.price,
            state: InstanceState::Pending,
            launched: self.now,
            joined: None,
            ready: false,
            cordoned: false,
            draining: false,
            emptying: false,
            doomed: false,
            silent: None,
            noticed: None,
            labels,
            taints: plan.taints.clone(),
            allocatable: sold.allocatable.clone(),
            max_pods: sold.max_pods,
            used: Resources::default(),
            count: 0,
            fargate: sold.is_fargate(),
        };
        self.nodes.insert(name.clone(), node);
        Some(name)
    }

    fn in_service_now(&mut self, name: &NodeName) {
        if let Some(node) = self.nodes.get_mut(name) {
            node.state = InstanceState::InService;
        }
    }

    /// The node object appears, with its DaemonSet pods.
    pub(crate) fn join(&mut self, name: &NodeName) {
        let now = self.now;
        if let Some(node) = self.nodes.get_mut(name).filter(|n| n.lives()) {
            node.joined = Some(now);
            if !node.fargate {
                self.add_daemons(name);
            }
        }
    }

    /// The node takes pods from here on.
    pub(crate) fn become_ready(&mut self, name: &NodeName) {
        if let Some(node) = self
            .nodes
            .get_mut(name)
            .filter(|n| n.lives() && n.joined.is_some())
        {
            node.ready = !node.doomed && node.silent.is_none();
            self.dirty = true;
        }
    }

    /// On the first day nothing waits for DaemonSets.
    fn daemons_started(&mut self, name: &NodeName) {
        for pod in self
            .pods
            .values_mut()
            .filter(|p| p.daemon && p.node.as_ref() == Some(name))
        {
            pod.phase = PodPhase::Running;
        }
    }

    /// Termination begins: the bill stops, the node goes with whatever is on it.
    pub(crate) fn terminate(&mut self, name: &NodeName) {
        let now = self.now;
        let Some(node) = self.nodes.get_mut(name).filter(|n| n.lives()) else {
            return;
        };
        node.state = InstanceState::Terminating;
        node.cordoned = true;
        self.tally.closed(node.price, node.launched, now);
        self.queue.push(now + LEAVING, Event::Leaves(name.clone()));
    }

    /// The provider takes an instance back; nobody asked for it.
    pub(crate) fn reclaim(&mut self, name: &NodeName) {
        if self.nodes.get(name).is_some_and(SimNode::lives) {
            self.tally.interruptions += 1;
            self.terminate(name);
        }
    }

    /// First the node object goes, with the pods that are still on it; later the instance leaves the list.
    pub(crate) fn leave(&mut self, name: &NodeName) {
        let Some(node) = self.nodes.get_mut(name) else {
            return;
        };
        if node.state == InstanceState::Terminated {
            self.nodes.remove(name);
            return;
        }
        node.state = InstanceState::Terminated;
        node.joined = None;
        node.ready = false;
        self.queue.push(self.now + LISTED, Event::Leaves(name.clone()));
        self.lose_pods(name);
    }

    /// Pods of a node that is gone: their owners start them again elsewhere.
    fn lose_pods(&mut self, name: &NodeName) {
        let lost: Vec<PodKey> = self
            .pods
            .iter()
            .filter(|(_, p)| p.node.as_ref() == Some(name))
            .map(|(key, _)| key.clone())
            .collect();
        for key in lost {
            if let Some(pod) = self.pods.remove(&key)
                && pod.stays()
            {
                self.owe_again(&pod.owner, pod.runs);
            }
        }
        self.dirty = true;
    }

    /// A fault strikes that is a blow rather than a state.
    pub(crate) fn strike(&mut self, ix: usize) {
        let scenario = Arc::clone(&self.scenario);
        match scenario.faults.get(ix).map(|fault| &fault.kind) {
            Some(FaultKind::SpotInterruption {
                groups,
                share_permille,
                told,
            }) => {
                let spot = self.victims(|node, offer| names(groups, &node.group) && is_spot(offer));
                let share = (spot.len() as u64 * u64::from(*share_permille)).div_ceil(1000);
                for name in self.draw(spot, usize::try_from(share).unwrap_or(usize::MAX)) {
                    self.doom(&name, true);
                    let now = self.now;
                    if let Some(node) = self.nodes.get_mut(&name).filter(|_| *told) {
                        node.noticed = Some(now);
                    }
                }
            }
            Some(FaultKind::NodeFailure { groups, count }) => {
                let all = self.victims(|node, _| names(groups, &node.group));
                for name in self.draw(all, *count as usize) {
                    self.doom(&name, false);
                }
            }
            Some(FaultKind::NodeSilence {
                groups,
                share_permille,
            }) => {
                let all = self.victims(|node, _| names(groups, &node.group));
                let share = (all.len() as u64 * u64::from(*share_permille) / 1000).max(1);
                let lasts = scenario.faults.get(ix).map_or(Span::ZERO, |fault| fault.lasts);
                for name in self.draw(all, usize::try_from(share).unwrap_or(usize::MAX)) {
                    self.silence(&name, lasts);
                }
            }
            _ => {}
        }
    }

    fn victims(&self, wanted: impl Fn(&SimNode, &Offer) -> bool) -> Vec<NodeName> {
        self.nodes
            .iter()
            .filter(|(_, node)| node.lives() && !node.doomed && !node.fargate && node.joined.is_some())
            .filter(|(_, node)| {
                self.scenario
                    .offers
                    .get(node.offer)
                    .is_some_and(|o| wanted(node, o))
            })
            .map(|(name, _)| name.clone())
            .collect()
    }

    fn draw(&mut self, mut from: Vec<NodeName>, count: usize) -> Vec<NodeName> {
        let mut drawn = Vec::new();
        while drawn.len() < count && !from.is_empty() {
            let last = i64::try_from(from.len()).unwrap_or(i64::MAX) - 1;
            let place = usize::try_from(self.rng.between(0, last)).unwrap_or(0);
            drawn.push(from.swap_remove(place));
        }
        drawn
    }

    /// What a termination handler does at a notice (cordon), or a dead kubelet (not Ready).
    fn doom(&mut self, name: &NodeName, ready: bool) {
        if let Some(node) = self.nodes.get_mut(name) {
            node.doomed = true;
            node.cordoned = true;
            node.ready &= ready;
            self.queue
                .push(self.now + SPOT_NOTICE, Event::Reclaimed(name.clone()));
        }
    }

    /// A kubelet falls silent; its instance lives.
    fn silence(&mut self, name: &NodeName, lasts: Span) {
        let now = self.now;
        let Some(node) = self.nodes.get_mut(name).filter(|node| node.silent.is_none()) else {
            return;
        };
        node.silent = Some(now);
        node.ready = false;
        self.queue.push(now + TOLERATED, Event::Evicted(name.clone()));
        if lasts > Span::ZERO {
            self.queue.push(now + lasts, Event::Speaks(name.clone()));
        }
        self.dirty = true;
    }

    /// The node lifecycle controller deletes the pods; nobody is there to end them.
    pub(crate) fn evict_silent(&mut self, name: &NodeName) {
        let silent = self.nodes.get(name).and_then(|node| node.silent);
        if silent.is_none_or(|since| self.now.since(since) < TOLERATED) {
            return;
        }
        let mut deleted = Vec::new();
        for pod in self.pods.values_mut() {
            if pod.node.as_ref() == Some(name) && pod.stays() && !pod.daemon {
                pod.phase = PodPhase::Terminating;
                deleted.push((pod.owner.clone(), pod.runs));
            }
        }
        for (owner, runs) in deleted {
            self.owe_again(&owner, runs);
        }
    }

    /// A silent kubelet speaks again: its node is Ready, and pods that were deleted meanwhile end.
    pub(crate) fn speak(&mut self, name: &NodeName) {
        let Some(node) = self.nodes.get_mut(name) else {
            return;
        };
        node.silent = None;
        self.become_ready(name);
        let ended: Vec<PodKey> = self
            .pods
            .iter()
            .filter(|(_, pod)| pod.node.as_ref() == Some(name) && pod.phase == PodPhase::Terminating)
            .map(|(key, _)| key.clone())
            .collect();
        for key in ended {
            self.queue.push(self.now, Event::Gone(key));
        }
    }

    /// Fargate finds a place for an admitted pod: a node of its own, of the cheapest size that holds it.
    pub(crate) fn bind_to_fargate(&mut self, key: &PodKey) {
        let Some(pod) = self.pods.get(key).filter(|p| p.waits()) else {
            return;
        };
        let (Some(profile), spec) = (pod.profile.clone(), self.spec(pod.spec)) else {
            return;
        };
        let scenario = Arc::clone(&self.scenario);
        let holds = |offer: &Offer| {
            spec.requests.cpu_milli <= offer.allocatable.cpu_milli
                && spec.requests.memory_bytes <= offer.allocatable.memory_bytes
                && spec.requests.extended.values().all(|amount| *amount <= 0)
        };
        let size = offers_of(&scenario, &profile)
            .filter(|(_, offer)| offer.is_fargate() && holds(offer))
            .min_by_key(|(_, offer)| offer.price)
            .map(|(ix, _)| ix);
        let Some(size) = size else { return };
        if self.living(&profile) >= group_max(&scenario, &profile) {
            let again = self.now + FARGATE_RETRY;
            self.queue.push(again, Event::FargateReady(key.clone()));
            return;
        }
        if let Some(name) = self.add_instance(&profile, size) {
            // The simulated cloud is priced as its Snapshots say: by the built-in rates.
            let storage = model::prices::Prices::default().fargate_storage(spec.requests.ephemeral_bytes);
            if let Some(node) = self.nodes.get_mut(&name) {
                node.price += storage.unwrap_or_default();
            }
            self.in_service_now(&name);
            self.join(&name);
            self.become_ready(&name);
            self.tally.fargate += 1;
            self.bind(key, &name);
        }
    }

    /// A Fargate node goes with its pod.
    pub(crate) fn release_fargate(&mut self, name: &NodeName) {
        if self.nodes.get(name).is_some_and(|n| n.fargate && n.lives()) {
            let now = self.now;
            if let Some(node) = self.nodes.remove(name) {
                self.tally.closed(node.price, node.launched, now);
            }
        }
    }
}

/// The most instances of a group.
pub(crate) fn group_max(scenario: &Scenario, group: &GroupName) -> u32 {
    scenario
        .groups
        .iter()
        .find(|g| g.name == *group)
        .map_or(0, |g| g.max)
}

/// Offers of a group with their place in the scenario.
pub(crate) fn offers_of<'a>(
    scenario: &'a Scenario,
    group: &'a GroupName,
) -> impl Iterator<Item = (usize, &'a Offer)> {
    let ix = scenario.groups.iter().position(|g| g.name == *group);
    scenario
        .offers
        .iter()
        .enumerate()
        .filter(move |(_, offer)| Some(offer.group as usize) == ix)
}

fn lacks(kind: &FaultKind, group: &GroupName, offer: &Offer) -> bool {
    let FaultKind::NoCapacity { groups, types, zones } = kind else {
        return false;
    };
    let listed = |list: &[String], value: Option<&str>| {
        list.is_empty() || value.is_some_and(|value| list.iter().any(|one| one == value))
    };
    names(groups, group) && listed(types, offer.instance_type()) && listed(zones, offer.zone())
}

fn names(groups: &[GroupName], group: &GroupName) -> bool {
    groups.is_empty() || groups.contains(group)
}

fn is_spot(offer: &Offer) -> bool {
    matches!(
        offer.kind,
        OfferKind::Ec2 {
            purchase: Purchase::Spot,
            ..
        }
    )
}
