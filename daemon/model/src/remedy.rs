//! What would help a pod that has no place: how much is missing, and what somebody could do about it.
//!
//! Advice by kind of misfit, for people; nothing is decided by it.

use crate::reason::{GroupBlock, Misfit, Tie};

impl Misfit {
    /// By how much an amount is short: millicores, bytes or units; `None` where no amount is.
    pub const fn shortfall(&self) -> Option<i64> {
        match self {
            Self::InsufficientCpu { asked, there }
            | Self::InsufficientMemory { asked, there }
            | Self::InsufficientEphemeral { asked, there }
            | Self::InsufficientExtended { asked, there, .. }
            | Self::TooManyVolumes { asked, there, .. } => Some(asked.saturating_sub(*there)),
            _ => None,
        }
    }

    /// What somebody could do about it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::InsufficientCpu { .. } | Self::InsufficientMemory { .. } => {
                "offer a larger type, or let the pod ask for less"
            }
            Self::InsufficientEphemeral { .. } => {
                "offer a type with more disk, or let the pod ask for less ephemeral storage"
            }
            Self::InsufficientExtended { .. } => "offer a type that has this resource, or more of it",
            Self::TooManyPods => "offer a type that runs more pods",
            Self::UntoleratedTaint { .. } => "give the pod the toleration, or offer nodes without the taint",
            Self::NodeSelector { .. } | Self::NodeAffinity | Self::NodeAffinityWants { .. } => {
                "offer nodes with these labels, or ask for fewer of them"
            }
            Self::VolumeOutOfReach { .. } => "offer nodes where its volume is",
            Self::TooManyVolumes { .. } => "offer a type that attaches more volumes",
            Self::HostPortTaken { .. } => {
                "let the pod or the DaemonSet take another port, or keep the DaemonSet off some nodes"
            }
            Self::ApartFromDaemonSet { .. } => {
                "leave the DaemonSet out of the anti-affinity, or keep it off some nodes"
            }
            Self::FargateExcluded(_) | Self::FargateIgnores { .. } => "offer EC2 nodes that run it",
            Self::NoFargateProfile => {
                "add a Fargate profile that selects its namespace and labels, or offer EC2 nodes"
            }
            Self::NobodyToJoin { .. } => "run a pod that it is to be with, or drop the affinity",
            Self::Tied {
                tie: Tie::Affinity { .. },
            } => "offer nodes where the pods are that it is to be with",
            Self::Tied { .. } => "offer nodes in other domains of the rule's key, or loosen the rule",
            Self::DealtElsewhere { .. } => "offer such nodes in that domain too",
            Self::NoZoneLeft | Self::NoDomainLeft { .. } => {
                "offer nodes in more zones, allow a larger maxSkew, or run fewer replicas"
            }
            Self::Forbidden { .. } => "ask the owner of the policy about this code",
            Self::Group(block) | Self::Outranked { block, .. } => block.remedy(),
            Self::Expendable { .. } => {
                "give it a higher priority, or lower `priority.expendable_below` of the aims"
            }
            Self::PutOff => {
                "wait, make the pods of its namespace more alike, or raise `search.kinds` or `search.pods` of the aims"
            }
            Self::NamespaceQuota(_) => {
                "raise the namespace's quota (`quotas.namespaces` of the aims), or run fewer pods there"
            }
            Self::NoOffers => "offer something: a node group that may grow, or a list of types",
            Self::NotModelled { .. } => {
                "offer nodes where the pods are that the rule means, or larger ones, or loosen the rule"
            }
            Self::NamespacesUnknown { .. } => "list the namespaces as well: `kubectl get namespaces -o yaml`",
            Self::ClaimShared { .. } => "offer nodes for all of its pods in one zone",
            Self::Unmodelled(_) => {
                "say the rule in another way, or place the pod by hand: the plan leaves it alone"
            }
        }
    }
}

impl GroupBlock {
    /// What somebody could do about it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Self::AtMaximum => "raise the group's maximum, or offer another group",
            Self::BacksOff => "wait: the group is tried again when its back-off ends",
            Self::NoCapacity => "wait a few minutes, or allow more types and zones",
            Self::Foreign => "let its owner grow it, or offer another group",
            Self::NotInAims => "name the group in the aims",
            Self::Quota(_) => "raise the quota, or let pods ask for less",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shortfall_is_what_is_missing() {
        let lacks = |asked, there| Misfit::InsufficientCpu { asked, there }.shortfall();
        assert_eq!(lacks(9000, 7910), Some(1090));
        assert_eq!(lacks(i64::MAX, -1), Some(i64::MAX));
        assert_eq!(Misfit::NodeAffinity.shortfall(), None);
    }
}
