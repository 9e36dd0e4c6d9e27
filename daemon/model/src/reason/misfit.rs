//! Why a pod does not fit an offer or node.
//!
//! Not here: why a node stays (`stays`), why a group does not grow (`group_block`), and how a rule about pods near each other is named (`tie`).

use super::{GroupBlock, Tie};
use crate::fargate::FargateBlock;
use crate::ids::{PolicyName, WorkloadKey};
use crate::pod::Unmodelled;
use crate::quota::NamespaceReached;
use crate::resources::{MIB, is_huge_pages};
use serde::{Deserialize, Serialize};
use std::fmt;

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
            Self::Unmodelled(what) => what.code(),
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
fn insufficient_extended(f: &mut fmt::Formatter<'_>, resource: &str, asked: i64, there: i64) -> fmt::Result {
    if is_huge_pages(resource) {
        insufficient_bytes(f, resource, asked, there)
    } else {
        write!(f, "asks for {asked} {resource}, {there} there")
    }
}

fn insufficient_bytes(f: &mut fmt::Formatter<'_>, of: &str, asked: i64, there: i64) -> fmt::Result {
    let (asked, there) = (Bytes::asked(asked), Bytes::there(there));
    write!(f, "asks for {asked} of {of}, {there} there")
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InsufficientCpu { asked, there } => write!(f, "asks for {asked}m CPU, {there}m there"),
            Self::InsufficientMemory { asked, there } => insufficient_bytes(f, "memory", *asked, *there),
            Self::InsufficientEphemeral { asked, there } => {
                insufficient_bytes(f, "ephemeral storage", *asked, *there)
            }
            Self::InsufficientExtended {
                resource,
                asked,
                there,
            } => insufficient_extended(f, resource, *asked, *there),
            Self::TooManyPods => f.write_str("the node's pod count is used up"),
            Self::UntoleratedTaint { taint } => write!(f, "does not tolerate taint {taint}"),
            Self::NodeSelector { wants } => write!(f, "its node selector wants {wants}"),
            Self::NodeAffinity => f.write_str("no term of its required node affinity matches"),
            Self::NodeAffinityWants { wants } => affinity_wants(f, wants),
            Self::Tied { tie } => write!(f, "{tie}: {}", tied(tie)),
            Self::NobodyToJoin { tie } => write!(f, "{tie}: no such pod is there or to come"),
            Self::DealtElsewhere { tie, domain } => write!(f, "{tie} puts it in {domain}"),
            Self::VolumeOutOfReach { wants } => volume_wants(f, wants),
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
            Self::Unmodelled(what) => f.write_str(what.words()),
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

/// Terms of a required node affinity; none are left to tell where no node could match.
fn affinity_wants(f: &mut fmt::Formatter<'_>, wants: &str) -> fmt::Result {
    if wants.is_empty() {
        return f.write_str("its required node affinity matches no node");
    }
    write!(f, "its required node affinity wants nodes where {wants}")
}

/// The same of where a volume can be had.
fn volume_wants(f: &mut fmt::Formatter<'_>, wants: &str) -> fmt::Result {
    if wants.is_empty() {
        return f.write_str("its volume can be had on no node");
    }
    write!(f, "its volume can be had only where {wants}")
}

const fn tied(tie: &Tie) -> &'static str {
    match tie {
        Tie::Spread { .. } => "it may not go where these nodes are",
        Tie::Affinity { .. } => "no such pod is where these nodes are",
        Tie::AntiAffinity { .. } => "such a pod is where these nodes are",
        Tie::Unwanted { .. } => "they are where these nodes are",
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
