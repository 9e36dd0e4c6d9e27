//! A plan made true: what it buys joins as such nodes register, with the pods that DaemonSets run there, time passes, and
//! every pod is bound where the plan has it.

use super::registered::{self, Launch};
use super::world::World;
use super::{daemons, registered::csi_node};
use crate::case::{self, Case};
use crate::plan::{Placement, Question};
use anyhow::{Context as _, Result};
use model::ids::{IntentId, NodeName};
use model::intent::{Intent, IntentKind, LaunchStage};
use model::offer::OfferKind;
use model::plan::{Plan, Step, StepKind};
use model::pod::{Taint, TaintEffect};
use model::snapshot::Snapshot;
use model::time::Span;
use serde_json::{Value, json};

/// When bought nodes join.
const JOINED: &str = "2026-11-02T12:01:00Z";

/// Names of bought nodes: a plan's own start anew with each plan.
pub fn real_name(planned: &NodeName) -> String {
    format!("ip-{planned}")
}

/// The cluster just after the bought nodes registered: nobody is bound, no agent has done its work. Nodes of a group whose
/// labels come late are a step further, for nobody could tell whose they are before.
pub fn joining(world: &World, seen: &Snapshot, plan: &Plan) -> Result<World> {
    let (fleet, mut world) = (world.fleet(), world.clone());
    for (at, (name, group, (kind, zone))) in bought(seen, plan)?.into_iter().enumerate() {
        let launch = Launch {
            name: &name,
            group: world.groups.iter().find(|own| own.name == group).or(Some(&fleet)),
            kind: registered::type_of(&kind),
            zone: &zone,
            created: JOINED,
        };
        let late = launch.group.is_some_and(|group| !group.late_labels.is_empty());
        let node = if at % 2 == 0 && !late {
            registered::registering(launch)
        } else {
            registered::starting(launch)
        };
        let later = registered::usable(launch);
        let daemons = world.daemon_sets().filter_map(|set| daemons::pod(set, &node));
        let daemons: Vec<Value> = daemons.collect();
        world.case.pods.extend(daemons);
        world.case.nodes.push(node);
        world.later.push(later);
    }
    Ok(world)
}

/// The cluster while bought nodes start: by then kube-scheduler has bound those whose node was up when the plan was made.
pub fn meanwhile(joining: &World, seen: &Snapshot, plan: &Plan) -> World {
    let mut asked = joining.case.clone();
    let pending = std::mem::take(&mut asked.pending);
    asked.bind.clear();
    let cordon = Taint {
        key: "node.kubernetes.io/unschedulable".to_owned(),
        value: String::new(),
        effect: TaintEffect::NoSchedule,
    };
    let tolerates = |object: &Value| {
        let spec = seen.pod(&case::key(object)).map(|pod| seen.spec(pod.spec));
        spec.is_some_and(|spec| spec.tolerations.iter().any(|of| of.tolerates(&cordon)))
    };
    for (name, pods) in &plan.existing {
        let Some(node) = seen.node(name).filter(|node| node.ready && !node.is_starting()) else {
            continue;
        };
        let theirs = pending.iter().filter(|object| pods.contains(&case::key(object)));
        // Who is nominated waits for others to end.
        let now = theirs.filter(|object| object["status"]["nominatedNodeName"].is_null());
        for object in now.filter(|object| !node.unschedulable || tolerates(object)) {
            asked.pending.push(object.clone());
            asked.bind.push(name.as_str().to_owned());
        }
    }
    bound(joining, &asked)
}

/// What the daemon has written down meanwhile: the launches of the plan, whose nodes have all joined (`guard`'s Ledger keeps
/// them open while nodes start).
pub fn launches(plan: &Plan, joining: &Snapshot) -> Vec<Intent> {
    let launch = |(at, step): (usize, &Step)| {
        let StepKind::GrowGroup {
            group,
            offer,
            from,
            to,
            nodes,
            pods,
            ..
        } = &step.kind
        else {
            return None;
        };
        let kind = IntentKind::Launch {
            group: group.clone(),
            offer: offer.clone(),
            count: to.saturating_sub(*from),
            from: *from,
            to: *to,
            planned: nodes.clone(),
            pods: pods.clone(),
            stage: LaunchStage::Joined,
            instances: Vec::new(),
            joined: nodes.iter().map(|name| NodeName::new(real_name(name))).collect(),
        };
        Some(Intent {
            id: IntentId::new(format!("1-{at}")),
            kind,
            opened: joining.at,
            deadline: joining.at + Span::from_secs(600),
            generation: 0,
        })
    };
    plan.steps.iter().enumerate().filter_map(launch).collect()
}

/// The cluster when every node has finished starting, every agent runs, and who made room for a nominated pod has left.
/// Others who leave stay: what they hold was held when the plan was made.
pub fn settled(world: &World) -> World {
    let mut world = world.clone();
    for later in std::mem::take(&mut world.later) {
        let same = |node: &&mut Value| case::name(node) == case::name(&later);
        if let Some(node) = world.case.nodes.iter_mut().find(same) {
            *node = later;
        }
    }
    let nominated: Vec<Value> = world
        .case
        .pending
        .iter()
        .map(|pod| pod["status"]["nominatedNodeName"].clone())
        .collect();
    world.case.pods.retain(|pod| {
        pod["metadata"]["deletionTimestamp"].is_null() || !nominated.contains(&pod["spec"]["nodeName"])
    });
    for node in world.case.nodes.clone() {
        let missing: Vec<Value> = world
            .daemon_sets()
            .filter_map(|set| daemons::pod(set, &node))
            .filter(|pod| {
                !world
                    .case
                    .pods
                    .iter()
                    .any(|there| case::key(there) == case::key(pod))
            })
            .collect();
        world.case.pods.extend(missing);
    }
    attach_everywhere(&mut world.case);
    world
}

/// What kube-scheduler is asked about the plan; `settled` is the cluster with the bought nodes, the last of its list.
pub fn question(settled: &World, seen: &Snapshot, plan: &Plan) -> Result<Option<Question>> {
    let count = bought(seen, plan)?.len();
    let there = plan
        .existing
        .iter()
        .map(|(node, pods)| (node.as_str().to_owned(), pods));
    let new = plan.nodes.iter().map(|node| (real_name(&node.name), &node.pods));
    let mut placements: Vec<Placement> = Vec::new();
    let mut asked = settled.case.clone();
    let pending = std::mem::take(&mut asked.pending);
    asked.bind.clear();
    for (node, pods) in there.chain(new) {
        for pod in pods {
            // Every replica has its pod in these clusters.
            let object = pending.iter().find(|object| case::key(object) == *pod);
            let object = object.with_context(|| format!("{pod} is no pod of the cluster"))?;
            let Some(known) = seen.pod(pod) else { continue };
            asked.pending.push(object.clone());
            asked.bind.push(node.clone());
            placements.push((pod.clone(), seen.spec(known.spec), NodeName::new(&node)));
        }
    }
    asked.any_order = true;
    // Agents of bought nodes stand last, for the orders in which such nodes join late.
    let fresh: Vec<String> = asked.nodes[asked.nodes.len() - count..]
        .iter()
        .map(|node| case::name(node).to_owned())
        .collect();
    let on_fresh = |pod: &Value| fresh.iter().any(|name| pod["spec"]["nodeName"] == **name);
    asked.pods.sort_by_key(&on_fresh);
    let daemons = asked.pods.iter().filter(|pod| on_fresh(pod)).count();
    Ok((!placements.is_empty()).then(|| Question::of(asked, count as u64, daemons, placements)))
}

/// The cluster with these pods bound.
pub fn bound(settled: &World, asked: &Case) -> World {
    let mut world = settled.clone();
    for (pod, node) in asked.pending.iter().zip(&asked.bind) {
        world
            .case
            .pending
            .retain(|waits| case::key(waits) != case::key(pod));
        let mut pod = pod.clone();
        pod["spec"]["nodeName"] = json!(node);
        pod["status"] = json!({"phase": "Running"});
        for claim in claims_of(&pod) {
            if let Some(zone) = zone_of(&world.case, node) {
                bind_claim(&mut world.case, &claim, &zone);
            }
        }
        world.case.pods.push(pod);
    }
    world.case.bind = vec![String::new(); world.case.pending.len()];
    world
}

/// Claims without a volume whose pods the plan puts into several zones.
pub fn split_claims(asked: &Case) -> Vec<String> {
    let mut zones: std::collections::BTreeMap<String, std::collections::BTreeSet<String>> =
        std::collections::BTreeMap::new();
    for (pod, node) in asked.pending.iter().zip(&asked.bind) {
        for claim in claims_of(pod) {
            let zone = zone_of(asked, node).unwrap_or_default();
            zones.entry(claim).or_default().insert(zone);
        }
    }
    let split = zones.into_iter().filter(|(_, zones)| zones.len() > 1);
    split.map(|(claim, _)| claim).collect()
}

/// Name, group, type and zone of what a plan buys.
type Bought = (String, String, (String, String));

fn bought(seen: &Snapshot, plan: &Plan) -> Result<Vec<Bought>> {
    let node = |node: &model::plan::PlannedNode| {
        let at = seen
            .offer_ix(&node.offer)
            .context("a plan buys what nobody sells")?;
        match &seen.offers[at].kind {
            OfferKind::Ec2 {
                instance_type, zone, ..
            } => Ok((
                real_name(&node.name),
                node.group.as_str().to_owned(),
                (instance_type.clone(), zone.clone()),
            )),
            OfferKind::Fargate { .. } => anyhow::bail!("no profile is in these clusters"),
        }
    };
    plan.nodes.iter().map(node).collect()
}

fn claims_of(pod: &Value) -> Vec<String> {
    let volumes = pod["spec"]["volumes"].as_array();
    let claim = |volume: &Value| {
        volume
            .pointer("/persistentVolumeClaim/claimName")?
            .as_str()
            .map(str::to_owned)
    };
    volumes.into_iter().flatten().filter_map(claim).collect()
}

fn zone_of(case: &Case, node: &str) -> Option<String> {
    let node = case.nodes.iter().find(|object| case::name(object) == node)?;
    let zone = node["metadata"]["labels"].get("topology.kubernetes.io/zone")?;
    zone.as_str().map(str::to_owned)
}

/// Gives the claim a volume of EBS in the zone.
pub fn bind_claim(case: &mut Case, claim: &str, zone: &str) {
    let volume = format!("pv-{claim}");
    if case.pvs.iter().any(|known| case::name(known) == volume) {
        return;
    }
    let Some(object) = case.pvcs.iter_mut().find(|object| case::name(object) == claim) else {
        return;
    };
    object["spec"]["volumeName"] = json!(volume);
    object["metadata"]["annotations"] = json!({"pv.kubernetes.io/bind-completed": "yes"});
    object["status"]["phase"] = json!("Bound");
    let namespace = object["metadata"]["namespace"].clone();
    case.pvs.push(json!({
        "metadata": {"name": volume},
        "spec": {
            "storageClassName": "gp3", "capacity": {"storage": "10Gi"}, "accessModes": ["ReadWriteOnce"],
            "csi": {"driver": "ebs.csi.aws.com", "volumeHandle": volume},
            "claimRef": {"kind": "PersistentVolumeClaim", "namespace": namespace, "name": claim},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [
                {"key": "topology.kubernetes.io/zone", "operator": "In", "values": [zone]}
            ]}]}},
        },
        "status": {"phase": "Bound"},
    }));
}

/// Lets the EBS driver have registered on every node, where there are claims at all.
pub fn attach_everywhere(case: &mut Case) {
    if case.pvcs.is_empty() {
        return;
    }
    let names: Vec<String> = case.node_names().map(str::to_owned).collect();
    for name in names {
        if !case.csi_nodes.iter().any(|known| case::name(known) == name) {
            case.csi_nodes.push(csi_node(&name));
        }
    }
}
