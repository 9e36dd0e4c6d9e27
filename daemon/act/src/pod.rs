//! One pod, patched only while it is still there under its UID.
//!
//! Not here: what is changed, and what a step asks of the pod beside that.

use crate::answer::{Carried, bounded, stale};
use k8s_openapi::api::core::v1::Pod;
use kube::Client;
use kube::api::{Api, Patch, PatchParams};
use model::ids::PodKey;
use model::outcome::Outcome;
use serde_json::{Value, json};
use std::time::Duration;

const CALL: Duration = Duration::from_secs(4);

/// A merge patch of one part of a pod.
#[derive(Debug)]
pub(crate) enum Change {
    /// Of its metadata or spec.
    Object(Value),
    /// Of its status, which is a resource of its own.
    Status(Value),
}

/// Reads a pod and makes the changes that `wanted` finds missing, one after another; none is `Done` as well. A pod that
/// is being deleted is left alone, and so is one that `wanted` answers with another outcome.
pub(crate) async fn patch(
    client: &Client,
    key: &PodKey,
    wanted: impl FnOnce(&Pod) -> Result<Vec<Change>, Outcome>,
) -> Carried {
    let what = format!("pod {key}");
    let api: Api<Pod> = Api::namespaced(client.clone(), &key.namespace);
    let pod = match bounded(CALL, api.get(&key.name)).await {
        Ok(pod) => pod,
        Err(error) => return error.unread(&what).into(),
    };
    let uid = pod.metadata.uid.clone();
    let found = if pod.metadata.deletion_timestamp.is_some() {
        Err(stale(format!("{what} is being deleted")))
    } else {
        wanted(&pod)
    };
    let changes = match found {
        Ok(changes) => changes,
        Err(outcome) => return Carried { outcome, uid },
    };
    let params = PatchParams::default();
    for change in changes {
        // The UID is a precondition: another pod of this name is left alone.
        let whose = |mut change: Value| {
            change["metadata"]["uid"] = json!(uid);
            Patch::Merge(change)
        };
        let answer = match change {
            Change::Object(change) => bounded(CALL, api.patch(&key.name, &params, &whose(change))).await,
            Change::Status(change) => {
                bounded(CALL, api.patch_status(&key.name, &params, &whose(change))).await
            }
        };
        if let Err(error) = answer {
            let outcome = error.outcome(&what);
            return Carried { outcome, uid };
        }
    }
    Carried {
        outcome: Outcome::done(),
        uid,
    }
}

/// The node that a pod is bound to.
pub(crate) fn bound(pod: &Pod) -> Option<&str> {
    pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref())
}
