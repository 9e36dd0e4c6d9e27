//! Groups of the kwok provider: node templates, bought and removed as Node objects in an API server.
//!
//! The same value tells `observe` what a group offers and `act` what a new node looks like. No quantities as
//! text, no names of nodes: these are made at the ends.

use crate::ids::GroupName;
use crate::money::UsdPerHour;
use crate::offer::Purchase;
use crate::pod::Taint;
use crate::registration::{Bootstrap, OperatingSystem, Registration, Zones};
use crate::resources::Resources;
use crate::selector::Labels;
use serde::{Deserialize, Serialize};

/// Label that says which group a node belongs to.
pub const GROUP_LABEL: &str = "plimsoll.io/group";

/// One group of equal nodes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KwokGroup {
    /// Name; also the value of `GROUP_LABEL` on its nodes.
    pub name: GroupName,
    /// Fewest nodes.
    pub min: u32,
    /// Most nodes.
    pub max: u32,
    /// Value of `node.kubernetes.io/instance-type`.
    pub instance_type: String,
    /// Value of `kubernetes.io/arch`.
    pub arch: String,
    /// Value of `topology.kubernetes.io/zone`.
    pub zone: String,
    /// What pods can use on one node.
    pub allocatable: Resources,
    /// Pods on one node.
    pub max_pods: u32,
    /// Further labels of its nodes.
    pub labels: Labels,
    /// Taints of its nodes.
    pub taints: Vec<Taint>,
    /// Price of one node.
    pub price: UsdPerHour,
}

impl KwokGroup {
    /// Labels of a node of this group, its host name excepted.
    pub fn node_labels(&self) -> Labels {
        let mut own = self.labels.clone();
        own.insert(GROUP_LABEL.to_owned(), self.name.to_string());
        Registration {
            instance_type: Some(&self.instance_type),
            zone: Some(&Zones::default().zone(&self.zone)),
            arch: &self.arch,
            os: &OperatingSystem::of_labels(&self.labels),
            purchase: Purchase::OnDemand,
            bootstrap: Bootstrap::Own,
        }
        .labels_with(&own)
    }
}
