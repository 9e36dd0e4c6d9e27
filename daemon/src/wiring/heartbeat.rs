//! Time for drains: instances that wait at a lifecycle hook of ours are kept waiting as long as their nodes drain.
//!
//! A heartbeat removes nothing and moves no intent, so that it is no step; it is given only where this daemon acts and is
//! draining the node, by its own Ledger. Paused, blind or only observing, the daemon gives none, and the hook's default
//! acts when its time is up. Not here: the calls (`act`), completing (a step).

use crate::signals::Signals;
use act::aws::Heartbeats;
use cycle::{Handle, Status};
use logbook::CycleRecord;
use model::aims::Mode;
use model::intent::{IntentKind, RemoveStage};
use model::{GroupName, InstanceId};
use std::time::Duration;

/// From one look at what drains to the next: hooks give 30 s at least.
const EVERY: Duration = Duration::from_secs(10);
/// A record that no other has followed for so many looks says nothing of now.
const OLD: u32 = 12;

/// Keeps what drains waiting until told to end.
pub(super) async fn keep(mut heartbeats: Heartbeats, handle: Handle, signals: Signals) {
    let (mut last, mut looks) = (None, 0);
    let mut kept: Vec<(GroupName, InstanceId)> = Vec::new();
    loop {
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            () = signals.ended() => return,
        }
        let Some(record) = handle.latest() else { continue };
        looks = if last == Some(record.cycle) { looks + 1 } else { 0 };
        last = Some(record.cycle);
        let draining = if looks < OLD {
            draining(&record, &handle.status())
        } else {
            Vec::new()
        };
        for (group, instance) in kept.iter().filter(|gone| !draining.contains(gone)) {
            let waits = record
                .snapshot
                .group(group)
                .is_some_and(|group| group.awaits(instance));
            tracing::info!(%group, %instance, waits, "no more heartbeats: it is drained, gone, or left to its hook's default");
        }
        for trouble in heartbeats.keep(&draining).await {
            tracing::warn!(outcome = %trouble, "a draining instance was not given more time");
        }
        kept = draining;
    }
}

/// Instances that wait at a hook of ours and whose nodes this daemon is draining.
fn draining(record: &CycleRecord, status: &Status) -> Vec<(GroupName, InstanceId)> {
    if status.paused.is_some() {
        return Vec::new();
    }
    let seen = &record.snapshot;
    let drains = |kind: &IntentKind| match kind {
        IntentKind::Remove {
            group,
            instance,
            stage,
            ..
        } => {
            let ours = *stage <= RemoveStage::Draining && status.modes.of_group(group) == Mode::Act;
            let waits = seen.group(group).is_some_and(|group| group.awaits(instance));
            (ours && waits).then(|| (group.clone(), instance.clone()))
        }
        IntentKind::Launch { .. } => None,
    };
    seen.ledger
        .intents
        .iter()
        .filter_map(|intent| drains(&intent.kind))
        .collect()
}
