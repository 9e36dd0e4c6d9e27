//! An independent judge of plans for tests: no over-commit, each pod once, sums that add up.
//!
//! Works on the Snapshot and the Plan alone and shares no arithmetic with packing.

use crate::{Deliberation, demand, fit};
use model::aims::Aims;
use model::ids::{NodeName, PodKey};
use model::plan::StepKind;
use model::pod::PodSpec;
use model::reason::Refusal;
use model::resources::Resources;
use model::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};

/// Panics at the first thing that is wrong.
pub(crate) fn check(seen: &Snapshot, aims: &Aims, done: &Deliberation) {
    each_pod_once(seen, aims, done);
    new_nodes_hold(seen, done);
    free_room_holds(seen, done);
    groups_hold(seen, done);
    money_adds_up(seen, done);
}

/// Spec of a waiting pod or of a replica to come.
fn spec_of(seen: &Snapshot, pod: &PodKey) -> PodSpec {
    if let Some(found) = seen.pod(pod) {
        return (*seen.spec(found.spec)).clone();
    }
    let owner = seen
        .workloads
        .iter()
        .find(|w| w.key.namespace == pod.namespace && pod.name.starts_with(&format!("{}-", w.key.name)));
    owner
        .and_then(|w| w.template)
        .map(|ix| (*seen.spec(ix)).clone())
        .unwrap_or_default()
}

fn each_pod_once(seen: &Snapshot, aims: &Aims, done: &Deliberation) {
    let mut times: BTreeMap<PodKey, u32> = BTreeMap::new();
    let bought = done.plan.nodes.iter().flat_map(|n| &n.pods);
    let existing = done.plan.existing.iter().flat_map(|(_, pods)| pods);
    let refused = done.plan.refusals.iter().filter_map(|r| match r {
        Refusal::Pod { pod, .. } => Some(pod),
        _ => None,
    });
    for pod in bought
        .chain(existing)
        .chain(refused)
        .filter(|pod| !demand::is_headroom(pod))
    {
        *times.entry(pod.clone()).or_insert(0) += 1;
    }
    assert!(
        times.values().all(|n| *n == 1),
        "a pod is in two places: {times:?}"
    );
    assert_eq!(
        times.len(),
        done.plan.pending as usize,
        "pods in the plan against pods that wait"
    );
    for pod in &seen.pods {
        let waits = demand::waits(pod, &seen.spec(pod.spec), aims);
        assert_eq!(waits, times.contains_key(&pod.key), "{}", pod.key);
    }
}

fn new_nodes_hold(seen: &Snapshot, done: &Deliberation) {
    let names: BTreeSet<&NodeName> = done.plan.nodes.iter().map(|n| &n.name).collect();
    assert_eq!(names.len(), done.plan.nodes.len(), "names are unique");
    for node in &done.plan.nodes {
        let offer = seen
            .offers
            .iter()
            .find(|o| o.id == node.offer)
            .expect("offer exists");
        let group = &seen.groups[offer.group as usize];
        assert_eq!(group.name, node.group);
        assert!(!node.pods.is_empty(), "nobody buys an empty node");
        if offer.is_fargate() {
            assert_eq!(node.pods.len(), 1);
            let spec = spec_of(seen, &node.pods[0]);
            assert!(
                fit::fargate_holds(&spec.requests, offer)
                    && fit::fargate_rules(&spec, &offer.labels).is_empty()
            );
            continue;
        }
        let mut asked = Resources::default();
        let mut pods = i64::from(offer.max_pods);
        let place = fit::Place {
            labels: &offer.labels,
            name: "",
            taints: &group.taints,
        };
        for daemon in seen.workloads.iter().filter(|w| w.is_daemon_set()) {
            let spec = seen.spec(daemon.template.expect("template"));
            if fit::daemon_runs(&spec, place) {
                asked.add(&spec.requests);
                pods -= 1;
            }
        }
        for pod in node.pods.iter().filter(|pod| !demand::is_headroom(pod)) {
            let spec = spec_of(seen, pod);
            assert_eq!(fit::rules(&spec, place), [], "{pod} on {}", node.offer);
            asked.add(&spec.requests);
            pods -= 1;
        }
        assert!(
            asked.fits(&offer.allocatable),
            "{} is over-committed: {asked:?}",
            node.name
        );
        assert!(pods >= 0, "{} has too many pods", node.name);
    }
}

fn free_room_holds(seen: &Snapshot, done: &Deliberation) {
    for (name, planned) in &done.plan.existing {
        let Some(node) = seen.node(name) else {
            continue;
        };
        let mut asked = Resources::default();
        let there = seen
            .pods
            .iter()
            .filter(|p| p.node.as_ref() == Some(name) && p.holds_resources());
        let mut pods = 0;
        for key in there.map(|p| &p.key).chain(planned) {
            asked.add(&spec_of(seen, key).requests);
            pods += 1;
        }
        assert!(asked.fits(&node.allocatable), "{name} is over-committed");
        assert!(pods <= node.max_pods);
    }
}

fn groups_hold(seen: &Snapshot, done: &Deliberation) {
    let mut size: BTreeMap<_, _> = seen.groups.iter().map(|g| (g.name.clone(), g.desired)).collect();
    for step in &done.plan.steps {
        if let StepKind::GrowGroup {
            group,
            from,
            to,
            nodes,
            ..
        } = &step.kind
        {
            assert_eq!(size[group], *from);
            assert_eq!(*to - *from, u32::try_from(nodes.len()).unwrap());
            assert!(*to <= seen.group(group).unwrap().max, "{group} above its maximum");
            size.insert(group.clone(), *to);
        }
    }
}

fn money_adds_up(seen: &Snapshot, done: &Deliberation) {
    let price = |id: &model::OfferId| seen.offers.iter().find(|o| o.id == *id).unwrap().price.0;
    let bill: i64 = done.plan.nodes.iter().map(|n| price(&n.offer)).sum();
    let cost = done.plan.cost;
    assert_eq!(bill, cost.rate.0);
    assert!(cost.bound.0 >= 0 && cost.bound <= cost.rate, "{cost:?}");
    assert!(
        cost.policy_bound.0 >= 0 && cost.policy_bound <= cost.policy_rate,
        "{cost:?}"
    );
    let waste: i64 = done.notes.waste.iter().map(|(_, waste)| waste.0).sum();
    assert!(
        done.notes.waste.iter().all(|(_, waste)| waste.0 >= 0),
        "{:?}",
        done.notes.waste
    );
    let pays = |pod: &PodKey| {
        let spec = seen.pod(pod).map(|p| p.spec).or_else(|| {
            seen.workloads
                .iter()
                .find(|w| w.key.namespace == pod.namespace && pod.name.starts_with(&*w.key.name))?
                .template
        });
        let class = done.notes.classes.iter().find(|c| c.spec == spec);
        class.map_or(0, |c| c.pays.0)
    };
    if !done
        .plan
        .nodes
        .iter()
        .flat_map(|n| &n.pods)
        .any(demand::is_headroom)
    {
        let paid: i64 = done.plan.nodes.iter().flat_map(|n| &n.pods).map(pays).sum();
        assert_eq!(
            paid + waste,
            bill,
            "pays and waste are the bill, with no remainder"
        );
    }
}
