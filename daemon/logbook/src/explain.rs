//! Why a pod, node, group, workload or step is as it is: read out of one record.
//!
//! Pure; every word comes from the `Display` of an enum or from a name. Which record to ask is the caller's
//! choice; `Explanation::decided` tells whether this one decided anything about the subject.

mod answer;
mod nodes;
mod pods;
mod policies;
mod steps;
#[cfg(test)]
mod tests;

pub use answer::{Fact, FactKind};

use crate::record::CycleRecord;
use answer::Answer;
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
