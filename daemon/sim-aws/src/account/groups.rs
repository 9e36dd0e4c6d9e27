//! Auto Scaling groups: what calls do to them.
//!
//! Source: EC2 Auto Scaling API reference (bounds, `LaunchInstances`, targeted termination, lifecycle hooks). Not
//! here: what a group does by itself (`reconcile`).

use super::group_state::{Activity, GroupState, ScalingConfig};
use super::instances::Order;
use super::launch::{Launched, Unfilled};
use super::machine::{Gone, Lifecycle, Machine, MachineState};
use super::{Account, Refused};
use crate::settings::NewGroup;
use std::collections::BTreeMap;

/// Most instances of one `LaunchInstances` or of one batch to end.
const BATCH: usize = 100;
/// Activities that a group remembers.
const REMEMBERED: usize = 500;

impl Account {
    /// Makes a group with its launch template; instances to begin with are in service and have joined.
    pub fn create_group(&mut self, made: NewGroup) {
        self.templates
            .entry(made.name.clone())
            .or_insert_with(|| vec![made.clone()]);
        let template = made.name.clone();
        self.create_group_from(made, &template);
    }

    /// The same with a launch template that is there.
    pub(crate) fn create_group_from(&mut self, made: NewGroup, template: &str) {
        let all = || self.settings.zones.iter().map(|zone| zone.name.clone()).collect();
        let zones = if made.zones.is_empty() {
            all()
        } else {
            made.zones.clone()
        };
        let group = GroupState {
            template: template.to_owned(),
            min: made.min,
            max: made.max,
            desired: made.desired,
            zones,
            tags: made.tags.clone(),
            suspended: made.suspended.iter().cloned().collect(),
            hooks: BTreeMap::new(),
            version: 1,
            latest: false,
            created: self.now,
            activities: Vec::new(),
            failing: 0,
            made,
        };
        let (name, wanted) = (group.made.name.clone(), group.desired);
        self.groups.insert(name.clone(), group);
        for _ in 0..wanted {
            if let Ok(id) = self.launch_in(&name, None)
                && let Some(machine) = self.machines.get_mut(&id)
            {
                machine.state = MachineState::Running;
                machine.lifecycle = Lifecycle::InService;
                machine.visible = self.now;
                machine.joined = !machine.never_joins;
            }
        }
        self.keep_warm(&name);
    }

    /// Instances of a group that count towards its size.
    pub fn counted(&self, group: &str) -> u32 {
        let counts = |m: &&Machine| m.group.as_deref() == Some(group) && m.lifecycle.counts();
        u32::try_from(self.machines.values().filter(counts).count()).unwrap_or(u32::MAX)
    }

    pub(crate) fn group(&self, name: &str) -> Result<&GroupState, Refused> {
        self.groups.get(name).ok_or_else(|| no_group(name))
    }

    pub(crate) fn group_mut(&mut self, name: &str) -> Result<&mut GroupState, Refused> {
        self.groups.get_mut(name).ok_or_else(|| no_group(name))
    }

    /// `SetDesiredCapacity`.
    pub(crate) fn set_desired(&mut self, name: &str, desired: u32) -> Result<(), Refused> {
        let group = self.group_mut(name)?;
        if desired > group.max {
            return Err(invalid(format!(
                "New SetDesiredCapacity value {desired} is above max value {} for the AutoScalingGroup.",
                group.max
            )));
        }
        if desired < group.min {
            return Err(invalid(format!(
                "New SetDesiredCapacity value {desired} is below min value {} for the AutoScalingGroup.",
                group.min
            )));
        }
        group.desired = desired;
        self.react(name);
        Ok(())
    }

    /// `UpdateAutoScalingGroup`: bounds push the desired size along.
    pub(crate) fn update_sizes(&mut self, name: &str, given: ScalingConfig) -> Result<(), Refused> {
        let group = self.group_mut(name)?;
        let (min, max) = (given.min.unwrap_or(group.min), given.max.unwrap_or(group.max));
        check_bounds(min, max, given.desired)?;
        (group.min, group.max) = (min, max);
        group.desired = given.desired.unwrap_or(group.desired).clamp(min, max);
        self.react(name);
        Ok(())
    }

    /// `LaunchInstances`: one zone, ids and errors at once; desired rises by what came.
    pub(crate) fn launch_instances(
        &mut self,
        name: &str,
        count: u32,
        zone: Option<&str>,
        token: Option<&str>,
    ) -> Result<Launched, Refused> {
        let asked = format!("{name}/{count}/{}", zone.unwrap_or_default());
        if let Some((before, launched)) = token.and_then(|token| self.tokens.get(token)) {
            if *before != asked {
                return Err(Refused::new(
                    "IdempotentParameterMismatch",
                    "The client token was used with other parameters.",
                ));
            }
            return Ok(launched.clone());
        }
        let group = self.group(name)?;
        check_launch(group, count)?;
        let zone = zone.map(str::to_owned).or_else(|| group.zones.first().cloned());
        let mut launched = Launched::default();
        for _ in 0..count {
            match self.launch_in(name, zone.as_deref()) {
                Ok(id) => launched.instances.push(id),
                Err(unfilled) => {
                    launched.errors.push(unfilled);
                    break;
                }
            }
        }
        let came = u32::try_from(launched.instances.len()).unwrap_or(0);
        self.group_mut(name)?.desired += came;
        if let Some(token) = token {
            self.tokens.insert(token.to_owned(), (asked, launched.clone()));
        }
        Ok(launched)
    }

    /// `TerminateInstanceInAutoScalingGroup`, of one instance or of a batch of one group.
    pub(crate) fn terminate_in_group(
        &mut self,
        ids: &[String],
        decrement: bool,
    ) -> Result<Vec<Activity>, Refused> {
        if ids.is_empty() || ids.len() > BATCH {
            return Err(invalid(format!("between 1 and {BATCH} instances are wanted")));
        }
        // All of a batch is checked before any of it ends: what is refused leaves nothing behind.
        for (name, count) in self.by_group(ids)? {
            let group = self.group(&name)?;
            if decrement && group.desired < group.min.saturating_add(count) {
                return Err(invalid(format!(
                    "Currently, desiredSize equals minSize ({}). Terminating instance without replacement will violate group's min size constraint.",
                    group.min
                )));
            }
        }
        let mut activities = Vec::new();
        for id in ids {
            let Some(group) = self.machines.get(id).and_then(|m| m.group.clone()) else {
                continue;
            };
            let goes = self.machines.get(id).is_some_and(|m| m.lifecycle.counts());
            if decrement && goes {
                let group = self.group_mut(&group)?;
                group.desired = group.desired.saturating_sub(1);
            }
            let description = format!("Terminating EC2 instance: {id}");
            activities.push(self.note(&group, description, "user request", None));
            self.leave_group(id, Gone::Named);
        }
        Ok(activities)
    }

    /// How many of these instances each group has; the first that no group has is refused.
    fn by_group(&self, ids: &[String]) -> Result<BTreeMap<String, u32>, Refused> {
        let mut of: BTreeMap<String, u32> = BTreeMap::new();
        for id in ids {
            let machine = self
                .machines
                .get(id)
                .filter(|m| m.lives() && !m.lifecycle.is_warmed());
            let group = machine.and_then(|m| m.group.clone());
            let group = group.ok_or_else(|| {
                invalid(format!(
                    "Instance Id not found - No managed instance found for instance ID: {id}"
                ))
            })?;
            *of.entry(group).or_default() += 1;
        }
        Ok(of)
    }

    /// Launches one instance into a group: its first type that is to be had, in this zone or the emptiest.
    pub(super) fn launch_in(&mut self, name: &str, zone: Option<&str>) -> Result<String, Unfilled> {
        let Some(group) = self.groups.get(name) else {
            return Err(Unfilled::new("ValidationError", "", "", false));
        };
        let (zones, spot) = (self.zones_by_room(name, zone), self.next_is_spot(group));
        let versions = self.templates.get(&group.template).map_or(&[][..], Vec::as_slice);
        let version = if group.latest {
            versions.len().max(1)
        } else {
            group.version
        };
        let made = versions.get(version - 1);
        let template = (made.cloned().unwrap_or_else(|| group.made.clone()), version);
        let types = group.made.types.clone();
        let mut last = Unfilled::new("Unsupported", "", "", spot);
        for zone in &zones {
            for instance_type in &types {
                let order = Order {
                    instance_type,
                    zone,
                    spot,
                    group: Some(name),
                    template: (&template.0, template.1),
                };
                match self.launch_one(&order) {
                    Ok(id) => return Ok(id),
                    Err(code) => last = Unfilled::new(code, instance_type, zone, spot),
                }
            }
        }
        Err(last)
    }

    /// Lets a group launch from a template, by the version that is named: a number, `$Latest` or `$Default`.
    pub(crate) fn use_template(
        &mut self,
        name: &str,
        template: &str,
        version: Option<&str>,
    ) -> Result<(), Refused> {
        let (found, newest) = self.template(template)?;
        let number = match version {
            None | Some("$Default" | "$Latest") => Some(1),
            Some(text) => text.parse().ok().filter(|number| (1..=newest).contains(number)),
        };
        let number = number.ok_or_else(|| {
            invalid(format!(
                "You must use a valid fully-formed launch template. Could not find version {}",
                version.unwrap_or_default()
            ))
        })?;
        let group = self.group_mut(name)?;
        (group.template, group.version, group.latest) = (found.name, number, version == Some("$Latest"));
        Ok(())
    }

    /// How the next instance of a group is bought, so that its distribution holds.
    fn next_is_spot(&self, group: &GroupState) -> bool {
        let counts =
            |m: &&Machine| m.group.as_deref() == Some(group.made.name.as_str()) && m.lifecycle.counts();
        let (mut all, mut on_demand) = (1, 0);
        for machine in self.machines.values().filter(counts) {
            all += 1;
            on_demand += u32::from(!machine.spot);
        }
        on_demand >= group.made.distribution().on_demand_of(all)
    }

    /// Zones of a group, those with fewest instances first; only this one where it is named.
    fn zones_by_room(&self, name: &str, zone: Option<&str>) -> Vec<String> {
        if let Some(zone) = zone {
            return vec![zone.to_owned()];
        }
        let mut zones: Vec<(usize, String)> = self
            .by_zone(name)
            .into_iter()
            .map(|(zone, ids)| (ids.len(), zone))
            .collect();
        zones.sort();
        zones.into_iter().map(|(_, zone)| zone).collect()
    }

    /// Counted instances of a group by zone; zones without any included.
    pub(super) fn by_zone(&self, name: &str) -> BTreeMap<String, Vec<String>> {
        let zones = self.groups.get(name).map(|g| g.zones.clone()).unwrap_or_default();
        let mut by: BTreeMap<String, Vec<String>> =
            zones.into_iter().map(|zone| (zone, Vec::new())).collect();
        for machine in self.machines.values() {
            if machine.group.as_deref() == Some(name) && machine.lifecycle.counts() {
                by.entry(machine.zone.clone())
                    .or_default()
                    .push(machine.id.clone());
            }
        }
        by
    }

    pub(super) fn note(
        &mut self,
        group: &str,
        description: String,
        cause: &str,
        failed: Option<String>,
    ) -> Activity {
        let activity = Activity {
            id: self.id("activity-"),
            description,
            cause: format!("At {}: {cause}", self.now.0),
            status: if failed.is_some() { "Failed" } else { "Successful" },
            message: failed,
            at: self.now,
        };
        if let Some(group) = self.groups.get_mut(group) {
            group.activities.push(activity.clone());
            let surplus = group.activities.len().saturating_sub(REMEMBERED);
            group.activities.drain(..surplus);
        }
        activity
    }
}

/// What Auto Scaling asks of bounds and of a desired size that is given with them.
pub(crate) fn check_bounds(min: u32, max: u32, desired: Option<u32>) -> Result<(), Refused> {
    if min > max {
        return Err(invalid(format!(
            "Max bound, {max}, must be greater than or equal to min bound, {min}"
        )));
    }
    match desired {
        Some(desired) if !(min..=max).contains(&desired) => Err(invalid(format!(
            "Desired capacity:{desired} must be between the specified min size:{min} and max size:{max}"
        ))),
        _ => Ok(()),
    }
}

/// Why a group may not launch so many instances by `LaunchInstances` now, in the order in which AWS checks.
fn check_launch(group: &GroupState, count: u32) -> Result<(), Refused> {
    if count == 0 || count as usize > BATCH {
        return Err(invalid(format!(
            "RequestedCapacity must be between 1 and {BATCH}, is {count}"
        )));
    }
    if group.desired.saturating_add(count) > group.max {
        return Err(invalid(format!(
            "Requested capacity {count} would exceed the maximum size {} of the group",
            group.max
        )));
    }
    if group.suspended.contains("Launch") {
        return Err(Refused::new("ScalingActivityInProgress", "Launch is suspended"));
    }
    if group.made.warm_pool.is_some() {
        return Err(Refused::new(
            "UnsupportedOperation",
            "LaunchInstances is not supported for Auto Scaling groups with a warm pool",
        ));
    }
    Ok(())
}

pub(crate) fn invalid(message: String) -> Refused {
    Refused::new("ValidationError", message)
}

fn no_group(name: &str) -> Refused {
    invalid(format!("AutoScalingGroup name not found - no such group: {name}"))
}
