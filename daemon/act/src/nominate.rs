//! `status.nominatedNodeName` of a waiting pod: kube-scheduler tries that node first and keeps the room for it. Where
//! the node is starting, the pod is let in as well: it gets a toleration of the startup taint.
//!
//! A hint, never a binding; a cluster that does not take it leaves the pod as it was. Not here: which node.

use crate::answer::{Carried, stale};
use crate::pod::{Change, bound, patch};
use k8s_openapi::api::core::v1::{Pod, Toleration};
use kube::Client;
use model::ids::{NodeName, PodKey};
use model::node::STARTING_TAINT;
use model::outcome::Outcome;
use serde_json::json;

/// Nominates a node for a pod that is still waiting, and lets it in where the node is `starting`. The same twice is
/// `Done`.
pub(crate) async fn nominate(client: &Client, key: &PodKey, node: &NodeName, starting: bool) -> Carried {
    let mut carried = patch(client, key, |pod| {
        if let Some(bound) = bound(pod) {
            return Err(stale(format!("pod {key} is on {bound} already")));
        }
        let status = pod.status.as_ref();
        let nominated = status.and_then(|status| status.nominated_node_name.as_deref());
        let mut changes = Vec::new();
        if nominated != Some(node.as_str()) {
            let status = json!({ "nominatedNodeName": node.as_str() });
            changes.push(Change::Status(json!({ "status": status })));
        }
        // Only after that: kube-scheduler tries the pod again as soon as it tolerates more.
        if starting && !is_let_in(pod) {
            let mut tolerations = tolerations(pod).to_vec();
            tolerations.push(ours());
            changes.push(Change::Object(json!({ "spec": { "tolerations": tolerations } })));
        }
        Ok(changes)
    })
    .await;
    if let Outcome::Failed { why } = carried.outcome {
        // 400, 403, 405, 422: this cluster does not take nominations, or lets nobody in.
        carried.outcome = Outcome::Refused { after: None, why };
    }
    carried
}

fn tolerations(pod: &Pod) -> &[Toleration] {
    let tolerations = pod.spec.as_ref().and_then(|spec| spec.tolerations.as_deref());
    tolerations.unwrap_or_default()
}

/// Whether the pod tolerates the startup taint, by our doing or its own.
fn is_let_in(pod: &Pod) -> bool {
    tolerations(pod).iter().any(|toleration| {
        let key = toleration.key.as_deref().unwrap_or_default();
        let exists = toleration.operator.as_deref() == Some("Exists");
        let effect = toleration.effect.as_deref().unwrap_or_default();
        exists && ["", STARTING_TAINT].contains(&key) && ["", "NoSchedule"].contains(&effect)
    })
}

fn ours() -> Toleration {
    Toleration {
        key: Some(STARTING_TAINT.to_owned()),
        operator: Some("Exists".to_owned()),
        effect: Some("NoSchedule".to_owned()),
        ..Toleration::default()
    }
}
