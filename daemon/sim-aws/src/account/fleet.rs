//! Launching and ending without a group: `CreateFleet` (instant) and `TerminateInstances`.
//!
//! Source: EC2 API reference: client tokens are idempotent, partial success is usual, errors come by pool.

use super::instances::Order;
use super::launch::{Fleet, Launched, Pool, Unfilled};
use super::machine::Gone;
use super::{Account, Refused};
use crate::settings::NewGroup;
use model::fnv::fnv1a;

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
        self.fill_fleet(fleet, false, &mut launched)?;
        self.fill_fleet(fleet, true, &mut launched)?;
        if let Some(token) = &fleet.token {
            self.tokens.insert(token.clone(), (asked, launched.clone()));
        }
        Ok(launched)
    }

    /// What a fleet wants of one purchase (spot or on-demand), from the cheapest pools that have any.
    fn fill_fleet(&mut self, fleet: &Fleet, spot: bool, launched: &mut Launched) -> Result<(), Refused> {
        let mut missing = if spot { fleet.spot } else { fleet.on_demand };
        for pool in self.cheapest_first(fleet, spot) {
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

    fn cheapest_first<'f>(&self, fleet: &'f Fleet, spot: bool) -> Vec<&'f Pool> {
        let mut pools: Vec<&Pool> = fleet.pools.iter().collect();
        pools.sort_by_key(|pool| {
            let info = self.settings.types.get(&pool.instance_type);
            info.and_then(|t| if spot { t.spot } else { Some(t.on_demand) })
                .map_or(i64::MAX, |p| p.0)
        });
        pools
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
    format!("lt-0{:016x}", fnv1a(name.bytes()))
}
