//! A fleet: Plimsoll's own group, which buys any allowed type in any of its zones, on demand and spot.
//!
//! What the operator says of it, and the tags by which its instances are known; one word for eyes and hands. Not
//! here: the calls.

use crate::ids::GroupName;
use crate::pod::Taint;
use crate::selector::Labels;
use std::collections::BTreeMap;

/// Tag of an instance: the cluster it belongs to.
pub const CLUSTER_TAG: &str = "plimsoll.io/cluster";
/// Tag of an instance: the fleet that bought it.
pub const FLEET_TAG: &str = "plimsoll.io/fleet";
/// Tag of an instance: the intent it was bought for.
pub const INTENT_TAG: &str = "plimsoll.io/intent";

/// A fleet as the operator describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fleet {
    /// Name of its group.
    pub name: GroupName,
    /// Launch template, by name or id; its newest version counts.
    pub template: String,
    /// Most instances.
    pub max: u32,
    /// Instance families or types to buy (`m6a`, `m6a.large`); empty: all that have a price.
    pub types: Vec<String>,
    /// Spot is bought as well.
    pub spot: bool,
    /// Subnet to launch into, by zone name; the zones that are bought in.
    pub subnets: BTreeMap<String, String>,
    /// Labels that its nodes register with.
    pub labels: Labels,
    /// Taints that they register with.
    pub taints: Vec<Taint>,
}

impl Fleet {
    /// Whether a type may be bought.
    pub fn buys(&self, instance_type: &str) -> bool {
        let family = instance_type.split('.').next().unwrap_or_default();
        self.types.is_empty() || self.types.iter().any(|own| own == instance_type || own == family)
    }

    /// Whether the template is named by its id.
    pub fn by_id(&self) -> bool {
        self.template.starts_with("lt-")
    }
}
