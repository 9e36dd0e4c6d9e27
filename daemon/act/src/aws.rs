//! AWS hands: grow a group, give up a named instance, publish Plimsoll's own figures.
//!
//! The only AWS calls that change anything. Each re-reads the group first and is idempotent: the client token
//! comes from the intent, a group that has reached `to` is done. Never shrinks by number; how a group is asked
//! is in its description and is never switched in answer to an error. Retries of a write are the next cycle's.

mod publish;
mod sdk;

pub use publish::{Figure, Publisher};

use crate::answer::cut;
use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::types::{AutoScalingGroup, LifecycleState, RetryStrategy};
use model::ids::{GroupName, InstanceId};
use model::outcome::Outcome;
use model::plan::{Step, StepKind};
use sha2::{Digest, Sha256};

/// How groups are asked for capacity: the operator's setting, and per group what its eyes found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Launch {
    /// By the group's description.
    Auto,
    /// `LaunchInstances` always.
    Instances,
    /// Desired capacity always.
    Desired,
}

/// Hands over the Auto Scaling groups of one account and region.
pub struct Hands {
    cluster: String,
    launch: Launch,
    client: Client,
}

impl Hands {
    /// Hands over an SDK configuration (`observe::aws::config`); no call is made yet. `cluster` goes into the
    /// client tokens, so that two clusters never share one.
    pub fn new(sdk: &aws_config::SdkConfig, cluster: String, launch: Launch) -> Self {
        Self {
            cluster,
            launch,
            client: sdk::autoscaling(sdk),
        }
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
        let row = match self.describe(group).await {
            Ok(row) => row,
            Err(outcome) => return outcome,
        };
        let desired = row
            .desired_capacity()
            .and_then(|n| u32::try_from(n).ok())
            .unwrap_or(0);
        if desired >= *to {
            return Outcome::done();
        }
        if desired != *from {
            return Outcome::Stale {
                why: format!("group {group} has desired {desired}, the plan saw {from}"),
            };
        }
        if self.by_instances(&row) {
            self.launch_instances(group, offer.as_str(), to - from, &self.token(step))
                .await
        } else {
            self.raise_desired(group, *to).await
        }
    }

    /// Carries out a `RemoveNode`: that very instance, and the group's desired size falls by one.
    pub async fn remove(&mut self, step: &Step) -> Outcome {
        let StepKind::RemoveNode { group, instance, .. } = &step.kind else {
            return wrong_kind(step);
        };
        let row = match self.describe(group).await {
            Ok(row) => row,
            Err(outcome) => return outcome,
        };
        match standing(&row, instance) {
            Standing::Gone => return Outcome::done(),
            Standing::Leaving => return Outcome::done(),
            Standing::There => {}
        }
        if row.desired_capacity() <= row.min_size() {
            return Outcome::Stale {
                why: format!("group {group} is at its minimum"),
            };
        }
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

    /// The same conditions as the eyes' `groups::launch`: EC2 Auto Scaling user guide, synchronous launches.
    fn by_instances(&self, row: &AutoScalingGroup) -> bool {
        match self.launch {
            Launch::Instances => true,
            Launch::Desired => false,
            Launch::Auto => {
                let rules = row
                    .mixed_instances_policy()
                    .and_then(|m| m.instances_distribution());
                let pure = rules.is_none_or(|rules| {
                    let base = rules.on_demand_base_capacity().unwrap_or(0);
                    let share = rules.on_demand_percentage_above_base_capacity().unwrap_or(100);
                    share == 100 || (share == 0 && base == 0)
                });
                let templated = row.launch_template().is_some() || row.mixed_instances_policy().is_some();
                templated && pure && row.warm_pool_configuration().is_none()
            }
        }
    }

    async fn launch_instances(&self, group: &GroupName, offer: &str, count: u32, token: &str) -> Outcome {
        let sent = self
            .client
            .launch_instances()
            .auto_scaling_group_name(group.as_str())
            .requested_capacity(i32::try_from(count.min(100)).unwrap_or(100))
            .set_availability_zones(zone_of(offer).map(|zone| vec![zone]))
            .client_token(token)
            .retry_strategy(RetryStrategy::None)
            .send()
            .await;
        let answer = match sent {
            Ok(answer) => answer,
            Err(error) => return sdk::outcome("autoscaling:LaunchInstances", &error),
        };
        let ids = answer
            .instances()
            .iter()
            .flat_map(aws_sdk_autoscaling::types::InstanceCollection::instance_ids)
            .map(InstanceId::new)
            .collect::<Vec<_>>();
        if !ids.is_empty() {
            return Outcome::Done { instances: ids };
        }
        let said: Vec<String> = answer
            .errors()
            .iter()
            .map(|e| {
                format!(
                    "{}: {}",
                    e.error_code().unwrap_or("no code"),
                    e.error_message().unwrap_or_default()
                )
            })
            .collect();
        Outcome::NoCapacity {
            why: cut(&said.join("; ")),
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

    /// The same intent gives the same token, whoever repeats it (reliability I8).
    fn token(&self, step: &Step) -> String {
        let intent = step
            .intent
            .as_ref()
            .map_or_else(|| step.id.to_string(), ToString::to_string);
        let digest = Sha256::digest(format!("{}\u{0}{intent}", self.cluster).as_bytes());
        digest
            .iter()
            .take(16)
            .fold(String::new(), |token, byte| format!("{token}{byte:02x}"))
    }
}

/// Whether an instance is there to be given up.
enum Standing {
    There,
    Leaving,
    Gone,
}

fn standing(row: &AutoScalingGroup, instance: &InstanceId) -> Standing {
    let found = row
        .instances()
        .iter()
        .find(|i| i.instance_id() == Some(instance.as_str()));
    match found.and_then(|i| i.lifecycle_state()) {
        _ if found.is_none() => Standing::Gone,
        Some(
            LifecycleState::Terminating
            | LifecycleState::TerminatingWait
            | LifecycleState::TerminatingProceed
            | LifecycleState::Terminated,
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
    fn an_instance_that_is_not_listed_is_gone() {
        let leaving = aws_sdk_autoscaling::types::Instance::builder()
            .instance_id("i-1")
            .lifecycle_state(LifecycleState::TerminatingWait)
            .build();
        let row = AutoScalingGroup::builder().instances(leaving).build();
        assert!(matches!(
            standing(&row, &InstanceId::new("i-1")),
            Standing::Leaving
        ));
        assert!(matches!(standing(&row, &InstanceId::new("i-2")), Standing::Gone));
    }
}
