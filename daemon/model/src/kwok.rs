//! Groups of the kwok provider: node templates, bought and removed as Node objects in an API server.
//!
//! The same value tells `observe` what a group offers and `act` what a new node looks like. No quantities as
//! text, no names of nodes: these are made at the ends.

use crate::ids::GroupName;
use crate::money::UsdPerHour;
use crate::pod::Taint;
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
        let mut labels = self.labels.clone();
        for (key, value) in [
            (GROUP_LABEL, self.name.as_str()),
            ("node.kubernetes.io/instance-type", &self.instance_type),
            ("topology.kubernetes.io/zone", &self.zone),
            ("kubernetes.io/arch", &self.arch),
            ("kubernetes.io/os", "linux"),
        ] {
            labels.insert(key.to_owned(), value.to_owned());
        }
        labels
    }
}
