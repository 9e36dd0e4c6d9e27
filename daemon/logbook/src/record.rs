//! `CycleRecord`: one trip observe → record, with everything that `replay` needs to decide it again.
//!
//! A value and nothing else: how it is written and read is next door. What a person reads is rendered from
//! the enums in here at the edge.

use model::advice::{PolicyCall, PolicyFault, PolicyMode};
use model::intent::LedgerEvent;
use model::loosening::Loosening;
use model::standing::PolicyScope;
use model::{Aims, Instant, Memory, Notes, Outcome, Plan, PolicyName, Snapshot, Step, StepId, Verdict};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// Version that this build writes; it reads this one and those before. 1: scalers' answers by name of the workload.
pub const RECORD_VERSION: u32 = 2;

/// One trip, observe → record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CycleRecord {
    /// Format version.
    pub version: u32,
    /// Version of the engine that decided; replay is exact on the same one only.
    pub engine: String,
    /// Number of the cycle.
    pub cycle: u64,
    /// When it began.
    pub at: Instant,
    /// What was seen, the Ledger included; empty where nothing could be seen (`trouble` says why).
    pub snapshot: Arc<Snapshot>,
    /// What was remembered before the decision.
    pub memory: Arc<Memory>,
    /// What was wanted.
    pub aims: Arc<Aims>,
    /// What these aims loosen of those before, as somebody has acknowledged.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loosened: Vec<Loosening>,
    /// Policies in force, in the order they are asked.
    pub policies: Vec<PolicyUse>,
    /// How the plan came about, every policy call included.
    pub notes: Notes,
    /// What should be done.
    pub plan: Plan,
    /// Launches of earlier cycles that were asked for again, outside the plan.
    #[serde(default)]
    pub resumed: Vec<Step>,
    /// The guard's word on every step: the resumed ones, then the plan's.
    pub verdicts: Vec<(StepId, Verdict)>,
    /// What happened to the cleared ones, in the order they were carried out.
    pub outcomes: Vec<(StepId, Outcome)>,
    /// What became of open intents.
    pub events: Vec<LedgerEvent>,
    /// What kept the trip from being whole.
    pub trouble: Option<Trouble>,
    /// How long it took, in milliseconds of the clock it ran by.
    pub took_ms: u64,
}

impl CycleRecord {
    /// Whether there was a picture, and with it a decision.
    pub const fn has_seen(&self) -> bool {
        !matches!(
            self.trouble,
            Some(Trouble::Unseen { .. } | Trouble::Ended | Trouble::LedgerUnread { .. })
        )
    }
}

impl CycleRecord {
    /// Calls that were made: a policy in quarantine is listed in the notes, but it was not called.
    pub fn calls(&self) -> impl Iterator<Item = &PolicyCall> {
        self.notes.calls.iter().filter(|call| {
            call.fuel > 0
                || !matches!(call.answer, Err(PolicyFault::Declined(_)))
                || !self.memory.quarantine.contains_key(&call.policy)
        })
    }

    /// Steps that were cleared, those taken up again included, with what came of them.
    pub fn carried_out(&self) -> impl Iterator<Item = (&Step, &Outcome)> {
        let steps: BTreeMap<StepId, &Step> = self
            .resumed
            .iter()
            .chain(&self.plan.steps)
            .map(|step| (step.id, step))
            .collect();
        self.outcomes
            .iter()
            .filter_map(move |(id, outcome)| Some((*steps.get(id)?, outcome)))
    }
}

/// How a cycle ended whose record was written before its effects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ending {
    /// Number of the cycle.
    cycle: u64,
    verdicts: Vec<(StepId, Verdict)>,
    outcomes: Vec<(StepId, Outcome)>,
    events: Vec<LedgerEvent>,
    trouble: Option<Trouble>,
    took_ms: u64,
}

impl Ending {
    /// Of a record that is whole.
    pub(crate) fn of(record: &CycleRecord) -> Self {
        Self {
            cycle: record.cycle,
            verdicts: record.verdicts.clone(),
            outcomes: record.outcomes.clone(),
            events: record.events.clone(),
            trouble: record.trouble.clone(),
            took_ms: record.took_ms,
        }
    }

    /// Makes the record whole that stands before it; one of another cycle stays as it is.
    pub(crate) fn complete(self, record: &mut CycleRecord) {
        if record.cycle == self.cycle {
            record.verdicts = self.verdicts;
            record.outcomes = self.outcomes;
            record.events = self.events;
            record.trouble = self.trouble;
            record.took_ms = self.took_ms;
        }
    }
}

impl CycleRecord {
    /// Nobody wrote down how the cycle ended: what became of its effects is not known.
    pub(crate) fn cut_off(&mut self) {
        let told: BTreeSet<StepId> = self.outcomes.iter().map(|(step, _)| *step).collect();
        let cleared = self
            .verdicts
            .iter()
            .filter(|(_, verdict)| *verdict == Verdict::Cleared);
        let untold = cleared.filter(|(step, _)| !told.contains(step));
        let unknown = untold.map(|(step, _)| {
            let why = "the daemon has not written that down: it ended, or is still at it".to_owned();
            (*step, Outcome::Unknown { why })
        });
        let unknown: Vec<_> = unknown.collect();
        self.outcomes.extend(unknown);
    }
}

/// A policy as it was in force.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyUse {
    /// Name.
    pub name: PolicyName,
    /// SHA-256 of its component, hexadecimal; empty for built-ins.
    pub digest: String,
    /// Whether its answers count.
    pub mode: PolicyMode,
    /// What they count for in canary mode.
    #[serde(default, skip_serializing_if = "PolicyScope::is_empty")]
    pub scope: PolicyScope,
    /// Its configuration, JSON as it was given; empty where there is none.
    pub config: String,
}

/// What kept a trip from being whole. Nothing is ever done because of it, only left undone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trouble {
    /// Nothing could be seen: there is no plan.
    Unseen {
        /// What was tried.
        why: String,
    },
    /// The eyes have come to the end of a recording or a scenario.
    Ended,
    /// The Ledger could not be read back: there is no plan.
    LedgerUnread {
        /// What the store said.
        why: String,
    },
    /// The Ledger could not be saved before the effects: none was carried out.
    LedgerUnsaved {
        /// What the store said.
        why: String,
    },
    /// The record could not be written before the effects: none was carried out (reliability invariant I24).
    RecordUnwritten {
        /// What the log said.
        why: String,
    },
    /// The Ledger could not be saved after the effects; the next cycle saves it first.
    LedgerLate {
        /// What the store said.
        why: String,
    },
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unseen { why } => write!(f, "nothing could be seen: {why}"),
            Self::Ended => f.write_str("the recording or scenario has ended"),
            Self::LedgerUnread { why } => write!(f, "the ledger could not be read back: {why}"),
            Self::LedgerUnsaved { why } => {
                write!(
                    f,
                    "the ledger could not be saved, so nothing was carried out: {why}"
                )
            }
            Self::RecordUnwritten { why } => {
                write!(
                    f,
                    "the record could not be written, so nothing was carried out: {why}"
                )
            }
            Self::LedgerLate { why } => write!(f, "the ledger could not be saved after the effects: {why}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::advice::Hook;
    use model::plan::StepKind;
    use model::{Plan, Reason};

    #[test]
    fn what_was_called_and_carried_out() {
        let call = |policy: &str, fuel: u64, answer| PolicyCall {
            policy: policy.into(),
            digest: String::new(),
            hook: Hook::Scaler,
            mode: PolicyMode::Enforce,
            fuel,
            answer,
            log: Vec::new(),
            kept: None,
        };
        let declined = || Err(PolicyFault::Declined("no".to_owned()));
        let step = |ordinal: u32| Step {
            id: StepId { cycle: 1, ordinal },
            intent: None,
            generation: 0,
            kind: StepKind::Uncordon { node: "n".into() },
            reason: Reason::Planned,
        };
        let mut memory = Memory::default();
        memory.quarantine.insert("held".into(), Instant(0));
        let outcome = |ordinal: u32| (StepId { cycle: 1, ordinal }, Outcome::done());
        let record = CycleRecord {
            memory: Arc::new(memory),
            notes: Notes {
                calls: vec![
                    call("held", 0, declined()),
                    call("free", 0, declined()),
                    call("held", 7, declined()),
                ],
                ..Notes::default()
            },
            plan: Plan {
                steps: vec![step(0), step(1)],
                ..Plan::default()
            },
            resumed: vec![step(2)],
            outcomes: vec![outcome(2), outcome(0)],
            ..CycleRecord::default()
        };
        let called: Vec<(&str, u64)> = record.calls().map(|c| (c.policy.as_str(), c.fuel)).collect();
        assert_eq!(called, [("free", 0), ("held", 7)]);
        let done: Vec<u32> = record.carried_out().map(|(step, _)| step.id.ordinal).collect();
        assert_eq!(done, [2, 0]);
    }
}
