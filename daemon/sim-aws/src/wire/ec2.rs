//! EC2 on the wire (ec2 protocol, 2016-11-15).
//!
//! Not here: what calls do (`account::fleet`).

use super::autoscaling::{subnet, time};
use super::form::Form;
use super::xml::{Element, el, leaf, list, texts};
use super::{Answer, Call, unknown};
use crate::account::{Account, Fleet, Machine, Refused, template_id};
use crate::catalogue::TypeInfo;
use crate::settings::NewGroup;
use base64::Engine as _;
use std::collections::BTreeMap;

const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";
/// Rows of a page where none is asked for.
const PAGE: usize = 1000;

pub(super) fn answer(account: &mut Account, call: &Call) -> Result<Answer, Refused> {
    let form = &call.form;
    let mut result = match call.action.as_str() {
        "DescribeInstances" => instances(account, form)?,
        "DescribeInstanceTypes" => instance_types(account, form)?,
        "DescribeInstanceTypeOfferings" => offerings(account, form),
        "DescribeSpotPriceHistory" => spot_prices(account, form),
        "DescribeLaunchTemplates" => templates(account, form)?,
        "DescribeLaunchTemplateVersions" => template_versions(account, form)?,
        "DescribeSubnets" => subnets(account),
        "DescribeAvailabilityZones" => zones(account),
        "CreateLaunchTemplate" | "CreateLaunchTemplateVersion" => create_template(account, form)?,
        "CreateFleet" => create_fleet(account, form)?,
        "TerminateInstances" => terminate(account, form)?,
        "CreateTags" => {
            create_tags(account, form);
            vec![leaf("return", true)]
        }
        _ => return Err(unknown(call)),
    };
    result.insert(0, leaf("requestId", "00000000-0000-0000-0000-000000000000"));
    let root = el(format!("{}Response", call.action), result).with("xmlns", NAMESPACE);
    Ok(Answer::xml(200, &root))
}

/// Filters by name.
fn filters(form: &Form) -> BTreeMap<String, Vec<String>> {
    let of = |filter: &Form| Some((filter.text("Name")?.to_owned(), filter.values("Value")));
    form.items("Filter").iter().filter_map(of).collect()
}

/// One page of rows, each with the key that pages are cut by, and the token of the next.
fn page<T>(rows: Vec<(String, T)>, form: &Form) -> (Vec<T>, Option<String>) {
    let size = form.number("MaxResults").map_or(PAGE, |n| n.max(5) as usize);
    let from = form.text("NextToken").unwrap_or_default().to_owned();
    let mut left = rows.into_iter().filter(|(key, _)| from.is_empty() || *key > from);
    let taken: Vec<(String, T)> = left.by_ref().take(size).collect();
    let next = left.next().and_then(|_| taken.last().map(|(key, _)| key.clone()));
    (taken.into_iter().map(|(_, row)| row).collect(), next)
}

fn paged(name: &str, rows: Vec<(String, Vec<Element>)>, form: &Form) -> Vec<Element> {
    let (rows, next) = page(rows, form);
    let mut result = vec![list(name, "item", rows)];
    result.extend(next.map(|token| leaf("nextToken", token)));
    result
}

fn instances(account: &Account, form: &Form) -> Result<Vec<Element>, Refused> {
    let visible = |id: &String| account.machines.get(id).filter(|m| m.visible <= account.now());
    let named = form.values("InstanceId");
    for id in &named {
        if visible(id).is_none() {
            let what = format!("The instance ID '{id}' does not exist");
            return Err(Refused::new("InvalidInstanceID.NotFound", what));
        }
    }
    let filters = filters(form);
    let wanted = |m: &&Machine| {
        (named.is_empty() || named.contains(&m.id))
            && m.visible <= account.now()
            && filters.iter().all(|f| holds(m, f))
    };
    let rows = account.machines.values().filter(wanted).map(|m| {
        let row = vec![
            leaf("reservationId", "r-0"),
            list("instancesSet", "item", [instance(account, m)]),
        ];
        (m.id.clone(), row)
    });
    Ok(paged("reservationSet", rows.collect(), form))
}

fn holds(machine: &Machine, (name, values): (&String, &Vec<String>)) -> bool {
    let is = |value: &str| values.iter().any(|v| v == value);
    match name.as_str() {
        "instance-state-name" => is(machine.state.wire().1),
        "instance-id" => is(&machine.id),
        "instance-type" => is(&machine.instance_type),
        "availability-zone" => is(&machine.zone),
        "tag-key" => values.iter().any(|key| machine.tags.contains_key(key)),
        other => other
            .strip_prefix("tag:")
            .is_some_and(|key| machine.tags.get(key).is_some_and(|v| is(v))),
    }
}

fn instance(account: &Account, machine: &Machine) -> Vec<Element> {
    let (code, state) = machine.state.wire();
    let mut tags = machine.tags.clone();
    if let Some(group) = &machine.group {
        tags.insert("aws:autoscaling:groupName".to_owned(), group.clone());
    }
    let (template, version) = &machine.template;
    tags.insert("aws:ec2launchtemplate:id".to_owned(), template_id(template));
    tags.insert("aws:ec2launchtemplate:version".to_owned(), version.to_string());
    let arch = account
        .settings
        .types
        .get(&machine.instance_type)
        .map_or("x86_64", |t| t.arch.as_str());
    let mut row = vec![
        leaf("instanceId", &machine.id),
        leaf("imageId", &machine.image),
        el("instanceState", vec![leaf("code", code), leaf("name", state)]),
        leaf("privateDnsName", &machine.dns),
        leaf("instanceType", &machine.instance_type),
        leaf("launchTime", time(machine.launched)),
        el(
            "placement",
            vec![
                leaf("availabilityZone", &machine.zone),
                leaf("tenancy", "default"),
            ],
        ),
        leaf("subnetId", subnet(&machine.zone)),
        leaf("architecture", arch),
        list(
            "tagSet",
            "item",
            tags.iter().map(|(k, v)| vec![leaf("key", k), leaf("value", v)]),
        ),
    ];
    if machine.spot {
        row.push(leaf("instanceLifecycle", "spot"));
    }
    row
}

fn instance_types(account: &Account, form: &Form) -> Result<Vec<Element>, Refused> {
    let named = form.values("InstanceType");
    if let Some(unknown) = named
        .iter()
        .find(|name| !account.settings.types.contains_key(*name))
    {
        let what = format!("The following supplied instance types do not exist: [{unknown}]");
        return Err(Refused::new("InvalidInstanceType", what));
    }
    let filters = filters(form);
    let wanted = |(name, _): &(&String, &TypeInfo)| {
        let listed = filters
            .get("instance-type")
            .is_none_or(|types| types.contains(name));
        (named.is_empty() || named.contains(name)) && listed
    };
    let rows = account
        .settings
        .types
        .iter()
        .filter(wanted)
        .map(|(name, info)| (name.clone(), type_row(name, info)));
    // 100 at most, whatever is asked for (EC2 API reference).
    Ok(paged("instanceTypeSet", rows.collect(), &capped(form)))
}

fn capped(form: &Form) -> Form {
    let most = form.number("MaxResults").unwrap_or(100).min(100);
    let token = form.text("NextToken").unwrap_or_default();
    Form::parse(format!("MaxResults={most}&NextToken={token}").as_bytes())
}

fn type_row(name: &str, info: &TypeInfo) -> Vec<Element> {
    let classes: &[&str] = if info.spot.is_some() {
        &["on-demand", "spot"]
    } else {
        &["on-demand"]
    };
    let card = vec![
        leaf("networkCardIndex", 0),
        leaf("maximumNetworkInterfaces", info.interfaces),
    ];
    let mut row = vec![
        leaf("instanceType", name),
        leaf("currentGeneration", true),
        texts("supportedUsageClasses", "item", classes),
        leaf("bareMetal", name.contains(".metal")),
        el(
            "processorInfo",
            vec![texts("supportedArchitectures", "item", [&info.arch])],
        ),
        el("vCpuInfo", vec![leaf("defaultVCpus", info.vcpu)]),
        el("memoryInfo", vec![leaf("sizeInMiB", info.memory_mib)]),
        el(
            "networkInfo",
            vec![
                leaf("maximumNetworkInterfaces", info.interfaces),
                leaf("maximumNetworkCards", 1),
                leaf("defaultNetworkCardIndex", 0),
                list("networkCards", "item", [card]),
                leaf("ipv4AddressesPerInterface", info.addresses),
            ],
        ),
    ];
    if info.gpus > 0 {
        let gpu = vec![
            leaf("name", "GPU"),
            leaf("manufacturer", "NVIDIA"),
            leaf("count", info.gpus),
        ];
        row.push(el("gpuInfo", vec![list("gpus", "item", [gpu])]));
    }
    row
}

fn sold_in<'a>(account: &'a Account, info: &'a TypeInfo) -> impl Iterator<Item = &'a crate::settings::Zone> {
    account
        .settings
        .zones
        .iter()
        .filter(|zone| info.zones.is_empty() || info.zones.contains(&zone.id))
}

fn offerings(account: &Account, form: &Form) -> Vec<Element> {
    let filters = filters(form);
    let by_id = form.text("LocationType") == Some("availability-zone-id");
    let mut rows = Vec::new();
    for (name, info) in &account.settings.types {
        if filters
            .get("instance-type")
            .is_some_and(|types| !types.contains(name))
        {
            continue;
        }
        for zone in sold_in(account, info) {
            let location = if by_id { &zone.id } else { &zone.name };
            let kind = if by_id {
                "availability-zone-id"
            } else {
                "availability-zone"
            };
            let row = vec![
                leaf("instanceType", name),
                leaf("locationType", kind),
                leaf("location", location),
            ];
            rows.push((format!("{name} {location}"), row));
        }
    }
    paged("instanceTypeOfferingSet", rows, form)
}

/// The present prices only, as `StartTime=now` gives them.
fn spot_prices(account: &Account, form: &Form) -> Vec<Element> {
    let named = form.values("InstanceType");
    let mut rows = Vec::new();
    for (name, info) in &account.settings.types {
        let Some(spot) = info.spot.filter(|_| named.is_empty() || named.contains(name)) else {
            continue;
        };
        for zone in sold_in(account, info) {
            let row = vec![
                leaf("availabilityZone", &zone.name),
                leaf("availabilityZoneId", &zone.id),
                leaf("instanceType", name),
                leaf("productDescription", "Linux/UNIX"),
                leaf(
                    "spotPrice",
                    format!("{}.{:09}", spot.0 / 1_000_000_000, spot.0 % 1_000_000_000),
                ),
                leaf("timestamp", time(account.now())),
            ];
            rows.push((format!("{name} {}", zone.name), row));
        }
    }
    paged("spotPriceHistorySet", rows, form)
}

/// By id or name; one that is not there is an error for all.
fn templates(account: &Account, form: &Form) -> Result<Vec<Element>, Refused> {
    let named = [form.values("LaunchTemplateId"), form.values("LaunchTemplateName")].concat();
    let all = || account.templates.keys().cloned().collect();
    let named: Vec<String> = if named.is_empty() { all() } else { named };
    let row = |name: &String| {
        let (newest, last) = account.template(name)?;
        let row = vec![
            leaf("launchTemplateId", template_id(&newest.name)),
            leaf("launchTemplateName", &newest.name),
            leaf("defaultVersionNumber", 1),
            leaf("latestVersionNumber", last),
        ];
        Ok((newest.name, row))
    };
    let rows: Result<Vec<_>, Refused> = named.iter().map(row).collect();
    Ok(paged("launchTemplates", rows?, form))
}

fn template_versions(account: &Account, form: &Form) -> Result<Vec<Element>, Refused> {
    let named = form
        .text("LaunchTemplateId")
        .or_else(|| form.text("LaunchTemplateName"));
    let named = named.ok_or_else(|| Refused::new("MissingParameter", "a launch template must be named"))?;
    let (newest, last) = account.template(named)?;
    let versions = account.templates.get(&newest.name).cloned().unwrap_or_default();
    let asked = form.values("LaunchTemplateVersion");
    let number = |version: &String| match version.as_str() {
        "$Latest" => Some(last),
        "$Default" => Some(1),
        other => other.parse::<usize>().ok().filter(|n| (1..=last).contains(n)),
    };
    let mut numbers: Vec<usize> = asked.iter().filter_map(number).collect();
    if asked.is_empty() {
        numbers = (1..=last).collect();
    }
    if numbers.is_empty() {
        let what = "Could not find the specified version for the launch template";
        return Err(Refused::new("InvalidLaunchTemplateId.VersionNotFound", what));
    }
    let resolved = form.text("ResolveAlias").is_some_and(|value| value == "true");
    let image = |made: &NewGroup| match &made.image_parameter {
        Some(parameter) if !resolved => format!("resolve:ssm:{parameter}"),
        _ => account.image(made),
    };
    let rows = numbers.into_iter().filter_map(|number| {
        let data = versions.get(number - 1)?;
        Some(version_row(data, number, image(data)))
    });
    Ok(vec![list("launchTemplateVersionSet", "item", rows)])
}

fn version_row(made: &NewGroup, number: usize, image: String) -> Vec<Element> {
    let mut data = vec![leaf("imageId", image), leaf("userData", user_data(made))];
    if made.types.len() == 1 {
        data.extend(made.types.first().map(|t| leaf("instanceType", t)));
    }
    vec![
        leaf("launchTemplateId", template_id(&made.name)),
        leaf("launchTemplateName", &made.name),
        leaf("versionNumber", number),
        leaf("defaultVersion", number == 1),
        el("launchTemplateData", data),
    ]
}

/// Kubelet flags as bootstrap scripts of EKS images get them, in base64.
fn user_data(made: &NewGroup) -> String {
    let labels: Vec<String> = made
        .node_labels
        .iter()
        .map(|(key, value)| format!("{key}={value}"))
        .collect();
    let mut flags = Vec::new();
    if !labels.is_empty() {
        flags.push(format!("--node-labels={}", labels.join(",")));
    }
    if !made.node_taints.is_empty() {
        flags.push(format!("--register-with-taints={}", made.node_taints.join(",")));
    }
    let script = format!(
        "#!/bin/bash\n/etc/eks/bootstrap.sh cluster --kubelet-extra-args '{}'\n",
        flags.join(" ")
    );
    base64::prelude::BASE64_STANDARD.encode(script)
}

fn subnets(account: &Account) -> Vec<Element> {
    let rows = account.settings.zones.iter().map(|zone| {
        vec![
            leaf("subnetId", subnet(&zone.name)),
            leaf("state", "available"),
            leaf("availabilityZone", &zone.name),
            leaf("availabilityZoneId", &zone.id),
            leaf("availableIpAddressCount", 4000),
        ]
    });
    vec![list("subnetSet", "item", rows)]
}

fn zones(account: &Account) -> Vec<Element> {
    let rows = account.settings.zones.iter().map(|zone| {
        vec![
            leaf("zoneName", &zone.name),
            leaf("zoneId", &zone.id),
            leaf("zoneState", "available"),
        ]
    });
    vec![list("availabilityZoneInfo", "item", rows)]
}

fn create_template(account: &mut Account, form: &Form) -> Result<Vec<Element>, Refused> {
    let named = form
        .text("LaunchTemplateName")
        .or_else(|| form.text("LaunchTemplateId"));
    let name = named
        .ok_or_else(|| Refused::new("MissingParameter", "LaunchTemplateName"))?
        .to_owned();
    let data = form.below("LaunchTemplateData");
    let made = NewGroup {
        types: data.text("InstanceType").map(str::to_owned).into_iter().collect(),
        ..NewGroup::of(&name, "")
    };
    let versions = account.templates.entry(name.clone()).or_default();
    versions.push(made);
    let row = vec![
        leaf("launchTemplateId", template_id(&name)),
        leaf("launchTemplateName", &name),
        leaf("latestVersionNumber", versions.len()),
    ];
    Ok(vec![el("launchTemplate", row)])
}

fn create_fleet(account: &mut Account, form: &Form) -> Result<Vec<Element>, Refused> {
    if form.text("Type") != Some("instant") {
        return Err(Refused::new(
            "InvalidParameterValue",
            "only fleets of type instant are kept here",
        ));
    }
    let config = form
        .items("LaunchTemplateConfigs")
        .into_iter()
        .next()
        .unwrap_or_default();
    let specification = config.below("LaunchTemplateSpecification");
    let template = specification
        .text("LaunchTemplateName")
        .or_else(|| specification.text("LaunchTemplateId"));
    let target = form.below("TargetCapacitySpecification");
    let zone_of = |o: &Form| {
        let subnet = o.text("SubnetId").and_then(|s| s.strip_prefix("subnet-"));
        o.text("AvailabilityZone").or(subnet).map(str::to_owned)
    };
    let pools = config.items("Overrides");
    let pools = pools
        .iter()
        .filter_map(|o| Some((o.text("InstanceType")?.to_owned(), zone_of(o)?)));
    let fleet = Fleet {
        token: form.text("ClientToken").map(str::to_owned),
        template: template.unwrap_or_default().to_owned(),
        pools: pools.collect(),
        count: target.number("TotalTargetCapacity").unwrap_or(0),
        spot: target.text("DefaultTargetCapacityType") == Some("spot"),
        tags: instance_tags(form),
    };
    let launched = account.create_fleet(&fleet)?;
    let lifecycle = if fleet.spot { "spot" } else { "on-demand" };
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
            leaf("lifecycle", lifecycle),
            texts("instanceIds", "item", [&m.id]),
            leaf("instanceType", &m.instance_type),
            leaf("availabilityZone", &m.zone),
        ]
    });
    let errors = launched.errors.iter().map(|e| {
        vec![
            named(&e.instance_type, &e.zone),
            leaf("lifecycle", lifecycle),
            leaf("errorCode", &e.code),
            leaf("errorMessage", e.message()),
        ]
    });
    Ok(vec![
        leaf("fleetId", "fleet-0"),
        list("errorSet", "item", errors),
        list("fleetInstanceSet", "item", rows),
    ])
}

fn pairs(tags: &[Form]) -> BTreeMap<String, String> {
    let pair = |tag: &Form| {
        Some((
            tag.text("Key")?.to_owned(),
            tag.text("Value").unwrap_or_default().to_owned(),
        ))
    };
    tags.iter().filter_map(pair).collect()
}

fn instance_tags(form: &Form) -> BTreeMap<String, String> {
    let specifications = form.items("TagSpecification");
    let of = specifications
        .iter()
        .find(|s| s.text("ResourceType") == Some("instance"));
    of.map(|s| pairs(&s.items("Tag"))).unwrap_or_default()
}

fn terminate(account: &mut Account, form: &Form) -> Result<Vec<Element>, Refused> {
    let ids = form.values("InstanceId");
    let before: Vec<_> = ids
        .iter()
        .map(|id| account.machines.get(id).map(|m| m.state.wire()))
        .collect();
    let done = account.terminate(&ids)?;
    let state =
        |name: &str, (code, state): (u16, &str)| el(name, vec![leaf("code", code), leaf("name", state)]);
    let rows = done.iter().zip(before).filter_map(|(id, before)| {
        let now = account.machines.get(id)?.state.wire();
        Some(vec![
            leaf("instanceId", id),
            state("currentState", now),
            state("previousState", before?),
        ])
    });
    Ok(vec![list("instancesSet", "item", rows)])
}

fn create_tags(account: &mut Account, form: &Form) {
    let tags = pairs(&form.items("Tag"));
    for id in form.values("ResourceId") {
        if let Some(machine) = account.machines.get_mut(&id) {
            machine.tags.extend(tags.clone());
        }
    }
}
