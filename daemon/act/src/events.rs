//! Kubernetes Events about what was done, rendered from the step's Reason.
//!
//! Best effort: rate-limited, written in the background, and lost without a word when the API server does not take
//! them; the record of what happened is the logbook. Not here: any wording of its own.

use crate::answer::Carried;
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::Client;
use kube::api::{Api, PostParams};
use model::ids::{NodeName, PodKey, WorkloadKey};
use model::plan::{Step, StepKind};
use std::time::{Duration, Instant};
use tokio::time::timeout;

const CONTROLLER: &str = "plimsoll.io/plimsolld";
const CALL: Duration = Duration::from_secs(3);
/// Events written at once after a quiet time; after that one per second.
const BURST: u32 = 25;
/// Events about pods that one growth of a group is told to.
const PODS_PER_GROWTH: usize = 5;
/// Longest note the API takes, less than its 1 KiB.
const LONGEST_NOTE: usize = 1000;

/// Writes Events.
pub(crate) struct Events {
    client: Client,
    instance: String,
    bucket: Bucket,
}

impl Events {
    pub(crate) fn new(client: Client, instance: String) -> Self {
        Self {
            client,
            instance,
            bucket: Bucket::full(Instant::now()),
        }
    }

    /// Tells what was done to the objects it was done to.
    pub(crate) fn tell(&mut self, step: &Step, carried: &Carried) {
        if !carried.outcome.is_done() {
            return;
        }
        for mut object in objects(step) {
            if !self.bucket.take(Instant::now()) {
                return;
            }
            object.uid.clone_from(&carried.uid);
            let event = self.event(step, object);
            let namespace = event.metadata.namespace.clone().unwrap_or_default();
            let api: Api<Event> = Api::namespaced(self.client.clone(), &namespace);
            tokio::spawn(async move {
                let params = PostParams::default();
                match timeout(CALL, api.create(&params, &event)).await {
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => tracing::debug!(%error, "an event was not taken"),
                    Err(_) => tracing::debug!("an event was not taken in time"),
                }
            });
        }
    }

    fn event(&self, step: &Step, regarding: ObjectReference) -> Event {
        let namespace = regarding
            .namespace
            .clone()
            .unwrap_or_else(|| "default".to_owned());
        let mut note = format!("{}: {}", step.kind, step.reason);
        while note.len() > LONGEST_NOTE {
            note.pop();
        }
        Event {
            metadata: ObjectMeta {
                generate_name: Some("plimsoll-".to_owned()),
                namespace: Some(namespace),
                ..ObjectMeta::default()
            },
            event_time: Some(MicroTime(Timestamp::now())),
            reporting_controller: Some(CONTROLLER.to_owned()),
            reporting_instance: Some(self.instance.clone()),
            action: Some(step.kind.name().to_owned()),
            reason: Some(step.kind.name().to_owned()),
            regarding: Some(regarding),
            note: Some(note),
            type_: Some("Normal".to_owned()),
            ..Event::default()
        }
    }
}

/// The objects a step is told to.
fn objects(step: &Step) -> Vec<ObjectReference> {
    match &step.kind {
        StepKind::ScaleWorkload { workload, .. } => vec![of_workload(workload)],
        StepKind::GrowGroup { pods, .. } => pods.iter().take(PODS_PER_GROWTH).map(of_pod).collect(),
        StepKind::Evict { pod, .. } | StepKind::Remake { pod, .. } => vec![of_pod(pod)],
        StepKind::Cordon { node, .. }
        | StepKind::Avoid { node, .. }
        | StepKind::RemoveNode { node, .. }
        | StepKind::Uncordon { node } => {
            vec![of_node(node)]
        }
        // One per pod and cycle would drown the others; an instance without a node is no object.
        StepKind::SetBounds { .. }
        | StepKind::Nominate { .. }
        | StepKind::Yield { .. }
        | StepKind::PlaceOnFargate { .. }
        | StepKind::RemoveInstance { .. } => Vec::new(),
    }
}

fn of_pod(pod: &PodKey) -> ObjectReference {
    ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("Pod".to_owned()),
        namespace: Some(pod.namespace.to_string()),
        name: Some(pod.name.to_string()),
        ..ObjectReference::default()
    }
}

fn of_node(node: &NodeName) -> ObjectReference {
    ObjectReference {
        api_version: Some("v1".to_owned()),
        kind: Some("Node".to_owned()),
        name: Some(node.to_string()),
        ..ObjectReference::default()
    }
}

fn of_workload(workload: &WorkloadKey) -> ObjectReference {
    ObjectReference {
        api_version: Some("apps/v1".to_owned()),
        kind: Some(workload.kind.to_string()),
        namespace: Some(workload.namespace.to_string()),
        name: Some(workload.name.to_string()),
        ..ObjectReference::default()
    }
}

/// One per second, up to `BURST` at once.
struct Bucket {
    left: u32,
    filled: Instant,
}

impl Bucket {
    const fn full(now: Instant) -> Self {
        Self {
            left: BURST,
            filled: now,
        }
    }

    fn take(&mut self, now: Instant) -> bool {
        let seconds = now.saturating_duration_since(self.filled).as_secs();
        if seconds > 0 {
            let more = u32::try_from(seconds).unwrap_or(BURST);
            self.left = self.left.saturating_add(more).min(BURST);
            self.filled += Duration::from_secs(seconds);
        }
        self.left.checked_sub(1).is_some_and(|left| {
            self.left = left;
            true
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_and_then_one_per_second() {
        let start = Instant::now();
        let mut bucket = Bucket::full(start);
        let mut taken_at = |millis| {
            let now = start + Duration::from_millis(millis);
            (0..100).filter(|_| bucket.take(now)).count()
        };
        assert_eq!(taken_at(0), BURST as usize);
        assert_eq!(taken_at(2500), 2);
        assert_eq!(taken_at(2900), 0);
        assert_eq!(taken_at(3000), 1);
        assert_eq!(taken_at(3_600_000), BURST as usize);
    }
}
