//! The guard's word on a step.

use crate::advice::{Coded, Hook};
use crate::counted::Counted;
use crate::disruption::Closed;
use crate::ids::{PolicyName, WorkloadKey};
use crate::money::{Usd, UsdPerHour};
use crate::plan::Hold;
use crate::quota::Reached;
use crate::repair::Doubt;
use crate::snapshot::Source;
use crate::time::Span;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Cleared, held for now, or struck for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// May be carried out now.
    Cleared,
    /// Not now; a later cycle may find it again.
    Held(HoldReason),
    /// Must not be carried out at all.
    Struck(StrikeReason),
}

/// Why a step waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum HoldReason {
    /// The mode of a scope it touches is Observe.
    ObserveOnly {
        /// `cluster`, or the group, workload or hook.
        scope: String,
    },
    /// The kill switch is pulled.
    Paused {
        /// By whom.
        by: String,
    },
    /// A source it rests on is too old or missing.
    StaleSource {
        /// Which.
        source: Source,
        /// How old; `None`: missing.
        age: Option<Span>,
        /// Allowed.
        limit: Span,
    },
    /// Removals of this window are used up.
    RemovalsPerWindow {
        /// Allowed.
        limit: u32,
    },
    /// Removals of this window are used up in the zone.
    RemovalsPerZone {
        /// Which; empty: nodes that name none.
        zone: String,
        /// Allowed.
        limit: u32,
    },
    /// The month would cost more than its budget.
    MonthlyBudget {
        /// Allowed.
        limit: Usd,
        /// What the month would have cost at its end.
        forecast: Usd,
    },
    /// Removals of empty nodes of this window are used up.
    EmptiedPerWindow {
        /// Allowed.
        limit: u32,
    },
    /// A budget of the aims stands in the way.
    NodeBudget(Closed),
    /// The first node made as the group would make it today has not settled yet.
    CanaryFirst {
        /// What the group makes nodes with.
        wanted: String,
    },
    /// Too many removals at once.
    RemovalsAtOnce {
        /// Allowed.
        limit: u32,
    },
    /// Purchases of this window are used up.
    PurchasesPerWindow {
        /// Allowed.
        limit: u32,
    },
    /// Evictions of this window are used up.
    EvictionsPerWindow {
        /// Allowed.
        limit: u32,
    },
    /// Replicas that may be taken from workloads in this window are used up.
    ScaledDownPerWindow {
        /// Allowed.
        limit: u32,
    },
    /// Dollars per hour of this window are used up.
    RatePerWindow {
        /// Allowed.
        limit: UsdPerHour,
    },
    /// The cluster would cost more than allowed.
    MaxRate {
        /// Allowed.
        limit: UsdPerHour,
    },
    /// The cluster would have more nodes than allowed.
    MaxNodes {
        /// Allowed.
        limit: u32,
    },
    /// A quota of the aims leaves no room for it.
    Quota(Reached),
    /// The replacement is not Ready yet.
    ReplacementNotReady,
    /// Somebody else is replacing the nodes of the group.
    Rolling {
        /// What they do.
        what: String,
    },
    /// So much of the cluster is not Ready that nothing is given up.
    Implausible {
        /// Why.
        doubt: Doubt,
    },
    /// A policy fault in this cycle: nothing is scaled in.
    PolicyFault {
        /// Hook that faulted.
        hook: Hook,
    },
    /// A policy of the hook `review` holds it.
    Reviewed {
        /// Which; the first of those that do.
        policy: PolicyName,
        /// Its reason code.
        code: u16,
        /// Its words.
        text: String,
    },
    /// The cluster cannot do without this workload, and it has no Ready pod to spare.
    NoneToSpare {
        /// Which.
        workload: WorkloadKey,
    },
    /// Another intent on the same object is open.
    IntentOpen,
    /// No lease is held.
    NoFence,
    /// The audit has found a flaw in the plan: a mistake of the engine.
    Flawed {
        /// Which, of those that concern the step the first.
        what: String,
    },
    /// It builds on an earlier step of the plan that was not cleared.
    FollowsHeld,
    /// The Ledger could not be saved, and nothing is done that is not written down first.
    LedgerNotSaved,
    /// The record could not be written, and nothing is done that nobody could explain.
    RecordNotWritten,
    /// As many intents are open as may be.
    TooManyIntents {
        /// Allowed.
        limit: u32,
    },
}

/// Why a step must not happen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StrikeReason {
    /// Above the group's maximum.
    AboveGroupMax {
        /// Maximum.
        max: u32,
    },
    /// Below the group's minimum.
    BelowGroupMin {
        /// Minimum.
        min: u32,
    },
    /// A group may never be shrunk by number.
    ShrinksByNumber,
    /// The daemon runs on the node.
    OwnNode,
    /// The named object is not in the Snapshot.
    UnknownObject,
    /// The object does not belong to this cluster or to us.
    Foreign,
    /// The step was computed from an older generation.
    StaleGeneration,
    /// The node has neither expired nor drifted, or is not ours to replace for it.
    NotDue,
    /// A budget or an annotation forbids it.
    MustNotDisrupt,
    /// Somebody else sets these replicas.
    OwnedByHpa,
    /// Not cordoned yet, or pods are still on it: nodes are emptied before they go.
    NotDrained,
    /// Outside the replicas that the aims allow.
    OutsideBounds {
        /// Fewest.
        min: u32,
        /// Most.
        max: u32,
    },
}

impl From<&Hold> for HoldReason {
    fn from(hold: &Hold) -> Self {
        Self::Reviewed {
            policy: hold.policy.clone(),
            code: hold.code,
            text: hold.text.clone(),
        }
    }
}

impl fmt::Display for HoldReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ObserveOnly { scope } => write!(f, "{scope} is in observe mode"),
            Self::Paused { by } => write!(f, "paused by {by}"),
            Self::StaleSource {
                source,
                age: Some(age),
                limit,
            } => {
                write!(f, "source {source:?} is {age} old, at most {limit} allowed")
            }
            Self::StaleSource {
                source, age: None, ..
            } => write!(f, "source {source:?} is missing"),
            Self::RemovalsPerWindow { limit } => {
                write!(f, "at most {} removed per window", Counted(*limit, "node"))
            }
            Self::RemovalsPerZone { zone, limit } => {
                let zone = if zone.is_empty() { "of no zone" } else { zone };
                write!(
                    f,
                    "at most {} removed per window in zone {zone}",
                    Counted(*limit, "node")
                )
            }
            Self::MonthlyBudget { limit, forecast } => {
                write!(f, "this month would come to {forecast}, at most {limit} allowed")
            }
            Self::EmptiedPerWindow { limit } => {
                write!(f, "at most {} removed per window", Counted(*limit, "empty node"))
            }
            Self::NodeBudget(closed) => write!(f, "{closed}"),
            Self::CanaryFirst { wanted } => {
                write!(f, "the first node made with {wanted} has not settled yet")
            }
            Self::RemovalsAtOnce { limit } => write!(f, "at most {} at once", Counted(*limit, "removal")),
            Self::PurchasesPerWindow { limit } => {
                write!(f, "at most {} bought per window", Counted(*limit, "node"))
            }
            Self::EvictionsPerWindow { limit } => {
                write!(f, "at most {} per window", Counted(*limit, "eviction"))
            }
            Self::ScaledDownPerWindow { limit } => {
                write!(f, "at most {} scaled away per window", Counted(*limit, "replica"))
            }
            Self::RatePerWindow { limit } => write!(f, "at most {limit} added per window"),
            Self::MaxRate { limit } => write!(f, "the cluster may cost at most {limit} (limits.max_rate)"),
            Self::MaxNodes { limit } => {
                let nodes = Counted(*limit, "node");
                write!(f, "at most {nodes} in the cluster (limits.max_nodes)")
            }
            Self::Quota(reached) => write!(f, "it would exceed {reached}"),
            Self::ReplacementNotReady => f.write_str("its replacement is not Ready yet"),
            Self::Rolling { what } => write!(f, "{what}"),
            Self::Implausible { doubt } => write!(f, "{doubt}"),
            Self::PolicyFault { hook } => write!(f, "a {hook} policy faulted in this cycle"),
            Self::Reviewed { policy, code, text } => {
                write!(f, "policy {policy} holds it{}", Coded(*code, text))
            }
            Self::NoneToSpare { workload } => {
                write!(f, "{workload} is critical and has no Ready pod to spare")
            }
            Self::IntentOpen => f.write_str("another intent on it is open"),
            Self::NoFence => f.write_str("no lease is held"),
            Self::Flawed { what } => write!(f, "the plan has a flaw: {what}"),
            Self::FollowsHeld => f.write_str("a step it builds on was not cleared"),
            Self::LedgerNotSaved => f.write_str("the ledger could not be saved"),
            Self::RecordNotWritten => f.write_str("the record could not be written"),
            Self::TooManyIntents { limit } => write!(f, "{limit} intents are open already"),
        }
    }
}

impl fmt::Display for StrikeReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AboveGroupMax { max } => write!(f, "above the group's maximum of {max}"),
            Self::BelowGroupMin { min } => write!(f, "below the group's minimum of {min}"),
            Self::ShrinksByNumber => f.write_str("a group is never shrunk by number"),
            Self::OwnNode => f.write_str("the daemon runs on it"),
            Self::UnknownObject => f.write_str("its object is not in the snapshot"),
            Self::Foreign => f.write_str("it belongs to somebody else"),
            Self::StaleGeneration => f.write_str("computed from an older generation"),
            Self::NotDue => f.write_str("it has neither expired nor drifted, or is not ours to replace"),
            Self::MustNotDisrupt => f.write_str("a budget or an annotation forbids it"),
            Self::OwnedByHpa => f.write_str("somebody else sets these replicas"),
            Self::NotDrained => f.write_str("it is not cordoned and emptied yet"),
            Self::OutsideBounds { min, max } => write!(f, "outside the {min} to {max} that the aims allow"),
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cleared => f.write_str("cleared"),
            Self::Held(why) => write!(f, "held: {why}"),
            Self::Struck(why) => write!(f, "struck: {why}"),
        }
    }
}
