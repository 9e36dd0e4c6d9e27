//! What goes wrong in a scenario, and when.

use model::time::Lag;
use model::{GroupName, Instant, Source, Span};

/// One fault: it begins at `at` after the start and lasts `lasts` (a single blow where that is zero).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// After the start.
    pub at: Span,
    /// How long; zero for single blows.
    pub lasts: Span,
    /// What.
    pub kind: FaultKind,
}

/// Kinds of faults.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultKind {
    /// Launches meet `InsufficientInstanceCapacity`. Empty lists mean all.
    NoCapacity {
        /// In these groups.
        groups: Vec<GroupName>,
        /// Of these instance types.
        types: Vec<String>,
        /// In these zones.
        zones: Vec<String>,
    },
    /// Spot instances get their two-minute notice and are taken back.
    SpotInterruption {
        /// In these groups; empty: all.
        groups: Vec<GroupName>,
        /// Share of the spot nodes, in thousandths; at least one node where there is any.
        share_permille: u32,
        /// Whether the picture shows the notice, as the queue of interruption notices lets it.
        told: bool,
    },
    /// Nodes stop being Ready and their instances die two minutes later.
    NodeFailure {
        /// In these groups; empty: all.
        groups: Vec<GroupName>,
        /// How many.
        count: u32,
    },
    /// Kubelets fall silent: their nodes are not Ready and the pods there are made anew elsewhere, while the instances stay
    /// in service and are paid for. For good, or for as long as the fault lasts.
    NodeSilence {
        /// In these groups; empty: all.
        groups: Vec<GroupName>,
        /// Share of the nodes, in thousandths; at least one where there is any.
        share_permille: u32,
    },
    /// Instances launched meanwhile boot this slowly.
    SlowBoot {
        /// Boot lag.
        boot: Lag,
    },
    /// Instances launched meanwhile never join.
    NeverJoins {
        /// In these groups; empty: all.
        groups: Vec<GroupName>,
    },
    /// Calls are refused for now.
    Throttled {
        /// Which calls.
        api: Api,
        /// Share of the calls, in thousandths.
        share_permille: u32,
    },
    /// Calls take effect but their answer is lost.
    AnswerLost {
        /// Which calls.
        api: Api,
        /// Share of the calls, in thousandths.
        share_permille: u32,
    },
    /// Watches hang: the whole picture stays as it was when the fault began, and says how old it is.
    Frozen,
    /// Sources cannot be read at all: nothing of them is in the picture.
    Missing {
        /// Which.
        sources: Vec<Source>,
    },
}

/// Families of calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Api {
    /// Every call.
    All,
    /// The cloud's launches and terminations.
    Cloud,
    /// The Kubernetes API's writes.
    Cluster,
}

impl Fault {
    /// Whether it is in force at `at`, in a world that began at `start`.
    pub fn holds(&self, start: Instant, at: Instant) -> bool {
        let from = start + self.at;
        from <= at && at < from + self.lasts
    }
}
