//! The scorecard of a run: `plimsoll.scorecard/v1`, and the same for people.

use crate::referee::Violation;
use crate::scenario::Scenario;
use crate::world::Sums;
use model::Usd;
use serde::Serialize;
use serde::ser::SerializeStruct;
use std::fmt;

/// What a run came to. Serialises as the public contract `plimsoll.scorecard/v1`.
#[derive(Clone, Debug, PartialEq)]
pub struct Scorecard {
    /// The bill: instances by the second from launch to termination, at least a minute; Fargate alike.
    pub cost: Usd,
    /// No schedule that runs every pod from when it is created until it goes costs less.
    pub lower_bound: Usd,
    /// Pods that found a node, DaemonSets apart.
    pub pods: u64,
    /// Waiting time of all pods added up, in milliseconds; those that still wait included.
    pub pending_sum_ms: i64,
    /// Half of the pods waited at most this long, in milliseconds.
    pub pending_p50_ms: i64,
    /// Ninety-nine of a hundred pods waited at most this long, in milliseconds.
    pub pending_p99_ms: i64,
    /// Pods that still wait at the end.
    pub still_waiting: u32,
    /// Nodes bought, the initial ones apart.
    pub launches: u32,
    /// Nodes removed on purpose.
    pub removals: u32,
    /// Evictions.
    pub evictions: u32,
    /// Nodes taken back or broken.
    pub interruptions: u32,
    /// Pods that ran on Fargate.
    pub fargate_pods: u32,
    /// Breaches of invariants.
    pub violations: Vec<Violation>,
    /// Cycles played.
    pub cycles: u64,
    /// What policies did.
    pub policy: PolicyUse,
}

/// Calls of policies, summed over a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PolicyUse {
    /// Calls.
    pub calls: u64,
    /// Fuel.
    pub fuel: u64,
    /// Faults.
    pub faults: u64,
}

impl Scorecard {
    pub(crate) fn of(
        sums: &Sums,
        bound: Usd,
        violations: Vec<Violation>,
        cycles: u64,
        policy: PolicyUse,
    ) -> Self {
        let mut waits = sums.tally.waits.clone();
        waits.extend(&sums.waiting);
        waits.sort_unstable();
        Self {
            cost: sums.cost,
            lower_bound: bound,
            pods: sums.tally.pods,
            pending_sum_ms: waits.iter().sum(),
            pending_p50_ms: percentile(&waits, 50),
            pending_p99_ms: percentile(&waits, 99),
            still_waiting: u32::try_from(sums.waiting.len()).unwrap_or(u32::MAX),
            launches: sums.tally.launches,
            removals: sums.tally.removals,
            evictions: sums.tally.evictions,
            interruptions: sums.tally.interruptions,
            fargate_pods: sums.tally.fargate,
            violations,
            cycles,
            policy,
        }
    }

    /// How far the bill is above the bound, in percent.
    pub fn gap_percent(&self) -> f64 {
        if self.lower_bound.0 <= 0 {
            return 0.0;
        }
        (self.cost.dollars() / self.lower_bound.dollars() - 1.0) * 100.0
    }

    /// The rows of the table that people read.
    pub fn rows(&self) -> Vec<(&'static str, String)> {
        let seconds = |ms: i64| format!("{} s", thousands(ms / 1000));
        let mut rows = vec![
            ("cost", self.cost.to_string()),
            (
                "lower bound",
                format!("{} ({:+.1} % above it)", self.lower_bound, self.gap_percent()),
            ),
            (
                "pods placed",
                thousands(i64::try_from(self.pods).unwrap_or(i64::MAX)),
            ),
            ("of them on Fargate", self.fargate_pods.to_string()),
            (
                "pod-seconds waited",
                format!(
                    "{} (half of the pods at most {}, 99 % at most {})",
                    thousands(self.pending_sum_ms / 1000),
                    seconds(self.pending_p50_ms),
                    seconds(self.pending_p99_ms)
                ),
            ),
            ("pods still waiting", self.still_waiting.to_string()),
            ("nodes bought", self.launches.to_string()),
            ("nodes removed", self.removals.to_string()),
            ("evictions", self.evictions.to_string()),
            (
                "policy calls",
                format!(
                    "{} ({} units of fuel, {} faults)",
                    thousands(i64::try_from(self.policy.calls).unwrap_or(i64::MAX)),
                    thousands(i64::try_from(self.policy.fuel).unwrap_or(i64::MAX)),
                    self.policy.faults
                ),
            ),
            (
                "cycles",
                thousands(i64::try_from(self.cycles).unwrap_or(i64::MAX)),
            ),
            ("violations", self.violations.len().to_string()),
        ];
        if self.interruptions > 0 {
            rows.insert(8, ("nodes taken back", self.interruptions.to_string()));
        }
        rows
    }
}

impl Serialize for Scorecard {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Pending {
            sum: f64,
            p50: f64,
            p99: f64,
        }
        let pending = Pending {
            sum: seconds(self.pending_sum_ms),
            p50: seconds(self.pending_p50_ms),
            p99: seconds(self.pending_p99_ms),
        };
        let mut card = serializer.serialize_struct("Scorecard", 11)?;
        card.serialize_field("version", "plimsoll.scorecard/v1")?;
        card.serialize_field("cost_usd", &self.cost.dollars())?;
        card.serialize_field("lower_bound_usd", &self.lower_bound.dollars())?;
        card.serialize_field("pods", &self.pods)?;
        card.serialize_field("pending_pod_seconds", &pending)?;
        card.serialize_field("launches", &self.launches)?;
        card.serialize_field("removals", &self.removals)?;
        card.serialize_field("evictions", &self.evictions)?;
        card.serialize_field("violations", &self.violations)?;
        card.serialize_field("cycles", &self.cycles)?;
        card.serialize_field("policy", &self.policy)?;
        card.end()
    }
}

/// The table for people.
impl fmt::Display for Scorecard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, value) in self.rows() {
            writeln!(f, "{name:<20} {value}")?;
        }
        for violation in self.violations.iter().take(20) {
            writeln!(f, "violation: {:?}: {}", violation.kind, violation.message)?;
        }
        Ok(())
    }
}

/// Title of a run: its scenario, how long it played, and its seed.
pub(crate) fn title(scenario: &Scenario) -> String {
    let minutes = scenario.duration.secs() / 60;
    let long = match (minutes / 60, minutes % 60) {
        (0, minutes) => format!("{minutes} minutes"),
        (hours, 0) => format!("{hours} hours"),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    };
    format!("{}: {long} played, seed {}", scenario.name, scenario.seed)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of any run are far below 2^53"
)]
fn seconds(millis: i64) -> f64 {
    millis as f64 / 1000.0
}

/// The smallest value that at least `percent` of the sorted values do not exceed.
fn percentile(sorted: &[i64], percent: usize) -> i64 {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied().unwrap_or(0)
}

/// A number with its thousands set apart by thin spaces.
fn thousands(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::from(if number < 0 { "-" } else { "" });
    for (ix, digit) in digits.chars().enumerate() {
        if ix > 0 && (digits.len() - ix).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let waits: Vec<i64> = (1..=200).collect();
        assert_eq!((percentile(&waits, 50), percentile(&waits, 99)), (100, 198));
        assert_eq!((percentile(&[7], 99), percentile(&[], 50)), (7, 0));
    }

    #[test]
    fn numbers_are_set_apart() {
        assert_eq!(
            [thousands(0), thousands(999), thousands(1_234_567)],
            ["0", "999", "1 234 567"]
        );
        assert_eq!(thousands(-1000), "-1 000");
    }

    #[test]
    fn the_json_is_the_contract() {
        let card = Scorecard {
            cost: Usd(12_500_000_000),
            lower_bound: Usd(10_000_000_000),
            pods: 3,
            pending_sum_ms: 61_500,
            pending_p50_ms: 1000,
            pending_p99_ms: 60_000,
            still_waiting: 0,
            launches: 2,
            removals: 1,
            evictions: 4,
            interruptions: 0,
            fargate_pods: 1,
            violations: Vec::new(),
            cycles: 120,
            policy: PolicyUse {
                calls: 9,
                fuel: 100,
                faults: 0,
            },
        };
        assert_eq!(
            serde_json::to_string(&card).unwrap(),
            "{\"version\":\"plimsoll.scorecard/v1\",\"cost_usd\":12.5,\"lower_bound_usd\":10.0,\"pods\":3,\
             \"pending_pod_seconds\":{\"sum\":61.5,\"p50\":1.0,\"p99\":60.0},\"launches\":2,\"removals\":1,\
             \"evictions\":4,\"violations\":[],\"cycles\":120,\"policy\":{\"calls\":9,\"fuel\":100,\"faults\":0}}"
        );
        assert!(card.to_string().contains("+25.0 % above it"));
    }
}
