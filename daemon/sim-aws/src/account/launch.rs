//! What a fleet asks for, and what came of a launch.
//!
//! Not here: launching (`fleet`, `groups`, `instances`).

use std::collections::BTreeMap;

/// What came of a launch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Launched {
    /// Id of the fleet; none where a group launched.
    pub(crate) fleet: String,
    /// Ids of what came.
    pub(crate) instances: Vec<String>,
    /// What did not, by pool.
    pub(crate) errors: Vec<Unfilled>,
}

/// A pool that gave nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unfilled {
    /// Code.
    pub(crate) code: String,
    /// Instance type.
    pub(crate) instance_type: String,
    /// Zone.
    pub(crate) zone: String,
    /// Spot or on-demand.
    pub(crate) spot: bool,
}

impl Unfilled {
    pub(super) fn new(code: &str, instance_type: &str, zone: &str, spot: bool) -> Self {
        Self {
            code: code.to_owned(),
            instance_type: instance_type.to_owned(),
            zone: zone.to_owned(),
            spot,
        }
    }

    /// As AWS words it.
    pub(crate) fn message(&self) -> String {
        match self.code.as_str() {
            "InsufficientInstanceCapacity" => format!(
                "We currently do not have sufficient {} capacity in the Availability Zone you requested ({}).",
                self.instance_type, self.zone
            ),
            code => format!("{code}: {} in {}", self.instance_type, self.zone),
        }
    }
}

/// Where a fleet may launch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pool {
    /// Name of the launch template.
    pub(crate) template: String,
    /// Instance type.
    pub(crate) instance_type: String,
    /// Name of the zone.
    pub(crate) zone: String,
}

/// What a `CreateFleet` asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fleet {
    /// Idempotency token.
    pub(crate) token: Option<String>,
    /// Pools in order of preference; the cheapest is taken first.
    pub(crate) pools: Vec<Pool>,
    /// How many on-demand.
    pub(crate) on_demand: u32,
    /// How many spot.
    pub(crate) spot: u32,
    /// Tags of the instances.
    pub(crate) tags: BTreeMap<String, String>,
}
