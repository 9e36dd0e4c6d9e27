//! "Plan → realise exactly → plan" comes to rest: what a plan says comes true as it says, kube-scheduler's filters admit
//! every pod of it, and the next plan has nothing left to do.
//!
//! Time is not in it: nodes join with the pods of their DaemonSets at once, and pods are bound where the plan has them.

use crate::filters::Filters;
use crate::fit::{self, Place};
use crate::fixture::join;
use crate::{Deliberation, PolicySet, deliberate};
use model::aims::Aims;
use model::ids::{NodeName, PodKey, WorkloadKey};
use model::memory::Memory;
use model::offer::Offer;
use model::plan::{Plan, StepKind};
use model::pod::{Pod, PodPhase, PodSpec};
use model::reason::Refusal;
use model::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};

/// DaemonSets with the index of their spec.
fn daemons(seen: &Snapshot) -> Vec<(WorkloadKey, u32)> {
    let daemons = seen.workloads.iter().filter(|workload| workload.is_daemon_set());
    daemons
        .filter_map(|daemon| Some((daemon.key.clone(), daemon.template?)))
        .collect()
}

/// Adds the pods that DaemonSets lack on nodes that are there, where kube-scheduler admits them.
pub(crate) fn with_agents(mut seen: Snapshot) -> Snapshot {
    let mut there: BTreeSet<(WorkloadKey, NodeName)> = BTreeSet::new();
    for pod in seen.pods.iter().filter(|pod| pod.holds_resources()) {
        if let (Some(owner), Some(node)) = (&seen.spec(pod.spec).owner, &pod.node) {
            there.insert((owner.clone(), node.clone()));
        }
    }
    let mut made = Vec::new();
    let mut filters = Filters::new(&seen);
    for (key, spec) in daemons(&seen) {
        for node in seen.nodes.iter().filter(|node| !node.fargate) {
            let missing = !there.contains(&(key.clone(), node.name.clone()));
            let runs = fit::daemon_runs(&seen.specs[spec as usize], Place::of_node(node));
            if missing && runs && filters.judge(spec, &node.name).is_ok() {
                filters.put(spec, &node.name);
                made.push((
                    PodKey::new(&*key.namespace, format!("{}-{}", key.name, node.name)),
                    spec,
                    &node.name,
                ));
            }
        }
    }
    let pods: Vec<Pod> = made
        .into_iter()
        .map(|(key, spec, node)| running(key, spec, node))
        .collect();
    drop(filters);
    seen.pods.extend(pods);
    seen.sort();
    seen
}

fn running(key: PodKey, spec: u32, node: &NodeName) -> Pod {
    Pod {
        key,
        spec,
        node: Some(node.clone()),
        phase: PodPhase::Running,
        created: crate::fixture::OLD,
        usage: None,
        nominated: None,
        deletion_cost: 0,
        started: None,
    }
}

/// The cluster once all of a plan has come true; panics where kube-scheduler would not have it.
pub(crate) fn realised(seen: &Snapshot, plan: &Plan) -> Snapshot {
    let mut next = seen.clone();
    next.cycle += 1;
    let mut places: BTreeMap<PodKey, NodeName> = BTreeMap::new();
    for node in &plan.nodes {
        let offer = seen.offers.iter().find(|offer| offer.id == node.offer).unwrap();
        let group = &seen.groups[offer.group as usize];
        join(&mut next, &node.name, &node.offer);
        next.nodes.last_mut().unwrap().taints.clone_from(&group.taints);
        next.groups[offer.group as usize].desired += 1;
        places.extend(node.pods.iter().map(|pod| (pod.clone(), node.name.clone())));
    }
    for (node, pods) in &plan.existing {
        places.extend(pods.iter().map(|pod| (pod.clone(), node.clone())));
    }
    next.sort();
    let mut next = with_agents(next);
    let mut waiting: Vec<(u32, NodeName)> = Vec::new();
    for pod in &mut next.pods {
        if let Some(node) = places.remove(&pod.key) {
            waiting.push((pod.spec, node.clone()));
            pod.node = Some(node);
            pod.phase = PodPhase::Running;
        }
    }
    assert!(places.is_empty(), "only pods that are there: {places:?}");
    let mut before = next.clone();
    before
        .pods
        .retain(|pod| seen.pod(&pod.key).is_none_or(|was| was.node.is_some()));
    come_true(&before, waiting);
    next
}

/// Binds all pods in some order in which kube-scheduler admits each.
fn come_true(seen: &Snapshot, mut waiting: Vec<(u32, NodeName)>) {
    let mut filters = Filters::new(seen);
    while !waiting.is_empty() {
        let before = waiting.len();
        waiting.retain(|(spec, node)| {
            let admitted = filters.judge(*spec, node).is_ok();
            if admitted {
                filters.put(*spec, node);
            }
            !admitted
        });
        if waiting.len() == before {
            let why: Vec<_> = waiting
                .iter()
                .map(|(spec, node)| (node, filters.judge(*spec, node)))
                .collect();
            panic!("kube-scheduler refuses {why:?}");
        }
    }
}

/// Pods that a plan refuses.
pub(crate) fn refused(plan: &Plan) -> BTreeSet<PodKey> {
    let pods = plan.refusals.iter().filter_map(|refusal| match refusal {
        Refusal::Pod { pod, .. } => Some(pod.clone()),
        _ => None,
    });
    pods.collect()
}

/// Plans, realises, plans again: the second plan buys nothing, places nothing and refuses what the first did. Returns
/// the first, and the cluster at rest.
pub(crate) fn rests(seen: &Snapshot) -> (Deliberation, Snapshot) {
    let (policies, aims) = (PolicySet::default(), Aims::default());
    let first = deliberate(seen, &Memory::default(), &policies, &aims);
    crate::checker::check(seen, &aims, &first);
    let next = realised(seen, &first.plan);
    let second = deliberate(&next, &first.memory, &policies, &aims);
    crate::checker::check(&next, &aims, &second);
    assert!(
        second.plan.nodes.is_empty(),
        "bought again: {:?}",
        second.plan.nodes
    );
    assert!(
        second.plan.existing.is_empty(),
        "placed again: {:?}",
        second.plan.existing
    );
    let moves = |kind: &StepKind| matches!(kind, StepKind::GrowGroup { .. } | StepKind::Nominate { .. });
    let steps: Vec<_> = second
        .plan
        .steps
        .iter()
        .filter(|step| moves(&step.kind))
        .collect();
    assert!(steps.is_empty(), "{steps:?}");
    assert_eq!(refused(&second.plan), refused(&first.plan));
    (first, next)
}

/// Offers of which an empty new node, with its agents, would take a pod of the spec beside all that is there.
pub(crate) fn would_take<'s>(seen: &'s Snapshot, spec: &PodSpec) -> Vec<&'s Offer> {
    let takes = |offer: &&Offer| {
        let name = NodeName::new("would-be");
        let mut next = seen.clone();
        join(&mut next, &name, &offer.id);
        let taints = next.groups[offer.group as usize].taints.clone();
        next.nodes.last_mut().unwrap().taints = taints;
        next.sort();
        let next = with_agents(next);
        let mut filters = Filters::new(&next);
        let kind = filters.learn(spec);
        filters.judge(kind, &name).is_ok()
    };
    seen.offers
        .iter()
        .filter(|offer| !offer.is_fargate())
        .filter(takes)
        .collect()
}
