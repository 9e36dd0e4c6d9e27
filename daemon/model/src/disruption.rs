//! What may be disrupted of one's own accord, and when: budgets of nodes, how old nodes may become, what becomes of
//! those that were made otherwise than their group would make them today.
//!
//! Values, and what they say of an instant. Nodes on their way out are counted where the budgets are kept: by the engine
//! and once more, on its own, by the guard.

mod due;

use crate::ids::GroupName;
use crate::pod::PodTraits;
use crate::reason::PodStays;
use crate::repair::RepairAims;
use crate::schedule::{Schedule, Stands};
use crate::time::{Instant, Span};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// How nodes are disrupted that nobody takes away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct DisruptionAims {
    /// All that speak of a removal must allow it; empty: only the guard's other limits do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub budgets: Vec<NodeBudget>,
    /// How old a node may become; absent: as old as it likes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expire_after: Option<Span>,
    /// How much sooner than that a node may go, in thousandths: each node by a part of it that is its own, so that nodes
    /// born together do not go together.
    pub expire_spread_permille: u32,
    /// What becomes of nodes that were made otherwise than their group would make them today.
    pub drift: DriftMode,
    /// A first node made as the group would make it today must have been Ready this long before others follow.
    pub settle: Span,
    /// Nodes that are replaced at once because they have expired or drifted.
    pub parallel: u32,
    /// What is said otherwise of single groups.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub groups: BTreeMap<GroupName, GroupDisruption>,
    /// Whether local storage keeps pods where they are.
    #[serde(skip_serializing_if = "LocalStorage::is_usual")]
    pub local_storage: LocalStorage,
    /// Pods of kube-system without a PodDisruptionBudget are not moved, as by the Cluster Autoscaler. Not usual: nodes
    /// that such a pod holds for ever are what its users complain about most, the Eviction API and grace periods protect
    /// these pods as any others, and Karpenter moves them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub keep_system_pods: bool,
    /// When nodes are given up that have stopped working.
    #[serde(skip_serializing_if = "RepairAims::is_usual")]
    pub repair: RepairAims,
}

/// Whether local storage keeps pods where they are; what `safe-to-evict-local-volumes` or `safe-to-evict` call safe never
/// does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum LocalStorage {
    /// An `emptyDir` on disk does.
    #[default]
    EmptyDir,
    /// A `hostPath` as well (the Cluster Autoscaler's rule).
    Block,
    /// Nothing does.
    Allow,
}

impl LocalStorage {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "what serde asks for")]
    fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// Why it keeps the pod.
    pub fn keeps(self, traits: PodTraits) -> Option<PodStays> {
        match self {
            Self::Allow => None,
            _ if traits.local_storage => Some(PodStays::LocalStorage),
            Self::Block if traits.local_path => Some(PodStays::HostPath),
            Self::Block | Self::EmptyDir => None,
        }
    }
}

impl Default for DisruptionAims {
    /// Nothing expires, drift is told and left alone.
    fn default() -> Self {
        Self {
            budgets: Vec::new(),
            expire_after: None,
            expire_spread_permille: 100,
            drift: DriftMode::Report,
            settle: Span::from_secs(600),
            parallel: 1,
            groups: BTreeMap::new(),
            local_storage: LocalStorage::EmptyDir,
            keep_system_pods: false,
            repair: RepairAims::default(),
        }
    }
}

/// What is said of a single group; what is absent is as for all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct GroupDisruption {
    /// How old a node may become; zero: as old as it likes.
    pub expire_after: Option<Span>,
    /// What becomes of drift.
    pub drift: Option<DriftMode>,
}

/// What becomes of nodes that were made otherwise than their group would make them today.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DriftMode {
    /// Nothing, and nobody is told.
    Off,
    /// Explanations tell.
    Report,
    /// They are replaced: a first one, and once its successor has settled, the others.
    Replace,
}

impl DisruptionAims {
    /// As if nothing was said.
    pub fn is_usual(&self) -> bool {
        *self == Self::default()
    }

    /// What becomes of drift in this group.
    pub fn drift_of(&self, group: &GroupName) -> DriftMode {
        let own = self.groups.get(group).and_then(|own| own.drift);
        own.unwrap_or(self.drift)
    }

    /// Why a pod of kube-system stays that no PodDisruptionBudget covers.
    pub fn keeps_system_pod(&self, namespace: &str, covered: bool) -> Option<PodStays> {
        (self.keep_system_pods && namespace == "kube-system" && !covered).then_some(PodStays::SystemPod)
    }
}

/// At most so many nodes on their way out at once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeBudget {
    /// How it is called in reasons.
    pub name: String,
    /// Groups whose nodes it counts, all together; empty: the whole cluster.
    pub groups: Vec<GroupName>,
    /// What it speaks of; empty: everything.
    pub causes: Vec<Cause>,
    /// How many.
    pub nodes: Share,
    /// When it holds; absent: always.
    pub schedule: Option<Schedule>,
}

/// A number of nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Share {
    /// As it stands.
    Count(u32),
    /// Thousandths of the nodes there are, rounded up.
    Permille(u32),
}

/// Why a node goes that nobody takes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Cause {
    /// No pod has to move.
    Empty,
    /// Its pods fit elsewhere, or on cheaper nodes.
    Underused,
    /// Its group would launch it otherwise today.
    Drifted,
    /// It is as old as it may become.
    Expired,
}

impl Cause {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Empty, Self::Underused, Self::Drifted, Self::Expired];

    /// Name in aims.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Underused => "underused",
            Self::Drifted => "drifted",
            Self::Expired => "expired",
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a budget says that stands in the way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// Which budget.
    pub budget: String,
    /// Nodes that it lets go at once.
    pub nodes: u32,
    /// When it holds no longer, where its schedule tells.
    pub until: Option<Instant>,
}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { budget, nodes, until } = self;
        match nodes {
            0 => write!(f, "budget {budget} lets no node go")?,
            1 => write!(f, "budget {budget} lets one node go at a time")?,
            more => write!(f, "budget {budget} lets {more} nodes go at a time")?,
        }
        until.map_or(Ok(()), |until| write!(f, ", until {until}"))
    }
}

impl NodeBudget {
    /// Whether nodes of the group count.
    pub fn counts(&self, group: &GroupName) -> bool {
        self.groups.is_empty() || self.groups.contains(group)
    }

    /// Whether it speaks of such a removal.
    pub fn speaks_of(&self, cause: Cause) -> bool {
        self.causes.is_empty() || self.causes.contains(&cause)
    }

    /// What it allows at this instant of so many nodes that it counts; `None` where it does not hold.
    pub fn at(&self, at: Instant, of: u32) -> Option<Closed> {
        let until = match self.schedule.as_ref().map(|schedule| schedule.stands(at)) {
            None | Some(Stands::Always) => None,
            Some(Stands::Until(until)) => Some(until),
            Some(Stands::No) => return None,
        };
        Some(Closed {
            budget: self.name.clone(),
            nodes: self.nodes.of(of),
            until,
        })
    }

    /// Whether it lets nothing go, for whatever reason: removals that have begun rest too.
    pub fn freezes(&self) -> bool {
        let everything = Cause::ALL.iter().all(|cause| self.speaks_of(*cause));
        everything && matches!(self.nodes, Share::Count(0) | Share::Permille(0))
    }
}

impl Share {
    /// Of so many nodes.
    pub fn of(self, nodes: u32) -> u32 {
        match self {
            Self::Count(count) => count,
            Self::Permille(permille) => {
                let share = (u64::from(nodes) * u64::from(permille)).div_ceil(1000);
                u32::try_from(share).unwrap_or(u32::MAX)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Ends;

    #[test]
    fn shares_round_up_and_nothing_stays_nothing() {
        let of = |permille, nodes| Share::Permille(permille).of(nodes);
        assert_eq!([of(100, 5), of(100, 20), of(0, 20), of(1000, 7)], [1, 2, 0, 7]);
        assert_eq!(of(u32::MAX, u32::MAX), u32::MAX);
        assert_eq!(Share::Count(3).of(1), 3);
    }

    #[test]
    fn a_budget_says_what_it_lets_go_and_until_when() {
        let monday = Instant(1_772_452_800_000);
        let budget = NodeBudget {
            name: "trading".to_owned(),
            groups: vec!["a".into()],
            causes: Vec::new(),
            nodes: Share::Count(0),
            schedule: Some(Schedule {
                starts: "0 9 * * mon-fri".to_owned(),
                ends: Ends::After(Span::from_secs(8 * 3600)),
                zone: "Europe/Berlin".to_owned(),
            }),
        };
        assert!(budget.freezes() && budget.counts(&"a".into()) && !budget.counts(&"b".into()));
        let closed = budget.at(monday, 7).unwrap();
        assert_eq!(
            closed.to_string(),
            "budget trading lets no node go, until 2026-03-02T16:00:00Z"
        );
        assert_eq!(budget.at(monday + Span::from_secs(8 * 3600), 7), None);
        let some = NodeBudget {
            causes: vec![Cause::Drifted],
            ..budget
        };
        assert!(!some.freezes() && some.speaks_of(Cause::Drifted) && !some.speaks_of(Cause::Empty));
    }
}
