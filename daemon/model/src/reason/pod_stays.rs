//! Why a pod must not be moved.
//!
//! Not here: who finds it out, and what a node does whose pod must stay (`stays`).

use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a pod must not be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum PodStays {
    /// Annotated do-not-disrupt.
    DoNotDisrupt,
    /// Static pod.
    Mirror,
    /// No controller would recreate it.
    NoOwner,
    /// Local storage that would be lost.
    LocalStorage,
    /// Annotated safe-to-evict=false.
    NotSafeToEvict,
    /// Annotated safe-to-evict=on-completion: its node waits for it to end.
    OnCompletion,
    /// Annotated do-not-disrupt for some time, which ends then.
    ProtectedUntil(Instant),
    /// A `hostPath` that it would leave behind.
    HostPath,
    /// In kube-system without a budget.
    SystemPod,
    /// The last Ready pod of a workload that the cluster cannot do without.
    LastReady,
    /// Somebody else moves it.
    MovedByOthers,
}

impl fmt::Display for PodStays {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DoNotDisrupt => "annotated do-not-disrupt",
            Self::Mirror => "static pod",
            Self::NoOwner => "no controller would recreate it",
            Self::LocalStorage => "local storage would be lost",
            Self::NotSafeToEvict => "annotated safe-to-evict=false",
            Self::OnCompletion => "annotated safe-to-evict=on-completion, its node waits for it to end",
            Self::ProtectedUntil(until) => return write!(f, "annotated do-not-disrupt until {until}"),
            Self::HostPath => "a hostPath volume would be left behind",
            Self::SystemPod => "in kube-system without a PodDisruptionBudget",
            Self::LastReady => "the last Ready pod of a workload that the cluster cannot do without",
            Self::MovedByOthers => "somebody else moves it, as its annotations say",
        })
    }
}
