//! A running cluster in which every step happens at once: nodes join in the cycle they are bought in, evicted pods
//! are made anew by their controllers, and pods go where the plan has them.
//!
//! The loop is the product's: Ledger, decision, audit, guard, effects. Deliberately absent: time that anything takes
//! (that is `sim`'s), a scheduler of its own, and pods that come or go by themselves.

use crate::snapshot;
use anyhow::{Context, Result, bail};
use decide::PolicySet;
use guard::{Fence, Proposal, ledger};
use model::aims::{Aims, Mode, ShrinkAims};
use model::group::{Instance, InstanceState};
use model::limits::Limits;
use model::pod::PodPhase;
use model::selector::Labels;
use model::{
    InstanceId, Memory, Node, NodeName, Outcome, Plan, Pod, PodKey, PodSpec, Resources, Snapshot, Span, Step,
    StepKind, UsdPerHour, WorkloadKey,
};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

/// Time between two cycles.
const CYCLE: Span = Span::from_secs(60);
/// More cycles than this without rest is a plan that goes in circles.
const MOST_CYCLES: u32 = 400;

/// What a cluster has been through.
#[derive(Clone, Debug, Default)]
pub struct Counts {
    /// Cycles.
    pub cycles: u32,
    /// Pods evicted, one by one.
    pub evictions: u32,
    /// Nodes bought.
    pub launches: u32,
    /// Nodes removed.
    pub removals: u32,
    /// Seconds of every decision, in order.
    pub seconds: Vec<f64>,
}

/// A cluster that runs what its plans say.
#[derive(Clone, Debug)]
pub struct Running {
    seen: Snapshot,
    memory: Memory,
    aims: Aims,
    /// Since the last `take_counts`.
    counts: Counts,
    /// By DaemonSet: the spec of its pods that run.
    agents: Vec<(WorkloadKey, u32)>,
}

/// Aims under which nothing but money decides: no patience, no limits, this much for an eviction in nano-dollars.
pub fn eager(eviction_cost_nanos: i64) -> Aims {
    let mut aims = Aims {
        limits: unlimited(),
        shrink: ShrinkAims {
            unneeded_for: Span::ZERO,
            min_age: Span::ZERO,
            parallel: 1000,
            eviction_cost_nanos,
            ..ShrinkAims::default()
        },
        ..Aims::default()
    };
    aims.modes.cluster = Some(Mode::Act);
    aims
}

/// Limits that hold nothing.
pub fn unlimited() -> Limits {
    Limits {
        removed_per_window_permille: 1000,
        removed_per_long_window_permille: 1000,
        removed_per_zone_permille: None,
        removals_at_once: u32::MAX,
        bought_per_window: u32::MAX,
        max_nodes: u32::MAX,
        added_per_window: UsdPerHour(i64::MAX),
        max_rate: UsdPerHour(i64::MAX),
        evictions_per_window: u32::MAX,
        acknowledge_risk: true,
        ..Limits::default()
    }
}

impl Running {
    /// The cluster of a Snapshot with its waiting pods; every pod gets a controller that makes it anew.
    pub fn new(mut seen: Snapshot, aims: Aims) -> Self {
        let mut agents = Vec::new();
        for (key, template) in seen
            .workloads
            .iter()
            .filter(|w| w.is_daemon_set())
            .filter_map(|w| Some((w.key.clone(), w.template?)))
            .collect::<Vec<_>>()
        {
            let spec = PodSpec {
                owner: Some(key.clone()),
                ..PodSpec::clone(&seen.spec(template))
            };
            agents.push((key, snapshot::add_spec(&mut seen, spec)));
        }
        for (ix, spec) in seen.specs.iter_mut().enumerate() {
            if spec.owner.is_none() {
                let owner = WorkloadKey::new("Deployment", &spec.namespace, format!("d{ix}"));
                Arc::make_mut(spec).owner = Some(owner);
            }
        }
        Self {
            seen,
            memory: Memory::default(),
            aims,
            counts: Counts::default(),
            agents,
        }
    }

    /// The picture as it stands.
    pub const fn seen(&self) -> &Snapshot {
        &self.seen
    }

    /// From now on these aims.
    pub fn set_aims(&mut self, aims: Aims) {
        self.aims = aims;
    }

    /// What has happened since this was last asked.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// What all nodes cost.
    pub fn rate(&self) -> UsdPerHour {
        let price = |node: &Node| {
            let id = node.offer.as_ref()?;
            let ix = self.seen.offer_ix(id)?;
            Some(self.seen.offers[ix].price)
        };
        self.seen.nodes.iter().filter_map(price).sum()
    }

    /// Pods that are somebody's demand: those of DaemonSets apart.
    pub fn demand(&self) -> impl Iterator<Item = &Pod> {
        let agents: BTreeSet<u32> = self.agents.iter().map(|(_, spec)| *spec).collect();
        self.seen
            .pods
            .iter()
            .filter(move |pod| !agents.contains(&pod.spec))
    }

    /// The same pods as they would wait in an empty cluster.
    pub fn as_waiting(&self) -> Snapshot {
        let mut seen = Snapshot {
            nodes: Vec::new(),
            pods: self.demand().cloned().collect(),
            ledger: model::Ledger::default(),
            ..self.seen.clone()
        };
        for pod in &mut seen.pods {
            (pod.node, pod.phase) = (None, PodPhase::Pending);
        }
        for group in &mut seen.groups {
            group.desired = 0;
            group.instances.clear();
        }
        seen
    }

    /// Nothing happens for so long.
    pub fn pass(&mut self, time: Span) {
        self.seen.at = self.seen.at + time;
    }

    /// Pods that are gone, with whoever made them.
    pub fn delete(&mut self, gone: &BTreeSet<PodKey>) {
        self.seen.pods.retain(|pod| !gone.contains(&pod.key));
    }

    /// Cycles until nothing happens any more and nothing is under way.
    pub fn rest(&mut self, on_cycle: &mut dyn FnMut(&Self)) -> Result<()> {
        let pods = self.demand().count();
        for _ in 0..MOST_CYCLES {
            let moved = self.cycle()?;
            on_cycle(self);
            if moved == 0 && self.seen.ledger.intents.is_empty() {
                let waits = self.demand().filter(|pod| pod.node.is_none()).count();
                if waits > 0 || self.demand().count() != pods {
                    bail!("{waits} pods wait; there are {} of {pods}", self.demand().count());
                }
                return Ok(());
            }
        }
        bail!("no rest after {MOST_CYCLES} cycles")
    }

    /// One cycle: how many steps were carried out.
    pub fn cycle(&mut self) -> Result<usize> {
        self.seen.at = self.seen.at + CYCLE;
        self.seen.cycle += 1;
        self.counts.cycles += 1;
        let mut book = std::mem::take(&mut self.seen.ledger);
        book.cycle = self.seen.cycle;
        let events = ledger::reconcile(&mut book, &self.seen, &self.aims.limits);
        ledger::learn(&mut self.memory, &events, self.seen.at, &self.aims.limits);
        self.seen.ledger = book.clone();

        guard::watch(&mut self.memory, &self.seen, &self.aims);
        let began = Instant::now();
        let done = decide::deliberate(&self.seen, &self.memory, &PolicySet::default(), &self.aims);
        self.counts.seconds.push(began.elapsed().as_secs_f64());
        if let Some(flaw) = guard::audit(&self.seen, &self.aims, &done.plan, &done.notes).first() {
            bail!("cycle {}: {flaw}", self.seen.cycle);
        }
        let resumed = ledger::resume(&book, &self.seen, &done.plan);
        let proposal = Proposal {
            plan: &done.plan,
            notes: &done.notes,
            resumed: &resumed,
            watch: Some(&self.memory.watch),
        };
        let cleared = guard::judge(&self.seen, &book, proposal, &self.aims, &Fence::sole()).cleared;
        for step in &cleared {
            ledger::open(&mut book, step, &self.seen, &self.aims);
        }
        let before = self.seen.clone();
        self.memory = done.memory;
        for step in &cleared {
            let outcome = self.carry_out(step.get())?;
            let events = ledger::settle(&mut book, step.get(), &outcome, &before);
            ledger::learn(&mut self.memory, &events, before.at, &self.aims.limits);
        }
        book.generation += 1;
        self.seen.ledger = book;
        self.seen.sort();
        let bound = self.bind(&done.plan);
        self.check()?;
        Ok(cleared.len() + bound)
    }

    fn carry_out(&mut self, step: &Step) -> Result<Outcome> {
        match &step.kind {
            StepKind::GrowGroup {
                group,
                offer,
                nodes,
                to,
                ..
            } => {
                let ids = nodes.iter().map(|node| InstanceId::new(format!("i-{node}")));
                let instances: Vec<InstanceId> = ids.collect();
                for node in nodes {
                    self.join(group, offer, node)?;
                }
                let grown = self.seen.groups.iter_mut().find(|g| g.name == *group);
                grown.context("a group")?.desired = *to;
                return Ok(Outcome::Done { instances });
            }
            StepKind::Cordon { node, .. } => self.cordon(node, true)?,
            StepKind::Uncordon { node } => self.cordon(node, false)?,
            StepKind::Evict { pod, .. } => self.evict(pod)?,
            StepKind::RemoveNode {
                node,
                group,
                instance,
            } => {
                self.remove(node)?;
                let left = self.seen.groups.iter_mut().find(|g| g.name == *group);
                let left = left.context("a group")?;
                left.instances.retain(|listed| listed.id != *instance);
                left.desired -= 1;
            }
            // Pods are bound where the plan has them, and nobody scales anything in.
            StepKind::Nominate { .. } | StepKind::Yield { .. } | StepKind::Avoid { .. } => {}
            StepKind::ScaleWorkload { .. }
            | StepKind::SetBounds { .. }
            | StepKind::PlaceOnFargate { .. }
            | StepKind::Remake { .. }
            | StepKind::RemoveInstance { .. } => {
                bail!("not in this cluster: {}", step.kind)
            }
        }
        Ok(Outcome::done())
    }

    fn join(&mut self, group: &model::GroupName, offer: &model::OfferId, name: &NodeName) -> Result<()> {
        let sold = self
            .seen
            .offers
            .iter()
            .find(|o| o.id == *offer)
            .context("an offer")?;
        let mut labels: Labels = sold.labels.clone();
        labels.insert("kubernetes.io/hostname".to_owned(), name.to_string());
        let node = Node {
            name: name.clone(),
            group: Some(group.clone()),
            instance: Some(InstanceId::new(format!("i-{name}"))),
            offer: Some(offer.clone()),
            labels,
            taints: self.seen.group(group).map_or_else(Vec::new, |g| g.taints.clone()),
            allocatable: sold.allocatable.clone(),
            max_pods: sold.max_pods,
            ready: true,
            unschedulable: false,
            deleting: false,
            fargate: false,
            do_not_disrupt: false,
            draining: false,
            annotations: Labels::new(),
            unready: None,
            rate: None,
            created: self.seen.at,
            usage: None,
            leaving: None,
            template: None,
        };
        let instance = Instance {
            id: InstanceId::new(format!("i-{name}")),
            instance_type: sold.instance_type().map(str::to_owned),
            zone: sold.zone().map(str::to_owned),
            state: InstanceState::InService,
            launched: Some(self.seen.at),
        };
        let grown = self.seen.groups.iter_mut().find(|g| g.name == *group);
        grown.context("a group")?.instances.push(instance);
        self.seen.nodes.push(node);
        for (key, spec) in &self.agents {
            let pod = Pod {
                key: PodKey::new(&key.namespace, format!("{}-{name}", key.name)),
                spec: *spec,
                node: Some(name.clone()),
                phase: PodPhase::Running,
                created: self.seen.at,
                usage: None,
                nominated: None,
                deletion_cost: 0,
                started: None,
            };
            self.seen.pods.push(pod);
        }
        self.counts.launches += 1;
        Ok(())
    }

    fn cordon(&mut self, name: &NodeName, on: bool) -> Result<()> {
        let node = self.seen.nodes.iter_mut().find(|n| n.name == *name);
        let node = node.with_context(|| format!("no node {name}"))?;
        (node.unschedulable, node.draining) = (on, on);
        Ok(())
    }

    /// The pod goes and its controller makes another.
    fn evict(&mut self, key: &PodKey) -> Result<()> {
        let now = self.seen.at;
        let pod = self.seen.pods.iter_mut().find(|p| p.key == *key);
        let pod = pod.with_context(|| format!("no pod {key}"))?;
        let anew = format!("{}r", pod.key.name);
        *pod = Pod {
            key: PodKey::new(&pod.key.namespace, anew),
            node: None,
            phase: PodPhase::Pending,
            created: now,
            ..pod.clone()
        };
        self.counts.evictions += 1;
        Ok(())
    }

    fn remove(&mut self, name: &NodeName) -> Result<()> {
        let agents: BTreeSet<u32> = self.agents.iter().map(|(_, spec)| *spec).collect();
        let left = |pod: &&Pod| pod.node.as_ref() == Some(name) && !agents.contains(&pod.spec);
        if let Some(pod) = self.seen.pods.iter().find(left) {
            bail!("{name} was removed with {} on it", pod.key);
        }
        self.seen.pods.retain(|pod| pod.node.as_ref() != Some(name));
        self.seen.nodes.retain(|node| node.name != *name);
        self.counts.removals += 1;
        Ok(())
    }

    /// Waiting pods go where the plan has them, as far as those nodes are there.
    fn bind(&mut self, plan: &Plan) -> usize {
        let mut places: BTreeMap<&PodKey, &NodeName> = BTreeMap::new();
        for (node, pods) in &plan.existing {
            places.extend(pods.iter().map(|pod| (pod, node)));
        }
        for node in &plan.nodes {
            places.extend(node.pods.iter().map(|pod| (pod, &node.name)));
        }
        let open: BTreeSet<NodeName> = self
            .seen
            .nodes
            .iter()
            .filter(|node| node.takes_pods())
            .map(|node| node.name.clone())
            .collect();
        let mut bound = 0;
        for pod in self.seen.pods.iter_mut().filter(|pod| pod.node.is_none()) {
            if let Some(node) = places.get(&pod.key).filter(|node| open.contains(**node)) {
                pod.node = Some(NodeName::clone(node));
                pod.phase = PodPhase::Running;
                bound += 1;
            }
        }
        bound
    }

    /// No node holds more than it has.
    fn check(&self) -> Result<()> {
        let mut used: BTreeMap<&NodeName, (Resources, u32)> = BTreeMap::new();
        for pod in &self.seen.pods {
            if let Some(node) = &pod.node {
                let sum = used.entry(node).or_default();
                sum.0.add(&self.seen.spec(pod.spec).requests);
                sum.1 += 1;
            }
        }
        for node in &self.seen.nodes {
            let Some((sum, count)) = used.remove(&node.name) else {
                continue;
            };
            let over = sum.cpu_milli > node.allocatable.cpu_milli
                || sum.memory_bytes > node.allocatable.memory_bytes
                || count > node.max_pods;
            if over {
                bail!("{} is over-committed", node.name);
            }
        }
        if let Some(node) = used.keys().next() {
            bail!("pods run on {node}, which is gone");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Catalogue;

    /// A small cluster on the built-in price list, packed, with every second pod gone.
    fn halved() -> Running {
        let mut prices = manifest::built_in();
        for row in &mut prices.rows {
            row.zones = vec!["a".to_owned()];
        }
        let shapes = vec![
            (250, 512 << 20, 60),
            (1000, 2 << 30, 30),
            (100, 1 << 30, 50),
            (2000, 4 << 30, 8),
        ];
        let seen = snapshot::waiting(&shapes, Catalogue::up_to(16).offers(&prices));
        let mut running = Running::new(seen, eager(0));
        running.cycle().unwrap();
        assert_eq!(running.demand().count(), 148);
        assert!(
            running.demand().all(|pod| pod.node.is_some()),
            "bound where they were planned"
        );
        let gone = running.demand().step_by(2).map(|pod| pod.key.clone()).collect();
        running.delete(&gone);
        running.take_counts();
        running
    }

    #[test]
    fn a_halved_cluster_comes_to_rest_cheaper_and_loses_no_pod() {
        let mut running = halved();
        let before = running.rate();
        let nodes = running.seen().nodes.len();
        running.rest(&mut |_| {}).unwrap();
        let counts = running.take_counts();
        assert_eq!(running.demand().count(), 74);
        assert!(running.rate() < before && counts.evictions > 0);
        let after = nodes + counts.launches as usize - counts.removals as usize;
        assert_eq!(running.seen().nodes.len(), after);
        assert_eq!(running.seen().groups[0].desired as usize, after);
    }

    #[test]
    fn the_same_cluster_comes_to_the_same_rest() {
        let (mut one, mut other) = (halved(), halved());
        one.rest(&mut |_| {}).unwrap();
        other.rest(&mut |_| {}).unwrap();
        assert_eq!(one.seen(), other.seen());
    }

    #[test]
    fn dear_evictions_are_not_made() {
        let mut running = halved();
        running.set_aims(eager(1_000_000_000_000));
        running.rest(&mut |_| {}).unwrap();
        assert_eq!(running.take_counts().evictions, 0);
    }
}
