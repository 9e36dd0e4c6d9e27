//! What EventBridge puts into the queue: spot notices, rebalance recommendations, state changes, lifecycle actions,
//! health.
//!
//! Source: the events' documented forms (EC2 and Auto Scaling user guides, EKS "Fargate pod patching", AWS Health).
//! Queues are SQS as far as Plimsoll reads it: each gets every event, and a message that is not deleted comes again.

use super::queue::{Message, Messages, NO_QUEUE};
use super::{Account, Refused};
use model::Span;
use serde_json::{Value, json};

/// A message that was received and not deleted comes again after this.
const HIDDEN: Span = Span::from_secs(30);
/// Messages are kept for so long (Karpenter's queue: 300 s).
const KEPT: Span = Span::from_secs(300);

/// An event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A spot instance is taken back in two minutes.
    Interruption {
        /// Id of the instance.
        instance: String,
    },
    /// A spot instance is at risk.
    Rebalance {
        /// Id of the instance.
        instance: String,
    },
    /// An instance changed its state.
    StateChange {
        /// Id of the instance.
        instance: String,
        /// `shutting-down`, …
        state: String,
    },
    /// An instance waits for a lifecycle hook.
    Lifecycle {
        /// Id of the instance.
        instance: String,
        /// Its group.
        group: String,
        /// The hook.
        hook: String,
        /// At its launch (true) or its end.
        launching: bool,
    },
    /// AWS Health: the instance is going to be retired or maintained.
    Health {
        /// Id of the instance.
        instance: String,
        /// `AWS_EC2_INSTANCE_RETIREMENT_SCHEDULED`, …
        code: String,
    },
    /// Anything else, as it is.
    Raw(String),
}

impl Account {
    /// Puts an event into every queue.
    pub fn notify(&mut self, notice: &Notice) {
        let body = match notice {
            Notice::Raw(text) => text.clone(),
            other => self.event(other).to_string(),
        };
        for queue in self.queues().cloned().collect::<Vec<_>>() {
            self.send(&queue, body.clone());
        }
    }

    /// Puts a message into a queue; its id.
    pub(crate) fn send(&mut self, queue: &str, body: String) -> String {
        let id = self.id("message-");
        let now = self.now();
        let message = Message {
            body,
            sent: now,
            hidden_until: now,
            receipt: String::new(),
        };
        if let Some(messages) = self.messages.get_mut(queue) {
            messages.kept.insert(id.clone(), message);
        }
        id
    }

    /// Names of the queues.
    pub(crate) fn queues(&self) -> impl Iterator<Item = &String> {
        self.messages.keys()
    }

    /// A queue, by its name.
    pub(crate) fn queue(&self, name: &str) -> Result<&Messages, Refused> {
        let missing = || Refused::new(NO_QUEUE, "The specified queue does not exist.");
        self.messages.get(name).ok_or_else(missing)
    }

    /// Makes a queue, where there is none of the name.
    pub(crate) fn create_queue(&mut self, name: &str) {
        self.messages.entry(name.to_owned()).or_default();
    }

    /// Sets who may send to a queue; nobody is kept from it here.
    pub fn set_queue_policy(&mut self, name: &str, policy: &str) {
        if let Some(messages) = self.messages.get_mut(name) {
            messages.policy = Some(policy.to_owned()).filter(|policy| !policy.is_empty());
        }
    }

    /// Takes every message out of a queue.
    pub(crate) fn purge_queue(&mut self, name: &str) {
        if let Some(messages) = self.messages.get_mut(name) {
            messages.kept.clear();
        }
    }

    /// Takes a queue away with all that is in it.
    pub(crate) fn delete_queue(&mut self, name: &str) {
        self.messages.remove(name);
    }

    /// Up to so many messages, hidden from others for a while.
    pub(crate) fn receive(&mut self, queue: &str, most: usize) -> Vec<(String, Message)> {
        let now = self.now();
        let Some(messages) = self.messages.get_mut(queue) else {
            return Vec::new();
        };
        messages.kept.retain(|_, message| now.since(message.sent) <= KEPT);
        let mut taken = Vec::new();
        for (id, message) in &mut messages.kept {
            if taken.len() < most && message.hidden_until <= now {
                messages.received += 1;
                message.hidden_until = now + HIDDEN;
                message.receipt = format!("receipt-{}", messages.received);
                taken.push((id.clone(), message.clone()));
            }
        }
        taken
    }

    /// Forgets the message of a receipt.
    pub(crate) fn forget_message(&mut self, queue: &str, receipt: &str) {
        if let Some(messages) = self.messages.get_mut(queue) {
            messages.kept.retain(|_, message| message.receipt != receipt);
        }
    }

    /// Messages in all queues.
    pub fn queued(&self) -> usize {
        self.messages.values().map(|messages| messages.kept.len()).sum()
    }

    fn event(&mut self, notice: &Notice) -> Value {
        let (source, kind, detail) = match notice {
            Notice::Interruption { instance } => (
                "aws.ec2",
                "EC2 Spot Instance Interruption Warning",
                json!({"instance-id": instance, "instance-action": "terminate"}),
            ),
            Notice::Rebalance { instance } => (
                "aws.ec2",
                "EC2 Instance Rebalance Recommendation",
                json!({"instance-id": instance}),
            ),
            Notice::StateChange { instance, state } => (
                "aws.ec2",
                "EC2 Instance State-change Notification",
                json!({"instance-id": instance, "state": state}),
            ),
            Notice::Lifecycle {
                instance,
                group,
                hook,
                launching,
            } => {
                let (kind, transition) = transition(*launching);
                let token = self.id("");
                let detail = json!({
                    "LifecycleActionToken": token, "AutoScalingGroupName": group, "LifecycleHookName": hook,
                    "EC2InstanceId": instance, "LifecycleTransition": transition,
                });
                ("aws.autoscaling", kind, detail)
            }
            Notice::Health { instance, code } => (
                "aws.health",
                "AWS Health Event",
                json!({
                    "service": "EC2", "eventTypeCode": code, "eventTypeCategory": "scheduledChange",
                    "affectedEntities": [{"entityValue": instance}],
                }),
            ),
            Notice::Raw(_) => return Value::Null,
        };
        json!({
            "version": "0", "id": self.id(""), "detail-type": kind, "source": source,
            "account": self.settings.account, "region": self.settings.region,
            "time": jiff::Timestamp::from_millisecond(self.now().0).map(|t| t.to_string()).unwrap_or_default(),
            "resources": [], "detail": detail,
        })
    }
}

/// The kind of a lifecycle event and the name of its transition.
const fn transition(launching: bool) -> (&'static str, &'static str) {
    if launching {
        (
            "EC2 Instance-launch Lifecycle Action",
            "autoscaling:EC2_INSTANCE_LAUNCHING",
        )
    } else {
        (
            "EC2 Instance-terminate Lifecycle Action",
            "autoscaling:EC2_INSTANCE_TERMINATING",
        )
    }
}
