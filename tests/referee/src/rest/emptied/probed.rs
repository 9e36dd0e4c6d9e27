//! Whether kube-scheduler would have the pods of a node elsewhere: a search over orders and nodes in which it is asked
//! at every turn.

use super::carried::cordon;
use super::movable;
use crate::case::{self, Case};
use crate::rest::world::World;
use crate::scheduler::Scheduler;
use anyhow::Result;
use serde_json::Value;
use std::collections::BTreeSet;

/// Questions about one node, at most.
const QUESTIONS: usize = 120;

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Probed {
    /// Every pod found a place: pod and node, in this order.
    Emptied(Vec<(String, String)>),
    /// There is none.
    Held,
    /// There were too many to try.
    Unknown,
}

/// How the node is while its pods look for places.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum While {
    /// Cordoned and there, as it is while it is drained.
    Cordoned,
    /// Gone already.
    Gone,
}

/// Probes one node.
pub(super) fn probed(world: &World, node: &str, how: While, scheduler: &mut Scheduler) -> Result<Probed> {
    let movers = movable::movers(world, node);
    let mut base = world.case.clone();
    base.pending.clear();
    match how {
        While::Cordoned => base
            .nodes
            .iter_mut()
            .filter(|other| case::name(other) == node)
            .for_each(cordon),
        While::Gone => {
            base.nodes.retain(|other| case::name(other) != node);
            base.csi_nodes.retain(|other| case::name(other) != node);
        }
    }
    // One after the other where budgets let them go no faster.
    let at_once = movable::at_once(world, &movers);
    if at_once || how == While::Gone {
        let moves = |pod: &Value| movers.iter().any(|mover| case::key(mover) == case::key(pod));
        base.pods.retain(|pod| !moves(pod));
    }
    let kinds = movers
        .iter()
        .map(|pod| format!("{}{}", pod["metadata"]["labels"], pod["spec"]));
    // kube-scheduler puts pods that tolerate it onto a cordoned node; nobody would move them there.
    let closed = |other: &&Value| other["spec"]["unschedulable"] == true;
    let closed: Vec<String> = base
        .nodes
        .iter()
        .filter(closed)
        .map(|other| case::name(other).to_owned())
        .collect();
    let mut search = Probe {
        kinds: kinds.collect(),
        closed,
        movers: movers.into_iter().map(waiting).collect(),
        base,
        one_by_one: !at_once && how == While::Cordoned,
        placed: Vec::new(),
        known: BTreeSet::new(),
        questions: 0,
        scheduler,
    };
    let left: Vec<usize> = (0..search.movers.len()).collect();
    let found = search.descend(&left)?;
    Ok(if found {
        Probed::Emptied(search.places())
    } else if search.questions < QUESTIONS {
        Probed::Held
    } else {
        Probed::Unknown
    })
}

fn waiting(mut pod: Value) -> Value {
    if let Some(spec) = pod["spec"].as_object_mut() {
        spec.remove("nodeName");
    }
    pod["status"] = serde_json::json!({"phase": "Pending"});
    pod
}

struct Probe<'a> {
    movers: Vec<Value>,
    kinds: Vec<String>,
    /// Nodes that nobody is moved to.
    closed: Vec<String>,
    base: Case,
    /// A pod leaves when it is its turn, and not before.
    one_by_one: bool,
    placed: Vec<(usize, String)>,
    /// Kinds and nodes of what was placed before, in rising order.
    known: BTreeSet<Vec<(String, String)>>,
    questions: usize,
    scheduler: &'a mut Scheduler,
}

impl Probe<'_> {
    fn places(&self) -> Vec<(String, String)> {
        let placed = self.placed.iter();
        placed
            .map(|(at, node)| (case::key(&self.movers[*at]).to_string(), node.clone()))
            .collect()
    }

    fn descend(&mut self, left: &[usize]) -> Result<bool> {
        if left.is_empty() {
            return Ok(true);
        }
        let mut state: Vec<(String, String)> = self
            .placed
            .iter()
            .map(|(at, node)| (self.kinds[*at].clone(), node.clone()))
            .collect();
        state.sort();
        if !self.known.insert(state) {
            return Ok(false);
        }
        let mut choices = self.choices(left)?;
        // Those with the fewest places first.
        choices.sort_by_key(|(_, nodes)| nodes.len());
        let mut tried: BTreeSet<String> = BTreeSet::new();
        for (at, nodes) in choices {
            if !tried.insert(self.kinds[at].clone()) {
                continue;
            }
            let rest: Vec<usize> = left.iter().copied().filter(|other| *other != at).collect();
            for node in nodes {
                if self.questions >= QUESTIONS {
                    return Ok(false);
                }
                self.placed.push((at, node));
                if self.descend(&rest)? {
                    return Ok(true);
                }
                self.placed.pop();
            }
        }
        Ok(false)
    }

    /// Pods that have places now, with those places.
    fn choices(&mut self, left: &[usize]) -> Result<Vec<(usize, Vec<String>)>> {
        let asked: Vec<Vec<usize>> = if self.one_by_one {
            left.iter().map(|at| vec![*at]).collect()
        } else {
            vec![left.to_vec()]
        };
        let mut choices = Vec::new();
        for pods in asked {
            self.questions += 1;
            let mut case = self.base.clone();
            let moved = |pod: &Value| {
                let mut own = self.placed.iter().map(|(at, _)| at).chain(&pods);
                own.any(|at| case::key(&self.movers[*at]) == case::key(pod))
            };
            case.pods.retain(|pod| !moved(pod));
            case.pending = self
                .placed
                .iter()
                .map(|(at, _)| *at)
                .chain(pods.iter().copied())
                .map(|at| self.movers[at].clone())
                .collect();
            case.bind = self.placed.iter().map(|(_, node)| node.clone()).collect();
            case.bind.resize(case.pending.len(), String::new());
            let answer = self.scheduler.ask(&case)?;
            anyhow::ensure!(answer.error.is_empty(), "{}: {}", answer.id, answer.error);
            for (at, judged) in pods
                .into_iter()
                .zip(answer.pods.into_iter().skip(self.placed.len()))
            {
                let mut nodes = judged.feasible;
                nodes.retain(|node| !self.closed.contains(node));
                if judged.everywhere.is_none() && !nodes.is_empty() {
                    choices.push((at, nodes));
                }
            }
        }
        Ok(choices)
    }
}
