//! Policy of five hooks for clusters that train and experiment on GPUs.
//!
//! Placement: GPU nodes are for pods that ask for GPUs. Scaler: notebooks that nobody uses go to zero. Headroom and
//! disruption: while an experiment runs its next trials find room, and its GPU nodes stay. Review: GPU nodes are not bought
//! for a part of a gang. What each rule does is in a module of its own.

mod experiments;
mod gangs;
mod notebooks;

use plimsoll_sdk::{
    Disruption, Headroom, Holds, Offer, Placement, Prices, Purchase, Replicas, Review, Room, Scaler, Set,
    Verdicts, View, config, export_disruption, export_headroom, export_placement, export_review,
    export_scaler,
};

/// Asks for no GPU: these nodes are for pods that do.
pub const NOT_FOR_OTHERS: u16 = 1;
/// Nobody has used the notebook for a while.
pub const NOTEBOOK_IDLE: u16 = 2;
/// Room for the next trials of an experiment.
pub const NEXT_TRIALS: u16 = 3;
/// The next trials will want this node's GPUs.
pub const EXPERIMENT_RUNS: u16 = 4;
/// Not all members of a gang would find GPUs.
pub const GANG_IN_PART: u16 = 5;

const MINUTE: u64 = 60_000;

/// Configuration, with its defaults.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct KeepGpuForMl {
    /// The extended resource.
    resource: String,
    /// Pods with this label are notebooks.
    notebook_label: String,
    /// A notebook that uses less CPU than this, millicores, is idle.
    idle_cpu_milli: u32,
    /// After so long it goes to zero; 0: never.
    idle_minutes: u32,
    /// Pods with this label are trials; its value names the experiment.
    experiment_label: String,
    /// An experiment whose last trial was seen so long ago is over.
    linger_minutes: u32,
    /// Pods with this label are members of a gang; its value names it.
    gang_label: String,
}

impl Default for KeepGpuForMl {
    fn default() -> Self {
        Self {
            resource: "nvidia.com/gpu".to_owned(),
            notebook_label: "notebook-name".to_owned(),
            idle_cpu_milli: 20,
            idle_minutes: 60,
            experiment_label: "katib.kubeflow.org/experiment".to_owned(),
            linger_minutes: 10,
            gang_label: "training.kubeflow.org/job-name".to_owned(),
        }
    }
}

impl KeepGpuForMl {
    fn read(json: &str) -> Result<Self, String> {
        let policy: Self = config(json)?;
        let checks = [
            (!policy.resource.is_empty(), "resource: a name is meant"),
            (
                !policy.notebook_label.is_empty(),
                "notebook_label: a key is meant",
            ),
            (
                !policy.experiment_label.is_empty(),
                "experiment_label: a key is meant",
            ),
            (!policy.gang_label.is_empty(), "gang_label: a key is meant"),
            (policy.idle_minutes <= 10_080, "idle_minutes: 0 to 10080"),
            (
                (1..=1440).contains(&policy.linger_minutes),
                "linger_minutes: 1 to 1440",
            ),
        ];
        match checks.into_iter().find(|(holds, _)| !holds) {
            Some((_, wanted)) => Err(wanted.to_owned()),
            None => Ok(policy),
        }
    }

    /// Whether every offer of a set has GPUs.
    fn has_only_gpus(&self, view: &View<'_>, set: Set<'_>) -> bool {
        let (group, arch) = (set.group(), set.arch());
        let mut mine = view
            .offers()
            .filter(|offer| offer.group().name() == group && bought_so(*offer, set, &arch))
            .peekable();
        mine.peek().is_some() && mine.all(|offer| offer.extended(&self.resource) > 0)
    }
}

fn bought_so(offer: Offer<'_>, set: Set<'_>, arch: &str) -> bool {
    (arch.is_empty() || offer.arch() == arch)
        && (set.purchase() == Purchase::Mixed || offer.purchase() == Some(set.purchase()))
}

impl Placement for KeepGpuForMl {
    fn configure(json: &str) -> Result<Self, String> {
        Self::read(json)
    }

    fn place(&self, view: &View<'_>) -> Result<Prices, String> {
        let mut prices = Prices::default();
        for set in view.sets().filter(|set| self.has_only_gpus(view, *set)) {
            for class in view.classes().filter(|class| class.extended(&self.resource) == 0) {
                prices.forbid(class, set, NOT_FOR_OTHERS);
            }
        }
        Ok(prices)
    }
}

impl Scaler for KeepGpuForMl {
    fn configure(json: &str) -> Result<Self, String> {
        Self::read(json)
    }

    fn scale(&self, view: &View<'_>) -> Result<Replicas, String> {
        Ok(notebooks::scale(self, view))
    }
}

impl Headroom for KeepGpuForMl {
    fn configure(json: &str) -> Result<Self, String> {
        Self::read(json)
    }

    fn reserve(&self, view: &View<'_>) -> Result<Room, String> {
        Ok(experiments::reserve(self, view))
    }
}

impl Disruption for KeepGpuForMl {
    fn configure(json: &str) -> Result<Self, String> {
        Self::read(json)
    }

    fn judge(&self, view: &View<'_>) -> Result<Verdicts, String> {
        Ok(experiments::judge(self, view))
    }
}

impl Review for KeepGpuForMl {
    fn configure(json: &str) -> Result<Self, String> {
        Self::read(json)
    }

    fn review(&self, view: &View<'_>) -> Result<Holds, String> {
        Ok(gangs::review(self, view))
    }
}

export_placement!(KeepGpuForMl);
export_scaler!(KeepGpuForMl);
export_headroom!(KeepGpuForMl);
export_disruption!(KeepGpuForMl);
export_review!(KeepGpuForMl);

#[cfg(test)]
mod tests;
