//! Rows of the table: what each one is called, what it is to reach, and how it is run. Each runs in a process of its
//! own, so that its peak of memory is its own.

use crate::measure::Taken;
use crate::{growth, karpenter, oneshot, steady, surge};
use anyhow::{Context, Result, bail};
use decide::Deliberation;
use model::{Aims, Memory, Snapshot};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// One row.
pub struct Row {
    /// What it is called; unique.
    pub name: String,
    /// The part of the table it is in.
    pub part: Part,
    /// What it is to reach.
    pub wanted: Wanted,
    /// Runs it.
    pub run: Run,
}

/// How a row is run.
pub type Run = Box<dyn Fn(Seeds) -> Result<Figures>>;

/// Parts of the table, in its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Part {
    /// Public traces on real prices, bought for at once.
    OneShot,
    /// Karpenter's own benchmark.
    Karpenter,
    /// What else the peers measure, and surges of our own.
    Surge,
    /// Clusters that run.
    Running,
    /// Points of the plots; not in the table.
    Growth,
}

impl Part {
    /// Its heading.
    pub const fn title(self) -> &'static str {
        match self {
            Self::OneShot => "Public traces, bought for at once",
            Self::Karpenter => "Karpenter's own benchmark input",
            Self::Surge => "The peers' other cases and surges",
            Self::Running => "Clusters that run",
            Self::Growth => "Growth",
        }
    }
}

/// Seeds of rows that draw their pods.
#[derive(Clone, Copy, Debug)]
pub struct Seeds {
    /// First.
    pub from: u64,
    /// How many.
    pub many: u64,
}

impl Seeds {
    /// One after the other.
    pub fn each(self) -> impl Iterator<Item = u64> {
        self.from..self.from.saturating_add(self.many)
    }
}

/// What a row is to reach; what is `None` is not asked for.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Wanted {
    /// Seconds at most.
    pub seconds: Option<f64>,
    /// Mean gap in percent at most.
    pub gap: Option<f64>,
    /// Worst gap in percent at most.
    pub worst: Option<f64>,
    /// Nodes at most.
    pub nodes: Option<usize>,
    /// Peak of memory in MiB at most.
    pub mib: Option<f64>,
    /// Times the peer's speed at least.
    pub faster: Option<f64>,
    /// Percent below the peer's price at least.
    pub cheaper: Option<f64>,
}

impl Wanted {
    /// Nothing.
    pub const fn nothing() -> Self {
        Self {
            seconds: None,
            gap: None,
            worst: None,
            nodes: None,
            mib: None,
            faster: None,
            cheaper: None,
        }
    }

    /// A time, in milliseconds.
    pub const fn within(ms: f64) -> Self {
        Self {
            seconds: Some(ms / 1e3),
            ..Self::nothing()
        }
    }

    /// A mean and a worst gap, in percent.
    pub const fn gaps(mean: f64, worst: f64) -> Self {
        Self {
            gap: Some(mean),
            worst: Some(worst),
            ..Self::nothing()
        }
    }
}

/// What a row says.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Figures {
    /// One for every seed.
    pub tries: Vec<Try>,
    /// A peer on the same input.
    pub peer: Option<Peer>,
    /// What else is to be said.
    pub beside: Vec<String>,
}

/// One instance: what its plan took and what the plan costs.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Try {
    /// Time and memory.
    pub taken: Taken,
    /// Pods that the plan is about.
    pub pods: usize,
    /// Classes they fold into.
    pub classes: usize,
    /// New nodes.
    pub nodes: usize,
    /// Dollars per hour of the new nodes.
    pub dollars: f64,
    /// Percent above the bound.
    pub gap: f64,
    /// Pods without a place.
    pub refused: usize,
}

/// A peer's figures on the same input, at its best setting.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Peer {
    /// Who.
    pub name: String,
    /// How many times faster we are, the peer's seconds scaled to this machine.
    pub faster: f64,
    /// How much cheaper, in percent; `None` where it has no price.
    pub cheaper: Option<f64>,
}

/// Every row, in the order of the table.
pub fn rows() -> Vec<Row> {
    let mut rows = oneshot::rows();
    rows.extend(karpenter::rows());
    rows.extend(surge::rows());
    rows.extend(steady::rows());
    rows.extend(growth::rows());
    rows
}

/// Runs one row here.
pub fn run(name: &str, seeds: Seeds) -> Result<Figures> {
    let rows = rows();
    let row = rows.iter().find(|row| row.name == name);
    let row = row.with_context(|| format!("there is no row {name}"))?;
    (row.run)(seeds)
}

/// One deliberation about a picture, by nobody's policies and with nothing remembered.
pub fn decide(seen: &Snapshot, aims: &Aims) -> Deliberation {
    decide::deliberate(seen, &Memory::default(), &decide::PolicySet::default(), aims)
}

impl Try {
    /// The figures of a plan that the audit has nothing against.
    pub fn of(taken: Taken, seen: &Snapshot, aims: &Aims, done: &Deliberation) -> Result<Self> {
        if let Some(flaw) = guard::audit(seen, aims, &done.plan, &done.notes).first() {
            bail!("{flaw}");
        }
        Ok(Self::told(taken, done))
    }

    /// The figures of a plan that the audit has nothing against once rules about other pods are struck from the
    /// picture: it holds every pod against every other, which takes minutes for tens of thousands of such rules. The
    /// caller holds the rules against the plan.
    pub fn of_ruled(taken: Taken, seen: &Snapshot, aims: &Aims, done: &Deliberation) -> Result<Self> {
        let mut seen = seen.clone();
        for spec in &mut seen.specs {
            Arc::make_mut(spec).near.clear();
        }
        Self::of(taken, &seen, aims, done)
    }

    fn told(taken: Taken, done: &Deliberation) -> Self {
        let refused = done.plan.refusals.iter();
        Self {
            taken,
            pods: done.plan.pending as usize,
            classes: done.notes.classes.len(),
            nodes: done.plan.nodes.len(),
            dollars: done.plan.cost.rate.dollars(),
            gap: done.plan.cost.gap_percent(),
            refused: refused
                .filter(|refusal| matches!(refusal, model::Refusal::Pod { .. }))
                .count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_two_rows_have_one_name() {
        let rows = rows();
        let names: BTreeSet<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        assert_eq!(names.len(), rows.len());
        assert!(run("no such row", Seeds { from: 1, many: 1 }).is_err());
    }
}
