//! Clusters as they are found on AWS, from a seed: groups, agents, nodes in every state, workloads with rules, volumes and
//! budgets, and pods that wait.
//!
//! Everything is what the API server would take. Running pods stand where taints, selectors, amounts and ports let
//! them; spreads may be uneven, as they are where nodes went and rules came later.

mod agents;
mod groups;
mod pods;
mod workloads;

use super::daemons;
use super::registered::{self, Launch, REGION, TYPES};
use super::world::{NodeGroup, World};
use crate::case::{self, Case};
use crate::dice::Dice;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// Last letters of the zones.
pub(super) const ZONES: [&str; 4] = ["a", "b", "c", "d"];

/// When everything old was made.
const LONG_AGO: &str = "2026-11-01T00:00:00Z";
/// When nodes that are starting were made.
const JUST_NOW: &str = "2026-11-02T11:59:00Z";
/// Now.
pub(super) const NOW: &str = "2026-11-02T12:00:00Z";

/// Name of a zone.
fn zone_name(number: usize) -> String {
    format!("{REGION}{}", ZONES[number % ZONES.len()])
}

/// How much of everything a cluster has.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Workloads, at most.
    pub workloads: usize,
    /// Pods of each that run, at most.
    pub running: usize,
    /// Pods of each that wait, at most.
    pub waiting: usize,
    /// Instance types on the price list.
    pub types: usize,
}

/// Clusters of some ten nodes.
pub const USUAL: Size = Size {
    workloads: 4,
    running: 4,
    waiting: 4,
    types: TYPES.len(),
};

/// Clusters for which every placement can be tried: at most 8 pods wait.
pub const TINY: Size = Size {
    workloads: 2,
    running: 2,
    waiting: 4,
    types: 3,
};

/// The cluster of this number.
pub fn world(size: Size, seed: u64, number: u64) -> World {
    let mut dice = Dice::of(seed, number);
    let dice = &mut dice;
    let zones = dice.between(1, 3);
    let mut world = World {
        case: Case {
            id: format!("rest-{seed}-{number}"),
            namespaces: ["default", "kube-system", "shop"]
                .map(|name| json!({"metadata": {"name": name}}))
                .to_vec(),
            ..Case::default()
        },
        controllers: agents::daemon_sets(dice),
        groups: groups::groups(dice, zones),
        ..World::default()
    };
    if dice.percent(65) {
        let ours = |group: &&NodeGroup| !group.labels.contains_key("karpenter.sh/nodepool");
        world.grows = world
            .groups
            .iter()
            .filter(ours)
            .map(|group| group.name.clone())
            .collect();
    }
    world.spot = !world.grows.is_empty() && world.groups.iter().any(|group| group.spot);
    world.prices = offers(dice, zones, size.types);
    nodes(dice, &mut world);
    pods::pods(dice, &mut world, size);
    world
}

/// The offers file; now and then a type is not sold in a zone.
fn offers(dice: &mut Dice, zones: usize, types: usize) -> String {
    let mut file = String::from(
        "instance_type,vcpu,memory_mib,arch,od_usd_h,spot_usd_h_est,alloc_cpu_milli,alloc_mem_mib,max_pods_eni,gpu_count,azs\n",
    );
    let mut on_list = TYPES.to_vec();
    while on_list.len() > types {
        on_list.remove(dice.below(on_list.len()));
    }
    for kind in on_list {
        let sold: Vec<String> = (0..zones)
            .filter(|zone| *zone == 0 || dice.percent(90))
            .map(zone_name)
            .collect();
        let arch = if kind.arch == "arm64" { "arm64" } else { "x86_64" };
        let (price, spot) = (f64::from(kind.price) / 1000.0, f64::from(kind.price) / 3000.0);
        let _ = writeln!(
            file,
            "{},{},{},{arch},{price},{spot:.4},{},{},{},{},{}",
            kind.name,
            kind.vcpu,
            kind.memory,
            kind.cpu_milli,
            kind.memory_mib,
            kind.pods,
            kind.gpus,
            sold.join(" ")
        );
    }
    file
}

/// Nodes of every group in every zone of it, most of them usable, with the agents' pods.
fn nodes(dice: &mut Dice, world: &mut World) {
    let cordons = dice.percent(25);
    let young = dice.percent(20);
    let groups = world.groups.clone();
    for group in &groups {
        for zone in &group.zones {
            for _ in 0..dice.between(1, 2) {
                let name = format!("ip-10-0-0-{}", world.case.nodes.len() + 10);
                let kind = registered::type_of(&group.types[dice.below(group.types.len())]);
                let starts = young && dice.percent(25);
                let launch = Launch {
                    name: &name,
                    group: Some(group),
                    kind,
                    zone,
                    created: if starts { JUST_NOW } else { LONG_AGO },
                };
                let mut node = registered::usable(launch);
                if starts {
                    world.later.push(node);
                    // A node without the label of its group belongs to nobody yet; kops sets it late.
                    let known = group.late_labels.is_empty();
                    node = if known && dice.percent(40) {
                        registered::registering(launch)
                    } else {
                        registered::starting(launch)
                    };
                } else if cordons && dice.percent(20) {
                    node["spec"]["unschedulable"] = json!(true);
                }
                world.case.pods.extend(agents_of(world, &node));
                world.case.nodes.push(node);
            }
        }
    }
}

/// Pods of the DaemonSets that run on the node.
pub(super) fn agents_of(world: &World, node: &Value) -> Vec<Value> {
    world
        .daemon_sets()
        .filter_map(|set| daemons::pod(set, node))
        .collect()
}

/// Whether the node is one that is starting.
fn is_starting(world: &World, node: &Value) -> bool {
    world
        .later
        .iter()
        .any(|later| case::name(later) == case::name(node))
}
