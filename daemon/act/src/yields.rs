//! The annotation `controller.kubernetes.io/pod-deletion-cost` of a pod: which pods a ReplicaSet gives up first.
//!
//! Set, changed or taken away where it is ours; a cost that somebody else has set is left alone. Not here: which pods,
//! and what cost.

use crate::answer::{Carried, stale};
use crate::pod::{Change, bound, patch};
use kube::Client;
use model::ids::{NodeName, PodKey};
use model::pod::{DELETION_COST, deletion_level};
use serde_json::json;

/// Sets the deletion cost of a pod that is still on the node; 0 takes the annotation away. The same twice is `Done`.
pub(crate) async fn set(client: &Client, key: &PodKey, node: &NodeName, cost: i32) -> Carried {
    patch(client, key, |pod| {
        let annotations = pod.metadata.annotations.as_ref();
        let there = annotations.and_then(|all| all.get(DELETION_COST));
        let ours = there.is_none_or(|text| text.parse().ok().and_then(deletion_level).is_some());
        let wanted = (cost != 0).then(|| cost.to_string());
        if bound(pod) != Some(node.as_str()) {
            Err(stale(format!("pod {key} is not on {node}")))
        } else if !ours {
            Err(stale(format!("pod {key} has a deletion cost of somebody else")))
        } else if there == wanted.as_ref() {
            Ok(Vec::new())
        } else {
            let annotations = json!({ (DELETION_COST): wanted });
            Ok(vec![Change::Object(
                json!({ "metadata": { "annotations": annotations } }),
            )])
        }
    })
    .await
}
