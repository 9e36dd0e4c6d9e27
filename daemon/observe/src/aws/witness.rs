//! What AWS itself says of instances that notices name: whether they end, are taken back, or have an event scheduled.
//!
//! Asked for instances that notices of this cluster name and for no other, at most so many in one look, in batches, and no
//! longer than a look can spare. What could not be asked is not known, and says so. Sources: EC2 API reference
//! (`DescribeInstances`, `DescribeSpotInstanceRequests`, `DescribeInstanceStatus`), EC2 user guide, "Spot request status
//! codes". Not here: lifecycle states, which the sweep of the groups tells (`hooks`); what follows (`pending`).

use super::sdk::AwsError;
use aws_sdk_ec2::Client;
use aws_sdk_ec2::types::{
    Filter, Instance, InstanceLifecycleType, InstanceStateName, InstanceStatus, InstanceStatusEvent,
    Reservation, SpotInstanceRequest,
};
use model::ids::InstanceId;
use model::node::Leaves;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

const INSTANCES: &str = "ec2:DescribeInstances";
const SPOT: &str = "ec2:DescribeSpotInstanceRequests";
const STATUS: &str = "ec2:DescribeInstanceStatus";
/// Values of one filter.
const FILTERED: usize = 200;
/// Instances that one call for their status may name.
const NAMED: usize = 100;
/// Longest that a look waits for witnesses.
const PATIENCE: Duration = Duration::from_secs(8);

/// What is asked: instances, each with what notices claim of it.
pub(super) type Asked = BTreeMap<InstanceId, BTreeSet<Leaves>>;

/// What AWS says of one instance; `None` where it was not asked or gave no answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Said {
    /// It is stopping or terminating, or has.
    pub(super) ends: Option<bool>,
    /// It is spot.
    pub(super) spot: Option<bool>,
    /// Its spot request is marked for its end.
    pub(super) taken_back: Option<bool>,
    /// An event is scheduled for it.
    pub(super) scheduled: Option<bool>,
}

/// What AWS makes of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// It says so too, or something more certain.
    Confirmed(Leaves),
    /// It says otherwise, so far.
    Denied,
    /// It has said nothing.
    Unknown,
}

impl Said {
    /// What becomes of a claim. A rebalance recommendation is in no API: that the instance is spot, and so can be at risk, is
    /// all that can be known of it.
    pub(super) fn of(self, claim: Leaves) -> Word {
        if self.ends == Some(true) {
            return Word::Confirmed(Leaves::Ending);
        }
        if self.taken_back == Some(true) {
            return Word::Confirmed(Leaves::Interrupted);
        }
        let told = match claim {
            Leaves::Ending => self.ends.map(|_| false),
            Leaves::Interrupted if self.spot == Some(false) => Some(false),
            Leaves::Interrupted => self.taken_back,
            Leaves::Retired => self.scheduled,
            Leaves::AtRisk => self.spot,
            // No notice tells that.
            Leaves::Broken => Some(false),
        };
        match told {
            Some(true) => Word::Confirmed(claim),
            Some(false) => Word::Denied,
            None => Word::Unknown,
        }
    }
}

/// What was heard, and why not all was.
#[derive(Debug, Default)]
pub(super) struct Heard {
    pub(super) said: BTreeMap<InstanceId, Said>,
    pub(super) trouble: Option<String>,
}

/// Asks for all of them, as far as there is time.
pub(super) async fn ask(client: &Client, asked: &Asked) -> Heard {
    let mut heard = Heard::default();
    if asked.is_empty() {
        return heard;
    }
    match tokio::time::timeout(PATIENCE, ask_all(client, asked, &mut heard.said)).await {
        Ok(trouble) => heard.trouble = trouble.map(|error| error.to_string()),
        Err(_) => heard.trouble = Some(format!("no answer within {} s", PATIENCE.as_secs())),
    }
    heard
}

/// The last error, where one of the calls failed; the others count all the same.
async fn ask_all(client: &Client, asked: &Asked, said: &mut BTreeMap<InstanceId, Said>) -> Option<AwsError> {
    let claims = |id: &InstanceId, of: &[Leaves]| {
        asked
            .get(id)
            .is_some_and(|claims| of.iter().any(|claim| claims.contains(claim)))
    };
    let mut trouble = None;
    let ids: Vec<&InstanceId> = asked.keys().collect();
    let mut requests = BTreeMap::new();
    for some in ids.chunks(FILTERED) {
        match instances(client, some).await {
            Ok(rows) => {
                // One that is not listed is not there: it neither ends nor is spot.
                for id in some {
                    let row = rows.iter().find(|row| row.instance_id() == Some(id.as_str()));
                    let told = said.entry((*id).clone()).or_default();
                    told.ends = Some(row.is_some_and(ends));
                    told.spot = Some(row.is_some_and(is_spot));
                    let request = row.and_then(Instance::spot_instance_request_id);
                    let request = request.filter(|_| claims(id, &[Leaves::Interrupted, Leaves::AtRisk]));
                    requests.extend(request.map(|request| (request.to_owned(), (*id).clone())));
                }
            }
            Err(error) => trouble = Some(error),
        }
    }
    let named: Vec<&String> = requests.keys().collect();
    for some in named.chunks(FILTERED) {
        match marked(client, some).await {
            Ok(marked) => {
                for request in some {
                    let told = requests.get(*request).and_then(|id| said.get_mut(id));
                    if let Some(told) = told {
                        told.taken_back = Some(marked.contains(*request));
                    }
                }
            }
            Err(error) => trouble = Some(error),
        }
    }
    let due = |id: &&&InstanceId| {
        claims(id, &[Leaves::Retired]) && said.get(**id).is_some_and(|told| told.ends == Some(false))
    };
    let due: Vec<&InstanceId> = ids.iter().filter(due).copied().collect();
    for some in due.chunks(NAMED) {
        match scheduled(client, some).await {
            Ok(scheduled) => {
                for id in some {
                    said.entry((*id).clone()).or_default().scheduled = Some(scheduled.contains(*id));
                }
            }
            Err(error) => trouble = Some(error),
        }
    }
    trouble
}

/// By a filter: an id that is not there would fail a call that names it.
async fn instances(client: &Client, ids: &[&InstanceId]) -> Result<Vec<Instance>, AwsError> {
    let mut pages = client
        .describe_instances()
        .filters(filter("instance-id", ids.iter().map(|id| id.as_str())))
        .into_paginator()
        .page_size(1000)
        .send();
    let mut rows = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::of(INSTANCES, &error))?;
        rows.extend(
            page.reservations()
                .iter()
                .flat_map(Reservation::instances)
                .cloned(),
        );
    }
    Ok(rows)
}

/// Of these spot requests the ones that are marked for their end, or whose instance was ended.
async fn marked(client: &Client, requests: &[&String]) -> Result<BTreeSet<String>, AwsError> {
    let named = filter("spot-instance-request-id", requests.iter().map(|id| id.as_str()));
    let mut pages = client
        .describe_spot_instance_requests()
        .filters(named)
        .into_paginator()
        .page_size(1000)
        .send();
    let mut found = BTreeSet::new();
    while let Some(page) = pages.next().await {
        let page = page.map_err(|error| AwsError::of(SPOT, &error))?;
        let marked = page.spot_instance_requests().iter().filter(|row| is_marked(row));
        found.extend(marked.filter_map(|row| row.spot_instance_request_id().map(str::to_owned)));
    }
    Ok(found)
}

/// Of these instances the ones that an event is still to come for.
async fn scheduled(client: &Client, ids: &[&InstanceId]) -> Result<BTreeSet<InstanceId>, AwsError> {
    let sent = client
        .describe_instance_status()
        .set_instance_ids(Some(ids.iter().map(ToString::to_string).collect()))
        .include_all_instances(true)
        .send()
        .await;
    let answer = sent.map_err(|error| AwsError::of(STATUS, &error))?;
    let rows = answer.instance_statuses().iter().filter(|row| has_event(row));
    Ok(rows
        .filter_map(|row| row.instance_id().map(InstanceId::new))
        .collect())
}

fn filter<'a>(name: &str, values: impl Iterator<Item = &'a str>) -> Filter {
    Filter::builder()
        .name(name)
        .set_values(Some(values.map(str::to_owned).collect()))
        .build()
}

fn ends(row: &Instance) -> bool {
    matches!(
        row.state().and_then(|state| state.name()),
        Some(
            InstanceStateName::ShuttingDown
                | InstanceStateName::Terminated
                | InstanceStateName::Stopping
                | InstanceStateName::Stopped
        )
    )
}

fn is_spot(row: &Instance) -> bool {
    row.instance_lifecycle() == Some(&InstanceLifecycleType::Spot)
}

fn is_marked(row: &SpotInstanceRequest) -> bool {
    let code = row.status().and_then(|status| status.code()).unwrap_or_default();
    ["marked-for-", "instance-terminated-", "instance-stopped-"]
        .iter()
        .any(|beginning| code.starts_with(beginning))
}

/// Events that are over stay listed for a week, and say so in front of their description.
fn has_event(row: &InstanceStatus) -> bool {
    let is_over = |event: &InstanceStatusEvent| {
        let text = event.description().unwrap_or_default();
        text.starts_with("[Completed]") || text.starts_with("[Canceled]")
    };
    row.events().iter().any(|event| !is_over(event))
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_sdk_ec2::types::SpotInstanceStatus;

    #[test]
    fn a_claim_is_true_where_aws_says_so_and_unknown_where_it_says_nothing() {
        use Word::{Confirmed, Denied, Unknown};
        let nothing = Said::default();
        let runs = Said {
            ends: Some(false),
            spot: Some(false),
            ..nothing
        };
        let spot = Said {
            spot: Some(true),
            ..runs
        };
        let with = |taken_back, scheduled| Said {
            taken_back,
            scheduled,
            ..spot
        };
        let ended = Said {
            ends: Some(true),
            ..nothing
        };
        let claims = [
            Leaves::Ending,
            Leaves::Interrupted,
            Leaves::Retired,
            Leaves::AtRisk,
        ];
        let table = [
            (nothing, [Unknown; 4]),
            (runs, [Denied, Denied, Unknown, Denied]),
            (spot, [Denied, Unknown, Unknown, Confirmed(Leaves::AtRisk)]),
            (
                with(Some(false), Some(false)),
                [Denied, Denied, Denied, Confirmed(Leaves::AtRisk)],
            ),
            (with(Some(true), None), [Confirmed(Leaves::Interrupted); 4]),
            (
                with(Some(false), Some(true)),
                [
                    Denied,
                    Denied,
                    Confirmed(Leaves::Retired),
                    Confirmed(Leaves::AtRisk),
                ],
            ),
            (ended, [Confirmed(Leaves::Ending); 4]),
        ];
        for (said, wanted) in table {
            assert_eq!(claims.map(|claim| said.of(claim)), wanted, "{said:?}");
            assert_ne!(said.of(Leaves::Broken), Confirmed(Leaves::Broken), "{said:?}");
        }
    }

    #[test]
    fn a_spot_request_is_marked_by_its_code_alone() {
        let is = |code: &str| {
            let status = SpotInstanceStatus::builder().code(code).build();
            is_marked(&SpotInstanceRequest::builder().status(status).build())
        };
        assert!(is("marked-for-termination") && is("marked-for-stop"));
        assert!(is("instance-terminated-no-capacity") && is("instance-terminated-by-price"));
        assert!(!is("fulfilled") && !is("request-canceled-and-instance-running") && !is(""));
    }

    #[test]
    fn an_event_that_is_over_is_none() {
        let is = |text: &str| {
            let event = InstanceStatusEvent::builder().description(text).build();
            has_event(&InstanceStatus::builder().events(event).build())
        };
        assert!(is("The instance is running on degraded hardware"));
        assert!(!is("[Completed] The instance …") && !is("[Canceled] The instance …"));
        assert!(!has_event(&InstanceStatus::builder().build()));
    }
}
