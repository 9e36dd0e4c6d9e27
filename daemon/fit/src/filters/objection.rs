//! What objects to a pod on a node, and in whose name.

use model::ids::NodeName;
use model::pod::{HostPort, Unmodelled};
use model::reason::Misfit;
use std::fmt;

/// Filter plugins of kube-scheduler's default profile, in the order in which it asks them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Plugin {
    /// Cordoned nodes.
    NodeUnschedulable,
    /// A pod that names its node. Pods of a Snapshot that wait name none, so that it never objects here.
    NodeName,
    /// Taints.
    TaintToleration,
    /// Node selector and required node affinity.
    NodeAffinity,
    /// Host ports.
    NodePorts,
    /// Amounts and the number of pods.
    NodeResourcesFit,
    /// Volumes that are used elsewhere.
    VolumeRestrictions,
    /// Attach limits.
    NodeVolumeLimits,
    /// Claims that cannot be bound there.
    VolumeBinding,
    /// Zones of volumes.
    VolumeZone,
    /// Topology spread with `DoNotSchedule`.
    PodTopologySpread,
    /// Required affinity and anti-affinity.
    InterPodAffinity,
}

impl Plugin {
    /// All of them, in order.
    pub const ALL: [Self; 12] = [
        Self::NodeUnschedulable,
        Self::NodeName,
        Self::TaintToleration,
        Self::NodeAffinity,
        Self::NodePorts,
        Self::NodeResourcesFit,
        Self::VolumeRestrictions,
        Self::NodeVolumeLimits,
        Self::VolumeBinding,
        Self::VolumeZone,
        Self::PodTopologySpread,
        Self::InterPodAffinity,
    ];

    /// Upstream's name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NodeUnschedulable => "NodeUnschedulable",
            Self::NodeName => "NodeName",
            Self::TaintToleration => "TaintToleration",
            Self::NodeAffinity => "NodeAffinity",
            Self::NodePorts => "NodePorts",
            Self::NodeResourcesFit => "NodeResourcesFit",
            Self::VolumeRestrictions => "VolumeRestrictions",
            Self::NodeVolumeLimits => "NodeVolumeLimits",
            Self::VolumeBinding => "VolumeBinding",
            Self::VolumeZone => "VolumeZone",
            Self::PodTopologySpread => "PodTopologySpread",
            Self::InterPodAffinity => "InterPodAffinity",
        }
    }
}

/// Why a pod may not run on a node.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Objection {
    /// No such node.
    NoSuchNode(NodeName),
    /// The node is cordoned and the pod does not tolerate that.
    Unschedulable,
    /// A taint, the node selector, the node affinity, an amount, or a volume.
    Misfit(Misfit),
    /// A pod there has a port of the host that this one wants.
    HostPort(HostPort),
    /// Another pod has a claim that is for one pod alone (`ReadWriteOncePod`).
    ClaimTaken(String),
    /// The node has no label of this key, so that it is in no domain of a rule about other pods.
    NoDomain {
        /// The rule's plugin.
        plugin: Plugin,
        /// Key of the label.
        key: String,
    },
    /// One more pod would be too many above the domain with fewest.
    TooMany {
        /// Key of the domains.
        key: String,
        /// This node's domain.
        domain: String,
        /// Pods of the rule that are there.
        there: u32,
        /// Fewest in any domain.
        fewest: u32,
        /// How many more than the fewest there may be.
        skew: u32,
    },
    /// No pod is near that this one must be with.
    NobodyNear {
        /// Key of the domains.
        key: String,
        /// This node's domain.
        domain: String,
    },
    /// Pods are near that this one must be apart from.
    SomebodyNear {
        /// Key of the domains.
        key: String,
        /// This node's domain.
        domain: String,
        /// How many.
        there: u32,
    },
    /// Pods are near that want one like this away.
    Unwanted {
        /// Key of the domains.
        key: String,
        /// This node's domain.
        domain: String,
        /// How many.
        there: u32,
    },
    /// A constraint that is not modelled: it may be met or not.
    Unmodelled(Unmodelled),
}

impl Objection {
    /// Who objects; `None` where that is no plugin of kube-scheduler.
    pub const fn plugin(&self) -> Option<Plugin> {
        Some(match self {
            Self::NoSuchNode(_) => return None,
            Self::Unschedulable => Plugin::NodeUnschedulable,
            Self::Misfit(misfit) => match misfit {
                Misfit::UntoleratedTaint { .. } => Plugin::TaintToleration,
                Misfit::NodeSelector { .. } | Misfit::NodeAffinity | Misfit::NodeAffinityWants { .. } => {
                    Plugin::NodeAffinity
                }
                Misfit::InsufficientCpu { .. }
                | Misfit::InsufficientMemory { .. }
                | Misfit::InsufficientEphemeral { .. }
                | Misfit::InsufficientExtended { .. }
                | Misfit::TooManyPods => Plugin::NodeResourcesFit,
                Misfit::TooManyVolumes { .. } => Plugin::NodeVolumeLimits,
                Misfit::VolumeOutOfReach { .. } => Plugin::VolumeBinding,
                _ => return None,
            },
            Self::HostPort(_) => Plugin::NodePorts,
            Self::ClaimTaken(_) => Plugin::VolumeRestrictions,
            Self::NoDomain { plugin, .. } => *plugin,
            Self::TooMany { .. } => Plugin::PodTopologySpread,
            Self::NobodyNear { .. } | Self::SomebodyNear { .. } | Self::Unwanted { .. } => {
                Plugin::InterPodAffinity
            }
            Self::Unmodelled(what) => match what {
                Unmodelled::PodAffinity | Unmodelled::PodAntiAffinity => Plugin::InterPodAffinity,
                Unmodelled::TopologySpread => Plugin::PodTopologySpread,
                Unmodelled::HostPort => Plugin::NodePorts,
                Unmodelled::ClaimInUse | Unmodelled::InlineDisk => Plugin::VolumeRestrictions,
                Unmodelled::ResourceClaim | Unmodelled::Unreadable | Unmodelled::TooLarge => return None,
                _ => Plugin::VolumeBinding,
            },
        })
    }
}

impl fmt::Display for Objection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchNode(node) => write!(f, "there is no node {node}"),
            Self::Unschedulable => f.write_str("the node is cordoned"),
            Self::Misfit(misfit) => misfit.fmt(f),
            Self::HostPort(port) => {
                write!(f, "port {}/{} of the host is taken", port.port, port.protocol)
            }
            Self::ClaimTaken(claim) => write!(f, "another pod has claim {claim}, which is for one pod alone"),
            Self::NoDomain { key, .. } => write!(f, "the node has no label {key}"),
            Self::TooMany {
                key,
                domain,
                there,
                fewest,
                skew,
            } => {
                write!(
                    f,
                    "{key}={domain} has {there}, at most {skew} more than the fewest ({fewest}) may be there"
                )
            }
            Self::NobodyNear { key, domain } => {
                write!(f, "no pod that it must be with is in {key}={domain}")
            }
            Self::SomebodyNear { key, domain, there } => {
                write!(f, "{there} pods that it must be apart from are in {key}={domain}")
            }
            Self::Unwanted { key, domain, there } => {
                write!(f, "{there} pods in {key}={domain} want it away")
            }
            Self::Unmodelled(what) => Misfit::Unmodelled(*what).fmt(f),
        }
    }
}
