//! What the daemon's cycles did, and what held them back: steps by kind and the guard's word, and what kept the nodes
//! that stayed.
//!
//! Read from the records that every watcher of the daemon gets. Nothing is judged.

use cycle::Handle;
use logbook::CycleRecord;
use model::PodKey;
use model::plan::StepKind;
use model::reason::Refusal;
use model::verdict::Verdict;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::broadcast::Receiver;

/// See the module.
pub(super) struct Cycles {
    records: Receiver<Arc<CycleRecord>>,
    aloud: bool,
    count: u32,
    longest_ms: u64,
    /// By kind of step and what became of it.
    steps: BTreeMap<String, u32>,
    /// By what keeps nodes: nodes and cycles.
    stays: BTreeMap<String, u32>,
    /// Pods of the first picture; who is not among them was moved, or replaces who was.
    first: Option<BTreeSet<PodKey>>,
    /// Evictions of others.
    again: u32,
}

impl Cycles {
    pub(super) fn follow(handle: &Handle, aloud: bool) -> Self {
        Self {
            records: handle.watch(),
            aloud,
            count: 0,
            longest_ms: 0,
            steps: BTreeMap::new(),
            stays: BTreeMap::new(),
            first: None,
            again: 0,
        }
    }

    /// Leaves out what has been so far.
    pub(super) fn forget(&mut self) {
        while self.records.try_recv().is_ok() {}
    }

    /// Takes in what has been recorded since.
    pub(super) fn take_in(&mut self, cut: Instant) {
        while let Ok(record) = self.records.try_recv() {
            let (steps, stays) = (steps(&record), stays(&record));
            self.count += 1;
            self.longest_ms = self.longest_ms.max(record.took_ms);
            if self.aloud {
                say(&record, cut, (&steps, &stays));
            }
            merge(&mut self.steps, steps);
            merge(&mut self.stays, stays);
            self.count_again(&record);
        }
    }

    fn count_again(&mut self, record: &CycleRecord) {
        let pods = || record.snapshot.pods.iter().map(|pod| pod.key.clone());
        let first = self.first.get_or_insert_with(|| pods().collect());
        let done: BTreeSet<_> = record
            .outcomes
            .iter()
            .filter_map(|(id, done)| done.is_done().then_some(*id))
            .collect();
        for step in record.plan.steps.iter().filter(|step| done.contains(&step.id)) {
            if let StepKind::Evict { pod, .. } = &step.kind {
                self.again += u32::from(!first.contains(pod));
            }
        }
    }

    #[expect(clippy::print_stdout, reason = "what was read")]
    pub(super) fn tell(&self) {
        println!("{} cycles, the longest {} ms", self.count, self.longest_ms);
        println!("steps: {}", listed(&self.steps));
        println!("evictions of pods that had been moved before: {}", self.again);
        println!("kept, nodes × cycles: {}", listed(&self.stays));
    }
}

#[expect(clippy::print_stderr, reason = "asked for, beside the table")]
fn say(record: &CycleRecord, cut: Instant, (steps, stays): (&BTreeMap<String, u32>, &BTreeMap<String, u32>)) {
    eprintln!(
        "{:.0} s: cycle {} took {} ms, {} nodes, {} wait, {} intents; {}; kept {}",
        cut.elapsed().as_secs_f32(),
        record.cycle,
        record.took_ms,
        record.snapshot.nodes.len(),
        record.plan.pending,
        record.snapshot.ledger.intents.len(),
        listed(steps),
        listed(stays),
    );
}

fn steps(record: &CycleRecord) -> BTreeMap<String, u32> {
    let verdicts: BTreeMap<_, _> = record.verdicts.iter().map(|(id, word)| (*id, word)).collect();
    let outcomes: BTreeMap<_, _> = record.outcomes.iter().map(|(id, done)| (*id, done)).collect();
    let mut counts = BTreeMap::new();
    for step in record.resumed.iter().chain(&record.plan.steps) {
        let became = match (verdicts.get(&step.id), outcomes.get(&step.id)) {
            (_, Some(done)) if done.is_done() => "done".to_owned(),
            (_, Some(other)) => first_word(&format!("{other:?}")),
            (Some(Verdict::Held(why)), _) => format!("held by {}", first_word(&format!("{why:?}"))),
            (Some(Verdict::Struck(why)), _) => format!("struck by {}", first_word(&format!("{why:?}"))),
            (_, None) => "left".to_owned(),
        };
        *counts
            .entry(format!("{} {became}", name(&step.kind)))
            .or_insert(0) += 1;
    }
    counts
}

fn name(kind: &StepKind) -> String {
    let swap = matches!(kind, StepKind::Cordon { after, .. } if !after.is_empty());
    let kind = first_word(&format!("{kind:?}"));
    if swap { format!("{kind} (replaced)") } else { kind }
}

fn stays(record: &CycleRecord) -> BTreeMap<String, u32> {
    let mut counts = BTreeMap::new();
    for refusal in &record.plan.refusals {
        if let Refusal::NodeStays { why, .. } = refusal {
            *counts.entry(first_word(&format!("{why:?}"))).or_insert(0) += 1;
        }
    }
    counts
}

/// The name of a variant.
fn first_word(debug: &str) -> String {
    debug.chars().take_while(|c| c.is_alphanumeric()).collect()
}

fn merge(into: &mut BTreeMap<String, u32>, from: BTreeMap<String, u32>) {
    for (what, count) in from {
        *into.entry(what).or_insert(0) += count;
    }
}

fn listed(counts: &BTreeMap<String, u32>) -> String {
    let each = counts.iter().map(|(what, count)| format!("{what} {count}"));
    each.collect::<Vec<String>>().join(", ")
}
