//! Calls that launch, end, detach and protect the instances of a group, and that suspend its processes.
//!
//! Not here: what the group does about it (`account`).

use super::activities::activity_row;
use super::parameters::{invalid, missing, needed};
use crate::account::{Account, Refused};
use crate::settings::subnet;
use crate::wire::form::Form;
use crate::wire::xml::{Element, el, leaf, list, texts};

/// What can be suspended (API reference, `ProcessType`).
const PROCESSES: [&str; 9] = [
    "Launch",
    "Terminate",
    "AddToLoadBalancer",
    "AlarmNotification",
    "AZRebalance",
    "HealthCheck",
    "InstanceRefresh",
    "ReplaceUnhealthy",
    "ScheduledActions",
];

pub(super) fn launch(account: &mut Account, form: &Form) -> Result<Vec<Element>, Refused> {
    let name = needed(form, "AutoScalingGroupName")?;
    let count = form
        .number("RequestedCapacity")
        .ok_or_else(|| missing("RequestedCapacity"))?;
    let zones = form.values("AvailabilityZones");
    if zones.len() > 1 {
        return Err(Refused::new(
            "ValidationError",
            "LaunchInstances takes one Availability Zone",
        ));
    }
    let token = form.text("ClientToken");
    let launched = account.launch_instances(&name, count, zones.first().map(String::as_str), token)?;
    let market = |spot: bool| if spot { "spot" } else { "on-demand" };
    let machines = launched
        .instances
        .iter()
        .filter_map(|id| account.machines.get(id));
    let collections = machines.map(|m| {
        vec![
            leaf("InstanceType", &m.instance_type),
            leaf("MarketType", market(m.spot)),
            leaf("SubnetId", subnet(&m.zone)),
            leaf("AvailabilityZone", &m.zone),
            texts("InstanceIds", "member", [&m.id]),
        ]
    });
    let errors = launched.errors.iter().map(|e| {
        vec![
            leaf("InstanceType", &e.instance_type),
            leaf("MarketType", market(e.spot)),
            leaf("AvailabilityZone", &e.zone),
            leaf("ErrorCode", &e.code),
            leaf("ErrorMessage", e.message()),
        ]
    });
    let mut result = vec![
        leaf("AutoScalingGroupName", &name),
        list("Instances", "member", collections),
        list("Errors", "member", errors),
    ];
    result.extend(token.map(|token| leaf("ClientToken", token)));
    Ok(result)
}

pub(super) fn terminate(account: &mut Account, form: &Form) -> Result<Vec<Element>, Refused> {
    let one = form.text("InstanceId").map(str::to_owned);
    let single = one.is_some();
    if !single && !account.settings.batches {
        return Err(missing("instanceId"));
    }
    let ids = one.map_or_else(|| form.values("InstanceIds"), |id| vec![id]);
    let done = account.terminate_in_group(&ids, form.flag("ShouldDecrementDesiredCapacity"))?;
    let group = form.text("AutoScalingGroupName").unwrap_or_default();
    let rows = done.iter().map(|activity| activity_row(group, activity));
    Ok(if single {
        rows.take(1).map(|row| el("Activity", row)).collect()
    } else {
        vec![list("Activities", "member", rows)]
    })
}

pub(super) fn detach(account: &mut Account, form: &Form) -> Result<Vec<Element>, Refused> {
    let name = needed(form, "AutoScalingGroupName")?;
    let group = account.group(&name)?;
    let (min, desired) = (group.min, group.desired);
    let Some(decrement) = form.text("ShouldDecrementDesiredCapacity") else {
        return Err(missing("shouldDecrementDesiredCapacity"));
    };
    let (ids, decrement) = (form.values("InstanceIds"), decrement == "true");
    for id in &ids {
        let machine = account.machines.get(id);
        if machine.is_none_or(|m| m.group.as_deref() != Some(&name)) {
            return Err(invalid(format!(
                "The instance {id} is not part of Auto Scaling group {name}."
            )));
        }
    }
    let fewer = u32::try_from(ids.len()).unwrap_or(u32::MAX);
    if decrement && desired.saturating_sub(fewer) < min {
        return Err(invalid(format!(
            "The specified instances cannot be detached: desired capacity would be below min size {min}."
        )));
    }
    for id in &ids {
        if let Some(machine) = account.machines.get_mut(id) {
            machine.group = None;
        }
    }
    if decrement {
        account.group_mut(&name)?.desired -= fewer;
    } else {
        account.set_desired(&name, desired)?;
    }
    Ok(vec![list("Activities", "member", Vec::<Vec<Element>>::new())])
}

/// `SetInstanceProtection`: of all that are named, or of none.
pub(super) fn protect(account: &mut Account, name: &str, form: &Form) -> Result<(), Refused> {
    account.group(name)?;
    let ids = form.values("InstanceIds");
    for id in &ids {
        let machine = account.machines.get(id);
        if machine.is_none_or(|m| m.group.as_deref() != Some(name)) {
            return Err(invalid(format!(
                "The instance {id} is not part of Auto Scaling group {name}."
            )));
        }
    }
    for id in &ids {
        if let Some(machine) = account.machines.get_mut(id) {
            machine.protected = form.flag("ProtectedFromScaleIn");
        }
    }
    Ok(())
}

pub(super) fn suspend(account: &mut Account, name: &str, form: &Form, on: bool) -> Result<(), Refused> {
    let named = form.values("ScalingProcesses");
    let processes = if named.is_empty() {
        PROCESSES.map(str::to_owned).to_vec()
    } else {
        named
    };
    if let Some(other) = processes.iter().find(|name| !PROCESSES.contains(&name.as_str())) {
        return Err(invalid(format!("Invalid process name: {other}")));
    }
    let group = account.group_mut(name)?;
    for process in processes {
        if on {
            group.suspended.insert(process);
        } else {
            group.suspended.remove(&process);
        }
    }
    Ok(())
}
