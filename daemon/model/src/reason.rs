//! Why a step exists, and why a pod, node, workload or step does not.
//!
//! Enums only: what a person reads is rendered from them at the edge (`Display` here is that one rendering,
//! shared by CLI, gRPC, Events and the report). Strings inside come from names, never from decisions.

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
use crate::pod::Unmodelled;
use crate::quota::{NamespaceReached, Reached};
use crate::resources::{MIB, is_huge_pages};
use crate::time::{Instant, Span};
use serde::{Deserialize, Serialize};
pub use stays::{Holds, PodStays, Stays};
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

/// Why a pod does not fit an offer or node; named as kube-scheduler's plugins see it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Misfit {
    /// Not enough CPU.
    InsufficientCpu {
        /// Asked for, millicores.
        asked: i64,
        /// There, millicores.
        there: i64,
    },
    /// Not enough memory.
    InsufficientMemory {
        /// Asked for, bytes.
        asked: i64,
        /// There, bytes.
        there: i64,
    },
    /// Not enough ephemeral storage.
    InsufficientEphemeral {
        /// Asked for, bytes.
        asked: i64,
        /// There, bytes.
        there: i64,
    },
    /// Not enough of an extended resource.
    InsufficientExtended {
        /// Which.
        resource: String,
        /// Asked for.
        asked: i64,
        /// There.
        there: i64,
    },
    /// The node's pod count is used up.
    TooManyPods,
    /// A taint is not tolerated.
    UntoleratedTaint {
        /// `key=value:Effect`.
        taint: String,
    },
    /// The node selector does not match.
    NodeSelector {
        /// `key=value` that is missing.
        wants: String,
    },
    /// No term of the required node affinity matches.
    NodeAffinity,
    /// The same, with what the pod wants.
    NodeAffinityWants {
        /// Its terms.
        wants: String,
    },
    /// A rule about pods near each other lets no pod onto such nodes.
    Tied {
        /// The rule.
        tie: Tie,
    },
    /// A pod affinity to pods of which none is there or to come.
    NobodyToJoin {
        /// The rule.
        tie: Tie,
    },
    /// A rule about pods near each other sends the pod to another domain than that of these nodes.
    DealtElsewhere {
        /// The rule.
        tie: Tie,
        /// Value of its key there.
        domain: String,
    },
    /// A volume of the pod cannot be had there (VolumeBinding, VolumeZone).
    VolumeOutOfReach {
        /// Where it can.
        wants: String,
    },
    /// More volumes than may be attached there (NodeVolumeLimits).
    TooManyVolumes {
        /// CSI driver.
        driver: String,
        /// Volumes of the pod.
        asked: i64,
        /// Volumes that may still be attached.
        there: i64,
    },
    /// A DaemonSet that runs on such nodes has a port of the host that the pod wants (NodePorts).
    HostPortTaken {
        /// The port.
        port: u16,
        /// Its protocol.
        protocol: String,
        /// The DaemonSet.
        by: WorkloadKey,
    },
    /// The pod and a DaemonSet that runs on such nodes must be apart: the anti-affinity of either (InterPodAffinity).
    ApartFromDaemonSet {
        /// The DaemonSet.
        by: WorkloadKey,
        /// Node label whose equal values make a domain.
        key: String,
    },
    /// Fargate cannot run it.
    FargateExcluded(FargateBlock),
    /// Fargate would ignore a rule of its, which a plan keeps.
    FargateIgnores {
        /// The rule.
        tie: Tie,
    },
    /// No Fargate profile selects it.
    NoFargateProfile,
    /// No zone may have the pod beside those it gets already: one cannot take its share, and the others would have
    /// too many above it (topology spread, anti-affinity by zone).
    NoZoneLeft,
    /// The same, with the rule that leaves none.
    NoDomainLeft {
        /// The rule.
        tie: Tie,
    },
    /// A constraint that is not modelled.
    Unmodelled(Unmodelled),
    /// A rule about pods near each other, which kube-scheduler's filters find kept on no node, there or for sale, even
    /// once all others are placed.
    NotModelled {
        /// The rule.
        tie: Tie,
    },
    /// A rule about pods in namespaces that it selects by labels, which nobody knows of all namespaces.
    NamespacesUnknown {
        /// The rule.
        tie: Tie,
    },
    /// It shares a claim that is not bound, and no zone takes all who do.
    ClaimShared {
        /// The claim.
        claim: String,
    },
    /// A policy forbids it.
    Forbidden {
        /// Which policy.
        by: PolicyName,
        /// Its reason code.
        code: u16,
    },
    /// The group has reached its maximum, backs off, or belongs to somebody else.
    Group(GroupBlock),
    /// The same, and pods of higher priority took what there was.
    Outranked {
        /// What keeps the group.
        block: GroupBlock,
        /// The lowest priority among those that went before.
        by: i32,
    },
    /// Pods of so low a priority are placed in free room only, and there is none.
    Expendable {
        /// Its priority.
        priority: i32,
        /// Pods below this are expendable.
        below: i32,
    },
    /// What waits is more than one cycle looks at, and its namespace has had its share of that.
    PutOff,
    /// Its namespace has as much as it may.
    NamespaceQuota(NamespaceReached),
    /// No offers at all.
    NoOffers,
}

/// Why a group does not grow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum GroupBlock {
    /// At its maximum.
    AtMaximum,
    /// Backs off after failed launches.
    BacksOff,
    /// The provider had no capacity of what would do, a moment ago.
    NoCapacity,
    /// Somebody else's.
    Foreign,
    /// Not named in the aims.
    NotInAims,
    /// A quota of the aims leaves no room for one more node.
    Quota(Reached),
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

impl Misfit {
    /// Short code for tools, as in `plan -o json`.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::InsufficientCpu { .. } => "InsufficientCpu",
            Self::InsufficientMemory { .. } => "InsufficientMemory",
            Self::InsufficientEphemeral { .. } => "InsufficientEphemeralStorage",
            Self::InsufficientExtended { .. } => "InsufficientExtendedResource",
            Self::TooManyPods => "TooManyPods",
            Self::UntoleratedTaint { .. } => "UntoleratedTaint",
            Self::NodeSelector { .. } => "NodeSelector",
            Self::NodeAffinity | Self::NodeAffinityWants { .. } => "NodeAffinity",
            Self::Tied { tie } | Self::NobodyToJoin { tie } | Self::DealtElsewhere { tie, .. } => tie.code(),
            Self::VolumeOutOfReach { .. } => "VolumeOutOfReach",
            Self::TooManyVolumes { .. } => "TooManyVolumes",
            Self::HostPortTaken { .. } => "HostPortTaken",
            Self::ApartFromDaemonSet { .. } => "ApartFromDaemonSet",
            Self::FargateExcluded(_) | Self::FargateIgnores { .. } => "FargateExcluded",
            Self::NoFargateProfile => "NoFargateProfile",
            Self::NoZoneLeft | Self::NoDomainLeft { .. } => "NoZoneLeft",
            Self::NotModelled { .. } | Self::NamespacesUnknown { .. } => "UnmodelledConstraint",
            Self::ClaimShared { .. } => "VolumeClaimShared",
            Self::Unmodelled(what) => code_of(*what),
            Self::Forbidden { .. } => "ForbiddenByPolicy",
            Self::Group(GroupBlock::Quota(_)) | Self::Outranked { .. } => "LimitReached",
            Self::Group(_) => "GroupBlocked",
            Self::Expendable { .. } => "ExpendablePod",
            Self::PutOff => "PutOff",
            Self::NamespaceQuota(_) => "LimitReached",
            Self::NoOffers => "NoOffers",
        }
    }
}

/// Bytes as requests are written. What is asked for is rounded up and what is there down: a shortfall stays one.
struct Bytes(i64);

impl Bytes {
    const fn asked(bytes: i64) -> Self {
        let more = if bytes % MIB > 0 { 1 } else { 0 };
        Self(bytes / MIB + more)
    }

    const fn there(bytes: i64) -> Self {
        Self(bytes / MIB)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("0"),
            mib if mib % 1024 == 0 => write!(f, "{}Gi", mib / 1024),
            mib => write!(f, "{mib}Mi"),
        }
    }
}

/// Huge pages are bytes as well; other extended resources are counted.
fn insufficient_extended(
    f: &mut fmt::Formatter<'_>,
    resource: &str,
    (asked, there): (i64, i64),
) -> fmt::Result {
    if is_huge_pages(resource) {
        let (asked, there) = (Bytes::asked(asked), Bytes::there(there));
        write!(f, "asks for {asked} of {resource}, {there} there")
    } else {
        write!(f, "asks for {asked} {resource}, {there} there")
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InsufficientCpu { asked, there } => write!(f, "asks for {asked}m CPU, {there}m there"),
            Self::InsufficientMemory { asked, there } => {
                let (asked, there) = (Bytes::asked(*asked), Bytes::there(*there));
                write!(f, "asks for {asked} of memory, {there} there")
            }
            Self::InsufficientEphemeral { asked, there } => {
                let (asked, there) = (Bytes::asked(*asked), Bytes::there(*there));
                write!(f, "asks for {asked} of ephemeral storage, {there} there")
            }
            Self::InsufficientExtended {
                resource,
                asked,
                there,
            } => insufficient_extended(f, resource, (*asked, *there)),
            Self::TooManyPods => f.write_str("the node's pod count is used up"),
            Self::UntoleratedTaint { taint } => write!(f, "does not tolerate taint {taint}"),
            Self::NodeSelector { wants } => write!(f, "its node selector wants {wants}"),
            Self::NodeAffinity => f.write_str("no term of its required node affinity matches"),
            Self::NodeAffinityWants { wants } if wants.is_empty() => {
                f.write_str("its required node affinity matches no node")
            }
            Self::NodeAffinityWants { wants } => {
                write!(f, "its required node affinity wants nodes where {wants}")
            }
            Self::Tied { tie } => write!(
                f,
                "{tie}: {}",
                match tie {
                    Tie::Spread { .. } => "it may not go where these nodes are",
                    Tie::Affinity { .. } => "no such pod is where these nodes are",
                    Tie::AntiAffinity { .. } => "such a pod is where these nodes are",
                    Tie::Unwanted { .. } => "they are where these nodes are",
                }
            ),
            Self::NobodyToJoin { tie } => write!(f, "{tie}: no such pod is there or to come"),
            Self::DealtElsewhere { tie, domain } => write!(f, "{tie} puts it in {domain}"),
            Self::VolumeOutOfReach { wants } if wants.is_empty() => {
                f.write_str("its volume can be had on no node")
            }
            Self::VolumeOutOfReach { wants } => write!(f, "its volume can be had only where {wants}"),
            Self::TooManyVolumes { driver, asked, there } => {
                write!(
                    f,
                    "attaches {asked} volumes of {driver}, {there} more can be attached there"
                )
            }
            Self::HostPortTaken { port, protocol, by } => write!(
                f,
                "wants port {port}/{protocol} of the host, which DaemonSet {}/{} has on such nodes",
                by.namespace, by.name
            ),
            Self::ApartFromDaemonSet { by, key } => write!(
                f,
                "anti-affinity by {key} keeps it apart from DaemonSet {}/{}, which runs on such nodes",
                by.namespace, by.name
            ),
            Self::FargateExcluded(block) => write!(f, "Fargate cannot run it: {block}"),
            Self::FargateIgnores { tie } => write!(f, "Fargate would ignore its {tie}"),
            Self::NoFargateProfile => f.write_str("no Fargate profile selects it"),
            Self::NoZoneLeft => {
                f.write_str("no zone may have it: one cannot take its share, the others would have too many")
            }
            Self::NoDomainLeft { tie } => write!(f, "{tie}: {}", no_domain_left(tie)),
            Self::Unmodelled(what) => f.write_str(unmodelled(*what)),
            Self::NotModelled { tie } => write!(
                f,
                "{tie}: no node, present or for sale, satisfies it even when all other pods are placed"
            ),
            Self::NamespacesUnknown { tie } => write!(
                f,
                "{tie}: its namespaceSelector asks for labels of namespaces that are not listed"
            ),
            Self::ClaimShared { claim } => write!(
                f,
                "shares claim {claim}, which is bound where the first of its pods goes, and no zone takes them all"
            ),
            Self::Forbidden { by, code } => write!(f, "policy {by} forbids it (code {code})"),
            Self::Group(block) => write!(f, "its group {block}"),
            Self::Outranked { block, by } => {
                write!(
                    f,
                    "its group {block}, and pods of priority {by} or higher went before"
                )
            }
            Self::Expendable { priority, below } => write!(
                f,
                "its priority is {priority}: below {below} no node is bought, and there is no free room"
            ),
            Self::PutOff => f.write_str(
                "more waits than one cycle looks at, and its namespace has had its share: it is looked at in its turn",
            ),
            Self::NamespaceQuota(reached) => write!(f, "{reached} is used up"),
            Self::NoOffers => f.write_str("there are no offers"),
        }
    }
}

/// Constraints that are not modelled share one code; what is wrong with a claim has its own.
const fn code_of(what: Unmodelled) -> &'static str {
    match what {
        Unmodelled::ClaimMissing => "VolumeClaimMissing",
        Unmodelled::ClaimUnbound => "VolumeClaimUnbound",
        Unmodelled::ClaimLost => "VolumeClaimLost",
        Unmodelled::ClaimInUse => "VolumeClaimInUse",
        Unmodelled::VolumeMissing => "VolumeMissing",
        Unmodelled::StorageClass => "StorageClass",
        Unmodelled::ResourceClaim => "ResourceClaim",
        _ => "UnmodelledConstraint",
    }
}

const fn no_domain_left(tie: &Tie) -> &'static str {
    match tie {
        Tie::Spread { .. } => "one domain can take no more, and any other would have too many",
        Tie::Affinity { .. } => "no domain can take them all",
        Tie::AntiAffinity { .. } => "every domain that can take it has such a pod",
        Tie::Unwanted { .. } => "they are in every domain that can take it",
    }
}

/// Why no place is looked for.
const fn unmodelled(what: Unmodelled) -> &'static str {
    match what {
        Unmodelled::PodAffinity => "has a pod affinity that is not modelled",
        Unmodelled::PodAntiAffinity => "has a pod anti-affinity that is not modelled",
        Unmodelled::TopologySpread => "has a topology spread that is not modelled",
        Unmodelled::HostPort => "wants a port of the host in a way that is not modelled",
        Unmodelled::Unreadable => "has a field that could not be read",
        Unmodelled::TooLarge => {
            "has labels, rules or claims that are too large, alone or with all others of its namespace"
        }
        Unmodelled::VolumeClaim => "claims a volume, and the cluster's volumes could not be seen",
        Unmodelled::ResourceClaim => "claims devices (dynamic resource allocation), which is not modelled",
        Unmodelled::ClaimMissing => "claims a volume by a claim that does not exist or is being deleted",
        Unmodelled::ClaimUnbound => "has a volume claim that binds before pods are placed, and is not bound",
        Unmodelled::ClaimLost => "has a volume claim whose volume was lost",
        Unmodelled::ClaimInUse => "has a volume claim for one pod alone, and another pod has it",
        Unmodelled::VolumeMissing => "has a volume claim bound to a volume that does not exist",
        Unmodelled::StorageClass => {
            "has a volume claim of a storage class that does not exist or makes no volumes"
        }
        Unmodelled::StorageCapacity => {
            "has a volume claim whose driver tells capacity by place, which is not modelled"
        }
        Unmodelled::InlineDisk => "mounts a disk by its id, which is not modelled",
    }
}

impl fmt::Display for GroupBlock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Quota(reached) = self {
            return write!(f, "would exceed {reached}");
        }
        f.write_str(match self {
            Self::Quota(_) => "would exceed a quota",
            Self::AtMaximum => "is at its maximum",
            Self::BacksOff => "backs off after failed launches",
            Self::NoCapacity => "had no capacity of what would do",
            Self::Foreign => "belongs to somebody else",
            Self::NotInAims => "is not named in the aims",
        })
    }
}
