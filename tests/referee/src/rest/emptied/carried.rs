//! Removals carried out: nodes are cordoned, pods evicted as budgets let them, made anew by their controllers and bound
//! where the plan has them, where kube-scheduler admits them there; then the nodes go.

use super::movable;
use super::{Finding, Kind};
use crate::case::{self, Case};
use crate::rest::features;
use crate::rest::realise;
use crate::rest::world::World;
use crate::scheduler::{Answer, Scheduler};
use anyhow::Result;
use model::plan::{Plan, StepKind};
use model::snapshot::Snapshot;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What came of a plan.
pub(super) struct Carried {
    /// The cluster afterwards.
    pub(super) world: World,
    /// Pods evicted.
    pub(super) evictions: u64,
    /// Nodes bought in place of others.
    pub(super) bought: u64,
    /// What went wrong; nothing is carried on then.
    pub(super) findings: Vec<Finding>,
}

/// Nodes that the plan begins to remove, in its order.
pub(super) fn removed(plan: &Plan) -> Vec<String> {
    let node = |kind: &StepKind| match kind {
        StepKind::Cordon { node, .. } => Some(node.as_str().to_owned()),
        _ => None,
    };
    plan.steps.iter().filter_map(|step| node(&step.kind)).collect()
}

/// Carries out the removals of a plan.
pub(super) fn carried(
    world: &World,
    (seen, plan): (&Snapshot, &Plan),
    scheduler: &mut Scheduler,
) -> Result<Carried> {
    let gone = removed(plan);
    let mut done = Carried {
        world: joined(world, seen, plan)?,
        evictions: 0,
        bought: plan.replacements.len() as u64,
        findings: Vec::new(),
    };
    for node in &mut done.world.case.nodes {
        if gone.iter().any(|name| case::name(node) == name) {
            cordon(node);
        }
    }
    let mut round = Round {
        to: targets(plan, &mut done.findings),
        waiting: Vec::new(),
        number: seen.cycle,
        made: 0,
    };
    while done.findings.is_empty() {
        let evicted = round.evict(&mut done.world, &gone);
        done.evictions += evicted;
        let bound = round.bind(&mut done.world, scheduler, &mut done.findings)?;
        if evicted + bound == 0 {
            break;
        }
    }
    let left: usize = gone
        .iter()
        .map(|node| movable::movers(&done.world, node).len())
        .sum();
    if done.findings.is_empty() && (left > 0 || !round.waiting.is_empty()) {
        round.stuck(&done.world, scheduler, &mut done.findings)?;
    }
    let goes = |name: &Value| gone.iter().any(|gone| *name == **gone);
    let case = &mut done.world.case;
    case.nodes.retain(|node| !goes(&node["metadata"]["name"]));
    case.csi_nodes.retain(|node| !goes(&node["metadata"]["name"]));
    case.pods.retain(|pod| !goes(&pod["spec"]["nodeName"]));
    Ok(done)
}

/// With the nodes that are bought in place of others.
fn joined(world: &World, seen: &Snapshot, plan: &Plan) -> Result<World> {
    if plan.replacements.is_empty() {
        return Ok(world.clone());
    }
    let purchase = Plan {
        nodes: plan.replacements.clone(),
        ..Plan::default()
    };
    Ok(realise::settled(&realise::joining(world, seen, &purchase)?))
}

/// As `kubectl cordon` and the node lifecycle controller leave it.
pub(super) fn cordon(node: &mut Value) {
    node["spec"]["unschedulable"] = json!(true);
    let taint = json!({"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"});
    match node["spec"]["taints"].as_array_mut() {
        Some(taints) => taints.push(taint),
        None => node["spec"]["taints"] = json!([taint]),
    }
}

/// Where the plan has each pod.
fn targets(plan: &Plan, findings: &mut Vec<Finding>) -> BTreeMap<String, String> {
    let mut to = BTreeMap::new();
    let there = plan
        .moves
        .iter()
        .map(|(node, pods)| (node.as_str().to_owned(), pods));
    let new = plan
        .replacements
        .iter()
        .map(|node| (realise::real_name(&node.name), &node.pods));
    for (node, pods) in there.chain(new) {
        for pod in pods {
            if to.insert(pod.to_string(), node.clone()).is_some() {
                findings.push(Finding {
                    kind: Kind::MovesTwice,
                    sort: String::new(),
                    about: pod.to_string(),
                    said: String::new(),
                });
            }
        }
    }
    to
}

struct Round {
    /// By pod: its node.
    to: BTreeMap<String, String>,
    /// Copies that wait, and where the plan has them.
    waiting: Vec<(Value, String)>,
    number: u64,
    /// Copies made.
    made: u64,
}

impl Round {
    /// Evicts what budgets let go; returns how many.
    fn evict(&mut self, world: &mut World, gone: &[String]) -> u64 {
        let mut evicted = 0;
        for node in gone {
            for pod in movable::movers(world, node) {
                let allows = |budget: &Value| movable::allowed(world, budget) > 0;
                if !movable::budgets(world, &pod).all(allows) {
                    continue;
                }
                let name = case::key(&pod).to_string();
                world
                    .case
                    .pods
                    .retain(|other| case::key(other) != case::key(&pod));
                let copy = self.copy(pod);
                world.case.pending.push(copy.clone());
                world.case.bind.push(String::new());
                let to = self.to.get(&name).cloned().unwrap_or_default();
                self.waiting.push((copy, to));
                evicted += 1;
            }
        }
        evicted
    }

    /// The pod that the controller makes in place of the other: a StatefulSet's has the same name.
    fn copy(&mut self, mut pod: Value) -> Value {
        self.made += 1;
        let owner = pod["metadata"]["ownerReferences"][0].clone();
        if owner["kind"] != "StatefulSet" {
            let owner = owner["name"].as_str().unwrap_or_default();
            pod["metadata"]["name"] = json!(format!("{owner}-r{}x{}", self.number, self.made));
        }
        if let Some(spec) = pod["spec"].as_object_mut() {
            spec.remove("nodeName");
        }
        pod["status"] = json!({"phase": "Pending"});
        pod
    }

    fn asked(&self, world: &World, backwards: bool) -> Case {
        let mut waiting: Vec<&(Value, String)> = self.waiting.iter().collect();
        if backwards {
            waiting.reverse();
        }
        Case {
            pending: waiting.iter().map(|(pod, _)| pod.clone()).collect(),
            bind: waiting.iter().map(|(_, node)| node.clone()).collect(),
            any_order: true,
            ..world.case.clone()
        }
    }

    /// Binds those that kube-scheduler admits where the plan has them; returns how many.
    fn bind(
        &mut self,
        world: &mut World,
        scheduler: &mut Scheduler,
        findings: &mut Vec<Finding>,
    ) -> Result<u64> {
        if self.waiting.is_empty() {
            return Ok(0);
        }
        let mut asked = self.asked(world, false);
        let mut answer = scheduler.ask(&asked)?;
        anyhow::ensure!(answer.error.is_empty(), "{}: {}", answer.id, answer.error);
        if let Some(why) = answer.refused.first() {
            findings.push(Finding {
                kind: Kind::Invalid,
                sort: String::new(),
                about: String::new(),
                said: why.clone(),
            });
            return Ok(0);
        }
        if !admitted(&asked, &answer).iter().all(|admitted| *admitted) {
            let again = self.asked(world, true);
            let other = scheduler.ask(&again)?;
            let count = |of: Vec<bool>| of.into_iter().filter(|admitted| *admitted).count();
            if count(admitted(&again, &other)) > count(admitted(&asked, &answer)) {
                (asked, answer) = (again, other);
            } else if self.swap(world, &answer) {
                asked = self.asked(world, false);
                answer = scheduler.ask(&asked)?;
            }
        }
        let places = admitted(&asked, &answer);
        let mut bound = asked.clone();
        let mut is_bound = places.iter();
        bound.pending.retain(|_| *is_bound.next().unwrap_or(&false));
        let mut is_bound = places.iter();
        bound.bind.retain(|_| *is_bound.next().unwrap_or(&false));
        *world = realise::bound(world, &bound);
        let there = |pod: &Value| {
            bound
                .pending
                .iter()
                .any(|other| case::key(other) == case::key(pod))
        };
        self.waiting.retain(|(pod, _)| !there(pod));
        Ok(bound.pending.len() as u64)
    }

    /// Gives pods that wait in vain the places of others of their kind, who have not left yet: nobody tells which is which.
    fn swap(&mut self, world: &World, answer: &Answer) -> bool {
        let mut swapped = false;
        for (judged, (pod, to)) in answer.pods.iter().zip(&mut self.waiting) {
            if judged.feasible.contains(to) {
                continue;
            }
            let same = |other: &&Value| {
                other["metadata"]["ownerReferences"] == pod["metadata"]["ownerReferences"]
                    && other["metadata"]["labels"] == pod["metadata"]["labels"]
            };
            let others = world.case.pods.iter().filter(same);
            let others: Vec<String> = others.map(|other| case::key(other).to_string()).collect();
            let place = |other: &&String| {
                let known = self.to.get(*other);
                known.is_some_and(|node| node != to && judged.feasible.contains(node))
            };
            if let Some(other) = others.iter().find(place)
                && let Some(node) = self.to.get_mut(other)
            {
                std::mem::swap(node, to);
                swapped = true;
            }
        }
        swapped
    }

    /// What is said of pods that never got where the plan has them.
    fn stuck(&self, world: &World, scheduler: &mut Scheduler, findings: &mut Vec<Finding>) -> Result<()> {
        if self.waiting.is_empty() {
            findings.push(Finding {
                kind: Kind::NotAdmitted,
                sort: "budget".to_owned(),
                about: String::new(),
                said: "budgets let nobody go any more".to_owned(),
            });
            return Ok(());
        }
        let asked = self.asked(world, false);
        let answer = scheduler.ask(&asked)?;
        for (judged, (pod, node)) in answer.pods.iter().zip(&self.waiting) {
            let said = judged.rejection(node);
            let plugin = said.map_or("no place", |said| said.plugin.as_str());
            findings.push(Finding {
                kind: Kind::NotAdmitted,
                sort: format!("{plugin} [{}]", features(pod)),
                about: case::key(pod).to_string(),
                said: format!("on {node}: {:?}", said.map(|said| &said.reasons)),
            });
        }
        Ok(())
    }
}

fn admitted(asked: &Case, answer: &Answer) -> Vec<bool> {
    let judged = answer.pods.iter().zip(&asked.bind);
    judged
        .map(|(judged, node)| judged.everywhere.is_none() && judged.feasible.contains(node))
        .collect()
}
