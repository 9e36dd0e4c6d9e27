//! The picture of a case: rows as a person writes them, made into the View that a policy is shown. Fields have the names
//! and the defaults of the Rust SDK's made-up rows (`plimsoll_sdk::testing`).
//!
//! A row with `repeat: N` stands for N rows: `{n}` in its texts is the row's number, and of a list the n-th value is
//! taken, from the start again where it ends. Nothing here is checked as a manifest would be: a test may show what a
//! cluster never would.

mod cluster;
mod rows;

use decide::policy::{CandidateRow, ClassRow, MoverRow, SetRow, StepRow, WorkloadRow};
use decide::{Prepared, View};
use model::advice::Hook;
use model::aims::Aims;
use model::memory::Memory;
use model::snapshot::Snapshot;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Most rows that a test may ask for in one table.
const MOST_ROWS: u64 = 200_000;
/// Fields of which the value is a list.
const LISTS: [&str; 2] = ["movers", "past"];

/// See the module.
pub(super) struct Picture {
    snapshot: Snapshot,
    memory: Memory,
    aims: Aims,
    workloads: Vec<WorkloadRow>,
    classes: Vec<ClassRow>,
    sets: Vec<SetRow>,
    candidates: Vec<CandidateRow>,
    movers: Vec<MoverRow>,
    steps: Vec<StepRow>,
}

/// As it is written.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Written {
    /// When it was taken, RFC 3339.
    at: Option<String>,
    seed: u64,
    cluster: String,
    classes: Vec<Map<String, Value>>,
    sets: Vec<Map<String, Value>>,
    workloads: Vec<Map<String, Value>>,
    candidates: Vec<Map<String, Value>>,
    steps: Vec<Map<String, Value>>,
    groups: Vec<Map<String, Value>>,
    offers: Vec<Map<String, Value>>,
    nodes: Vec<Map<String, Value>>,
    pods: Vec<Map<String, Value>>,
    metrics: Vec<Map<String, Value>>,
    /// Milliseconds ago and pods that waited, oldest first.
    history: Vec<(u32, u32)>,
}

impl Picture {
    /// Reads the picture of a case.
    pub(super) fn read(value: &Value) -> Result<Self, String> {
        let written: Written = match value {
            Value::Null => Written::default(),
            value => serde_json::from_value(value.clone()).map_err(|why| format!("picture: {why}"))?,
        };
        let mut picture = Self::empty(&written)?;
        for row in all("groups", &written.groups)? {
            picture.group(row);
        }
        for row in all("sets", &written.sets)? {
            picture.set(row);
        }
        picture.settle_groups();
        for row in all("offers", &written.offers)? {
            picture.offer(row)?;
        }
        for row in all("nodes", &written.nodes)? {
            picture.plain_node(row);
        }
        for row in all("pods", &written.pods)? {
            picture.pod(row);
        }
        for row in all("metrics", &written.metrics)? {
            picture.metric(row)?;
        }
        for row in all("classes", &written.classes)? {
            picture.class(row)?;
        }
        for row in all("workloads", &written.workloads)? {
            picture.workload(row)?;
        }
        picture.workloads.sort_by(|a, b| a.key.cmp(&b.key));
        for row in all("candidates", &written.candidates)? {
            picture.candidate(row)?;
        }
        for row in all("steps", &written.steps)? {
            picture.step(row)?;
        }
        picture.settle();
        Ok(picture)
    }

    /// The View of one hook.
    pub(super) fn view(&self, hook: Hook) -> View<'_> {
        View {
            hook,
            seen: &self.snapshot,
            memory: &self.memory,
            aims: &self.aims,
            workloads: &self.workloads,
            classes: &self.classes,
            sets: &self.sets,
            candidates: &self.candidates,
            movers: &self.movers,
            steps: &self.steps,
            prepared: Prepared::default(),
        }
    }
}

/// The rows of a table, repeated ones unfolded.
fn all<T: DeserializeOwned>(table: &str, written: &[Map<String, Value>]) -> Result<Vec<T>, String> {
    let mut rows = Vec::new();
    for (at, row) in written.iter().enumerate() {
        let fail = |why: &dyn std::fmt::Display| format!("picture.{table}[{at}]: {why}");
        let Some(times) = row.get("repeat") else {
            rows.push(serde_json::from_value(Value::Object(row.clone())).map_err(|why| fail(&why))?);
            continue;
        };
        let times = times.as_u64().filter(|times| *times <= MOST_ROWS);
        let times =
            times.ok_or_else(|| fail(&format_args!("repeat: a whole number up to {MOST_ROWS} is meant")))?;
        for n in 0..times {
            rows.push(serde_json::from_value(unfolded(row, n)).map_err(|why| fail(&why))?);
        }
    }
    Ok(rows)
}

/// One of the rows that a row with `repeat` stands for.
fn unfolded(row: &Map<String, Value>, n: u64) -> Value {
    let fields = row.iter().filter(|(field, _)| *field != "repeat");
    let fields = fields.map(|(field, value)| {
        let value = match value {
            Value::Array(values) if !LISTS.contains(&field.as_str()) && !values.is_empty() => {
                let at = usize::try_from(n).unwrap_or(0) % values.len();
                numbered(&values[at], n)
            }
            value => numbered(value, n),
        };
        (field.clone(), value)
    });
    Value::Object(fields.collect())
}

fn numbered(value: &Value, n: u64) -> Value {
    match value {
        Value::String(text) => Value::String(text.replace("{n}", &n.to_string())),
        Value::Object(fields) => {
            let fields = fields
                .iter()
                .map(|(field, value)| (field.clone(), numbered(value, n)));
            Value::Object(fields.collect())
        }
        value => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_repeated_row_stands_for_many() {
        let picture = Picture::read(&json!({
            "at": "2026-11-02T09:30:00Z",
            "workloads": [
                {"repeat": 3, "name": "app-{n}", "value": [1.5, null], "labels": {"team": "größe-{n}"}},
                {"name": "one", "past": [[60_000, 2.5]]}
            ],
            "sets": [{"name": "b"}, {"name": "a", "kind": "fargate"}],
            "candidates": [{"name": "n1", "movers": [{}, {"owner_kind": "Job"}]}],
        }))
        .unwrap();
        let values: Vec<_> = picture
            .workloads
            .iter()
            .map(|row| (&*row.key.name, row.value_milli))
            .collect();
        let expected = [
            ("app-0", Some(1500)),
            ("app-1", None),
            ("app-2", Some(1500)),
            ("one", Some(450_000)),
        ];
        assert_eq!(values, expected);
        let groups: Vec<u32> = picture.sets.iter().map(|set| set.group).collect();
        assert_eq!(
            (groups, picture.movers.len(), picture.candidates[0].moves),
            (vec![1, 0], 2, 2)
        );
        assert_eq!(picture.memory.past_values.len(), 1);
    }

    #[test]
    fn what_is_there_is_sorted_and_pointed_to() {
        let picture = Picture::read(&json!({
            "groups": [{"name": "b", "short_ms": 5}, {"name": "a"}],
            "sets": [{"name": "b", "group": "b"}],
            "offers": [{"group": "b", "barred_ms": 60_000}, {"group": "a", "price": 0.5}],
            "nodes": [{"name": "n2", "group": "b", "state": 65}, {"name": "n1", "offer": 1}],
            "pods": [{"name": "z", "node": "n1"}, {"name": "y", "node": null, "phase": "pending"}],
            "metrics": [{"name": "burn", "value": 2.5}, {"name": "other"}, {"workload": "b"}],
            "candidates": [{"name": "n2", "movers": [{"name": "x"}]}],
        }))
        .unwrap();
        let seen = &picture.snapshot;
        let names: Vec<_> = seen.nodes.iter().map(|node| node.name.as_str()).collect();
        assert_eq!((names, picture.candidates[0].node), (vec!["n1", "n2"], 1));
        let pods: Vec<_> = seen.pods.iter().map(|pod| &*pod.key.name).collect();
        assert_eq!((pods, picture.movers[0].pod), (vec!["x", "y", "z"], 0));
        let groups: Vec<u32> = seen.offers.iter().map(|offer| offer.group).collect();
        assert_eq!((groups, picture.sets[0].group), (vec![1, 0], 1));
        assert!(seen.nodes[1].goes() && seen.short.len() == 1);
        let price = seen.node_price(&seen.nodes[0]).unwrap();
        assert_eq!((price.dollars(), picture.memory.no_capacity.len()), (0.5, 1));
        let metrics: Vec<usize> = seen.workloads.iter().map(|w| w.metrics.len()).collect();
        assert_eq!(metrics, [2, 1]);
    }

    #[test]
    fn what_is_misspelt_is_named() {
        for (picture, why) in [
            (json!({"at": "yesterday"}), "picture.at"),
            (json!({"zones": []}), "unknown field `zones`"),
            (
                json!({"offers": [{}]}),
                "offers: group: `workers` is no group here",
            ),
            (
                json!({"sets": [{"nam": "x"}]}),
                "picture.sets[0]: unknown field `nam`",
            ),
            (
                json!({"workloads": [{"repeat": -1}]}),
                "picture.workloads[0]: repeat",
            ),
            (json!({"classes": [{"ec2_price": 1e300}]}), "ec2_price"),
        ] {
            let refused = Picture::read(&picture).err().unwrap();
            assert!(refused.contains(why), "{refused}");
        }
    }
}
