//! Pods: one small row each, and the part they share with their siblings, kept once.
//!
//! A `PodSpec` is what scheduling can depend on; pods with the same spec are one Class to `decide`. Not here:
//! containers, environment, images, anything no rule reads.

mod host_port;
mod taint;
mod unmodelled;

pub use crate::annotations::DELETION_COST;
use crate::annotations::{
    CONSUMES, DO_NOT_DISRUPT, OWN_DO_NOT_DISRUPT, SAFE_TO_EVICT, SCALE_UP_DELAY, go_duration,
};
use crate::ids::{NodeName, PodKey, WorkloadKey};
use crate::reason::PodStays;
use crate::resources::Resources;
use crate::selector::{LabelSelector, Labels, NodeTerm};
use crate::time::{Instant, Span};
pub use host_port::HostPort;
use serde::{Deserialize, Serialize};
pub use taint::{Taint, TaintEffect, Toleration};
pub use unmodelled::Unmodelled;

/// Index into `Snapshot::specs`.
pub type SpecIx = u32;

/// One pod as it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pod {
    /// Namespace and name.
    pub key: PodKey,
    /// What it asks for.
    pub spec: SpecIx,
    /// Where it runs or is bound; `None` while it waits.
    pub node: Option<NodeName>,
    /// Where it stands in its life.
    pub phase: PodPhase,
    /// When it was created.
    pub created: Instant,
    /// Measured use with its age; `None` where nothing is known (never zero).
    pub usage: Option<Usage>,
    /// `status.nominatedNodeName`.
    pub nominated: Option<NodeName>,
    /// Annotation [`DELETION_COST`]; 0 where absent.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub deletion_cost: i32,
    /// `status.startTime`: when its kubelet took it on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<Instant>,
}

/// Deletion costs that Plimsoll sets: this one less a level from 1 to 10. Any other is somebody else's.
pub const OUR_DELETION_COST: i32 = -7_551_000;

/// Most levels of deletion cost that Plimsoll sets.
pub const DELETION_LEVELS: u8 = 10;

/// The deletion cost of a level; 0 is none.
pub const fn deletion_cost(level: u8) -> i32 {
    if level == 0 {
        0
    } else {
        OUR_DELETION_COST - level as i32
    }
}

/// The level of a deletion cost: 0 where there is none, `None` where it is not ours.
pub fn deletion_level(cost: i32) -> Option<u8> {
    (0..=DELETION_LEVELS).find(|level| deletion_cost(*level) == cost)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde asks for")]
const fn is_zero(cost: &i32) -> bool {
    *cost == 0
}

/// Life of a pod, as far as placing it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum PodPhase {
    /// Waits for a node.
    Pending,
    /// Held back by scheduling gates: no demand yet.
    Gated,
    /// Bound to a node, not ready yet.
    Starting,
    /// Ready.
    Running,
    /// Has a deletion timestamp; still holds its resources.
    Terminating,
    /// Succeeded or failed: holds nothing.
    Finished,
}

/// CPU and memory in use, averaged over the scrape window.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Millicores.
    pub cpu_milli: i64,
    /// Bytes of working set.
    pub memory_bytes: i64,
    /// When it was measured.
    pub at: Instant,
}

/// What pods of one kind ask for and what they promise: everything a scheduling rule reads.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PodSpec {
    /// Namespace (policies, budgets and selectors are namespaced).
    pub namespace: String,
    /// Effective request: max(init, sum of containers and sidecars) + overhead (kube `PodRequests`).
    pub requests: Resources,
    /// All labels of the pod.
    pub labels: Labels,
    /// Annotations that are read: `plimsoll.io/…`, `cluster-autoscaler.kubernetes.io/…` and those of
    /// [`annotations`](crate::annotations).
    pub annotations: Labels,
    /// Controller, with ReplicaSets resolved to their Deployment where known.
    pub owner: Option<WorkloadKey>,
    /// `spec.schedulerName`; empty means the default scheduler.
    pub scheduler: String,
    /// `spec.priority`.
    pub priority: i32,
    /// `spec.nodeSelector`.
    pub node_selector: Labels,
    /// Required node affinity: one of the terms must match; `None` where there is none.
    pub node_affinity: Option<Vec<NodeTerm>>,
    /// Tolerations.
    pub tolerations: Vec<Toleration>,
    /// Properties that exclude offers or forbid moving the pod.
    pub traits: PodTraits,
    /// Required rules about pods near this one, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub near: Vec<Near>,
    /// Ports of the host that it takes, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub host_ports: Vec<HostPort>,
    /// Where its volumes can be had, sorted: of every list one term must match the node. How many volumes are
    /// attached is in `requests`, under [`attach_limit`](crate::resources::attach_limit).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reach: Vec<Vec<NodeTerm>>,
    /// Claims that it has for itself or not at all (`ReadWriteOncePod`), sorted. Of pods that wait for the same one,
    /// all but one are refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclusive: Vec<String>,
    /// Claims that wait for their first pod and that several pods wait with, sorted: the volume is made in the zone where
    /// the first of them goes, and the others must follow.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shares: Vec<String>,
    /// Preferred node affinity, sorted: never a reason to refuse, only one to choose between equals.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub prefers: Vec<Preference>,
    /// Topology spread with `ScheduleAnyway`, sorted: the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub soft_spread: Vec<Near>,
    /// What no place is looked for with; a pending pod that has one is refused with the reason.
    pub unmodelled: Vec<Unmodelled>,
}

impl PodSpec {
    /// What of the annotations keeps every such pod from being moved, durations apart.
    pub fn held(&self) -> Option<PodStays> {
        let traits = &self.traits;
        if traits.do_not_disrupt {
            let annotated = |key| self.annotations.get(key).map(String::as_str);
            let disrupts = [DO_NOT_DISRUPT, OWN_DO_NOT_DISRUPT]
                .iter()
                .all(|key| annotated(*key) != Some("true"));
            let evictable = annotated(SAFE_TO_EVICT) != Some("false");
            return Some(if disrupts && !evictable {
                PodStays::NotSafeToEvict
            } else {
                PodStays::DoNotDisrupt
            });
        }
        if traits.on_completion {
            return Some(PodStays::OnCompletion);
        }
        traits.moved_by_others.then_some(PodStays::MovedByOthers)
    }

    /// Why it is no demand for capacity of ours while it waits, at an age of so much, where an annotation says so.
    pub fn waits_for(&self, age: Span) -> Option<NotYet> {
        let request = CONSUMES.iter().find_map(|key| self.annotations.get(*key));
        if let Some(request) = request {
            return Some(NotYet::ProvisioningRequest(request.clone()));
        }
        let delay = go_duration(self.annotations.get(SCALE_UP_DELAY)?)?;
        (age <= delay).then_some(NotYet::Delayed(delay))
    }

    /// Whether a controller makes one that has ended anew, elsewhere and without counting it: a Job counts it as a
    /// failure, a StatefulSet's pod keeps its name and volumes, a DaemonSet's its node.
    pub fn is_interchangeable(&self) -> bool {
        let kind = self.owner.as_ref().map(|owner| &*owner.kind);
        matches!(kind, Some("Deployment" | "ReplicaSet" | "ReplicationController"))
    }
}

/// Why a waiting pod is no demand yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NotYet {
    /// Until it is older than this (`pod-scale-up-delay`).
    Delayed(Span),
    /// It takes what this ProvisioningRequest has provided.
    ProvisioningRequest(String),
}

impl std::fmt::Display for NotYet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Delayed(delay) => write!(
                f,
                "{SCALE_UP_DELAY}: no capacity is bought for it before it is {delay} old"
            ),
            Self::ProvisioningRequest(request) => {
                let shown: String = request.chars().take(64).collect();
                write!(
                    f,
                    "{}: it waits for the ProvisioningRequest {shown:?}, and no capacity is bought for it",
                    CONSUMES[0]
                )
            }
        }
    }
}

/// A preferred term of node affinity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Preference {
    /// The nodes that are meant.
    pub term: NodeTerm,
    /// How much such a node is worth: 1 to 100.
    pub weight: i32,
}

/// A rule about other pods in the same topology domain (kube-scheduler's InterPodAffinity and PodTopologySpread):
/// required, but for what stands in [`PodSpec::soft_spread`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Near {
    /// Node label whose equal values make a domain.
    pub key: String,
    /// Which pods are meant; `matchLabelKeys` and `mismatchLabelKeys` are in it.
    pub selector: LabelSelector,
    /// Namespaces they are in; `None` means all.
    pub namespaces: Option<Vec<String>>,
    /// What is required.
    pub rule: NearRule,
    /// Namespaces selected by their labels besides those named, as long as nobody knows these labels; the pod is
    /// then [`Unmodelled`]. Once they are known, the selected are among the named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<LabelSelector>,
    /// Which nodes a spread counts.
    #[serde(default, skip_serializing_if = "NodeInclusion::is_usual")]
    pub nodes: NodeInclusion,
}

/// Nodes whose domains and pods a topology spread counts (`nodeAffinityPolicy`, `nodeTaintsPolicy`). The default is
/// upstream's: those that match the pod's node selector and affinity, whatever their taints.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NodeInclusion {
    /// Also nodes that the pod's node selector and affinity keep it off (`nodeAffinityPolicy: Ignore`).
    pub despite_affinity: bool,
    /// Only nodes whose taints the pod tolerates (`nodeTaintsPolicy: Honor`).
    pub only_tolerated: bool,
}

impl NodeInclusion {
    /// Whether this is the default.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// What a [`Near`] requires.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum NearRule {
    /// One such pod in the domain, or this is the first (`podAffinity`).
    Together,
    /// No such pod in the domain (`podAntiAffinity`).
    Apart,
    /// Never more than this above the domain with fewest (`topologySpreadConstraints`, `DoNotSchedule`).
    Spread {
        /// `maxSkew`.
        skew: u32,
        /// `minDomains`.
        domains: u32,
    },
}

impl Near {
    /// A rule whose namespaces are known, counted over the usual nodes.
    pub fn new(
        key: String,
        selector: LabelSelector,
        namespaces: Option<Vec<String>>,
        rule: NearRule,
    ) -> Self {
        Self {
            key,
            selector,
            namespaces,
            rule,
            namespace_selector: None,
            nodes: NodeInclusion::default(),
        }
    }

    /// Whether a pod of this spec is meant.
    pub fn selects(&self, spec: &PodSpec) -> bool {
        let there = |namespaces: &Vec<String>| namespaces.contains(&spec.namespace);
        self.namespaces.as_ref().is_none_or(there) && self.selector.matches(&spec.labels)
    }
}

/// Yes-or-no properties of a pod.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "a row of independent facts, each read by one rule"
)]
pub struct PodTraits {
    /// `hostNetwork`.
    pub host_network: bool,
    /// `hostPID`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub host_pid: bool,
    /// `hostIPC`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub host_ipc: bool,
    /// Any container privileged.
    pub privileged: bool,
    /// Any `hostPort`.
    pub host_port: bool,
    /// Any `hostPath` volume.
    pub host_path: bool,
    /// Any persistent volume claim.
    pub claims_volume: bool,
    /// Every one of its claims is bound to a volume of EFS that was made by hand.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub static_efs: bool,
    /// Any volume that a CSI driver makes for the pod itself (`csi` among its volumes).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub csi_volume: bool,
    /// `runtimeClassName`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub runtime_class: bool,
    /// An `emptyDir` that a move would lose.
    pub local_storage: bool,
    /// A `hostPath` that a move would leave behind, and that no annotation calls safe.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub local_path: bool,
    /// Static pod (mirror).
    pub mirror: bool,
    /// Carries `karpenter.sh/do-not-disrupt: "true"`, `plimsoll.io/do-not-disrupt: "true"` or
    /// `cluster-autoscaler.kubernetes.io/safe-to-evict: "false"`.
    pub do_not_disrupt: bool,
    /// Carries `cluster-autoscaler.kubernetes.io/safe-to-evict: "true"`.
    pub safe_to_evict: bool,
    /// Carries `karpenter.sh/do-not-disrupt` with a duration: not moved so long after it has started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protected_for: Option<Span>,
    /// Carries `cluster-autoscaler.kubernetes.io/safe-to-evict: "on-completion"`: its node waits for it to end.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub on_completion: bool,
    /// Somebody moves it already, or alone (`descheduler.alpha.kubernetes.io/eviction-in-progress`,
    /// `…/request-evict-only`): no eviction of ours.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub moved_by_others: bool,
    /// Has `topologySpreadConstraints` of any kind: the cluster's defaults are not for it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub spreads: bool,
}

impl Pod {
    /// Until when an annotation with a duration protects it, where it still does; one that has not started is protected
    /// from then on, and no end is known (`Some(None)`).
    pub fn protected(&self, spec: &PodSpec, at: Instant) -> Option<Option<Instant>> {
        let span = spec.traits.protected_for?;
        let until = self.started.map(|started| started + span);
        until.is_none_or(|until| at < until).then_some(until)
    }

    /// What of its annotations keeps it from being moved now.
    pub fn held(&self, spec: &PodSpec, at: Instant) -> Option<PodStays> {
        spec.held().or_else(|| {
            let until = self.protected(spec, at)?;
            Some(until.map_or(PodStays::DoNotDisrupt, PodStays::ProtectedUntil))
        })
    }

    /// Whether the pod holds resources on its node.
    pub fn holds_resources(&self) -> bool {
        self.node.is_some() && self.phase != PodPhase::Finished
    }
}
