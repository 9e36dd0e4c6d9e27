//! What happened when a cleared step was carried out.

use crate::counted::Counted;
use crate::ids::InstanceId;
use crate::time::Span;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Result of one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// Done.
    Done {
        /// Instances that came of it (a launch), where the provider named them.
        instances: Vec<InstanceId>,
    },
    /// Done in part: fewer instances than were asked for, and no more will come of it.
    Partly {
        /// Instances that came of it.
        instances: Vec<InstanceId>,
        /// How many did not.
        missing: u32,
        /// The provider said that it has no capacity for them.
        no_capacity: bool,
        /// What it said, cut to 256 bytes.
        why: String,
    },
    /// Nothing was sent: recorded only (`guard::Nobody`, placement at admission).
    Recorded,
    /// The object refused for now (eviction 429, throttling): asked again by a later cycle.
    Refused {
        /// When to ask again, where the refusal said so.
        after: Option<Span>,
        /// What it said, cut to 256 bytes.
        why: String,
    },
    /// The world had changed: precondition failed, nothing was done.
    Stale {
        /// What differed.
        why: String,
    },
    /// No capacity at the provider.
    NoCapacity {
        /// What it said.
        why: String,
    },
    /// The call was sent and its end is unknown (time-out, 5xx): the same intent is tried again.
    Unknown {
        /// What was seen.
        why: String,
    },
    /// Failed for good.
    Failed {
        /// What it said.
        why: String,
    },
    /// Dropped before it began: the kill switch was pulled meanwhile.
    Dropped,
}

impl Outcome {
    /// Done, with nothing to report.
    pub const fn done() -> Self {
        Self::Done {
            instances: Vec::new(),
        }
    }

    /// Whether the effect took place, be it in part.
    pub const fn is_done(&self) -> bool {
        matches!(self, Self::Done { .. } | Self::Partly { .. })
    }

    /// Instances that came of it.
    pub fn instances(&self) -> &[InstanceId] {
        match self {
            Self::Done { instances } | Self::Partly { instances, .. } => instances,
            _ => &[],
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done { instances } if instances.is_empty() => f.write_str("done"),
            Self::Done { instances } => write!(f, "done: {}", Counted(instances.len(), "instance")),
            Self::Partly {
                instances,
                missing,
                why,
                ..
            } => write!(
                f,
                "done in part: {}, {missing} less: {why}",
                Counted(instances.len(), "instance")
            ),
            Self::Recorded => f.write_str("recorded only"),
            Self::Refused { why, .. } => write!(f, "refused for now: {why}"),
            Self::Stale { why } => write!(f, "the world had changed: {why}"),
            Self::NoCapacity { why } => write!(f, "no capacity: {why}"),
            Self::Unknown { why } => write!(f, "unknown, will be asked again: {why}"),
            Self::Failed { why } => write!(f, "failed: {why}"),
            Self::Dropped => f.write_str("dropped: paused"),
        }
    }
}
