//! The annotation `controller.kubernetes.io/pod-deletion-cost` of a pod: which pods a ReplicaSet gives up first.
//!
//! Set, changed or taken away where it is ours; a cost that somebody else has set is left alone. Not here: which pods,
//! and what cost.

use crate::answer::{Carried, bounded, stale};
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use model::ids::{NodeName, PodKey};
use model::outcome::Outcome;
use model::pod::{DELETION_COST, deletion_level};
use serde_json::json;
use std::time::Duration;

const CALL: Duration = Duration::from_secs(4);

/// Sets the deletion cost of a pod that is still on the node; 0 takes the annotation away. The same twice is `Done`.
pub(crate) async fn set(client: &Client, key: &PodKey, node: &NodeName, cost: i32) -> Carried {
    let what = format!("pod {key}");
    let api: Api<Pod> = Api::namespaced(client.clone(), &key.namespace);
    let pod = match bounded(CALL, api.get(&key.name)).await {
        Ok(pod) => pod,
        Err(error) => return error.unread(&what).into(),
    };
    let uid = pod.metadata.uid.clone();
    let bound = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
    let annotations = pod.metadata.annotations.as_ref();
    let there = annotations.and_then(|all| all.get(DELETION_COST));
    let ours = there.is_none_or(|text| text.parse().ok().and_then(deletion_level).is_some());
    let wanted = (cost != 0).then(|| cost.to_string());
    let outcome = if bound != Some(node.as_str()) {
        stale(format!("{what} is not on {node}"))
    } else if pod.metadata.deletion_timestamp.is_some() {
        stale(format!("{what} is being deleted"))
    } else if !ours {
        stale(format!("{what} has a deletion cost of somebody else"))
    } else if there == wanted.as_ref() {
        Outcome::done()
    } else {
        // The UID is a precondition: another pod of this name is left alone.
        let patch = json!({ "metadata": { "uid": uid, "annotations": { (DELETION_COST): wanted } } });
        match bounded(
            CALL,
            api.patch(&key.name, &PatchParams::default(), &Patch::Merge(patch)),
        )
        .await
        {
            Ok(_) => Outcome::done(),
            Err(error) => error.outcome(&what),
        }
    };
    Carried { outcome, uid }
}
