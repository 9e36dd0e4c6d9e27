//! Notices of instances that are going to go, from the SQS queue that EventBridge fills: spot interruptions, rebalance
//! recommendations, scheduled changes of AWS Health, changes of state, termination hooks that an instance waits at.
//!
//! Read by a long poll of its own, so that a notice never waits for a look and a look never for a notice. A message is
//! deleted once a look has handed it on. Source: the events' documented forms (EC2 and Auto Scaling user guides; AWS
//! Health). Not here: what becomes of the nodes.

use super::sdk::AwsError;
use aws_sdk_sqs::Client;
use aws_smithy_types::date_time::{DateTime, Format};
use model::ids::InstanceId;
use model::node::{Leaves, Leaving};
use model::time::{Instant, Span};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;

/// Longest that SQS lets a reader wait, seconds.
const WAIT: i32 = 20;
/// Messages that one call gives.
const MOST: i32 = 10;
/// Rest after a call that failed.
const REST: Duration = Duration::from_secs(10);
/// Instances remembered; notices of other clusters' instances may come by the same queue.
const KEPT: usize = 10_000;

/// The queue, as far as it was read.
pub(super) struct Notices {
    client: Client,
    /// Its name or URL.
    queue: String,
    told: Arc<Mutex<Told>>,
    reader: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Told {
    leaving: BTreeMap<InstanceId, Leaving>,
    /// Receipts of what no look has seen yet, and of what one has.
    fresh: Vec<String>,
    handed: Vec<String>,
}

impl Notices {
    /// Of a queue, by its name or URL; no call is made yet.
    pub(super) fn new(client: Client, queue: String) -> Self {
        Self {
            client,
            queue,
            told: Arc::default(),
            reader: None,
        }
    }

    /// Instances that go, as told so far. The first call begins to read.
    pub(super) fn leaving(&mut self, at: Instant) -> BTreeMap<InstanceId, Leaving> {
        if self.reader.as_ref().is_none_or(JoinHandle::is_finished) {
            let (client, queue, told) = (self.client.clone(), self.queue.clone(), Arc::clone(&self.told));
            self.reader = Some(tokio::spawn(read(client, queue, told)));
        }
        let mut told = lock(&self.told);
        told.leaving
            .retain(|_, leaving| at.since(leaving.told) <= kept(leaving.why));
        let fresh = std::mem::take(&mut told.fresh);
        told.handed.extend(fresh);
        told.leaving.clone()
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        if let Some(reader) = &self.reader {
            reader.abort();
        }
    }
}

/// A notice that has not come true after this is none any more.
const fn kept(why: Leaves) -> Span {
    match why {
        Leaves::Ending | Leaves::Interrupted => Span::from_secs(600),
        Leaves::AtRisk => Span::from_secs(3600),
        // AWS Health tells of retirements two weeks before.
        Leaves::Retired => Span::from_secs(14 * 86_400),
        // No queue tells that.
        Leaves::Broken => Span::ZERO,
    }
}

async fn read(client: Client, queue: String, told: Arc<Mutex<Told>>) {
    let mut url = queue.starts_with("http").then(|| queue.clone());
    loop {
        let read = async {
            if url.is_none() {
                url = Some(url_of(&client, &queue).await?);
            }
            let url = url.as_deref().unwrap_or_default();
            forget(&client, url, &told).await?;
            receive(&client, url, &told).await
        };
        if let Err(error) = read.await {
            tracing::warn!(%error, "notices could not be read");
            tokio::time::sleep(REST).await;
        }
    }
}

async fn url_of(client: &Client, queue: &str) -> Result<String, AwsError> {
    let sent = client.get_queue_url().queue_name(queue).send().await;
    let answer = sent.map_err(|error| AwsError::of("sqs:GetQueueUrl", &error))?;
    Ok(answer.queue_url().unwrap_or_default().to_owned())
}

/// Deletes what a look has handed on; what cannot be deleted comes again and says the same.
async fn forget(client: &Client, url: &str, told: &Mutex<Told>) -> Result<(), AwsError> {
    let handed = std::mem::take(&mut lock(told).handed);
    for receipt in handed {
        let sent = client.delete_message().queue_url(url).receipt_handle(receipt);
        let sent = sent.send().await;
        sent.map_err(|error| AwsError::of("sqs:DeleteMessage", &error))?;
    }
    Ok(())
}

async fn receive(client: &Client, url: &str, told: &Mutex<Told>) -> Result<(), AwsError> {
    let call = client.receive_message().queue_url(url);
    let sent = call
        .max_number_of_messages(MOST)
        .wait_time_seconds(WAIT)
        .send()
        .await;
    let answer = sent.map_err(|error| AwsError::of("sqs:ReceiveMessage", &error))?;
    let mut told = lock(told);
    for message in answer.messages() {
        let body = message.body().unwrap_or_default();
        if let Some(notices) = parse(body) {
            for (instance, leaving) in notices {
                told.note(instance, leaving);
            }
        } else {
            tracing::warn!(bytes = body.len(), "a message in the queue of notices is none");
        }
        told.fresh.extend(message.receipt_handle().map(str::to_owned));
    }
    Ok(())
}

impl Told {
    /// The more certain notice stays.
    fn note(&mut self, instance: InstanceId, leaving: Leaving) {
        let known = self.leaving.get(&instance);
        let news = known.is_none_or(|known| known.why <= leaving.why);
        if news && (known.is_some() || self.leaving.len() < KEPT) {
            tracing::info!(%instance, why = %leaving.why, "an instance is going to go");
            self.leaving.insert(instance, leaving);
        }
    }
}

/// The instances that an event is about; nothing where it is not one, none where it means nothing to us.
fn parse(body: &str) -> Option<Vec<(InstanceId, Leaving)>> {
    let event: Value = serde_json::from_str(body).ok()?;
    let kind = event["detail-type"].as_str()?;
    let told = instant(event["time"].as_str()?)?;
    let detail = &event["detail"];
    let why = match kind {
        "EC2 Spot Instance Interruption Warning" => Leaves::Interrupted,
        "EC2 Instance Rebalance Recommendation" => Leaves::AtRisk,
        "EC2 Instance-terminate Lifecycle Action" => {
            let instance = InstanceId::new(detail["EC2InstanceId"].as_str()?);
            let why = Leaves::Ending;
            return Some(vec![(instance, Leaving { why, told })]);
        }
        "EC2 Instance State-change Notification" => match detail["state"].as_str()? {
            "stopping" | "stopped" | "shutting-down" | "terminated" => Leaves::Ending,
            _ => return Some(Vec::new()),
        },
        "AWS Health Event" => {
            let is = |key: &str, value: &str| detail[key].as_str() == Some(value);
            if !is("service", "EC2") || !is("eventTypeCategory", "scheduledChange") {
                return Some(Vec::new());
            }
            let rows = detail["affectedEntities"].as_array()?;
            let named = rows.iter().filter_map(|row| row["entityValue"].as_str());
            let leaving = Leaving {
                why: Leaves::Retired,
                told,
            };
            return Some(named.map(|id| (InstanceId::new(id), leaving)).collect());
        }
        _ => return Some(Vec::new()),
    };
    let instance = InstanceId::new(detail["instance-id"].as_str()?);
    Some(vec![(instance, Leaving { why, told })])
}

fn instant(text: &str) -> Option<Instant> {
    let read = DateTime::from_str(text, Format::DateTime).ok()?;
    read.to_millis().ok().map(Instant)
}

fn lock(told: &Mutex<Told>) -> MutexGuard<'_, Told> {
    told.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(kind: &str, detail: &str) -> String {
        format!(r#"{{"detail-type": "{kind}", "time": "2026-11-22T10:00:00Z", "detail": {detail}}}"#)
    }

    #[test]
    fn events_are_read_for_what_they_mean() {
        let of = |kind: &str, detail: &str| {
            parse(&event(kind, detail))
                .map(|told| told.into_iter().map(|(id, l)| (id.to_string(), l.why)).collect())
        };
        let one = |why| Some(vec![("i-1".to_owned(), why)]);
        let spot = r#"{"instance-id": "i-1", "instance-action": "terminate"}"#;
        assert_eq!(
            of("EC2 Spot Instance Interruption Warning", spot),
            one(Leaves::Interrupted)
        );
        assert_eq!(
            of("EC2 Instance Rebalance Recommendation", spot),
            one(Leaves::AtRisk)
        );
        let state = "EC2 Instance State-change Notification";
        assert_eq!(
            of(state, r#"{"instance-id": "i-1", "state": "stopping"}"#),
            one(Leaves::Ending)
        );
        assert_eq!(
            of(state, r#"{"instance-id": "i-1", "state": "running"}"#),
            Some(Vec::new())
        );
        let hook = r#"{"EC2InstanceId": "i-1", "LifecycleHookName": "drain", "AutoScalingGroupName": "g"}"#;
        assert_eq!(
            of("EC2 Instance-terminate Lifecycle Action", hook),
            one(Leaves::Ending)
        );
        assert_eq!(of("EC2 Instance-launch Lifecycle Action", hook), Some(Vec::new()));
        let health = r#"{"service": "EC2", "eventTypeCategory": "scheduledChange",
            "affectedEntities": [{"entityValue": "i-1"}]}"#;
        assert_eq!(of("AWS Health Event", health), one(Leaves::Retired));
        let bill = r#"{"service": "BILLING", "eventTypeCategory": "accountNotification"}"#;
        assert_eq!(of("AWS Health Event", bill), Some(Vec::new()));
        assert_eq!(of("Something new", "{}"), Some(Vec::new()));
    }

    #[test]
    fn what_is_no_event_is_none() {
        for body in ["", "{", "[]", "{}", "null", r#"{"detail-type": 3}"#] {
            assert_eq!(parse(body), None, "{body}");
        }
        assert_eq!(
            parse(&event("EC2 Spot Instance Interruption Warning", "{}")),
            None
        );
        assert_eq!(
            parse(&event(
                "AWS Health Event",
                r#"{"service": "EC2", "eventTypeCategory": "scheduledChange"}"#
            )),
            None
        );
    }

    #[test]
    fn the_more_certain_notice_stays() {
        let mut told = Told::default();
        let at = |why| Leaving {
            why,
            told: Instant(0),
        };
        for why in [Leaves::AtRisk, Leaves::Interrupted, Leaves::AtRisk] {
            told.note(InstanceId::new("i-1"), at(why));
        }
        assert_eq!(told.leaving[&InstanceId::new("i-1")].why, Leaves::Interrupted);
    }
}
