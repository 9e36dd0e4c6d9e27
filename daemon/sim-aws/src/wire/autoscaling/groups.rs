//! Groups, their instances and their warm pools, as `Describe…` calls tell of them.
//!
//! Not here: their hooks and activities.

use super::parameters::{invalid, needed, page};
use crate::account::{Account, GroupState, Machine, Refused, template_id};
use crate::settings::{WarmPool, subnet};
use crate::wire::form::Form;
use crate::wire::pages::PageSize;
use crate::wire::xml::{Element, el, leaf, list, texts, time};

/// Groups of a page (API reference).
const PAGE: PageSize = PageSize {
    usual: 50,
    fewest: 1,
    most: 100,
};

pub(super) fn describe(account: &Account, form: &Form) -> Result<Vec<Element>, Refused> {
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
        (names.is_empty() || names.contains(&group.made.name))
            && filters.iter().all(|(name, values)| matches(group, name, values))
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

pub(super) fn warm_pool(account: &Account, name: &str) -> Result<Vec<Element>, Refused> {
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

fn matches(group: &GroupState, name: &str, values: &[String]) -> bool {
    match name {
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

/// `PutWarmPool`.
pub(super) fn put_warm_pool(account: &mut Account, form: &Form) -> Result<(), Refused> {
    let pool = WarmPool {
        min: form.number("MinSize").unwrap_or(0),
        prepared: form.number("MaxGroupPreparedCapacity"),
        running: form.text("PoolState") == Some("Running"),
    };
    account.put_warm_pool(&needed(form, "AutoScalingGroupName")?, pool)
}

/// A plain template for one on-demand type, a mixed instances policy otherwise.
fn template(group: &GroupState, version: &str) -> Element {
    let made = &group.made;
    let specification = |name: &str| {
        let id = template_id(&group.template);
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
                leaf("LaunchTemplateId", template_id(&machine.template.0)),
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
