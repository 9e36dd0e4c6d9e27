//! The stand-in kube-scheduler: filters, scores by LeastAllocated or MostAllocated, binds; honours nominations.
//!
//! It has a fit of its own on purpose: what the engine counts on and this one refuses shows up as pods that
//! wait. Deliberately absent: preemption, and every constraint that a scenario cannot express.

use crate::referee::Violation;
use crate::scenario::Scoring;
use crate::world::queue::Event;
use crate::world::state::{SimNode, State};
use model::node::STARTING_TAINT;
use model::pod::{PodPhase, SpecIx, Taint, TaintEffect, Toleration};
use model::selector::{Labels, NodeTerm, Operator, Requirement};
use model::{NodeName, PodKey, PodSpec, Resources};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The score of an empty node: thousandths of CPU and of memory.
const FULL_ROOM: i64 = 2000;

/// Waiting pods by the node they are nominated to.
type Nominations = BTreeMap<NodeName, Vec<(PodKey, i32, SpecIx)>>;

impl State {
    /// Binds what fits, higher priority first, then older.
    pub(crate) fn schedule(&mut self) {
        let mut queue: Vec<(Reverse<i32>, model::Instant, PodKey)> = Vec::new();
        let mut nominations = Nominations::new();
        for (key, pod) in &self.pods {
            if !pod.waits() || pod.profile.is_some() {
                continue;
            }
            let priority = self.specs.get(pod.spec as usize).map_or(0, |s| s.priority);
            queue.push((Reverse(priority), pod.created, key.clone()));
            if let Some(node) = &pod.nominated {
                let at = nominations.entry(node.clone()).or_default();
                at.push((key.clone(), priority, pod.spec));
            }
        }
        queue.sort();
        for (_, _, key) in queue {
            if let Some(node) = self.choose(&key, &nominations) {
                for pods in nominations.values_mut() {
                    pods.retain(|(pod, ..)| *pod != key);
                }
                self.bind(&key, &node);
            }
        }
    }

    fn choose(&self, key: &PodKey, nominations: &Nominations) -> Option<NodeName> {
        let pod = self.pods.get(key)?;
        let spec = self.spec(pod.spec);
        let fits = |name: &NodeName, node: &SimNode| {
            let reserved = self.reserved(name, key, spec.priority, nominations);
            node.schedulable()
                && allows(&spec, node, name, pod.let_in)
                && has_room(&spec.requests, node, &reserved)
        };
        if let Some(name) = &pod.nominated
            && self.nodes.get(name).is_some_and(|node| fits(name, node))
        {
            return Some(name.clone());
        }
        let able: Vec<(&NodeName, &SimNode, i64)> = self
            .nodes
            .iter()
            .filter(|(name, node)| fits(name, node))
            .map(|(name, node)| (name, node, unwanted(&spec, node)))
            .collect();
        let most = able.iter().map(|(.., unwanted)| *unwanted).max().unwrap_or(0);
        able.into_iter()
            .map(|(name, node, unwanted)| {
                let empty = emptiness(&spec.requests, node);
                let room = match self.scenario.scoring {
                    Scoring::LeastAllocated => empty,
                    Scoring::MostAllocated => FULL_ROOM - empty,
                };
                (Reverse(room + welcome(unwanted, most)), name)
            })
            .min()
            .map(|(_, name)| name.clone())
    }

    /// What other nominated pods of at least this priority will take (kube-scheduler counts them as there).
    fn reserved(&self, name: &NodeName, key: &PodKey, priority: i32, all: &Nominations) -> (Resources, u32) {
        let mut sum = Resources::default();
        let mut count = 0;
        for (other, theirs, spec) in all.get(name).into_iter().flatten() {
            if other != key && *theirs >= priority {
                sum.add(&self.spec(*spec).requests);
                count += 1;
            }
        }
        (sum, count)
    }

    /// Binds a pod; it starts after its lag.
    pub(crate) fn bind(&mut self, key: &PodKey, node: &NodeName) {
        let now = self.now;
        let Some(pod) = self.pods.get_mut(key) else { return };
        pod.node = Some(node.clone());
        pod.phase = PodPhase::Starting;
        pod.bound = Some(now);
        let (spec, since) = (pod.spec, pod.since);
        let lag = self.owners.get(&pod.owner).map(|o| o.pod.start);
        self.tally.placed(now.since(since));
        let started = lag.map_or(now, |lag| now + self.rng.lag(lag));
        self.queue.push(started, Event::Started(key.clone()));
        self.occupy(node, spec);
        if let Some(breach) = self.overcommit(node) {
            self.breach(breach);
        }
        self.dirty = true;
    }

    /// The referee's count of a node: every pod that holds resources there, added up anew.
    pub(crate) fn overcommit(&self, name: &NodeName) -> Option<Violation> {
        let node = self.nodes.get(name)?;
        let holds = |phase| phase != PodPhase::Finished;
        let specs: Vec<Arc<PodSpec>> = self
            .pods
            .values()
            .filter(|p| p.node.as_ref() == Some(name) && holds(p.phase))
            .map(|p| self.spec(p.spec))
            .collect();
        let cpu: i64 = specs.iter().map(|s| s.requests.cpu_milli).sum();
        let memory: i64 = specs.iter().map(|s| s.requests.memory_bytes).sum();
        let broken = cpu > node.allocatable.cpu_milli
            || memory > node.allocatable.memory_bytes
            || specs.len() > node.max_pods as usize;
        broken.then(|| Violation::overcommit(self.now, name, cpu, memory, specs.len()))
    }
}

/// Taints, node selector, required node affinity, and where the pod's volumes are. `let_in`: it tolerates the startup
/// taint.
pub(crate) fn allows(spec: &PodSpec, node: &SimNode, name: &NodeName, let_in: bool) -> bool {
    let named = |wanted: &Requirement| {
        let fields = Labels::from([("metadata.name".to_owned(), name.to_string())]);
        satisfied(wanted, &fields)
    };
    let any = |terms: &Vec<NodeTerm>| {
        terms.iter().any(|term| {
            let empty = term.labels.is_empty() && term.fields.is_empty();
            !empty && term.labels.iter().all(|r| satisfied(r, &node.labels)) && term.fields.iter().all(named)
        })
    };
    let blocking = |taint: &&Taint| {
        taint.effect != TaintEffect::PreferNoSchedule && !(let_in && taint.key == STARTING_TAINT)
    };
    let mut taints = node.taints.iter().filter(blocking);
    taints.all(|taint| spec.tolerations.iter().any(|t| covers(t, taint)))
        && spec
            .node_selector
            .iter()
            .all(|(key, value)| node.labels.get(key) == Some(value))
        && spec.node_affinity.as_ref().is_none_or(any)
        && spec.reach.iter().all(any)
}

fn covers(toleration: &Toleration, taint: &Taint) -> bool {
    let key = toleration.key.as_deref().unwrap_or(&taint.key);
    let value = toleration.value.as_deref().unwrap_or(&taint.value);
    let effect = toleration.effect.unwrap_or(taint.effect);
    key == taint.key && value == taint.value && effect == taint.effect
}

fn satisfied(wanted: &Requirement, labels: &Labels) -> bool {
    let there = labels.get(&wanted.key);
    let number = there.and_then(|value| value.parse::<i64>().ok());
    match &wanted.operator {
        Operator::In(values) => there.is_some_and(|value| values.contains(value)),
        Operator::NotIn(values) => there.is_none_or(|value| !values.contains(value)),
        Operator::Exists => there.is_some(),
        Operator::DoesNotExist => there.is_none(),
        Operator::Gt(bound) => number.is_some_and(|number| number > *bound),
        Operator::Lt(bound) => number.is_some_and(|number| number < *bound),
    }
}

/// Whether an empty node holds it, DaemonSets aside.
pub(crate) fn holds(asked: &Resources, node: &SimNode) -> bool {
    has_room(asked, node, &(Resources::default(), 0))
}

fn has_room(asked: &Resources, node: &SimNode, reserved: &(Resources, u32)) -> bool {
    let left = |whole: i64, used: i64, held: i64| whole - used - held;
    let enough = |asked: i64, left: i64| asked <= 0 || asked <= left;
    let (whole, used, held) = (&node.allocatable, &node.used, &reserved.0);
    enough(
        asked.cpu_milli,
        left(whole.cpu_milli, used.cpu_milli, held.cpu_milli),
    ) && enough(
        asked.memory_bytes,
        left(whole.memory_bytes, used.memory_bytes, held.memory_bytes),
    ) && enough(
        asked.ephemeral_bytes,
        left(whole.ephemeral_bytes, used.ephemeral_bytes, held.ephemeral_bytes),
    ) && asked.extended.iter().all(|(name, &amount)| {
        let left = left(whole.amount(name), used.amount(name), held.amount(name));
        enough(amount, left)
    }) && node.count + reserved.1 < node.max_pods
}

/// Taints `PreferNoSchedule` that the pod does not tolerate.
fn unwanted(spec: &PodSpec, node: &SimNode) -> i64 {
    let taints = node.shown_taints();
    let soft = taints
        .iter()
        .filter(|taint| taint.effect == TaintEffect::PreferNoSchedule);
    let count = soft
        .filter(|taint| !spec.tolerations.iter().any(|t| covers(t, taint)))
        .count();
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// TaintToleration: all of it where no such taint is, nothing on nodes that have most of them; it weighs three times
/// as much as room does (kube-scheduler's default plugins).
fn welcome(unwanted: i64, most: i64) -> i64 {
    const WEIGHT: i64 = 3;
    WEIGHT * (most - unwanted) * FULL_ROOM / most.max(1)
}

/// LeastAllocated: free share of CPU and memory with the pod on it, in thousandths, summed.
fn emptiness(asked: &Resources, node: &SimNode) -> i64 {
    let share = |whole: i64, used: i64, asked: i64| (whole - used - asked).max(0) * 1000 / whole.max(1);
    let (whole, used) = (&node.allocatable, &node.used);
    share(whole.cpu_milli, used.cpu_milli, asked.cpu_milli)
        + share(whole.memory_bytes, used.memory_bytes, asked.memory_bytes)
}
