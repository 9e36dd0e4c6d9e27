//! Policies in force, and where new ones come from at a cycle boundary.
//!
//! Loading, compiling and trusting components is the work of `host`; wiring joins the two.

use decide::PolicySet;
use logbook::PolicyUse;
use model::PolicyName;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Policies as they are in force, with what the logbook keeps of them.
#[derive(Clone, Default)]
pub struct InForce {
    /// In the order they are asked.
    pub set: PolicySet,
    /// Configuration of each, JSON as it was given; absent means none.
    pub configs: BTreeMap<PolicyName, String>,
    /// Bytes of the components by digest, where they are known: kept in the log once per segment.
    pub components: BTreeMap<String, Arc<[u8]>>,
}

impl InForce {
    /// What a record says about them.
    pub(crate) fn uses(&self) -> Vec<PolicyUse> {
        self.set
            .entries
            .iter()
            .map(|entry| PolicyUse {
                name: entry.name.clone(),
                digest: entry.digest.clone(),
                mode: entry.mode,
                config: self.configs.get(&entry.name).cloned().unwrap_or_default(),
            })
            .collect()
    }
}

impl From<PolicySet> for InForce {
    fn from(set: PolicySet) -> Self {
        Self {
            set,
            ..Self::default()
        }
    }
}

/// Where policies and aims come from while the daemon runs.
pub trait Library: Send {
    /// Called between two cycles: policies that are ready to take over, `None` where nothing has changed.
    /// Never blocks (compiling happens elsewhere) and never gives a policy that failed to load: the last good
    /// one stays in force.
    fn refresh(&mut self) -> Option<InForce>;
}

/// A library that never changes.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fixed;

impl Library for Fixed {
    fn refresh(&mut self) -> Option<InForce> {
        None
    }
}

impl<F: FnMut() -> Option<InForce> + Send> Library for F {
    fn refresh(&mut self) -> Option<InForce> {
        self()
    }
}
