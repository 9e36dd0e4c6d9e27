//! How policies of the configuration move between shadow and enforce: `canary`, `promote`, `guards`.

use super::values;
use cycle::{GuardMetric, Promotion, Rules};
use manifest::{At, Tree};
use model::advice::PolicyMode;
use model::{GroupName, PolicyName, PolicyScope, UsdPerHour};
use std::collections::BTreeMap;

/// Cycles that are compared before a policy rises, unless said otherwise.
const CYCLES: u32 = 200;
const MOST_CYCLES: u32 = 1_000_000;

/// Modes of a policy, as they are written.
pub(crate) const MODES: [(&str, PolicyMode); 3] = [
    ("shadow", PolicyMode::Shadow),
    ("canary", PolicyMode::Canary),
    ("enforce", PolicyMode::Enforce),
];

/// What a canary has a say about.
pub(crate) fn scope(policy: At<'_, '_>, mode: PolicyMode) -> PolicyScope {
    let at = policy.get("canary");
    at.only(&["groups", "namespaces"]);
    let names = |at: At<'_, '_>| -> Vec<String> {
        at.items().filter_map(|at| at.name().map(str::to_owned)).collect()
    };
    let scope = PolicyScope {
        groups: names(at.get("groups")).into_iter().map(GroupName::new).collect(),
        namespaces: names(at.get("namespaces")),
    };
    if scope.is_empty() && at.is_there() {
        at.problem("groups or namespaces are wanted");
    } else if scope.is_empty() && mode == PolicyMode::Canary {
        policy
            .get("mode")
            .problem("a canary needs groups or namespaces under `canary`");
    }
    scope
}

/// The rules of every policy that has some.
pub(crate) fn rules(top: At<'_, '_>) -> BTreeMap<PolicyName, Rules> {
    let of = |at: At<'_, '_>| {
        let rules = Rules {
            promotion: promotion(at),
            guards: at.get("guards").items().filter_map(guard).collect(),
            first_only: first_only(at),
        };
        let name = at.get("name").text().unwrap_or_default();
        (PolicyName::new(name), rules)
    };
    let all = top.get("policies").items().map(of);
    all.filter(|(_, rules)| *rules != Rules::default()).collect()
}

/// Whether only the component that is there first runs in the configured mode. Rules that stand in the configuration itself,
/// and an image that it names by its digest, change with the configuration alone.
fn first_only(policy: At<'_, '_>) -> bool {
    let trust = values::word(
        policy.get("trust"),
        &[("first-digest", true), ("always", false)],
        true,
    );
    let image = policy.get("image");
    let by_digest = image.is_there() && image.text().is_some_and(|image| image.contains("@sha256:"));
    trust && !by_digest && !policy.get("rule").is_there()
}

fn promotion(policy: At<'_, '_>) -> Option<Promotion> {
    let at = policy.get("promote");
    at.only(&["after_cycles", "max_added_usd_per_hour"]);
    if !at.is_there() {
        return None;
    }
    let mode = policy.get("mode");
    // Only the word: what is wrong with it is said where it is read first.
    let to = MODES
        .iter()
        .find(|(word, _)| mode.is_there() && mode.text() == Some(word));
    let to = to.map_or(PolicyMode::Shadow, |(_, mode)| *mode);
    if to == PolicyMode::Shadow {
        mode.problem("promote leads nowhere: mode says how far, canary or enforce");
    }
    let most = at.get("max_added_usd_per_hour");
    Some(Promotion {
        to,
        cycles: values::count(at.get("after_cycles"), CYCLES, 1, MOST_CYCLES),
        most: if most.is_there() {
            values::rate(most)
        } else {
            UsdPerHour::ZERO
        },
    })
}

fn guard(at: At<'_, '_>) -> Option<GuardMetric> {
    at.only(&["workload", "metric", "above"]);
    let whose = at.get("workload");
    Some(GuardMetric {
        workload: manifest::workload_key(whose.name()?, whose)?,
        metric: at.get("metric").name()?.to_owned(),
        above_milli: thousandths(at.get("above"))?,
    })
}

/// A number with at most three digits after its point.
fn thousandths(at: At<'_, '_>) -> Option<i64> {
    let milli = match at.tree() {
        Some(Tree::Int(whole)) => whole.checked_mul(1000),
        Some(Tree::Float(number)) => exact(number * 1000.0),
        _ => None,
    };
    if milli.is_none() {
        at.problem("must be a number with at most three digits after its point, as in 0.05");
    }
    milli
}

/// A whole number, as near as a binary fraction can tell.
#[expect(clippy::cast_possible_truncation, reason = "looked at before")]
fn exact(number: f64) -> Option<i64> {
    let whole = number.round();
    ((number - whole).abs() < 1e-6 && whole.abs() < 9e15).then_some(whole as i64)
}
