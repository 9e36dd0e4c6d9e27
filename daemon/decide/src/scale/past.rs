//! What the metrics of scaled workloads were in recent minutes, for policies that look at how a value moves.
//!
//! Small and bounded, because it stands in every record; nothing of ours decides by it.

use crate::policy::WorkloadRow;
use model::memory::{Memory, PastValues};
use model::snapshot::Snapshot;
use model::time::Span;

/// Values are so far apart, or further.
const APART: Span = Span::from_secs(60);
const VALUES_KEPT: usize = 32;
const WORKLOADS_KEPT: usize = 200;

/// Notes the values of this picture and forgets workloads that are scaled no more.
pub(super) fn remember(memory: &mut Memory, seen: &Snapshot, rows: &[WorkloadRow]) {
    let past = &mut memory.past_values;
    past.retain(|key, _| super::place(rows, key).is_some());
    for row in rows {
        let Some(value) = row.value_milli else { continue };
        if !past.contains_key(&row.key) && past.len() >= WORKLOADS_KEPT {
            continue;
        }
        let known = past.entry(row.key.clone()).or_insert_with(|| PastValues {
            metric: row.metric.clone(),
            values: Vec::new(),
        });
        if known.metric != row.metric {
            known.metric.clone_from(&row.metric);
            known.values.clear();
        }
        let at = seen.at - row.age;
        if known
            .values
            .last()
            .is_none_or(|(last, _)| at.since(*last) >= APART)
        {
            known.values.push((at, value));
        }
        let surplus = known.values.len().saturating_sub(VALUES_KEPT);
        known.values.drain(..surplus);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::ids::WorkloadKey;
    use model::time::Instant;

    fn row(name: &str, metric: &str, value: Option<i64>) -> WorkloadRow {
        WorkloadRow {
            key: WorkloadKey::new("Deployment", "ns", name),
            spec: None,
            replicas: 1,
            ready: 1,
            min: 1,
            max: 9,
            metric: metric.to_owned(),
            target_milli: 1000,
            value_milli: value,
            age: Span::from_secs(5),
            pods: 1,
            request_milli: 0,
            recent_max: 1,
        }
    }

    fn at(seconds: i64) -> Snapshot {
        Snapshot {
            at: Instant(seconds * 1000),
            ..Snapshot::default()
        }
    }

    #[test]
    fn one_a_minute_of_the_same_metric_and_no_more_than_are_kept() {
        let mut memory = Memory::default();
        for cycle in 0..300 {
            remember(&mut memory, &at(cycle * 20), &[row("a", "queue", Some(cycle))]);
        }
        let values = &memory.past_values[&WorkloadKey::new("Deployment", "ns", "a")].values;
        assert_eq!(values.len(), 32);
        assert_eq!(values.last(), Some(&(Instant(297 * 20_000 - 5_000), 297)));
        remember(
            &mut memory,
            &at(7000),
            &[row("a", "queue", None), row("b", "queue", Some(1))],
        );
        assert_eq!(memory.past_values.len(), 2, "a value that is missing is not zero");
        remember(&mut memory, &at(7060), &[row("b", "cpu", Some(2))]);
        let left: Vec<_> = memory.past_values.values().collect();
        assert_eq!(
            (left.len(), left[0].metric.as_str(), left[0].values.len()),
            (1, "cpu", 1)
        );
        let many: Vec<WorkloadRow> = (0..300)
            .map(|n| row(&format!("w{n:03}"), "cpu", Some(1)))
            .collect();
        remember(&mut memory, &at(8000), &many);
        assert_eq!(memory.past_values.len(), 200);
    }
}
