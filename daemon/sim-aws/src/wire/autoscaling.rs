//! EC2 Auto Scaling on the wire (query protocol, 2011-01-01).
//!
//! Not here: what calls do (`account::groups`).

use super::form::Form;
use super::xml::{Element, el, leaf, list, texts};
use super::{Answer, Call, query_answer, unknown};
use crate::account::{Account, Activity, GroupState, Hook, Machine, Refused, WarmPool};
use crate::settings::NewGroup;
use model::{Instant, Span};

const NAMESPACE: &str = "http://autoscaling.amazonaws.com/doc/2011-01-01/";
/// Groups of a page, usually and at most.
const PAGE: (usize, usize) = (50, 100);

pub(super) fn answer(account: &mut Account, call: &Call) -> Result<Answer, Refused> {
    let form = &call.form;
    let name = || needed(form, "AutoScalingGroupName");
    let result: Vec<Element> = match call.action.as_str() {
        "DescribeAutoScalingGroups" => describe(account, form),
        "DescribeScalingActivities" => activities(account, form),
        "DescribeLifecycleHooks" => hooks(account, &name()?)?,
        "SetDesiredCapacity" => {
            let desired = form
                .number("DesiredCapacity")
                .ok_or_else(|| missing("DesiredCapacity"))?;
            account.set_desired(&name()?, desired)?;
            Vec::new()
        }
        "UpdateAutoScalingGroup" => {
            let bounds = (
                form.number("MinSize"),
                form.number("MaxSize"),
                form.number("DesiredCapacity"),
            );
            account.update_bounds(&name()?, bounds)?;
            Vec::new()
        }
        "LaunchInstances" => launch(account, form)?,
        "TerminateInstanceInAutoScalingGroup" => terminate(account, form)?,
        "CreateAutoScalingGroup" => {
            create(account, form)?;
            Vec::new()
        }
        "SuspendProcesses" | "ResumeProcesses" => {
            suspend(account, &name()?, form, call.action == "SuspendProcesses")?;
            Vec::new()
        }
        "SetInstanceProtection" => {
            for id in form.values("InstanceIds") {
                if let Some(machine) = account.machines.get_mut(&id) {
                    machine.protected = form.flag("ProtectedFromScaleIn");
                }
            }
            Vec::new()
        }
        "DescribeWarmPool" => warm_pool(account, &name()?)?,
        "PutWarmPool" => {
            let pool = WarmPool {
                min: form.number("MinSize").unwrap_or(0),
                prepared: form.number("MaxGroupPreparedCapacity"),
                running: form.text("PoolState") == Some("Running"),
            };
            account.put_warm_pool(&name()?, pool)?;
            Vec::new()
        }
        "DeleteWarmPool" => {
            account.delete_warm_pool(&name()?)?;
            Vec::new()
        }
        "DetachInstances" => detach(account, form)?,
        "PutLifecycleHook" => {
            let hook = Hook {
                launching: form.text("LifecycleTransition") == Some("autoscaling:EC2_INSTANCE_LAUNCHING"),
                timeout: Span::from_secs(form.number("HeartbeatTimeout").map_or(3600, i64::from)),
            };
            let hook_name = needed(form, "LifecycleHookName")?;
            account.group_mut(&name()?)?.hooks.insert(hook_name, hook);
            Vec::new()
        }
        "CompleteLifecycleAction" => {
            let (id, hook) = (needed(form, "InstanceId")?, needed(form, "LifecycleHookName")?);
            account.complete_hook(&name()?, &id, &hook)?;
            Vec::new()
        }
        "RecordLifecycleActionHeartbeat" => {
            let (id, hook) = (needed(form, "InstanceId")?, needed(form, "LifecycleHookName")?);
            account.extend_hook(&name()?, &id, &hook)?;
            Vec::new()
        }
        _ => return Err(unknown(call)),
    };
    let result = el(format!("{}Result", call.action), result);
    Ok(query_answer(&call.action, NAMESPACE, result))
}

fn needed(form: &Form, key: &str) -> Result<String, Refused> {
    form.text(key).map(str::to_owned).ok_or_else(|| missing(key))
}

fn missing(key: &str) -> Refused {
    Refused::new(
        "ValidationError",
        format!(
            "1 validation error detected: Value null at '{key}' failed to satisfy constraint: Member must not be null"
        ),
    )
}

fn describe(account: &Account, form: &Form) -> Vec<Element> {
    let names = form.values("AutoScalingGroupNames");
    let filters: Vec<(String, Vec<String>)> = form
        .items("Filters")
        .into_iter()
        .map(|filter| {
            (
                filter.text("Name").unwrap_or_default().to_owned(),
                filter.values("Values"),
            )
        })
        .collect();
    let wanted = |group: &&GroupState| {
        (names.is_empty() || names.contains(&group.made.name)) && filters.iter().all(|f| matches(group, f))
    };
    let instances = form.text("IncludeInstances") != Some("false");
    let size = form
        .number("MaxRecords")
        .map_or(PAGE.0, |n| (n as usize).min(PAGE.1));
    let from = form.text("NextToken").unwrap_or_default();
    let mut page: Vec<&GroupState> = account
        .groups
        .values()
        .filter(wanted)
        .filter(|g| g.made.name.as_str() > from || from.is_empty())
        .take(size + 1)
        .collect();
    let more = page.len() > size;
    page.truncate(size);
    let last = page.last().map(|group| group.made.name.clone());
    let rows = page.iter().map(|group| row(account, group, instances));
    let mut found = vec![list("AutoScalingGroups", "member", rows)];
    if let Some(last) = last.filter(|_| more) {
        found.push(leaf("NextToken", last));
    }
    found
}

fn matches(group: &GroupState, (name, values): &(String, Vec<String>)) -> bool {
    match name.as_str() {
        "tag-key" => values.iter().any(|key| group.tags.contains_key(key)),
        "tag-value" => values.iter().any(|value| group.tags.values().any(|v| v == value)),
        other => other
            .strip_prefix("tag:")
            .is_some_and(|key| group.tags.get(key).is_some_and(|v| values.contains(v))),
    }
}

fn row(account: &Account, group: &GroupState, instances: bool) -> Vec<Element> {
    let made = &group.made;
    let mut row = vec![
        leaf("AutoScalingGroupName", &made.name),
        leaf("AutoScalingGroupARN", arn(account, &made.name)),
        leaf("MinSize", group.min),
        leaf("MaxSize", group.max),
        leaf("DesiredCapacity", group.desired),
        leaf("DefaultCooldown", 300),
        texts("AvailabilityZones", "member", &group.zones),
        leaf("HealthCheckType", "EC2"),
        leaf("CreatedTime", time(group.created)),
        leaf(
            "VPCZoneIdentifier",
            group
                .zones
                .iter()
                .map(|zone| subnet(zone))
                .collect::<Vec<_>>()
                .join(","),
        ),
        list(
            "Tags",
            "member",
            group.tags.iter().map(|(key, value)| tag(&made.name, key, value)),
        ),
        list(
            "SuspendedProcesses",
            "member",
            group
                .suspended
                .iter()
                .map(|name| vec![leaf("ProcessName", name), leaf("SuspensionReason", "user")]),
        ),
    ];
    let version = if group.latest {
        "$Latest".to_owned()
    } else {
        group.version.to_string()
    };
    row.push(template(made, &version));
    row.extend(made.warm_pool.map(prepares));
    if instances {
        let own = |m: &&Machine| {
            m.group.as_deref() == Some(made.name.as_str())
                && m.visible <= account.now()
                && !m.lifecycle.is_warmed()
        };
        let rows = account.machines.values().filter(own).map(instance);
        row.push(list("Instances", "member", rows));
    }
    row
}

fn prepares(pool: WarmPool) -> Element {
    let mut of = vec![
        leaf("MinSize", pool.min),
        leaf("PoolState", if pool.running { "Running" } else { "Stopped" }),
    ];
    of.extend(pool.prepared.map(|most| leaf("MaxGroupPreparedCapacity", most)));
    el("WarmPoolConfiguration", of)
}

fn warm_pool(account: &Account, name: &str) -> Result<Vec<Element>, Refused> {
    let pool = account.group(name)?.made.warm_pool;
    let warmed = account.warmed(name);
    let rows = warmed
        .iter()
        .filter_map(|id| account.machines.get(id))
        .map(instance);
    let mut found = vec![list("Instances", "member", rows)];
    found.extend(pool.map(prepares));
    Ok(found)
}

/// A plain template for one on-demand type, a mixed instances policy otherwise.
fn template(made: &NewGroup, version: &str) -> Element {
    let specification = |name: &str| {
        let id = crate::account::template_id(&made.name);
        el(
            name,
            vec![
                leaf("LaunchTemplateId", id),
                leaf("LaunchTemplateName", &made.name),
                leaf("Version", version),
            ],
        )
    };
    if made.types.len() == 1 && !made.spot {
        return specification("LaunchTemplate");
    }
    let overrides = made.types.iter().map(|t| vec![leaf("InstanceType", t)]);
    let distribution = vec![
        leaf("OnDemandBaseCapacity", 0),
        leaf(
            "OnDemandPercentageAboveBaseCapacity",
            if made.spot { 0 } else { 100 },
        ),
        leaf("SpotAllocationStrategy", "price-capacity-optimized"),
    ];
    let launch = vec![
        specification("LaunchTemplateSpecification"),
        list("Overrides", "member", overrides),
    ];
    el(
        "MixedInstancesPolicy",
        vec![
            el("LaunchTemplate", launch),
            el("InstancesDistribution", distribution),
        ],
    )
}

fn instance(machine: &Machine) -> Vec<Element> {
    vec![
        leaf("InstanceId", &machine.id),
        leaf("InstanceType", &machine.instance_type),
        leaf("AvailabilityZone", &machine.zone),
        leaf("LifecycleState", machine.lifecycle.wire()),
        leaf(
            "HealthStatus",
            if machine.healthy { "Healthy" } else { "Unhealthy" },
        ),
        leaf("ProtectedFromScaleIn", machine.protected),
        el(
            "LaunchTemplate",
            vec![
                leaf(
                    "LaunchTemplateId",
                    crate::account::template_id(&machine.template.0),
                ),
                leaf("LaunchTemplateName", &machine.template.0),
                leaf("Version", machine.template.1),
            ],
        ),
    ]
}

fn tag(group: &str, key: &str, value: &str) -> Vec<Element> {
    vec![
        leaf("ResourceId", group),
        leaf("ResourceType", "auto-scaling-group"),
        leaf("Key", key),
        leaf("Value", value),
        leaf("PropagateAtLaunch", true),
    ]
}

fn arn(account: &Account, group: &str) -> String {
    let settings = &account.settings;
    format!(
        "arn:aws:autoscaling:{}:{}:autoScalingGroup:00000000:autoScalingGroupName/{group}",
        settings.region, settings.account
    )
}

/// The one subnet of a zone.
pub(super) fn subnet(zone: &str) -> String {
    format!("subnet-{zone}")
}

/// An instant as XML writes it.
pub(super) fn time(at: Instant) -> String {
    jiff::Timestamp::from_millisecond(at.0)
        .map(|t| t.to_string())
        .unwrap_or_default()
}

fn activities(account: &Account, form: &Form) -> Vec<Element> {
    let name = form.text("AutoScalingGroupName");
    let groups = account
        .groups
        .values()
        .filter(|g| name.is_none_or(|n| g.made.name == n));
    let mut rows: Vec<(&str, &Activity)> = groups
        .flat_map(|g| g.activities.iter().map(|a| (g.made.name.as_str(), a)))
        .collect();
    rows.sort_by_key(|(_, activity)| std::cmp::Reverse(activity.at));
    let most = form.number("MaxRecords").map_or(100, |n| n.min(100)) as usize;
    let rows = rows
        .into_iter()
        .take(most)
        .map(|(group, activity)| activity_row(group, activity));
    vec![list("Activities", "member", rows)]
}

fn activity_row(group: &str, activity: &Activity) -> Vec<Element> {
    let mut row = vec![
        leaf("ActivityId", &activity.id),
        leaf("AutoScalingGroupName", group),
        leaf("Description", &activity.description),
        leaf("Cause", &activity.cause),
        leaf("StartTime", time(activity.at)),
        leaf("EndTime", time(activity.at)),
        leaf("StatusCode", activity.status),
        leaf("Progress", 100),
    ];
    row.extend(
        activity
            .message
            .as_ref()
            .map(|message| leaf("StatusMessage", message)),
    );
    row
}

fn hooks(account: &Account, name: &str) -> Result<Vec<Element>, Refused> {
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
        ]
    });
    Ok(vec![list("LifecycleHooks", "member", rows)])
}

fn launch(account: &mut Account, form: &Form) -> Result<Vec<Element>, Refused> {
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
    let launched = account.launch_instances(&name, (count, zones.first().map(String::as_str)), token)?;
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

fn terminate(account: &mut Account, form: &Form) -> Result<Vec<Element>, Refused> {
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

fn create(account: &mut Account, form: &Form) -> Result<(), Refused> {
    let name = needed(form, "AutoScalingGroupName")?;
    if account.groups.contains_key(&name) {
        return Err(Refused::new(
            "AlreadyExists",
            format!("AutoScalingGroup by this name already exists: {name}"),
        ));
    }
    let plain = form.below("LaunchTemplate");
    let mixed = form.below("MixedInstancesPolicy.LaunchTemplate");
    let named = |f: &Form| {
        f.text("LaunchTemplateName")
            .or_else(|| f.text("LaunchTemplateId"))
            .map(str::to_owned)
    };
    let template = named(&plain).or_else(|| named(&mixed.below("LaunchTemplateSpecification")));
    let (made, _) = account.template(&template.ok_or_else(|| missing("LaunchTemplate"))?)?;
    let overrides: Vec<String> = mixed
        .items("Overrides")
        .iter()
        .filter_map(|o| o.text("InstanceType").map(str::to_owned))
        .collect();
    let share = form.number("MixedInstancesPolicy.InstancesDistribution.OnDemandPercentageAboveBaseCapacity");
    let (min, max) = (
        form.number("MinSize").unwrap_or(0),
        form.number("MaxSize").unwrap_or(0),
    );
    let tags = form.items("Tags");
    let pair = |tag: &Form| {
        Some((
            tag.text("Key")?.to_owned(),
            tag.text("Value").unwrap_or_default().to_owned(),
        ))
    };
    let group = NewGroup {
        name: name.clone(),
        types: if overrides.is_empty() {
            made.types.clone()
        } else {
            overrides
        },
        zones: form.values("AvailabilityZones"),
        min,
        max,
        desired: 0,
        spot: share == Some(0),
        tags: tags.iter().filter_map(pair).collect(),
        ..made
    };
    account.create_group(group);
    let desired = form.number("DesiredCapacity").unwrap_or(min);
    account.set_desired(&name, desired)
}

fn suspend(account: &mut Account, name: &str, form: &Form, on: bool) -> Result<(), Refused> {
    const ALL: [&str; 9] = [
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
    let named = form.values("ScalingProcesses");
    let processes = if named.is_empty() {
        ALL.map(str::to_owned).to_vec()
    } else {
        named
    };
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

fn detach(account: &mut Account, form: &Form) -> Result<Vec<Element>, Refused> {
    let name = needed(form, "AutoScalingGroupName")?;
    let mut gone = 0;
    for id in form.values("InstanceIds") {
        if let Some(machine) = account
            .machines
            .get_mut(&id)
            .filter(|m| m.group.as_deref() == Some(&name))
        {
            machine.group = None;
            gone += 1;
        }
    }
    let group = account.group_mut(&name)?;
    if form.flag("ShouldDecrementDesiredCapacity") {
        group.desired = group.desired.saturating_sub(gone);
    }
    Ok(vec![list("Activities", "member", Vec::<Vec<Element>>::new())])
}
