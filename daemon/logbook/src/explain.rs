//! Why a pod, node, group, workload or step is as it is: read out of one record.
//!
//! Pure; every word comes from the `Display` of an enum or from a name. Which record to ask is the caller's
//! choice; `Explanation::decided` tells whether this one decided anything about the subject.

mod nodes;
mod pods;
mod policies;
mod steps;
#[cfg(test)]
mod tests;

use crate::record::CycleRecord;
use model::{GroupName, Instant, NodeName, PodKey, StepId, WorkloadKey};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A pod.
    Pod(PodKey),
    /// A node, or one that a plan would buy.
    Node(NodeName),
    /// A group.
    Group(GroupName),
    /// A workload.
    Workload(WorkloadKey),
    /// A step.
    Step(StepId),
}

/// An answer: facts, in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    /// Cycle it was read from.
    pub cycle: u64,
    /// When that cycle looked.
    pub at: Instant,
    /// What was asked about.
    pub subject: String,
    /// Whether this cycle decided anything about it, rather than only having seen it.
    pub decided: bool,
    /// The facts.
    pub facts: Vec<Fact>,
}

/// One fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fact {
    /// What it is about.
    pub kind: FactKind,
    /// In words.
    pub text: String,
    /// 0 for what stands by itself, 1 for what belongs to the fact above, and so on.
    pub depth: u32,
}

/// What a fact is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FactKind {
    /// How it was seen.
    State,
    /// Where it was placed.
    Placement,
    /// What a step does.
    Step,
    /// Why the step exists.
    Reason,
    /// The guard's word.
    Verdict,
    /// What happened.
    Outcome,
    /// Why something is not done.
    Refusal,
    /// What a policy said.
    Policy,
    /// What it costs, pays or wastes.
    Price,
    /// Work under way.
    Intent,
}

/// Explains a subject from a record; `None` where the record does not know it.
pub fn explain(record: &CycleRecord, subject: &Subject) -> Option<Explanation> {
    let mut answer = Answer {
        record,
        facts: Vec::new(),
        decided: false,
    };
    match subject {
        Subject::Pod(pod) => pods::pod(&mut answer, pod),
        Subject::Node(node) => nodes::node(&mut answer, node),
        Subject::Group(group) => nodes::group(&mut answer, group),
        Subject::Workload(workload) => pods::workload(&mut answer, workload),
        Subject::Step(step) => steps::by_id(&mut answer, *step),
    }
    if answer.facts.is_empty() {
        return None;
    }
    Some(Explanation {
        cycle: record.cycle,
        at: record.at,
        subject: subject.to_string(),
        decided: answer.decided,
        facts: answer.facts,
    })
}

/// An answer being put together.
struct Answer<'a> {
    record: &'a CycleRecord,
    facts: Vec<Fact>,
    decided: bool,
}

impl Answer<'_> {
    /// A fact that was only seen.
    fn saw(&mut self, kind: FactKind, depth: u32, text: impl fmt::Display) {
        self.facts.push(Fact {
            kind,
            text: text.to_string(),
            depth,
        });
    }

    /// A fact that this cycle decided.
    fn decided(&mut self, kind: FactKind, depth: u32, text: impl fmt::Display) {
        self.decided = true;
        self.saw(kind, depth, text);
    }
}

impl FactKind {
    /// As written in tables and over the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Placement => "placement",
            Self::Step => "step",
            Self::Reason => "reason",
            Self::Verdict => "verdict",
            Self::Outcome => "outcome",
            Self::Refusal => "refusal",
            Self::Policy => "policy",
            Self::Price => "price",
            Self::Intent => "intent",
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pod(pod) => write!(f, "pod {pod}"),
            Self::Node(node) => write!(f, "node {node}"),
            Self::Group(group) => write!(f, "group {group}"),
            Self::Workload(workload) => write!(f, "{workload}"),
            Self::Step(step) => write!(f, "step {step}"),
        }
    }
}
