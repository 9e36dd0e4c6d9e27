//! EC2 Auto Scaling on the wire (query protocol, 2011-01-01).
//!
//! Not here: what calls do (`account::groups`).

mod activities;
mod groups;
mod hooks;
mod instances;
mod made;
mod parameters;

use super::answer::{Answer, query_answer};
use super::call::{Call, unknown};
use super::xml::{Element, el};
use crate::account::{Account, Refused};
use parameters::{missing, needed, size};

const NAMESPACE: &str = "http://autoscaling.amazonaws.com/doc/2011-01-01/";

pub(super) fn answer(account: &mut Account, call: &Call) -> Result<Answer, Refused> {
    let result = el(format!("{}Result", call.action), result(account, call)?);
    Ok(query_answer(&call.action, NAMESPACE, result))
}

fn result(account: &mut Account, call: &Call) -> Result<Vec<Element>, Refused> {
    let form = &call.form;
    let name = || needed(form, "AutoScalingGroupName");
    match call.action.as_str() {
        "DescribeAutoScalingGroups" => return groups::describe(account, form),
        "DescribeScalingActivities" => return activities::activities(account, form),
        "DescribeLifecycleHooks" => return hooks::hooks(account, &name()?),
        "DescribeWarmPool" => return groups::warm_pool(account, &name()?),
        "LaunchInstances" => return instances::launch(account, form),
        "TerminateInstanceInAutoScalingGroup" => return instances::terminate(account, form),
        "DetachInstances" => return instances::detach(account, form),
        "SetDesiredCapacity" => {
            let desired = size(form, "DesiredCapacity")?.ok_or_else(|| missing("desiredCapacity"))?;
            account.set_desired(&name()?, desired)?;
        }
        "CreateAutoScalingGroup" => made::create(account, form)?,
        "UpdateAutoScalingGroup" => made::update(account, form)?,
        "SuspendProcesses" | "ResumeProcesses" => {
            instances::suspend(account, &name()?, form, call.action == "SuspendProcesses")?;
        }
        "SetInstanceProtection" => instances::protect(account, &name()?, form)?,
        "PutWarmPool" => groups::put_warm_pool(account, form)?,
        "DeleteWarmPool" => account.delete_warm_pool(&name()?)?,
        "PutLifecycleHook" => hooks::put(account, &name()?, form)?,
        "DeleteLifecycleHook" => hooks::delete(account, form)?,
        "CompleteLifecycleAction" => hooks::complete(account, form)?,
        "RecordLifecycleActionHeartbeat" => hooks::extend(account, form)?,
        _ => return Err(unknown(call)),
    }
    Ok(Vec::new())
}
