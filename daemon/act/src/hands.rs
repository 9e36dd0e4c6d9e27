//! Hands on a live cluster: each cleared step goes to the one call that carries it out.
//!
//! A step is bounded as a whole, beside the time-outs of its calls. Placing on Fargate is recorded only: it
//! happens at admission. Not here: the calls themselves, and any choice between steps.

use crate::answer::Carried;
use crate::capacity::CapacityHands;
use crate::events::Events;
use crate::{evict, node, nominate, remove, scale, yields};
use futures::StreamExt as _;
use guard::{Act, Cleared};
use kube::Client;
use model::outcome::Outcome;
use model::plan::{Step, StepKind};
use std::time::Duration;

/// A step that takes longer has an unknown end.
const STEP: Duration = Duration::from_secs(10);

/// Nodes that are looked at for the last time at once.
const LOOKS: usize = 16;

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
            StepKind::Evict { pod, node } => evict::evict(&self.client, pod, Some(node)).await,
            StepKind::Remake { pod, .. } => evict::evict(&self.client, pod, None).await,
            StepKind::GrowGroup { from, to, .. } if to <= from => Outcome::Failed {
                why: format!("a group is only ever grown: {from} -> {to}"),
            }
            .into(),
            StepKind::GrowGroup { .. } => self.capacity.grow(step).await.into(),
            StepKind::SetBounds { .. } => self.capacity.set_bounds(step).await.into(),
            StepKind::RemoveNode { node, instance, .. } => {
                match remove::may_go(&self.client, (node, instance), &step.reason).await {
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

    /// Removals of nodes of one group: each is looked at for the last time, many at once, and those that may go are
    /// given up in one round of calls.
    async fn carry_together(&mut self, steps: &[Step]) -> Vec<Carried> {
        let mut last_looks = Vec::with_capacity(steps.len());
        for step in steps {
            last_looks.push(last_look(self.client.clone(), step.clone()));
        }
        let looks: Vec<Result<Option<String>, Outcome>> =
            futures::stream::iter(last_looks).buffered(LOOKS).collect().await;
        let going: Vec<&Step> = steps
            .iter()
            .zip(&looks)
            .filter(|(_, look)| look.is_ok())
            .map(|(step, _)| step)
            .collect();
        let mut gone = self.capacity.remove_all(&going).await.into_iter();
        let carried = looks.into_iter().map(|look| match look {
            Ok(uid) => Carried {
                outcome: gone.next().unwrap_or_else(|| Outcome::Unknown {
                    why: "nothing was told of it".to_owned(),
                }),
                uid,
            },
            Err(outcome) => outcome.into(),
        });
        carried.collect()
    }

    fn tell(&mut self, step: &Step, carried: &Carried) {
        tracing::info!(step = %step.id, what = %step.kind, outcome = %carried.outcome, "carried out");
        if let Some(events) = &mut self.events {
            events.tell(step, carried);
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

/// Whether a node that goes together with others may go; its UID.
async fn last_look(client: Client, step: Step) -> Result<Option<String>, Outcome> {
    match &step.kind {
        StepKind::RemoveNode { node, instance, .. } => {
            remove::may_go(&client, (node, instance), &step.reason).await
        }
        other => Err(Outcome::Failed {
            why: format!("{} is not carried out together with others", other.name()),
        }),
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
        self.tell(&step, &carried);
        carried.outcome
    }

    fn most_together(&self, _step: &Step) -> usize {
        self.capacity.most_together()
    }

    async fn carry_out_together(&mut self, steps: Vec<Cleared<Step>>) -> Vec<Outcome> {
        let steps: Vec<Step> = steps.into_iter().map(Cleared::into_inner).collect();
        let unknown = |_: &Step| -> Carried {
            Outcome::Unknown {
                why: format!("removing several nodes took longer than {}s", STEP.as_secs()),
            }
            .into()
        };
        let carried = tokio::time::timeout(STEP, self.carry_together(&steps)).await;
        let carried = carried.unwrap_or_else(|_| steps.iter().map(unknown).collect());
        for (step, carried) in steps.iter().zip(&carried) {
            self.tell(step, carried);
        }
        carried.into_iter().map(|carried| carried.outcome).collect()
    }
}

#[cfg(test)]
mod tests;
