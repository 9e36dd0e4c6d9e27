//! Facts, and the answer that they are put together in.
//!
//! Not here: which facts a subject has (`nodes`, `pods`, `policies`, `steps`).

use crate::record::CycleRecord;
use serde::{Deserialize, Serialize};
use std::fmt;

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

/// An answer being put together.
pub(super) struct Answer<'a> {
    pub(super) record: &'a CycleRecord,
    pub(super) facts: Vec<Fact>,
    pub(super) decided: bool,
}

impl Answer<'_> {
    /// A fact that was only seen.
    pub(super) fn saw(&mut self, kind: FactKind, depth: u32, text: impl fmt::Display) {
        self.facts.push(Fact {
            kind,
            text: text.to_string(),
            depth,
        });
    }

    /// A fact that this cycle decided.
    pub(super) fn decided(&mut self, kind: FactKind, depth: u32, text: impl fmt::Display) {
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
