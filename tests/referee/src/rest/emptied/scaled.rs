//! Half of the workloads scaled down, as their controllers do it, and a few marks that keep pods and nodes where they are.
//!
//! Pods that still wait go as well: what is on trial is what becomes of nodes, not of pods that fit nowhere.

use crate::case;
use crate::dice::Dice;
use crate::rest::world::World;
use serde_json::{Value, json};

/// Kinds whose replicas can be lowered. A Deployment goes with its ReplicaSet.
const SCALED: [&str; 3] = ["ReplicaSet", "StatefulSet", "Job"];

/// The cluster after half of its workloads were scaled down.
pub(super) fn scaled_down(mut world: World, dice: &mut Dice) -> World {
    world
        .case
        .pods
        .retain(|pod| pod["metadata"]["deletionTimestamp"].is_null());
    world.case.pending.clear();
    world.case.bind.clear();
    let owners: Vec<Value> = world.controllers.clone();
    for owner in owners.iter().filter(|owner| is_scaled(owner)) {
        let there = owned(&world, owner);
        let left = if !dice.percent(50) {
            there.len()
        } else if dice.percent(20) {
            0
        } else {
            there.len() / 2
        };
        for _ in left..there.len() {
            if let Some(at) = first_to_go(&world, owner) {
                world.case.pods.remove(at);
            }
        }
    }
    mark(&mut world, dice);
    counted(world)
}

/// With as many replicas everywhere as there are pods.
pub(super) fn counted(mut world: World) -> World {
    let owners: Vec<Value> = world.controllers.clone();
    for owner in owners.iter().filter(|owner| is_scaled(owner)) {
        let left = owned(&world, owner).len();
        set_replicas(&mut world, owner, left);
    }
    world
}

fn is_scaled(owner: &Value) -> bool {
    SCALED.contains(&owner["kind"].as_str().unwrap_or_default())
}

/// Places of the pods that the controller owns.
fn owned(world: &World, owner: &Value) -> Vec<usize> {
    let uid = &owner["metadata"]["uid"];
    let pods = world.case.pods.iter().enumerate();
    pods.filter(|(_, pod)| pod["metadata"]["ownerReferences"][0]["uid"] == *uid)
        .map(|(at, _)| at)
        .collect()
}

/// The pod that the controller gives up first: a StatefulSet's highest ordinal; of a ReplicaSet one whose node has most of
/// its pods, the youngest by name.
fn first_to_go(world: &World, owner: &Value) -> Option<usize> {
    let of = owned(world, owner);
    let ordinal = |at: &usize| -> usize {
        let name = case::name(&world.case.pods[*at]);
        let last = name.rsplit('-').next().unwrap_or_default();
        last.parse().unwrap_or(0)
    };
    if owner["kind"] == "StatefulSet" {
        return of.into_iter().max_by_key(ordinal);
    }
    let node = |at: usize| &world.case.pods[at]["spec"]["nodeName"];
    let crowd = |at: &usize| of.iter().filter(|other| node(**other) == node(*at)).count();
    of.iter().copied().max_by_key(|at| (crowd(at), ordinal(at)))
}

fn set_replicas(world: &mut World, owner: &Value, left: usize) {
    let deployment = &owner["metadata"]["ownerReferences"][0]["uid"];
    for object in &mut world.controllers {
        let uid = &object["metadata"]["uid"];
        if *uid != owner["metadata"]["uid"] && (deployment.is_null() || uid != deployment) {
            continue;
        }
        if object["kind"] == "Job" {
            object["spec"]["parallelism"] = json!(left);
            object["spec"]["completions"] = json!(left);
        } else {
            object["spec"]["replicas"] = json!(left);
        }
    }
}

/// Marks on pods and nodes that say that they are not to be moved, now and then.
fn mark(world: &mut World, dice: &mut Dice) {
    let own: Vec<usize> = (0..world.case.pods.len())
        .filter(|at| world.case.pods[*at]["metadata"]["ownerReferences"][0]["kind"] != "DaemonSet")
        .collect();
    for kind in 0..4 {
        if own.is_empty() || !dice.percent(7) {
            continue;
        }
        let pod = &mut world.case.pods[own[dice.below(own.len())]];
        match kind {
            0 => pod["metadata"]["annotations"]["karpenter.sh/do-not-disrupt"] = json!("true"),
            1 => {
                pod["metadata"]["annotations"]["cluster-autoscaler.kubernetes.io/safe-to-evict"] =
                    json!("false");
            }
            2 => {
                let cache = json!({"name": "cache", "emptyDir": {}});
                match pod["spec"]["volumes"].as_array_mut() {
                    Some(volumes) => volumes.push(cache),
                    None => pod["spec"]["volumes"] = json!([cache]),
                }
            }
            _ => pod["metadata"]["ownerReferences"] = Value::Null,
        }
    }
    if !world.case.nodes.is_empty() && dice.percent(10) {
        let at = dice.below(world.case.nodes.len());
        world.case.nodes[at]["metadata"]["annotations"]["cluster-autoscaler.kubernetes.io/scale-down-disabled"] =
            json!("true");
    }
}
