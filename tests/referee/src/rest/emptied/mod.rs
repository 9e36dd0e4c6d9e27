//! Half of the workloads go: what does consolidation make of the nodes?
//!
//! A generated cluster comes to rest, half of its workloads are scaled down, and plans are carried out until none begins
//! another removal (`carried`); kube-scheduler judges every pod that is bound again. Then each node that is left is probed
//! (`probed`): one that kube-scheduler would have let empty, and that nothing honoured keeps (`movable`), is a finding. For
//! small clusters the evictions are held against the fewest that save as much (`fewest`). Not here: time, patience and
//! limits, which the aims do without.

mod carried;
mod fewest;
mod movable;
mod probed;
pub mod run;
mod scaled;

use super::realise;
use super::world::World;
use super::{features, generate::Size, planned};
use crate::case;
use crate::dice::Dice;
use crate::scheduler::Scheduler;
use anyhow::Result;
use decide::policy::PolicySet;
use model::aims::{Aims, Mode};
use model::ids::NodeName;
use model::limits::Limits;
use model::memory::Memory;
use model::money::UsdPerHour;
use model::plan::Plan;
use model::reason::{Refusal, Stays};
use model::snapshot::Snapshot;
use model::time::Span;
use probed::{Probed, While};
use std::fmt;

/// Plans that are carried out, at most.
const ROUNDS: u64 = 40;
/// Plans until a generated cluster has come to rest, at most.
const SETTLING: u64 = 5;
/// What an eviction counts, in nano-dollars: next to nothing, so that fewer are better.
const EVICTION: i64 = 1000;

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// kube-scheduler does not admit a pod where the plan has it, once it was evicted.
    NotAdmitted,
    /// A node is removed that something honoured keeps.
    MustStay,
    /// A pod is moved twice by one plan.
    MovesTwice,
    /// The nodes cost more after a plan than before.
    Dearer,
    /// There is always another removal.
    NeverRests,
    /// A node is kept whose pods kube-scheduler would have had elsewhere.
    CouldBeEmptied,
    /// The same, once the node is gone, and not while it is drained.
    OnceItIsGone,
    /// The API server would not take something of it: nothing is judged.
    Invalid,
}

impl Kind {
    /// For tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotAdmitted => "not admitted again",
            Self::MustStay => "moves what must stay",
            Self::MovesTwice => "moves a pod twice",
            Self::Dearer => "costs more than before",
            Self::NeverRests => "never rests",
            Self::CouldBeEmptied => "could be emptied",
            Self::OnceItIsGone => "could be emptied once it is gone",
            Self::Invalid => "invalid",
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub kind: Kind,
    /// What findings of this sort have in common.
    pub sort: String,
    /// The pod or node it is about.
    pub about: String,
    /// More of it.
    pub said: String,
}

impl Finding {
    /// Whether both are of one kind, for the same reason.
    pub fn is_like(&self, other: &Self) -> bool {
        let reason = |finding: &Self| finding.sort.split(" [").next().unwrap_or_default().to_owned();
        self.kind == other.kind && reason(self) == reason(other)
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}): {} {}",
            self.kind.name(),
            self.sort,
            self.about,
            self.said
        )
    }
}

/// What one cluster came to.
#[derive(Clone, Debug, Default)]
pub struct Verdict {
    /// Nodes before.
    pub nodes: u64,
    /// Of them, those that are gone.
    pub removed: u64,
    /// Nodes bought in place of others.
    pub bought: u64,
    /// Pods evicted.
    pub evictions: u64,
    /// What all nodes with a price cost before and after.
    pub cost: (i64, i64),
    /// Nodes that nothing honoured keeps, at rest.
    pub probed: u64,
    /// Of them, those for which there were too many placements to try.
    pub unknown: u64,
    /// Evictions, and the fewest that save as much, where that was asked and is known.
    pub fewest: Option<(u64, u64)>,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// The cluster of this number at rest, half of its workloads scaled down; `None` where it does not come to rest.
pub fn start(size: Size, seed: u64, number: u64, scheduler: &mut Scheduler) -> Result<Option<World>> {
    let mut world = super::world(size, seed, number);
    for turn in 1..=SETTLING {
        let mut seen = world.snapshot()?;
        // Names of new nodes tell the cycle.
        seen.cycle = turn;
        let plan = planned(&world, &seen);
        let settled = realise::settled(&realise::joining(&world, &seen, &plan)?);
        let Some(question) = realise::question(&settled, &seen, &plan)? else {
            let mut dice = Dice::of(seed ^ 0x5CA1_ED00, number);
            return Ok(Some(scaled::scaled_down(settled, &mut dice)));
        };
        let answer = scheduler.ask(&question.case)?;
        if !answer.refused.is_empty()
            || !question.not_admitted(&answer, scheduler)?.is_empty()
            || !realise::split_claims(&question.case).is_empty()
        {
            return Ok(None);
        }
        world = realise::bound(&settled, &question.case);
    }
    Ok(None)
}

/// The aims of the cluster, with nothing that holds back what pays.
fn eager(world: &World) -> Aims {
    let mut aims = world.aims();
    aims.limits = Limits {
        removed_per_window_permille: 1000,
        removed_per_long_window_permille: 1000,
        removed_per_zone_permille: None,
        removals_at_once: u32::MAX,
        bought_per_window: u32::MAX,
        max_nodes: u32::MAX,
        added_per_window: UsdPerHour(i64::MAX),
        max_rate: UsdPerHour(i64::MAX),
        evictions_per_window: u32::MAX,
        acknowledge_risk: true,
        ..Limits::default()
    };
    aims.shrink.unneeded_for = Span::ZERO;
    aims.shrink.min_age = Span::ZERO;
    aims.shrink.parallel = 1000;
    aims.shrink.eviction_cost_nanos = EVICTION;
    aims.modes.cluster = Some(Mode::Act);
    aims
}

/// A day later, so that no pod is one that has just come.
fn seen(world: &World, round: u64) -> Result<Snapshot> {
    let mut seen = world.snapshot()?;
    seen.at = seen.at + Span::from_secs(86_400);
    seen.cycle = round + SETTLING + 1;
    Ok(seen)
}

/// Consolidates until nothing more goes, and probes what is left; `counts`: how many evictions would have done.
pub fn judge(start: &World, counts: bool, scheduler: &mut Scheduler) -> Result<Verdict> {
    let aims = eager(start);
    let first = seen(start, 0)?;
    let mut verdict = Verdict {
        nodes: start.case.nodes.len() as u64,
        cost: (cost(&first), cost(&first)),
        ..Verdict::default()
    };
    let mut world = start.clone();
    for round in 0..=ROUNDS {
        let seen = seen(&world, round)?;
        let plan = decide::deliberate(&seen, &Memory::default(), &PolicySet::default(), &aims).plan;
        let gone = carried::removed(&plan);
        if gone.is_empty() {
            at_rest(&world, (&seen, &plan), &mut verdict, scheduler)?;
            break;
        }
        if round == ROUNDS {
            verdict
                .findings
                .push(of(Kind::NeverRests, String::new(), &gone[0]));
            break;
        }
        for name in &gone {
            let node = world.case.nodes.iter().find(|node| case::name(node) == name);
            if let Some(why) = node.and_then(|node| movable::kept(&world, &seen, node)) {
                verdict.findings.push(of(Kind::MustStay, why.to_owned(), name));
            }
        }
        let done = carried::carried(&world, (&seen, &plan), scheduler)?;
        verdict.removed += gone.len() as u64;
        verdict.bought += done.bought;
        verdict.evictions += done.evictions;
        verdict.findings.extend(done.findings);
        if !verdict.findings.is_empty() {
            return Ok(verdict);
        }
        world = done.world;
        let after = cost(&self::seen(&world, round)?);
        if after >= verdict.cost.1 && verdict.bought > 0 {
            verdict.findings.push(of(Kind::Dearer, String::new(), &gone[0]));
            return Ok(verdict);
        }
        verdict.cost.1 = after;
    }
    if counts && verdict.bought == 0 {
        let most = usize::try_from(verdict.evictions)?;
        let saved = verdict.cost.0 - verdict.cost.1;
        let fewest = fewest::fewest(start, &first, (saved, most), scheduler)?;
        verdict.fewest = fewest.map(|fewest| (verdict.evictions, fewest as u64));
    }
    Ok(verdict)
}

fn of(kind: Kind, sort: String, about: &str) -> Finding {
    Finding {
        kind,
        sort,
        about: about.to_owned(),
        said: String::new(),
    }
}

/// What nodes with a price cost together.
fn cost(seen: &Snapshot) -> i64 {
    let prices = seen.nodes.iter().filter_map(|node| seen.node_price(node));
    prices.map(|price| price.0).sum()
}

/// Nodes that are left although they could be emptied.
fn at_rest(
    world: &World,
    (seen, plan): (&Snapshot, &Plan),
    verdict: &mut Verdict,
    scheduler: &mut Scheduler,
) -> Result<()> {
    for node in &world.case.nodes {
        if movable::kept(world, seen, node).is_some() {
            continue;
        }
        verdict.probed += 1;
        let name = case::name(node);
        for (kind, how) in [
            (Kind::CouldBeEmptied, While::Cordoned),
            (Kind::OnceItIsGone, While::Gone),
        ] {
            match probed::probed(world, name, how, scheduler)? {
                Probed::Emptied(places) => {
                    let why = why(plan, name);
                    verdict.findings.push(Finding {
                        kind,
                        sort: format!("{} [{}]", word(why), rules(world, name)),
                        about: name.to_owned(),
                        said: format!(
                            "{}; kube-scheduler would have {}",
                            why.map_or_else(|| "nothing is said".to_owned(), ToString::to_string),
                            told(&places)
                        ),
                    });
                    break;
                }
                Probed::Unknown => {
                    verdict.unknown += 1;
                    break;
                }
                Probed::Held => {}
            }
        }
    }
    Ok(())
}

/// Why the plan keeps the node.
fn why<'p>(plan: &'p Plan, name: &str) -> Option<&'p Stays> {
    plan.refusals.iter().find_map(|refusal| match refusal {
        Refusal::NodeStays { node, why } if *node == NodeName::new(name) => Some(why),
        _ => None,
    })
}

/// The name of a reason without its figures.
fn word(why: Option<&Stays>) -> String {
    let Some(why) = why else {
        return "nothing said".to_owned();
    };
    let head = |said: &str| said.split([' ', '{', '(']).next().unwrap_or_default().to_owned();
    match why {
        Stays::PodHeld { by, .. } => format!("PodHeld {}", head(&format!("{by:?}"))),
        other => head(&format!("{other:?}")),
    }
}

/// Rules of the pods that would have to move.
fn rules(world: &World, node: &str) -> String {
    let mut rules: Vec<String> = movable::movers(world, node).iter().map(features).collect();
    rules.sort();
    rules.dedup();
    rules.join("; ")
}

fn told(places: &[(String, String)]) -> String {
    if places.is_empty() {
        return "nobody to move".to_owned();
    }
    let each = places.iter().map(|(pod, node)| format!("{pod} on {node}"));
    each.collect::<Vec<_>>().join(", ")
}
