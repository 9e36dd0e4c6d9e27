//! Launching and ending without a group: `CreateFleet` (instant) and `TerminateInstances`.
//!
//! Source: EC2 API reference: client tokens are idempotent, partial success is usual, errors come by pool.

use super::machine::Order;
use super::{Account, Gone, Refused};
use crate::settings::NewGroup;
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

impl Account {
    /// `CreateFleet` of type `instant`.
    pub(crate) fn create_fleet(&mut self, fleet: &Fleet) -> Result<Launched, Refused> {
        let asked = format!("{:?}/{}/{}", fleet.pools, fleet.on_demand, fleet.spot);
        if let Some((before, launched)) = fleet.token.as_ref().and_then(|token| self.tokens.get(token)) {
            if *before != asked {
                return Err(Refused::new(
                    "IdempotentParameterMismatch",
                    "The client token was used with other parameters.",
                ));
            }
            return Ok(launched.clone());
        }
        let mut launched = Launched {
            fleet: self.id("fleet-"),
            ..Launched::default()
        };
        self.fill_fleet(fleet, (fleet.on_demand, false), &mut launched)?;
        self.fill_fleet(fleet, (fleet.spot, true), &mut launched)?;
        if let Some(token) = &fleet.token {
            self.tokens.insert(token.clone(), (asked, launched.clone()));
        }
        Ok(launched)
    }

    /// So many of one purchase, from the cheapest pools that have any.
    fn fill_fleet(
        &mut self,
        fleet: &Fleet,
        (count, spot): (u32, bool),
        launched: &mut Launched,
    ) -> Result<(), Refused> {
        let mut pools: Vec<&Pool> = fleet.pools.iter().collect();
        let price = |pool: &&Pool| {
            let info = self.settings.types.get(&pool.instance_type);
            info.and_then(|t| if spot { t.spot } else { Some(t.on_demand) })
                .map_or(i64::MAX, |p| p.0)
        };
        pools.sort_by_key(price);
        let mut missing = count;
        for pool in pools {
            let (template, version) = self.template(&pool.template)?;
            while missing > 0 {
                let order = Order {
                    instance_type: &pool.instance_type,
                    zone: &pool.zone,
                    spot,
                    group: None,
                    template: (&template, version),
                };
                match self.launch_one(&order) {
                    Ok(id) => {
                        if let Some(machine) = self.machines.get_mut(&id) {
                            machine.tags.extend(fleet.tags.clone());
                        }
                        launched.instances.push(id);
                        missing -= 1;
                    }
                    Err(code) => {
                        launched
                            .errors
                            .push(Unfilled::new(code, &pool.instance_type, &pool.zone, spot));
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// The newest version of a template, by name or id.
    pub(crate) fn template(&self, named: &str) -> Result<(NewGroup, usize), Refused> {
        let found = self
            .templates
            .iter()
            .find(|(name, _)| *name == named || template_id(name) == named);
        let newest = found.and_then(|(_, versions)| versions.last().map(|v| (v.clone(), versions.len())));
        newest.ok_or_else(|| {
            let what = format!("The specified launch template, {named}, does not exist.");
            Refused::new("InvalidLaunchTemplateName.NotFoundException", what)
        })
    }

    /// Whether all of these instances are there; the first that is not is named.
    pub(crate) fn there(&self, ids: &[String]) -> Result<(), Refused> {
        for id in ids {
            let known = self.machines.get(id).filter(|m| m.visible <= self.now());
            if known.is_none() {
                let what = format!("The instance ID '{id}' does not exist");
                return Err(Refused::new("InvalidInstanceID.NotFound", what));
            }
        }
        Ok(())
    }

    /// `TerminateInstances`: state before and after of each. A group that had one of them fills the gap.
    pub(crate) fn terminate(&mut self, ids: &[String]) -> Result<Vec<String>, Refused> {
        self.there(ids)?;
        for id in ids {
            self.end(id, Gone::Named);
        }
        Ok(ids.to_vec())
    }
}

/// A stable id of a template, from its name.
pub(crate) fn template_id(name: &str) -> String {
    let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    format!("lt-0{hash:016x}")
}
