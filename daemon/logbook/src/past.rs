//! Records as earlier versions wrote them, made into what this one reads. Nothing is written here.

use crate::record::{CycleRecord, PolicyUse, RECORD_VERSION, Trouble};
use model::advice::{ScaleAdvice, ScaleRow};
use model::notes::ScaleNote;
use model::standing::PolicyScope;
use model::{Aims, Instant, Memory, Notes, Outcome, Plan, Snapshot, StepId, Verdict, WorkloadKey};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A record of a version before this one's.
pub(crate) fn record(version: u32, json: &[u8]) -> Result<CycleRecord, serde_json::Error> {
    let mut tree: Value = serde_json::from_slice(json)?;
    number_workloads(&mut tree)?;
    if version == 0 {
        return RecordV0::deserialize(tree).map(CycleRecord::from);
    }
    let record = CycleRecord::deserialize(tree)?;
    Ok(CycleRecord {
        version: RECORD_VERSION,
        ..record
    })
}

/// What a scaler wanted of a workload, up to version 1: by name.
#[derive(Deserialize)]
struct Named {
    workload: WorkloadKey,
    replicas: u32,
    code: u16,
    text: String,
}

/// Puts columns by row in the place of what scalers wanted by name.
fn number_workloads(record: &mut Value) -> Result<(), serde_json::Error> {
    let notes = record.pointer("/notes/scale").cloned().unwrap_or_default();
    let notes = Option::<Vec<ScaleNote>>::deserialize(notes)?.unwrap_or_default();
    let asked = notes.into_iter().filter(|note| !note.forecast);
    let rows: BTreeMap<WorkloadKey, u32> = asked.map(|note| note.workload).zip(0..).collect();
    let calls = record.pointer_mut("/notes/calls").and_then(Value::as_array_mut);
    for call in calls.into_iter().flatten() {
        let Some(answer) = call.pointer_mut("/answer/Ok/Scale") else {
            continue;
        };
        let mut named: BTreeMap<u32, Named> = BTreeMap::new();
        for wanted in Vec::<Named>::deserialize(answer.take())? {
            // A row that no note is about led to nothing.
            if let Some(row) = rows.get(&wanted.workload) {
                named.entry(*row).or_insert(wanted);
            }
        }
        let mut columns = ScaleAdvice::default();
        for (row, wanted) in &named {
            columns.push(ScaleRow {
                row: *row,
                replicas: wanted.replicas,
                code: wanted.code,
                text: &wanted.text,
            });
        }
        *answer = serde_json::to_value(columns)?;
    }
    Ok(())
}

/// Version 0: trouble as free text, neither policies in force nor what became of intents.
#[derive(Deserialize)]
struct RecordV0 {
    engine: String,
    cycle: u64,
    at: Instant,
    snapshot: Snapshot,
    memory: Memory,
    aims: Aims,
    notes: Notes,
    plan: Plan,
    verdicts: Vec<(StepId, Verdict)>,
    outcomes: Vec<(StepId, Outcome)>,
    error: Option<String>,
}

impl From<RecordV0> for CycleRecord {
    fn from(old: RecordV0) -> Self {
        // What was in force is known from what was called.
        let mut policies: Vec<PolicyUse> = Vec::new();
        for call in &old.notes.calls {
            if policies.iter().all(|known| known.name != call.policy) {
                policies.push(PolicyUse {
                    name: call.policy.clone(),
                    digest: call.digest.clone(),
                    mode: call.mode,
                    scope: PolicyScope::default(),
                    config: String::new(),
                });
            }
        }
        Self {
            version: RECORD_VERSION,
            engine: old.engine,
            cycle: old.cycle,
            at: old.at,
            snapshot: Arc::new(old.snapshot),
            memory: Arc::new(old.memory),
            aims: Arc::new(old.aims),
            loosened: Vec::new(),
            policies,
            notes: old.notes,
            plan: old.plan,
            resumed: Vec::new(),
            verdicts: old.verdicts,
            outcomes: old.outcomes,
            events: Vec::new(),
            trouble: old.error.map(|why| Trouble::Unseen { why }),
            took_ms: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::advice::Advice;

    #[test]
    fn what_scalers_wanted_by_name_is_read_by_row() {
        let note = |name: &str, forecast: bool| {
            let workload = WorkloadKey::new("Deployment", "shop", name);
            ScaleNote {
                workload,
                from: 1,
                asked: 2,
                to: 2,
                forecast,
            }
        };
        let written = CycleRecord {
            version: 1,
            notes: Notes {
                scale: vec![note("owned", true), note("api", false), note("web", false)],
                ..Notes::default()
            },
            ..CycleRecord::default()
        };
        let mut tree = serde_json::to_value(&written).unwrap();
        let named = |name: &str, replicas: u32, text: &str| {
            let workload = serde_json::to_value(WorkloadKey::new("Deployment", "shop", name)).unwrap();
            serde_json::json!({"workload": workload, "replicas": replicas, "code": 7, "text": text})
        };
        tree["notes"]["calls"] = serde_json::json!([
            {"policy": "p", "digest": "", "hook": "scaler", "mode": "enforce", "fuel": 1, "log": [],
             "answer": {"Ok": {"Scale": [named("web", 5, "busy"), named("api", 3, ""), named("gone", 9, "")]}}},
            {"policy": "q", "digest": "", "hook": "scaler", "mode": "shadow", "fuel": 1, "log": [],
             "answer": {"Err": {"Trap": "unreachable"}}},
        ]);
        let read = record(1, tree.to_string().as_bytes()).unwrap();
        assert_eq!(read.version, RECORD_VERSION);
        let Ok(Advice::Scale(wanted)) = &read.notes.calls[0].answer else {
            panic!("{:?}", read.notes.calls[0])
        };
        let rows = wanted.iter().map(|row| (row.row, row.replicas, row.text));
        assert_eq!(rows.collect::<Vec<_>>(), [(0, 3, ""), (1, 5, "busy")]);
        assert!(wanted.in_order() && read.notes.calls[1].answer.is_err());
        tree["notes"]["calls"][0]["answer"]["Ok"]["Scale"] = serde_json::json!([{"replicas": 1}]);
        assert!(record(1, tree.to_string().as_bytes()).is_err());
    }
}
