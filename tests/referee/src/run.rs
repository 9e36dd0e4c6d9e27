//! Many cases: generated, judged by both sides, counted; a failing one made small.

use crate::case::Case;
use crate::compare::{Compared, Disagreement, Kind, compare};
use crate::generate::{self, Mix, Size};
use crate::plan;
use crate::scheduler::{Answer, Scheduler};
use crate::shrink::shrink;
use anyhow::Result;
use decide::policy::PolicySet;
use manifest::PriceList;
use model::aims::Aims;
use model::memory::Memory;
use model::snapshot::Snapshot;
use std::collections::BTreeMap;
use std::fmt;

/// Cases under way at once.
const BATCH: u64 = 128;
/// Failing cases that are made small and kept, of one run.
const KEPT: usize = 3;

/// What is run.
#[derive(Clone, Debug)]
pub struct Order {
    /// About what.
    pub mix: Mix,
    /// How large.
    pub size: Size,
    /// Of the generator.
    pub seed: u64,
    /// First number.
    pub from: u64,
    /// How many.
    pub cases: u64,
    /// Whether the plan for each case is judged as well.
    pub plans: bool,
    /// What can be bought; plans may buy where this is not empty.
    pub prices: PriceList,
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Cases judged.
    pub cases: u64,
    /// Cases that the API server would not have taken; not judged.
    pub refused: u64,
    /// What it said about the first of them.
    pub first_refused: Option<String>,
    /// Pairs of pod and node.
    pub pairs: u64,
    /// Pairs that kube-scheduler admits.
    pub admitted: u64,
    /// Rejections of kube-scheduler by plugin.
    pub plugins: BTreeMap<String, u64>,
    /// Differences by kind and sort.
    pub differences: BTreeMap<(Kind, String), u64>,
    /// Plans with at least one placement.
    pub plans: u64,
    /// Placements of plans.
    pub placements: u64,
    /// Nodes that plans buy.
    pub bought: u64,
    /// Placements that kube-scheduler would not admit.
    pub misplaced: BTreeMap<String, u64>,
    /// Failing cases, made small.
    pub failing: Vec<Failing>,
    /// First example of each sort of difference that is no failure.
    pub examples: BTreeMap<(Kind, String), String>,
}

/// A case that shows a disagreement, and no more than that.
#[derive(Clone, Debug)]
pub struct Failing {
    /// Its number in the run.
    pub number: u64,
    /// The case.
    pub case: Case,
    /// What differs.
    pub wrong: Vec<Disagreement>,
}

impl Tally {
    /// Disagreements that admit what kube-scheduler rejects, in verdicts and in plans.
    pub fn admitting(&self) -> u64 {
        let verdicts = self
            .differences
            .iter()
            .filter(|((kind, _), _)| *kind == Kind::Admits);
        verdicts.map(|(_, count)| count).sum::<u64>() + self.misplaced.values().sum::<u64>()
    }

    /// Those that reject what kube-scheduler admits.
    pub fn strict(&self) -> u64 {
        let strict = self
            .differences
            .iter()
            .filter(|((kind, _), _)| *kind == Kind::Strict);
        strict.map(|(_, count)| count).sum()
    }

    fn add(&mut self, compared: &Compared) {
        self.pairs += compared.pairs;
        self.admitted += compared.admitted;
        for plugin in &compared.plugins {
            *self.plugins.entry(plugin.clone()).or_insert(0) += 1;
        }
        for difference in &compared.differences {
            let key = (difference.kind, difference.sort.clone());
            *self.differences.entry(key).or_insert(0) += 1;
        }
    }
}

/// Runs the cases of an order. `each` hears how many are done.
pub fn run(order: &Order, scheduler: &mut Scheduler, mut each: impl FnMut(u64)) -> Result<Tally> {
    let mut tally = Tally::default();
    let end = order.from + order.cases;
    let mut at = order.from;
    while at < end {
        let numbers = at..end.min(at + BATCH);
        at = numbers.end;
        let cases: Vec<Case> = numbers
            .clone()
            .map(|number| generate::case(order.mix, order.size, order.seed, number))
            .collect();
        let fails = batch(&mut tally, order, &cases, scheduler)?;
        for ((number, case), fails) in numbers.zip(&cases).zip(fails) {
            if fails && tally.failing.len() < KEPT {
                tally.failing.push(smallest(order, number, case, scheduler));
            }
        }
        each(at - order.from);
    }
    Ok(tally)
}

/// Counts some cases; by case, whether it fails.
fn batch(tally: &mut Tally, order: &Order, cases: &[Case], scheduler: &mut Scheduler) -> Result<Vec<bool>> {
    scheduler.send(cases)?;
    let mut pictures = Vec::with_capacity(cases.len());
    for case in cases {
        pictures.push(case.snapshot(&order.prices, &Aims::default())?);
    }
    let mut fails = Vec::with_capacity(cases.len());
    let mut judged = Vec::with_capacity(cases.len());
    for (case, seen) in cases.iter().zip(&pictures) {
        let answer = scheduler.receive()?;
        judged.push(answer.refused.is_empty());
        fails.push(verdicts(tally, (case, seen, &answer))?);
    }
    if order.plans {
        let plans: Vec<Option<plan::Question>> = cases
            .iter()
            .zip(&pictures)
            .zip(judged)
            .map(|((case, seen), judged)| {
                let planned = judged.then(|| planned(seen))?;
                plan::Question::new(Some(case), seen, &planned)
            })
            .collect();
        scheduler.send(plans.iter().flatten().map(|question| &question.case))?;
        let mut answers = Vec::with_capacity(plans.len());
        for _ in plans.iter().flatten() {
            answers.push(scheduler.receive()?);
        }
        let mut answers = answers.into_iter();
        for (question, fails) in plans.iter().zip(&mut fails) {
            let Some(question) = question else { continue };
            let Some(answer) = answers.next() else { break };
            tally.plans += 1;
            tally.placements += question.case.pending.len() as u64;
            tally.bought += question.bought;
            for wrong in question.not_admitted(&answer, scheduler)? {
                *tally.misplaced.entry(wrong.sort).or_insert(0) += 1;
                *fails = true;
            }
        }
    }
    Ok(fails)
}

/// Counts the verdicts on one case; true where one admits what it must not.
fn verdicts(tally: &mut Tally, (case, seen, answer): (&Case, &Snapshot, &Answer)) -> Result<bool> {
    if let Some(why) = answer.refused.first() {
        tally.refused += 1;
        tally.first_refused.get_or_insert_with(|| why.clone());
        return Ok(false);
    }
    anyhow::ensure!(answer.error.is_empty(), "{}: {}", answer.id, answer.error);
    let compared = compare(case, seen, answer);
    tally.cases += 1;
    tally.add(&compared);
    for difference in &compared.differences {
        let key = (difference.kind, difference.sort.clone());
        let example = || format!("{} {difference}", case.id);
        tally.examples.entry(key).or_insert_with(example);
    }
    let admits = |difference: &Disagreement| difference.kind == Kind::Admits;
    Ok(compared.differences.iter().any(admits))
}

fn planned(seen: &Snapshot) -> model::plan::Plan {
    decide::deliberate(seen, &Memory::default(), &PolicySet::default(), &Aims::default()).plan
}

/// What is wrong with a case; nothing where it cannot be judged.
fn wrong(order: &Order, case: &Case, scheduler: &mut Scheduler) -> Vec<Disagreement> {
    let mut judged = || -> Result<Vec<Disagreement>> {
        let seen = case.snapshot(&order.prices, &Aims::default())?;
        let answer = scheduler.ask(case)?;
        if !answer.refused.is_empty() || !answer.error.is_empty() {
            return Ok(Vec::new());
        }
        let mut wrong = compare(case, &seen, &answer).differences;
        wrong.retain(|difference| difference.kind == Kind::Admits);
        if order.plans
            && let Some(question) = plan::Question::new(Some(case), &seen, &planned(&seen))
        {
            let answer = scheduler.ask(&question.case)?;
            wrong.extend(question.not_admitted(&answer, scheduler)?);
        }
        Ok(wrong)
    };
    judged().unwrap_or_default()
}

fn smallest(order: &Order, number: u64, case: &Case, scheduler: &mut Scheduler) -> Failing {
    let sort = wrong(order, case, scheduler)
        .into_iter()
        .next()
        .map(|difference| difference.sort);
    let small = shrink(case, |smaller| {
        let found = wrong(order, smaller, scheduler);
        found
            .iter()
            .any(|difference| Some(&difference.sort) == sort.as_ref())
    });
    Failing {
        number,
        wrong: wrong(order, &small, scheduler),
        case: small,
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "  {} cases, {} pods on nodes, {} admitted by kube-scheduler; {} more cases refused by the API server",
            self.cases, self.pairs, self.admitted, self.refused
        )?;
        if let Some(why) = &self.first_refused {
            writeln!(f, "    refused, for example: {why}")?;
        }
        for (plugin, count) in &self.plugins {
            writeln!(f, "    {count:>9} rejected by {plugin}")?;
        }
        writeln!(
            f,
            "  {} admitting, {} strict disagreements",
            self.admitting(),
            self.strict()
        )?;
        for ((kind, sort), count) in &self.differences {
            let example = self
                .examples
                .get(&(*kind, sort.clone()))
                .map_or("", String::as_str);
            writeln!(f, "    {count:>9} {kind:?} {sort}: {example}")?;
        }
        if self.plans > 0 {
            writeln!(
                f,
                "  {} plans, {} placements, {} nodes bought",
                self.plans, self.placements, self.bought
            )?;
        }
        for (sort, count) in &self.misplaced {
            writeln!(f, "    {count:>9} placements not admitted, {sort}")?;
        }
        for failing in &self.failing {
            writeln!(f, "  case {}, as small as it gets:", failing.number)?;
            for wrong in &failing.wrong {
                writeln!(f, "    {wrong}")?;
            }
            let text = serde_json::to_string(&failing.case).map_err(|_| fmt::Error)?;
            writeln!(f, "    {text}")?;
        }
        Ok(())
    }
}
