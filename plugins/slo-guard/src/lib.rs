//! Disruption policy: nothing is consolidated while an error budget burns.
//!
//! An objective names a metric of a workload, such as a burn rate. Above its limit the nodes that it covers stay, and for
//! some minutes after. A metric that is missing or old is not known, and what is not known may be burning: they stay, too.
//! Keeps when each objective burnt last: a line `KIND/NAMESPACE/NAME METRIC MILLIS` for each.

use plimsoll_sdk::{Candidate, Disruption, Verdicts, View, config, export_disruption};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The budget burns.
pub const BURNS: u16 = 1;
/// Nobody knows whether it burns.
pub const UNKNOWN: u16 = 2;
/// It burnt a moment ago.
pub const BURNT: u16 = 3;

const MOST_MINUTES: u32 = 1440;
const MOST_OBJECTIVES: usize = 500;
/// Words are the same for all nodes: these many rows have them, and every row its code.
const MOST_WORDS: u32 = 32;

/// Configuration.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SloGuard {
    /// What must not burn.
    objectives: Vec<Objective>,
}

/// One of them.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Objective {
    /// The workload whose metric it is.
    #[serde(default = "deployment")]
    kind: String,
    namespace: String,
    workload: String,
    /// Name of the metric.
    metric: String,
    /// It burns above this value.
    at_most: f64,
    /// Values older than this are not believed.
    #[serde(default = "five_minutes")]
    max_age_seconds: u32,
    /// How long it must have been quiet.
    #[serde(default = "ten")]
    calm_minutes: u32,
    /// Which nodes stay.
    #[serde(default)]
    covers: Covers,
}

/// Nodes that an objective keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum Covers {
    /// All.
    #[default]
    Cluster,
    /// Those with pods of its namespace.
    Namespace,
    /// Those with pods of its workload.
    Workload,
}

fn deployment() -> String {
    "Deployment".to_owned()
}

fn five_minutes() -> u32 {
    300
}

fn ten() -> u32 {
    10
}

impl Disruption for SloGuard {
    fn configure(json: &str) -> Result<Self, String> {
        let policy: Self = config(json)?;
        if policy.objectives.is_empty() || policy.objectives.len() > MOST_OBJECTIVES {
            return Err(format!("objectives: 1 to {MOST_OBJECTIVES} are meant"));
        }
        for (n, objective) in policy.objectives.iter().enumerate() {
            objective
                .check()
                .map_err(|why| format!("objectives[{n}].{why}"))?;
        }
        Ok(policy)
    }

    fn judge(&self, view: &View<'_>) -> Result<Verdicts, String> {
        let kept = view.state();
        let before = read(&kept);
        let (mut state, mut keeping) = (String::new(), Vec::new());
        for objective in &self.objectives {
            let key = objective.key();
            let (verdict, burnt) = objective.state(view, before.get(key.as_str()).copied());
            if let Some(at) = burnt {
                let _ = writeln!(state, "{key} {at}");
            }
            keeping.extend(verdict.map(|(code, why)| (objective, code, why)));
        }
        view.keep(state.as_bytes());
        let mut verdicts = Verdicts::default();
        for candidate in view.candidates() {
            let kept = keeping.iter().find(|(objective, ..)| objective.keeps(candidate));
            match kept {
                Some((_, code, why)) if candidate.row() < MOST_WORDS => {
                    verdicts.deny_because(candidate, *code, why);
                }
                Some((_, code, _)) => verdicts.deny(candidate, *code),
                None => {}
            }
        }
        Ok(verdicts)
    }
}

impl Objective {
    fn check(&self) -> Result<(), &'static str> {
        let named = |text: &str| !text.is_empty() && !text.contains(char::is_whitespace);
        let checks = [
            (named(&self.kind), "kind: a word is meant"),
            (named(&self.namespace), "namespace: a word is meant"),
            (named(&self.workload), "workload: a word is meant"),
            (named(&self.metric), "metric: a word is meant"),
            (
                self.at_most.is_finite() && self.at_most >= 0.0,
                "at_most: must not be negative",
            ),
            (
                (1..=86_400).contains(&self.max_age_seconds),
                "max_age_seconds: 1 to 86400",
            ),
            (self.calm_minutes <= MOST_MINUTES, "calm_minutes: 0 to 1440"),
        ];
        checks
            .into_iter()
            .find(|(holds, _)| !holds)
            .map_or(Ok(()), |(_, why)| Err(why))
    }

    fn key(&self) -> String {
        let Self {
            kind,
            namespace,
            workload,
            metric,
            ..
        } = self;
        format!("{kind}/{namespace}/{workload} {metric}")
    }

    /// Why nodes stay, and when it burnt last.
    fn state(&self, view: &View<'_>, burnt: Option<u64>) -> (Option<(u16, String)>, Option<u64>) {
        let Self {
            namespace,
            workload,
            metric,
            at_most,
            ..
        } = self;
        let of = format!("{metric} of {namespace}/{workload}");
        let found = view.metrics().find(|row| {
            row.name() == metric.as_str()
                && row.workload() == workload.as_str()
                && row.namespace() == namespace.as_str()
                && row.kind() == self.kind.as_str()
        });
        let now = view.now_ms();
        let Some(found) = found else {
            return (Some((UNKNOWN, format!("{of} is missing"))), burnt);
        };
        let age = found.age_ms() / 1000;
        if age > self.max_age_seconds {
            return (Some((UNKNOWN, format!("{of} is {age} s old"))), burnt);
        }
        let value = found.value();
        if value > *at_most {
            let why = format!("{of} is {value:.2}, above {at_most}");
            return (Some((BURNS, why)), Some(now));
        }
        let calm = u64::from(self.calm_minutes) * 60_000;
        let burnt = burnt.filter(|at| now.saturating_sub(*at) < calm);
        let why = burnt.map(|at| {
            let minutes = now.saturating_sub(at) / 60_000;
            (BURNT, format!("{of} was above {at_most} {minutes} minutes ago"))
        });
        (why, burnt)
    }

    fn keeps(&self, candidate: Candidate<'_>) -> bool {
        let mine = |owner: bool| {
            candidate.movers().any(|pod| {
                pod.namespace() == self.namespace.as_str()
                    && (!owner
                        || (pod.owner_name() == self.workload.as_str()
                            && pod.owner_kind() == self.kind.as_str()))
            })
        };
        match self.covers {
            Covers::Cluster => true,
            Covers::Namespace => mine(false),
            Covers::Workload => mine(true),
        }
    }
}

/// When each objective burnt last; lines that are not its own are passed over.
fn read(kept: &[u8]) -> BTreeMap<&str, u64> {
    let text = std::str::from_utf8(kept).unwrap_or_default();
    let line = |line: &'_ str| -> Option<(usize, u64)> {
        let (key, at) = line.rsplit_once(' ')?;
        Some((key.len(), at.parse().ok()?))
    };
    text.lines()
        .filter_map(|of| line(of).map(|(length, at)| (&of[..length], at)))
        .collect()
}

export_disruption!(SloGuard);

#[cfg(test)]
mod tests;
