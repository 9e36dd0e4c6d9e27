//! Lifecycle hooks: which instances wait at a hook that the operator has given to Plimsoll, and which are on their way out
//! whoever began it (a health replacement, an instance refresh, zones evened out, ourselves).
//!
//! Hooks are read for groups of which an instance waits, and kept for a while; where they cannot be read, no hook is
//! ours. Launch hooks are told of and never completed. Not here: completing and extending (`act`), draining (`decide`).

use super::sdk::AwsError;
use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::types::{AutoScalingGroup, Instance, LifecycleState};
use model::group::{Group, InstanceState};
use model::ids::InstanceId;
use model::node::{Leaves, Leaving};
use model::time::{Instant, Span};
use std::collections::{BTreeMap, BTreeSet};

const CALL: &str = "autoscaling:DescribeLifecycleHooks";
const TERMINATING: &str = "autoscaling:EC2_INSTANCE_TERMINATING";
/// Hooks hardly change.
const KEPT: Span = Span::from_secs(900);
/// Hooks that could not be read are asked for again after this.
const AGAIN: Span = Span::from_secs(60);

/// What is known of hooks, and of instances that wait at them.
#[derive(Debug, Default)]
pub(super) struct Hooks {
    /// Names of termination hooks by group, and when to read them again.
    known: BTreeMap<String, (BTreeSet<String>, Instant)>,
    /// Since when instances are seen on their way out.
    going: BTreeMap<InstanceId, Instant>,
    /// Instances at a launch hook that were told of.
    held: BTreeSet<InstanceId>,
}

impl Hooks {
    /// Reads the hooks of groups of which an instance waits, as far as some are ours and it is due.
    pub(super) async fn learn(
        &mut self,
        client: &Client,
        ours: &[String],
        rows: &[AutoScalingGroup],
        at: Instant,
    ) {
        self.note(rows, at);
        self.known.retain(|name, _| {
            rows.iter()
                .any(|row| row.auto_scaling_group_name() == Some(name.as_str()))
        });
        if ours.is_empty() {
            return;
        }
        for row in rows.iter().filter(|row| row.instances().iter().any(waits)) {
            let name = row.auto_scaling_group_name().unwrap_or_default();
            if self.known.get(name).is_some_and(|(_, until)| at < *until) {
                continue;
            }
            let read = match read(client, name).await {
                Ok(hooks) => (hooks, at + KEPT),
                Err(error) => {
                    tracing::warn!(%error, group = name, "lifecycle hooks could not be read; none of them is completed");
                    (BTreeSet::new(), at + AGAIN)
                }
            };
            self.known.insert(name.to_owned(), read);
        }
    }

    /// Since when instances go, and which wait before they are in service.
    fn note(&mut self, rows: &[AutoScalingGroup], at: Instant) {
        let all = || rows.iter().flat_map(AutoScalingGroup::instances);
        let ids = |is: fn(&Instance) -> bool| -> BTreeSet<InstanceId> {
            let of = all().filter(|row| is(row));
            of.filter_map(Instance::instance_id)
                .map(InstanceId::new)
                .collect()
        };
        let going = ids(goes);
        self.going.retain(|id, _| going.contains(id));
        for id in going {
            self.going.entry(id).or_insert(at);
        }
        let held = ids(|row| row.lifecycle_state() == Some(&LifecycleState::PendingWait));
        for id in held.difference(&self.held) {
            tracing::info!(instance = %id, "waits at a launch hook; completing it is its owner's");
        }
        self.held = held;
    }

    /// Instances that go, whoever began it.
    pub(super) fn leaving(&self) -> impl Iterator<Item = (InstanceId, Leaving)> {
        self.going.iter().map(|(id, since)| {
            let (why, told) = (Leaves::Ending, *since);
            (id.clone(), Leaving { why, told })
        })
    }

    /// Marks the group's instances that wait at a hook of ours.
    pub(super) fn mark(&self, ours: &[String], row: &AutoScalingGroup, group: &mut Group) {
        let Some((hooks, _)) = self.known.get(group.name.as_str()) else {
            return;
        };
        if !ours.iter().any(|name| hooks.contains(name)) {
            return;
        }
        for waiting in row.instances().iter().filter(|row| waits(row)) {
            let same = |known: &&mut model::group::Instance| Some(known.id.as_str()) == waiting.instance_id();
            if let Some(known) = group.instances.iter_mut().find(same) {
                known.state = InstanceState::Waiting;
            }
        }
    }
}

fn waits(row: &Instance) -> bool {
    row.lifecycle_state() == Some(&LifecycleState::TerminatingWait)
}

fn goes(row: &Instance) -> bool {
    matches!(
        row.lifecycle_state(),
        Some(
            LifecycleState::Terminating
                | LifecycleState::TerminatingWait
                | LifecycleState::TerminatingProceed
        )
    )
}

/// Names of a group's termination hooks.
async fn read(client: &Client, group: &str) -> Result<BTreeSet<String>, AwsError> {
    let call = client.describe_lifecycle_hooks();
    let sent = call.auto_scaling_group_name(group).send().await;
    let answer = sent.map_err(|error| AwsError::of(CALL, &error))?;
    let hooks = answer
        .lifecycle_hooks()
        .iter()
        .filter(|hook| hook.lifecycle_transition() == Some(TERMINATING));
    Ok(hooks
        .filter_map(|hook| hook.lifecycle_hook_name())
        .map(str::to_owned)
        .collect())
}
