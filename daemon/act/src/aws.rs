//! AWS hands: grow a group, give up a named instance, set a group's bounds, publish Plimsoll's own figures.
//!
//! The only AWS calls that change anything. Each re-reads the group first and is idempotent: the client token
//! comes from the intent, a group that has reached `to` is done. Never shrinks by number; how a group is asked
//! is in its description and is never switched in answer to an error. Retries of a write are the next cycle's.

mod batch;
mod bounds;
mod fleet;
mod hooks;
mod publish;
mod sdk;

pub(crate) use batch::MOST;
pub use hooks::Heartbeats;
pub use model::launch::Launch;
pub use publish::{Figure, Publisher};

use crate::answer::cut;
use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::error::ProvideErrorMetadata;
use aws_sdk_autoscaling::operation::launch_instances::LaunchInstancesOutput;
use aws_sdk_autoscaling::types::{
    AutoScalingGroup, InstanceCollection, LaunchInstancesError, LifecycleState, RetryStrategy,
};
use aws_sdk_ec2::types::{Instance, InstanceStateName, Reservation};
use model::fleet::Fleet;
use model::group::LaunchMode;
use model::ids::{GroupName, InstanceId};
use model::launch::{Described, Share};
use model::outcome::Outcome;
use model::plan::{Step, StepKind};
use model::reason::Reason;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Instances that one call asks for: `LaunchInstances` takes no more, and a `CreateFleet` as large fails as small.
const MOST_PER_CALL: u32 = 100;

/// Hands over the Auto Scaling groups of one account and region.
pub struct Hands {
    cluster: String,
    launch: Launch,
    client: Client,
    ec2: aws_sdk_ec2::Client,
    eks: aws_sdk_eks::Client,
    stirs: Arc<AtomicBool>,
    fleets: Vec<Fleet>,
    batches: batch::Batches,
    hooks: Vec<String>,
    /// Managed node groups whose bounds EKS was asked to set, and when.
    updates: BTreeMap<GroupName, std::time::Instant>,
}

impl Hands {
    /// Hands over an SDK configuration (`observe::aws::config`); no call is made yet. `cluster` goes into the
    /// client tokens, so that two clusters never share one; `stirs` is set at every change, so that the eyes look
    /// closely next time.
    pub fn new(sdk: &aws_config::SdkConfig, cluster: String, launch: Launch, stirs: Arc<AtomicBool>) -> Self {
        Self {
            cluster,
            launch,
            client: sdk::autoscaling(sdk),
            ec2: sdk::ec2(sdk),
            eks: sdk::eks(sdk),
            stirs,
            fleets: Vec::new(),
            batches: batch::Batches::default(),
            hooks: Vec::new(),
            updates: BTreeMap::new(),
        }
    }

    /// These hands with fleets of Plimsoll's own.
    #[must_use]
    pub fn with_fleets(mut self, fleets: Vec<Fleet>) -> Self {
        self.fleets = fleets;
        self
    }

    /// Carries out a `GrowGroup`.
    pub async fn grow(&mut self, step: &Step) -> Outcome {
        let StepKind::GrowGroup {
            group,
            offer,
            from,
            to,
            ..
        } = &step.kind
        else {
            return wrong_kind(step);
        };
        if let Some(fleet) = self.fleet(group) {
            return self.buy(step, fleet, (offer, to.saturating_sub(*from))).await;
        }
        let row = match self.describe(group).await {
            Ok(row) => row,
            Err(outcome) => return outcome,
        };
        let size = |number: Option<i32>| number.and_then(|n| u32::try_from(n).ok()).unwrap_or(0);
        let (desired, max) = (size(row.desired_capacity()), size(row.max_size()));
        let again = matches!(step.reason, Reason::Continues { .. });
        // Only a step that was tried before can have brought the group there.
        if desired >= *to && again {
            return Outcome::done();
        }
        let mode = self.launch.mode(described(&row));
        // A launch by name that is asked for again is known by its token, whatever has left the group since the first
        // try: it would otherwise wait for a size that never comes back, and its group with it.
        let by_token = again && mode == LaunchMode::Instances && desired < *from;
        if desired != *from && !by_token {
            return Outcome::Stale {
                why: format!("group {group} has desired {desired}, the plan saw {from}"),
            };
        }
        if *to > max {
            return Outcome::Failed {
                why: format!("group {group} has a maximum of {max}"),
            };
        }
        self.stirs.store(true, Ordering::SeqCst);
        match mode {
            LaunchMode::Instances => {
                let token = token(&self.cluster, step);
                self.launch_instances(group, offer.as_str(), to - from, &token)
                    .await
            }
            _ => self.raise_desired(group, *to).await,
        }
    }

    /// Carries out a `RemoveNode` or `RemoveInstance`: that very instance, and the group's desired size falls by one.
    pub async fn remove(&mut self, step: &Step) -> Outcome {
        let (StepKind::RemoveNode { group, instance, .. } | StepKind::RemoveInstance { group, instance }) =
            &step.kind
        else {
            return wrong_kind(step);
        };
        if let Some(fleet) = self.fleet(group) {
            return self.end(fleet, instance).await;
        }
        let row = match self.describe(group).await {
            Ok(row) => row,
            Err(outcome) => return outcome,
        };
        match standing(&row, instance) {
            Standing::Unlisted => return self.unlisted(group, instance).await,
            Standing::Leaving => return Outcome::done(),
            Standing::Waiting => return self.complete(group, instance).await,
            Standing::There => {}
        }
        let (Some(desired), Some(min)) = (row.desired_capacity(), row.min_size()) else {
            return Outcome::Stale {
                why: format!("group {group} was told without its size or its minimum"),
            };
        };
        if desired <= min {
            return Outcome::Stale {
                why: format!("group {group} is at its minimum"),
            };
        }
        self.stirs.store(true, Ordering::SeqCst);
        let sent = self
            .client
            .terminate_instance_in_auto_scaling_group()
            .instance_id(instance.as_str())
            .should_decrement_desired_capacity(true)
            .send()
            .await;
        match sent {
            Ok(_) => Outcome::Done {
                instances: vec![instance.clone()],
            },
            Err(error) => sdk::outcome("autoscaling:TerminateInstanceInAutoScalingGroup", &error),
        }
    }

    async fn describe(&self, group: &GroupName) -> Result<AutoScalingGroup, Outcome> {
        let answer = self
            .client
            .describe_auto_scaling_groups()
            .auto_scaling_group_names(group.as_str())
            .send()
            .await
            .map_err(|error| sdk::unread("autoscaling:DescribeAutoScalingGroups", &error))?;
        let row = answer
            .auto_scaling_groups()
            .iter()
            .find(|g| g.auto_scaling_group_name() == Some(group.as_str()));
        row.cloned().ok_or_else(|| Outcome::Stale {
            why: format!("group {group} does not exist"),
        })
    }

    /// What became of an instance that its group does not list: gone for good, or detached and living on, which
    /// is then not ours to call removed.
    async fn unlisted(&self, group: &GroupName, instance: &InstanceId) -> Outcome {
        match self.living(instance).await {
            Ok(None) => Outcome::done(),
            Ok(Some(found)) => Outcome::Stale {
                why: format!(
                    "{instance} is not in group {group} any more and is {}",
                    state(&found).map_or("of unknown state", InstanceStateName::as_str)
                ),
            },
            Err(outcome) => outcome,
        }
    }

    /// What EC2 tells of an instance; nothing once it is gone or on its way out.
    async fn living(&self, id: &InstanceId) -> Result<Option<Instance>, Outcome> {
        let told = self
            .ec2
            .describe_instances()
            .instance_ids(id.as_str())
            .send()
            .await;
        let answer = match told {
            Ok(answer) => answer,
            Err(error) if error.code() == Some("InvalidInstanceID.NotFound") => return Ok(None),
            Err(error) => return Err(sdk::unread("ec2:DescribeInstances", &error)),
        };
        let mut told = answer.reservations().iter().flat_map(Reservation::instances);
        let found = told.find(|told| told.instance_id() == Some(id.as_str()));
        Ok(found.filter(|found| lives(found)).cloned())
    }

    async fn launch_instances(&self, group: &GroupName, offer: &str, count: u32, token: &str) -> Outcome {
        let sent = self
            .client
            .launch_instances()
            .auto_scaling_group_name(group.as_str())
            .requested_capacity(i32::try_from(count.min(MOST_PER_CALL)).unwrap_or(100))
            .set_availability_zones(zone_of(offer).map(|zone| vec![zone]))
            .client_token(token)
            .retry_strategy(RetryStrategy::None)
            .send()
            .await;
        match sent {
            Ok(answer) => told(&answer, count),
            Err(error) => sdk::outcome("autoscaling:LaunchInstances", &error),
        }
    }

    async fn raise_desired(&self, group: &GroupName, to: u32) -> Outcome {
        let sent = self
            .client
            .set_desired_capacity()
            .auto_scaling_group_name(group.as_str())
            .desired_capacity(i32::try_from(to).unwrap_or(i32::MAX))
            .honor_cooldown(false)
            .send()
            .await;
        match sent {
            Ok(_) => Outcome::done(),
            Err(error) => sdk::outcome("autoscaling:SetDesiredCapacity", &error),
        }
    }
}

/// The same intent gives the same token, whoever repeats it (reliability I8).
fn token(cluster: &str, step: &Step) -> String {
    let intent = step
        .intent
        .as_ref()
        .map_or_else(|| step.id.to_string(), ToString::to_string);
    let mut token = hex::encode(Sha256::digest(format!("{cluster}\u{0}{intent}").as_bytes()));
    token.truncate(32);
    token
}

fn told(answer: &LaunchInstancesOutput, wanted: u32) -> Outcome {
    let instances = answer
        .instances()
        .iter()
        .flat_map(InstanceCollection::instance_ids)
        .map(InstanceId::new);
    let errors = answer.errors().iter().map(|error: &LaunchInstancesError| {
        let code = error.error_code().unwrap_or("no code").to_owned();
        (code, error.error_message().unwrap_or_default().to_owned())
    });
    launched(
        "autoscaling:LaunchInstances",
        instances.collect(),
        &errors.collect::<Vec<_>>(),
        wanted,
    )
}

fn state(instance: &Instance) -> Option<&InstanceStateName> {
    instance.state()?.name()
}

/// Whether it is neither gone nor on its way out.
fn lives(instance: &Instance) -> bool {
    let (leaving, gone) = (InstanceStateName::ShuttingDown, InstanceStateName::Terminated);
    !state(instance).is_some_and(|state| *state == leaving || *state == gone)
}

/// What a launch of `wanted` instances came to, by the call's name, what came, and code and message of what did not:
/// what did not come with it does not come later.
fn launched(call: &str, instances: Vec<InstanceId>, errors: &[(String, String)], wanted: u32) -> Outcome {
    let codes: Vec<String> = errors.iter().map(|(code, _)| code.clone()).collect();
    let words = errors.iter().map(|(code, message)| format!("{code}: {message}"));
    let mut why = cut(&words.collect::<Vec<_>>().join("; "));
    if why.is_empty() {
        why = format!("{call} (at most {MOST_PER_CALL} at once) tells of no error");
    }
    let missing = wanted.saturating_sub(u32::try_from(instances.len()).unwrap_or(u32::MAX));
    if missing == 0 {
        return Outcome::Done { instances };
    }
    if !instances.is_empty() {
        let no_capacity = codes.iter().any(|code| sdk::is_capacity(code));
        return Outcome::Partly {
            instances,
            missing,
            no_capacity,
            why,
        };
    }
    match codes.iter().find(|code| !sdk::is_capacity(code)) {
        Some(other) => sdk::classify(other, None, why),
        None if codes.is_empty() => Outcome::Unknown { why },
        None => Outcome::NoCapacity { why },
    }
}

fn described(row: &AutoScalingGroup) -> Described {
    let mixed = row.mixed_instances_policy();
    let share = mixed
        .and_then(|m| m.instances_distribution())
        .map_or(Share::OnDemand, |rules| {
            let above = rules.on_demand_percentage_above_base_capacity();
            Share::of(rules.on_demand_base_capacity().unwrap_or(0), above.unwrap_or(100))
        });
    Described {
        templated: row.launch_template().is_some() || mixed.is_some(),
        share,
        warm_pool: row.warm_pool_configuration().is_some(),
    }
}

/// Whether an instance is there to be given up.
#[derive(Debug, PartialEq, Eq)]
enum Standing {
    There,
    Leaving,
    /// Leaving, and kept by a lifecycle hook.
    Waiting,
    Unlisted,
}

fn standing(row: &AutoScalingGroup, instance: &InstanceId) -> Standing {
    let mut listed = row.instances().iter();
    let Some(found) = listed.find(|i| i.instance_id() == Some(instance.as_str())) else {
        return Standing::Unlisted;
    };
    match found.lifecycle_state() {
        Some(LifecycleState::TerminatingWait) => Standing::Waiting,
        Some(
            LifecycleState::Terminating | LifecycleState::TerminatingProceed | LifecycleState::Terminated,
        ) => Standing::Leaving,
        _ => Standing::There,
    }
}

/// Zone of an offer's id, `group/type/zone/purchase` as the eyes write it.
fn zone_of(offer: &str) -> Option<String> {
    let mut parts = offer.rsplit('/');
    let (_purchase, zone) = (parts.next()?, parts.next()?);
    Some(zone.to_owned())
}

fn wrong_kind(step: &Step) -> Outcome {
    Outcome::Failed {
        why: format!("step {} ({}) is not one for a group", step.id, step.kind.name()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn zones_are_read_from_offer_ids() {
        assert_eq!(
            zone_of("workers/m5.large/us-east-1b/on-demand").as_deref(),
            Some("us-east-1b")
        );
        assert_eq!(zone_of("fleet"), None);
    }

    #[test]
    fn an_instance_that_is_not_listed_need_not_be_gone() {
        let leaving = aws_sdk_autoscaling::types::Instance::builder()
            .instance_id("i-1")
            .lifecycle_state(LifecycleState::TerminatingWait)
            .build();
        let row = AutoScalingGroup::builder().instances(leaving).build();
        assert_eq!(standing(&row, &InstanceId::new("i-1")), Standing::Waiting);
        assert_eq!(standing(&row, &InstanceId::new("i-2")), Standing::Unlisted);
    }

    fn answer(ids: &[&str], codes: &[&str]) -> LaunchInstancesOutput {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        let instances = InstanceCollection::builder().set_instance_ids(Some(ids));
        let error = |code: &&str| LaunchInstancesError::builder().error_code(*code).build();
        LaunchInstancesOutput::builder()
            .instances(instances.build())
            .set_errors(Some(codes.iter().map(error).collect()))
            .build()
    }

    #[test]
    fn what_did_not_come_with_a_launch_is_told() {
        const ICE: &str = "InsufficientInstanceCapacity";
        let came = |ids: &[&str], codes: &[&str], wanted| match told(&answer(ids, codes), wanted) {
            Outcome::Done { instances } => ("done", instances.len(), 0, false),
            Outcome::Partly {
                instances,
                missing,
                no_capacity,
                ..
            } => ("partly", instances.len(), missing, no_capacity),
            Outcome::NoCapacity { .. } => ("none", 0, wanted, true),
            Outcome::Unknown { .. } => ("unknown", 0, 0, false),
            Outcome::Refused { .. } => ("refused", 0, 0, false),
            Outcome::Failed { .. } => ("failed", 0, 0, false),
            other => panic!("{other:?}"),
        };
        assert_eq!(came(&["a", "b"], &[], 2), ("done", 2, 0, false));
        assert_eq!(came(&["a"], &[ICE], 3), ("partly", 1, 2, true));
        assert_eq!(came(&["a"], &["Odd"], 2), ("partly", 1, 1, false));
        // A call takes a hundred at most; the others are asked for by another intent.
        assert_eq!(came(&["a"; 100], &[], 130), ("partly", 100, 30, false));
        assert_eq!(came(&[], &[ICE, ICE], 2), ("none", 0, 2, true));
        assert_eq!(
            came(&[], &[], 2),
            ("unknown", 0, 0, false),
            "nothing said is not no capacity"
        );
        assert_eq!(
            came(&[], &[ICE, "UnauthorizedOperation"], 2),
            ("failed", 0, 0, false)
        );
        assert_eq!(came(&[], &["RequestLimitExceeded"], 2), ("refused", 0, 0, false));
    }
}
