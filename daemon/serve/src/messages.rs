//! Nouns of `model` and `logbook` as messages of `plimsoll.v1`.
//!
//! Words come from the `Display` of the enums, codes from their names: nothing is decided or phrased here.

mod cycle;
mod rows;

pub(crate) use cycle::{calls, cost, cycle, cycle_head, planned_nodes, refusals, step};
pub(crate) use rows::{group, node, offer, pause, pod, summary, waits, workload};

use crate::limits;

use model::aims::Mode;
use model::{Resources, WorkloadKey};
use prost::Message;
use proto::v1;
use serde_json::Value;

/// Name of an enum's variant, as it is recorded.
pub(crate) fn tag(value: &impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(name)) => name,
        Ok(Value::Object(map)) => map.into_iter().next().map(|(name, _)| name).unwrap_or_default(),
        Ok(_) | Err(_) => String::new(),
    }
}

/// The first rows that fit into so many bytes of an answer, and no more than it may have of them.
pub(crate) fn fitting<M: Message>(rows: impl Iterator<Item = M>, bytes: usize) -> Vec<M> {
    let mut left = bytes;
    rows.take(limits::CYCLE_ROWS)
        .map_while(|row| {
            left = left.checked_sub(encoded(&row))?;
            Some(row)
        })
        .collect()
}

/// Bytes of a row within its answer.
pub(crate) fn encoded(row: &impl Message) -> usize {
    // Tag and length take at most six bytes.
    row.encoded_len() + 6
}

/// A count as the messages carry it.
pub(crate) fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

pub(crate) fn mode(mode: Mode) -> i32 {
    match mode {
        Mode::Observe => v1::Mode::Observe.into(),
        Mode::Act => v1::Mode::Act.into(),
    }
}

fn resources(amounts: &Resources) -> v1::Resources {
    v1::Resources {
        cpu_milli: amounts.cpu_milli,
        memory_bytes: amounts.memory_bytes,
        ephemeral_bytes: amounts.ephemeral_bytes,
        extended: amounts.extended.clone(),
    }
}

pub(crate) fn workload_ref(key: &WorkloadKey) -> v1::WorkloadRef {
    v1::WorkloadRef {
        kind: key.kind.to_string(),
        namespace: key.namespace.to_string(),
        name: key.name.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::HoldReason;
    use model::pod::PodPhase;

    #[test]
    fn tags_are_the_names_of_variants() {
        assert_eq!(tag(&HoldReason::MaxNodes { limit: 3 }), "MaxNodes");
        assert_eq!(tag(&HoldReason::NoFence), "NoFence");
        assert_eq!(tag(&PodPhase::Pending), "Pending");
    }
}
