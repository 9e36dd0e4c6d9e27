//! An answer as tables write it. Long lists stand as their length and SHA-256, so that a hundred thousand rows are
//! compared to the letter and nobody has to read them.

use decide::Advised;
use decide::policy::WorkloadRow;
use host::sha256;
use model::advice::{Advice, PolicyFault};
use model::money::UsdPerHour;
use serde_json::{Map, Value, json};

/// Longer lists are not written out.
const WRITTEN_OUT: usize = 100;

/// Everything that an evaluation came to.
pub(super) fn shown(advised: &Advised, workloads: &[WorkloadRow]) -> Map<String, Value> {
    let mut shown = match &advised.answer {
        Ok(advice) => lists(advice, workloads),
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

fn lists(advice: &Advice, workloads: &[WorkloadRow]) -> Map<String, Value> {
    object(match advice {
        Advice::Scale(wanted) => json!({"replicas": long(wanted.iter().map(|row| {
            let key = usize::try_from(row.row).ok().and_then(|at| workloads.get(at)).map(|shown| &shown.key);
            let workload = key.map(|key| format!("{}/{}/{}", key.kind, key.namespace, key.name));
            json!({"workload": workload, "wanted": row.replicas, "code": row.code, "text": row.text})
        }).collect())}),
        Advice::Placement(prices) => json!({
            "factors": long(prices.factors.iter().map(|(set, factor)| {
                json!({"set": set, "factor": f64::from(*factor) / 1000.0})
            }).collect()),
            "bans": long(prices.forbids.iter().map(|(class, set, code)| {
                json!({"class": class, "set": set, "code": code})
            }).collect()),
            "addends": long(prices.addends.iter().map(|(class, set, nanos, code)| {
                json!({"class": class, "set": set, "usd": UsdPerHour(*nanos).dollars(), "code": code})
            }).collect()),
        }),
        Advice::Headroom(kinds) => json!({"room": long(kinds.iter().map(|kind| {
            let (cpu, memory) = (kind.requests.cpu_milli, kind.requests.memory_mib_up());
            json!({"pods": kind.count, "cpu_milli": cpu, "memory_mib": memory, "code": kind.code})
        }).collect())}),
        Advice::Disruption(verdicts) => json!({
            "denials": long(verdicts.denials.iter().map(|denial| {
                json!({"candidate": denial.row, "code": denial.code, "text": denial.text})
            }).collect()),
            "addends": long(verdicts.addends.iter().map(|(row, nanos, code)| {
                json!({"candidate": row, "usd": UsdPerHour(*nanos).dollars(), "code": code})
            }).collect()),
        }),
        Advice::Review(holds) => json!({"holds": long(holds.iter().map(|hold| {
            json!({"step": hold.step.ordinal, "code": hold.code, "text": hold.text})
        }).collect())}),
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
