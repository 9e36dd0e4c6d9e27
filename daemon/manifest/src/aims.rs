//! Aims as operators write them, to `model::Aims`. The schema is documented in this room's README.
//!
//! Every mistake is reported at once, with its path; an unknown field is a mistake. Durations are `30s`, `10m`,
//! `1h30m`; shares are `5%`; money is in dollars.

mod disruption;
mod quotas;
mod supply;

use crate::documents::single;
use crate::problem::{Problems, quoted};
use crate::sheet::{At, Sheet};
use crate::tree::Tree;
use model::advice::Hook;
use model::aims::{Aims, Mode, Modes, ScaleAim, SearchAims, ShrinkAims, SpreadDefault};
use model::cluster_size::SizedLimit;
use model::ids::{GroupName, WorkloadKey};
use model::limits::{Limits, MOST_UNACKNOWLEDGED_PERMILLE};
use model::money::{Usd, UsdPerHour};
use model::standing::{Compose, HeadroomRule, ScalerRule};
use model::time::Span;
use std::collections::BTreeSet;

/// Reads an aims file.
pub fn aims(file: &str, bytes: &[u8]) -> Result<Aims, Problems> {
    aims_from(file, "", &single(file, bytes)?)
}

/// Reads aims that stand in a larger document; `prefix` is their path there (`aims`), empty at the top.
pub fn aims_from(file: &str, prefix: &str, tree: &Tree) -> Result<Aims, Problems> {
    let sheet = Sheet::new(file, String::new());
    let top = sheet.top_at(prefix, tree);
    let aims = read(top);
    sheet.close(aims)
}

fn read(top: At<'_, '_>) -> Aims {
    top.only(&[
        "mode",
        "modes",
        "compose",
        "limits",
        "scale",
        "catalogue",
        "fargate",
        "move_to_fargate",
        "spot",
        "reserved",
        "shrink",
        "disruption",
        "search",
        "schedulers",
        "groups",
        "bounds",
        "quotas",
        "weights",
        "priority",
        "zones",
        "spread_defaults",
        "startup_taints",
        "acknowledge",
    ]);
    Aims {
        acknowledge: texts(top.get("acknowledge")),
        modes: modes(top),
        compose: compose(top.get("compose")),
        limits: limits(top.get("limits")),
        scale: scale(top.get("scale")),
        catalogue: supply::catalogue(top.get("catalogue")),
        fargate: supply::fargate(top.get("fargate")),
        move_to_fargate: texts(top.get("move_to_fargate")),
        spot: supply::spot(top.get("spot")),
        reserved: supply::reserved(top.get("reserved")),
        shrink: shrink(top.get("shrink")),
        disruption: disruption::disruption(top.get("disruption")),
        search: search(top.get("search")),
        schedulers: texts(top.get("schedulers")),
        groups: texts(top.get("groups")).into_iter().map(GroupName::new).collect(),
        bounds: supply::bounds(top.get("bounds")),
        quotas: quotas::quotas(top.get("quotas")),
        weights: quotas::weights(top.get("weights")),
        priority: quotas::priority(top.get("priority")),
        zones: top.get("zones").labels().into(),
        spread_defaults: spread_defaults(top.get("spread_defaults")),
        startup_taints: texts(top.get("startup_taints")),
    }
}

/// `defaultConstraints` as KubeSchedulerConfiguration writes them. Those that do not hold pods back
/// (`ScheduleAnyway`) are preferences and left out.
fn spread_defaults(at: At<'_, '_>) -> Vec<SpreadDefault> {
    let default = |at: At<'_, '_>| {
        at.only(&["topologyKey", "maxSkew", "whenUnsatisfiable"]);
        let key = at.get("topologyKey").name()?.to_owned();
        let skew = at.get("maxSkew").count().filter(|skew| *skew > 0);
        if skew.is_none() {
            at.get("maxSkew").problem("must be 1 or more");
        }
        match at.get("whenUnsatisfiable").name()? {
            "DoNotSchedule" => Some(SpreadDefault { key, skew: skew? }),
            "ScheduleAnyway" => None,
            other => {
                at.get("whenUnsatisfiable").problem(format_args!(
                    "{}: must be DoNotSchedule or ScheduleAnyway",
                    quoted(other)
                ));
                None
            }
        }
    };
    at.items().filter_map(default).collect()
}

fn modes(top: At<'_, '_>) -> Modes {
    let at = top.get("modes");
    at.only(&["groups", "workloads", "hooks"]);
    let hook = |(name, at): (&str, At<'_, '_>)| {
        let hook = Hook::ALL.into_iter().find(|hook| hook.as_str() == name);
        if hook.is_none() {
            at.problem("unknown hook; known are scaler, placement, headroom, disruption, review");
        }
        Some((hook?, mode(at)?))
    };
    Modes {
        cluster: mode(top.get("mode")),
        groups: at
            .get("groups")
            .entries()
            .filter_map(|(name, at)| Some((GroupName::new(name), mode(at)?)))
            .collect(),
        workloads: at
            .get("workloads")
            .entries()
            .filter_map(|(name, at)| Some((workload_key(name, at)?, mode(at)?)))
            .collect(),
        hooks: at.get("hooks").entries().filter_map(hook).collect(),
    }
}

fn mode(at: At<'_, '_>) -> Option<Mode> {
    match at.text()? {
        "observe" => Some(Mode::Observe),
        "act" => Some(Mode::Act),
        other => {
            at.problem(format_args!("{}: must be observe or act", quoted(other)));
            None
        }
    }
}

/// How the answers of several policies become one.
fn compose(at: At<'_, '_>) -> Compose {
    use {HeadroomRule as H, ScalerRule as S};
    at.only(&["scaler", "headroom"]);
    Compose {
        scaler: rule(
            at.get("scaler"),
            &[S::Max, S::First, S::Last].map(|rule| (rule.as_str(), rule)),
        ),
        headroom: rule(
            at.get("headroom"),
            &[H::Sum, H::Max].map(|rule| (rule.as_str(), rule)),
        ),
    }
}

fn rule<T: Copy + Default>(at: At<'_, '_>, known: &[(&str, T)]) -> T {
    let Some(said) = at.is_there().then(|| at.text()).flatten() else {
        return T::default();
    };
    let rule = known.iter().find(|(name, _)| *name == said);
    if rule.is_none() {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        at.problem(format_args!("{}: must be {}", quoted(said), names.join(" or ")));
    }
    rule.map(|(_, rule)| *rule).unwrap_or_default()
}

fn limits(at: At<'_, '_>) -> Limits {
    at.only(&[
        "max_snapshot_age",
        "max_growth_age",
        "window",
        "removed_per_window",
        "long_window",
        "removed_per_long_window",
        "removed_per_zone",
        "removals_at_once",
        "emptied_window",
        "emptied_per_window",
        "explained_per_window",
        "growth_by_evidence",
        "bought_per_window",
        "max_nodes",
        "added_per_window",
        "max_rate",
        "max_per_month",
        "failed_launches",
        "provision_time",
        "evictions_per_window",
        "scaled_down_per_window",
        "acknowledge_risk",
    ]);
    let usual = Limits::default();
    let count = |key, usual| at.get(key).count().unwrap_or(usual);
    // Who lets more of a group go means the zone it is in as well.
    let of_group = share(at.get("removed_per_window"), usual.removed_per_window_permille);
    let limits = Limits {
        max_snapshot_age: span(at.get("max_snapshot_age"), usual.max_snapshot_age),
        max_growth_age: span(at.get("max_growth_age"), usual.max_growth_age),
        window: span(at.get("window"), usual.window),
        removed_per_window_permille: of_group,
        long_window: span(at.get("long_window"), usual.long_window),
        removed_per_long_window_permille: share(
            at.get("removed_per_long_window"),
            usual.removed_per_long_window_permille,
        ),
        removed_per_zone_permille: usual
            .removed_per_zone_permille
            .map(|usual| share(at.get("removed_per_zone"), usual.max(of_group))),
        removals_at_once: count("removals_at_once", usual.removals_at_once),
        emptied_window: span(at.get("emptied_window"), usual.emptied_window),
        emptied_per_window_permille: share(at.get("emptied_per_window"), usual.emptied_per_window_permille),
        explained_per_window_permille: share(
            at.get("explained_per_window"),
            usual.explained_per_window_permille,
        ),
        growth_by_evidence: flag_or(at.get("growth_by_evidence"), usual.growth_by_evidence),
        bought_per_window: count("bought_per_window", usual.bought_per_window),
        max_nodes: count("max_nodes", usual.max_nodes),
        added_per_window: rate(at.get("added_per_window"), usual.added_per_window),
        max_rate: rate(at.get("max_rate"), usual.max_rate),
        max_per_month: at
            .get("max_per_month")
            .is_there()
            .then(|| Usd(rate(at.get("max_per_month"), UsdPerHour::ZERO).0)),
        failed_launches: count("failed_launches", usual.failed_launches),
        provision_time: span(at.get("provision_time"), usual.provision_time),
        evictions_per_window: count("evictions_per_window", usual.evictions_per_window),
        scaled_down_per_window: at
            .get("scaled_down_per_window")
            .count()
            .or(usual.scaled_down_per_window),
        acknowledge_risk: at.get("acknowledge_risk").flag(),
        by_size: SizedLimit::ALL
            .into_iter()
            .filter(|limit| !at.get(limit.as_str()).is_there())
            .collect(),
    };
    let shares = [
        ("removed_per_window", limits.removed_per_window_permille),
        ("emptied_per_window", limits.emptied_per_window_permille),
        ("explained_per_window", limits.explained_per_window_permille),
        ("removed_per_long_window", limits.removed_per_long_window_permille),
        (
            "removed_per_zone",
            limits.removed_per_zone_permille.unwrap_or_default(),
        ),
    ];
    for (key, permille) in shares {
        let said = at.get(key).is_there();
        if said && permille > MOST_UNACKNOWLEDGED_PERMILLE && !limits.acknowledge_risk {
            at.get(key).problem("more than 50% needs acknowledge_risk: true");
        }
    }
    if limits.long_window < limits.window {
        at.get("long_window").problem("must not be shorter than window");
    }
    limits
}

fn flag_or(at: At<'_, '_>, usual: bool) -> bool {
    if at.is_there() { at.flag() } else { usual }
}

fn scale(at: At<'_, '_>) -> Vec<ScaleAim> {
    let mut seen = BTreeSet::new();
    let mut aims = Vec::new();
    for at in at.items() {
        at.only(&["workload", "min", "max", "metric", "target"]);
        let name = at.get("workload").name();
        let key = name.and_then(|name| workload_key(name, at.get("workload")));
        let metric = at.get("metric").text().unwrap_or("cpu").to_owned();
        let min = at.get("min").count().unwrap_or(1);
        let max = at.get("max");
        if !max.is_there() {
            max.problem("is missing");
        }
        let max_replicas = max.count().unwrap_or(min);
        if max_replicas < min {
            max.problem(format_args!("is below min ({min})"));
        }
        let target_milli = target(at.get("target"), &metric);
        if let Some(workload) = key {
            if !seen.insert(workload.clone()) {
                at.get("workload").problem("is named twice");
            }
            aims.push(ScaleAim {
                workload,
                min,
                max: max_replicas,
                target_milli,
                metric,
            });
        }
    }
    aims
}

/// A share of the request for `cpu` and `memory` (`60%`), else an amount per replica.
fn target(at: At<'_, '_>, metric: &str) -> i64 {
    let of_request = metric == "cpu" || metric == "memory";
    if !at.is_there() {
        if !of_request {
            at.problem("is missing");
        }
        return 600;
    }
    let milli = match at.tree() {
        Some(Tree::Text(_)) if of_request => i64::from(share(at, 600)),
        Some(Tree::Text(text)) => crate::quantity::milli(text).unwrap_or_else(|what| {
            at.problem(what);
            1
        }),
        Some(Tree::Int(_) | Tree::Float(_)) if of_request => {
            at.problem("must be a share of the request, such as 60%");
            1
        }
        _ => number(at).map_or(1, thousandths),
    };
    if milli <= 0 {
        at.problem("must be above zero");
    }
    milli
}

fn shrink(at: At<'_, '_>) -> ShrinkAims {
    at.only(&[
        "enabled",
        "unneeded_for",
        "min_age",
        "explained_for",
        "drain_timeout",
        "parallel",
        "eviction_cost",
        "payback",
        "yields",
    ]);
    let usual = ShrinkAims::default();
    let flag = |name: &'static str, usual: bool| flag_or(at.get(name), usual);
    ShrinkAims {
        enabled: flag("enabled", usual.enabled),
        unneeded_for: span(at.get("unneeded_for"), usual.unneeded_for),
        min_age: span(at.get("min_age"), usual.min_age),
        explained_for: span(at.get("explained_for"), usual.explained_for),
        drain_timeout: span(at.get("drain_timeout"), usual.drain_timeout),
        parallel: at.get("parallel").count().unwrap_or(usual.parallel),
        eviction_cost_nanos: rate(at.get("eviction_cost"), UsdPerHour(usual.eviction_cost_nanos)).0,
        payback: span(at.get("payback"), usual.payback),
        yields: flag("yields", usual.yields),
    }
}

fn search(at: At<'_, '_>) -> SearchAims {
    at.only(&["work_percent", "kinds", "pods"]);
    let percent = at.get("work_percent");
    let wanted = percent
        .count()
        .unwrap_or_else(|| SearchAims::default().work_percent);
    if wanted > SearchAims::MOST {
        percent.problem(format_args!("{wanted}: at most {}", SearchAims::MOST));
    }
    let usual = SearchAims::default();
    let some = |key, usual| {
        let at = at.get(key);
        let count = at.count().unwrap_or(usual);
        if count == 0 {
            at.problem("must be at least 1: nothing would ever be looked at");
        }
        count
    };
    SearchAims {
        work_percent: wanted.min(SearchAims::MOST),
        kinds: some("kinds", usual.kinds),
        pods: some("pods", usual.pods),
    }
}

fn texts(at: At<'_, '_>) -> Vec<String> {
    at.items().filter_map(At::name).map(str::to_owned).collect()
}

/// `Deployment shop/cart`, `Deployment/shop/cart`.
/// `Kind namespace/name`, as aims and configurations write a workload; what is none is noted at the field.
pub fn workload_key(text: &str, at: At<'_, '_>) -> Option<WorkloadKey> {
    let parts: Vec<&str> = text.split([' ', '/']).filter(|part| !part.is_empty()).collect();
    if let [kind, namespace, name] = parts[..] {
        return Some(WorkloadKey::new(kind, namespace, name));
    }
    at.problem(format_args!("{}: must be `Kind namespace/name`", quoted(text)));
    None
}

fn span(at: At<'_, '_>, usual: Span) -> Span {
    let Some(text) = at.text() else { return usual };
    duration(text).unwrap_or_else(|| {
        at.problem(format_args!(
            "{}: not a duration such as 30s, 10m, 1h30m",
            quoted(text)
        ));
        usual
    })
}

/// `90s`, `10m`, `1h30m`, `2d`, `250ms`; `0` alone is zero.
pub fn duration(text: &str) -> Option<Span> {
    if text == "0" {
        return Some(Span::ZERO);
    }
    let (mut rest, mut millis) = (text, 0_i64);
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let (number, unit) = rest.split_at_checked(digits)?;
        let letters = unit.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (unit, after) = unit.split_at_checked(letters)?;
        let factor = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        millis = millis.checked_add(number.parse::<i64>().ok()?.checked_mul(factor)?)?;
        rest = after;
    }
    (!text.is_empty()).then(|| Span::from_millis(millis))
}

/// `5%` in thousandths.
fn share(at: At<'_, '_>, usual: u32) -> u32 {
    let Some(text) = at.text() else { return usual };
    let number = text
        .strip_suffix('%')
        .and_then(|number| number.trim().parse::<f64>().ok());
    let Some(number) = number.filter(|number| (0.0..=1000.0).contains(number)) else {
        at.problem(format_args!("{}: not a share such as 5%", quoted(text)));
        return usual;
    };
    u32::try_from(thousandths(number / 100.0)).unwrap_or(usual)
}

fn rate(at: At<'_, '_>, usual: UsdPerHour) -> UsdPerHour {
    let Some(dollars) = number(at) else { return usual };
    let rate = UsdPerHour::from_dollars(dollars).filter(|rate| rate.0 >= 0);
    rate.unwrap_or_else(|| {
        at.problem("must be dollars, not negative and below 9 billion");
        usual
    })
}

#[expect(
    clippy::cast_precision_loss,
    reason = "an operator's figures are far below 2^53"
)]
fn number(at: At<'_, '_>) -> Option<f64> {
    match at.tree()? {
        Tree::Null => None,
        Tree::Int(value) => Some(*value as f64),
        Tree::Float(value) if value.is_finite() => Some(*value),
        other => {
            at.problem(format_args!("must be a number, is {}", other.kind()));
            None
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "clamped first")]
fn thousandths(number: f64) -> i64 {
    (number * 1000.0).round().clamp(-1e15, 1e15) as i64
}

#[cfg(test)]
mod tests;
