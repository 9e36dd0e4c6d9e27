//! What can be bought and where: instance types, their offerings and spot prices, subnets, zones.
//!
//! Not here: on-demand prices (`pricing`).

use super::describe::{PAGE, among, filters, invalid, paged};
use crate::account::{Account, Refused};
use crate::catalogue::TypeInfo;
use crate::settings::{Zone, subnet};
use crate::wire::form::Form;
use crate::wire::pages::PageSize;
use crate::wire::xml::{Element, el, leaf, list, texts, time};

/// Instance types of a page: 100 at most, whatever is asked for (EC2 API reference).
const TYPES_PAGE: PageSize = PageSize {
    usual: 100,
    fewest: 5,
    most: 100,
};

pub(super) fn instance_types(account: &Account, form: &Form) -> Result<Vec<Element>, Refused> {
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
    paged("instanceTypeSet", TYPES_PAGE, rows.collect(), form)
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

fn sold_in<'a>(account: &'a Account, info: &'a TypeInfo) -> impl Iterator<Item = &'a Zone> {
    account
        .settings
        .zones
        .iter()
        .filter(|zone| info.zones.is_empty() || info.zones.contains(&zone.id))
}

pub(super) fn offerings(account: &Account, form: &Form) -> Result<Vec<Element>, Refused> {
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
    paged("instanceTypeOfferingSet", PAGE, rows, form)
}

/// The present prices only, as `StartTime=now` gives them.
pub(super) fn spot_prices(account: &Account, form: &Form) -> Result<Vec<Element>, Refused> {
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
    paged("spotPriceHistorySet", PAGE, rows, form)
}

pub(super) fn subnets(account: &Account) -> Vec<Element> {
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

pub(super) fn zones(account: &Account) -> Vec<Element> {
    let rows = account.settings.zones.iter().map(|zone| {
        vec![
            leaf("zoneName", &zone.name),
            leaf("zoneId", &zone.id),
            leaf("zoneState", "available"),
        ]
    });
    vec![list("availabilityZoneInfo", "item", rows)]
}
