//! `status.nominatedNodeName` of a waiting pod: kube-scheduler tries that node first.
//!
//! A hint, never a binding; a cluster that does not take it leaves the pod as it was. Not here: which node.

use crate::answer::{Carried, bounded, stale};
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use model::ids::{NodeName, PodKey};
use model::outcome::Outcome;
use serde_json::json;
use std::time::Duration;

const CALL: Duration = Duration::from_secs(4);

/// Nominates a node for a pod that is still waiting; an empty name takes back what is nominated. The same nomination
/// twice is `Done`.
pub(crate) async fn nominate(client: &Client, key: &PodKey, node: &NodeName) -> Carried {
    let what = format!("pod {key}");
    let api: Api<Pod> = Api::namespaced(client.clone(), &key.namespace);
    let pod = match bounded(CALL, api.get(&key.name)).await {
        Ok(pod) => pod,
        Err(error) => return error.unread(&what).into(),
    };
    let uid = pod.metadata.uid.clone();
    let bound = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
    let nominated = pod
        .status
        .as_ref()
        .and_then(|status| status.nominated_node_name.as_deref())
        .unwrap_or_default();
    let outcome = if let Some(bound) = bound {
        stale(format!("{what} is on {bound} already"))
    } else if pod.metadata.deletion_timestamp.is_some() {
        stale(format!("{what} is being deleted"))
    } else if nominated == node.as_str() {
        Outcome::done()
    } else {
        // The UID is a precondition: another pod of this name is left alone.
        let patch = json!({
            "metadata": { "uid": uid },
            "status": { "nominatedNodeName": Some(node.as_str()).filter(|name| !name.is_empty()) },
        });
        let params = PatchParams::default();
        match bounded(CALL, api.patch_status(&key.name, &params, &Patch::Merge(patch))).await {
            Ok(_) => Outcome::done(),
            Err(error) => match error.outcome(&what) {
                // 400, 403, 405, 422: this cluster does not take nominations.
                Outcome::Failed { why } => Outcome::Refused { after: None, why },
                other => other,
            },
        }
    };
    Carried { outcome, uid }
}
