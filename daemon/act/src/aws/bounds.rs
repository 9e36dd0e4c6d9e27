//! Bounds of groups: Auto Scaling's own by its API, those of managed node groups by EKS', which would write its own
//! values over anything else at the next update of the group (reference: EKS API, `UpdateNodegroupConfig`).
//!
//! The group is read again first. Bounds that its size is not within are not set: Auto Scaling would launch, or end
//! instances by number. Those of kops' groups are kops'.

use super::{Hands, sdk, wrong_kind};
use aws_sdk_autoscaling::types::AutoScalingGroup;
use aws_sdk_eks::types::NodegroupScalingConfig;
use model::group::{Bounds, EKS_CLUSTER_TAG, EKS_NODE_GROUP_TAG, KOPS_GROUP_TAG};
use model::ids::GroupName;
use model::outcome::Outcome;
use model::plan::{Step, StepKind};
use model::time::Span;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// An update of bounds takes about this long.
const UPDATES: Duration = Duration::from_mins(1);

impl Hands {
    /// Carries out a `SetBounds`.
    pub async fn set_bounds(&mut self, step: &Step) -> Outcome {
        let StepKind::SetBounds { group, from, to } = &step.kind else {
            return wrong_kind(step);
        };
        if let Some(wait) = self.updating(group) {
            return Outcome::Refused {
                after: Some(wait),
                why: format!("EKS is updating group {group} since it was asked to"),
            };
        }
        let row = match self.describe(group).await {
            Ok(row) => row,
            Err(outcome) => return outcome,
        };
        match settled(group, &row, (*from, *to)) {
            Some(outcome) => return outcome,
            None => self.stirs.store(true, Ordering::SeqCst),
        }
        match (tag(&row, EKS_CLUSTER_TAG), tag(&row, EKS_NODE_GROUP_TAG)) {
            (Some(cluster), Some(node_group)) => {
                let token = super::token(&self.cluster, step);
                let outcome = self.update_node_group((cluster, node_group), *to, &token).await;
                if outcome.is_done() {
                    self.updates.insert(group.clone(), Instant::now());
                }
                outcome
            }
            _ => self.update_group(group, *to).await,
        }
    }

    /// How long EKS is left alone with an update that it took: the group shows nothing of it until it is done.
    fn updating(&self, group: &GroupName) -> Option<Span> {
        let since = self.updates.get(group)?.elapsed();
        let left = UPDATES.checked_sub(since).filter(|left| !left.is_zero())?;
        Some(Span::from_millis(i64::try_from(left.as_millis()).ok()?))
    }

    async fn update_group(&self, group: &GroupName, to: Bounds) -> Outcome {
        let sent = self
            .client
            .update_auto_scaling_group()
            .auto_scaling_group_name(group.as_str())
            .min_size(number(to.min))
            .max_size(number(to.max))
            .send()
            .await;
        match sent {
            Ok(_) => Outcome::done(),
            Err(error) => sdk::outcome("autoscaling:UpdateAutoScalingGroup", &error),
        }
    }

    /// Takes its time: the group says so until it is done.
    async fn update_node_group(
        &self,
        (cluster, node_group): (&str, &str),
        to: Bounds,
        token: &str,
    ) -> Outcome {
        let bounds = NodegroupScalingConfig::builder()
            .min_size(number(to.min))
            .max_size(number(to.max));
        let sent = self
            .eks
            .update_nodegroup_config()
            .cluster_name(cluster)
            .nodegroup_name(node_group)
            .scaling_config(bounds.build())
            .client_request_token(token)
            .send()
            .await;
        match sent {
            Ok(_) => Outcome::done(),
            Err(error) => sdk::outcome("eks:UpdateNodegroupConfig", &error),
        }
    }
}

/// What there is to say without a call.
fn settled(group: &GroupName, row: &AutoScalingGroup, (from, to): (Bounds, Bounds)) -> Option<Outcome> {
    let told = |number: Option<i32>| number.and_then(|number| u32::try_from(number).ok());
    let (Some(desired), Some(min), Some(max)) = (
        told(row.desired_capacity()),
        told(row.min_size()),
        told(row.max_size()),
    ) else {
        let why = format!("group {group} was told without its size or its bounds");
        return Some(Outcome::Stale { why });
    };
    let now = Bounds { min, max };
    if now == to {
        return Some(Outcome::done());
    }
    if tag(row, KOPS_GROUP_TAG).is_some() {
        let why = format!("the bounds of group {group} are kops'");
        return Some(Outcome::Failed { why });
    }
    if now != from || !(to.min..=to.max).contains(&desired) {
        let why = format!("group {group} has {desired} instances and the bounds {now}, the plan saw {from}");
        return Some(Outcome::Stale { why });
    }
    None
}

fn tag<'r>(row: &'r AutoScalingGroup, key: &str) -> Option<&'r str> {
    row.tags().iter().find(|tag| tag.key() == Some(key))?.value()
}

fn number(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}
