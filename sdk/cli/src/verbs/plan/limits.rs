//! The limits in force over a plan: quotas, maxima of groups and the guard's ceilings, with how much of each is used.
//!
//! Counted by `guard::in_force`; put into words here.

use crate::output::{plain, table};
use decide::Deliberation;
use guard::{InForce, Limited};
use model::quota::Measure;
use model::{Aims, Snapshot, UsdPerHour};
use serde::Serialize;

/// Rows shown to people; what binds is among them.
const SHOWN: usize = 20;

/// One limit.
#[derive(Serialize)]
pub(crate) struct LimitJson {
    /// `quota`, `group_max`, `max_nodes` or `max_rate`.
    pub(crate) limit: &'static str,
    /// The group, where it is of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<String>,
    /// What it measures: `cpu_milli`, `memory_bytes`, `nodes` or `usd_per_hour`.
    pub(crate) unit: &'static str,
    /// How much there may be.
    pub(crate) allowed: Amount,
    /// How much there is, on its way included.
    pub(crate) used: Amount,
    /// How much the plan adds.
    pub(crate) adds: Amount,
    /// The plan runs into it.
    pub(crate) binds: bool,
    #[serde(skip)]
    words: [String; 3],
}

/// A whole amount, or dollars per hour.
#[derive(Serialize)]
#[serde(untagged)]
pub(crate) enum Amount {
    Whole(i64),
    Dollars(f64),
}

/// All that are in force.
pub(crate) fn limits(seen: &Snapshot, aims: &Aims, done: &Deliberation) -> Vec<LimitJson> {
    let found = guard::in_force(seen, aims, &done.plan, &done.notes);
    found.iter().map(LimitJson::new).collect()
}

impl LimitJson {
    fn new(found: &InForce) -> Self {
        let amounts = [found.limit, found.used, found.adds];
        let (limit, group, unit) = match &found.of {
            Limited::Quota { group, measure } => ("quota", group.as_ref(), unit(*measure)),
            Limited::Maximum(group) => ("group_max", Some(group), "nodes"),
            Limited::MaxNodes => ("max_nodes", None, "nodes"),
            Limited::MaxRate => ("max_rate", None, "usd_per_hour"),
        };
        let words = amounts.map(|amount| match &found.of {
            Limited::Quota { measure, .. } => measure.shown(amount).to_string(),
            Limited::Maximum(_) | Limited::MaxNodes => Measure::Nodes.shown(amount).to_string(),
            Limited::MaxRate => UsdPerHour(amount).to_string(),
        });
        let [allowed, used, adds] = amounts.map(|amount| match &found.of {
            Limited::MaxRate => Amount::Dollars(UsdPerHour(amount).dollars()),
            _ => Amount::Whole(amount),
        });
        Self {
            limit,
            group: group.map(ToString::to_string),
            unit,
            allowed,
            used,
            adds,
            binds: found.binds,
            words,
        }
    }

    fn name(&self) -> String {
        match (self.limit, &self.group) {
            ("group_max", Some(group)) => format!("maximum of group {group}"),
            (_, Some(group)) => format!("quota of group {group}"),
            ("quota", None) => "quota in total".to_owned(),
            (other, None) => other.to_owned(),
        }
    }
}

const fn unit(measure: Measure) -> &'static str {
    match measure {
        Measure::Cpu => "cpu_milli",
        Measure::Memory => "memory_bytes",
        Measure::Nodes => "nodes",
    }
}

/// The table, what binds first; nothing where there is no limit.
pub(crate) fn text(limits: &[LimitJson]) -> Option<String> {
    let mut order: Vec<&LimitJson> = limits.iter().collect();
    order.sort_by_key(|limit| !limit.binds);
    let mut rows = table(&["limit", "allowed", "used", "the plan adds", ""]);
    for limit in order.iter().take(SHOWN) {
        let [allowed, used, adds] = limit.words.clone();
        let binds = if limit.binds { "binds" } else { "" };
        rows.add_row([limit.name(), allowed, used, adds, binds.to_owned()].map(|cell| plain(&cell)));
    }
    let more = limits.len().saturating_sub(SHOWN);
    let more = if more > 0 {
        format!("\n… and {more} more limits")
    } else {
        String::new()
    };
    (!limits.is_empty()).then(|| format!("{}{more}", rows.trim_fmt()))
}
