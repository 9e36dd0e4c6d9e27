//! What policies answer, and how a call to one ended. Recorded as it is.

use crate::ids::{PolicyName, StepId};
use crate::resources::Resources;
use crate::time::Span;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// The questions that policies answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Hook {
    /// How many replicas.
    Scaler,
    /// What places cost.
    Placement,
    /// How much room to keep.
    Headroom,
    /// Which nodes may be given up.
    Disruption,
    /// Which steps of the finished plan wait.
    Review,
}

impl Hook {
    /// All hooks.
    pub const ALL: [Self; 5] = [
        Self::Scaler,
        Self::Placement,
        Self::Headroom,
        Self::Disruption,
        Self::Review,
    ];

    /// As written in files and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Scaler => "scaler",
            Self::Placement => "placement",
            Self::Headroom => "headroom",
            Self::Disruption => "disruption",
            Self::Review => "review",
        }
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// An answer to one hook. Row numbers refer to the View the policy was shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Advice {
    /// Scaler.
    Scale(ScaleAdvice),
    /// Placement.
    Placement(PlacementAdvice),
    /// Headroom.
    Headroom(Vec<HeadroomAdvice>),
    /// Disruption.
    Disruption(DisruptionAdvice),
    /// Review: the steps that wait.
    Review(Vec<ReviewAdvice>),
}

impl Advice {
    /// Rows that it has something to say about.
    pub fn len(&self) -> usize {
        match self {
            Self::Scale(wanted) => wanted.len(),
            Self::Placement(prices) => prices.factors.len() + prices.forbids.len() + prices.addends.len(),
            Self::Headroom(kinds) => kinds.len(),
            Self::Disruption(verdicts) => verdicts.denials.len() + verdicts.addends.len(),
            Self::Review(holds) => holds.len(),
        }
    }

    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Wanted replicas, as columns of one length in rising order of rows: hundreds of policies may answer for tens of
/// thousands of workloads. The row of a workload is its place among the ScaleNotes that are no forecasts
/// (`Notes::scaled`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScaleAdvice {
    /// Workload rows.
    pub rows: Vec<u32>,
    /// Replicas wanted by row, before bounds.
    pub replicas: Vec<u32>,
    /// Reason codes of the policy by row.
    pub codes: Vec<u16>,
    /// Its words about some of the rows, in their order; escaped and cut by the host.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub texts: Vec<(u32, Arc<str>)>,
}

/// What is wanted of one workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScaleRow<'a> {
    /// Workload row.
    pub row: u32,
    /// Replicas wanted, before bounds.
    pub replicas: u32,
    /// Reason code of the policy.
    pub code: u16,
    /// Its words; "" where it said none.
    pub text: &'a str,
}

impl ScaleAdvice {
    /// How many workloads it is about.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether it is about none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds a row, which must be beyond the last one.
    pub fn push(&mut self, row: ScaleRow<'_>) {
        let text = (!row.text.is_empty()).then(|| Arc::from(row.text));
        self.push_shared(row.row, row.replicas, row.code, text);
    }

    /// Adds a row, which must be beyond the last one, with words that others share.
    pub fn push_shared(&mut self, row: u32, replicas: u32, code: u16, text: Option<Arc<str>>) {
        self.rows.push(row);
        self.replicas.push(replicas);
        self.codes.push(code);
        self.texts.extend(text.map(|text| (row, text)));
    }

    /// Row by row.
    pub fn iter(&self) -> impl Iterator<Item = ScaleRow<'_>> {
        let columns = self.rows.iter().zip(&self.replicas).zip(&self.codes);
        let mut texts = self.texts.iter().peekable();
        columns.map(move |((row, replicas), code)| ScaleRow {
            row: *row,
            replicas: *replicas,
            code: *code,
            text: texts.next_if(|(of, _)| of == row).map_or("", |(_, text)| text),
        })
    }

    /// What is wanted of one row.
    pub fn of(&self, row: u32) -> Option<ScaleRow<'_>> {
        let at = self.rows.binary_search(&row).ok()?;
        let text = self.texts.binary_search_by_key(&row, |(of, _)| *of);
        Some(ScaleRow {
            row,
            replicas: *self.replicas.get(at)?,
            code: *self.codes.get(at)?,
            text: text
                .ok()
                .and_then(|at| self.texts.get(at))
                .map_or("", |(_, text)| text),
        })
    }

    /// Whether the columns are of one length and in order, and words are about rows that are there.
    pub fn in_order(&self) -> bool {
        let rising = self.rows.is_sorted_by(|a, b| a < b) && self.texts.is_sorted_by(|(a, _), (b, _)| a < b);
        let even = self.rows.len() == self.replicas.len() && self.rows.len() == self.codes.len();
        let known = |(row, _): &(u32, Arc<str>)| self.rows.binary_search(row).is_ok();
        rising && even && self.texts.iter().all(known)
    }
}

/// Prices and bans.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacementAdvice {
    /// Price factors in thousandths by offer set row; absent: 1000.
    pub factors: Vec<(u32, u32)>,
    /// Bans by (class row, offer set row), with the reason code.
    pub forbids: Vec<(u32, u32, u16)>,
    /// Addends in nano-dollars per hour and pod by (class row, offer set row), with the reason code.
    pub addends: Vec<(u32, u32, i64, u16)>,
}

/// Virtual pods to keep room for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeadroomAdvice {
    /// How many.
    pub count: u32,
    /// Request of each.
    pub requests: Resources,
    /// Reason code.
    pub code: u16,
}

/// What is said of giving up nodes. Candidates that are not named may go as they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisruptionAdvice {
    /// Candidates that must stay.
    pub denials: Vec<Denial>,
    /// What giving up a candidate must bring beyond what it must bring anyway: nano-dollars per hour (negative makes
    /// it easier) by candidate row, with the reason code.
    pub addends: Vec<(u32, i64, u16)>,
}

/// A candidate that must stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denial {
    /// Candidate row.
    pub row: u32,
    /// Reason code of the policy.
    pub code: u16,
    /// Its words, escaped and cut by the host.
    pub text: String,
}

/// A step that is not to be begun in this cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReviewAdvice {
    /// Which.
    pub step: StepId,
    /// Reason code of the policy.
    pub code: u16,
    /// Its words, escaped and cut by the host.
    pub text: String,
}

/// How a policy failed; the built-in default answers instead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum PolicyFault {
    /// Trapped.
    #[error("trapped: {0}")]
    Trap(String),
    /// Used up its fuel.
    #[error("used more than {limit} units of fuel")]
    Fuel {
        /// Budget.
        limit: u64,
    },
    /// Ran past the wall-clock deadline.
    #[error("ran past its deadline of {limit}")]
    Deadline {
        /// Deadline.
        limit: Span,
    },
    /// Asked for more memory, tables or handles than allowed.
    #[error("asked for more {what} than allowed")]
    Resource {
        /// What.
        what: String,
    },
    /// Answered what cannot be an answer.
    #[error("answered nonsense: {0}")]
    Nonsense(String),
    /// Said itself that it cannot answer.
    #[error("refused to answer: {0}")]
    Declined(String),
    /// Could not be set up (configuration refused).
    #[error("could not be configured: {0}")]
    Config(String),
}

impl PolicyFault {
    /// Short name for metrics.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Trap(_) => "trap",
            Self::Fuel { .. } => "fuel",
            Self::Deadline { .. } => "deadline",
            Self::Resource { .. } => "resource",
            Self::Nonsense(_) => "nonsense",
            Self::Declined(_) => "declined",
            Self::Config(_) => "config",
        }
    }
}

/// A policy's reason as people read it after what was done for it: ` (code 7): its words`.
pub(crate) struct Coded<'a>(pub(crate) u16, pub(crate) &'a str);

impl fmt::Display for Coded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(code, text) = self;
        write!(f, " (code {code})")?;
        if text.is_empty() {
            return Ok(());
        }
        write!(f, ": {text}")
    }
}

/// Whether an answer counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyMode {
    /// Runs, is recorded, counts for nothing.
    Shadow,
    /// Counts for the groups and namespaces that it was given.
    Canary,
    /// Counts.
    Enforce,
}

impl PolicyMode {
    /// All modes, from the least say to the most.
    pub const ALL: [Self; 3] = [Self::Shadow, Self::Canary, Self::Enforce];

    /// Whether anything hangs on its answers.
    pub const fn counts(self) -> bool {
        !matches!(self, Self::Shadow)
    }

    /// As written in files.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Shadow => "shadow",
            Self::Canary => "canary",
            Self::Enforce => "enforce",
        }
    }
}

/// One call of one policy in one cycle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyCall {
    /// Which policy.
    pub policy: PolicyName,
    /// SHA-256 of the component, hexadecimal; empty for built-ins.
    pub digest: String,
    /// Hook.
    pub hook: Hook,
    /// Whether it counted.
    pub mode: PolicyMode,
    /// Fuel used; 0 for built-ins.
    pub fuel: u64,
    /// Answer or fault.
    pub answer: Result<Advice, PolicyFault>,
    /// Log lines of the guest, escaped and cut by the host.
    pub log: Vec<String>,
    /// What it keeps for the next cycle; `None`: what it kept before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept: Option<State>,
}

/// Bytes that a policy keeps from cycle to cycle at one hook; only the policy knows what they say.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct State(#[serde(with = "hex::serde")] pub Vec<u8>);

impl State {
    /// Most bytes of one policy at one hook.
    pub const MOST: usize = 64 << 10;
    /// Most bytes of all policies together.
    pub const MOST_OF_ALL: usize = 1 << 20;
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "State({} bytes)", self.0.len())
    }
}
