//! How a world begins and how time passes in it.
//!
//! Time only moves when somebody moves it; between two instants nothing happens that is not an event.

use crate::rng::Rng;
use crate::scenario::{Arrivals, Budget, Scenario};
use crate::series::Tally;
use crate::world::queue::{Event, Queue};
use crate::world::state::{Owner, OwnerKind, State};
use model::pod::PodPhase;
use model::{InstanceState, Instant, NodeName, Span, WorkloadKey};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Controllers and scheduler answer each other; a round that changes nothing ends it long before this.
const MAX_ROUNDS: u32 = 16;

impl State {
    /// The world at the scenario's first instant: initial nodes are Ready, their pods run.
    pub(crate) fn begin(scenario: &Arc<Scenario>) -> Self {
        let mut state = Self {
            now: scenario.start,
            rng: Rng::seeded(scenario.seed),
            queue: Queue::default(),
            specs: Vec::new(),
            pods: BTreeMap::new(),
            nodes: BTreeMap::new(),
            owners: BTreeMap::new(),
            launched: BTreeMap::new(),
            tokens: BTreeMap::new(),
            frozen: None,
            dirty: true,
            violations: Vec::new(),
            deeds: Vec::new(),
            tally: Tally::default(),
            demand: BTreeMap::new(),
            scenario: Arc::clone(scenario),
        };
        state.add_owners();
        for group in &scenario.groups {
            state.add_initial_nodes(&group.name, group.initial);
        }
        for (ix, arrivals) in scenario.arrivals.iter().enumerate() {
            state.expect_arrivals(ix, arrivals);
        }
        for (plan, workload) in scenario.workloads.iter().enumerate() {
            for (ix, (at, _)) in workload.sizes.iter().enumerate() {
                state.queue.push(scenario.start + *at, Event::Resized(plan, ix));
            }
        }
        for (ix, fault) in scenario.faults.iter().enumerate() {
            state.queue.push(scenario.start + fault.at, Event::Strikes(ix));
        }
        state.settle();
        state
    }

    fn add_owners(&mut self) {
        let scenario = Arc::clone(&self.scenario);
        for set in &scenario.daemon_sets {
            let key = WorkloadKey::new("DaemonSet", &set.pod.spec.namespace, &set.name);
            let spec = self.intern(&set.pod.spec);
            self.owners.insert(
                key,
                Owner {
                    kind: OwnerKind::Daemon,
                    pod: set.pod.clone(),
                    spec,
                    next: 0,
                    placement: None,
                },
            );
        }
        for (plan, workload) in scenario.workloads.iter().enumerate() {
            let key = WorkloadKey::new("Deployment", &workload.pod.spec.namespace, &workload.name);
            let spec = self.intern(&workload.pod.spec);
            let kind = OwnerKind::Deployment {
                plan,
                replicas: workload.replicas,
                generation: 1,
            };
            self.owners.insert(
                key,
                Owner {
                    kind,
                    pod: workload.pod.clone(),
                    spec,
                    next: 0,
                    placement: None,
                },
            );
        }
    }

    fn expect_arrivals(&mut self, ix: usize, arrivals: &Arrivals) {
        let start = self.scenario.start;
        match arrivals {
            Arrivals::Burst { first, .. } => self.queue.push(start + *first, Event::Arrives(ix, 0)),
            Arrivals::Trace { rows, .. } => {
                for (row, at) in (0_u64..).zip(rows.iter().map(|r| r.at)) {
                    self.queue.push(start + at, Event::Arrives(ix, row));
                }
            }
        }
    }

    /// Lets time pass until `to`; the past is left alone.
    pub(crate) fn advance(&mut self, to: Instant) {
        while let Some(at) = self.queue.next().filter(|at| *at <= to) {
            self.pass(at);
            while let Some(event) = self.queue.pop(self.now) {
                self.happen(event);
            }
            self.settle();
        }
        self.pass(to);
        self.settle();
    }

    /// Moves the clock and counts the pod-time that passes with it.
    fn pass(&mut self, to: Instant) {
        self.count_demand(to);
        self.now = self.now.max(to);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::InService(node) => self.in_service(&node),
            Event::Joins(node) => self.join(&node),
            Event::Ready(node) => self.become_ready(&node),
            Event::Reclaimed(node) => self.reclaim(&node),
            Event::Evicted(node) => self.evict_silent(&node),
            Event::Speaks(node) => self.speak(&node),
            Event::Leaves(node) => self.leave(&node),
            Event::Started(pod) => self.start(&pod),
            Event::Done(pod) => self.finish(&pod),
            Event::Gone(pod) => self.forget(&pod),
            Event::FargateReady(pod) => self.bind_to_fargate(&pod),
            Event::Arrives(ix, number) => self.arrive(ix, number),
            Event::Resized(plan, ix) => self.resize(plan, ix),
            Event::Strikes(ix) => self.strike(ix),
        }
    }

    /// Lets controllers and scheduler answer what changed.
    pub(crate) fn settle(&mut self) {
        for _ in 0..MAX_ROUNDS {
            if !self.dirty {
                return;
            }
            self.dirty = false;
            self.reconcile();
            self.schedule();
        }
    }

    fn start(&mut self, key: &model::PodKey) {
        let Some(pod) = self.pods.get_mut(key) else { return };
        if pod.phase != PodPhase::Starting {
            return;
        }
        pod.phase = PodPhase::Running;
        if let Some(runs) = pod.runs {
            self.queue.push(self.now + runs, Event::Done(key.clone()));
        }
    }

    fn finish(&mut self, key: &model::PodKey) {
        let Some(pod) = self.pods.get_mut(key) else { return };
        if pod.phase != PodPhase::Running {
            return;
        }
        pod.phase = PodPhase::Finished;
        let (node, spec, of_job) = (pod.node.clone(), pod.spec, pod.runs.is_some());
        if let Some(node) = node {
            self.vacate(&node, spec);
            self.release_fargate(&node);
        }
        // Its Job wants one fewer.
        self.lets_go(u32::from(of_job));
        self.dirty = true;
        self.queue
            .push(self.now + Span::from_secs(30), Event::Gone(key.clone()));
    }

    /// A terminating or finished pod disappears.
    fn forget(&mut self, key: &model::PodKey) {
        let Some(pod) = self.pods.get(key) else { return };
        if pod.stays() {
            return;
        }
        let held = pod.phase != PodPhase::Finished;
        let (node, spec) = (pod.node.clone(), pod.spec);
        self.pods.remove(key);
        if let Some(node) = node.filter(|_| held) {
            self.vacate(&node, spec);
            self.release_fargate(&node);
        }
        self.dirty = true;
    }

    /// Healthy pods that a budget wants, and those that there are; `None` without a budget.
    pub(crate) fn health(&self, owner: &WorkloadKey) -> Option<(u32, u32)> {
        let OwnerKind::Deployment { plan, replicas, .. } = self.owners.get(owner)?.kind else {
            return None;
        };
        let wanted = match self.scenario.workloads.get(plan)?.budget? {
            Budget::MinAvailable(amount) => amount.of(replicas),
            Budget::MaxUnavailable(amount) => replicas.saturating_sub(amount.of(replicas)),
        };
        let healthy = self
            .pods
            .values()
            .filter(|p| p.owner == *owner && p.phase == PodPhase::Running)
            .count();
        Some((wanted, u32::try_from(healthy).unwrap_or(u32::MAX)))
    }

    fn in_service(&mut self, name: &NodeName) {
        if let Some(node) = self
            .nodes
            .get_mut(name)
            .filter(|n| n.state == InstanceState::Pending)
        {
            node.state = InstanceState::InService;
        }
    }
}
