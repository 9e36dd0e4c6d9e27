//! SQS queues as they stand, as far as a reader of notices needs them.
//!
//! Not here: sending, receiving and deleting (`notices`).

use model::Instant;
use std::collections::BTreeMap;

/// What a queue that is not there is refused with.
pub(crate) const NO_QUEUE: &str = "AWS.SimpleQueueService.NonExistentQueue";

/// What a queue holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct Messages {
    pub(crate) kept: BTreeMap<String, Message>,
    /// Who may send, in IAM's language.
    pub(crate) policy: Option<String>,
    pub(super) received: u64,
}

#[derive(Clone, Debug)]
pub(crate) struct Message {
    pub(crate) body: String,
    pub(super) sent: Instant,
    pub(super) hidden_until: Instant,
    pub(crate) receipt: String,
}
