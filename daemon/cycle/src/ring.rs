//! The last records, in memory: bounded by number and by the bytes that they take.
//!
//! Specs of pods, and the labels of nodes, offers and workloads, are the same in one record after the other: they count where
//! they are new. Everything else of a record is its own, and a tenant says how large some of it is.

use logbook::CycleRecord;
use model::selector::Labels;
use model::{PodSpec, Snapshot, footprint};
use std::collections::{HashSet, VecDeque};
use std::sync::Arc;

/// Records kept at most.
const RECORDS: usize = 256;

/// Bytes of all kept records together, where nobody says otherwise.
const BYTES: usize = 128 << 20;

/// The last records, oldest first.
#[derive(Debug)]
pub(crate) struct Ring {
    /// With the bytes that each takes beside the one before it.
    records: VecDeque<(Arc<CycleRecord>, usize)>,
    bytes: usize,
    most: usize,
}

impl Default for Ring {
    fn default() -> Self {
        Self {
            records: VecDeque::new(),
            bytes: 0,
            most: BYTES,
        }
    }
}

impl Ring {
    /// Keeps no more than so many bytes, from the next record on.
    pub(crate) fn keep_at_most(&mut self, bytes: usize) {
        self.most = bytes;
    }

    /// Adds the newest; the oldest leave while there are too many. The newest always stays.
    pub(crate) fn push(&mut self, record: Arc<CycleRecord>) {
        let bytes = own_bytes(&record, self.records.back().map(|(last, _)| &**last));
        self.bytes = self.bytes.saturating_add(bytes);
        self.records.push_back((record, bytes));
        while self.records.len() > 1 && (self.records.len() > RECORDS || self.bytes > self.most) {
            if let Some((_, bytes)) = self.records.pop_front() {
                self.bytes -= bytes;
            }
        }
    }

    /// The newest.
    pub(crate) fn latest(&self) -> Option<Arc<CycleRecord>> {
        self.newest().next().cloned()
    }

    /// The newest that saw something.
    pub(crate) fn latest_seen(&self) -> Option<Arc<CycleRecord>> {
        self.newest().find(|record| record.has_seen()).cloned()
    }

    /// The record of a cycle.
    pub(crate) fn record(&self, cycle: u64) -> Option<Arc<CycleRecord>> {
        self.newest().find(|record| record.cycle == cycle).cloned()
    }

    /// All, newest first.
    pub(crate) fn newest_first(&self) -> Vec<Arc<CycleRecord>> {
        self.newest().cloned().collect()
    }

    fn newest(&self) -> impl Iterator<Item = &Arc<CycleRecord>> {
        self.records.iter().rev().map(|(record, _)| record)
    }
}

/// About how many bytes a record takes beside the one before it. Aims stay the same for long and do not count.
fn own_bytes(record: &CycleRecord, before: Option<&CycleRecord>) -> usize {
    let seen = &record.snapshot;
    let pods = size_of_val(seen.pods.as_slice());
    let rows = footprint::of(&(
        &seen.nodes,
        &seen.workloads,
        &seen.budgets,
        &seen.offers,
        &seen.groups,
    ));
    let others = footprint::of(&(&seen.ledger, &seen.prices, &seen.autoscalers));
    let decided = footprint::of(&(&record.notes, &record.plan, &record.verdicts, &record.outcomes));
    let own = [
        size_of::<CycleRecord>(),
        pods,
        rows,
        others,
        decided,
        new_specs(seen, before),
        new_memory(record, before),
    ]
    .into_iter()
    .fold(0, usize::saturating_add);
    own.saturating_sub(shared_labels(seen, before))
}

/// Bytes of the specs that the record before it does not hold.
fn new_specs(seen: &Snapshot, before: Option<&CycleRecord>) -> usize {
    let held: HashSet<*const PodSpec> = before
        .into_iter()
        .flat_map(|before| &before.snapshot.specs)
        .map(Arc::as_ptr)
        .collect();
    let new = seen
        .specs
        .iter()
        .filter(|spec| !held.contains(&Arc::as_ptr(spec)));
    new.map(|spec| footprint::of(&**spec)).sum()
}

fn new_memory(record: &CycleRecord, before: Option<&CycleRecord>) -> usize {
    match before {
        Some(before) if Arc::ptr_eq(&before.memory, &record.memory) => 0,
        _ => footprint::of(&record.memory),
    }
}

/// Bytes of the labels that the record before it holds as well.
fn shared_labels(seen: &Snapshot, before: Option<&CycleRecord>) -> usize {
    let Some(before) = before else { return 0 };
    let held: HashSet<_> = labels(&before.snapshot).map(Labels::address).collect();
    let shared = labels(seen).filter(|labels| held.contains(&labels.address()));
    shared.map(footprint::of).sum()
}

/// Those of nodes, offers and workloads.
fn labels(seen: &Snapshot) -> impl Iterator<Item = &Labels> {
    let nodes = seen.nodes.iter().map(|node| &node.labels);
    let offers = seen.offers.iter().map(|offer| &offer.labels);
    nodes
        .chain(offers)
        .chain(seen.workloads.iter().map(|workload| &workload.annotations))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::advice::{Advice, Hook, PolicyCall, PolicyMode, ScaleAdvice};
    use model::selector::{LabelSelector, Requirement};
    use model::workload::DisruptionBudget;

    fn record(cycle: u64) -> Arc<CycleRecord> {
        Arc::new(CycleRecord {
            cycle,
            ..CycleRecord::default()
        })
    }

    #[test]
    fn the_oldest_leave() {
        let mut ring = Ring::default();
        for cycle in 1..=300 {
            ring.push(record(cycle));
        }
        assert_eq!(ring.newest_first().len(), 256);
        assert_eq!(ring.latest().map(|r| r.cycle), Some(300));
        assert!(ring.record(44).is_none());
        assert!(ring.record(45).is_some());
    }

    /// A ring for four records like the first, and a half.
    fn pushed(records: impl IntoIterator<Item = CycleRecord>) -> usize {
        let mut ring = Ring::default();
        for (record, at) in records.into_iter().zip(0..) {
            if at == 0 {
                ring.keep_at_most(own_bytes(&record, None) * 9 / 2);
            }
            ring.push(Arc::new(record));
        }
        ring.newest_first().len()
    }

    #[test]
    fn answers_of_policies_take_room() {
        let call = PolicyCall {
            policy: "p".into(),
            digest: String::new(),
            hook: Hook::Scaler,
            mode: PolicyMode::Enforce,
            fuel: 0,
            answer: Ok(Advice::Scale(ScaleAdvice {
                rows: (0..10_000).collect(),
                ..ScaleAdvice::default()
            })),
            log: Vec::new(),
            kept: None,
        };
        let kept = pushed((1..=12).map(|_| {
            let mut record = CycleRecord::default();
            record.notes.calls = vec![call.clone()];
            record
        }));
        assert_eq!(kept, 4);
    }

    /// 10,000 Deployments are 5 MB in each record: counted as a row of 160 bytes each, eighty of them were kept.
    #[test]
    fn workloads_budgets_and_labels_of_nodes_take_the_room_that_they_take() {
        let selector = LabelSelector {
            requirements: vec![Requirement::equal("app", "v".repeat(63)); 100],
        };
        let budget = DisruptionBudget {
            namespace: "ns".to_owned(),
            name: "one".to_owned(),
            selector,
            allowed: 0,
        };
        let small = own_bytes(&CycleRecord::default(), None);
        let seen = Snapshot {
            budgets: vec![budget; 10],
            ..Snapshot::default()
        };
        let record = CycleRecord {
            snapshot: Arc::new(seen),
            ..CycleRecord::default()
        };
        assert!(own_bytes(&record, None) - small > 10 * 100 * 63);
        assert_eq!(pushed((0..12).map(|_| record.clone())), 4);
    }

    /// Pods that change all the time leave their old specs to the records that saw them.
    #[test]
    fn specs_count_where_they_are_new() {
        let spec = |n: usize| PodSpec {
            namespace: format!("{n:064}"),
            ..PodSpec::default()
        };
        let record = |specs: Vec<Arc<PodSpec>>| CycleRecord {
            snapshot: Arc::new(Snapshot {
                specs,
                ..Snapshot::default()
            }),
            ..CycleRecord::default()
        };
        let same: Vec<Arc<PodSpec>> = (0..100).map(|n| Arc::new(spec(n))).collect();
        let stays = pushed((0..12).map(|_| record(same.clone())));
        let changes =
            pushed((0..12).map(|at| record((0..100).map(|n| Arc::new(spec(at * 100 + n))).collect())));
        assert_eq!((stays, changes), (12, 4));
    }
}
