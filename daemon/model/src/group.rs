//! Groups: where capacity is changed.

mod bounds;
pub mod options;

use crate::ids::{GroupName, InstanceId};
use crate::pod::Taint;
use crate::selector::{LabelSelector, Labels};
use crate::time::Instant;
pub use bounds::Bounds;
pub use options::GroupOptions;
use serde::{Deserialize, Serialize};

/// Tag of the Auto Scaling groups of EKS' managed node groups, and of `eksctl`'s: the cluster's name.
pub const EKS_CLUSTER_TAG: &str = "eks:cluster-name";
/// Tag of the Auto Scaling group behind a managed node group: that one's name.
pub const EKS_NODE_GROUP_TAG: &str = "eks:nodegroup-name";
/// Tag of an Auto Scaling group that kops made, and label of its nodes: the instance group's name.
pub const KOPS_GROUP_TAG: &str = "kops.k8s.io/instancegroup";

/// A set of nodes that grows and shrinks by one knob.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// Name.
    pub name: GroupName,
    /// What the provider gives to this one and to no later group of the same name; `None` where it gives nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,
    /// Whose knob it is.
    pub kind: GroupKind,
    /// Fewest instances.
    pub min: u32,
    /// Most instances.
    pub max: u32,
    /// Freshest desired size read from the provider.
    pub desired: u32,
    /// How capacity is asked for.
    pub launch: LaunchMode,
    /// Instances the provider lists.
    pub instances: Vec<Instance>,
    /// Labels of its nodes, beyond those of the offer.
    pub labels: Labels,
    /// Taints of its nodes.
    pub taints: Vec<Taint>,
    /// Fargate profiles: which pods the profile selects. Empty for every other kind.
    pub fargate_selectors: Vec<FargateSelector>,
    /// Somebody else owns the size (Karpenter, kops `autoscale: false`, suspended processes): never changed.
    pub foreign: Option<String>,
    /// Somebody (EKS, kops) is replacing its nodes now: it may grow, and no node of it is removed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rolling: Option<String>,
    /// What its own tags say of how it is scaled.
    #[serde(default, skip_serializing_if = "GroupOptions::is_usual")]
    pub options: GroupOptions,
}

/// Whose knob a group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum GroupKind {
    /// Self-managed Auto Scaling group.
    Asg,
    /// EKS managed node group.
    ManagedNodeGroup,
    /// kops instance group.
    KopsInstanceGroup,
    /// Plimsoll's own fleet: any of its offers.
    Fleet,
    /// EKS Fargate profile.
    FargateProfile,
    /// ECS capacity provider.
    EcsCapacityProvider,
    /// Node objects in an API server, without a cloud.
    Kwok,
    /// The simulator's.
    Simulated,
}

/// How a group is asked for capacity (reference: EC2 Auto Scaling `LaunchInstances`, `SetDesiredCapacity`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum LaunchMode {
    /// Synchronous launch: ids and capacity errors at once.
    Instances,
    /// Desired capacity, upward only.
    Desired,
    /// Created directly (kwok, simulator).
    Direct,
    /// Nothing to launch (Fargate).
    None,
}

/// A selector of a Fargate profile: namespace glob and labels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FargateSelector {
    /// Namespace; `*` and `?` are wildcards.
    pub namespace: String,
    /// Labels that the pod must carry.
    pub labels: LabelSelector,
}

/// An instance as the provider lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    /// Id.
    pub id: InstanceId,
    /// Instance type, where known.
    pub instance_type: Option<String>,
    /// Zone name, where known.
    pub zone: Option<String>,
    /// Where it stands.
    pub state: InstanceState,
    /// When it was launched, where known.
    pub launched: Option<Instant>,
}

/// Life of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum InstanceState {
    /// Asked for, not running yet.
    Pending,
    /// Running.
    InService,
    /// Going away.
    Terminating,
    /// Gone, still listed.
    Terminated,
    /// Anything else (standby, warm pool): neither capacity nor gone.
    Other,
    /// Going away, and kept by a lifecycle hook that is ours to complete.
    Waiting,
}

impl Instance {
    /// Whether it is or will be capacity.
    pub const fn is_capacity(&self) -> bool {
        matches!(self.state, InstanceState::Pending | InstanceState::InService)
    }
}

impl Group {
    /// Whether nodes may be replaced here because they were made otherwise than they would be today. Updates of managed
    /// node groups are EKS', those of instance groups kops'.
    pub const fn renews_drifted(&self) -> bool {
        !matches!(
            self.kind,
            GroupKind::ManagedNodeGroup | GroupKind::KopsInstanceGroup | GroupKind::FargateProfile
        )
    }

    /// Its bounds as they are.
    pub const fn bounds(&self) -> Bounds {
        Bounds {
            min: self.min,
            max: self.max,
        }
    }

    /// Whether its bounds are known and an operator's to set through us: manifests tell none, those of instance groups
    /// are kops', and a fleet has its own in the configuration.
    pub const fn has_bounds(&self) -> bool {
        matches!(self.kind, GroupKind::Asg | GroupKind::ManagedNodeGroup) && self.max != u32::MAX
    }

    /// Instances that are or will be capacity.
    pub fn living(&self) -> u32 {
        let count = self.instances.iter().filter(|i| i.is_capacity()).count();
        u32::try_from(count).unwrap_or(u32::MAX)
    }

    /// Whether the instance is on its way out already and waits for us: removing it makes the group no smaller.
    pub fn awaits(&self, id: &InstanceId) -> bool {
        let mut listed = self.instances.iter();
        listed.any(|listed| listed.id == *id && listed.state == InstanceState::Waiting)
    }
}
