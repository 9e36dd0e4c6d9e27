//! Policies, for Prometheus: their calls, what they use, how long they take, how trials of them go.
//!
//! Names of policies come from outside: `known` bounds them, and whoever calls asks it. Not here: measuring (`host`),
//! weighing (`cycle`).

use cycle::Trial;
use logbook::CycleRecord;
use model::advice::Hook;
use model::ids::PolicyName;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long calls of policies took, since this was last asked for.
pub type CallTimes = Vec<(PolicyName, Hook, Duration)>;

type Source = Box<dyn Fn() -> CallTimes + Send + Sync>;

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct CallLabels {
    policy: String,
    hook: &'static str,
    mode: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct FaultLabels {
    policy: String,
    hook: &'static str,
    fault: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TimeLabels {
    policy: String,
    hook: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct TrialLabels {
    policy: String,
}

/// The series of policies; cheap to clone.
#[derive(Clone)]
pub(super) struct Policies {
    source: Arc<Mutex<Option<Source>>>,
    calls: Family<CallLabels, Counter>,
    fuel: Family<CallLabels, Counter>,
    faults: Family<FaultLabels, Counter>,
    seconds: Family<TimeLabels, Histogram, fn() -> Histogram>,
    quarantined: Gauge,
    trial_cycles: Family<TrialLabels, Gauge>,
    trial_differed: Family<TrialLabels, Gauge>,
}

/// 20 µs to 0.6 s: from a small policy to one that meets its deadline.
fn buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.000_02, 2.0, 16))
}

impl Policies {
    pub(super) fn new() -> Self {
        Self {
            source: Arc::default(),
            calls: Family::default(),
            fuel: Family::default(),
            faults: Family::default(),
            seconds: Family::new_with_constructor(buckets),
            quarantined: Gauge::default(),
            trial_cycles: Family::default(),
            trial_differed: Family::default(),
        }
    }

    pub(super) fn read_from(&self, source: Source) {
        *self.source.lock().unwrap_or_else(PoisonError::into_inner) = Some(source);
    }

    /// Takes over what the source tells now.
    pub(super) fn refresh(&self, known: impl Fn(&str) -> String) {
        let source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        let told = source.as_ref().map(|times| times()).unwrap_or_default();
        for (policy, hook, took) in told {
            let labels = TimeLabels {
                policy: known(policy.as_str()),
                hook: hook.as_str(),
            };
            self.seconds.get_or_create(&labels).observe(took.as_secs_f64());
        }
    }

    /// Counts the calls of a record.
    pub(super) fn count(&self, record: &CycleRecord, known: impl Fn(&str) -> String) {
        for call in &record.notes.calls {
            let policy = known(call.policy.as_str());
            let hook = call.hook.as_str();
            let labels = CallLabels {
                policy: policy.clone(),
                hook,
                mode: call.mode.as_str(),
            };
            self.calls.get_or_create(&labels).inc();
            self.fuel.get_or_create(&labels).inc_by(call.fuel);
            if let Err(fault) = &call.answer {
                let fault = fault.kind();
                self.faults
                    .get_or_create(&FaultLabels { policy, hook, fault })
                    .inc();
            }
        }
        let quarantined = i64::try_from(record.memory.quarantine.len()).unwrap_or(i64::MAX);
        self.quarantined.set(quarantined);
    }

    /// Shows the trials that go on; a trial that is over leaves no series behind.
    pub(super) fn show_trials<'a>(
        &self,
        trials: impl Iterator<Item = (&'a PolicyName, &'a Trial)>,
        known: impl Fn(&str) -> String,
    ) {
        self.trial_cycles.clear();
        self.trial_differed.clear();
        for (policy, trial) in trials {
            let labels = TrialLabels {
                policy: known(policy.as_str()),
            };
            for (family, cycles) in [
                (&self.trial_cycles, trial.cycles),
                (&self.trial_differed, trial.differed),
            ] {
                family.get_or_create(&labels).set(i64::from(cycles));
            }
        }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("policy_calls", "Calls of policies", self.calls.clone());
        registry.register("policy_fuel", "Fuel used by policies", self.fuel.clone());
        registry.register(
            "policy_faults",
            "Calls that ended in a fault; the built-in default answered",
            self.faults.clone(),
        );
        registry.register_with_unit(
            "policy_call",
            "How long calls took, those of trials included",
            Unit::Seconds,
            self.seconds.clone(),
        );
        registry.register(
            "policies_quarantined",
            "Policies that the built-in default stands in for",
            self.quarantined.clone(),
        );
        registry.register(
            "policy_trial_cycles",
            "Cycles of a trial that were decided with the policy and without it",
            self.trial_cycles.clone(),
        );
        registry.register(
            "policy_trial_differed",
            "Of these, the cycles in which the two disagree",
            self.trial_differed.clone(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::super::Metrics;
    use super::*;

    #[test]
    fn times_are_shown_by_policy_and_hook() {
        let metrics = Metrics::new();
        let told = Mutex::new(vec![
            (PolicyName::new("a"), Hook::Scaler, Duration::from_micros(30)),
            (PolicyName::new("a"), Hook::Scaler, Duration::from_millis(5)),
            (PolicyName::new("b"), Hook::Placement, Duration::from_secs(2)),
        ]);
        metrics.policy_times_from(move || std::mem::take(&mut *told.lock().unwrap()));
        for _ in 0..2 {
            let text = metrics.text().unwrap();
            for wanted in [
                "plimsoll_policy_call_seconds_bucket{le=\"0.00004\",policy=\"a\",hook=\"scaler\"} 1",
                "plimsoll_policy_call_seconds_count{policy=\"a\",hook=\"scaler\"} 2",
                "plimsoll_policy_call_seconds_sum{policy=\"b\",hook=\"placement\"} 2",
            ] {
                assert!(text.contains(wanted), "{wanted} is missing in\n{text}");
            }
        }
    }

    #[test]
    fn a_trial_is_shown_while_it_goes_on() {
        let metrics = Metrics::new();
        let (name, trial) = (
            PolicyName::new("new"),
            Trial {
                cycles: 9,
                differed: 4,
                ..Trial::default()
            },
        );
        let show = |trials: &[(&PolicyName, &Trial)]| {
            metrics
                .policies
                .show_trials(trials.iter().copied(), str::to_owned);
        };
        show(&[(&name, &trial)]);
        let text = metrics.text().unwrap();
        assert!(
            text.contains("plimsoll_policy_trial_cycles{policy=\"new\"} 9"),
            "{text}"
        );
        assert!(
            text.contains("plimsoll_policy_trial_differed{policy=\"new\"} 4"),
            "{text}"
        );
        show(&[]);
        assert!(!metrics.text().unwrap().contains("plimsoll_policy_trial_cycles{"));
    }
}
