//! Many clusters, counted by what is wrong; the first of each kind made small and kept.

use super::shrink::shrink;
use super::{Finding, Kind, Verdict, World, judge};
use crate::scheduler::Scheduler;
use anyhow::{Context as _, Result};
use std::collections::BTreeMap;
use std::fmt;

/// What is run.
#[derive(Clone, Debug)]
pub struct Order {
    /// Of the generator.
    pub seed: u64,
    /// First number.
    pub from: u64,
    /// How many.
    pub cases: u64,
    /// Failing clusters that are made small and kept, each of a sort of its own.
    pub kept: usize,
    /// Of those, only findings whose kind or sort contains this.
    pub about: String,
}

impl Order {
    fn wants(&self, finding: &Finding) -> bool {
        finding.sort.contains(&self.about) || finding.kind.name().contains(&self.about)
    }
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Clusters judged.
    pub cases: u64,
    /// Clusters that the API server would not have taken.
    pub invalid: u64,
    /// What it said about the first.
    pub first_invalid: Option<String>,
    /// Clusters that came to rest, with nothing to object to.
    pub at_rest: u64,
    /// Pods placed.
    pub placed: u64,
    /// Nodes bought.
    pub bought: u64,
    /// Pods refused.
    pub refused: u64,
    /// Clusters with a finding of the kind.
    pub failing: BTreeMap<Kind, u64>,
    /// Findings by kind and sort.
    pub sorts: BTreeMap<(Kind, String), (u64, String)>,
    /// Made small.
    pub small: Vec<Small>,
}

/// A failing cluster as small as it gets.
#[derive(Clone, Debug)]
pub struct Small {
    /// Its number in the run.
    pub number: u64,
    /// What is wrong with it.
    pub finding: Finding,
    /// It.
    pub world: World,
}

/// Runs the clusters of an order.
pub fn run(order: &Order, scheduler: &mut Scheduler) -> Result<Tally> {
    let mut tally = Tally::default();
    for number in order.from..order.from + order.cases {
        let world = super::world(super::USUAL, order.seed, number);
        let verdict = judge(&world, scheduler).with_context(|| format!("case {number}"))?;
        let fresh = tally.add(number, &verdict, order);
        if let Some(finding) = fresh.filter(|_| tally.small.len() < order.kept) {
            let small = smallest(&world, &finding, scheduler);
            tally.small.push(Small {
                number,
                finding,
                world: small,
            });
        }
    }
    Ok(tally)
}

fn smallest(world: &World, finding: &Finding, scheduler: &mut Scheduler) -> World {
    shrink(world, |smaller| {
        let found = judge(smaller, scheduler)
            .map(|verdict| verdict.findings)
            .unwrap_or_default();
        found
            .iter()
            .any(|other| other.kind == finding.kind && other.sort == finding.sort)
    })
}

impl Tally {
    /// Counts one; gives the first finding of a sort that was not seen before.
    fn add(&mut self, number: u64, verdict: &Verdict, order: &Order) -> Option<Finding> {
        if let Some(why) = &verdict.invalid {
            self.invalid += 1;
            self.first_invalid
                .get_or_insert_with(|| format!("case {number}: {why}"));
            return None;
        }
        self.cases += 1;
        self.placed += verdict.placed;
        self.bought += verdict.bought;
        self.refused += verdict.refused;
        let objects = |finding: &Finding| finding.kind != Kind::BuysUnwritten;
        self.at_rest += u64::from(!verdict.findings.iter().any(objects));
        let mut fresh = None;
        let mut kinds: Vec<Kind> = verdict.findings.iter().map(|finding| finding.kind).collect();
        kinds.sort();
        kinds.dedup();
        for kind in kinds {
            *self.failing.entry(kind).or_insert(0) += 1;
        }
        for finding in &verdict.findings {
            let key = (finding.kind, finding.sort.clone());
            let (count, _) = self.sorts.entry(key).or_insert_with(|| {
                if order.wants(finding) {
                    fresh.get_or_insert_with(|| finding.clone());
                }
                (0, format!("case {number}: {} {}", finding.about, finding.said))
            });
            *count += 1;
        }
        fresh
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} clusters: {} pods placed, {} nodes bought, {} pods refused; {} at rest with nothing to object to; {} more \
             that the API server refuses",
            self.cases, self.placed, self.bought, self.refused, self.at_rest, self.invalid
        )?;
        if let Some(why) = &self.first_invalid {
            writeln!(f, "  refused, for example: {why}")?;
        }
        for (kind, count) in &self.failing {
            writeln!(f, "{count:>7} clusters: {}", kind.name())?;
            for ((_, sort), (count, example)) in self.sorts.iter().filter(|((of, _), _)| of == kind) {
                writeln!(f, "  {count:>7} {sort}: {example}")?;
            }
        }
        for small in &self.small {
            writeln!(f, "case {}, as small as it gets: {}", small.number, small.finding)?;
            writeln!(f, "  {}", small.world.shown())?;
        }
        Ok(())
    }
}
