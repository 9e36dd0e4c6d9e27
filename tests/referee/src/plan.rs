//! Whole plans, judged placement by placement: each pod goes where the plan wants it, and must be admitted there.

use crate::case::{self, Case};
use crate::compare::{Disagreement, Kind};
use crate::dice::Dice;
use crate::render;
use crate::scheduler::{Answer, Scheduler};
use anyhow::Result;
use fit::{self, Place};
use model::ids::{NodeName, PodKey};
use model::offer::Offer;
use model::plan::Plan;
use model::pod::{PodPhase, PodSpec, Taint};
use model::snapshot::Snapshot;
use serde_json::Value;
use std::sync::Arc;

/// Placements of a plan that kube-scheduler would not admit, whatever the order. Nodes to buy stand there from the
/// beginning, or join once those are bound who can be without them, with the DaemonSet pods that match them; Fargate
/// pods are not judged: no scheduler of the cluster does.
pub fn judge_plan(seen: &Snapshot, plan: &Plan, scheduler: &mut Scheduler) -> Result<Vec<Disagreement>> {
    let Some(question) = Question::new(None, seen, plan) else {
        return Ok(Vec::new());
    };
    let answer = scheduler.ask(&question.case)?;
    question.not_admitted(&answer, scheduler)
}

/// Orders that are tried where the first admits not everybody.
const ORDERS: u64 = 24;

/// A plan as the scheduler is asked about it.
pub struct Question {
    /// The cluster with the nodes to buy, and every placement.
    pub case: Case,
    /// Nodes to buy that become nodes of the cluster: the last of the case's.
    pub bought: u64,
    /// Pods of DaemonSets on them: the last of the case's that are there.
    daemons: usize,
    placements: Vec<Placement>,
}

/// A pod, its spec and the node that the plan has for it.
pub type Placement = (PodKey, Arc<PodSpec>, NodeName);

impl Question {
    /// What is asked about a cluster in which bought nodes stand last, and the pods of DaemonSets on them.
    pub fn of(case: Case, bought: u64, daemons: usize, placements: Vec<Placement>) -> Self {
        Self {
            case,
            bought,
            daemons,
            placements,
        }
    }

    /// `None` for a plan that places nobody. With a case, its own objects are shown to the scheduler instead of what
    /// we made of them.
    pub fn new(case: Option<&Case>, seen: &Snapshot, plan: &Plan) -> Option<Self> {
        let mut placements = placements(seen, plan);
        let mut asked = case.map_or_else(|| of_snapshot(seen), Case::clone);
        asked.pending = if let Some(case) = case {
            let own = |pod: &PodKey| case.pending.iter().find(|object| case::key(object) == *pod);
            placements.retain(|(pod, ..)| own(pod).is_some());
            let pods = placements.iter();
            pods.filter_map(|(pod, ..)| own(pod).cloned()).collect()
        } else {
            let pods = placements.iter();
            pods.map(|(pod, spec, _)| render::pod(&pod.namespace, &pod.name, spec, None))
                .collect()
        };
        let (mut count, there) = (0, asked.pods.len());
        for (name, offer, taints) in bought(seen, plan) {
            count += 1;
            asked.nodes.push(render::bought(name.as_str(), offer, taints));
            asked.pods.extend(daemons(seen, name, offer, taints));
        }
        let nodes = placements.iter().map(|(_, _, node)| node.as_str().to_owned());
        asked.bind = nodes.collect();
        asked.any_order = true;
        (!placements.is_empty()).then_some(Self {
            bought: count,
            daemons: asked.pods.len() - there,
            placements,
            case: asked,
        })
    }

    /// Placements that no order got admitted, as the answer has them; nothing where the API server would not take the
    /// pods. Which order works is looked for in some, so that there may be one all the same.
    pub fn not_admitted(&self, answer: &Answer, scheduler: &mut Scheduler) -> Result<Vec<Disagreement>> {
        if !answer.refused.is_empty() {
            return Ok(Vec::new());
        }
        anyhow::ensure!(answer.error.is_empty(), "{}: {}", answer.id, answer.error);
        let wrong = not_admitted(&self.placements, answer);
        if wrong.is_empty() || self.works_as_nodes_join(scheduler)? {
            return Ok(Vec::new());
        }
        for number in 0..ORDERS {
            if self.works_in(number, scheduler)? {
                return Ok(Vec::new());
            }
        }
        Ok(wrong)
    }

    /// Whether everybody is admitted where those who can are bound before the nodes to buy join.
    fn works_as_nodes_join(&self, scheduler: &mut Scheduler) -> Result<bool> {
        let nodes = self.case.nodes.len() - usize::try_from(self.bought)?;
        let mut case = self.case.clone();
        case.nodes.truncate(nodes);
        case.pods.truncate(case.pods.len() - self.daemons);
        let there: Vec<&str> = case.node_names().collect();
        let on_those = |placement: &&Placement| there.contains(&placement.2.as_str());
        let (early, late): (Vec<&Placement>, Vec<&Placement>) = self.placements.iter().partition(on_those);
        if early.is_empty() || late.is_empty() {
            return Ok(false);
        }
        let of = |placements: &[&Placement]| -> Vec<Value> {
            let objects = self.placements.iter().zip(&self.case.pending);
            let asked = objects.filter(|(own, _)| placements.iter().any(|placement| placement.0 == own.0));
            asked.map(|(_, object)| object.clone()).collect()
        };
        let first = Case {
            pending: of(&early),
            bind: early
                .iter()
                .map(|placement| placement.2.as_str().to_owned())
                .collect(),
            nodes: case.nodes.clone(),
            pods: case.pods.clone(),
            ..self.case.clone()
        };
        let early: Vec<Placement> = early.into_iter().cloned().collect();
        let waiting = not_admitted(&early, &scheduler.ask(&first)?);
        let waits = |pod: &PodKey| waiting.iter().any(|wrong| wrong.pod == pod.to_string());
        let mut second = Case {
            pending: Vec::new(),
            bind: Vec::new(),
            ..self.case.clone()
        };
        let mut left = Vec::new();
        for (placement, object) in self.placements.iter().zip(&self.case.pending) {
            let node = placement.2.as_str();
            if early.iter().any(|early| early.0 == placement.0) && !waits(&placement.0) {
                let mut object = object.clone();
                object["spec"]["nodeName"] = Value::from(node);
                second.pods.push(object);
            } else {
                second.pending.push(object.clone());
                second.bind.push(node.to_owned());
                left.push(placement.clone());
            }
        }
        Ok(not_admitted(&left, &scheduler.ask(&second)?).is_empty())
    }

    /// Whether everybody is admitted in the order of this number.
    fn works_in(&self, number: u64, scheduler: &mut Scheduler) -> Result<bool> {
        let mut dice = Dice::of(1, number);
        let mut left: Vec<usize> = (0..self.placements.len()).collect();
        let mut order = Vec::with_capacity(left.len());
        while !left.is_empty() {
            order.push(left.remove(dice.below(left.len())));
        }
        let again = Case {
            pending: order.iter().map(|at| self.case.pending[*at].clone()).collect(),
            bind: order.iter().map(|at| self.case.bind[*at].clone()).collect(),
            ..self.case.clone()
        };
        let placements: Vec<Placement> = order.iter().map(|at| self.placements[*at].clone()).collect();
        Ok(not_admitted(&placements, &scheduler.ask(&again)?).is_empty())
    }
}

fn not_admitted(placements: &[Placement], answer: &Answer) -> Vec<Disagreement> {
    let mut wrong = Vec::new();
    for ((pod, _, node), judged) in placements.iter().zip(&answer.pods) {
        if judged.everywhere.is_none() && judged.feasible.iter().any(|name| name == node.as_str()) {
            continue;
        }
        let said = judged.rejection(node.as_str());
        wrong.push(Disagreement {
            kind: Kind::Admits,
            pod: pod.to_string(),
            node: node.as_str().to_owned(),
            ours: String::new(),
            theirs: said.map_or_else(
                || "no such node".to_owned(),
                |said| format!("{} {:?}", said.plugin, said.reasons),
            ),
            sort: format!("plan: {}", said.map_or("?", |said| said.plugin.as_str())),
        });
    }
    wrong
}

/// Everybody the plan puts somewhere, first on nodes that are there, in the order of the plan.
fn placements(seen: &Snapshot, plan: &Plan) -> Vec<Placement> {
    let there = plan.existing.iter().map(|(node, pods)| (node, pods));
    let new = bought(seen, plan).map(|(name, ..)| name);
    let new = new.filter_map(|name| plan.nodes.iter().find(|node| node.name == *name));
    let new = new.map(|node| (&node.name, &node.pods));
    let mut placements = Vec::new();
    for (node, pods) in there.chain(new) {
        for pod in pods {
            if let Some(spec) = spec_of(seen, pod) {
                placements.push((pod.clone(), spec, node.clone()));
            }
        }
    }
    placements
}

/// A pod's own spec, or that of the workload that will make it (`<workload>-<number>`); headroom has none.
fn spec_of(seen: &Snapshot, pod: &PodKey) -> Option<Arc<PodSpec>> {
    if let Some(pod) = seen.pod(pod) {
        return Some(seen.spec(pod.spec));
    }
    let (name, _) = pod.name.rsplit_once('-')?;
    let same = |workload: &&model::workload::Workload| {
        workload.key.namespace == pod.namespace && *workload.key.name == *name
    };
    let template = seen.workloads.iter().find(same)?.template?;
    Some(seen.spec(template))
}

/// Nodes to buy that become nodes of the cluster.
fn bought<'a>(
    seen: &'a Snapshot,
    plan: &'a Plan,
) -> impl Iterator<Item = (&'a NodeName, &'a Offer, &'a [Taint])> {
    plan.nodes.iter().filter_map(|node| {
        let offer = seen.offers.iter().find(|offer| offer.id == node.offer)?;
        let group = seen.groups.get(offer.group as usize)?;
        (!offer.is_fargate()).then_some((&node.name, offer, group.taints.as_slice()))
    })
}

/// Pods that DaemonSets put on a new node before anybody else comes.
fn daemons(seen: &Snapshot, node: &NodeName, offer: &Offer, taints: &[Taint]) -> Vec<Value> {
    let place = Place {
        labels: &offer.labels,
        name: node.as_str(),
        taints,
    };
    let daemons = seen.workloads.iter().filter(|workload| workload.is_daemon_set());
    daemons
        .filter_map(|workload| {
            let spec = seen.spec(workload.template?);
            let name = format!("{}-{node}", workload.key.name);
            fit::daemon_runs(&spec, place)
                .then(|| render::pod(&workload.key.namespace, &name, &spec, Some(node.as_str())))
        })
        .collect()
}

/// Nodes and running pods as we know them.
fn of_snapshot(seen: &Snapshot) -> Case {
    let running = seen.pods.iter().filter(|pod| pod.holds_resources());
    let pods = running.map(|pod| {
        let node = pod.node.as_ref().map(NodeName::as_str);
        let mut shown = render::pod(&pod.key.namespace, &pod.key.name, &seen.spec(pod.spec), node);
        if pod.phase == PodPhase::Terminating {
            shown["metadata"]["deletionTimestamp"] = serde_json::json!("2026-01-01T00:00:00Z");
        }
        shown
    });
    Case {
        id: seen.cluster.clone(),
        nodes: seen.nodes.iter().map(render::node).collect(),
        pods: pods.collect(),
        ..Case::default()
    }
}
