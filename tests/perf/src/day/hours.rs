//! Where the money and the evictions of a day go, hour by hour, as the records of its cycles tell.
//!
//! Read off, not decided: nodes that boot, that pods leave, that stand ready; what is free on them; who was evicted
//! for which kind of removal. Instances are counted at the beginning of each cycle, so sums are close to the bill but
//! are not it.

use model::intent::IntentKind;
use model::plan::StepKind;
use model::{Instant, Snapshot, Span, Usd, UsdPerHour};
use sim::Moment;
use std::fmt::Write as _;

/// Ticks of an hour.
const TICKS: usize = 12;

/// What one hour came to.
#[derive(Clone, Debug, Default)]
struct Hour {
    cycles: u32,
    /// Nano-dollars per hour, summed over the cycles.
    booting: i64,
    leaving: i64,
    ready: i64,
    nodes: u32,
    pods: u32,
    /// Nodes that new pods avoid.
    emptying: u32,
    /// Allocatable and free of the nodes that are ready: millicores, MiB.
    cpu: (i64, i64),
    memory: (i64, i64),
    /// Evictions for removals alone, and for replacements.
    removed: u32,
    replaced: u32,
    /// Removals begun, alone and for replacements.
    begun: (u32, u32),
    /// Given up again.
    undone: u32,
    /// Nodes bought for demand, and in place of others.
    bought: (u32, u32),
    /// Marks on pods, and on nodes.
    marks: (u32, u32),
}

/// See the module.
pub(super) struct Hours {
    start: Instant,
    cycle: Span,
    rows: Vec<Hour>,
}

impl Hours {
    pub(super) const fn new(start: Instant, cycle: Span) -> Self {
        Self {
            start,
            cycle,
            rows: Vec::new(),
        }
    }

    /// Counts a cycle.
    pub(super) fn add(&mut self, moment: &Moment<'_>) {
        let record = moment.record;
        let at = record.at.since(self.start).secs() / 3600;
        let at = usize::try_from(at).unwrap_or(0);
        while self.rows.len() <= at {
            self.rows.push(Hour::default());
        }
        if let Some(hour) = self.rows.get_mut(at) {
            hour.cycles += 1;
            hour.look(&record.snapshot);
            hour.act(moment);
        }
    }

    /// A row by hour, and the whole.
    pub(super) fn table(&self, bounds: &[Usd]) -> String {
        let mut text = String::from(
            "| hour | bound $ | pods | nodes | avoided | ready $ | booting $ | leaving $ | free cpu % | free memory % | evicted for \
             removals | for replacements | begun | replaced | undone | bought | in place | marks |\n",
        );
        let mut all = Hour::default();
        for (at, hour) in self.rows.iter().enumerate() {
            all.sum(hour);
            let ticks = bounds.iter().skip(at * TICKS).take(TICKS);
            let bound: f64 = ticks.map(|bound| bound.dollars()).sum();
            let _ = writeln!(text, "| {at} | {bound:.2} {}", self.row(hour));
        }
        let _ = writeln!(
            text,
            "| all | {:.2} {}",
            super::total(bounds).dollars(),
            self.row(&all)
        );
        text
    }

    #[expect(clippy::cast_precision_loss, reason = "for reading")]
    fn row(&self, hour: &Hour) -> String {
        let cycle = self.cycle.secs() as f64 / 3600.0;
        let usd = |rate: i64| UsdPerHour(rate).dollars() * cycle;
        let mean = |sum: u32| f64::from(sum) / f64::from(hour.cycles.max(1));
        let share = |(all, free): (i64, i64)| 100.0 * free as f64 / all.max(1) as f64;
        format!(
            "| {:.0} | {:.1} | {:.1} | {:.2} | {:.2} | {:.2} | {:.1} | {:.1} | {} | {} | {} | {} | {} | {} | {} | {}+{} |",
            mean(hour.pods),
            mean(hour.nodes),
            mean(hour.emptying),
            usd(hour.ready),
            usd(hour.booting),
            usd(hour.leaving),
            share(hour.cpu),
            share(hour.memory),
            hour.removed,
            hour.replaced,
            hour.begun.0,
            hour.begun.1,
            hour.undone,
            hour.bought.0,
            hour.bought.1,
            hour.marks.0,
            hour.marks.1,
        )
    }
}

impl Hour {
    fn look(&mut self, seen: &Snapshot) {
        for instance in seen.groups.iter().flat_map(|group| &group.instances) {
            let node = seen
                .nodes
                .iter()
                .find(|node| node.instance.as_ref() == Some(&instance.id));
            let offer = node.and_then(|node| node.offer.as_ref());
            let offer = seen.offers.iter().find(|known| match offer {
                Some(offer) => known.id == *offer,
                None => {
                    known.instance_type() == instance.instance_type.as_deref()
                        && known.zone() == instance.zone.as_deref()
                }
            });
            let price = offer.map_or(0, |offer| offer.price.0);
            let lives = matches!(
                instance.state,
                model::InstanceState::Pending | model::InstanceState::InService
            );
            match node {
                _ if !lives => {}
                Some(node) if node.draining => self.leaving += price,
                Some(node) if node.ready => {
                    self.ready += price;
                    self.nodes += 1;
                    self.emptying += u32::from(node.emptying());
                    self.cpu.0 += node.allocatable.cpu_milli;
                    self.memory.0 += node.allocatable.memory_bytes >> 20;
                    self.cpu.1 += node.allocatable.cpu_milli;
                    self.memory.1 += node.allocatable.memory_bytes >> 20;
                }
                _ => self.booting += price,
            }
        }
        for pod in &seen.pods {
            let node = pod.node.as_ref().and_then(|name| seen.node(name));
            let spec = seen.spec(pod.spec);
            if spec
                .owner
                .as_ref()
                .is_some_and(|owner| &*owner.kind != "DaemonSet")
            {
                self.pods += 1;
            }
            if node.is_some_and(|node| node.ready && !node.draining && !node.deleting)
                && pod.holds_resources()
            {
                self.cpu.1 -= spec.requests.cpu_milli;
                self.memory.1 -= spec.requests.memory_bytes >> 20;
            }
        }
    }

    fn act(&mut self, moment: &Moment<'_>) {
        let record = moment.record;
        for (step, outcome) in sim::carried_out(record) {
            if !outcome.is_done() {
                continue;
            }
            match &step.kind {
                StepKind::Evict { node, .. } => {
                    let intent = record.snapshot.ledger.removal_of(node);
                    let replaces = intent.is_some_and(
                        |intent| matches!(&intent.kind, IntentKind::Remove { after, .. } if !after.is_empty()),
                    );
                    *(if replaces {
                        &mut self.replaced
                    } else {
                        &mut self.removed
                    }) += 1;
                }
                StepKind::Cordon { after, .. } if after.is_empty() => self.begun.0 += 1,
                StepKind::Cordon { .. } => self.begun.1 += 1,
                StepKind::Uncordon { .. } => self.undone += 1,
                StepKind::GrowGroup { nodes, .. } => {
                    let many = u32::try_from(nodes.len()).unwrap_or(u32::MAX);
                    let mut instead = record.plan.replacements.iter();
                    if instead.any(|node| nodes.contains(&node.name)) {
                        self.bought.1 += many;
                    } else {
                        self.bought.0 += many;
                    }
                }
                StepKind::Yield { .. } => self.marks.0 += 1,
                StepKind::Avoid { .. } => self.marks.1 += 1,
                _ => {}
            }
        }
    }

    fn sum(&mut self, other: &Self) {
        self.cycles += other.cycles;
        self.booting += other.booting;
        self.leaving += other.leaving;
        self.ready += other.ready;
        self.nodes += other.nodes;
        self.pods += other.pods;
        self.emptying += other.emptying;
        self.cpu = (self.cpu.0 + other.cpu.0, self.cpu.1 + other.cpu.1);
        self.memory = (self.memory.0 + other.memory.0, self.memory.1 + other.memory.1);
        self.removed += other.removed;
        self.replaced += other.replaced;
        self.begun = (self.begun.0 + other.begun.0, self.begun.1 + other.begun.1);
        self.undone += other.undone;
        self.bought = (self.bought.0 + other.bought.0, self.bought.1 + other.bought.1);
        self.marks = (self.marks.0 + other.marks.0, self.marks.1 + other.marks.1);
    }
}
