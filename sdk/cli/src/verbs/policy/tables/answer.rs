//! An answer as tables write it. Long lists stand as their length and SHA-256, so that a hundred thousand rows are
//! compared to the letter and nobody has to read them. Rows that the engine found are written with their names: who
//! reads a table knows his workloads and not their numbers.

use decide::{Advised, View};
use host::sha256;
use model::advice::{Advice, PlacementAdvice, PolicyFault};
use model::ids::WorkloadKey;
use model::money::UsdPerHour;
use serde_json::{Map, Value, json};

/// Longer lists are not written out.
const WRITTEN_OUT: usize = 100;

/// Everything that an evaluation came to, over a picture of which the test itself has numbered the rows.
pub(super) fn shown(advised: &Advised, view: &View<'_>) -> Map<String, Value> {
    written(advised, &Rows { view, named: false })
}

/// The same over rows that the engine found, with their names and the instant.
pub(super) fn named(advised: &Advised, view: &View<'_>) -> Map<String, Value> {
    let mut shown = written(advised, &Rows { view, named: true });
    let at = jiff::Timestamp::from_millisecond(view.seen.at.0).unwrap_or_default();
    shown.insert("at".to_owned(), json!(at.to_string()));
    shown
}

fn written(advised: &Advised, rows: &Rows<'_>) -> Map<String, Value> {
    let mut shown = match &advised.answer {
        Ok(advice) => lists(advice, rows),
        Err(fault) => fault_of(fault),
    };
    if let Some(state) = &advised.kept {
        shown.insert("kept".to_owned(), text(&state.0));
    }
    if !advised.log.is_empty() {
        shown.insert(
            "log".to_owned(),
            long(advised.log.iter().map(|line| json!(line)).collect()),
        );
    }
    shown
}

/// A configuration that the policy, or the host, does not take.
pub(super) fn refused(why: &str) -> Map<String, Value> {
    object(json!({ "refused": why }))
}

/// What rows of a View are called.
struct Rows<'v> {
    view: &'v View<'v>,
    named: bool,
}

impl Rows<'_> {
    /// A row of an answer, with what the row that it is about is called.
    fn about(&self, mut row: Value, names: &[Option<Value>]) -> Value {
        if let (true, Value::Object(row)) = (self.named, &mut row) {
            let names = names.iter().flatten().filter_map(Value::as_object).cloned();
            row.extend(names.flatten());
        }
        row
    }

    fn class(&self, row: u32) -> Option<Value> {
        let class = at(self.view.classes, row)?;
        let workload = class.workload.as_ref().map(key);
        Some(json!({
            "workload": workload,
            "cpu_milli": class.requests.cpu_milli,
            "memory_mib": class.requests.memory_mib_up(),
        }))
    }

    fn set(&self, row: u32) -> Option<Value> {
        at(self.view.sets, row).map(|set| json!({"set_name": set.name}))
    }

    fn candidate(&self, row: u32) -> Option<Value> {
        let node = at(&self.view.seen.nodes, at(self.view.candidates, row)?.node)?;
        Some(json!({"node": node.name.as_str()}))
    }

    fn step(&self, ordinal: u32) -> Option<Value> {
        let step = self.view.steps.iter().find(|step| step.id.ordinal == ordinal)?;
        Some(json!({"kind": step.kind, "group": step.group, "object": step.object}))
    }
}

fn at<T>(rows: &[T], row: u32) -> Option<&T> {
    rows.get(usize::try_from(row).ok()?)
}

fn key(key: &WorkloadKey) -> String {
    format!("{}/{}/{}", key.kind, key.namespace, key.name)
}

fn lists(advice: &Advice, rows: &Rows<'_>) -> Map<String, Value> {
    object(match advice {
        Advice::Scale(wanted) => json!({"replicas": long(wanted.iter().map(|row| {
            let workload = at(rows.view.workloads, row.row).map(|shown| key(&shown.key));
            json!({"workload": workload, "wanted": row.replicas, "code": row.code, "text": row.text})
        }).collect())}),
        Advice::Placement(prices) => placement(prices, rows),
        Advice::Headroom(kinds) => json!({"room": long(kinds.iter().map(|kind| {
            let (cpu, memory) = (kind.requests.cpu_milli, kind.requests.memory_mib_up());
            json!({"pods": kind.count, "cpu_milli": cpu, "memory_mib": memory, "code": kind.code})
        }).collect())}),
        Advice::Disruption(verdicts) => json!({
            "denials": long(verdicts.denials.iter().map(|denial| {
                let row = json!({"candidate": denial.row, "code": denial.code, "text": denial.text});
                rows.about(row, &[rows.candidate(denial.row)])
            }).collect()),
            "addends": long(verdicts.addends.iter().map(|(row, nanos, code)| {
                let addend = json!({"candidate": row, "usd": UsdPerHour(*nanos).dollars(), "code": code});
                rows.about(addend, &[rows.candidate(*row)])
            }).collect()),
        }),
        Advice::Review(holds) => json!({"holds": long(holds.iter().map(|hold| {
            let row = json!({"step": hold.step.ordinal, "code": hold.code, "text": hold.text});
            rows.about(row, &[rows.step(hold.step.ordinal)])
        }).collect())}),
    })
}

fn placement(prices: &PlacementAdvice, rows: &Rows<'_>) -> Value {
    json!({
        "factors": long(prices.factors.iter().map(|(set, factor)| {
            let row = json!({"set": set, "factor": f64::from(*factor) / 1000.0});
            rows.about(row, &[rows.set(*set)])
        }).collect()),
        "bans": long(prices.forbids.iter().map(|(class, set, code)| {
            let row = json!({"class": class, "set": set, "code": code});
            rows.about(row, &[rows.class(*class), rows.set(*set)])
        }).collect()),
        "addends": long(prices.addends.iter().map(|(class, set, nanos, code)| {
            let row = json!({"class": class, "set": set, "usd": UsdPerHour(*nanos).dollars(), "code": code});
            rows.about(row, &[rows.class(*class), rows.set(*set)])
        }).collect()),
    })
}

fn fault_of(fault: &PolicyFault) -> Map<String, Value> {
    object(json!({ "fault": fault.to_string() }))
}

fn long(rows: Vec<Value>) -> Value {
    if rows.len() <= WRITTEN_OUT {
        return Value::Array(rows);
    }
    let lines: Vec<String> = rows.iter().map(|row| format!("{row}\n")).collect();
    json!({"rows": rows.len(), "sha256": sha256(lines.concat().as_bytes())})
}

/// Bytes as the text that they are; others as hexadecimal, and long ones as their digest.
fn text(bytes: &[u8]) -> Value {
    match std::str::from_utf8(bytes) {
        Ok(text) if text.len() <= 4096 => json!(text),
        _ => json!({"bytes": bytes.len(), "sha256": sha256(bytes)}),
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}
