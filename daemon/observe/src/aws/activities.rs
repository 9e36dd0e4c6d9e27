//! What Auto Scaling says of launches that did not come: a group that is asked by its desired size answers with nothing
//! but the size, and tries again by itself; that it found no capacity stands in its activities alone.
//!
//! Asked only while a group has fewer instances than it should. Not here: launches by name, which answer at once.

use super::sdk::AwsError;
use aws_sdk_autoscaling::Client;
use aws_sdk_autoscaling::types::{Activity, AutoScalingGroup, LifecycleState, ScalingActivityStatusCode};
use model::ids::GroupName;
use model::launch::tells_no_capacity;
use model::time::{Instant, Span};
use std::collections::BTreeMap;

const CALL: &str = "autoscaling:DescribeScalingActivities";
/// A group is asked about no more often.
const EVERY: Span = Span::from_secs(15);
/// What failed longer before the group was seen to lack instances was about another launch.
const RECENT: Span = Span::from_secs(120);
/// Groups in one look.
const AT_ONCE: usize = 5;
/// The newest activities of a group that are read.
const NEWEST: i32 = 20;

/// When each group that lacks instances was asked about, and last had no capacity.
#[derive(Debug, Default)]
pub(super) struct Activities(BTreeMap<GroupName, Known>);

#[derive(Debug)]
struct Known {
    /// It is seen to lack instances since then.
    since: Instant,
    asked: Instant,
    failed: Option<Instant>,
}

impl Activities {
    /// Asks about the groups that lack instances and are due, and forgets the others. `rows` are those that are asked by
    /// their desired size.
    pub(super) async fn learn(
        &mut self,
        client: &Client,
        rows: impl Iterator<Item = &AutoScalingGroup>,
        at: Instant,
    ) {
        let name = |row: &AutoScalingGroup| row.auto_scaling_group_name().map(GroupName::new);
        let lacking: Vec<GroupName> = rows.filter(|row| lacks(row)).filter_map(name).collect();
        self.0.retain(|name, _| lacking.contains(name));
        let due = |name: &&GroupName| {
            let known = self.0.get(*name);
            known.is_none_or(|known| at.since(known.asked) >= EVERY)
        };
        let due: Vec<GroupName> = lacking.iter().filter(due).take(AT_ONCE).cloned().collect();
        for name in due {
            let failed = match read(client, &name).await {
                Ok(failed) => failed,
                Err(error) => {
                    tracing::warn!(%error, group = %name, "scaling activities could not be read: a launch without capacity is noticed by its time only");
                    None
                }
            };
            let since = self.0.get(&name).map_or(at, |known| known.since);
            let failed = failed.filter(|failed| *failed + RECENT >= since);
            let known = Known {
                since,
                asked: at,
                failed,
            };
            self.0.insert(name, known);
        }
    }

    /// By group, when it last had no capacity.
    pub(super) fn short(&self) -> BTreeMap<GroupName, Instant> {
        let known = self.0.iter();
        known
            .filter_map(|(name, known)| Some((name.clone(), known.failed?)))
            .collect()
    }
}

/// Whether a group has fewer instances than it was asked for.
fn lacks(row: &AutoScalingGroup) -> bool {
    let counts = |state: &LifecycleState| {
        matches!(
            state,
            LifecycleState::Pending
                | LifecycleState::PendingWait
                | LifecycleState::PendingProceed
                | LifecycleState::InService
        )
    };
    let there = row.instances().iter();
    let there = there
        .filter(|one| one.lifecycle_state().is_some_and(counts))
        .count();
    let desired = row.desired_capacity().and_then(|size| usize::try_from(size).ok());
    desired.is_some_and(|desired| there < desired)
}

async fn read(client: &Client, group: &GroupName) -> Result<Option<Instant>, AwsError> {
    let call = client.describe_scaling_activities().max_records(NEWEST);
    let sent = call.auto_scaling_group_name(group.as_str()).send().await;
    let answer = sent.map_err(|error| AwsError::of(CALL, &error))?;
    Ok(answer.activities().iter().filter_map(failed).max())
}

/// When an activity began that found no capacity.
fn failed(activity: &Activity) -> Option<Instant> {
    let codes = [
        ScalingActivityStatusCode::Failed,
        ScalingActivityStatusCode::Cancelled,
    ];
    let over = activity.status_code().is_some_and(|code| codes.contains(code));
    let words = activity.status_message().unwrap_or_default();
    let began = activity
        .start_time()
        .filter(|_| over && tells_no_capacity(words))?;
    began.to_millis().ok().map(Instant)
}
