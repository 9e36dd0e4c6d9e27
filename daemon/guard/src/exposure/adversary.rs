//! A fully malicious policy against the judge, with a moving clock: random hostile plans, carried out as far as they are
//! cleared, never do more in any hour than `exposure` prints.
//!
//! What is counted here is what was carried out, pod by pod and node by node, with none of the guard's tallies.
//! `PLIMSOLL_ADVERSARY_STEPS` sets how many steps are tried in all.

use super::*;
use crate::cleared::{Cleared, Counted, Fence};
use crate::evidence::{PLAY, watch};
use crate::judge::{Proposal, judge};
use crate::ledger::{open, reconcile, settle};
use crate::stage::{NOW, PRICE, Stage, cordon, evict, instance, node, plan, pod, remove, scale, step};
use model::group::InstanceState;
use model::memory::Memory;
use model::plan::{Step, StepKind};
use model::pod::PodPhase;
use model::{Instant, NodeName, Outcome, PodKey, Resources, WorkloadKey};
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

/// Steps of the usual run.
const STEPS: u64 = 100_000;
const HOUR: Span = Span::from_secs(3600);
/// A pod is this part of a node.
const PART: u32 = 4;

/// Knuth's MMIX generator: the same every time.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u32) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u32::try_from((self.0 >> 33) % u64::from(most.max(1))).unwrap_or(0)
    }
}

/// What was done, and when.
#[derive(Default)]
struct Done {
    /// Nodes bought, and nodes that the pods needed which came to wait by themselves.
    bought: VecDeque<(Instant, u32)>,
    bought_in_a_day: VecDeque<(Instant, u32)>,
    removed: VecDeque<(Instant, u32)>,
    evicted: VecDeque<(Instant, u32)>,
    emptied: VecDeque<(Instant, u32)>,
    /// Pods moved because owners explain it, and pods that owners have let go of, these for two hours.
    explained: VecDeque<(Instant, u32)>,
    explained_nodes: VecDeque<(Instant, u32)>,
    released: VecDeque<(Instant, u32)>,
}

fn within(deeds: &mut VecDeque<(Instant, u32)>, now: Instant) -> u32 {
    within_hours(deeds, now, 1)
}

fn within_hours(deeds: &mut VecDeque<(Instant, u32)>, now: Instant, hours: i64) -> u32 {
    deeds.retain(|(at, _)| now.since(*at).millis() <= HOUR.millis() * hours);
    deeds.iter().map(|(_, count)| count).sum()
}

struct World {
    stage: Stage,
    memory: Memory,
    done: Done,
    dice: Dice,
    /// Pods that came to wait by themselves, not by anything a plan did.
    honest: BTreeSet<PodKey>,
    named: u32,
    tried: u64,
    /// The most that was reached of the bounds, in percent: nodes, removals, evictions.
    reached: [u32; 3],
    /// Most pods that were moved in an hour because owners explained it.
    explained: u32,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut stage = Stage::new();
        stage.seen.pods.clear();
        stage.seen.nodes.clear();
        stage.seen.budgets.clear();
        stage.aims.limits = Limits {
            bought_per_window: 6,
            max_nodes: 120,
            evictions_per_window: 9,
            removed_per_window_permille: 100,
            removed_per_long_window_permille: 200,
            ..Limits::default()
        };
        let group = stage.group_mut();
        (group.min, group.max, group.desired) = (0, 4000, 0);
        group.instances.clear();
        stage.seen.workloads[0].replicas = 0;
        let own = Arc::make_mut(&mut stage.seen.specs[0]);
        own.requests = Resources::new(2000 / i64::from(PART), 1 << 30);
        // The pods of nobody's workload come and go by themselves; those of `app` are the policy's to scale.
        let mut wild = (*stage.seen.specs[0]).clone();
        wild.owner = None;
        stage.seen.specs.push(Arc::new(wild));
        // Those of an honest one too, and it says how many it wants.
        let mut honest = (*stage.seen.specs[0]).clone();
        let owner = WorkloadKey::new("Deployment", "ns", "shop");
        honest.owner = Some(owner.clone());
        stage.seen.specs.push(Arc::new(honest));
        let shop = model::Workload {
            key: owner,
            ..stage.seen.workloads[0].clone()
        };
        stage.seen.workloads.push(shop);
        let mut world = Self {
            stage,
            memory: Memory::default(),
            done: Done::default(),
            dice: Dice(seed),
            honest: BTreeSet::new(),
            named: 0,
            tried: 0,
            reached: [0; 3],
            explained: 0,
        };
        for _ in 0..60 {
            world.join();
        }
        world.wait_for(100);
        world.shop_wants(80);
        world.bind();
        world
    }

    fn join(&mut self) {
        let name = format!("n{:05}", self.named);
        self.named += 1;
        let group = self.stage.group_mut();
        group.desired += 1;
        group
            .instances
            .push(instance(&format!("i-{name}"), InstanceState::InService));
        let mut fresh = node(&name);
        fresh.created = self.stage.seen.at;
        self.stage.seen.nodes.push(fresh);
        self.stage.seen.sort();
    }

    fn wait_for(&mut self, count: u32) {
        for _ in 0..count {
            let mut waiting = pod(&format!("p{:06}", self.named), None);
            waiting.spec = 1;
            waiting.created = self.stage.seen.at;
            self.named += 1;
            self.honest.insert(waiting.key.clone());
            self.stage.seen.pods.push(waiting);
        }
        self.stage.seen.sort();
    }

    /// The honest workload wants so many replicas, and has them at once.
    fn shop_wants(&mut self, replicas: u32) {
        let seen = &mut self.stage.seen;
        let shop = seen.workloads.iter_mut().find(|of| &*of.key.name == "shop");
        let Some(shop) = shop else { return };
        shop.replicas = replicas;
        let there: Vec<PodKey> = seen
            .pods
            .iter()
            .filter(|pod| pod.spec == 2)
            .map(|pod| pod.key.clone())
            .collect();
        let wanted = replicas as usize;
        if there.len() > wanted {
            let gone: BTreeSet<&PodKey> = there.iter().skip(wanted).collect();
            let count = u32::try_from(gone.len()).unwrap_or(u32::MAX);
            self.done.released.push_back((seen.at, count));
            seen.pods.retain(|pod| !gone.contains(&pod.key));
            return;
        }
        for _ in there.len()..wanted {
            let mut waiting = pod(&format!("s{:06}", self.named), None);
            (waiting.spec, waiting.created) = (2, seen.at);
            self.named += 1;
            self.honest.insert(waiting.key.clone());
            seen.pods.push(waiting);
        }
        seen.sort();
    }

    /// Some of what waits is placed, and ends some time.
    fn bind(&mut self) {
        let nodes: Vec<NodeName> = self
            .stage
            .seen
            .nodes
            .iter()
            .filter(|n| !n.unschedulable)
            .map(|n| n.name.clone())
            .collect();
        if nodes.is_empty() {
            return;
        }
        for pod in &mut self.stage.seen.pods {
            let at = self.dice.below(u32::try_from(nodes.len()).unwrap_or(1)) as usize;
            if pod.node.is_none() && self.dice.below(3) > 0 {
                pod.node = Some(nodes[at].clone());
                pod.phase = PodPhase::Running;
            }
        }
    }

    fn pass(&mut self) {
        let passes = [
            0, 7_000, 30_000, 61_000, 300_000, 600_000, 601_000, 3_600_000, 3_601_000,
        ];
        let by = passes[self.dice.below(9) as usize];
        self.stage.seen.at = Instant(self.stage.seen.at.0 + by + 1);
        self.stage.seen.cycle += 1;
        if self.dice.below(4) == 0 {
            let count = self.dice.below(40);
            self.wait_for(count);
        }
        if self.dice.below(5) == 0 {
            let replicas = self.dice.below(90);
            self.shop_wants(replicas);
        }
        if self.dice.below(2) == 0 {
            self.bind();
        }
        if self.dice.below(6) == 0 {
            for pod in &mut self.stage.seen.pods {
                if pod.node.is_some() && pod.spec != 2 && self.dice.below(8) == 0 {
                    pod.phase = PodPhase::Finished;
                }
            }
        }
        if self.dice.below(5) == 0 {
            self.stage.seen.pods.retain(|pod| pod.phase != PodPhase::Finished);
        }
    }

    /// Anything a plan can say, most of it about things that are there.
    fn hostile(&mut self, ordinal: u32) -> Step {
        let nodes = u32::try_from(self.stage.seen.nodes.len()).unwrap_or(0);
        let pods = u32::try_from(self.stage.seen.pods.len()).unwrap_or(0);
        let (name, key) = (self.dice.below(nodes) as usize, self.dice.below(pods) as usize);
        let name = self
            .stage
            .seen
            .nodes
            .get(name)
            .map_or_else(|| "n".to_owned(), |n| n.name.as_str().to_owned());
        let drained = self.stage.seen.nodes.iter().filter(|node| node.draining);
        let drained: BTreeSet<&NodeName> = drained.map(|node| &node.name).collect();
        let mut moving = self.stage.seen.pods.iter().cycle().skip(key).take(pods as usize);
        let on = moving
            .find(|pod| pod.node.as_ref().is_some_and(|node| drained.contains(node)))
            .cloned();
        let kind = match self.dice.below(8) {
            0..=2 => {
                let from = self.stage.seen.groups[0].desired;
                let most = [3, 20, 150][usize::try_from(self.dice.0 % 3).unwrap_or(0)];
                let count = 1 + self.dice.below(most);
                let all = self.dice.below(2) == 0;
                let invented = (0..9).map(|n| PodKey::new("ns", format!("app-{n}")));
                let there = self
                    .stage
                    .seen
                    .pods
                    .iter()
                    .filter(|pod| all || pod.node.is_none());
                let pods = there.map(|pod| pod.key.clone()).chain(invented).collect();
                StepKind::GrowGroup {
                    group: "web".into(),
                    offer: "m6a.large/a/on-demand".into(),
                    from,
                    to: from + count,
                    nodes: Vec::new(),
                    pods,
                    rate: UsdPerHour(i64::from(self.dice.below(9)) - 4),
                }
            }
            3 | 4 => cordon(&name),
            5 => on
                .as_ref()
                .and_then(|pod| Some(evict(&pod.key.name, pod.node.as_ref()?.as_str())))
                .unwrap_or_else(|| remove(&name)),
            6 => remove(&name),
            _ => scale(self.dice.below(9), self.dice.below(12)),
        };
        let mut hostile = step(ordinal, None, kind);
        hostile.id.cycle = self.stage.seen.cycle;
        hostile.generation = self.stage.ledger.generation;
        hostile
    }

    fn cycle(&mut self) {
        self.pass();
        let limits = self.stage.aims.limits.clone();
        self.stage.seen.sort();
        reconcile(&mut self.stage.ledger, &self.stage.seen, &limits);
        self.stage.seen.ledger = self.stage.ledger.clone();
        watch(&mut self.memory, &self.stage.seen, &self.stage.aims);
        let count = 1 + self.dice.below(24);
        let plan = plan((0..count).map(|ordinal| self.hostile(ordinal)).collect());
        self.tried += u64::from(count);
        let proposal = Proposal {
            plan: &plan,
            notes: &self.stage.notes,
            resumed: &[],
            watch: Some(&self.memory.watch),
        };
        let said = judge(
            &self.stage.seen,
            &self.stage.ledger,
            proposal,
            &self.stage.aims,
            &Fence::sole(),
        );
        let before = self.stage.seen.clone();
        for cleared in said.cleared {
            open(&mut self.stage.ledger, &cleared, &before, &self.stage.aims);
            self.carry_out(&cleared);
            settle(
                &mut self.stage.ledger,
                cleared.get(),
                &Outcome::Done {
                    instances: Vec::new(),
                },
                &before,
            );
        }
        self.hold_against_the_bound();
    }

    fn carry_out(&mut self, cleared: &Cleared<Step>) {
        let now = self.stage.seen.at;
        let counted = cleared.counted();
        match &cleared.get().kind {
            StepKind::GrowGroup { from, to, pods, .. } => {
                // Honest pods speak for nodes that are full to one part of the play, each once.
                let mut honest = 0;
                for pod in pods {
                    honest += u32::from(self.honest.remove(pod));
                }
                let needed = honest * u32::try_from(PLAY).unwrap_or(1) / PART;
                let unproven = (to - from).saturating_sub(needed);
                self.done.bought.push_back((now, unproven));
                self.done.bought_in_a_day.push_back((now, unproven));
                for _ in *from..*to {
                    self.join();
                }
            }
            StepKind::Cordon { node, .. } => {
                let is =
                    |pod: &&model::Pod| pod.node.as_ref() == Some(node) && pod.phase != PodPhase::Finished;
                let filled = self.stage.seen.pods.iter().any(|pod| is(&pod));
                let count = match counted {
                    Counted::Explained(pods) => {
                        self.done.explained.push_back((now, pods));
                        &mut self.done.explained_nodes
                    }
                    _ if filled => &mut self.done.removed,
                    _ => &mut self.done.emptied,
                };
                count.push_back((now, 1));
                let node = self.stage.node_mut(node.as_str());
                (node.unschedulable, node.draining) = (true, true);
            }
            StepKind::Evict { pod, .. } => {
                self.done.evicted.push_back((now, 1));
                let pod = self.stage.pod_mut(&pod.name);
                (pod.node, pod.phase) = (None, PodPhase::Pending);
            }
            StepKind::RemoveNode { node, instance, .. } => {
                self.stage.seen.nodes.retain(|there| there.name != *node);
                let group = self.stage.group_mut();
                group.desired -= 1;
                group.instances.retain(|there| there.id != *instance);
            }
            _ => {}
        }
    }

    /// What nodes that nothing proved have cost since they were bought, of the last day.
    fn cost_of_a_day(&mut self, now: Instant) -> Usd {
        self.done
            .bought_in_a_day
            .retain(|(at, _)| now.since(*at).millis() <= DAY.millis());
        let nodes = self.done.bought_in_a_day.iter();
        let costs = nodes.map(|(at, count)| PRICE.times(u64::from(*count)).over(now.since(*at)));
        costs.sum()
    }

    fn hold_against_the_bound(&mut self) {
        let (now, bound) = (self.stage.seen.at, exposure(&self.stage.aims.limits));
        let did = [
            within(&mut self.done.bought, now),
            within(&mut self.done.removed, now),
            within(&mut self.done.evicted, now),
        ];
        let most = [bound.nodes_bought, bound.nodes_removed, bound.evictions];
        for (reached, (did, most)) in self.reached.iter_mut().zip(did.into_iter().zip(most)) {
            assert!(did <= most, "{did} in an hour, {most} was printed");
            *reached = (*reached).max(did * 100 / most.max(1));
        }
        let moved = within(&mut self.done.explained, now);
        assert!(moved <= within_hours(&mut self.done.released, now, 2), "{moved}");
        assert!(within(&mut self.done.explained_nodes, now) <= bound.nodes_explained);
        self.explained = self.explained.max(moved);
        // Those nobody watched count as any other.
        assert!(within(&mut self.done.emptied, now) <= bound.nodes_emptied + bound.nodes_removed);
        assert!(PRICE.times(u64::from(did[0])) <= bound.added);
        let day = self.cost_of_a_day(now);
        assert!(day <= bound.day, "{day} in a day, {} was printed", bound.day);
        let nodes = u32::try_from(self.stage.seen.nodes.len()).unwrap_or(u32::MAX);
        assert!(nodes <= bound.max_nodes && PRICE.times(u64::from(nodes)) <= bound.max_rate);
    }
}

#[test]
fn no_hostile_plan_does_more_than_is_printed() {
    let wanted = std::env::var("PLIMSOLL_ADVERSARY_STEPS")
        .ok()
        .and_then(|steps| steps.parse().ok());
    let wanted: u64 = wanted.unwrap_or(STEPS);
    let (mut tried, mut seed, mut reached, mut explained) = (0, 1, [0; 3], 0);
    while tried < wanted {
        let mut world = World::new(seed);
        assert_eq!(world.stage.seen.at, NOW);
        for _ in 0..60 {
            world.cycle();
        }
        tried += world.tried;
        seed += 1;
        explained = explained.max(world.explained);
        for (most, reached) in reached.iter_mut().zip(world.reached) {
            *most = reached.max(*most);
        }
    }
    let [bought, removed, evicted] = reached;
    println!(
        "{tried} steps reached {bought} % of the bound of nodes, {removed} % of removals, {evicted} % of evictions; {explained} \
         pods were moved for what owners let go of"
    );
    // A bound that nobody comes near proves little.
    assert!(
        bought > 50 && removed > 25 && evicted > 0 && explained > 5,
        "{reached:?} {explained}"
    );
}

#[test]
fn the_usual_bounds_are_these() {
    let bound = exposure(&Limits::default());
    assert_eq!(
        (bound.nodes_bought, bound.added),
        (600, UsdPerHour(300_000_000_000))
    );
    assert_eq!((bound.nodes_removed, bound.evictions), (100, 6000));
    assert_eq!(
        (bound.max_nodes, bound.max_rate),
        (1000, UsdPerHour(500_000_000_000))
    );
    // In ten windows it is at the ceiling.
    assert_eq!(bound.day, Usd(11_708_333_333_330));
    let tight = Limits {
        emptied_per_window_permille: 0,
        ..Limits::default()
    };
    assert_eq!(
        (bound.nodes_emptied, exposure(&tight).nodes_emptied),
        (200 * 60, 0)
    );
    let tight = Limits {
        explained_per_window_permille: 0,
        ..Limits::default()
    };
    assert_eq!(
        (bound.nodes_explained, exposure(&tight).nodes_explained),
        (200 * 60, 0)
    );
    let slow = Limits {
        window: Span::from_secs(3600),
        ..Limits::default()
    };
    assert_eq!(exposure(&slow).nodes_bought, 100);
}
