//! What is honoured: pods and nodes that stay wherever their pods might fit, read from the objects and not from the plan.

use crate::case;
use crate::rest::world::{NodeGroup, World};
use model::snapshot::Snapshot;
use serde_json::Value;
use std::collections::BTreeMap;

/// Pods that would have to move off the node: all but those of DaemonSets.
pub(super) fn movers(world: &World, node: &str) -> Vec<Value> {
    let pods = world.case.pods.iter();
    pods.filter(|pod| pod["spec"]["nodeName"] == node && kind_of_owner(pod) != "DaemonSet")
        .cloned()
        .collect()
}

fn kind_of_owner(pod: &Value) -> &str {
    pod.pointer("/metadata/ownerReferences/0/kind")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

/// Why the node is not to be emptied, whatever room there is elsewhere.
pub(super) fn kept(world: &World, seen: &Snapshot, node: &Value) -> Option<&'static str> {
    let labels = &node["metadata"]["labels"];
    if !labels["karpenter.sh/nodepool"].is_null() {
        return Some("Karpenter's");
    }
    let group = group_of(world, node);
    if group.is_none_or(|group| !world.grows.is_empty() && !world.grows.contains(&group.name)) {
        return Some("of no group of the aims");
    }
    if node["spec"]["unschedulable"] == true {
        return Some("cordoned by somebody");
    }
    if annotation(node, "cluster-autoscaler.kubernetes.io/scale-down-disabled") == "true" {
        return Some("scale-down-disabled");
    }
    let movers = movers(world, case::name(node));
    let priced = seen.node(&case::name(node).into());
    if !movers.is_empty() && priced.and_then(|node| seen.node_price(node)).is_none() {
        return Some("without a price");
    }
    movers.iter().find_map(|pod| stays(world, pod))
}

fn stays(world: &World, pod: &Value) -> Option<&'static str> {
    if kind_of_owner(pod).is_empty() {
        return Some("a pod without an owner");
    }
    if annotation(pod, "karpenter.sh/do-not-disrupt") == "true" {
        return Some("a pod that is not to be disrupted");
    }
    if annotation(pod, "cluster-autoscaler.kubernetes.io/safe-to-evict") == "false" {
        return Some("a pod that is not safe to evict");
    }
    let volumes = pod["spec"]["volumes"].as_array();
    if volumes
        .into_iter()
        .flatten()
        .any(|volume| !volume["emptyDir"].is_null())
    {
        return Some("a pod with local storage");
    }
    let spent = budgets(world, pod).any(|budget| allowed(world, budget) == 0);
    spent.then_some("a budget that allows nothing")
}

fn annotation<'a>(object: &'a Value, key: &str) -> &'a str {
    let annotations = &object["metadata"]["annotations"];
    annotations.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The group whose labels the node has.
fn group_of<'a>(world: &'a World, node: &Value) -> Option<&'a NodeGroup> {
    let labels = &node["metadata"]["labels"];
    world.groups.iter().find(|group| {
        let mut own = group.labels.iter().chain(&group.late_labels);
        own.any(|(key, value)| *value == group.name && labels.get(key).is_some_and(|own| own == value))
    })
}

/// PodDisruptionBudgets over the pod.
pub(super) fn budgets<'a>(world: &'a World, pod: &'a Value) -> impl Iterator<Item = &'a Value> {
    let budgets = world.controllers.iter();
    budgets.filter(move |object| object["kind"] == "PodDisruptionBudget" && covers(object, pod))
}

fn covers(budget: &Value, pod: &Value) -> bool {
    let wanted = budget["spec"]["selector"]["matchLabels"].as_object();
    let labels = &pod["metadata"]["labels"];
    budget["metadata"]["namespace"] == pod["metadata"]["namespace"]
        && wanted.is_some_and(|wanted| wanted.iter().all(|(key, value)| labels.get(key) == Some(value)))
}

/// Evictions that the budget still allows, as the disruption controller counts: shares are rounded up.
pub(super) fn allowed(world: &World, budget: &Value) -> usize {
    let count = |pods: &[Value]| pods.iter().filter(|pod| covers(budget, pod)).count();
    let healthy = count(&world.case.pods);
    let expected = healthy + count(&world.case.pending);
    let most = &budget["spec"]["maxUnavailable"];
    let share = most
        .as_str()
        .and_then(|text| text.trim_end_matches('%').parse::<usize>().ok());
    let most = match share {
        Some(percent) => (expected * percent).div_ceil(100),
        None => most
            .as_u64()
            .and_then(|most| usize::try_from(most).ok())
            .unwrap_or(0),
    };
    healthy.saturating_sub(expected.saturating_sub(most))
}

/// Whether budgets let all of these pods go at once.
pub(super) fn at_once(world: &World, pods: &[Value]) -> bool {
    let mut asked: BTreeMap<&str, (usize, &Value)> = BTreeMap::new();
    for pod in pods {
        for budget in budgets(world, pod) {
            asked.entry(case::name(budget)).or_insert((0, budget)).0 += 1;
        }
    }
    asked
        .values()
        .all(|(count, budget)| *count <= allowed(world, budget))
}
