//! Why a step exists, and why a pod, node, workload or step does not.
//!
//! Enums only: what a person reads is rendered from them at the edge (`Display` here is that one rendering,
//! shared by CLI, gRPC, Events and the report). Strings inside come from names, never from decisions.

mod group_block;
mod misfit;
mod pod_stays;
mod stays;
mod tie;

use crate::counted::Counted;
use crate::disruption::Cause;
pub use crate::fargate::FargateBlock;
use crate::group::Bounds;
use crate::ids::{GroupName, IntentId, NodeName, OfferId, PodKey, PolicyName, WorkloadKey};
use crate::money::UsdPerHour;
use crate::node::Leaves;
use crate::notes::Missed;
use crate::time::{Instant, Span};
pub use group_block::GroupBlock;
pub use misfit::Misfit;
pub use pod_stays::PodStays;
use serde::{Deserialize, Serialize};
pub use stays::{Holds, Stays};
use std::fmt;
pub use tie::Tie;

/// Why a step exists.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// A scaler policy (or the built-in) wants this many replicas.
    Scaled {
        /// Who said so; `built-in` for the default.
        by: PolicyName,
        /// Its reason code.
        code: u16,
        /// Its words for the row, escaped and cut at the edge of the host.
        text: String,
    },
    /// Waiting pods need this capacity, and it is the cheapest found.
    Demand {
        /// Pods it will carry.
        pods: u32,
        /// How many of them exist already (the others are replicas to come or headroom).
        pending: u32,
        /// Rate it adds.
        rate: UsdPerHour,
    },
    /// Fargate is cheaper for this class, or a policy prefers it.
    FargateCheaper {
        /// Per pod on Fargate, as priced by policies.
        fargate: UsdPerHour,
        /// Per pod on EC2 (marginal price ÷ utilisation), as priced by policies; `None`: no EC2 offer fits.
        ec2: Option<UsdPerHour>,
        /// Policy whose price decided, if one did.
        by: Option<PolicyName>,
        /// Its reason code.
        code: u16,
    },
    /// The plan counts on this node for the pod.
    Planned,
    /// The node's pods fit elsewhere and it has been unneeded long enough.
    Unneeded {
        /// For how long.
        since: Span,
        /// Rate saved.
        saves: UsdPerHour,
        /// Pods that move.
        moves: u32,
    },
    /// New nodes take the place of dearer ones.
    Replaces {
        /// Which go.
        nodes: Vec<NodeName>,
        /// Rate saved, once all of them are gone, over everything bought for it.
        saves: UsdPerHour,
        /// Pods that move.
        evictions: u32,
    },
    /// The node goes once cheaper ones have taken its place.
    Replaced {
        /// For how long it has cost more than it must.
        since: Span,
        /// Nodes bought for it and for those that go with it.
        by: Vec<NodeName>,
        /// Rate saved by all of them together.
        saves: UsdPerHour,
        /// Pods that move off this one.
        moves: u32,
    },
    /// A new node takes the place of one that has expired or drifted.
    Renews {
        /// Which goes.
        node: NodeName,
        /// Why.
        cause: Cause,
        /// Pods that move.
        evictions: u32,
    },
    /// The node has expired or drifted and goes once a new one has taken its place.
    Renewed {
        /// Why.
        cause: Cause,
        /// The node bought for it.
        by: NodeName,
        /// Pods that move off it.
        moves: u32,
    },
    /// The node costs more than what its pods would pay elsewhere: where pods are given up anyway, its own go first.
    Wasteful {
        /// Rate that it wastes.
        wastes: UsdPerHour,
        /// Its price.
        of: UsdPerHour,
    },
    /// The provider takes its instance away.
    Leaving {
        /// Why.
        why: Leaves,
        /// When it told.
        told: Instant,
    },
    /// It has stopped working: it is given up on the word of all witnesses (`repair`).
    Broken {
        /// Since when it has not been Ready.
        since: Instant,
    },
    /// A new node takes the place of one that has stopped working, in a group that can do without none.
    Repairs {
        /// Which goes.
        node: NodeName,
    },
    /// The aims want other bounds of the group.
    Bounds {
        /// These.
        wanted: Bounds,
    },
    /// Fargate would take the pod, were it made anew.
    TakenAnew {
        /// What it would cost there.
        price: UsdPerHour,
        /// Why it is not there already.
        why: Missed,
    },
    /// The instance runs and no node of it has joined within the time that a launch has.
    NeverJoined {
        /// For how long it has been seen without one.
        waited: Span,
    },
    /// Next stage of an intent.
    Continues {
        /// Which.
        intent: IntentId,
    },
    /// The intent is given up and undone.
    GivenUp {
        /// Which.
        intent: IntentId,
        /// Why.
        why: GiveUp,
    },
}

/// Why an intent is given up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GiveUp {
    /// Past its deadline.
    TimedOut,
    /// The node is needed again.
    NeededAgain,
    /// A pod on it must not be moved.
    MustNotMove,
    /// Nodes that were to take its place did not come.
    NotReplaced,
}

/// Why something is not done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// No offer and no node can run the pod.
    Pod {
        /// Which.
        pod: PodKey,
        /// The reason of the closest offer.
        why: Misfit,
        /// Closest offers, nearest first, with what each lacks.
        closest: Vec<(OfferId, Misfit)>,
    },
    /// The workload's replicas are set by somebody else.
    OwnedByHpa {
        /// Which.
        workload: WorkloadKey,
        /// By whom.
        owner: String,
    },
    /// An annotation of the workload says nothing that can be understood, so that it is left alone.
    UnreadableAnnotation {
        /// Which.
        workload: WorkloadKey,
        /// Key of the annotation.
        key: String,
        /// What it says, cut to 64 characters.
        value: String,
    },
    /// The node stays.
    NodeStays {
        /// Which.
        node: NodeName,
        /// Why.
        why: Stays,
    },
    /// The bounds that the aims want of a group wait for its size: a minimum above it would launch, and a maximum below
    /// it end instances by number.
    BoundsWait {
        /// Which.
        group: GroupName,
        /// What the aims want.
        wanted: Bounds,
        /// Its size.
        size: u32,
    },
    /// The group does not grow.
    GroupStays {
        /// Which.
        group: GroupName,
        /// Why.
        why: GroupBlock,
    },
}

impl Reason {
    /// Pods that have to move off the node that is given up; `None` where none is.
    pub const fn moves(&self) -> Option<u32> {
        match self {
            Self::Unneeded { moves, .. } | Self::Replaced { moves, .. } | Self::Renewed { moves, .. } => {
                Some(*moves)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Scaled { by, code, text } if text.is_empty() => {
                write!(f, "policy {by} asks for it (code {code})")
            }
            Self::Scaled { by, text, .. } => write!(f, "policy {by}: {text}"),
            Self::Demand { pods, pending, rate } => {
                let pods = Counted(*pods, "pod");
                write!(
                    f,
                    "room for {pods} ({pending} waiting now), cheapest found at {rate}"
                )
            }
            Self::FargateCheaper {
                fargate,
                ec2: Some(ec2),
                by,
                ..
            } => {
                write!(f, "Fargate {fargate} per pod against {ec2} on EC2")?;
                by.as_ref()
                    .map_or(Ok(()), |by| write!(f, ", as policy {by} prices it"))
            }
            Self::FargateCheaper {
                fargate, ec2: None, ..
            } => {
                write!(f, "Fargate at {fargate} per pod; no EC2 offer can run it")
            }
            Self::Planned => f.write_str("the plan counts on this node for it"),
            Self::Unneeded { since, saves, moves } => {
                write!(f, "unneeded for {since}")?;
                match moves {
                    0 => {}
                    1 => f.write_str(", its pod fits elsewhere")?,
                    _ => write!(f, ", its {moves} pods fit elsewhere")?,
                }
                write!(f, ", saves {saves}")
            }
            Self::Replaces {
                nodes,
                saves,
                evictions,
            } => {
                write!(f, "replaces ")?;
                names(f, nodes)?;
                write!(f, ": saves {saves} for {}", Counted(*evictions, "eviction"))
            }
            Self::Replaced { since, by, saves, .. } => {
                write!(f, "dearer than it must be for {since}, replaced by ")?;
                names(f, by)?;
                write!(f, ": saves {saves}")
            }
            Self::Renews { node, cause, .. } => write!(f, "takes the place of {node}, which has {cause}"),
            Self::Renewed { cause, by, .. } => write!(f, "has {cause}, {by} takes its place"),
            Self::Wasteful { wastes, of } => write!(f, "the node wastes {wastes} of {of}"),
            Self::Leaving { why, .. } => write!(f, "the provider takes the instance away: {why}"),
            Self::Broken { since } => write!(
                f,
                "not Ready since {since}, by the API server's word, the node lifecycle controller's taint and its group's \
                 list: it has stopped working"
            ),
            Self::Repairs { node } => {
                write!(f, "takes the place of {node}, which has stopped working")
            }
            Self::Bounds { wanted } => write!(f, "the aims want {wanted}"),
            Self::TakenAnew { price, why } => write!(f, "made anew, Fargate takes it for {price}: {why}"),
            Self::NeverJoined { waited } => write!(f, "no node has joined from it for {waited}"),
            Self::Continues { intent } => write!(f, "next stage of intent {intent}"),
            Self::GivenUp { intent, why } => write!(f, "intent {intent} is given up: {why}"),
        }
    }
}

/// The first few, and how many more.
fn names(f: &mut fmt::Formatter<'_>, nodes: &[NodeName]) -> fmt::Result {
    const SHOWN: usize = 4;
    for (at, node) in nodes.iter().take(SHOWN).enumerate() {
        let comma = if at > 0 { ", " } else { "" };
        write!(f, "{comma}{node}")?;
    }
    match nodes.len().saturating_sub(SHOWN) {
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}

impl fmt::Display for GiveUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TimedOut => "it ran past its deadline",
            Self::NeededAgain => "the node is needed again",
            Self::MustNotMove => "a pod on the node must not be moved",
            Self::NotReplaced => "the nodes that were to take its place did not come",
        })
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pod { pod, why, .. } => write!(f, "pod {pod} has no place: {why}"),
            Self::OwnedByHpa { workload, owner } => {
                write!(f, "{workload} is scaled by {owner}, not by Plimsoll")
            }
            Self::UnreadableAnnotation { workload, key, value } => {
                write!(
                    f,
                    "{workload} is left alone: nobody can read its annotation {key}: {value:?}"
                )
            }
            Self::NodeStays { node, why } => write!(f, "node {node} stays: {why}"),
            Self::BoundsWait { group, wanted, size } => {
                let size = Counted(*size, "instance");
                write!(
                    f,
                    "group {group} has {size}, and the aims want its bounds to be {wanted}"
                )
            }
            Self::GroupStays { group, why } => write!(f, "group {group} does not grow: {why}"),
        }
    }
}
