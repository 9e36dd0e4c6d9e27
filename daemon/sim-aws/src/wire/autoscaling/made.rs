//! What groups are made and changed to: `CreateAutoScalingGroup` and `UpdateAutoScalingGroup`, all of it or nothing.
//!
//! Source: EC2 Auto Scaling API reference. Not here: sizes that are set and instances that are launched or ended.

use super::parameters::{invalid, missing, needed, size};
use crate::account::{Account, GroupState, Refused, ScalingConfig, check_bounds};
use crate::settings::{Distribution, NewGroup};
use crate::wire::form::Form;

/// `CreateAutoScalingGroup`: what is refused leaves nothing behind.
pub(super) fn create(account: &mut Account, form: &Form) -> Result<(), Refused> {
    let name = needed(form, "AutoScalingGroupName")?;
    if account.groups.contains_key(&name) {
        let what = format!(
            "AutoScalingGroup by this name already exists - A group with the name {name} already exists"
        );
        return Err(Refused::new("AlreadyExists", what));
    }
    let min = size(form, "MinSize")?.ok_or_else(|| missing("minSize"))?;
    let max = size(form, "MaxSize")?.ok_or_else(|| missing("maxSize"))?;
    let desired = size(form, "DesiredCapacity")?;
    check_bounds(min, max, desired)?;
    let (template, version) = template_named(form).ok_or_else(|| {
        invalid("Valid requests must contain either launchTemplate, launchConfigurationName or mixedInstancesPolicy parameter.")
    })?;
    let made = template_of(account, &template, version.as_deref())?;
    let policy = form.below("MixedInstancesPolicy");
    let types = types_of(account, &policy, &made)?;
    let zones = zones_named(account, form)?;
    if zones.is_empty() {
        return Err(invalid(
            "At least one Availability Zone or VPC Subnet is required.",
        ));
    }
    let tags = form.items("Tags");
    let pair = |tag: &Form| {
        Some((
            tag.text("Key")?.to_owned(),
            tag.text("Value").unwrap_or_default().to_owned(),
        ))
    };
    let group = NewGroup {
        name: name.clone(),
        types,
        zones,
        min,
        max,
        desired: 0,
        spot: false,
        distribution: distribution(&policy)?,
        tags: tags.iter().filter_map(pair).collect(),
        ..made
    };
    account.create_group_from(group, &template);
    account.use_template(&name, &template, version.as_deref())?;
    account.set_desired(&name, desired.unwrap_or(min))
}

/// The newest version of a template; refused where the version that is named is none of its own.
fn template_of(account: &Account, template: &str, version: Option<&str>) -> Result<NewGroup, Refused> {
    let (made, newest) = account.template(template)?;
    let numbered = version.filter(|version| !version.starts_with('$'));
    if numbered.is_some_and(|text| text.parse().map_or(true, |n: usize| n == 0 || n > newest)) {
        return Err(invalid(
            "You must use a valid fully-formed launch template. Could not find the version",
        ));
    }
    Ok(made)
}

/// Instance types of a group that is made: those of its policy, else that of its launch template.
fn types_of(account: &Account, policy: &Form, made: &NewGroup) -> Result<Vec<String>, Refused> {
    let overrides = overridden(account, policy)?;
    let types = if overrides.is_empty() {
        made.types.clone()
    } else {
        overrides
    };
    if types.is_empty() || types.iter().any(String::is_empty) {
        return Err(invalid(
            "You must use a valid fully-formed launch template. The request must contain the parameter InstanceType",
        ));
    }
    Ok(types)
}

/// `UpdateAutoScalingGroup`: nothing changes unless all of it may.
pub(super) fn update(account: &mut Account, form: &Form) -> Result<(), Refused> {
    let name = needed(form, "AutoScalingGroupName")?;
    account.group(&name)?;
    let sizes = ScalingConfig {
        min: size(form, "MinSize")?,
        max: size(form, "MaxSize")?,
        desired: size(form, "DesiredCapacity")?,
    };
    let zones = zones_named(account, form)?;
    let template = template_named(form);
    let policy = form.below("MixedInstancesPolicy");
    if let Some((template, _)) = &template {
        account.template(template)?;
    }
    let (divided, types) = (distribution(&policy)?, overridden(account, &policy)?);
    check_bounds_of(account.group(&name)?, sizes)?;
    if let Some((template, version)) = &template {
        account.use_template(&name, template, version.as_deref())?;
    }
    account.update_sizes(&name, sizes)?;
    let group = account.group_mut(&name)?;
    if !zones.is_empty() {
        group.zones = zones;
    }
    if !types.is_empty() {
        group.made.types = types;
    }
    group.made.distribution = divided.or(group.made.distribution);
    Ok(())
}

/// Zones by name and by subnet; each must be one of the account's.
fn zones_named(account: &Account, form: &Form) -> Result<Vec<String>, Refused> {
    let subnets = form.text("VPCZoneIdentifier").unwrap_or_default();
    let by_subnet = subnets.split(',').map(str::trim).filter(|id| !id.is_empty());
    let mut zones = form.values("AvailabilityZones");
    for id in by_subnet {
        let zone = id.strip_prefix("subnet-").unwrap_or_default();
        if !account.settings.zones.iter().any(|known| known.name == zone) {
            return Err(invalid(format!("The subnet ID '{id}' does not exist")));
        }
        if !zones.iter().any(|named| named == zone) {
            zones.push(zone.to_owned());
        }
    }
    let unknown = |zone: &&String| !account.settings.zones.iter().any(|known| known.name == **zone);
    match zones.iter().find(unknown) {
        Some(zone) => Err(invalid(format!(
            "One or more Availability Zones are invalid: {zone}"
        ))),
        None => Ok(zones),
    }
}

/// Checks bounds that are given against those that stay.
fn check_bounds_of(group: &GroupState, given: ScalingConfig) -> Result<(), Refused> {
    let (min, max) = (given.min.unwrap_or(group.min), given.max.unwrap_or(group.max));
    check_bounds(min, max, given.desired)
}

/// The launch template that a group names, plainly or in its policy, and the version.
fn template_named(form: &Form) -> Option<(String, Option<String>)> {
    let named = |f: &Form| {
        let name = f
            .text("LaunchTemplateName")
            .or_else(|| f.text("LaunchTemplateId"))?;
        Some((name.to_owned(), f.text("Version").map(str::to_owned)))
    };
    let mixed = form.below("MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification");
    named(&form.below("LaunchTemplate")).or_else(|| named(&mixed))
}

/// How a mixed instances policy divides its group; `None` where there is no policy.
fn distribution(policy: &Form) -> Result<Option<Distribution>, Refused> {
    if policy.is_empty() {
        return Ok(None);
    }
    let of = policy.below("InstancesDistribution");
    let percent = size(&of, "OnDemandPercentageAboveBaseCapacity")?.unwrap_or(100);
    if percent > 100 {
        return Err(invalid(format!(
            "OnDemandPercentageAboveBaseCapacity must be between 0 and 100, is {percent}"
        )));
    }
    Ok(Some(Distribution {
        on_demand_base: size(&of, "OnDemandBaseCapacity")?.unwrap_or(0),
        on_demand_percent: percent,
    }))
}

/// Instance types that a mixed instances policy names, in its order.
fn overridden(account: &Account, policy: &Form) -> Result<Vec<String>, Refused> {
    let overrides = policy.below("LaunchTemplate").items("Overrides");
    let types: Vec<String> = overrides
        .iter()
        .filter_map(|o| o.text("InstanceType").map(str::to_owned))
        .collect();
    // A type with a template of its own is launched by that of the group here.
    match types
        .iter()
        .find(|name| !account.settings.types.contains_key(*name))
    {
        Some(name) => Err(invalid(format!(
            "You must use a valid fully-formed launch template. Invalid instance type: {name}"
        ))),
        None => Ok(types),
    }
}
