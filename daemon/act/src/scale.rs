//! Replicas through the `/scale` subresource.
//!
//! Precondition: the workload has the replicas the step was computed from. The write carries the version that
//! was read, so that a change in between wins. Not here: bounds, and whose replicas they are.

use crate::answer::{Carried, bounded, stale};
use k8s_openapi::api::autoscaling::v1::Scale;
use kube::Client;
use kube::api::{Api, ApiResource, DynamicObject, GroupVersionKind, PostParams};
use model::ids::WorkloadKey;
use model::outcome::Outcome;
use std::time::Duration;

const CALL: Duration = Duration::from_secs(4);

/// Sets the replicas of a workload from `from` to `to`. Replicas that are `to` already are `Done`.
pub(crate) async fn scale(client: &Client, workload: &WorkloadKey, from: u32, to: u32) -> Carried {
    let what = workload.to_string();
    let Some(resource) = resource(&workload.kind) else {
        return Outcome::Failed {
            why: format!("{what}: no /scale is known for this kind"),
        }
        .into();
    };
    let api: Api<DynamicObject> = Api::namespaced_with(client.clone(), &workload.namespace, &resource);
    let mut read: Scale = match bounded(CALL, api.get_scale(&workload.name)).await {
        Ok(scale) => scale,
        Err(error) => return error.unread(&what).into(),
    };
    let uid = read.metadata.uid.clone();
    let outcome = match replicas(&read) {
        now if now == i64::from(to) => Outcome::done(),
        now if now != i64::from(from) => stale(format!("{what} has {now} replicas, not {from}")),
        _ => {
            let wanted = i32::try_from(to).unwrap_or(i32::MAX);
            read.spec.get_or_insert_default().replicas = Some(wanted);
            let params = PostParams::default();
            let written = api.replace_scale(&workload.name, &params, &read);
            match bounded(CALL, written).await {
                Ok(_) => Outcome::done(),
                Err(error) => error.outcome(&what),
            }
        }
    };
    Carried { outcome, uid }
}

/// `spec.replicas`; the API server leaves a zero out.
fn replicas(scale: &Scale) -> i64 {
    let replicas = scale.spec.as_ref().and_then(|spec| spec.replicas);
    replicas.map_or(0, i64::from)
}

/// The kinds that the eyes watch and the chart's role may scale.
fn resource(kind: &str) -> Option<ApiResource> {
    let plural = match kind {
        "Deployment" => "deployments",
        "StatefulSet" => "statefulsets",
        "ReplicaSet" => "replicasets",
        _ => return None,
    };
    let kind = GroupVersionKind::gvk("apps", "v1", kind);
    Some(ApiResource::from_gvk_with_plural(&kind, plural))
}
