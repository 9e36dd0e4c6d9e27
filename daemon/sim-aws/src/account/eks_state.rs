//! Managed node groups, updates of them and Fargate profiles, as they stand.
//!
//! Not here: what calls and time do to them (`eks`).

use super::group_state::ScalingConfig;
use crate::settings::NewProfile;
use std::collections::BTreeMap;

/// A managed node group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeGroup {
    /// Name.
    pub name: String,
    /// Its Auto Scaling group.
    pub group: String,
    /// `ACTIVE`, `UPDATING`.
    pub status: &'static str,
    /// Kubernetes labels.
    pub labels: BTreeMap<String, String>,
    /// Key, value, effect.
    pub taints: Vec<(String, String, String)>,
    /// Instance types.
    pub types: Vec<String>,
    /// All spot.
    pub spot: bool,
}

/// A Fargate profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// As made.
    pub made: NewProfile,
    /// `CREATING`, `ACTIVE`.
    pub status: &'static str,
}

/// What an `UpdateNodegroupConfig` changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ConfigUpdate {
    pub(crate) scaling: ScalingConfig,
    pub(crate) set_labels: BTreeMap<String, String>,
    pub(crate) unset_labels: Vec<String>,
    /// Key, value, effect; a taint is told apart by its key and effect.
    pub(crate) set_taints: Vec<(String, String, String)>,
    pub(crate) unset_taints: Vec<(String, String, String)>,
}

/// An update of a node group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Update {
    pub(crate) node_group: String,
    pub(crate) done: bool,
    pub(super) change: ConfigUpdate,
}
