//! What was done lately, as the Ledger keeps it for windows to count, and purchases that have helped nobody yet.
//!
//! Not here: how much a window lets happen (`limits`), and who counts (`guard`).

use crate::ids::{GroupName, IntentId, NodeName, PodKey, WorkloadKey};
use crate::money::UsdPerHour;
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// One effect that counts against a window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Effect {
    /// When.
    pub at: Instant,
    /// Which group; empty where none is concerned.
    pub group: GroupName,
    /// What.
    pub kind: EffectKind,
}

/// Effects that windows count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum EffectKind {
    /// Nodes asked for.
    Bought {
        /// How many.
        count: u32,
        /// What they add to the bill.
        rate: UsdPerHour,
        /// As far as waiting pods prove that they are needed.
        #[serde(default, skip_serializing_if = "Proof::is_none")]
        proof: Proof,
    },
    /// A voluntary removal begun, of a node that names no zone, or before zones were written down.
    Removed,
    /// A voluntary removal begun in a zone.
    RemovedFrom {
        /// Which.
        zone: String,
    },
    /// A removal begun of a node that was watched empty.
    Emptied {
        /// Which.
        node: NodeName,
    },
    /// A removal begun that owners explain who have lowered their replicas.
    Explained {
        /// Pods that are moved for it, at least one.
        pods: u32,
    },
    /// Pods asked to leave a node of the group, in one cycle.
    Evicted {
        /// How many.
        count: u32,
    },
    /// Replicas taken from workloads, in one cycle; of no group.
    ScaledDown {
        /// How many.
        count: u32,
    },
    /// Waiting pods of a workload asked to end, in one cycle, so that Fargate takes those made in their place.
    Remade {
        /// Whose.
        workload: WorkloadKey,
        /// How many.
        count: u32,
    },
}

impl EffectKind {
    /// A removal begun in this zone; empty: nobody knows in which.
    pub fn removed_from(zone: &str) -> Self {
        match zone {
            "" => Self::Removed,
            zone => Self::RemovedFrom {
                zone: zone.to_owned(),
            },
        }
    }
}

/// The part of a purchase that waiting pods prove to be needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// Nodes.
    pub nodes: u32,
    /// Of what they add to the bill.
    pub rate: UsdPerHour,
}

impl Proof {
    /// Nothing is proven.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// Pods that have proven a purchase and wait all the same: they prove no other within a long window.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spent {
    /// When the purchase was made.
    pub at: Instant,
    /// Whom it was made for.
    pub pods: Vec<PodKey>,
    /// What came of it, as long as none of them has found a place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bought: Option<Bought>,
}

/// Nodes that have joined while the pods they were bought for wait on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bought {
    /// The launch.
    pub intent: IntentId,
    /// Its group.
    pub group: GroupName,
    /// The nodes, at most 100 of them.
    pub nodes: Vec<NodeName>,
    /// When they should have helped somebody; `None` once it has been told that they did not.
    pub due: Option<Instant>,
}
