//! Lifecycle hooks: told of and put.
//!
//! Not here: what instances do at them (`account::hooks`).

use super::parameters::{invalid, missing, needed, size};
use crate::account::{Account, Hook, Refused};
use crate::wire::form::Form;
use crate::wire::xml::{Element, leaf, list};
use model::Span;

pub(super) fn hooks(account: &Account, name: &str) -> Result<Vec<Element>, Refused> {
    let group = account.group(name)?;
    let rows = group.hooks.iter().map(|(hook, of)| {
        let transition = if of.launching {
            "autoscaling:EC2_INSTANCE_LAUNCHING"
        } else {
            "autoscaling:EC2_INSTANCE_TERMINATING"
        };
        vec![
            leaf("LifecycleHookName", hook),
            leaf("AutoScalingGroupName", name),
            leaf("LifecycleTransition", transition),
            leaf("HeartbeatTimeout", of.timeout.secs()),
            leaf(
                "GlobalTimeout",
                of.timeout.secs().saturating_mul(100).min(172_800),
            ),
            leaf("DefaultResult", if of.abandons { "ABANDON" } else { "CONTINUE" }),
        ]
    });
    Ok(vec![list("LifecycleHooks", "member", rows)])
}

/// `PutLifecycleHook`: what is not given stays as it was.
pub(super) fn put(account: &mut Account, name: &str, form: &Form) -> Result<(), Refused> {
    let hook_name = needed(form, "LifecycleHookName")?;
    let before = account.group(name)?.hooks.get(&hook_name).cloned();
    let launching = match form.text("LifecycleTransition") {
        Some("autoscaling:EC2_INSTANCE_LAUNCHING") => true,
        Some("autoscaling:EC2_INSTANCE_TERMINATING") => false,
        Some(other) => return Err(invalid(format!("Invalid Lifecycle Transition: {other}"))),
        None => before
            .as_ref()
            .map(|hook| hook.launching)
            .ok_or_else(|| missing("lifecycleTransition"))?,
    };
    let timeout = match size(form, "HeartbeatTimeout")? {
        Some(secs) if (30..=7200).contains(&secs) => Span::from_secs(i64::from(secs)),
        Some(secs) => {
            return Err(invalid(format!(
                "Heartbeat timeout must be between 30 and 7200 seconds, is {secs}"
            )));
        }
        None => before.as_ref().map_or(Span::from_secs(3600), |hook| hook.timeout),
    };
    let abandons = match form.text("DefaultResult") {
        Some(result) => abandons(result)?,
        None => before.is_none_or(|hook| hook.abandons),
    };
    let hook = Hook {
        launching,
        timeout,
        abandons,
    };
    account.group_mut(name)?.hooks.insert(hook_name, hook);
    Ok(())
}

/// `DeleteLifecycleHook`.
pub(super) fn delete(account: &mut Account, form: &Form) -> Result<(), Refused> {
    let hook = needed(form, "LifecycleHookName")?;
    let name = needed(form, "AutoScalingGroupName")?;
    if account.group_mut(&name)?.hooks.remove(&hook).is_none() {
        return Err(invalid(format!("No Lifecycle Hook found with name: {hook}")));
    }
    Ok(())
}

/// `CompleteLifecycleAction`.
pub(super) fn complete(account: &mut Account, form: &Form) -> Result<(), Refused> {
    let (id, hook) = (needed(form, "InstanceId")?, needed(form, "LifecycleHookName")?);
    let result = needed(form, "LifecycleActionResult")?;
    let name = needed(form, "AutoScalingGroupName")?;
    account.complete_hook(&name, &id, &hook, abandons(&result)?)
}

/// `RecordLifecycleActionHeartbeat`.
pub(super) fn extend(account: &mut Account, form: &Form) -> Result<(), Refused> {
    let (id, hook) = (needed(form, "InstanceId")?, needed(form, "LifecycleHookName")?);
    let name = needed(form, "AutoScalingGroupName")?;
    account.extend_hook(&name, &id, &hook)
}

/// Whether a result of a lifecycle action is `ABANDON`.
fn abandons(result: &str) -> Result<bool, Refused> {
    match result {
        "ABANDON" => Ok(true),
        "CONTINUE" => Ok(false),
        other => Err(invalid(format!(
            "Lifecycle action result must be CONTINUE or ABANDON, is {other}"
        ))),
    }
}
