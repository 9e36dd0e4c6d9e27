//! Policies in force, and where new ones come from at a cycle boundary.
//!
//! Loading, compiling and trusting components is the work of `host`; wiring joins the two.

use decide::PolicySet;
use logbook::PolicyUse;
use model::advice::{Hook, PolicyMode};
use model::{PolicyName, UsdPerHour, WorkloadKey};
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
    /// By what rules each rises and falls; absent means none.
    pub rules: BTreeMap<PolicyName, Rules>,
}

/// How a policy moves by itself between shadow and enforce.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// How it rises; `None`: it runs as configured from the start.
    pub promotion: Option<Promotion>,
    /// Metrics above which it is rolled back while it counts.
    pub guards: Vec<GuardMetric>,
    /// Only the component that is there first runs in the configured mode: another one in its place begins in shadow (I13).
    pub first_only: bool,
}

/// When a policy rises: from shadow to canary, where it has a scope, and on to its configured mode.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promotion {
    /// Where it ends: the mode of the configuration.
    pub to: PolicyMode,
    /// Cycles without a fault that are compared first, at each stage.
    pub cycles: u32,
    /// What it may add to the bill on average.
    pub most: UsdPerHour,
}

/// A metric that must not be above a value while the policy counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GuardMetric {
    /// Whose metric.
    pub workload: WorkloadKey,
    /// Its name in the aims or the configuration.
    pub metric: String,
    /// In thousandths of its unit.
    pub above_milli: i64,
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
                scope: entry.scope.clone(),
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

    /// This component of a policy is not wanted any more: the one before it comes back, where it is still known, and
    /// these bytes are not taken again. Never blocks.
    fn reject(&mut self, _policy: &PolicyName, _digest: &str) {}

    /// Why the newest of a policy is not in force, or none of it: one line each, for people. Never blocks.
    fn troubles(&self) -> BTreeMap<PolicyName, String> {
        BTreeMap::new()
    }

    /// What is wrong with the places where policies are kept, whichever policy it is: one line each. Never blocks.
    fn alarms(&self) -> Vec<String> {
        Vec::new()
    }
}

/// A component that somebody hands to the running daemon.
#[derive(Clone, PartialEq, Eq)]
pub struct Upload {
    /// Name of the policy.
    pub name: PolicyName,
    /// The component.
    pub component: Vec<u8>,
    /// Its configuration, JSON; empty means none.
    pub config: String,
}

/// What was taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Uploaded {
    /// SHA-256 of the component, hexadecimal.
    pub digest: String,
    /// Hooks it answers.
    pub hooks: Vec<Hook>,
    /// Whether a restart keeps it.
    pub kept: bool,
}

/// Takes components in while the daemon runs. What it takes comes to the cycles through the [`Library`], in shadow.
pub trait Loader: Send + Sync {
    /// Loads a component; blocks while it compiles. Every name that the configuration has is refused.
    ///
    /// # Errors
    /// One line that says why not.
    fn load(&self, upload: Upload) -> Result<Uploaded, String>;
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
