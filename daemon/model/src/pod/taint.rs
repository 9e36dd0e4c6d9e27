//! Taints of nodes and tolerations of pods, as kube-scheduler's TaintToleration compares them.
//!
//! Not here: which taints mean something of their own (`node`, `startup`).

use serde::{Deserialize, Serialize};

/// A toleration, as upstream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Toleration {
    /// Key; `None` with `Exists` tolerates every taint.
    pub key: Option<String>,
    /// Value to equal; `None` means the operator `Exists`.
    pub value: Option<String>,
    /// Effect; `None` means all.
    pub effect: Option<TaintEffect>,
}

/// What a taint does to pods that do not tolerate it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TaintEffect {
    /// Not scheduled there.
    NoSchedule,
    /// Rather not; placing ignores it.
    PreferNoSchedule,
    /// Not scheduled, and evicted when running.
    NoExecute,
}

/// A taint of a node.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Taint {
    /// Key.
    pub key: String,
    /// Value; empty where none.
    pub value: String,
    /// Effect.
    pub effect: TaintEffect,
}

impl Toleration {
    /// Whether this toleration covers the taint (kube `Toleration.ToleratesTaint`).
    pub fn tolerates(&self, taint: &Taint) -> bool {
        self.effect.is_none_or(|effect| effect == taint.effect)
            && self.key.as_ref().is_none_or(|key| *key == taint.key)
            && self.value.as_ref().is_none_or(|value| *value == taint.value)
    }
}
