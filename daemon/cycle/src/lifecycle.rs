//! The life of policies between shadow and enforce: where each stands, what a trial shows, when a rule moves one up and
//! what takes one back. Whoever is not enforced is on trial: with a rule it may rise, without one it only shows what it would
//! change.
//!
//! Standings are kept in the Ledger: a restart forgets none. Tallies of trials are not: a restart begins them anew, which
//! makes the daemon slower to trust. Not here: loading and keeping components (`host`), quarantine (`decide`).

use crate::compare::{Comparison, compare};
use crate::policies::{InForce, Promotion};
use decide::PolicyEntry;
use logbook::CycleRecord;
use model::advice::PolicyMode;
use model::intent::Ledger;
use model::money::UsdPerHour;
use model::{Instant, Memory, PolicyName, Snapshot, Span, Standing};
use std::collections::BTreeMap;

/// Trials that are weighed after one cycle; more take turns. Each costs as much as a decision.
const WEIGHED: usize = 4;
/// The same of policies that only watch: no rule waits for them, somebody may.
const WATCHED: usize = 1;
/// An older figure of a guard metric is no figure.
const OLDEST_METRIC: Span = Span::from_secs(300);
/// Who is named where a rule of the configuration moved a policy.
pub(crate) const RULE: &str = "rule of the configuration";

/// What a trial has shown so far, of one component in one mode.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// Component.
    pub digest: String,
    /// Mode it was weighed in.
    pub mode: Option<PolicyMode>,
    /// Cycles that were decided with it and without it, since the last fault.
    pub cycles: u32,
    /// Of them, those where the plans differed.
    pub differed: u32,
    /// Sum of what it would have changed, nano-dollars per hour over the cycles.
    pub delta_nanos: i128,
    /// Faults since the trial began.
    pub faults: u32,
    /// The last comparison.
    pub last: Option<Comparison>,
}

impl Trial {
    /// What it changes on average; `None` before the first cycle.
    pub fn mean(&self) -> Option<UsdPerHour> {
        if self.cycles == 0 {
            return None;
        }
        let mean = self.delta_nanos / i128::from(self.cycles);
        i64::try_from(mean).ok().map(UsdPerHour)
    }
}

/// Tallies of the trials of this process.
#[derive(Default)]
pub(crate) struct Trials {
    by_policy: BTreeMap<PolicyName, Trial>,
    turn: usize,
    watched_turn: usize,
}

/// A change of where a policy stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// A rule moves it on.
    Promote(Standing),
    /// It is taken back: the digest stays in shadow, the one before comes back where it is still known.
    RollBack { digest: String, why: String },
}

impl Trials {
    /// What is known of each.
    pub(crate) const fn tallies(&self) -> &BTreeMap<PolicyName, Trial> {
        &self.by_policy
    }

    /// Weighs policies on trial against a cycle that is over, and says who moves.
    pub(crate) fn weigh(&mut self, record: &CycleRecord, policies: &InForce) -> Vec<(PolicyName, Move)> {
        self.by_policy
            .retain(|name, _| policies.set.entries.iter().any(|entry| entry.name == *name));
        if !record.has_seen() {
            return Vec::new();
        }
        let (trials, watched): (Vec<_>, Vec<_>) = policies
            .set
            .entries
            .iter()
            .filter(|entry| entry.mode < PolicyMode::Enforce)
            .map(|entry| (entry, on_trial(entry, policies)))
            .partition(|(_, promotion)| promotion.is_some());
        let turn = next(&trials, &mut self.turn, WEIGHED);
        let turn = turn.chain(next(&watched, &mut self.watched_turn, WATCHED));
        let mut moves = Vec::new();
        for (entry, promotion) in turn {
            let trial = self.by_policy.entry(entry.name.clone()).or_default();
            if trial.digest != entry.digest || trial.mode != Some(entry.mode) {
                *trial = Trial {
                    digest: entry.digest.clone(),
                    mode: Some(entry.mode),
                    ..Trial::default()
                };
            }
            trial.note(record, policies, entry);
            let promoted = promotion.and_then(|rule| trial.promoted(entry, rule, record.at));
            if let Some(standing) = promoted {
                moves.push((entry.name.clone(), Move::Promote(standing)));
            }
        }
        moves
    }
}

/// Those whose turn it is.
fn next<'a, T>(all: &'a [T], turn: &mut usize, most: usize) -> impl Iterator<Item = &'a T> + use<'a, T> {
    let first = turn.checked_rem(all.len()).unwrap_or(0);
    *turn = first + most;
    all.iter().cycle().skip(first).take(all.len().min(most))
}

/// The rule by which a policy may still rise; `None` where there is none, or it is where it was to go.
fn on_trial<'a>(entry: &PolicyEntry, policies: &'a InForce) -> Option<&'a Promotion> {
    let promotion = policies.rules.get(&entry.name)?.promotion.as_ref()?;
    (entry.mode < promotion.to).then_some(promotion)
}

impl Trial {
    fn note(&mut self, record: &CycleRecord, policies: &InForce, entry: &PolicyEntry) {
        let mut calls = record.calls().filter(|call| call.policy == entry.name).peekable();
        if calls.peek().is_none() {
            // Nobody asked it anything: such a cycle shows nothing.
            return;
        }
        if calls.any(|call| call.answer.is_err()) {
            self.faults = self.faults.saturating_add(1);
            (self.cycles, self.differed, self.delta_nanos) = (0, 0, 0);
            return;
        }
        let Some(comparison) = compare(record, policies, &entry.name) else {
            return;
        };
        self.cycles = self.cycles.saturating_add(1);
        self.differed = self.differed.saturating_add(u32::from(comparison.differs));
        self.delta_nanos += i128::from(comparison.delta().0);
        self.last = Some(comparison);
    }

    /// The next stage, once enough cycles have gone by; where they cost more than the rule allows, they are counted anew.
    fn promoted(&mut self, entry: &PolicyEntry, promotion: &Promotion, at: Instant) -> Option<Standing> {
        if self.cycles < promotion.cycles {
            return None;
        }
        let mean = self.mean()?;
        if mean > promotion.most {
            (self.cycles, self.differed, self.delta_nanos) = (0, 0, 0);
            return None;
        }
        let canary = entry.mode == PolicyMode::Shadow && !entry.scope.is_empty();
        let mode = if canary { PolicyMode::Canary } else { promotion.to };
        Some(Standing {
            digest: entry.digest.clone(),
            mode,
            by: RULE.to_owned(),
            why: format!(
                "{} cycles without a fault, {mean} on average, {} of them with another plan",
                self.cycles, self.differed
            ),
            at,
            before: None,
            refused: Vec::new(),
        })
    }
}

/// Policies that count and are to be taken back: newly in quarantine, or a guard metric is breached.
pub(crate) fn breaches(
    (seen, before, now): (&Snapshot, &Memory, &Memory),
    policies: &InForce,
) -> Vec<(PolicyName, Move)> {
    let counting = policies.set.entries.iter().filter(|entry| entry.mode.counts());
    let taken_back = counting.filter_map(|entry| {
        let name = &entry.name;
        let quarantined = now.quarantine.contains_key(name) && !before.quarantine.contains_key(name);
        let why = if quarantined {
            Some("in quarantine after repeated faults".to_owned())
        } else {
            policies.rules.get(name).and_then(|rules| breached(seen, rules))
        };
        let digest = entry.digest.clone();
        why.map(|why| (name.clone(), Move::RollBack { digest, why }))
    });
    taken_back.collect()
}

/// A metric that is unknown or old breaches nothing: it tells nothing.
fn breached(seen: &Snapshot, rules: &crate::policies::Rules) -> Option<String> {
    rules.guards.iter().find_map(|guard| {
        let workload = seen
            .workloads
            .iter()
            .find(|workload| workload.key == guard.workload)?;
        let mut metrics = workload.metrics.iter();
        let metric = metrics.find(|metric| metric.name == guard.metric)?;
        let fresh = seen.at.since(metric.at) <= OLDEST_METRIC;
        (fresh && metric.milli > guard.above_milli).then(|| {
            format!(
                "{} of {} is {}, above {}",
                guard.metric,
                guard.workload,
                thousandths(metric.milli),
                thousandths(guard.above_milli)
            )
        })
    })
}

fn thousandths(milli: i64) -> String {
    let sign = if milli < 0 { "-" } else { "" };
    format!(
        "{sign}{}.{:03}",
        milli.unsigned_abs() / 1000,
        milli.unsigned_abs() % 1000
    )
}

/// Where policies stand by the Ledger.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standings {
    /// What was set while a daemon ran.
    pub(crate) set: BTreeMap<PolicyName, Standing>,
    /// The component that runs in the configured mode.
    pub(crate) trusted: BTreeMap<PolicyName, String>,
}

impl Standings {
    pub(crate) fn of(ledger: &Ledger) -> Self {
        Self {
            set: ledger.policies.clone(),
            trusted: ledger.trusted.clone(),
        }
    }

    /// Whether the entry has taken the place of the trusted component.
    fn is_replaced(&self, entry: &PolicyEntry, offered: &InForce) -> bool {
        let trusted = self.trusted.get(&entry.name);
        first_only(entry, offered) && trusted.is_some_and(|trusted| *trusted != entry.digest)
    }
}

fn first_only(entry: &PolicyEntry, offered: &InForce) -> bool {
    let rules = offered.rules.get(&entry.name);
    entry.mode.counts() && rules.is_some_and(|rules| rules.first_only)
}

/// Notes which components run in the configured modes: those that are there first. Where a configuration says that every one
/// counts, or none, none is trusted any more: that begins anew once it says otherwise. Tells whether something has changed.
pub(crate) fn note_trusted(trusted: &mut BTreeMap<PolicyName, String>, offered: &InForce) -> bool {
    let before = trusted.clone();
    for entry in &offered.set.entries {
        if first_only(entry, offered) {
            let digest = || entry.digest.clone();
            trusted.entry(entry.name.clone()).or_insert_with(digest);
        } else {
            trusted.remove(&entry.name);
        }
    }
    *trusted != before
}

/// What is to be said of policies whose component was replaced and that only watch since.
pub(crate) fn replaced(offered: &InForce, standings: &Standings) -> BTreeMap<PolicyName, String> {
    let entries = offered.set.entries.iter();
    let waiting = entries.filter(|entry| {
        let set = standings.set.get(&entry.name);
        let is_set = set.is_some_and(|standing| standing.digest == entry.digest);
        standings.is_replaced(entry, offered) && !is_set
    });
    let said = waiting.map(|entry| {
        let digest: String = entry.digest.chars().take(12).collect();
        let how = "`plimsoll policy mode` gives it a say, and so does `trust: always` in the configuration";
        let why = format!("its component was replaced by {digest}, which only watches: {how}");
        (entry.name.clone(), why)
    });
    said.collect()
}

/// What is to be said of policies that somebody gave a say and that are not there any more.
pub(crate) fn gone(offered: &InForce, standings: &Standings) -> BTreeMap<PolicyName, String> {
    let set = standings.set.iter();
    let is_there = |name: &PolicyName| offered.set.entries.iter().any(|entry| entry.name == *name);
    let gone = set.filter(|(name, standing)| standing.mode.counts() && !is_there(name));
    let said = gone.map(|(name, standing)| {
        let mode = standing.mode.as_str();
        let how = format!("load it again, or `plimsoll policy mode {name} shadow` where it is not missed");
        (
            name.clone(),
            format!("it was in mode {mode}, and there is no policy of this name any more: {how}"),
        )
    });
    said.collect()
}

/// The policies as they stand by the Ledger: what a rule may promote begins in shadow, and so does what has taken the place
/// of the trusted component; what was set wins.
pub(crate) fn governed(offered: &InForce, standings: &Standings) -> InForce {
    let mut policies = offered.clone();
    for entry in &mut policies.set.entries {
        let rules = offered.rules.get(&entry.name);
        let promoted = rules.is_some_and(|rules| rules.promotion.is_some());
        if promoted || standings.is_replaced(entry, offered) {
            entry.mode = PolicyMode::Shadow;
        }
        let standings = &standings.set;
        if let Some(standing) = standings.get(&entry.name) {
            entry.mode = standing.mode_of(&entry.digest, entry.mode);
        }
    }
    policies
}

/// Components that are offered though they were rolled back, as after a restart: what was before them is wanted instead.
pub(crate) fn refused(
    offered: &InForce,
    standings: &BTreeMap<PolicyName, Standing>,
) -> Vec<(PolicyName, String)> {
    let entries = offered.set.entries.iter();
    let refused = entries.filter(|entry| {
        let standing = standings.get(&entry.name);
        standing.is_some_and(|standing| standing.refused.contains(&entry.digest))
    });
    refused
        .map(|entry| (entry.name.clone(), entry.digest.clone()))
        .collect()
}

/// Writes a new standing down.
pub(crate) fn set(ledger: &mut Ledger, policy: &PolicyName, standing: Standing) {
    let standing = standing.after(ledger.policies.get(policy));
    ledger.policies.insert(policy.clone(), standing);
}

/// Writes down that a digest is not wanted: it stays in shadow.
pub(crate) fn refuse(ledger: &mut Ledger, policy: &PolicyName, refused: Standing) {
    let standing = refused.refusing(ledger.policies.get(policy));
    ledger.policies.insert(policy.clone(), standing);
}
