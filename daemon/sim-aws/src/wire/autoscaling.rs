//! EC2 Auto Scaling on the wire (query protocol, 2011-01-01).
//!
//! Not here: what calls do (`account::groups`).

mod made;

use super::form::Form;
use super::pages::{BadPage, Page};
use super::xml::{Element, el, leaf, list, texts};
use super::{Answer, Call, query_answer, unknown};
use crate::account::{Account, Activity, GroupState, Hook, Machine, Refused, WarmPool};
use model::{Instant, Span};

const NAMESPACE: &str = "http://autoscaling.amazonaws.com/doc/2011-01-01/";
/// Groups of a page, usually, and fewest and most that may be asked for.
const PAGE: (usize, (usize, usize)) = (50, (1, 100));
/// Activities of a page, likewise.
const ACTIVITIES: (usize, (usize, usize)) = (100, (1, 100));
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

pub(super) fn answer(account: &mut Account, call: &Call) -> Result<Answer, Refused> {
    let form = &call.form;
    let name = || needed(form, "AutoScalingGroupName");
    let result: Vec<Element> = match call.action.as_str() {
        "DescribeAutoScalingGroups" => describe(account, form)?,
        "DescribeScalingActivities" => activities(account, form)?,
        "DescribeLifecycleHooks" => hooks(account, &name()?)?,
        "SetDesiredCapacity" => {
            let desired = size(form, "DesiredCapacity")?.ok_or_else(|| missing("desiredCapacity"))?;
            account.set_desired(&name()?, desired)?;
            Vec::new()
        }
        "UpdateAutoScalingGroup" => {
            made::update(account, form)?;
            Vec::new()
        }
        "LaunchInstances" => launch(account, form)?,
        "TerminateInstanceInAutoScalingGroup" => terminate(account, form)?,
        "CreateAutoScalingGroup" => {
            made::create(account, form)?;
            Vec::new()
        }
        "SuspendProcesses" | "ResumeProcesses" => {
            suspend(account, &name()?, form, call.action == "SuspendProcesses")?;
            Vec::new()
        }
        "SetInstanceProtection" => {
            protect(account, &name()?, form)?;
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
            put_hook(account, &name()?, form)?;
            Vec::new()
        }
        "DeleteLifecycleHook" => {
            let hook = needed(form, "LifecycleHookName")?;
            if account.group_mut(&name()?)?.hooks.remove(&hook).is_none() {
                return Err(invalid(format!("No Lifecycle Hook found with name: {hook}")));
            }
            Vec::new()
        }
        "CompleteLifecycleAction" => {
            let (id, hook) = (needed(form, "InstanceId")?, needed(form, "LifecycleHookName")?);
            let result = needed(form, "LifecycleActionResult")?;
            account.complete_hook(&name()?, &id, (&hook, abandons(&result)?))?;
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

fn invalid(message: impl Into<String>) -> Refused {
    Refused::new("ValidationError", message)
}

/// A size that is given; one that is no whole number is refused.
fn size(form: &Form, key: &str) -> Result<Option<u32>, Refused> {
    let Some(text) = form.text(key) else {
        return Ok(None);
    };
    let number = text.parse().map_err(|_| {
        let what =
            format!("1 validation error detected: Value '{text}' at '{key}' failed to satisfy constraint");
        invalid(what)
    });
    number.map(Some)
}

fn page(form: &Form, bounds: (usize, (usize, usize))) -> Result<Page, Refused> {
    Page::asked(form.text("MaxRecords"), form.text("NextToken"), bounds).map_err(|bad| match bad {
        BadPage::Size { asked, bounds } => invalid(format!(
            "1 validation error detected: Value '{asked}' at 'maxRecords' failed to satisfy constraint: Member must have value between {} and {}",
            bounds.0, bounds.1
        )),
        BadPage::Token(token) => Refused::new("InvalidNextToken", format!("The token '{token}' is invalid.")),
    })
}

fn describe(account: &Account, form: &Form) -> Result<Vec<Element>, Refused> {
    let names = form.values("AutoScalingGroupNames");
    let mut filters: Vec<(String, Vec<String>)> = Vec::new();
    for filter in form.items("Filters") {
        let name = filter.text("Name").unwrap_or_default().to_owned();
        if !["tag-key", "tag-value"].contains(&name.as_str()) && !name.starts_with("tag:") {
            let what = "Allowed Filter types are: tag-key tag-value tag:<key>";
            return Err(invalid(format!("Filter type {name} is not correct. {what}")));
        }
        filters.push((name, filter.values("Values")));
    }
    let wanted = |group: &&GroupState| {
        (names.is_empty() || names.contains(&group.made.name)) && filters.iter().all(|f| matches(group, f))
    };
    let instances = form.text("IncludeInstances") != Some("false");
    let groups = account.groups.values().filter(wanted);
    let rows = groups.map(|group| (group.made.name.clone(), group)).collect();
    let (groups, next) = page(form, PAGE)?.of(rows);
    let rows = groups.into_iter().map(|group| row(account, group, instances));
    let mut found = vec![list("AutoScalingGroups", "member", rows)];
    found.extend(next.map(|token| leaf("NextToken", token)));
    Ok(found)
}

/// `SetInstanceProtection`: of all that are named, or of none.
fn protect(account: &mut Account, name: &str, form: &Form) -> Result<(), Refused> {
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

/// `PutLifecycleHook`: what is not given stays as it was.
fn put_hook(account: &mut Account, name: &str, form: &Form) -> Result<(), Refused> {
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
        leaf("AutoScalingGroupARN", arn(account, group)),
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
    row.push(template(group, &version));
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
fn template(group: &GroupState, version: &str) -> Element {
    let made = &group.made;
    let specification = |name: &str| {
        let id = crate::account::template_id(&group.template);
        el(
            name,
            vec![
                leaf("LaunchTemplateId", id),
                leaf("LaunchTemplateName", &group.template),
                leaf("Version", version),
            ],
        )
    };
    let divided = made.distribution();
    if made.types.len() == 1 && !made.spot && made.distribution.is_none() {
        return specification("LaunchTemplate");
    }
    let overrides = made.types.iter().map(|t| vec![leaf("InstanceType", t)]);
    let distribution = vec![
        leaf("OnDemandBaseCapacity", divided.on_demand_base),
        leaf("OnDemandPercentageAboveBaseCapacity", divided.on_demand_percent),
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

/// A group that is made again under its name has another one.
fn arn(account: &Account, group: &GroupState) -> String {
    let settings = &account.settings;
    format!(
        "arn:aws:autoscaling:{}:{}:autoScalingGroup:{:016x}:autoScalingGroupName/{}",
        settings.region, settings.account, group.created.0, group.made.name
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

fn activities(account: &Account, form: &Form) -> Result<Vec<Element>, Refused> {
    let name = form.text("AutoScalingGroupName");
    if let Some(name) = name {
        account.group(name)?;
    }
    let ids = form.values("ActivityIds");
    let groups = account
        .groups
        .values()
        .filter(|g| name.is_none_or(|n| g.made.name == n));
    let all = groups.flat_map(|g| g.activities.iter().map(|a| (g.made.name.as_str(), a)));
    let named: Vec<(&str, &Activity)> = all
        .filter(|(_, a)| ids.is_empty() || ids.contains(&a.id))
        .collect();
    if let Some(id) = ids.iter().find(|id| !named.iter().any(|(_, a)| a.id == **id)) {
        return Err(invalid(format!("Activity {id} is not valid.")));
    }
    // Newest first, also across pages.
    let newest_first = |activity: &Activity| format!("{:020}", i64::MAX - activity.at.0);
    let rows = named.into_iter().enumerate().map(|(at, row)| {
        let key = format!("{} {:08}", newest_first(row.1), u32::MAX as usize - at);
        (key, row)
    });
    let (rows, next) = page(form, ACTIVITIES)?.of(rows.collect());
    let rows = rows
        .into_iter()
        .map(|(group, activity)| activity_row(group, activity));
    let mut found = vec![list("Activities", "member", rows)];
    found.extend(next.map(|token| leaf("NextToken", token)));
    Ok(found)
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
            leaf(
                "GlobalTimeout",
                of.timeout.secs().saturating_mul(100).min(172_800),
            ),
            leaf("DefaultResult", if of.abandons { "ABANDON" } else { "CONTINUE" }),
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

fn suspend(account: &mut Account, name: &str, form: &Form, on: bool) -> Result<(), Refused> {
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

fn detach(account: &mut Account, form: &Form) -> Result<Vec<Element>, Refused> {
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
