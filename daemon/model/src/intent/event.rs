//! What became of intents, as reading the Ledger against a Snapshot, or an outcome, tells it.
//!
//! Not here: the reading (`guard`).

use crate::ids::{GroupName, IntentId, NodeName, OfferId};
use crate::time::Span;
use serde::{Deserialize, Serialize};

/// What reading the Ledger against a Snapshot, or an outcome, told about an intent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LedgerEvent {
    /// The provider has accepted a launch whose call nobody heard the end of.
    Accepted {
        /// Which.
        intent: IntentId,
    },
    /// A launched node has joined and is Ready.
    Joined {
        /// Which.
        intent: IntentId,
        /// Its group.
        group: GroupName,
        /// The node.
        node: NodeName,
        /// From the opening of the intent to Ready, as seen.
        took: Span,
    },
    /// All nodes of a launch are there; the intent is closed.
    Launched {
        /// Which.
        intent: IntentId,
        /// Its group.
        group: GroupName,
    },
    /// A launch ended with nodes missing: the intent is closed, or goes on with those that came.
    LaunchFailed {
        /// Which.
        intent: IntentId,
        /// Its group.
        group: GroupName,
        /// Nodes that did not come.
        missing: u32,
        /// Whether the provider said that it has no capacity.
        no_capacity: bool,
        /// What was asked for, where the provider said that.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        offer: Option<OfferId>,
        /// Some of its nodes have joined.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        brought: bool,
    },
    /// The nodes of a launch have joined and helped nobody: the pods they were bought for wait, and no other stands on them.
    Unhelpful {
        /// Which.
        intent: IntentId,
        /// Its group.
        group: GroupName,
    },
    /// A pod has found a place after a launch of a group whose last ones had helped nobody.
    Helped {
        /// Which.
        intent: IntentId,
        /// Its group.
        group: GroupName,
    },
    /// A node and its instance are gone; the intent is closed.
    Removed {
        /// Which.
        intent: IntentId,
        /// The node.
        node: NodeName,
    },
    /// A removal ran past its deadline, or its replacement never came; it is undone.
    RemovalGivenUp {
        /// Which.
        intent: IntentId,
        /// The node.
        node: NodeName,
    },
    /// A removal has been undone, or never began; the intent is closed.
    Undone {
        /// Which.
        intent: IntentId,
        /// The node.
        node: NodeName,
    },
}
