//! Many clusters, counted by what is wrong; the first of each sort made small and kept.

use super::{Finding, Kind, Verdict, judge, scaled, start};
use crate::rest::generate::Size;
use crate::rest::shrink::shrink;
use crate::rest::world::World;
use crate::scheduler::Scheduler;
use anyhow::{Context as _, Result};
use std::collections::BTreeMap;
use std::fmt;

/// What is run.
#[derive(Clone, Debug)]
pub struct Order {
    /// Of the clusters.
    pub size: Size,
    /// Of the generator.
    pub seed: u64,
    /// First number.
    pub from: u64,
    /// How many.
    pub cases: u64,
    /// Evictions are held against the fewest.
    pub counts: bool,
    /// Failing clusters that are made small and kept, each of a sort of its own.
    pub kept: usize,
    /// Of those, only findings whose kind or sort contains this.
    pub about: String,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Clusters judged.
    pub cases: u64,
    /// Clusters that never came to rest before anything was scaled down, or that the API server would not have taken.
    pub left_out: u64,
    /// Sums.
    pub sum: Verdict,
    /// Clusters for which the fewest evictions are known, and those in which we evicted more.
    pub compared: (u64, u64),
    /// Clusters in which all is well.
    pub well: u64,
    /// Clusters with a finding of the kind.
    pub failing: BTreeMap<Kind, u64>,
    /// Findings by kind and sort, with an example.
    pub sorts: BTreeMap<(Kind, String), (u64, String)>,
    /// Clusters with more evictions than the fewest: number, evictions, fewest.
    pub more: Vec<(u64, u64, u64)>,
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
        let context = || format!("case {number}");
        let Some(world) = start(order.size, order.seed, number, scheduler).with_context(context)? else {
            tally.left_out += 1;
            continue;
        };
        let verdict = judge(&world, order.counts, scheduler).with_context(context)?;
        let fresh = tally.add(number, &verdict, &order.about);
        if let Some(finding) = fresh.filter(|_| tally.small.len() < order.kept) {
            let world = shrink(&world, |smaller| {
                let found = judge(&scaled::counted(smaller.clone()), false, scheduler);
                let found = found.map(|verdict| verdict.findings).unwrap_or_default();
                found.iter().any(|other| other.is_like(&finding))
            });
            tally.small.push(Small {
                number,
                finding,
                world: scaled::counted(world),
            });
        }
    }
    Ok(tally)
}

impl Tally {
    /// Counts one; gives the first finding of a sort that was not seen before.
    fn add(&mut self, number: u64, verdict: &Verdict, about: &str) -> Option<Finding> {
        if verdict
            .findings
            .iter()
            .any(|finding| finding.kind == Kind::Invalid)
        {
            self.left_out += 1;
            return None;
        }
        self.cases += 1;
        let sum = &mut self.sum;
        sum.nodes += verdict.nodes;
        sum.removed += verdict.removed;
        sum.bought += verdict.bought;
        sum.evictions += verdict.evictions;
        sum.cost = (sum.cost.0 + verdict.cost.0, sum.cost.1 + verdict.cost.1);
        sum.probed += verdict.probed;
        sum.unknown += verdict.unknown;
        if let Some((evictions, fewest)) = verdict.fewest {
            let known = sum.fewest.unwrap_or_default();
            sum.fewest = Some((known.0 + evictions, known.1 + fewest));
            self.compared.0 += 1;
            if evictions > fewest {
                self.compared.1 += 1;
                self.more.push((number, evictions, fewest));
            }
        }
        self.well += u64::from(verdict.findings.is_empty());
        let mut kinds: Vec<Kind> = verdict.findings.iter().map(|finding| finding.kind).collect();
        kinds.sort();
        kinds.dedup();
        for kind in kinds {
            *self.failing.entry(kind).or_insert(0) += 1;
        }
        let mut fresh = None;
        for finding in &verdict.findings {
            let key = (finding.kind, finding.sort.clone());
            let (count, _) = self.sorts.entry(key).or_insert_with(|| {
                if finding.sort.contains(about) || finding.kind.name().contains(about) {
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
        let sum = &self.sum;
        writeln!(
            f,
            "{} clusters, {} more that did not come to rest: {} nodes, {} removed and {} bought for {} evictions, {} to {} \
             nano-dollars an hour; {} nodes probed at rest, {} of them with too many placements to try; nothing to object \
             to in {}",
            self.cases,
            self.left_out,
            sum.nodes,
            sum.removed,
            sum.bought,
            sum.evictions,
            sum.cost.0,
            sum.cost.1,
            sum.probed,
            sum.unknown,
            self.well
        )?;
        if let Some((evictions, fewest)) = sum.fewest {
            writeln!(
                f,
                "{} clusters with only removals: {evictions} evictions, {fewest} at least; more than that in {} {:?}",
                self.compared.0,
                self.compared.1,
                self.more.iter().take(12).collect::<Vec<_>>()
            )?;
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
