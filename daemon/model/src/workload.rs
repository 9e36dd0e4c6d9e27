//! Workloads, and the disruption budgets over their pods.

use crate::ids::WorkloadKey;
use crate::pod::SpecIx;
use crate::selector::{LabelSelector, Labels};
use crate::time::Instant;
use serde::{Deserialize, Serialize};

/// Something with replicas (anything with `/scale`), or a Job or DaemonSet for what it owns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workload {
    /// Kind, namespace and name.
    pub key: WorkloadKey,
    /// `spec.replicas`; DaemonSets and Jobs: the number of pods wanted.
    pub replicas: u32,
    /// Pods that are ready.
    pub ready: u32,
    /// Spec of its next pod, where the template is known.
    pub template: Option<SpecIx>,
    /// Who else sets the replicas: the name of an HPA or ScaledObject.
    pub owned_by: Option<String>,
    /// `plimsoll.io/…` annotations, `plimsoll.io/scale` among them.
    pub annotations: Labels,
    /// `metadata.generation`: a stale step is refused against it.
    pub generation: i64,
    /// Pods selected (`spec.selector`).
    pub selector: LabelSelector,
    /// Figures about it, each with its own age.
    pub metrics: Vec<Metric>,
}

/// One figure about a workload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metric {
    /// `cpu`, `memory`, or the name given in the aims.
    pub name: String,
    /// Value in thousandths of its unit (`cpu`: millicores summed over pods × 1000).
    pub milli: i64,
    /// When it was measured.
    pub at: Instant,
    /// Pods that contributed.
    pub pods: u32,
}

/// A PodDisruptionBudget.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisruptionBudget {
    /// Namespace.
    pub namespace: String,
    /// Name.
    pub name: String,
    /// Pods it covers.
    pub selector: LabelSelector,
    /// `status.disruptionsAllowed`; from manifests without status: computed from the spec.
    pub allowed: u32,
}

impl Workload {
    /// Whether it is a DaemonSet: one pod on every node that matches.
    pub fn is_daemon_set(&self) -> bool {
        &*self.key.kind == "DaemonSet"
    }
}
