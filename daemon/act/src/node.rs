//! Cordon and taint of a node in one patch, and undoing both.
//!
//! The patch carries the version that was read: taints are one list, and somebody else's change must not be lost.
//! A node that an administrator had cordoned before stays cordoned. Not here: which node, and draining it.

use crate::answer::{Carried, bounded, stale};
use k8s_openapi::api::core::v1::{Node, Taint};
use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use model::ids::{InstanceId, NodeName};
use model::node::{DRAIN_TAINT, EMPTYING_TAINT, STARTING_TAINT};
use model::outcome::Outcome;
use serde_json::{Value, json};
use std::time::Duration;

/// Annotation: who is removing the node, and for which intent.
pub const REMOVED_BY: &str = "plimsoll.io/removed-by";
/// Annotation: the node had been cordoned before; uncordoning leaves it so.
pub const WAS_CORDONED: &str = "plimsoll.io/was-cordoned";

const CALL: Duration = Duration::from_secs(4);

/// Cordons and taints a node that is still this instance. One that carries both already is `Done`.
pub(crate) async fn cordon(client: &Client, name: &NodeName, instance: &InstanceId, by: &str) -> Carried {
    let what = format!("node {name}");
    let api: Api<Node> = Api::all(client.clone());
    let node = match bounded(CALL, api.get(name.as_str())).await {
        Ok(node) => node,
        Err(error) => return error.unread(&what).into(),
    };
    let uid = node.metadata.uid.clone();
    let outcome = if let Err(why) = is_instance(&node, instance) {
        stale(format!("{what} {why}"))
    } else if is_ours(&node) && is_unschedulable(&node) {
        Outcome::done()
    } else {
        let mut taints = others(&node);
        taints.push(json!({ "key": DRAIN_TAINT, "effect": "NoSchedule" }));
        let was_cordoned = is_unschedulable(&node) && !is_ours(&node);
        let patch = json!({
            "metadata": {
                "resourceVersion": node.metadata.resource_version,
                "annotations": {
                    REMOVED_BY: by,
                    WAS_CORDONED: was_cordoned.then_some("true"),
                },
            },
            "spec": { "unschedulable": true, "taints": taints },
        });
        write(&api, name, patch).await
    };
    Carried { outcome, uid }
}

/// Takes back cordon and taint, and the startup taint. A node that is gone, or that carries none of ours, is `Done` as
/// it is.
pub(crate) async fn uncordon(client: &Client, name: &NodeName) -> Carried {
    let what = format!("node {name}");
    let api: Api<Node> = Api::all(client.clone());
    let node = match bounded(CALL, api.get_opt(name.as_str())).await {
        Ok(Some(node)) => node,
        Ok(None) => return Outcome::done().into(),
        Err(error) => return error.unread(&what).into(),
    };
    let uid = node.metadata.uid.clone();
    let outcome = if is_ours(&node) || is_starting(&node) {
        let annotations = node.metadata.annotations.as_ref();
        let was_cordoned = annotations.is_some_and(|all| all.contains_key(WAS_CORDONED))
            || !is_ours(&node) && is_unschedulable(&node);
        let patch = json!({
            "metadata": {
                "resourceVersion": node.metadata.resource_version,
                "annotations": { REMOVED_BY: null, WAS_CORDONED: null },
            },
            "spec": {
                "unschedulable": was_cordoned.then_some(true),
                "taints": others(&node),
            },
        });
        write(&api, name, patch).await
    } else {
        Outcome::done()
    };
    Carried { outcome, uid }
}

/// Sets our taint that asks new pods to go elsewhere where they can, or takes it away. The same twice is `Done`, and so
/// is a node that is gone where the taint is to go.
pub(crate) async fn avoid(client: &Client, name: &NodeName, on: bool) -> Carried {
    let what = format!("node {name}");
    let api: Api<Node> = Api::all(client.clone());
    let node = match bounded(CALL, api.get_opt(name.as_str())).await {
        Ok(Some(node)) => node,
        Ok(None) if on => return stale(format!("{what} is gone")).into(),
        Ok(None) => return Outcome::done().into(),
        Err(error) => return error.unread(&what).into(),
    };
    let uid = node.metadata.uid.clone();
    let there = taints(&node).iter().any(|taint| taint.key == EMPTYING_TAINT);
    let outcome = if there == on {
        Outcome::done()
    } else {
        let kept = taints(&node).iter().filter(|taint| taint.key != EMPTYING_TAINT);
        let mut taints: Vec<Value> = kept.map(|taint| json!(taint)).collect();
        if on {
            taints.push(json!({ "key": EMPTYING_TAINT, "effect": "PreferNoSchedule" }));
        }
        let patch = json!({
            "metadata": { "resourceVersion": node.metadata.resource_version },
            "spec": { "taints": taints },
        });
        write(&api, name, patch).await
    };
    Carried { outcome, uid }
}

/// Whether the node is still this instance, and not on its way out already.
pub(crate) fn is_instance(node: &Node, instance: &InstanceId) -> Result<(), String> {
    let provider_id = node.spec.as_ref().and_then(|spec| spec.provider_id.as_deref());
    let last = provider_id.and_then(|id| id.rsplit('/').next());
    match last {
        Some(id) if id != instance.as_str() => return Err(format!("is instance {id}, not {instance}")),
        Some(_) => {}
        // Nodes without a provider (kwok's own) go by their name.
        None if node.metadata.name.as_deref() == Some(instance.as_str()) => {}
        None => return Err(format!("has no providerID to tell that it is {instance}")),
    }
    match node.metadata.deletion_timestamp {
        Some(_) => Err("is being deleted".to_owned()),
        None => Ok(()),
    }
}

/// Whether the node carries our taint.
pub(crate) fn is_ours(node: &Node) -> bool {
    taints(node).iter().any(|taint| taint.key == DRAIN_TAINT)
}

/// Whether the node is cordoned.
pub(crate) fn is_unschedulable(node: &Node) -> bool {
    let unschedulable = node.spec.as_ref().and_then(|spec| spec.unschedulable);
    unschedulable.unwrap_or(false)
}

/// Whether the node still carries the startup taint.
fn is_starting(node: &Node) -> bool {
    taints(node).iter().any(|taint| taint.key == STARTING_TAINT)
}

fn taints(node: &Node) -> &[Taint] {
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_deref());
    taints.unwrap_or_default()
}

/// All taints but ours, and but the one that the API server derives from `unschedulable` and sets itself.
fn others(node: &Node) -> Vec<Value> {
    let not_others = [DRAIN_TAINT, STARTING_TAINT, "node.kubernetes.io/unschedulable"];
    let kept = taints(node)
        .iter()
        .filter(|taint| !not_others.contains(&taint.key.as_str()));
    kept.map(|taint| json!(taint)).collect()
}

async fn write(api: &Api<Node>, name: &NodeName, patch: Value) -> Outcome {
    let params = PatchParams::default();
    match bounded(CALL, api.patch(name.as_str(), &params, &Patch::Merge(patch))).await {
        Ok(_) => Outcome::done(),
        Err(error) => error.outcome(&format!("node {name}")),
    }
}
