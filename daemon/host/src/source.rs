//! What the columns of a View are made of, as a copy of its own: a guest that asks for a column nobody foresaw gets
//! it built while it waits, and a host function cannot hold on to somebody else's View.
//!
//! Made only for such an evaluation: nearly always the first one after a policy begins to read something new.

use decide::policy::{CandidateRow, ClassRow, MoverRow, SetRow, StepRow, WorkloadRow};
use decide::{Prepared, View};
use model::advice::Hook;
use model::aims::Aims;
use model::memory::Memory;
use model::snapshot::Snapshot;

/// See the module.
pub(crate) struct Source {
    hook: Hook,
    seen: Snapshot,
    memory: Memory,
    aims: Aims,
    workloads: Vec<WorkloadRow>,
    classes: Vec<ClassRow>,
    sets: Vec<SetRow>,
    candidates: Vec<CandidateRow>,
    movers: Vec<MoverRow>,
    steps: Vec<StepRow>,
}

impl Source {
    pub(crate) fn of(view: &View<'_>) -> Self {
        Self {
            hook: view.hook,
            seen: view.seen.clone(),
            memory: view.memory.clone(),
            aims: Aims::default(),
            workloads: view.workloads.to_vec(),
            classes: view.classes.to_vec(),
            sets: view.sets.to_vec(),
            candidates: view.candidates.to_vec(),
            movers: view.movers.to_vec(),
            steps: view.steps.to_vec(),
        }
    }

    /// The View again, as far as columns are concerned.
    pub(crate) fn view(&self) -> View<'_> {
        View {
            hook: self.hook,
            seen: &self.seen,
            memory: &self.memory,
            aims: &self.aims,
            workloads: &self.workloads,
            classes: &self.classes,
            sets: &self.sets,
            candidates: &self.candidates,
            movers: &self.movers,
            steps: &self.steps,
            prepared: Prepared::default(),
        }
    }
}
