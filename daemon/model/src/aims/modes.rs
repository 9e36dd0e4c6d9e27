//! Whether steps are carried out, by scope.
//!
//! Not here: what a step touches, and whether it is cleared (`guard`).

use crate::advice::Hook;
use crate::ids::{GroupName, WorkloadKey};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Whether steps are carried out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Mode {
    /// Decide, record, explain; change nothing.
    #[default]
    Observe,
    /// Carry out what the guard clears.
    Act,
}

/// Modes by scope; a step needs `Act` in every scope it touches. Absent narrower scopes inherit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Modes {
    /// For the cluster; absent means `Observe`.
    pub cluster: Option<Mode>,
    /// By group.
    pub groups: BTreeMap<GroupName, Mode>,
    /// By workload.
    #[serde(with = "crate::memory::pairs")]
    pub workloads: BTreeMap<WorkloadKey, Mode>,
    /// By hook.
    pub hooks: BTreeMap<Hook, Mode>,
}

impl Modes {
    /// These modes with `over` laid on top.
    #[must_use]
    pub fn with(&self, over: &Self) -> Self {
        let mut merged = self.clone();
        merged.cluster = over.cluster.or(merged.cluster);
        merged
            .groups
            .extend(over.groups.iter().map(|(k, v)| (k.clone(), *v)));
        merged
            .workloads
            .extend(over.workloads.iter().map(|(k, v)| (k.clone(), *v)));
        merged.hooks.extend(over.hooks.iter().map(|(k, v)| (*k, *v)));
        merged
    }

    /// Mode of the cluster.
    pub fn of_cluster(&self) -> Mode {
        self.cluster.unwrap_or_default()
    }

    /// Mode of a group, never above the cluster's.
    pub fn of_group(&self, group: &GroupName) -> Mode {
        self.groups
            .get(group)
            .copied()
            .unwrap_or(Mode::Act)
            .min(self.of_cluster())
    }

    /// Mode of a workload, never above the cluster's.
    pub fn of_workload(&self, workload: &WorkloadKey) -> Mode {
        self.workloads
            .get(workload)
            .copied()
            .unwrap_or(Mode::Act)
            .min(self.of_cluster())
    }

    /// Mode of a hook, never above the cluster's.
    pub fn of_hook(&self, hook: Hook) -> Mode {
        self.hooks
            .get(&hook)
            .copied()
            .unwrap_or(Mode::Act)
            .min(self.of_cluster())
    }
}
