//! EC2 on the wire (ec2 protocol, 2016-11-15).
//!
//! A call with `DryRun` is checked like any other and changes nothing. Not here: what calls do (`account::fleet`).

mod standing;

use super::autoscaling::{subnet, time};
use super::form::Form;
use super::pages::{BadPage, Page};
use super::xml::{Element, el, leaf, list, texts};
use super::{Answer, Call, unknown};
use crate::account::{Account, Fleet, Machine, Pool, Refused, template_id};
use crate::catalogue::TypeInfo;
use crate::settings::NewGroup;
use base64::Engine as _;
use model::selector::glob;
use std::collections::BTreeMap;

const NAMESPACE: &str = "http://ec2.amazonaws.com/doc/2016-11-15/";
/// Rows of a page where none is asked for, and fewest and most that may be asked for.
const PAGE: (usize, (usize, usize)) = (1000, (5, 1000));
/// The same of instance types: 100 at most, whatever is asked for (EC2 API reference).
const TYPES_PAGE: (usize, (usize, usize)) = (100, (5, 100));
/// The same of launch templates and their versions.
const TEMPLATES_PAGE: (usize, (usize, usize)) = (200, (1, 200));

pub(super) fn answer(account: &mut Account, call: &Call) -> Result<Answer, Refused> {
    let form = &call.form;
    let act = !form.flag("DryRun");
    let mut result = match call.action.as_str() {
        "DescribeInstances" => instances(account, form)?,
        "DescribeInstanceStatus" => standing::statuses(account, form)?,
        "DescribeSpotInstanceRequests" => standing::spot_requests(account, form)?,
        "DescribeInstanceTypes" => instance_types(account, form)?,
        "DescribeInstanceTypeOfferings" => offerings(account, form)?,
        "DescribeSpotPriceHistory" => spot_prices(account, form)?,
        "DescribeLaunchTemplates" => templates(account, form)?,
        "DescribeLaunchTemplateVersions" => template_versions(account, form)?,
        "DescribeSubnets" => subnets(account),
        "DescribeAvailabilityZones" => zones(account),
        "CreateLaunchTemplate" | "CreateLaunchTemplateVersion" => {
            let made = new_template(account, form, call.action == "CreateLaunchTemplateVersion")?;
            if act {
                create_template(account, made)
            } else {
                Vec::new()
            }
        }
        "CreateFleet" => {
            let fleet = fleet(account, form)?;
            if act {
                create_fleet(account, &fleet)?
            } else {
                Vec::new()
            }
        }
        "TerminateInstances" => {
            account.there(&form.values("InstanceId"))?;
            if act {
                terminate(account, form)?
            } else {
                Vec::new()
            }
        }
        "CreateTags" => {
            account.there(&form.values("ResourceId"))?;
            if act {
                create_tags(account, form);
            }
            vec![leaf("return", true)]
        }
        _ => return Err(unknown(call)),
    };
    if !act {
        let what = "Request would have succeeded, but DryRun flag is set.";
        return Err(Refused::new("DryRunOperation", what));
    }
    result.insert(0, leaf("requestId", "00000000-0000-0000-0000-000000000000"));
    let root = el(format!("{}Response", call.action), result).with("xmlns", NAMESPACE);
    Ok(Answer::xml(200, &root))
}

/// Filters by name; one that the call does not have is refused. A name that ends in `:` stands for all that begin so.
fn filters(form: &Form, known: &[&str]) -> Result<BTreeMap<String, Vec<String>>, Refused> {
    let mut filters = BTreeMap::new();
    for filter in form.items("Filter") {
        let name = filter.text("Name").unwrap_or_default().to_owned();
        let fits = |known: &&str| *known == name || (known.ends_with(':') && name.starts_with(*known));
        if !known.iter().any(fits) {
            return Err(invalid(format!("The filter '{name}' is invalid")));
        }
        filters.insert(name, filter.values("Value"));
    }
    Ok(filters)
}

/// Whether a value is among those of a filter, which may have wildcards.
fn among(values: &[String], value: &str) -> bool {
    values.iter().any(|pattern| glob(pattern, value))
}

fn invalid(message: impl Into<String>) -> Refused {
    Refused::new("InvalidParameterValue", message)
}

fn page(form: &Form, bounds: (usize, (usize, usize))) -> Result<Page, Refused> {
    Page::asked(form.text("MaxResults"), form.text("NextToken"), bounds).map_err(|bad| match bad {
        BadPage::Size { asked, bounds } => invalid(format!(
            "Value ( {asked} ) for parameter maxResults is invalid. Expecting a value between {} and {}.",
            bounds.0, bounds.1
        )),
        BadPage::Token(token) => {
            Refused::new("InvalidNextToken", format!("The token '{token}' is not valid."))
        }
    })
}

fn paged(
    (name, bounds): (&str, (usize, (usize, usize))),
    rows: Vec<(String, Vec<Element>)>,
    form: &Form,
) -> Result<Vec<Element>, Refused> {
    let (rows, next) = page(form, bounds)?.of(rows);
    let mut result = vec![list(name, "item", rows)];
    result.extend(next.map(|token| leaf("nextToken", token)));
    Ok(result)
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
    if !named.is_empty() && form.text("MaxResults").is_some() {
        let what = "The parameter instancesSet cannot be used with the parameter maxResults";
        return Err(Refused::new("InvalidParameterCombination", what));
    }
    let known = [
        "instance-state-name",
        "instance-id",
        "instance-type",
        "instance-lifecycle",
        "availability-zone",
        "tag-key",
        "tag:",
    ];
    let filters = filters(form, &known)?;
    let wanted = |m: &&Machine| {
        (named.is_empty() || named.contains(&m.id))
            && m.visible <= account.now()
            && filters.iter().all(|f| holds(m, f))
    };
    let rows = account.machines.values().filter(wanted).map(|m| {
        let row = vec![
            leaf("reservationId", m.id.replacen("i-", "r-", 1)),
            list("instancesSet", "item", [instance(account, m)]),
        ];
        (m.id.clone(), row)
    });
    paged(("reservationSet", PAGE), rows.collect(), form)
}

fn holds(machine: &Machine, (name, values): (&String, &Vec<String>)) -> bool {
    let is = |value: &str| among(values, value);
    match name.as_str() {
        "instance-state-name" => is(machine.state.wire().1),
        "instance-id" => is(&machine.id),
        "instance-type" => is(&machine.instance_type),
        "availability-zone" => is(&machine.zone),
        "instance-lifecycle" => machine.spot && is("spot"),
        "tag-key" => tags_of(machine).keys().any(|key| is(key)),
        other => other
            .strip_prefix("tag:")
            .is_some_and(|key| tags_of(machine).get(key).is_some_and(|v| is(v))),
    }
}

/// Tags of an instance, those included that AWS sets itself.
fn tags_of(machine: &Machine) -> BTreeMap<String, String> {
    let mut tags = machine.tags.clone();
    if let Some(group) = &machine.group {
        tags.insert("aws:autoscaling:groupName".to_owned(), group.clone());
    }
    let (template, version) = &machine.template;
    tags.insert("aws:ec2launchtemplate:id".to_owned(), template_id(template));
    tags.insert("aws:ec2launchtemplate:version".to_owned(), version.to_string());
    tags
}

fn instance(account: &Account, machine: &Machine) -> Vec<Element> {
    let (code, state) = machine.state.wire();
    let tags = tags_of(machine);
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
        row.push(leaf("spotInstanceRequestId", standing::request_of(machine)));
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
    let filters = filters(form, &["instance-type"])?;
    let wanted = |(name, _): &(&String, &TypeInfo)| {
        let listed = filters
            .get("instance-type")
            .is_none_or(|types| among(types, name));
        (named.is_empty() || named.contains(name)) && listed
    };
    let rows = account
        .settings
        .types
        .iter()
        .filter(wanted)
        .map(|(name, info)| (name.clone(), type_row(name, info)));
    paged(("instanceTypeSet", TYPES_PAGE), rows.collect(), form)
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

fn offerings(account: &Account, form: &Form) -> Result<Vec<Element>, Refused> {
    let filters = filters(form, &["instance-type", "location"])?;
    let by_id = match form.text("LocationType") {
        None | Some("availability-zone") => false,
        Some("availability-zone-id") => true,
        Some(other) => return Err(invalid(format!("The location type '{other}' is not kept here"))),
    };
    let mut rows = Vec::new();
    for (name, info) in &account.settings.types {
        if filters
            .get("instance-type")
            .is_some_and(|types| !among(types, name))
        {
            continue;
        }
        for zone in sold_in(account, info) {
            let location = if by_id { &zone.id } else { &zone.name };
            if filters
                .get("location")
                .is_some_and(|places| !among(places, location))
            {
                continue;
            }
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
    paged(("instanceTypeOfferingSet", PAGE), rows, form)
}

/// The present prices only, as `StartTime=now` gives them.
fn spot_prices(account: &Account, form: &Form) -> Result<Vec<Element>, Refused> {
    let filters = filters(
        form,
        &["availability-zone", "instance-type", "product-description"],
    )?;
    let admits = |name: &str, value: &str| filters.get(name).is_none_or(|values| among(values, value));
    let named = form.values("InstanceType");
    let mut rows = Vec::new();
    for (name, info) in &account.settings.types {
        let wanted = (named.is_empty() || named.contains(name))
            && admits("instance-type", name)
            && admits("product-description", "Linux/UNIX");
        let Some(spot) = info.spot.filter(|_| wanted) else {
            continue;
        };
        for zone in sold_in(account, info).filter(|zone| admits("availability-zone", &zone.name)) {
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
    paged(("spotPriceHistorySet", PAGE), rows, form)
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
    paged(("launchTemplates", TEMPLATES_PAGE), rows?, form)
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
    if numbers.is_empty() || numbers.len() < asked.len() {
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

/// What a template is to be; a version needs one that is there, a template a name that is free.
fn new_template(account: &Account, form: &Form, version: bool) -> Result<NewGroup, Refused> {
    let named = form
        .text("LaunchTemplateName")
        .or_else(|| form.text("LaunchTemplateId"));
    let name = named.ok_or_else(|| {
        Refused::new(
            "MissingParameter",
            "The request must contain the parameter LaunchTemplateName",
        )
    })?;
    let name = match account.template(name) {
        Ok((known, _)) if version => known.name,
        Ok(_) => {
            let what = "Launch template name already in use.";
            return Err(Refused::new(
                "InvalidLaunchTemplateName.AlreadyExistsException",
                what,
            ));
        }
        Err(refused) if version => return Err(refused),
        Err(_) => name.to_owned(),
    };
    let data = form.below("LaunchTemplateData");
    let instance_type = data.text("InstanceType");
    Ok(NewGroup {
        types: instance_type.map(str::to_owned).into_iter().collect(),
        tags: instance_tags(&data),
        ..NewGroup::of(&name, "")
    })
}

fn create_template(account: &mut Account, made: NewGroup) -> Vec<Element> {
    let name = made.name.clone();
    let is_unknown = |name: &&String| !account.settings.types.contains_key(*name);
    let unknown = made.types.iter().find(is_unknown).cloned();
    let versions = account.templates.entry(name.clone()).or_default();
    versions.push(made);
    let (last, made) = (versions.len(), versions.last().cloned());
    let row = vec![
        leaf("launchTemplateId", template_id(&name)),
        leaf("launchTemplateName", &name),
        leaf("defaultVersionNumber", 1),
        leaf("latestVersionNumber", last),
    ];
    let version = made.map(|made| version_row(&made, last, account.image(&made)));
    let version = version.map(|row| el("launchTemplateVersion", row));
    let made = std::iter::once(el("launchTemplate", row)).chain(version);
    // What is not valid in a template is warned of, and refused to whoever launches from it.
    let warning = unknown.map(|unknown| {
        let error = vec![
            leaf("code", "InvalidInstanceType"),
            leaf("message", format!("Invalid instance type: {unknown}")),
        ];
        el("warning", vec![list("errorSet", "item", [error])])
    });
    made.chain(warning).collect()
}

/// What a `CreateFleet` asks for.
fn fleet(account: &Account, form: &Form) -> Result<Fleet, Refused> {
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
    let target = form.below("TargetCapacitySpecification");
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
    let (spot, on_demand) = if usual == "spot" {
        (spot + rest, on_demand)
    } else {
        (spot, on_demand + rest)
    };
    Ok(Fleet {
        token: form.text("ClientToken").map(str::to_owned),
        pools,
        on_demand,
        spot,
        tags: instance_tags(form),
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

fn create_fleet(account: &mut Account, fleet: &Fleet) -> Result<Vec<Element>, Refused> {
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
