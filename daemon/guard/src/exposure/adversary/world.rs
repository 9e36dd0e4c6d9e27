//! A small cluster in which one strategy is played: a tenant acts, time passes, a hostile plan is judged, and what is
//! cleared is carried out.

use super::deeds::{Deeds, Figures};
use super::strategy::{CYCLES, Dice, Gene, PASSES, Strategy};
use crate::cleared::{Cleared, Counted, Fence};
use crate::judge::judge;
use crate::ledger::{open, reconcile, settle};
use crate::proof::PLAY;
use crate::proposal::Proposal;
use crate::stage::{PRICE, Stage, group_of, instance, key, node, plan, pod, step};
use crate::watched::watch;
use model::group::InstanceState;
use model::intent::{IntentKind, RemoveStage};
use model::limits::Limits;
use model::memory::Memory;
use model::plan::{Step, StepKind};
use model::pod::{Pod, PodPhase};
use model::resources::Resources;
use model::{Instant, NodeName, Outcome, PodKey, Span, UsdPerHour, WorkloadKey};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A pod is this part of a node.
const PART: u32 = 4;
/// The dear nodes cost this many times what the others do.
const DEAR: u64 = 3;
/// Replicas that policies may want.
const MOST_REPLICAS: u32 = 30;
/// Pods of nobody, pods of the honest workload.
const WILD: u32 = 1;
const SHOP: u32 = 2;

/// Tight enough that a short run can reach every one of them.
pub(super) fn limits() -> Limits {
    Limits {
        bought_per_window: 3,
        added_per_window: PRICE.times(5),
        max_nodes: 40,
        max_rate: PRICE.times(60),
        evictions_per_window: 4,
        removed_per_window_permille: 100,
        removed_per_long_window_permille: 200,
        emptied_window: Span::from_secs(1200),
        emptied_per_window_permille: 150,
        explained_per_window_permille: 150,
        scaled_down_per_window: Some(15),
        ..Limits::default()
    }
}

pub(super) struct World<'s> {
    stage: Stage,
    memory: Memory,
    strategy: &'s Strategy,
    dice: Dice,
    deeds: Deeds,
    /// Since when nodes have stood empty in the pictures that the guard was shown, one after the other without a gap.
    empty: BTreeMap<NodeName, Instant>,
    named: u32,
    cycle: u32,
}

/// Plays a strategy to its end: the most of everything.
pub(super) fn play(strategy: &Strategy) -> Figures {
    let mut world = World::new(strategy);
    let mut reached = Figures::default();
    for _ in 0..CYCLES {
        world.cycle();
        let now = world.stage.seen.at;
        let stands = world.stands();
        let figures = world.deeds.figures(now, stands);
        for (reached, figure) in reached.iter_mut().zip(figures) {
            *reached = figure.max(*reached);
        }
    }
    reached
}

impl<'s> World<'s> {
    fn new(strategy: &'s Strategy) -> Self {
        let mut stage = Stage::new();
        stage.aims.limits = limits();
        stage.aims.scale[0].max = MOST_REPLICAS;
        stage.aims.shrink.unneeded_for = Span::from_secs(120);
        let seen = &mut stage.seen;
        seen.pods.clear();
        seen.nodes.clear();
        seen.budgets.clear();
        seen.groups.push(group_of(&[]));
        seen.groups[1].name = "xl".into();
        for group in &mut seen.groups {
            (group.min, group.max, group.desired) = (0, 4000, 0);
            group.instances.clear();
        }
        let mut dear = seen.offers[0].clone();
        (dear.id, dear.group, dear.price) = ("x2.large/a/on-demand".into(), 1, PRICE.times(DEAR));
        seen.offers.push(dear);
        let own = Arc::make_mut(&mut seen.specs[0]);
        own.requests = Resources::new(2000 / i64::from(PART), 1 << 30);
        // The pods of nobody's workload come and go by themselves; those of `app` are the policy's to scale.
        let mut wild = (*seen.specs[0]).clone();
        wild.owner = None;
        // Those of an honest one too, and it says how many it wants.
        let mut honest = (*seen.specs[0]).clone();
        let owner = WorkloadKey::new("Deployment", "ns", "shop");
        honest.owner = Some(owner.clone());
        seen.specs.extend([Arc::new(wild), Arc::new(honest)]);
        let mut shop = seen.workloads[0].clone();
        (shop.key, shop.replicas) = (owner, 0);
        seen.workloads.push(shop);
        let mut world = Self {
            stage,
            memory: Memory::default(),
            strategy,
            dice: Dice(strategy.luck),
            deeds: Deeds::default(),
            empty: BTreeMap::new(),
            named: 0,
            cycle: 0,
        };
        world.begin();
        world
    }

    fn begin(&mut self) {
        for _ in 0..self.strategy.nodes {
            self.join(0);
        }
        self.shop_wants(self.gene(Gene::Wanted) / 2);
        self.wait_for(self.gene(Gene::Wait) / 3);
        self.bind(100);
        // What is there at the start has long been there.
        for node in &mut self.stage.seen.nodes {
            node.created = self.stage.seen.at - Span::from_secs(7200);
        }
    }

    fn gene(&self, gene: Gene) -> u32 {
        self.strategy.gene(self.cycle, gene)
    }

    fn chance(&mut self, gene: Gene) -> bool {
        let percent = self.gene(gene);
        self.dice.chance(percent)
    }

    /// Nodes that stand, and what they cost.
    fn stands(&self) -> (usize, UsdPerHour) {
        let nodes = &self.stage.seen.nodes;
        let rates = nodes
            .iter()
            .map(|node| price_in(node.group.as_ref().map_or("", |of| of.as_str())));
        (nodes.len(), rates.sum())
    }

    fn join(&mut self, group: usize) -> NodeName {
        let name = format!("n{:04}", self.named);
        self.named += 1;
        let seen = &mut self.stage.seen;
        let mut fresh = node(&name);
        fresh.group = Some(seen.groups[group].name.clone());
        fresh.offer = Some(seen.offers[group].id.clone());
        fresh.created = seen.at;
        let group = &mut seen.groups[group];
        group.desired += 1;
        let instance = instance(&format!("i-{name}"), InstanceState::InService);
        group.instances.push(instance);
        seen.nodes.push(fresh);
        name.as_str().into()
    }

    fn waits(&mut self, spec: u32) {
        let mut waiting = pod(&format!("p{:05}", self.named), None);
        (waiting.spec, waiting.created) = (spec, self.stage.seen.at);
        self.named += 1;
        self.stage.seen.pods.push(waiting);
    }

    fn wait_for(&mut self, count: u32) {
        for _ in 0..count {
            self.waits(WILD);
        }
    }

    /// A workload wants so many replicas, and has them at once; tells how many it had wanted.
    fn wants(&mut self, (name, spec): (&str, u32), replicas: u32) -> u32 {
        let seen = &mut self.stage.seen;
        let mut workloads = seen.workloads.iter_mut();
        let Some(of) = workloads.find(|of| &*of.key.name == name) else {
            return 0;
        };
        let before = std::mem::replace(&mut of.replicas, replicas);
        let mut there = 0;
        seen.pods.retain(|pod| {
            there += u32::from(pod.spec == spec);
            pod.spec != spec || there <= replicas
        });
        for _ in there..replicas {
            self.waits(spec);
        }
        before
    }

    fn shop_wants(&mut self, replicas: u32) {
        let there = self.stage.seen.pods.iter().filter(|pod| pod.spec == SHOP).count();
        self.wants(("shop", SHOP), replicas);
        let let_go = (there as u64).saturating_sub(replicas.into());
        self.deeds.releases(self.stage.seen.at, let_go);
    }

    /// Some of what waits is placed: where there is room for it, and where there is none.
    fn bind(&mut self, percent: u32) {
        let nodes = self.stage.seen.nodes.iter();
        let (closed, open): (Vec<_>, Vec<_>) = nodes.partition(|node| node.unschedulable);
        let names = |nodes: Vec<&model::node::Node>| -> Vec<NodeName> {
            nodes.into_iter().map(|node| node.name.clone()).collect()
        };
        let (closed, open) = (names(closed), names(open));
        let (tolerate, pack) = (self.gene(Gene::Tolerate), self.gene(Gene::Pack));
        for pod in self.stage.seen.pods.iter_mut().filter(|pod| pod.node.is_none()) {
            let tolerates = self.dice.chance(tolerate);
            let nodes = if tolerates && !closed.is_empty() {
                &closed
            } else {
                &open
            };
            if nodes.is_empty() || !self.dice.chance(percent) {
                continue;
            }
            let first = if self.dice.chance(pack) {
                nodes.len().min(3)
            } else {
                nodes.len()
            };
            pod.node = Some(nodes[self.dice.index(first)].clone());
            pod.phase = PodPhase::Running;
        }
    }

    /// What a tenant with every right in its namespace does, and the scheduler after it.
    fn tenant(&mut self) {
        let (end, vanish) = (self.gene(Gene::End), self.gene(Gene::Vanish).saturating_sub(50));
        let pods = &mut self.stage.seen.pods;
        pods.retain(|pod| pod.phase != PodPhase::Finished && !(pod.spec == WILD && self.dice.chance(vanish)));
        let placed = pods
            .iter_mut()
            .filter(|pod| pod.node.is_some() && pod.spec == WILD);
        for pod in placed {
            if self.dice.chance(end) {
                pod.phase = PodPhase::Finished;
            }
        }
        let wanted = self.gene(Gene::Wanted);
        if wanted >= 25 {
            self.shop_wants((wanted - 25) * 2);
        }
        self.wait_for(self.gene(Gene::Wait).saturating_sub(30));
        self.bind(self.gene(Gene::Bind));
    }

    fn cycle(&mut self) {
        let by = PASSES[self.gene(Gene::Pass) as usize % PASSES.len()];
        self.stage.seen.at = Instant(self.stage.seen.at.0 + by);
        self.stage.seen.cycle += 1;
        self.tenant();
        self.stage.seen.sort();
        let limits = self.stage.aims.limits.clone();
        reconcile(&mut self.stage.ledger, &self.stage.seen, &limits);
        self.stage.seen.ledger = self.stage.ledger.clone();
        watch(&mut self.memory, &self.stage.seen, &self.stage.aims);
        self.look(by);
        let plan = plan(self.hostile());
        let proposal = Proposal {
            plan: &plan,
            notes: &self.stage.notes,
            resumed: &[],
            watch: Some(&self.memory.watch),
        };
        let (seen, aims) = (&self.stage.seen, &self.stage.aims);
        let cleared = judge(seen, &self.stage.ledger, proposal, aims, &Fence::sole()).cleared;
        let mut done = Vec::new();
        for step in &cleared {
            let failed = self
                .dice
                .chance(self.strategy.gene(self.cycle, Gene::Fail).saturating_sub(40) / 2);
            open(&mut self.stage.ledger, step, seen, aims);
            settle(&mut self.stage.ledger, step.get(), &outcome(failed), seen);
            if let StepKind::Evict { node, .. } = &step.get().kind {
                self.deeds.fills(seen.at, node);
            }
            if !failed {
                done.push(step);
            }
        }
        for step in done {
            self.carry_out(step);
        }
        self.stage.seen.sort();
        self.cycle += 1;
    }

    /// Looks which nodes stand empty, as the guard is shown it.
    fn look(&mut self, passed: i64) {
        let seen = &self.stage.seen;
        let runs = seen.pods.iter().filter(|pod| pod.phase != PodPhase::Finished);
        let filled: BTreeSet<&NodeName> = runs.filter_map(|pod| pod.node.as_ref()).collect();
        if passed > self.stage.aims.limits.window.millis() {
            self.empty.clear();
        }
        self.empty.retain(|node, _| !filled.contains(node));
        for node in seen.nodes.iter().filter(|node| !filled.contains(&node.name)) {
            self.empty.entry(node.name.clone()).or_insert(seen.at);
        }
    }

    /// The steps of a plan; what is given up is undone, as the engine would.
    fn hostile(&mut self) -> Vec<Step> {
        let intents = self.stage.ledger.intents.iter();
        let undone = intents.filter_map(|intent| match &intent.kind {
            IntentKind::Remove {
                node,
                stage: RemoveStage::Undoing,
                ..
            } => Some(node.clone()),
            _ => None,
        });
        let mut kinds: Vec<StepKind> = undone.map(|node| StepKind::Uncordon { node }).collect();
        let mut sizes: Vec<u32> = self.stage.seen.groups.iter().map(|group| group.desired).collect();
        for _ in 0..=self.gene(Gene::Steps) / 6 {
            kinds.extend(self.kind(&mut sizes));
        }
        let numbered = (0..).zip(kinds);
        let (cycle, generation) = (self.stage.seen.cycle, self.stage.ledger.generation);
        let steps = numbered.map(|(ordinal, kind)| {
            let mut step = step(ordinal, None, kind);
            (step.id.cycle, step.generation) = (cycle, generation);
            step
        });
        steps.collect()
    }

    fn kind(&mut self, sizes: &mut [u32]) -> Option<StepKind> {
        let weights = [Gene::Grow, Gene::Cordon, Gene::Evict, Gene::Remove, Gene::Scale];
        let weights = weights.map(|gene| self.gene(gene).saturating_sub(20));
        let mut at = self.dice.below(weights.iter().sum());
        let picked = weights.iter().position(|weight| {
            let here = at < *weight;
            at = at.saturating_sub(*weight);
            here
        });
        match picked? {
            0 => Some(self.growth(sizes)),
            1 => self.closing(),
            2 => self.eviction(),
            3 => self.removal(),
            _ => {
                let there = self.stage.seen.workloads[0].replicas;
                let to = (self.gene(Gene::Target) * MOST_REPLICAS / 90).clamp(1, MOST_REPLICAS);
                let to = if self.dice.chance(50) {
                    to
                } else {
                    MOST_REPLICAS - to + 1
                };
                Some(StepKind::ScaleWorkload {
                    workload: key(),
                    from: there,
                    to,
                })
            }
        }
    }

    fn growth(&mut self, sizes: &mut [u32]) -> StepKind {
        let group = usize::from(self.chance(Gene::Dear));
        let most = 1 + self.gene(Gene::Size) / 5;
        let count = 1 + self.dice.below(most);
        let all = self.chance(Gene::Repeat);
        let part = 1 + self.dice.below(4);
        let seen = &self.stage.seen;
        let there = seen.pods.iter().filter(|pod| all || pod.node.is_none());
        let mut pods: Vec<PodKey> = there.map(|pod| pod.key.clone()).collect();
        pods.retain(|_| self.dice.below(4) < part);
        let from = sizes[group];
        sizes[group] += count;
        let (name, offer) = (seen.groups[group].name.clone(), seen.offers[group].id.clone());
        if self.chance(Gene::Invent) {
            pods.extend((0..9).map(|n| PodKey::new("ns", format!("app-{n}"))));
        }
        StepKind::GrowGroup {
            group: name,
            offer,
            from,
            to: from + count,
            nodes: Vec::new(),
            pods,
            rate: UsdPerHour(i64::from(self.dice.below(9)) - 4),
        }
    }

    /// Takes a node out of service: an empty one, or any.
    fn closing(&mut self) -> Option<StepKind> {
        let empties = self.chance(Gene::Empties);
        let nodes = self.stage.seen.nodes.iter().filter(|node| !node.draining);
        let fits = |node: &&model::node::Node| empties == self.empty.contains_key(&node.name);
        let nodes: Vec<&NodeName> = nodes.filter(fits).map(|node| &node.name).collect();
        let name = (*nodes.get(self.dice.index(nodes.len()))?).clone();
        let (group, instance) = self.home(&name)?;
        Some(StepKind::Cordon {
            node: name,
            group,
            instance,
            after: Vec::new(),
        })
    }

    fn home(&self, name: &NodeName) -> Option<(model::GroupName, model::InstanceId)> {
        let node = self.stage.seen.node(name)?;
        node.group.clone().zip(node.instance.clone())
    }

    fn drained(&self) -> BTreeSet<&NodeName> {
        let nodes = self.stage.seen.nodes.iter().filter(|node| node.draining);
        nodes.map(|node| &node.name).collect()
    }

    fn eviction(&mut self) -> Option<StepKind> {
        let drained = self.drained();
        let on = |pod: &Pod| pod.node.clone().filter(|node| drained.contains(node));
        let pods = self.stage.seen.pods.iter();
        let moves: Vec<(PodKey, NodeName)> =
            pods.filter_map(|pod| Some((pod.key.clone(), on(pod)?))).collect();
        let (pod, node) = moves.get(self.dice.index(moves.len()))?.clone();
        Some(StepKind::Evict { pod, node })
    }

    fn removal(&mut self) -> Option<StepKind> {
        let drained: Vec<NodeName> = self.drained().into_iter().cloned().collect();
        let node = drained.get(self.dice.index(drained.len()))?.clone();
        let (group, instance) = self.home(&node)?;
        Some(StepKind::RemoveNode {
            group,
            node,
            instance,
        })
    }

    fn carry_out(&mut self, cleared: &Cleared<Step>) {
        let now = self.stage.seen.at;
        match &cleared.get().kind {
            StepKind::GrowGroup {
                group,
                from,
                to,
                pods,
                ..
            } => {
                self.buys((group.as_str(), to - from), pods);
            }
            StepKind::Cordon { node, .. } => {
                self.closes(node, cleared.counted());
                let node = self.stage.node_mut(node.as_str());
                (node.unschedulable, node.draining) = (true, true);
            }
            StepKind::Uncordon { node } => {
                let node = self.stage.node_mut(node.as_str());
                (node.unschedulable, node.draining) = (false, false);
            }
            StepKind::Evict { pod, .. } => {
                self.deeds.evicts(now, pod);
                // An earlier step of the plan may have taken it.
                for pod in self.stage.seen.pods.iter_mut().filter(|there| there.key == *pod) {
                    (pod.node, pod.phase) = (None, PodPhase::Pending);
                }
            }
            StepKind::RemoveNode { node, .. } => self.goes(node),
            StepKind::ScaleWorkload { to, .. } => {
                let before = self.wants(("app", 0), *to);
                self.deeds.takes(now, before.saturating_sub(*to).into());
            }
            _ => {}
        }
    }

    /// A node is gone with what is left on it; a plan may say so twice.
    fn goes(&mut self, name: &NodeName) {
        let Some((group, instance)) = self.home(name) else {
            return;
        };
        let seen = &mut self.stage.seen;
        self.deeds.goes(seen.at, name);
        seen.nodes.retain(|there| there.name != *name);
        seen.pods.retain(|pod| pod.node.as_ref() != Some(name));
        for home in seen.groups.iter_mut().filter(|home| home.name == group) {
            home.desired -= 1;
            home.instances.retain(|there| there.id != instance);
        }
    }

    /// Pods that wait speak for nodes that are full to one part of the play, each once in an hour, whatever is bought.
    fn buys(&mut self, (group, count): (&str, u32), pods: &[PodKey]) {
        let now = self.stage.seen.at;
        let mut speak = 0;
        for key in BTreeSet::from_iter(pods) {
            let waits = self.stage.seen.pod(key);
            if waits.is_some_and(|pod| pod.node.is_none() && pod.spec != 0) {
                speak += u64::from(self.deeds.speaks(key, now));
            }
        }
        let need = UsdPerHour(PRICE.times(speak * PLAY).0 / i64::from(PART));
        let price = price_in(group);
        let proven = u32::try_from(need.0 / price.0).unwrap_or(0).min(count);
        let home = usize::from(group == "xl");
        let nodes = (0..count).map(|_| self.join(home)).collect();
        self.deeds.buys(now, (nodes, proven), (price, need));
    }

    fn closes(&mut self, node: &NodeName, counted: Counted) {
        let now = self.stage.seen.at;
        let on = |pod: &&Pod| pod.node.as_ref() == Some(node) && pod.phase != PodPhase::Finished;
        let pods = self.stage.seen.pods.iter().filter(on).count() as u64;
        let made = self.stage.seen.node(node).map_or(now, |node| node.created);
        self.deeds.leaves(now, node, made);
        match counted {
            Counted::Explained(_) => self.deeds.explains(now, pods),
            Counted::Emptied => {
                let patience = self.stage.aims.shrink.unneeded_for;
                let since = self.empty.get(node);
                assert!(
                    since.is_some_and(|since| now.since(*since) >= patience),
                    "{node} was filled"
                );
                self.deeds.empties(now, node);
            }
            _ => self.deeds.removes(now),
        }
    }
}

fn price_in(group: &str) -> UsdPerHour {
    PRICE.times(if group == "xl" { DEAR } else { 1 })
}

fn outcome(failed: bool) -> Outcome {
    if failed {
        Outcome::Failed { why: String::new() }
    } else {
        Outcome::Done {
            instances: Vec::new(),
        }
    }
}
