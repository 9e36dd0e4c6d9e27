//! What the Memory learns from the life of intents: boot times, groups that bring no nodes, and groups whose nodes help
//! nobody.

use model::intent::LedgerEvent;
use model::limits::Limits;
use model::memory::{Backoff, Memory};
use model::{Instant, OfferId, Span};
use std::collections::btree_map::Entry;

/// Boot times kept per group, the newest: the engine counts on the longest of them, and a slow boot of long ago says nothing.
const BOOT_TIMES: usize = 16;

/// Offers without capacity that are remembered (I18): beyond it the others are asked again, which costs calls and no money.
const OFFERS: usize = 1000;

/// First back-off, and the most (reliability invariant I9: doubled up to 30 minutes).
const FIRST_BACKOFF: Span = Span::from_secs(180);
const LONGEST_BACKOFF: Span = Span::from_secs(1800);

/// Remembers boot times; backs off from an offer at once where the provider has no capacity of it, and from a group
/// after `failed_launches` in a row that bring no node. A node that joins ends the group's back-off, whatever became of
/// the others of its launch. That nodes come does not end the back-off of a group whose nodes help nobody: only a pod that finds
/// a place does.
pub fn learn(memory: &mut Memory, events: &[LedgerEvent], at: Instant, limits: &Limits) {
    let patience = limits.failed_launches.max(1);
    for event in events {
        match event {
            LedgerEvent::Joined { group, took, .. } => {
                let times = memory.boot_times.entry(group.clone()).or_default();
                times.push(*took);
                let over = times.len().saturating_sub(BOOT_TIMES);
                times.drain(..over);
                memory.backoff.remove(group);
            }
            LedgerEvent::Launched { group, .. } => {
                memory.backoff.remove(group);
            }
            LedgerEvent::LaunchFailed {
                offer: Some(offer), ..
            } => lacks_capacity(memory, offer, at),
            // Of a large launch hardly any is whole: the group is well where nodes of it have come. With one machine in fifty
            // that never joins, five launches of a fleet failed at one moment and its back-off was twelve minutes.
            LedgerEvent::LaunchFailed { brought: true, .. } => {}
            LedgerEvent::LaunchFailed { group, .. } => {
                back_off(memory.backoff.entry(group.clone()), patience, at);
            }
            LedgerEvent::Unhelpful { group, .. } => {
                let lately = |known: &Backoff| at.since(known.until) <= limits.long_window;
                memory.unhelpful.retain(|_, known| lately(known));
                back_off(memory.unhelpful.entry(group.clone()), patience, at);
            }
            LedgerEvent::Helped { group, .. } => {
                memory.unhelpful.remove(group);
            }
            LedgerEvent::Accepted { .. }
            | LedgerEvent::Removed { .. }
            | LedgerEvent::RemovalGivenUp { .. }
            | LedgerEvent::Undone { .. } => {}
        }
    }
}

/// Backs off from one offer at the first word: the provider speaks of one pool, a type in a zone. The group's others are
/// asked meanwhile.
fn lacks_capacity(memory: &mut Memory, offer: &OfferId, at: Instant) {
    memory
        .no_capacity
        .retain(|_, known| at.since(known.until) < LONGEST_BACKOFF);
    if memory.no_capacity.len() < OFFERS || memory.no_capacity.contains_key(offer) {
        back_off(memory.no_capacity.entry(offer.clone()), 1, at);
    }
}

/// The first `patience` failures less one are borne; then three minutes, doubled by each further one.
fn back_off<K: Ord>(entry: Entry<'_, K, Backoff>, patience: u32, at: Instant) {
    let entry = entry.or_insert(Backoff {
        failures: 0,
        until: at,
    });
    entry.failures = entry.failures.saturating_add(1);
    if let Some(doublings) = entry.failures.checked_sub(patience) {
        let span = FIRST_BACKOFF.millis().saturating_mul(1 << doublings.min(10));
        entry.until = entry
            .until
            .max(at + Span::from_millis(span.min(LONGEST_BACKOFF.millis())));
    }
}
