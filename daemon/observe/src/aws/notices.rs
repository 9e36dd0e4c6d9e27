//! Notices of instances that are going to go, from the SQS queue that EventBridge fills: spot interruptions, rebalance
//! recommendations, scheduled changes of AWS Health, changes of state, termination hooks that an instance waits at.
//!
//! Read by a long poll of its own, so that a notice never waits for a look and a look never for a notice. A message is
//! deleted once a look has handed it on. Whoever may send to the queue may write what he likes: a notice is a claim until
//! AWS says the same (`pending`, `witness`), and the queue's policy is read for whether anybody may send (`queue_policy`).
//! Source: the events' documented forms (EC2 and Auto Scaling user guides; AWS Health). Not here: what becomes of the nodes.

use super::pending::{Claim, Ours, Pending};
use super::queue_policy;
use super::sdk::AwsError;
use super::witness;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::QueueAttributeName;
use aws_smithy_types::date_time::{DateTime, Format};
use model::ids::InstanceId;
use model::node::{Leaves, Leaving};
use model::notices::Notices as Outcomes;
use model::time::Instant;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;

/// Longest that SQS lets a reader wait, seconds.
const WAIT: i32 = 20;
/// Messages that one call gives.
const MOST: i32 = 10;
/// Rest after a call that failed.
const REST: Duration = Duration::from_secs(10);
/// Claims, and messages, that wait for a look; further messages stay in the queue.
const KEPT: usize = 10_000;
const UNSEEN: usize = 1000;
/// Rest while as many wait.
const FULL: Duration = Duration::from_millis(500);
/// The queue's policy is read this often.
const POLICY_EVERY: Duration = Duration::from_hours(1);

/// The queue, as far as it was read.
pub(super) struct Notices {
    client: Client,
    /// Its name or URL.
    queue: String,
    told: Arc<Mutex<Told>>,
    reader: Option<JoinHandle<()>>,
    pending: Pending,
}

#[derive(Debug, Default)]
struct Told {
    claims: VecDeque<Claim>,
    dropped: u64,
    /// Receipts of what no look has seen yet, and of what one has.
    fresh: Vec<String>,
    handed: Vec<String>,
    /// Whom the queue's policy lets send, where that is anybody.
    open_to: Option<String>,
}

impl Notices {
    /// Of a queue, by its name or URL; no call is made yet.
    pub(super) fn new(client: Client, queue: String) -> Self {
        Self {
            client,
            queue,
            told: Arc::default(),
            reader: None,
            pending: Pending::default(),
        }
    }

    /// Takes what has come. Whether the groups are to be read whole: some instance of theirs is said to end. The first call
    /// begins to read.
    pub(super) fn take(&mut self, ours: &Ours, at: Instant) -> bool {
        if self.reader.as_ref().is_none_or(JoinHandle::is_finished) {
            let (client, queue, told) = (self.client.clone(), self.queue.clone(), Arc::clone(&self.told));
            self.reader = Some(tokio::spawn(read(client, queue, told)));
        }
        let (claims, dropped, open_to) = {
            let mut told = lock(&self.told);
            let fresh = std::mem::take(&mut told.fresh);
            told.handed.extend(fresh);
            let claims = std::mem::take(&mut told.claims);
            (claims, std::mem::take(&mut told.dropped), told.open_to.clone())
        };
        self.pending.dropped(dropped);
        self.pending.open_to(open_to);
        self.pending.take(claims.into(), ours, at);
        self.pending.asks_groups(ours)
    }

    /// Asks AWS whether what was claimed is true. `going` are instances that their groups list on their way out.
    pub(super) async fn confirm(
        &mut self,
        client: &aws_sdk_ec2::Client,
        going: &BTreeSet<InstanceId>,
        ours: &Ours,
        at: Instant,
    ) {
        let asked = self.pending.to_ask(ours);
        let heard = witness::ask(client, &asked).await;
        if let Some(why) = &heard.trouble {
            tracing::warn!(%why, instances = asked.len(), "notices could not be confirmed, and move nothing; asked again");
        }
        self.pending.hear((&asked, &heard.said), going, ours, at);
        self.pending.settle(heard.trouble, ours, at);
    }

    /// Instances that go, as AWS confirms it.
    pub(super) fn leaving(&self) -> BTreeMap<InstanceId, Leaving> {
        self.pending.leaving()
    }

    /// What became of all notices so far.
    pub(super) fn outcomes(&self) -> Outcomes {
        self.pending.told()
    }
}

impl Drop for Notices {
    fn drop(&mut self) {
        if let Some(reader) = &self.reader {
            reader.abort();
        }
    }
}

async fn read(client: Client, queue: String, told: Arc<Mutex<Told>>) {
    let mut url = queue.starts_with("http").then(|| queue.clone());
    let mut policy = Policy::default();
    loop {
        let read = async {
            if url.is_none() {
                url = Some(url_of(&client, &queue).await?);
            }
            let url = url.as_deref().unwrap_or_default();
            policy.look(&client, url, &told).await;
            forget(&client, url, &told).await?;
            if lock(&told).fresh.len() >= UNSEEN {
                tokio::time::sleep(FULL).await;
                return Ok(());
            }
            receive(&client, url, &told).await
        };
        let read: Result<(), AwsError> = read.await;
        if let Err(error) = read {
            tracing::warn!(%error, "notices could not be read");
            tokio::time::sleep(REST).await;
        }
    }
}

/// When the queue's policy was read last, and what was said of it.
#[derive(Debug, Default)]
struct Policy {
    read: Option<tokio::time::Instant>,
    said: Option<String>,
}

impl Policy {
    /// Reads the policy where it is time to; one that cannot be read is told once, and keeps what was known.
    async fn look(&mut self, client: &Client, url: &str, told: &Mutex<Told>) {
        if self.read.is_some_and(|read| read.elapsed() < POLICY_EVERY) {
            return;
        }
        self.read = Some(tokio::time::Instant::now());
        let call = client.get_queue_attributes().queue_url(url);
        let sent = call.attribute_names(QueueAttributeName::Policy).send().await;
        let news = match sent {
            Ok(answer) => {
                let attributes = answer.attributes();
                let policy = attributes.and_then(|all| all.get(&QueueAttributeName::Policy));
                let open = policy.and_then(|policy| queue_policy::open_to(policy));
                lock(told).open_to.clone_from(&open);
                let said =
                    |who| format!("anybody may send to the queue of notices: its policy lets {who} send");
                open.map(said)
            }
            Err(error) => {
                let error = AwsError::of("sqs:GetQueueAttributes", &error);
                Some(format!(
                    "who may send to the queue of notices is not known: {error}"
                ))
            }
        };
        if news != self.said {
            if let Some(news) = &news {
                tracing::warn!("{news}");
            }
            self.said = news;
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
        if let Some(claims) = parse(body) {
            told.note(claims);
        } else {
            tracing::warn!(bytes = body.len(), "a message in the queue of notices is none");
        }
        told.fresh.extend(message.receipt_handle().map(str::to_owned));
    }
    Ok(())
}

impl Told {
    /// The oldest are let go of where more come than looks take.
    fn note(&mut self, claims: Vec<Claim>) {
        self.claims.extend(claims);
        let surplus = self.claims.len().saturating_sub(KEPT);
        self.claims.drain(..surplus);
        self.dropped += u64::try_from(surplus).unwrap_or(u64::MAX);
    }
}

/// What an event claims, of each instance that it is about; nothing where it is not one, none where it means nothing to us.
fn parse(body: &str) -> Option<Vec<Claim>> {
    let event: Value = serde_json::from_str(body).ok()?;
    let told = instant(event["time"].as_str()?)?;
    let text = |key: &str| event[key].as_str().map(str::to_owned);
    let claim = |(instance, why)| Claim {
        instance,
        leaving: Leaving { why, told },
        account: text("account"),
        region: text("region"),
    };
    let told = told_by(&event)?;
    Some(told.into_iter().map(claim).collect())
}

/// The instances that an event names, and what it says of them.
fn told_by(event: &Value) -> Option<Vec<(InstanceId, Leaves)>> {
    let kind = event["detail-type"].as_str()?;
    let detail = &event["detail"];
    let why = match kind {
        "EC2 Spot Instance Interruption Warning" => Leaves::Interrupted,
        "EC2 Instance Rebalance Recommendation" => Leaves::AtRisk,
        "EC2 Instance-terminate Lifecycle Action" => {
            let instance = InstanceId::new(detail["EC2InstanceId"].as_str()?);
            return Some(vec![(instance, Leaves::Ending)]);
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
            return Some(named.map(|id| (InstanceId::new(id), Leaves::Retired)).collect());
        }
        _ => return Some(Vec::new()),
    };
    let instance = InstanceId::new(detail["instance-id"].as_str()?);
    Some(vec![(instance, why)])
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
            parse(&event(kind, detail)).map(|told| {
                let of = |claim: Claim| (claim.instance.to_string(), claim.leaving.why);
                told.into_iter().map(of).collect()
            })
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
    fn what_comes_faster_than_it_is_looked_at_lets_go_of_the_oldest() {
        let mut told = Told::default();
        for ix in 0..3000 {
            let detail = format!(r#"{{"instance-id": "i-{ix}", "state": "stopping"}}"#);
            let event = event("EC2 Instance State-change Notification", &detail);
            told.note((0..4).flat_map(|_| parse(&event).unwrap()).collect());
        }
        assert_eq!((told.claims.len(), told.dropped), (KEPT, 2000));
        assert_eq!(told.claims[0].instance, InstanceId::new("i-500"));
    }
}
