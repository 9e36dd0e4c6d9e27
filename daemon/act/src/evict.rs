//! One eviction through the Eviction API; pods are never deleted.
//!
//! Precondition: this very pod (by UID) is still on that node, or waits for one, and nobody has forbidden moving it
//! meanwhile. A 429 is a budget's word, not a fault. Not here: waiting for the pod to go, trying again.

use crate::answer::{CallError, Carried, bounded, stale};
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::Eviction;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{DeleteOptions, ObjectMeta, Preconditions};
use kube::Client;
use kube::api::{Api, PostParams};
use kube::core::Status;
use model::ids::{NodeName, PodKey};
use model::outcome::Outcome;
use model::provisioned::PROFILE_LABEL;
use model::time::Span;
use std::time::Duration;

const CALL: Duration = Duration::from_secs(4);
/// A budget that says no without a time is asked again no sooner.
const ASK_AGAIN: Span = Span::from_secs(10);

/// Annotations with which an owner forbids moving a pod, and the value that forbids.
const FORBIDS: [(&str, &str); 3] = [
    ("plimsoll.io/do-not-disrupt", "true"),
    ("karpenter.sh/do-not-disrupt", "true"),
    ("cluster-autoscaler.kubernetes.io/safe-to-evict", "false"),
];

/// Asks for one pod to be evicted from a node, or from no node: one that waits for it to be bound. A pod that is gone,
/// or going, is `Done`.
pub(crate) async fn evict(client: &Client, key: &PodKey, node: Option<&NodeName>) -> Carried {
    let what = format!("pod {key}");
    let api: Api<Pod> = Api::namespaced(client.clone(), &key.namespace);
    let pod = match bounded(CALL, api.get_opt(&key.name)).await {
        Ok(Some(pod)) => pod,
        Ok(None) => return Outcome::done().into(),
        Err(error) => return error.unread(&what).into(),
    };
    let uid = pod.metadata.uid.clone();
    let outcome = if pod.metadata.deletion_timestamp.is_some() {
        Outcome::done()
    } else if let Err(why) = may_leave(&pod, node) {
        stale(format!("{what} {why}"))
    } else {
        // Written out: kube's own `evict` sends the options under a name that the API server passes over, and
        // with them the UID.
        let eviction = Eviction {
            metadata: ObjectMeta {
                name: Some(key.name.to_string()),
                namespace: Some(key.namespace.to_string()),
                ..ObjectMeta::default()
            },
            delete_options: Some(DeleteOptions {
                preconditions: Some(Preconditions {
                    uid: uid.clone(),
                    // One that waits may be bound at any moment: only as it was read.
                    resource_version: pod.metadata.resource_version.filter(|_| node.is_none()),
                }),
                ..DeleteOptions::default()
            }),
        };
        let params = PostParams::default();
        let evicted = api.create_subresource::<_, Status>("eviction", &key.name, &params, &eviction);
        match bounded(CALL, evicted).await {
            Ok(_) => Outcome::done(),
            Err(error) => refused(&error, &what),
        }
    };
    Carried { outcome, uid }
}

fn may_leave(pod: &Pod, node: Option<&NodeName>) -> Result<(), String> {
    let on = pod.spec.as_ref().and_then(|spec| spec.node_name.as_deref());
    match (on, node) {
        (Some(on), Some(node)) if on == node.as_str() => {}
        (Some(on), Some(node)) => return Err(format!("is on {on}, not on {node}")),
        (None, Some(node)) => return Err(format!("is on no node, not on {node}")),
        (Some(on), None) => return Err(format!("is on {on} and waits no longer")),
        (None, None) => {}
    }
    let labels = pod.metadata.labels.as_ref();
    if node.is_none() && labels.is_some_and(|labels| labels.contains_key(PROFILE_LABEL)) {
        return Err("was taken by Fargate".to_owned());
    }
    let annotations = pod.metadata.annotations.as_ref();
    let forbids = |(key, value): &&(&str, &str)| {
        annotations
            .and_then(|all| all.get(*key))
            .is_some_and(|is| is == value)
    };
    match FORBIDS.iter().find(forbids) {
        Some((key, value)) => Err(format!("is annotated {key}={value}")),
        None => Ok(()),
    }
}

fn refused(error: &CallError, what: &str) -> Outcome {
    match error.outcome(what) {
        Outcome::Refused { after: None, why } => Outcome::Refused {
            after: Some(ASK_AGAIN),
            why,
        },
        // Two budgets over one pod are answered with a 500, but nothing was done.
        Outcome::Unknown { why } if why.contains("more than one PodDisruptionBudget") => Outcome::Refused {
            after: Some(ASK_AGAIN),
            why,
        },
        // Gone between the read and the eviction.
        Outcome::Stale { .. } if error.code() == Some(404) => Outcome::done(),
        other => other,
    }
}
