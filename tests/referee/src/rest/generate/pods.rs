//! Pods of workloads, running and waiting, with their claims, owners and budgets.

use super::workloads::{Claims, Workload, workload};
use super::{LONG_AGO, NOW, Size, is_starting};
use crate::case;
use crate::dice::Dice;
use crate::rest::daemons;
use crate::rest::realise::{attach_everywhere, bind_claim};
use crate::rest::world::World;
use serde_json::{Value, json};

/// Fills the cluster.
pub(super) fn pods(dice: &mut Dice, world: &mut World, size: Size) {
    let mut names: Vec<String> = Vec::new();
    for number in 0..dice.between(1, size.workloads) {
        let made = workload(dice, number, &names);
        names.push(made.name.clone());
        let namespace = "default";
        let (running, waiting) = (dice.between(0, size.running), dice.between(0, size.waiting));
        let before = leaving(world);
        for ordinal in 0..running + waiting {
            let pod = pod(&made, namespace, ordinal);
            claims(dice, world, &made, &pod, ordinal < running);
            let node = (ordinal < running).then(|| home(dice, world, &pod)).flatten();
            if let Some(node) = node {
                run(dice, world, pod, &node);
            } else {
                world.case.pending.push(pod);
                world.case.bind.push(String::new());
            }
        }
        // A controller has made others for those that leave.
        let replicas = running + waiting + before - leaving(world);
        world.controllers.extend(controllers(&made, namespace, replicas));
        if dice.percent(35) {
            world.controllers.push(budget(dice, &made.name, namespace));
        }
    }
    if dice.percent(8) {
        preemptor(dice, world);
    }
    attach_everywhere(&mut world.case);
}

/// Pods on their way out.
fn leaving(world: &World) -> usize {
    let leaves = |pod: &&Value| !pod["metadata"]["deletionTimestamp"].is_null();
    world.case.pods.iter().filter(leaves).count()
}

fn pod(of: &Workload, namespace: &str, ordinal: usize) -> Value {
    let name = match of.kind {
        "StatefulSet" => format!("{}-{ordinal}", of.name),
        _ => format!("{}-6c8f-{ordinal}", of.name),
    };
    let (kind, owner, version) = match of.kind {
        "Deployment" => ("ReplicaSet", format!("{}-6c8f", of.name), "apps/v1"),
        "Job" => ("Job", of.name.clone(), "batch/v1"),
        kind => (kind, of.name.clone(), "apps/v1"),
    };
    let mut spec = of.template["spec"].clone();
    let claim = match of.claims {
        Claims::None => None,
        Claims::Own => Some(format!("data-{name}")),
        Claims::Shared => Some(format!("shared-{}", of.name)),
    };
    if let Some(claim) = claim {
        spec["volumes"] = json!([{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]);
    }
    json!({
        "metadata": {
            "name": name, "namespace": namespace, "labels": of.template["metadata"]["labels"],
            "creationTimestamp": NOW,
            "ownerReferences": [{
                "apiVersion": version, "kind": kind, "name": owner, "uid": format!("own-{owner}"), "controller": true,
            }],
        },
        "spec": spec,
        "status": {"phase": "Pending"},
    })
}

/// The pod's claim where it has one and nobody made it yet. Some of those whose pods wait are bound all the same: their
/// pods ran before.
fn claims(dice: &mut Dice, world: &mut World, of: &Workload, pod: &Value, runs: bool) {
    let Some(name) = claim_of(pod) else { return };
    if world.case.pvcs.iter().any(|claim| case::name(claim) == name) {
        return;
    }
    if world.case.storage_classes.is_empty() {
        world.case.storage_classes.push(json!({
            "metadata": {"name": "gp3"}, "provisioner": "ebs.csi.aws.com", "volumeBindingMode": "WaitForFirstConsumer",
        }));
    }
    world.case.pvcs.push(json!({
        "metadata": {"name": name, "namespace": pod["metadata"]["namespace"]},
        "spec": {
            "storageClassName": "gp3", "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "10Gi"}},
        },
        "status": {"phase": "Pending"},
    }));
    if of.claims == Claims::Own && !runs && dice.percent(50) {
        let zones: Vec<String> = world
            .groups
            .iter()
            .flat_map(|group| group.zones.clone())
            .collect();
        if !zones.is_empty() {
            let zone = zones[dice.below(zones.len())].clone();
            bind_claim(&mut world.case, &name, &zone);
        }
    }
}

fn claim_of(pod: &Value) -> Option<String> {
    let claim = pod.pointer("/spec/volumes/0/persistentVolumeClaim/claimName")?;
    claim.as_str().map(str::to_owned)
}

/// A usable node that may have the pod, taints, selectors, amounts and ports considered.
fn home(dice: &mut Dice, world: &World, pod: &Value) -> Option<Value> {
    let nodes: Vec<&Value> = world
        .case
        .nodes
        .iter()
        .filter(|node| !is_starting(world, node) && node["spec"]["unschedulable"] != true)
        .filter(|node| daemons::selects(&pod["spec"], node) && daemons::tolerates(&pod["spec"], node))
        .filter(|node| has_room(world, node, pod) && in_zone_of_claim(world, node, pod))
        .collect();
    (!nodes.is_empty()).then(|| nodes[dice.below(nodes.len())].clone())
}

fn in_zone_of_claim(world: &World, node: &Value, pod: &Value) -> bool {
    let Some(claim) = claim_of(pod) else { return true };
    let volume = format!("pv-{claim}");
    let bound = world.case.pvs.iter().find(|object| case::name(object) == volume);
    let path = "/spec/nodeAffinity/required/nodeSelectorTerms/0/matchExpressions/0/values/0";
    bound.is_none_or(|volume| {
        volume.pointer(path) == node["metadata"]["labels"].get("topology.kubernetes.io/zone")
    })
}

fn has_room(world: &World, node: &Value, pod: &Value) -> bool {
    let name = case::name(node);
    let there: Vec<&Value> = world
        .case
        .pods
        .iter()
        .filter(|other| other["spec"]["nodeName"] == name)
        .collect();
    let clash = |other: &&&Value| ports(pod).iter().any(|port| ports(other).contains(port));
    let all = |resource: &str| -> i64 {
        there.iter().map(|other| asked(other, resource)).sum::<i64>() + asked(pod, resource)
    };
    let most = |resource: &str| amount(&node["status"]["allocatable"][resource]);
    there.iter().find(clash).is_none()
        && i64::try_from(there.len()).is_ok_and(|count| count < most("pods"))
        && ["cpu", "memory", "nvidia.com/gpu"]
            .iter()
            .all(|resource| all(resource) <= most(resource) || asked(pod, resource) == 0)
}

/// Ports of the host that the pod has.
fn ports(pod: &Value) -> Vec<(i64, String)> {
    let containers = pod["spec"]["containers"].as_array();
    let declared = containers.into_iter().flatten().flat_map(|container| {
        container["ports"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|port| {
                let protocol = port["protocol"].as_str().unwrap_or("TCP");
                Some((port["hostPort"].as_i64()?, protocol.to_owned()))
            })
    });
    declared.collect()
}

fn asked(pod: &Value, resource: &str) -> i64 {
    let containers = pod["spec"]["containers"].as_array();
    containers
        .into_iter()
        .flatten()
        .map(|container| amount(&container["resources"]["requests"][resource]))
        .sum()
}

/// The few forms of quantities that this generator writes: thousandths, MiB, and plain numbers.
fn amount(quantity: &Value) -> i64 {
    let text = quantity.as_str().unwrap_or("0");
    let text = text.trim_end_matches("Mi").trim_end_matches('m');
    text.parse().unwrap_or(0)
}

fn run(dice: &mut Dice, world: &mut World, mut pod: Value, node: &Value) {
    pod["spec"]["nodeName"] = node["metadata"]["name"].clone();
    pod["status"]["phase"] = json!("Running");
    pod["metadata"]["creationTimestamp"] = json!(LONG_AGO);
    // A StatefulSet makes nobody anew before the old one is gone.
    let ordered = pod["metadata"]["ownerReferences"][0]["kind"] == "StatefulSet";
    if dice.percent(4) && !ordered {
        pod["metadata"]["deletionTimestamp"] = json!(NOW);
        pod["metadata"]["deletionGracePeriodSeconds"] = json!(30);
    }
    if let (Some(claim), Some(zone)) = (
        claim_of(&pod),
        node["metadata"]["labels"]["topology.kubernetes.io/zone"].as_str(),
    ) && !world
        .case
        .pvs
        .iter()
        .any(|volume| case::name(volume) == format!("pv-{claim}"))
    {
        bind_claim(&mut world.case, &claim, zone);
    }
    world.case.pods.push(pod);
}

/// The objects that own the pods.
fn controllers(of: &Workload, namespace: &str, replicas: usize) -> Vec<Value> {
    let mut template = of.template.clone();
    if of.claims == Claims::Shared {
        let claim = format!("shared-{}", of.name);
        template["spec"]["volumes"] =
            json!([{"name": "data", "persistentVolumeClaim": {"claimName": claim}}]);
    }
    let selector = json!({"matchLabels": {"app": of.name}});
    let meta = json!({"name": of.name, "namespace": namespace, "uid": format!("own-{}", of.name)});
    match of.kind {
        "Job" => vec![json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": meta,
            "spec": {"parallelism": replicas, "completions": replicas, "selector": selector, "template": template},
        })],
        "StatefulSet" => {
            let mut spec = json!({"replicas": replicas, "selector": selector, "template": template});
            if of.claims == Claims::Own {
                spec["volumeClaimTemplates"] = json!([{
                    "metadata": {"name": "data"},
                    "spec": {
                        "storageClassName": "gp3", "accessModes": ["ReadWriteOnce"],
                        "resources": {"requests": {"storage": "10Gi"}},
                    },
                }]);
            }
            vec![json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": meta, "spec": spec})]
        }
        _ => {
            let mut plain = template.clone();
            if let Some(labels) = plain["metadata"]["labels"].as_object_mut() {
                labels.remove("pod-template-hash");
            }
            let set = format!("{}-6c8f", of.name);
            vec![
                json!({
                    "apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta,
                    "spec": {"replicas": replicas, "selector": selector, "template": plain},
                }),
                json!({
                    "apiVersion": "apps/v1", "kind": "ReplicaSet",
                    "metadata": {
                        "name": set, "namespace": namespace, "uid": format!("own-{set}"),
                        "ownerReferences": [{
                            "apiVersion": "apps/v1", "kind": "Deployment", "name": of.name,
                            "uid": format!("own-{}", of.name), "controller": true,
                        }],
                    },
                    "spec": {"replicas": replicas, "selector": selector, "template": template},
                }),
            ]
        }
    }
}

fn budget(dice: &mut Dice, app: &str, namespace: &str) -> Value {
    let most = dice.pick(&["1", "50%"]);
    let most = most
        .parse::<u32>()
        .map_or_else(|_| json!(most), |count| json!(count));
    json!({
        "apiVersion": "policy/v1", "kind": "PodDisruptionBudget",
        "metadata": {"name": app, "namespace": namespace},
        "spec": {"maxUnavailable": most, "selector": {"matchLabels": {"app": app}}},
    })
}

/// Lets a waiting pod be one that kube-scheduler has made room for: its victims are on their way out.
fn preemptor(dice: &mut Dice, world: &mut World) {
    let plain = |pod: &Value| {
        let spec = &pod["spec"];
        ["affinity", "topologySpreadConstraints", "volumes", "nodeSelector"]
            .iter()
            .all(|field| spec[field].is_null())
            && ports(pod).is_empty()
    };
    let Some(at) = world.case.pending.iter().position(plain) else {
        return;
    };
    let mut pod = world.case.pending[at].clone();
    let nodes: Vec<Value> = world
        .case
        .nodes
        .iter()
        .filter(|node| !is_starting(world, node) && node["spec"]["unschedulable"] != true)
        .filter(|node| daemons::tolerates(&pod["spec"], node) && has_room(world, node, &pod))
        .cloned()
        .collect();
    if nodes.is_empty() {
        return;
    }
    let node = &nodes[dice.below(nodes.len())];
    // The victim has whatever the preemptor lacks.
    let mut victim = pod.clone();
    victim["metadata"]["name"] = json!("victim");
    victim["metadata"]["labels"] = json!({"app": "victim"});
    victim["metadata"]["ownerReferences"] = Value::Null;
    victim["metadata"]["deletionTimestamp"] = json!(NOW);
    victim["metadata"]["deletionGracePeriodSeconds"] = json!(30);
    victim["spec"]["nodeName"] = node["metadata"]["name"].clone();
    victim["spec"]["priority"] = json!(0);
    victim["spec"]["priorityClassName"] = Value::Null;
    let free = amount(&node["status"]["allocatable"]["cpu"])
        - world
            .case
            .pods
            .iter()
            .filter(|other| other["spec"]["nodeName"] == node["metadata"]["name"])
            .map(|other| asked(other, "cpu"))
            .sum::<i64>();
    victim["spec"]["containers"][0]["resources"]["requests"]["cpu"] = json!(format!("{}m", free.max(1)));
    victim["status"]["phase"] = json!("Running");
    pod["spec"]["priority"] = json!(1000);
    pod["spec"]["priorityClassName"] = json!("important");
    pod["status"]["nominatedNodeName"] = node["metadata"]["name"].clone();
    world.case.pending[at] = pod;
    world.case.pods.push(victim);
}
