//! Reads an account from YAML: unknown fields are refused, every mistake is named with its file and path.
//!
//! Files beside it (offers) are fetched by the caller's function, so that nothing here does I/O. What can be said
//! stands in this room's README.

mod faults;

use crate::catalogue;
use crate::settings::{Distribution, NewGroup, NewNodeGroup, NewProfile, Quotas, Settings, WarmPool, Zone};
use manifest::{At, Problems, Sheet, Tree};

/// Fetches a file that an account names, relative to it: its bytes, or why not.
pub type Fetch<'f> = &'f dyn Fn(&str) -> Result<Vec<u8>, String>;

const FIELDS: [&str; 22] = [
    "seed",
    "region",
    "account",
    "cluster",
    "version",
    "zones",
    "offers",
    "boot",
    "join",
    "react",
    "behind",
    "spot_notice",
    "update",
    "quotas",
    "throttles",
    "batches",
    "groups",
    "node_groups",
    "profiles",
    "images",
    "templates",
    "queues",
];

impl Settings {
    /// Reads an account. `file` is how messages call it; `fetch` brings the offers file that it may name.
    pub fn read(file: &str, bytes: &[u8], fetch: Fetch<'_>) -> Result<Self, Problems> {
        let tree = manifest::single(file, bytes)?;
        let sheet = Sheet::new(file, String::new());
        let top = sheet.top(&tree);
        if !matches!(top.tree(), Some(Tree::Map(_))) {
            top.problem("an account is a mapping");
            return sheet.close(Self::default());
        }
        let settings = whole(top, fetch);
        sheet.close(settings)
    }
}

fn whole(top: At<'_, '_>, fetch: Fetch<'_>) -> Settings {
    let known: Vec<&str> = FIELDS.into_iter().chain(["faults"]).collect();
    top.only(&known);
    let usual = Settings::default();
    let word = |key: &'static str, usual: &str| top.get(key).text().unwrap_or(usual).to_owned();
    let zones: Vec<Zone> = top.get("zones").items().filter_map(zone).collect();
    let zones = if zones.is_empty() { usual.zones } else { zones };
    let names: Vec<String> = zones.iter().map(|zone| zone.name.clone()).collect();
    let quotas = top.get("quotas");
    quotas.only(&["on_demand_vcpus", "spot_vcpus"]);
    Settings {
        seed: top
            .get("seed")
            .int()
            .and_then(|n| u64::try_from(n).ok())
            .unwrap_or(usual.seed),
        region: word("region", &usual.region),
        account: word("account", &usual.account),
        cluster: word("cluster", &usual.cluster),
        version: word("version", &usual.version),
        types: types(top.get("offers"), fetch).unwrap_or(usual.types),
        boot: top.get("boot").lag(usual.boot),
        join: top.get("join").lag(usual.join),
        react: top.get("react").lag(usual.react),
        behind: top.get("behind").lag(usual.behind),
        spot_notice: top.get("spot_notice").span().unwrap_or(usual.spot_notice),
        update: top.get("update").lag(usual.update),
        quotas: Quotas {
            on_demand_vcpus: quotas
                .get("on_demand_vcpus")
                .count()
                .unwrap_or(usual.quotas.on_demand_vcpus),
            spot_vcpus: quotas
                .get("spot_vcpus")
                .count()
                .unwrap_or(usual.quotas.spot_vcpus),
        },
        throttles: !top.get("throttles").is_there() || top.get("throttles").flag(),
        batches: !top.get("batches").is_there() || top.get("batches").flag(),
        groups: top
            .get("groups")
            .items()
            .map(|at| group(at, &names, &[]))
            .collect(),
        node_groups: top
            .get("node_groups")
            .items()
            .map(|at| node_group(at, &names))
            .collect(),
        profiles: top
            .get("profiles")
            .items()
            .map(|at| profile(at, &names))
            .collect(),
        images: top.get("images").labels().into(),
        templates: top
            .get("templates")
            .items()
            .map(|at| group(at, &names, &[]))
            .collect(),
        queues: queues(top),
        faults: top.get("faults").items().filter_map(faults::fault).collect(),
        zones,
    }
}

/// The usual ones are what tests and `plimsoll iam --queue` call them.
fn queues(top: At<'_, '_>) -> Vec<String> {
    let at = top.get("queues");
    if at.is_there() {
        let named = at.items().filter_map(|item| item.name().map(str::to_owned));
        return named.collect();
    }
    let usual = Settings::default();
    let cluster = top.get("cluster").text().unwrap_or(&usual.cluster);
    let own = format!("plimsoll-{cluster}");
    usual.queues.into_iter().chain([own]).collect()
}

fn zone(at: At<'_, '_>) -> Option<Zone> {
    at.only(&["name", "id"]);
    Some(Zone {
        name: at.get("name").name()?.to_owned(),
        id: at.get("id").name()?.to_owned(),
    })
}

fn types(at: At<'_, '_>, fetch: Fetch<'_>) -> Option<catalogue::Types> {
    let file = at.text()?;
    let read = fetch(file).and_then(|bytes| catalogue::read(file, &bytes).map_err(|error| error.to_string()));
    read.map_err(|why| at.problem(why)).ok()
}

fn group(at: At<'_, '_>, zones: &[String], more: &[&str]) -> NewGroup {
    let own = [
        "name",
        "types",
        "zones",
        "min",
        "max",
        "desired",
        "spot",
        "tags",
        "suspended",
        "node_labels",
        "node_taints",
        "warm_pool",
        "image_parameter",
        "distribution",
    ];
    let known: Vec<&str> = own.into_iter().chain(more.iter().copied()).collect();
    at.only(&known);
    let texts = |key: &'static str| -> Vec<String> {
        at.get(key)
            .items()
            .filter_map(|item| item.name().map(str::to_owned))
            .collect()
    };
    for item in at.get("zones").items() {
        if item
            .text()
            .is_some_and(|name| !zones.iter().any(|zone| zone == name))
        {
            item.problem(format_args!("is none of the zones {}", zones.join(", ")));
        }
    }
    let (min, max) = (
        at.get("min").count().unwrap_or(0),
        at.get("max").count().unwrap_or(10),
    );
    let desired = at.get("desired").count().unwrap_or(min);
    if min > max || desired < min || desired > max {
        at.get("desired")
            .problem(format_args!("min {min}, desired {desired}, max {max}: must rise"));
    }
    let types = texts("types");
    if types.is_empty() {
        at.get("types").problem("at least one instance type is wanted");
    }
    NewGroup {
        name: at.get("name").name().unwrap_or_default().to_owned(),
        types,
        zones: texts("zones"),
        min,
        max,
        desired: desired.clamp(min.min(max), max),
        spot: at.get("spot").flag(),
        distribution: distribution(at.get("distribution")),
        tags: at.get("tags").labels().into(),
        suspended: texts("suspended"),
        node_labels: at.get("node_labels").labels().into(),
        node_taints: texts("node_taints"),
        warm_pool: warm_pool(at.get("warm_pool"), at.get("spot").flag()),
        image_parameter: at.get("image_parameter").text().map(str::to_owned),
    }
}

fn distribution(at: At<'_, '_>) -> Option<Distribution> {
    if !at.is_there() {
        return None;
    }
    at.only(&["on_demand_base", "on_demand_percent"]);
    let percent = at.get("on_demand_percent").count().unwrap_or(100);
    if percent > 100 {
        at.get("on_demand_percent")
            .problem("must be between 0 and 100 percent");
    }
    Some(Distribution {
        on_demand_base: at.get("on_demand_base").count().unwrap_or(0),
        on_demand_percent: percent.min(100),
    })
}

fn warm_pool(at: At<'_, '_>, spot: bool) -> Option<WarmPool> {
    if !at.is_there() {
        return None;
    }
    at.only(&["min", "prepared", "running"]);
    if spot {
        at.problem("a group that buys spot has no warm pool");
    }
    Some(WarmPool {
        min: at.get("min").count().unwrap_or(0),
        prepared: at.get("prepared").count(),
        running: at.get("running").flag(),
    })
}

fn node_group(at: At<'_, '_>, zones: &[String]) -> NewNodeGroup {
    let taint = |item: At<'_, '_>| {
        item.only(&["key", "value", "effect"]);
        let effect = item.get("effect").text().unwrap_or("NO_SCHEDULE");
        if !["NO_SCHEDULE", "NO_EXECUTE", "PREFER_NO_SCHEDULE"].contains(&effect) {
            item.get("effect")
                .problem("must be NO_SCHEDULE, NO_EXECUTE or PREFER_NO_SCHEDULE");
        }
        let value = item.get("value").text().unwrap_or_default().to_owned();
        Some((item.get("key").name()?.to_owned(), value, effect.to_owned()))
    };
    NewNodeGroup {
        group: group(at, zones, &["labels", "taints"]),
        labels: at.get("labels").labels().into(),
        taints: at.get("taints").items().filter_map(taint).collect(),
    }
}

fn profile(at: At<'_, '_>, zones: &[String]) -> NewProfile {
    at.only(&["name", "selectors", "zones"]);
    let selector = |item: At<'_, '_>| {
        item.only(&["namespace", "labels"]);
        Some((
            item.get("namespace").name()?.to_owned(),
            item.get("labels").labels().into(),
        ))
    };
    let named: Vec<String> = at
        .get("zones")
        .items()
        .filter_map(|item| item.name().map(str::to_owned))
        .collect();
    NewProfile {
        name: at.get("name").name().unwrap_or_default().to_owned(),
        selectors: at.get("selectors").items().filter_map(selector).collect(),
        zones: if named.is_empty() { zones.to_vec() } else { named },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::faults::FaultKind;

    fn read(text: &str) -> Result<Settings, String> {
        Settings::read("a.yaml", text.as_bytes(), &|name| {
            Err(format!("{name}: not there"))
        })
        .map_err(|p| p.to_string())
    }

    #[test]
    fn an_account_is_read() {
        let settings = read(
            "cluster: green\nboot: 5s\njoin: {min: 1s, max: 2s}\nthrottles: false\n\
             groups: [{name: workers, types: [m5.large], max: 5, desired: 2, tags: {plimsoll.io/cluster: green}}]\n\
             node_groups: [{name: ng, types: [m6a.large], labels: {team: a}, taints: [{key: gpu, effect: NO_SCHEDULE}]}]\n\
             profiles: [{name: batch, selectors: [{namespace: 'batch-*', labels: {tier: b}}]}]\n\
             faults:\n- {kind: errors, at: 1m, for: 5m, calls: ['autoscaling:*'], share: 2.5%, error: throttled}\n\
             - {kind: interruption, at: 10m, share: 30%}\n",
        )
        .unwrap();
        assert_eq!((settings.cluster.as_str(), settings.throttles), ("green", false));
        assert_eq!(settings.boot, model::time::Lag::secs(5, 5));
        assert_eq!((settings.groups[0].desired, settings.groups[0].max), (2, 5));
        assert_eq!(settings.node_groups[0].taints[0].2, "NO_SCHEDULE");
        assert_eq!(settings.profiles[0].zones.len(), 3);
        let FaultKind::Errors { permille, .. } = &settings.faults[0].kind else {
            panic!("{:?}", settings.faults)
        };
        assert_eq!(*permille, 25);
    }

    #[test]
    fn mistakes_are_named_by_file_and_field() {
        for (text, wanted) in [
            ("colour: red\n", "colour"),
            (
                "groups: [{name: a, types: [m5.large], min: 3, max: 2}]\n",
                "groups[0].desired",
            ),
            ("groups: [{name: a}]\n", "groups[0].types"),
            (
                "groups: [{name: a, types: [x], zones: [mars]}]\n",
                "groups[0].zones[0]",
            ),
            ("offers: o.csv\n", "o.csv: not there"),
            ("boot: soon\n", "boot"),
            ("faults: [{kind: flood}]\n", "faults[0].kind"),
            ("faults: [{kind: stale}]\n", "faults[0].for"),
            ("faults: [{kind: interruption, share: 200%}]\n", "faults[0].share"),
            ("[]\n", "a mapping"),
        ] {
            let said = read(text).unwrap_err();
            assert!(
                said.starts_with("a.yaml") && said.contains(wanted),
                "{text}: {said}"
            );
        }
    }
}
