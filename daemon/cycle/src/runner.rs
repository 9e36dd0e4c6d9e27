//! When to run next: at a steady interval, sooner when something has happened or a removal has come a stage further,
//! and to the end of what is under way when told to stop.

use crate::desk::Desk;
use crate::ends::Ends;
use crate::run_cycle;
use guard::{Act, StoreError};
use logbook::{CycleRecord, Trouble};
use model::{Observe, Span, StepKind};
use std::future::Future;
use std::pin::pin;

/// The rhythm of cycles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Runner {
    /// From the end of one cycle to the beginning of the next when nothing happens.
    pub interval: Span,
    /// The same when something has happened, or when the cycle has moved a removal that the next one carries on: events
    /// that come together are one cycle.
    pub gap: Span,
}

impl Default for Runner {
    fn default() -> Self {
        Self {
            interval: Span::from_secs(10),
            gap: Span::from_secs(1),
        }
    }
}

/// Why cycles ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// Told to.
    Asked,
    /// The eyes have come to the end of a recording or a scenario.
    Ended,
}

impl Runner {
    /// Runs cycles until told to stop or until there is nothing more to see. On the way out the effect under
    /// way is finished, no other begins, and Ledger and Memory are saved.
    pub async fn run<O: Observe, A: Act>(
        &self,
        ends: &mut Ends<O, A>,
        desk: &Desk,
        shutdown: impl Future<Output = ()>,
    ) -> Result<Stopped, StoreError> {
        let mut shutdown = pin!(shutdown);
        let mut asked = false;
        let why = loop {
            let record = {
                let mut cycle = pin!(run_cycle(ends, desk));
                tokio::select! {
                    biased;
                    () = &mut shutdown, if !asked => {
                        asked = true;
                        desk.stop();
                        cycle.await
                    }
                    record = &mut cycle => record,
                }
            };
            if asked {
                break Stopped::Asked;
            }
            if record.trouble == Some(Trouble::Ended) {
                break Stopped::Ended;
            }
            tokio::select! {
                biased;
                () = &mut shutdown => break Stopped::Asked,
                () = self.rest(desk, goes_on(&record)) => {}
            }
        };
        desk.stop();
        desk.park().await?;
        Ok(why)
    }

    async fn rest(&self, desk: &Desk, goes_on: bool) {
        let most = if goes_on {
            self.gap.min(self.interval)
        } else {
            self.interval
        };
        tokio::select! {
            biased;
            () = desk.shared.wake.notified() => desk.clock().sleep(self.gap).await,
            () = desk.clock().sleep(most) => {}
        }
    }
}

/// Whether the next cycle has something to carry on at once: a node was cordoned, and its pods are asked to leave next;
/// pods were asked to leave, and the node goes once they have; a node has gone, and the next one may. Where they take their
/// time the usual interval comes after that: a cycle in which nothing was done is followed by no early one.
fn goes_on(record: &CycleRecord) -> bool {
    let moves = |kind: &StepKind| match kind {
        StepKind::Cordon { after, .. } => after.is_empty(),
        StepKind::Evict { .. } | StepKind::RemoveNode { .. } => true,
        _ => false,
    };
    let done = record.outcomes.iter().filter(|(_, outcome)| outcome.is_done());
    let mut steps = done.filter_map(|(id, _)| record.plan.steps.iter().find(|step| step.id == *id));
    steps.any(|step| moves(&step.kind))
}
