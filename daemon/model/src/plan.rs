//! The Plan: ordered Steps, each one bounded effect that names its objects exactly.

use crate::counted::Counted;
use crate::group::Bounds;
use crate::ids::{
    GroupName, InstanceId, IntentId, NodeName, OfferId, PodKey, PolicyName, StepId, WorkloadKey,
};
use crate::money::UsdPerHour;
use crate::offer::Offer;
use crate::reason::{Reason, Refusal};
use crate::selector::Labels;
use serde::{Deserialize, Serialize};

/// What should be done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Steps in the order they should happen.
    pub steps: Vec<Step>,
    /// Nodes and Fargate pods to buy, with what runs on them.
    pub nodes: Vec<PlannedNode>,
    /// Waiting pods that fit on nodes that are there or on their way.
    pub existing: Vec<(NodeName, Vec<PodKey>)>,
    /// What is not done, and why.
    pub refusals: Vec<Refusal>,
    /// What the purchase costs, and could cost at best.
    pub cost: Cost,
    /// Waiting pods, each in exactly one of `nodes`, `existing`, `refusals`.
    pub pending: u32,
    /// Nodes to buy in place of nodes that go, with the pods that move there; no part of `cost`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub replacements: Vec<PlannedNode>,
    /// Where the pods of nodes whose removal begins with this plan are meant to go, `replacements` apart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moves: Vec<(NodeName, Vec<PodKey>)>,
    /// Steps that policies of the hook `review` do not want begun in this cycle, in the order of the steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holds: Vec<Hold>,
}

/// A step that a policy does not want begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Which.
    pub step: StepId,
    /// The first policy that holds it.
    pub policy: PolicyName,
    /// Its reason code.
    pub code: u16,
    /// Its words.
    pub text: String,
}

/// A node (or Fargate pod) to buy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlannedNode {
    /// Unique name, `new-1`…
    pub name: NodeName,
    /// Group.
    pub group: GroupName,
    /// Offer.
    pub offer: OfferId,
    /// Pods it will carry, DaemonSet pods not listed.
    pub pods: Vec<PodKey>,
    /// What it costs on top of its offer: ephemeral storage of a pod on Fargate, beyond what is free.
    #[serde(default, skip_serializing_if = "is_nothing")]
    pub storage: UsdPerHour,
}

impl PlannedNode {
    /// What it costs, bought by this offer.
    pub fn price(&self, offer: &Offer) -> UsdPerHour {
        offer.price + self.storage
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde asks for")]
const fn is_nothing(price: &UsdPerHour) -> bool {
    price.0 == 0
}

/// Price of a purchase beside its lower bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cost {
    /// The bill.
    pub rate: UsdPerHour,
    /// No plan for the same demand, free capacity and offers costs less; without policies.
    pub bound: UsdPerHour,
    /// The bill with factors and addends of policies, and what `aims.spot` counts for interruptions.
    pub policy_rate: UsdPerHour,
    /// Bound of the same.
    pub policy_bound: UsdPerHour,
}

impl Cost {
    /// How far the policy rate is above its bound, in percent; 0 when both are 0.
    #[expect(clippy::cast_precision_loss, reason = "for reading")]
    pub fn gap_percent(&self) -> f64 {
        if self.policy_bound.0 <= 0 {
            return 0.0;
        }
        (self.policy_rate.0 - self.policy_bound.0) as f64 * 100.0 / self.policy_bound.0 as f64
    }
}

/// One bounded effect (at most 10 s). It moves one Intent by one stage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Which.
    pub id: StepId,
    /// Intent it opens or moves, where the work is longer than one call.
    pub intent: Option<IntentId>,
    /// Ledger generation the plan was computed from; a newer one makes the step stale.
    pub generation: u64,
    /// What.
    pub kind: StepKind,
    /// Why.
    pub reason: Reason,
}

/// Kinds of effects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StepKind {
    /// Set replicas through `/scale`.
    ScaleWorkload {
        /// Which.
        workload: WorkloadKey,
        /// Replicas now.
        from: u32,
        /// Replicas wanted.
        to: u32,
    },
    /// Ask a group for more nodes.
    GrowGroup {
        /// Which.
        group: GroupName,
        /// What is bought.
        offer: OfferId,
        /// Desired size read.
        from: u32,
        /// Desired size wanted; never below `from`.
        to: u32,
        /// Names given to the new nodes.
        nodes: Vec<NodeName>,
        /// Pods planned onto them.
        pods: Vec<PodKey>,
        /// What it adds to the bill.
        rate: UsdPerHour,
    },
    /// Set a group's bounds; its size stays.
    SetBounds {
        /// Which.
        group: GroupName,
        /// Bounds read.
        from: Bounds,
        /// Bounds wanted; the group's size is within them.
        to: Bounds,
    },
    /// Place a class on Fargate: the label that its pods should carry at admission.
    PlaceOnFargate {
        /// Index of the class in the notes.
        class: u32,
        /// Owner of the pods, where they have one.
        workload: Option<WorkloadKey>,
        /// Profile.
        profile: GroupName,
        /// Size.
        offer: OfferId,
        /// Label to set.
        label: Labels,
        /// Pods.
        pods: Vec<PodKey>,
    },
    /// Nominate a node for a waiting pod (`status.nominatedNodeName`).
    Nominate {
        /// Which.
        pod: PodKey,
        /// Where.
        node: NodeName,
        /// The node is starting: the pod is let in through its startup taint.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        starting: bool,
    },
    /// Say how soon a pod goes when its ReplicaSet gives some up: its deletion cost.
    Yield {
        /// Which.
        pod: PodKey,
        /// Where it runs.
        node: NodeName,
        /// What the annotation says from then on; 0 takes it away.
        cost: i32,
    },
    /// Ask kube-scheduler to put new pods elsewhere where it can (a taint `PreferNoSchedule`), or no longer.
    Avoid {
        /// Which.
        node: NodeName,
        /// Whether the taint is set, or taken away.
        on: bool,
    },
    /// Cordon and taint: first stage of a removal.
    Cordon {
        /// Which.
        node: NodeName,
        /// Its group.
        group: GroupName,
        /// Its instance.
        instance: InstanceId,
        /// Launches of this plan that replace it: it is drained once all of them have joined.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        after: Vec<IntentId>,
    },
    /// Ask the Eviction API to move one pod.
    Evict {
        /// Which.
        pod: PodKey,
        /// From where.
        node: NodeName,
    },
    /// Ask the Eviction API to end one pod that waits for a node, so that its controller makes it anew and Fargate
    /// takes it.
    Remake {
        /// Which.
        pod: PodKey,
        /// The profile that will take it.
        profile: GroupName,
    },
    /// Remove that very instance and lower its group's desired size by one.
    RemoveNode {
        /// Group.
        group: GroupName,
        /// Node.
        node: NodeName,
        /// Instance.
        instance: InstanceId,
    },
    /// Remove that very instance, which never became a node, and lower its group's desired size by one.
    RemoveInstance {
        /// Group.
        group: GroupName,
        /// Instance.
        instance: InstanceId,
    },
    /// Undo cordon and taint; take the startup taint away.
    Uncordon {
        /// Which.
        node: NodeName,
    },
}

impl StepKind {
    /// Name for tools and metrics.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ScaleWorkload { .. } => "ScaleWorkload",
            Self::GrowGroup { .. } => "GrowGroup",
            Self::SetBounds { .. } => "SetBounds",
            Self::PlaceOnFargate { .. } => "PlaceOnFargate",
            Self::Nominate { .. } => "Nominate",
            Self::Yield { .. } => "Yield",
            Self::Avoid { .. } => "Avoid",
            Self::Cordon { .. } => "Cordon",
            Self::Evict { .. } => "Evict",
            Self::Remake { .. } => "Remake",
            Self::RemoveNode { .. } => "RemoveNode",
            Self::RemoveInstance { .. } => "RemoveInstance",
            Self::Uncordon { .. } => "Uncordon",
        }
    }

    /// Whether it begins work that is longer than one call, so that an intent is opened for it.
    pub const fn opens(&self) -> bool {
        matches!(
            self,
            Self::GrowGroup { .. } | Self::Cordon { .. } | Self::RemoveInstance { .. }
        )
    }

    /// Whether it begins something that a policy may want to wait. Moves within what is under way, marks, and undoing
    /// are no such thing.
    pub const fn begins(&self) -> bool {
        matches!(
            self,
            Self::ScaleWorkload { .. }
                | Self::GrowGroup { .. }
                | Self::SetBounds { .. }
                | Self::PlaceOnFargate { .. }
                | Self::Remake { .. }
                | Self::Cordon { .. }
                | Self::RemoveInstance { .. }
        )
    }

    /// Group it changes, where it changes one.
    pub const fn group(&self) -> Option<&GroupName> {
        match self {
            Self::GrowGroup { group, .. }
            | Self::SetBounds { group, .. }
            | Self::Cordon { group, .. }
            | Self::RemoveNode { group, .. }
            | Self::RemoveInstance { group, .. } => Some(group),
            Self::PlaceOnFargate { profile, .. } | Self::Remake { profile, .. } => Some(profile),
            Self::ScaleWorkload { .. }
            | Self::Nominate { .. }
            | Self::Yield { .. }
            | Self::Avoid { .. }
            | Self::Evict { .. }
            | Self::Uncordon { .. } => None,
        }
    }

    /// Node it concerns, where it concerns one.
    pub const fn node(&self) -> Option<&NodeName> {
        match self {
            Self::Nominate { node, .. }
            | Self::Yield { node, .. }
            | Self::Avoid { node, .. }
            | Self::Cordon { node, .. }
            | Self::Evict { node, .. }
            | Self::RemoveNode { node, .. }
            | Self::Uncordon { node } => Some(node),
            Self::ScaleWorkload { .. }
            | Self::GrowGroup { .. }
            | Self::SetBounds { .. }
            | Self::PlaceOnFargate { .. }
            | Self::Remake { .. }
            | Self::RemoveInstance { .. } => None,
        }
    }
}

impl std::fmt::Display for StepKind {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ScaleWorkload { workload, from, to } => write!(f, "scale {workload} {from} -> {to}"),
            Self::GrowGroup {
                group,
                offer,
                from,
                to,
                ..
            } => write!(f, "grow {group} {from} -> {to} ({offer})"),
            Self::SetBounds { group, from, to } => write!(f, "bound {group} by {to} instead of {from}"),
            Self::PlaceOnFargate {
                profile,
                offer,
                pods,
                workload,
                ..
            } => match workload {
                Some(workload) => write!(
                    f,
                    "place {workload} ({}) on Fargate {profile} as {offer}",
                    Counted(pods.len(), "pod")
                ),
                None => write!(
                    f,
                    "place {} on Fargate {profile} as {offer}",
                    Counted(pods.len(), "pod")
                ),
            },
            Self::Nominate { pod, node, .. } => write!(f, "nominate {node} for {pod}"),
            Self::Yield { pod, node, cost } => write!(f, "set deletion cost {cost} of {pod} on {node}"),
            Self::Avoid { node, on: true } => write!(f, "let {node} empty"),
            Self::Avoid { node, on: false } => write!(f, "let {node} fill again"),
            Self::Cordon { node, .. } => write!(f, "cordon {node}"),
            Self::Evict { pod, node } => write!(f, "evict {pod} from {node}"),
            Self::Remake { pod, profile } => write!(f, "have {pod} made anew for Fargate {profile}"),
            Self::RemoveNode {
                node,
                group,
                instance,
            } => write!(f, "remove {node} ({instance}) from {group}"),
            Self::RemoveInstance { group, instance } => {
                write!(f, "remove {instance}, which never became a node, from {group}")
            }
            Self::Uncordon { node } => write!(f, "uncordon {node}"),
        }
    }
}
