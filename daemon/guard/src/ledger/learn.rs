//! What the Memory learns from the life of intents: boot times, and groups that bring no nodes.

use model::intent::LedgerEvent;
use model::limits::Limits;
use model::memory::{Backoff, Memory};
use model::{GroupName, Instant, Span};

/// Boot times kept per group.
const BOOT_TIMES: usize = 16;

/// First back-off, and the most (reliability invariant I9: doubled up to 30 minutes).
const FIRST_BACKOFF: Span = Span::from_secs(180);
const LONGEST_BACKOFF: Span = Span::from_secs(1800);

/// Remembers boot times; backs off from a group at once where the provider has no capacity, and after
/// `failed_launches` in a row where nodes do not come. A launch that joins ends the back-off.
pub fn learn(memory: &mut Memory, events: &[LedgerEvent], at: Instant, limits: &Limits) {
    for event in events {
        match event {
            LedgerEvent::Joined { group, took, .. } => {
                let times = memory.boot_times.entry(group.clone()).or_default();
                times.push(*took);
                let over = times.len().saturating_sub(BOOT_TIMES);
                times.drain(..over);
            }
            LedgerEvent::Launched { group, .. } => {
                memory.backoff.remove(group);
            }
            LedgerEvent::LaunchFailed {
                group, no_capacity, ..
            } => back_off(memory, group, *no_capacity, at, limits),
            LedgerEvent::Accepted { .. }
            | LedgerEvent::Removed { .. }
            | LedgerEvent::RemovalGivenUp { .. }
            | LedgerEvent::Undone { .. } => {}
        }
    }
}

fn back_off(memory: &mut Memory, group: &GroupName, no_capacity: bool, at: Instant, limits: &Limits) {
    let entry = memory.backoff.entry(group.clone()).or_insert(Backoff {
        failures: 0,
        until: at,
    });
    entry.failures = entry.failures.saturating_add(1);
    let patience = if no_capacity {
        1
    } else {
        limits.failed_launches.max(1)
    };
    if let Some(doublings) = entry.failures.checked_sub(patience) {
        let span = FIRST_BACKOFF.millis().saturating_mul(1 << doublings.min(10));
        entry.until = entry
            .until
            .max(at + Span::from_millis(span.min(LONGEST_BACKOFF.millis())));
    }
}
