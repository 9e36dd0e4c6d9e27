//! What Prometheus reads: counters fed by every record as it ends, gauges set from the newest.
//!
//! Names begin with `plimsoll_`. Label values are bounded (reliability invariant I25): the first 64 of a kind
//! get their own series, all further ones count as `other`. Unknown is not zero: a gauge of something that was
//! not seen is not written.

mod calls;
mod policies;

use crate::admission::Counts;
use crate::{limits, messages};
pub use calls::CallTallies;
use calls::Calls;
use logbook::CycleRecord;
use model::intent::IntentKind;
use model::{Freshness, StepId, StepKind, Verdict};
pub use policies::CallTimes;
use policies::Policies;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

type Real = Gauge<f64, AtomicU64>;

/// All series; cheap to clone.
#[derive(Clone)]
pub struct Metrics {
    registry: Arc<Mutex<Registry>>,
    series: Arc<Series>,
    names: Arc<Mutex<Names>>,
    calls: Calls,
    policies: Policies,
}

#[derive(Default)]
struct Series {
    cycles: Family<CycleLabels, Counter>,
    seconds: Option<Histogram>,
    missed: Counter,
    steps: Family<StepLabels, Counter>,
    held: Family<ReasonLabels, Counter>,
    outcomes: Family<OutcomeLabels, Counter>,
    pods: Family<StateLabels, Gauge>,
    nodes: Family<StateLabels, Gauge>,
    group_nodes: Family<GroupLabels, Gauge>,
    running_rate: Real,
    plan_rate: Real,
    plan_bound: Real,
    gap: Real,
    intents: Family<IntentLabels, Gauge>,
    paused: Gauge,
    unread: Gauge,
    acting: Gauge,
    source_age: Family<SourceLabels, Real>,
    source_missing: Family<SourceLabels, Gauge>,
    aims_reloads: Family<ResultLabels, Counter>,
    certificate_reloads: Family<ReloadLabels, Counter>,
    certificate_ends: Family<CertificateLabels, Gauge>,
    notices: Family<NoticeLabels, Counter>,
    admission: Counts,
}

/// Label values that have a series of their own.
#[derive(Default)]
struct Names {
    policies: BTreeSet<String>,
    groups: BTreeSet<String>,
}

macro_rules! labels {
    ($($name:ident { $($field:ident),+ })+) => {$(
        #[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
        struct $name { $($field: String),+ }
    )+};
}
labels! {
    CycleLabels { trouble }
    StepLabels { kind, verdict }
    ReasonLabels { verdict, reason }
    OutcomeLabels { kind, outcome }
    StateLabels { state }
    GroupLabels { group }
    IntentLabels { kind, stage }
    SourceLabels { source }
    ResultLabels { result }
    ReloadLabels { listener, result }
    CertificateLabels { listener, certificate }
    NoticeLabels { outcome }
}

impl Metrics {
    /// Registers every series.
    pub(crate) fn new() -> Self {
        let series = Series {
            seconds: Some(Histogram::new(exponential_buckets(0.001, 2.0, 16))),
            ..Series::default()
        };
        let mut registry = Registry::with_prefix("plimsoll");
        series.register(&mut registry);
        let calls = Calls::default();
        calls.register(&mut registry);
        let policies = Policies::new();
        policies.register(&mut registry);
        Self {
            registry: Arc::new(Mutex::new(registry)),
            series: Arc::new(series),
            names: Arc::default(),
            calls,
            policies,
        }
    }

    /// Where calls to AWS are tallied; read whenever somebody reads the metrics.
    pub fn calls_from(&self, tallies: impl Fn() -> CallTallies + Send + Sync + 'static) {
        self.calls.read_from(Box::new(tallies));
    }

    /// Where calls of policies are timed; read whenever somebody reads the metrics.
    pub fn policy_times_from(&self, times: impl Fn() -> CallTimes + Send + Sync + 'static) {
        self.policies.read_from(Box::new(times));
    }

    /// One more try at reading the aims; a bad file keeps the last good one in force.
    pub fn aims_reloaded(&self, good: bool) {
        let result = if good { "good" } else { "refused" }.to_owned();
        self.series
            .aims_reloads
            .get_or_create(&ResultLabels { result })
            .inc();
    }

    /// Certificate files that have changed; bad ones keep the last good ones in force.
    pub(crate) fn certificates_reloaded(&self, listener: &'static str, good: bool) {
        let labels = ReloadLabels {
            listener: listener.to_owned(),
            result: if good { "good" } else { "refused" }.to_owned(),
        };
        self.series.certificate_reloads.get_or_create(&labels).inc();
    }

    /// Sets when certificates end: of which listener, which, and when.
    pub(crate) fn show_certificates(&self, ends: &[(&'static str, &'static str, i64)]) {
        self.series.certificate_ends.clear();
        for (listener, which, ends) in ends {
            let labels = CertificateLabels {
                listener: (*listener).to_owned(),
                certificate: which.replace(' ', "_").to_lowercase(),
            };
            self.series.certificate_ends.get_or_create(&labels).set(*ends);
        }
    }

    /// What the webhook counts.
    pub(crate) fn admission(&self) -> Counts {
        self.series.admission.clone()
    }

    /// Records that ended without being counted.
    pub(crate) fn missed(&self, records: u64) {
        self.series.missed.inc_by(records);
    }

    /// Counts a record.
    pub(crate) fn count(&self, record: &CycleRecord) {
        let trouble = record
            .trouble
            .as_ref()
            .map_or_else(|| "none".to_owned(), messages::tag);
        self.series.cycles.get_or_create(&CycleLabels { trouble }).inc();
        if let Some(seconds) = &self.series.seconds {
            seconds.observe(std::time::Duration::from_millis(record.took_ms).as_secs_f64());
        }
        self.count_steps(record);
        self.policies.count(record, |name| self.known_policy(name));
        self.show_cluster(record);
        self.show_sources(record);
        self.show_notices(record);
    }

    /// Sets what does not wait for a cycle.
    pub(crate) fn show_status(&self, status: &cycle::Status) {
        self.series.paused.set(i64::from(status.paused.is_some()));
        let acts = status.modes.of_cluster() == model::aims::Mode::Act;
        self.series.acting.set(i64::from(acts));
        let trials = status.policies.iter().filter_map(|policy| {
            let trial = policy.trial.as_ref()?;
            Some((&policy.name, trial))
        });
        self.policies.show_trials(trials, |name| self.known_policy(name));
    }

    /// Sets how much watchers have not taken.
    pub(crate) fn show_unread(&self, bytes: usize) {
        self.series.unread.set(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// The text that Prometheus reads (OpenMetrics).
    pub(crate) fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        self.calls.refresh();
        self.policies.refresh(|name| self.known_policy(name));
        let registry = self.registry.lock().unwrap_or_else(PoisonError::into_inner);
        encode(&mut text, &registry)?;
        Ok(text)
    }

    fn count_steps(&self, record: &CycleRecord) {
        let kinds: BTreeMap<StepId, &'static str> = record
            .plan
            .steps
            .iter()
            .map(|step| (step.id, StepKind::name(&step.kind)))
            .collect();
        let kind = |id: &StepId| kinds.get(id).copied().unwrap_or("unknown").to_owned();
        for (id, verdict) in &record.verdicts {
            let (word, reason) = match verdict {
                Verdict::Cleared => ("cleared", None),
                Verdict::Held(why) => ("held", Some(messages::tag(why))),
                Verdict::Struck(why) => ("struck", Some(messages::tag(why))),
            };
            let verdict = word.to_owned();
            if let Some(reason) = reason {
                let verdict = verdict.clone();
                self.series
                    .held
                    .get_or_create(&ReasonLabels { verdict, reason })
                    .inc();
            }
            let kind = kind(id);
            self.series
                .steps
                .get_or_create(&StepLabels { kind, verdict })
                .inc();
        }
        for (id, outcome) in &record.outcomes {
            let labels = OutcomeLabels {
                kind: kind(id),
                outcome: messages::tag(outcome),
            };
            self.series.outcomes.get_or_create(&labels).inc();
        }
    }

    fn show_cluster(&self, record: &CycleRecord) {
        let seen = &record.snapshot;
        if seen.sources.is_empty() {
            return;
        }
        let set = |family: &Family<StateLabels, Gauge>, state: &str, n: usize| {
            let state = state.to_owned();
            family
                .get_or_create(&StateLabels { state })
                .set(i64::try_from(n).unwrap_or(i64::MAX));
        };
        let pods = &self.series.pods;
        set(
            pods,
            "pending",
            seen.pods.iter().filter(|p| messages::waits(p)).count(),
        );
        set(
            pods,
            "running",
            seen.pods.iter().filter(|p| p.holds_resources()).count(),
        );
        let nodes = &self.series.nodes;
        set(nodes, "all", seen.nodes.len());
        set(nodes, "ready", seen.nodes.iter().filter(|n| n.ready).count());
        set(
            nodes,
            "draining",
            seen.nodes.iter().filter(|n| n.draining).count(),
        );
        set(nodes, "fargate", seen.nodes.iter().filter(|n| n.fargate).count());
        self.series.admission.show(seen, &record.notes);
        self.series.group_nodes.clear();
        for group in &seen.groups {
            let group_name = self.known(|names| &mut names.groups, group.name.as_str());
            self.series
                .group_nodes
                .get_or_create(&GroupLabels { group: group_name })
                .inc_by(i64::from(group.living()));
        }
        self.series.running_rate.set(record.notes.running_rate.dollars());
        self.series.plan_rate.set(record.plan.cost.policy_rate.dollars());
        self.series
            .plan_bound
            .set(record.plan.cost.policy_bound.dollars());
        self.series.gap.set(record.plan.cost.gap_percent());
        self.series.intents.clear();
        for intent in &seen.ledger.intents {
            let (kind, stage) = match &intent.kind {
                IntentKind::Launch { stage, .. } => ("Launch", format!("{stage:?}")),
                IntentKind::Remove { stage, .. } => ("Remove", format!("{stage:?}")),
            };
            let kind = kind.to_owned();
            self.series
                .intents
                .get_or_create(&IntentLabels { kind, stage })
                .inc();
        }
    }

    fn show_sources(&self, record: &CycleRecord) {
        for (source, fresh) in &record.snapshot.sources {
            let labels = SourceLabels {
                source: format!("{source:?}").to_lowercase(),
            };
            let age = match fresh {
                Freshness::Live => Some(0),
                Freshness::Stale { age } => Some(age.millis()),
                Freshness::Missing => None,
            };
            self.series
                .source_missing
                .get_or_create(&labels)
                .set(i64::from(age.is_none()));
            match age.and_then(|ms| u64::try_from(ms).ok()) {
                Some(ms) => {
                    let seconds = std::time::Duration::from_millis(ms).as_secs_f64();
                    self.series.source_age.get_or_create(&labels).set(seconds);
                }
                None => {
                    self.series.source_age.remove(&labels);
                }
            }
        }
    }

    /// The eyes count, this only shows.
    fn show_notices(&self, record: &CycleRecord) {
        let Some(notices) = &record.snapshot.notices else {
            return;
        };
        for (outcome, count) in notices.outcomes() {
            let outcome = outcome.to_owned();
            let counter = self.series.notices.get_or_create(&NoticeLabels { outcome });
            counter.inner().store(count, Ordering::Relaxed);
        }
    }

    fn known_policy(&self, name: &str) -> String {
        self.known(|names| &mut names.policies, name)
    }

    /// The value itself while there is room for its series, `other` afterwards.
    fn known(&self, kind: impl FnOnce(&mut Names) -> &mut BTreeSet<String>, value: &str) -> String {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let set = kind(&mut names);
        if set.len() < limits::LABEL_VALUES - 1 {
            set.insert(value.to_owned());
        }
        if set.contains(value) {
            value.to_owned()
        } else {
            "other".to_owned()
        }
    }
}

impl Series {
    fn register(&self, registry: &mut Registry) {
        registry.register(
            "cycles",
            "Cycles, by what kept them from being whole",
            self.cycles.clone(),
        );
        if let Some(seconds) = &self.seconds {
            registry.register_with_unit(
                "cycle",
                "Time from looking to recording",
                Unit::Seconds,
                seconds.clone(),
            );
        }
        registry.register(
            "records_missed",
            "Records that came too fast to be counted here",
            self.missed.clone(),
        );
        registry.register(
            "steps",
            "Steps planned, by kind and the guard's verdict",
            self.steps.clone(),
        );
        registry.register(
            "steps_not_cleared",
            "Steps held or struck, by reason",
            self.held.clone(),
        );
        registry.register(
            "outcomes",
            "Steps carried out, by kind and outcome",
            self.outcomes.clone(),
        );
        registry.register("pods", "Pods, by state", self.pods.clone());
        registry.register("nodes", "Nodes, by state", self.nodes.clone());
        registry.register(
            "group_nodes",
            "Instances that are or will be capacity, by group",
            self.group_nodes.clone(),
        );
        registry.register(
            "running_usd_per_hour",
            "What the nodes cost, where their price is known",
            self.running_rate.clone(),
        );
        registry.register(
            "plan_usd_per_hour",
            "What the newest plan buys, as policies price it",
            self.plan_rate.clone(),
        );
        registry.register(
            "plan_bound_usd_per_hour",
            "No plan for the same demand costs less",
            self.plan_bound.clone(),
        );
        registry.register(
            "plan_gap_percent",
            "How far the newest plan is above its bound",
            self.gap.clone(),
        );
        self.admission.register(registry);
        registry.register("intents_open", "Work under way, by stage", self.intents.clone());
        registry.register_with_unit(
            "watchers_unread",
            "Made for watchers of cycles and not yet taken by them",
            Unit::Bytes,
            self.unread.clone(),
        );
        registry.register("paused", "1 while the kill switch is pulled", self.paused.clone());
        registry.register("acting", "1 while the cluster's mode is act", self.acting.clone());
        registry.register(
            "source_age_seconds",
            "Age of each input; absent while it is missing",
            self.source_age.clone(),
        );
        registry.register(
            "source_missing",
            "1 while an input is missing or not complete",
            self.source_missing.clone(),
        );
        self.register_files(registry);
        registry.register(
            "notices",
            "Notices of instances that go, by whether the provider confirmed them",
            self.notices.clone(),
        );
    }

    /// What is read again while the daemon runs.
    fn register_files(&self, registry: &mut Registry) {
        registry.register(
            "aims_reloads",
            "Changed aims, by whether they could be used",
            self.aims_reloads.clone(),
        );
        registry.register(
            "certificate_reloads",
            "Certificate files that have changed, by whether they could be used",
            self.certificate_reloads.clone(),
        );
        registry.register_with_unit(
            "certificate_not_after_timestamp",
            "When the certificates that are served and the authorities of clients end, seconds since 1970",
            Unit::Seconds,
            self.certificate_ends.clone(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::advice::{Hook, PolicyCall, PolicyFault, PolicyMode};
    use model::{PolicyName, Source};

    fn record(policies: usize) -> CycleRecord {
        let mut snapshot = model::Snapshot::default();
        snapshot.sources.insert(Source::Pods, Freshness::Live);
        snapshot.sources.insert(Source::Load, Freshness::Missing);
        snapshot.notices = Some(model::Notices {
            confirmed: 2,
            ..model::Notices::default()
        });
        let mut record = CycleRecord {
            took_ms: 1500,
            snapshot: Arc::new(snapshot),
            ..CycleRecord::default()
        };
        for ix in 0..policies {
            record.notes.calls.push(PolicyCall {
                policy: PolicyName::new(format!("p{ix}\"\n")),
                digest: String::new(),
                hook: Hook::Scaler,
                mode: PolicyMode::Enforce,
                fuel: 7,
                answer: Err(PolicyFault::Trap("x".to_owned())),
                log: Vec::new(),
                kept: None,
            });
        }
        record
    }

    #[test]
    fn the_text_parses_and_names_what_it_should() {
        let metrics = Metrics::new();
        metrics.count(&record(1));
        metrics.aims_reloaded(false);
        let text = metrics.text().unwrap();
        for line in text.lines() {
            let good = line.starts_with("# ")
                || line.rsplit_once(' ').is_some_and(|(name, value)| {
                    name.starts_with("plimsoll_") && value.parse::<f64>().is_ok()
                });
            assert!(good, "not a metric: {line}");
        }
        for wanted in [
            "plimsoll_cycles_total{trouble=\"none\"} 1",
            "plimsoll_cycle_seconds_sum 1.5",
            "plimsoll_policy_faults_total{policy=\"p0\\\"\\n\",hook=\"scaler\",fault=\"trap\"} 1",
            "plimsoll_aims_reloads_total{result=\"refused\"} 1",
            "plimsoll_source_age_seconds{source=\"pods\"} 0",
            "plimsoll_source_missing{source=\"load\"} 1",
            "plimsoll_notices_total{outcome=\"confirmed\"} 2",
            "plimsoll_notices_total{outcome=\"unconfirmed\"} 0",
        ] {
            assert!(text.contains(wanted), "{wanted} is missing in\n{text}");
        }
        assert!(!text.contains("plimsoll_source_age_seconds{source=\"load\"}"));
    }

    #[test]
    fn label_values_are_bounded() {
        let metrics = Metrics::new();
        metrics.count(&record(500));
        let text = metrics.text().unwrap();
        let series = text
            .lines()
            .filter(|l| l.starts_with("plimsoll_policy_calls_total{"));
        assert_eq!(series.count(), limits::LABEL_VALUES);
        assert!(text.contains("policy=\"other\""));
    }
}
