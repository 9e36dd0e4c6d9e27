//! `CreateFleet` of type `instant`: what is asked for, and what came of it.
//!
//! Not here: launching (`account::fleet`).

use super::describe::invalid;
use super::tags::instance_tags;
use crate::account::{Account, Fleet, Pool, Refused};
use crate::wire::form::Form;
use crate::wire::xml::{Element, el, leaf, list, texts};

/// What a `CreateFleet` asks for.
pub(super) fn fleet(account: &Account, form: &Form) -> Result<Fleet, Refused> {
    if form.text("Type") != Some("instant") {
        return Err(invalid("only fleets of type instant are kept here"));
    }
    let configs = form.items("LaunchTemplateConfigs");
    if configs.is_empty() {
        let what = "The request must contain the parameter LaunchTemplateConfigs";
        return Err(Refused::new("MissingParameter", what));
    }
    let mut pools = Vec::new();
    for config in &configs {
        pools.extend(pools_of(account, config)?);
    }
    let (spot, on_demand) = targets(&form.below("TargetCapacitySpecification"))?;
    Ok(Fleet {
        token: form.text("ClientToken").map(str::to_owned),
        pools,
        on_demand,
        spot,
        tags: instance_tags(form),
    })
}

/// Spot and on-demand instances of a target capacity; what neither is named for is bought as usual.
fn targets(target: &Form) -> Result<(u32, u32), Refused> {
    let number = |key: &str| -> Result<Option<u32>, Refused> {
        let bad = |text: &str| invalid(format!("Value ({text}) for parameter {key} is invalid."));
        target
            .text(key)
            .map(|text| text.parse().map_err(|_| bad(text)))
            .transpose()
    };
    let total = number("TotalTargetCapacity")?;
    let total = total.ok_or_else(|| {
        Refused::new(
            "MissingParameter",
            "The request must contain the parameter TotalTargetCapacity",
        )
    })?;
    let usual = target.text("DefaultTargetCapacityType").unwrap_or("on-demand");
    if !["spot", "on-demand"].contains(&usual) {
        return Err(invalid(format!(
            "Value ({usual}) for parameter DefaultTargetCapacityType is invalid."
        )));
    }
    let (spot, on_demand) = (
        number("SpotTargetCapacity")?.unwrap_or(0),
        number("OnDemandTargetCapacity")?.unwrap_or(0),
    );
    let Some(rest) = total.checked_sub(spot.saturating_add(on_demand)) else {
        return Err(invalid(
            "The sum of SpotTargetCapacity and OnDemandTargetCapacity must not exceed TotalTargetCapacity",
        ));
    };
    Ok(if usual == "spot" {
        (spot + rest, on_demand)
    } else {
        (spot, on_demand + rest)
    })
}

/// Pools of one launch template configuration: its overrides, else the template's own type; where no zone is named, all.
fn pools_of(account: &Account, config: &Form) -> Result<Vec<Pool>, Refused> {
    let specification = config.below("LaunchTemplateSpecification");
    let template = specification
        .text("LaunchTemplateName")
        .or_else(|| specification.text("LaunchTemplateId"));
    let template = template.ok_or_else(|| {
        let what = "The request must contain a launch template for every configuration";
        Refused::new("MissingParameter", what)
    })?;
    let (made, _) = account.template(template)?;
    let own: Vec<String> = made
        .types
        .iter()
        .filter(|name| !name.is_empty())
        .cloned()
        .collect();
    let all: Vec<String> = account
        .settings
        .zones
        .iter()
        .map(|zone| zone.name.clone())
        .collect();
    let mut overrides = config.items("Overrides");
    if overrides.is_empty() {
        overrides.push(Form::default());
    }
    let mut pools = Vec::new();
    for one in &overrides {
        let types = one
            .text("InstanceType")
            .map_or_else(|| own.clone(), |name| vec![name.to_owned()]);
        if types.is_empty() {
            let what = "The request must contain an instance type, in an override or in the launch template";
            return Err(Refused::new("InvalidFleetConfiguration", what));
        }
        let subnet = one.text("SubnetId").and_then(|id| id.strip_prefix("subnet-"));
        let named = one.text("AvailabilityZone").or(subnet);
        let zones = named.map_or_else(|| all.clone(), |zone| vec![zone.to_owned()]);
        for instance_type in types {
            pools.extend(zones.iter().map(|zone| Pool {
                template: made.name.clone(),
                instance_type: instance_type.clone(),
                zone: zone.clone(),
            }));
        }
    }
    Ok(pools)
}

pub(super) fn create_fleet(account: &mut Account, fleet: &Fleet) -> Result<Vec<Element>, Refused> {
    let launched = account.create_fleet(fleet)?;
    let lifecycle = |spot: bool| leaf("lifecycle", if spot { "spot" } else { "on-demand" });
    let named = |t: &str, zone: &str| {
        let overrides = vec![leaf("instanceType", t), leaf("availabilityZone", zone)];
        el("launchTemplateAndOverrides", vec![el("overrides", overrides)])
    };
    let machines = launched
        .instances
        .iter()
        .filter_map(|id| account.machines.get(id));
    let rows = machines.map(|m| {
        vec![
            named(&m.instance_type, &m.zone),
            lifecycle(m.spot),
            texts("instanceIds", "item", [&m.id]),
            leaf("instanceType", &m.instance_type),
            leaf("availabilityZone", &m.zone),
        ]
    });
    let errors = launched.errors.iter().map(|e| {
        vec![
            named(&e.instance_type, &e.zone),
            lifecycle(e.spot),
            leaf("errorCode", &e.code),
            leaf("errorMessage", e.message()),
        ]
    });
    Ok(vec![
        leaf("fleetId", &launched.fleet),
        list("errorSet", "item", errors),
        list("fleetInstanceSet", "item", rows),
    ])
}
