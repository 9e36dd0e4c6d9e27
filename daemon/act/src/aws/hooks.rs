//! Lifecycle hooks that the operator has given to Plimsoll: completed once the node is drained, extended while it drains.
//!
//! Only hooks by these names, only termination hooks in effect (the eyes tell which instances wait at one), only
//! `CONTINUE`. A hook that nobody waits at is nothing to complete. Where a call is denied or too late, the hook's own
//! default acts when its time is up, and the outcome says so; it never undoes a removal. Not here: draining, and which
//! instance is drained.

use super::{Hands, sdk};
use crate::answer::cut;
use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::error::{ProvideErrorMetadata, SdkError};
use model::ids::{GroupName, InstanceId};
use model::outcome::Outcome;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

const COMPLETE: &str = "autoscaling:CompleteLifecycleAction";
const HEARTBEAT: &str = "autoscaling:RecordLifecycleActionHeartbeat";
const HOOKS: &str = "autoscaling:DescribeLifecycleHooks";
/// What AWS answers where no instance waits at a hook of that name.
const NOBODY_WAITS: &str = "No active Lifecycle Action";

impl Hands {
    /// These hands with hooks to complete, by name.
    #[must_use]
    pub fn with_hooks(mut self, names: Vec<String>) -> Self {
        self.hooks = names;
        self
    }

    /// Lets an instance go that waits at its termination hooks, as far as these are ours.
    pub(super) async fn complete(&self, group: &GroupName, instance: &InstanceId) -> Outcome {
        for name in &self.hooks {
            self.stirs.store(true, Ordering::SeqCst);
            let sent = self
                .client
                .complete_lifecycle_action()
                .auto_scaling_group_name(group.as_str())
                .lifecycle_hook_name(name)
                .instance_id(instance.as_str())
                .lifecycle_action_result("CONTINUE")
                .send()
                .await;
            match sent {
                Ok(_) => tracing::info!(%group, %instance, hook = %name, "lifecycle hook completed"),
                Err(error) if nobody_waits(&error) => {}
                Err(error) => return still_there(COMPLETE, &error),
            }
        }
        Outcome::done()
    }
}

/// Keeps instances waiting at hooks of ours while their nodes drain.
pub struct Heartbeats {
    client: Client,
    names: Vec<String>,
    /// Time-outs of the group's hooks of ours.
    groups: BTreeMap<GroupName, Vec<(String, Duration)>>,
    /// When an instance was last given time.
    last: BTreeMap<InstanceId, Instant>,
}

impl Heartbeats {
    /// For hooks of these names; no call is made yet.
    pub fn new(sdk: &aws_config::SdkConfig, names: Vec<String>) -> Self {
        Self {
            client: sdk::autoscaling(sdk),
            names,
            groups: BTreeMap::new(),
            last: BTreeMap::new(),
        }
    }

    /// Gives these instances, which wait at hooks of ours and drain, as much time again as their hooks give, where half
    /// of it has passed. What could not be done is told; others are forgotten.
    pub async fn keep(&mut self, draining: &[(GroupName, InstanceId)]) -> Vec<Outcome> {
        self.last
            .retain(|id, _| draining.iter().any(|(_, draining)| draining == id));
        self.groups
            .retain(|name, _| draining.iter().any(|(group, _)| group == name));
        let mut troubles = Vec::new();
        for (group, instance) in draining {
            if let Err(outcome) = self.keep_one(group, instance).await {
                troubles.push(outcome);
            }
        }
        troubles
    }

    async fn keep_one(&mut self, group: &GroupName, instance: &InstanceId) -> Result<(), Outcome> {
        let hooks = if let Some(hooks) = self.groups.get(group) {
            hooks.clone()
        } else {
            let hooks = self.read(group).await?;
            self.groups.insert(group.clone(), hooks.clone());
            hooks
        };
        let Some(shortest) = hooks.iter().map(|(_, timeout)| *timeout).min() else {
            return Ok(());
        };
        let last = self.last.get(instance);
        if last.is_some_and(|last| last.elapsed() < shortest / 2) {
            return Ok(());
        }
        for (name, _) in &hooks {
            let sent = self
                .client
                .record_lifecycle_action_heartbeat()
                .auto_scaling_group_name(group.as_str())
                .lifecycle_hook_name(name)
                .instance_id(instance.as_str())
                .send()
                .await;
            match sent {
                Ok(_) => {}
                Err(error) if nobody_waits(&error) => {}
                Err(error) => return Err(still_there(HEARTBEAT, &error)),
            }
        }
        self.last.insert(instance.clone(), Instant::now());
        Ok(())
    }

    async fn read(&self, group: &GroupName) -> Result<Vec<(String, Duration)>, Outcome> {
        let call = self.client.describe_lifecycle_hooks();
        let sent = call.auto_scaling_group_name(group.as_str()).send().await;
        let answer = sent.map_err(|error| sdk::unread(HOOKS, &error))?;
        let ours = answer.lifecycle_hooks().iter().filter_map(|hook| {
            let name = hook.lifecycle_hook_name()?;
            let seconds = u64::try_from(hook.heartbeat_timeout()?).ok()?;
            let ours = self.names.iter().any(|own| own == name);
            ours.then(|| (name.to_owned(), Duration::from_secs(seconds)))
        });
        Ok(ours.collect())
    }
}

fn nobody_waits<E: ProvideErrorMetadata>(error: &SdkError<E>) -> bool {
    let said = error.as_service_error().and_then(ProvideErrorMetadata::message);
    said.is_some_and(|said| said.contains(NOBODY_WAITS))
}

/// The instance waits on: asked again by a later cycle, until the hook's time is up.
fn still_there<E>(call: &str, error: &SdkError<E>) -> Outcome
where
    E: std::error::Error + ProvideErrorMetadata + 'static,
{
    match sdk::outcome(call, error) {
        Outcome::Failed { why } | Outcome::Stale { why } => Outcome::Refused {
            after: None,
            why: cut(&format!("the hook's default acts when its time is up: {why}")),
        },
        other => other,
    }
}
