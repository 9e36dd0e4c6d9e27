//! When to run next: at a steady interval, sooner when something has happened, and to the end of what is
//! under way when told to stop.

use crate::desk::Desk;
use crate::ends::Ends;
use crate::run_cycle;
use guard::{Act, StoreError};
use logbook::Trouble;
use model::{Observe, Span};
use std::future::Future;
use std::pin::pin;

/// The rhythm of cycles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Runner {
    /// From the end of one cycle to the beginning of the next when nothing happens.
    pub interval: Span,
    /// The same when something has happened: events that come together are one cycle.
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
                () = self.rest(desk) => {}
            }
        };
        desk.stop();
        desk.park().await?;
        Ok(why)
    }

    async fn rest(&self, desk: &Desk) {
        tokio::select! {
            biased;
            () = desk.shared.wake.notified() => desk.clock().sleep(self.gap).await,
            () = desk.clock().sleep(self.interval) => {}
        }
    }
}
