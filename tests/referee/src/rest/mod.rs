//! Plan, realise, plan again: on clusters as they are found on AWS a second look has nothing left to do.
//!
//! What is realised is written down from what such clusters do (`registered`, `daemons`), never from what the plan thinks
//! they do, and kube-scheduler's own filters judge every binding. A refused pod is probed: would kube-scheduler have had
//! it anywhere? Not here: consolidation, Fargate, preemption itself.

pub mod bound;
pub mod daemons;
pub mod emptied;
pub mod generate;
pub mod probe;
pub mod realise;
pub mod registered;
pub mod run;
pub mod shrink;
pub mod world;

pub use generate::{TINY, USUAL, world};
pub use world::World;

use crate::case;
use crate::scheduler::Scheduler;
use anyhow::Result;
use decide::policy::PolicySet;
use model::memory::Memory;
use model::plan::{Plan, StepKind};
use model::reason::{Misfit, Refusal};
use model::snapshot::Snapshot;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What can be wrong with a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// kube-scheduler does not admit a placement.
    NotAdmitted,
    /// A pod is refused that kube-scheduler would admit.
    FalseRefusal,
    /// Pods of one unbound claim are put into several zones.
    SplitsClaim,
    /// A pod that kube-scheduler has nominated to a node buys another.
    BuysForNominated,
    /// A waiting pod is in neither placements nor refusals.
    Forgets,
    /// More is bought while what was bought starts.
    BuysWhileStarting,
    /// The same where the Ledger that says for whom it was bought is lost: room is looked for anew, and nobody finds the
    /// packing twice. Told, and no objection.
    BuysUnwritten,
    /// More is bought once everything planned is done.
    BuysAgain,
    /// A pod that was refused is placed on a node that is there, once everything planned is done.
    PlacesLater,
    /// Another step once everything planned is done.
    StepsAgain,
}

impl Kind {
    /// For tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotAdmitted => "not admitted",
            Self::FalseRefusal => "false refusal",
            Self::SplitsClaim => "splits a claim",
            Self::BuysForNominated => "buys for a nominated pod",
            Self::Forgets => "forgets a pod",
            Self::BuysWhileStarting => "buys while nodes start",
            Self::BuysUnwritten => "buys while nodes start that nobody wrote down",
            Self::BuysAgain => "buys again",
            Self::PlacesLater => "places later",
            Self::StepsAgain => "steps again",
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub kind: Kind,
    /// What findings of this sort have in common, for counting.
    pub sort: String,
    /// The pod or node it is about.
    pub about: String,
    /// More of it.
    pub said: String,
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
    /// What the API server would not have taken; nothing was judged.
    pub invalid: Option<String>,
    /// Pods placed.
    pub placed: u64,
    /// Nodes bought.
    pub bought: u64,
    /// Pods refused.
    pub refused: u64,
    /// What is wrong.
    pub findings: Vec<Finding>,
}

/// Plans, realises and plans again.
pub fn judge(world: &World, scheduler: &mut Scheduler) -> Result<Verdict> {
    let seen = world.snapshot()?;
    let plan = planned(world, &seen);
    let mut verdict = Verdict {
        bought: plan.nodes.len() as u64,
        refused: refused(&plan).len() as u64,
        ..Verdict::default()
    };
    verdict.findings.extend(of_plan(world, &plan));
    let joining = realise::joining(world, &seen, &plan)?;
    if !plan.nodes.is_empty() {
        let meanwhile = realise::meanwhile(&joining, &seen, &plan);
        let mut now = meanwhile.snapshot()?;
        let unwritten = purchases(&planned(&meanwhile, &now), Kind::BuysUnwritten, &meanwhile);
        now.ledger.intents = realise::launches(&plan, &now);
        let again = purchases(&planned(&meanwhile, &now), Kind::BuysWhileStarting, &meanwhile);
        verdict.findings.extend(unwritten);
        verdict.findings.extend(again);
    }
    let settled = realise::settled(&joining);
    let question = realise::question(&settled, &seen, &plan)?;
    let mut done = settled.clone();
    if let Some(question) = &question {
        let answer = scheduler.ask(&question.case)?;
        if let Some(why) = answer.refused.first() {
            verdict.invalid = Some(why.clone());
            verdict.findings.clear();
            return Ok(verdict);
        }
        verdict.placed = question.case.pending.len() as u64;
        let wrong = question.not_admitted(&answer, scheduler)?;
        let splits = realise::split_claims(&question.case);
        let is_done = wrong.is_empty() && splits.is_empty();
        verdict.findings.extend(wrong.into_iter().map(|wrong| Finding {
            kind: Kind::NotAdmitted,
            sort: wrong.sort.trim_start_matches("plan: ").to_owned(),
            about: wrong.pod,
            said: format!("on {}: kube-scheduler says {}", wrong.node, wrong.theirs),
        }));
        verdict.findings.extend(splits.into_iter().map(|claim| Finding {
            kind: Kind::SplitsClaim,
            sort: "EBS".to_owned(),
            about: claim,
            said: String::new(),
        }));
        if !is_done {
            // What was not bound comes again; that is one fault and not two.
            return Ok(verdict);
        }
        done = realise::bound(&settled, &question.case);
    }
    verdict.findings.extend(at_rest(world, &done)?);
    verdict
        .findings
        .extend(false_refusals((world, &done), &plan, scheduler)?);
    Ok(verdict)
}

fn planned(world: &World, seen: &Snapshot) -> Plan {
    decide::deliberate(seen, &Memory::default(), &PolicySet::default(), &world.aims()).plan
}

fn refused(plan: &Plan) -> BTreeMap<String, &Misfit> {
    let pods = plan.refusals.iter().filter_map(|refusal| match refusal {
        Refusal::Pod { pod, why, .. } => Some((pod.to_string(), why)),
        _ => None,
    });
    pods.collect()
}

/// What can be told of a plan by itself.
fn of_plan(world: &World, plan: &Plan) -> Vec<Finding> {
    let mut findings = Vec::new();
    let new: BTreeSet<String> = plan
        .nodes
        .iter()
        .flat_map(|node| &node.pods)
        .map(ToString::to_string)
        .collect();
    let there = plan
        .existing
        .iter()
        .flat_map(|(_, pods)| pods)
        .map(ToString::to_string);
    let mut known: BTreeSet<String> = there.chain(new.iter().cloned()).collect();
    known.extend(refused(plan).into_keys());
    for pod in &world.case.pending {
        let name = case::key(pod).to_string();
        let finding = |kind, sort: &str| Finding {
            kind,
            sort: sort.to_owned(),
            about: name.clone(),
            said: String::new(),
        };
        if !pod["status"]["nominatedNodeName"].is_null() && new.contains(&name) {
            findings.push(finding(Kind::BuysForNominated, "preemptor"));
        }
        if !known.contains(&name) {
            findings.push(finding(Kind::Forgets, "pod"));
        }
    }
    findings
}

/// Purchases that there should not be, by the rules of the first pod that each is for.
fn purchases(plan: &Plan, kind: Kind, world: &World) -> Vec<Finding> {
    let of = |node: &model::plan::PlannedNode| {
        let pod = node.pods.first()?;
        let object = world.case.pending.iter().find(|object| case::key(object) == *pod);
        Some(Finding {
            kind,
            sort: object.map(features).unwrap_or_default(),
            about: pod.to_string(),
            said: format!("on a new {}", node.offer),
        })
    };
    plan.nodes.iter().filter_map(of).take(1).collect()
}

/// Rules that a pod has, in a few words.
pub fn features(pod: &Value) -> String {
    let spec = &pod["spec"];
    let mut words: Vec<String> = Vec::new();
    for constraint in spec["topologySpreadConstraints"].as_array().into_iter().flatten() {
        if constraint["whenUnsatisfiable"] == "DoNotSchedule" {
            words.push(format!("spread {}", short(&constraint["topologyKey"])));
        }
    }
    for kind in ["podAffinity", "podAntiAffinity"] {
        let terms = &spec["affinity"][kind]["requiredDuringSchedulingIgnoredDuringExecution"];
        for term in terms.as_array().into_iter().flatten() {
            words.push(format!("{kind} {}", short(&term["topologyKey"])));
        }
    }
    if spec["containers"][0]["ports"].is_array() {
        words.push("host port".to_owned());
    }
    for key in spec["nodeSelector"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, _)| key)
    {
        words.push(format!("selects {key}"));
    }
    if spec["volumes"].is_array() {
        words.push("claim".to_owned());
    }
    if !spec["containers"][0]["resources"]["requests"]["nvidia.com/gpu"].is_null() {
        words.push("GPU".to_owned());
    }
    words.sort();
    if words.is_empty() {
        "plain".to_owned()
    } else {
        words.join(", ")
    }
}

fn short(key: &Value) -> &str {
    key.as_str().and_then(|key| key.rsplit('/').next()).unwrap_or("?")
}

/// Nodes on which victims of a nominated pod held room while the plan was made: others may find some of it later.
fn freed(before: &World) -> BTreeSet<&str> {
    let pods = before.case.pending.iter();
    pods.filter_map(|pod| pod["status"]["nominatedNodeName"].as_str())
        .collect()
}

/// What the second plan still wants.
fn at_rest(before: &World, done: &World) -> Result<Vec<Finding>> {
    let seen = done.snapshot()?;
    let plan = planned(done, &seen);
    let mut findings = purchases(&plan, Kind::BuysAgain, done);
    let freed = freed(before);
    let news = |(node, pods): &&(model::ids::NodeName, Vec<model::ids::PodKey>)| {
        !pods.is_empty() && !freed.contains(node.as_str())
    };
    if let Some((node, pods)) = plan.existing.iter().find(news)
        && let Some(pod) = pods.first()
    {
        let object = done.case.pending.iter().find(|object| case::key(object) == *pod);
        findings.push(Finding {
            kind: Kind::PlacesLater,
            sort: object.map(features).unwrap_or_default(),
            about: pod.to_string(),
            said: format!("on {node}"),
        });
    }
    let waits = |kind: &StepKind| {
        matches!(
            kind,
            StepKind::Nominate { .. }
                | StepKind::Yield { .. }
                | StepKind::Avoid { .. }
                | StepKind::GrowGroup { .. }
        )
    };
    if let Some(step) = plan.steps.iter().find(|step| !waits(&step.kind)) {
        findings.push(Finding {
            kind: Kind::StepsAgain,
            sort: step.kind.name().to_owned(),
            about: step.kind.to_string(),
            said: String::new(),
        });
    }
    Ok(findings)
}

/// Refused pods that kube-scheduler would have had.
fn false_refusals(
    (world, done): (&World, &World),
    plan: &Plan,
    scheduler: &mut Scheduler,
) -> Result<Vec<Finding>> {
    let (why, freed) = (refused(plan), freed(world));
    let pods: Vec<Value> = done
        .case
        .pending
        .iter()
        .filter(|pod| why.contains_key(&case::key(pod).to_string()))
        .cloned()
        .collect();
    let kinds = probe::kinds(&pods);
    let of_each: Vec<Value> = kinds.iter().map(|(pod, _)| pod.clone()).collect();
    let homes = probe::homes(world, done, &of_each, scheduler)?;
    let mut findings = Vec::new();
    for ((pod, names), home) in kinds.iter().zip(homes) {
        let Some(home) = home else { continue };
        if home
            .strip_prefix("node ")
            .is_some_and(|node| freed.contains(node))
        {
            continue;
        }
        for name in names {
            let Some(why) = why.get(name) else { continue };
            findings.push(Finding {
                kind: Kind::FalseRefusal,
                sort: format!("{} [{}]", word(why), features(pod)),
                about: name.clone(),
                said: format!("{why}; kube-scheduler would have it on {home}"),
            });
        }
    }
    Ok(findings)
}

/// The name of a reason without its figures.
fn word(why: &Misfit) -> String {
    let said = format!("{why:?}");
    said.split([' ', '{']).next().unwrap_or_default().to_owned()
}
