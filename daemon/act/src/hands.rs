//! Hands on a live cluster: each cleared step goes to the one call that carries it out.
//!
//! A step is bounded as a whole, beside the time-outs of its calls. Placing on Fargate is recorded only: it
//! happens at admission. Not here: the calls themselves, and any choice between steps.

use crate::answer::Carried;
use crate::capacity::CapacityHands;
use crate::events::Events;
use crate::{evict, node, nominate, remove, scale, yields};
use guard::{Act, Cleared};
use kube::Client;
use model::outcome::Outcome;
use model::plan::{Step, StepKind};
use std::time::Duration;

/// A step that takes longer has an unknown end.
const STEP: Duration = Duration::from_secs(10);

/// What hands need.
pub struct HandsConfig {
    /// Kubernetes, made by `observe::client`: no hidden retries.
    pub client: Client,
    /// Whose knobs are turned for groups.
    pub capacity: CapacityHands,
    /// Name of this process in annotations and Events: its pod's name.
    pub instance: String,
    /// Whether Kubernetes Events are written.
    pub events: bool,
}

/// Hands on a live cluster.
pub struct Hands {
    client: Client,
    capacity: CapacityHands,
    instance: String,
    events: Option<Events>,
}

impl Hands {
    /// Hands as configured; makes no call.
    pub fn new(config: HandsConfig) -> Self {
        let events = config
            .events
            .then(|| Events::new(config.client.clone(), config.instance.clone()));
        Self {
            client: config.client,
            capacity: config.capacity,
            instance: config.instance,
            events,
        }
    }

    async fn carry(&mut self, step: &Step) -> Carried {
        match &step.kind {
            StepKind::ScaleWorkload { workload, from, to } => {
                scale::scale(&self.client, workload, *from, *to).await
            }
            StepKind::Nominate { pod, node, starting } => {
                nominate::nominate(&self.client, pod, node, *starting).await
            }
            StepKind::Yield { pod, node, cost } => yields::set(&self.client, pod, node, *cost).await,
            StepKind::Avoid { node, on } => node::avoid(&self.client, node, *on).await,
            StepKind::Cordon { node, instance, .. } => {
                node::cordon(&self.client, node, instance, &self.mark(step)).await
            }
            StepKind::Uncordon { node } => node::uncordon(&self.client, node).await,
            StepKind::Evict { pod, node } => evict::evict(&self.client, pod, node).await,
            StepKind::GrowGroup { from, to, .. } if to <= from => Outcome::Failed {
                why: format!("a group is only ever grown: {from} -> {to}"),
            }
            .into(),
            StepKind::GrowGroup { .. } => self.capacity.grow(step).await.into(),
            StepKind::RemoveNode { node, instance, .. } => {
                match remove::is_empty(&self.client, node, instance).await {
                    Ok(uid) => Carried {
                        outcome: self.capacity.remove(step).await,
                        uid,
                    },
                    Err(outcome) => outcome.into(),
                }
            }
            StepKind::RemoveInstance { instance, .. } => {
                match remove::never_joined(&self.client, instance).await {
                    Ok(()) => self.capacity.remove(step).await.into(),
                    Err(outcome) => outcome.into(),
                }
            }
            StepKind::PlaceOnFargate { .. } => Outcome::Recorded.into(),
        }
    }

    /// Who did it and for which intent, for the annotation on a node.
    fn mark(&self, step: &Step) -> String {
        match &step.intent {
            Some(intent) => format!("{} for intent {intent}", self.instance),
            None => format!("{} in step {}", self.instance, step.id),
        }
    }
}

impl Act for Hands {
    async fn carry_out(&mut self, step: Cleared<Step>) -> Outcome {
        let step = step.into_inner();
        let carried = match tokio::time::timeout(STEP, self.carry(&step)).await {
            Ok(carried) => carried,
            Err(_) => Outcome::Unknown {
                why: format!("{} took longer than {}s", step.kind.name(), STEP.as_secs()),
            }
            .into(),
        };
        tracing::info!(step = %step.id, what = %step.kind, outcome = %carried.outcome, "carried out");
        if let Some(events) = &mut self.events {
            events.tell(&step, &carried);
        }
        carried.outcome
    }
}

#[cfg(test)]
mod tests;
