//! Several instances of one group given up in one call: `TerminateInstanceInAutoScalingGroup` with the group's name and
//! up to a hundred ids, `TerminateInstances` for a fleet.
//!
//! Every instance keeps its own outcome: what the answer does not name is unknown and looked for again. A service that
//! refuses such a call as such is asked one by one from then on. Never below the group's minimum: what it has no room
//! for stays. Not here: one instance (`aws`), which instances go.

use super::{Hands, Standing, sdk, standing};
use aws_sdk_autoscaling::operation::terminate_instance_in_auto_scaling_group::TerminateInstanceInAutoScalingGroupOutput;
use aws_sdk_ec2::types::{Filter, Reservation};
use model::fleet::Fleet;
use model::ids::{GroupName, InstanceId};
use model::outcome::Outcome;
use model::plan::{Step, StepKind};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Instances that one call gives up at most (EC2 Auto Scaling API reference).
pub(crate) const MOST: usize = 100;
/// One by one, no further instance is begun with after this: the effect ends within its ten seconds.
const TIME: Duration = Duration::from_secs(5);

const TERMINATE: &str = "autoscaling:TerminateInstanceInAutoScalingGroup";
const TERMINATE_MANY: &str = "ec2:TerminateInstances";

/// Whether the service takes several instances in one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Batches {
    /// Not tried yet.
    #[default]
    Untried,
    /// It has done so.
    Taken,
    /// It has refused, or the first try had no end: not tried again by this process.
    Refused,
}

impl Hands {
    /// Carries out `RemoveNode`s of one group together; an outcome for each, in their order.
    pub async fn remove_all(&mut self, steps: &[&Step]) -> Vec<Outcome> {
        let named: Vec<(&GroupName, &InstanceId)> = steps.iter().filter_map(|step| named(step)).collect();
        let Some((group, _)) = named.first().copied() else {
            return self.one_by_one(steps).await;
        };
        let of_one = named.len() == steps.len() && named.iter().all(|(of, _)| *of == group);
        if steps.len() < 2 || steps.len() > MOST || !of_one {
            return self.one_by_one(steps).await;
        }
        let ids: Vec<&InstanceId> = named.iter().map(|(_, id)| *id).collect();
        let told = match self.fleet(group) {
            Some(fleet) => self.end_all(fleet, &ids).await,
            None if self.batches == Batches::Refused => None,
            None => self.terminate_all(group, &ids).await,
        };
        let Some(told) = told else {
            let outcomes = self.one_by_one(steps).await;
            // Nothing was wrong with any of them but that they came together.
            let of_fleet = self.fleet(group).is_some();
            if !of_fleet && self.batches != Batches::Refused && outcomes.iter().all(Outcome::is_done) {
                tracing::info!(%group, "instances are given up one by one from now on");
                self.batches = Batches::Refused;
            }
            return outcomes;
        };
        told
    }

    async fn one_by_one(&mut self, steps: &[&Step]) -> Vec<Outcome> {
        let began = Instant::now();
        let mut outcomes = Vec::with_capacity(steps.len());
        for step in steps {
            outcomes.push(if began.elapsed() < TIME {
                self.remove(step).await
            } else {
                Outcome::Refused {
                    after: None,
                    why: "one by one there was no time for it in this cycle".to_owned(),
                }
            });
        }
        outcomes
    }

    /// What became of each; nothing where the service does not take them together.
    async fn terminate_all(&mut self, group: &GroupName, ids: &[&InstanceId]) -> Option<Vec<Outcome>> {
        let row = match self.describe(group).await {
            Ok(row) => row,
            Err(outcome) => return Some(vec![outcome; ids.len()]),
        };
        let (Some(desired), Some(min)) = (row.desired_capacity(), row.min_size()) else {
            let why = format!("group {group} was told without its size or its minimum");
            return Some(vec![Outcome::Stale { why }; ids.len()]);
        };
        let mut room = usize::try_from(desired - min).unwrap_or(0);
        let mut outcomes = Vec::with_capacity(ids.len());
        let mut going = Vec::new();
        for id in ids {
            outcomes.push(match standing(&row, id) {
                Standing::Unlisted => Some(self.unlisted(group, id).await),
                Standing::Leaving => Some(Outcome::done()),
                Standing::Waiting => Some(self.complete(group, id).await),
                Standing::There if room == 0 => Some(Outcome::Stale {
                    why: format!("group {group} is at its minimum"),
                }),
                Standing::There => {
                    room -= 1;
                    going.push(id.to_string());
                    None
                }
            });
        }
        if going.is_empty() {
            return Some(outcomes.into_iter().flatten().collect());
        }
        self.stirs.store(true, Ordering::SeqCst);
        let sent = self
            .client
            .terminate_instance_in_auto_scaling_group()
            .auto_scaling_group_name(group.as_str())
            .set_instance_ids(Some(going))
            .should_decrement_desired_capacity(true)
            .send()
            .await;
        let of_going = match &sent {
            Ok(answer) => {
                self.batches = Batches::Taken;
                Told::Answered(answer)
            }
            Err(error) => match sdk::outcome(TERMINATE, error) {
                Outcome::Failed { .. } if !sdk::is_denied(error) => return None,
                outcome => {
                    if self.batches == Batches::Untried && matches!(outcome, Outcome::Unknown { .. }) {
                        self.batches = Batches::Refused;
                    }
                    Told::Ended(outcome)
                }
            },
        };
        let each = outcomes.into_iter().zip(ids);
        let told = each.map(|(outcome, id)| outcome.unwrap_or_else(|| of_going.of(id)));
        Some(told.collect())
    }

    /// Ends instances of the fleet whose tags say that they are. What became of each; nothing where the service does
    /// not take them together.
    async fn end_all(&self, fleet: &Fleet, ids: &[&InstanceId]) -> Option<Vec<Outcome>> {
        let by_id = Filter::builder()
            .name("instance-id")
            .set_values(Some(ids.iter().map(ToString::to_string).collect()))
            .build();
        let answer = match self.ec2.describe_instances().filters(by_id).send().await {
            Ok(answer) => answer,
            Err(error) => return Some(vec![sdk::unread("ec2:DescribeInstances", &error); ids.len()]),
        };
        let told = || answer.reservations().iter().flat_map(Reservation::instances);
        let found = |id: &InstanceId| {
            let mut same = told().filter(|told| told.instance_id() == Some(id.as_str()));
            same.find(|found| super::lives(found))
        };
        let before: Vec<Option<Outcome>> = ids
            .iter()
            .map(|id| match found(id) {
                None => Some(Outcome::done()),
                Some(found) => self.not_of(fleet, id, found),
            })
            .collect();
        let going: Vec<String> = ids
            .iter()
            .zip(&before)
            .filter(|(_, outcome)| outcome.is_none())
            .map(|(id, _)| id.to_string())
            .collect();
        if going.is_empty() {
            return Some(before.into_iter().flatten().collect());
        }
        self.stirs.store(true, Ordering::SeqCst);
        let call = self.ec2.terminate_instances().set_instance_ids(Some(going));
        let sent = call.send().await;
        let ended = match &sent {
            Ok(answer) => Ok(answer.terminating_instances()),
            Err(error) => match sdk::outcome(TERMINATE_MANY, error) {
                Outcome::Failed { .. } if !sdk::is_denied(error) => return None,
                outcome => Err(outcome),
            },
        };
        let of_going = |id: &InstanceId| match &ended {
            Ok(rows) if rows.iter().any(|row| row.instance_id() == Some(id.as_str())) => ended_by_name(id),
            Ok(_) => unnamed(TERMINATE_MANY, id),
            Err(outcome) => outcome.clone(),
        };
        let each = before.into_iter().zip(ids);
        Some(
            each.map(|(outcome, id)| outcome.unwrap_or_else(|| of_going(id)))
                .collect(),
        )
    }
}

/// What was told of those that were asked for.
enum Told<'a> {
    Answered(&'a TerminateInstanceInAutoScalingGroupOutput),
    Ended(Outcome),
}

impl Told<'_> {
    /// An activity names its instance in its description.
    fn of(&self, id: &InstanceId) -> Outcome {
        let answer = match self {
            Self::Answered(answer) => answer,
            Self::Ended(outcome) => return outcome.clone(),
        };
        let names = |text: Option<&str>| text.is_some_and(|text| text.contains(id.as_str()));
        let mut activities = answer.activities().iter();
        match activities.find(|activity| names(activity.description())) {
            Some(activity)
                if activity
                    .status_code()
                    .is_some_and(|code| code.as_str() == "Failed") =>
            {
                Outcome::Refused {
                    after: None,
                    why: crate::answer::cut(&format!(
                        "{TERMINATE}: {}",
                        activity
                            .status_message()
                            .unwrap_or("failed, and does not say why")
                    )),
                }
            }
            Some(_) => ended_by_name(id),
            None => unnamed(TERMINATE, id),
        }
    }
}

fn ended_by_name(id: &InstanceId) -> Outcome {
    Outcome::Done {
        instances: vec![id.clone()],
    }
}

fn unnamed(call: &str, id: &InstanceId) -> Outcome {
    Outcome::Unknown {
        why: format!("{call}: the answer does not name {id}"),
    }
}

const fn named(step: &Step) -> Option<(&GroupName, &InstanceId)> {
    match &step.kind {
        StepKind::RemoveNode { group, instance, .. } => Some((group, instance)),
        _ => None,
    }
}
