//! Constraints of a pod with which no place is looked for.
//!
//! Not here: who finds them.

use serde::{Deserialize, Serialize};

/// Why no place is looked for: a required constraint that the engine does not model, or a claim with which
/// kube-scheduler would find none either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Unmodelled {
    /// Required inter-pod affinity.
    PodAffinity,
    /// Required inter-pod anti-affinity.
    PodAntiAffinity,
    /// `topologySpreadConstraints` with `DoNotSchedule`.
    TopologySpread,
    /// Volume claims about which nothing is known: the cluster's volumes could not be seen.
    VolumeClaim,
    /// Dynamic resource claims.
    ResourceClaim,
    /// Host ports (at most one such pod per node and port).
    HostPort,
    /// Something in the object that could not be read.
    Unreadable,
    /// A volume claim that does not exist, or is being deleted.
    ClaimMissing,
    /// A volume claim that is to be bound before any pod is placed (`Immediate`, or bound beforehand), and is not.
    ClaimUnbound,
    /// A volume claim whose volume was lost.
    ClaimLost,
    /// A volume claim for one pod alone (`ReadWriteOncePod`), which another pod has.
    ClaimInUse,
    /// A volume claim bound to a volume that does not exist.
    VolumeMissing,
    /// A volume claim of a storage class that does not exist, or that makes no volumes.
    StorageClass,
    /// A volume claim whose driver tells how much storage there is where (`CSIStorageCapacity`).
    StorageCapacity,
    /// A disk named by its id in the pod itself.
    InlineDisk,
    /// Labels, rules or claims that take more memory than one object or its namespace may: they are not kept.
    TooLarge,
}

impl Unmodelled {
    /// Short code for tools: constraints that are not modelled share one, what is wrong with a claim has its own.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::ClaimMissing => "VolumeClaimMissing",
            Self::ClaimUnbound => "VolumeClaimUnbound",
            Self::ClaimLost => "VolumeClaimLost",
            Self::ClaimInUse => "VolumeClaimInUse",
            Self::VolumeMissing => "VolumeMissing",
            Self::StorageClass => "StorageClass",
            Self::ResourceClaim => "ResourceClaim",
            _ => "UnmodelledConstraint",
        }
    }

    /// What is said of the pod.
    pub(crate) const fn words(self) -> &'static str {
        match self {
            Self::PodAffinity => "has a pod affinity that is not modelled",
            Self::PodAntiAffinity => "has a pod anti-affinity that is not modelled",
            Self::TopologySpread => "has a topology spread that is not modelled",
            Self::HostPort => "wants a port of the host in a way that is not modelled",
            Self::Unreadable => "has a field that could not be read",
            Self::TooLarge => {
                "has labels, rules or claims that are too large, alone or with all others of its namespace"
            }
            Self::VolumeClaim => "claims a volume, and the cluster's volumes could not be seen",
            Self::ResourceClaim => "claims devices (dynamic resource allocation), which is not modelled",
            Self::ClaimMissing => "claims a volume by a claim that does not exist or is being deleted",
            Self::ClaimUnbound => "has a volume claim that binds before pods are placed, and is not bound",
            Self::ClaimLost => "has a volume claim whose volume was lost",
            Self::ClaimInUse => "has a volume claim for one pod alone, and another pod has it",
            Self::VolumeMissing => "has a volume claim bound to a volume that does not exist",
            Self::StorageClass => {
                "has a volume claim of a storage class that does not exist or makes no volumes"
            }
            Self::StorageCapacity => {
                "has a volume claim whose driver tells capacity by place, which is not modelled"
            }
            Self::InlineDisk => "mounts a disk by its id, which is not modelled",
        }
    }
}
