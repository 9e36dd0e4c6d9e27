//! The life of the Ledger: intents are opened before a call, settled after it, and read against every
//! Snapshot.
//!
//! Plain functions on a value, so that a crash between any two of them can be tested. Storing is at the ends.

mod codec;
mod identity;
mod learn;
mod open;
mod reconcile;
mod resume;
mod settle;
mod size;
mod spending;

#[cfg(test)]
mod tests;

pub use codec::{
    decode_installation, decode_ledger, decode_memory, encode_installation, encode_ledger, encode_memory,
};
pub use identity::{is_of_another_cluster, note_identity};
pub use learn::learn;
pub use open::open;
#[cfg(test)]
pub(crate) use open::open_as;
pub use reconcile::reconcile;
pub use resume::resume;
pub use settle::settle;
pub use size::{note_size, usual_size};
pub use spending::note_spending;

use model::intent::{Effect, EffectKind, Intent, IntentKind, Ledger, LedgerEvent, RemoveStage};
use model::{GroupName, Instant, IntentId, NodeName, PodKey, Snapshot};

/// Intents open at once, at most (I18). The Ledger may be one ConfigMap, of which the API server takes 1 MiB: 200 intents of
/// 2 KB leave room for the effects of all windows.
pub const MAX_INTENTS: u32 = 200;

/// The intent of this id, to be changed.
fn intent_mut<'a>(ledger: &'a mut Ledger, id: &IntentId) -> Option<&'a mut Intent> {
    ledger.intents.iter_mut().find(|intent| intent.id == *id)
}

/// The stage of the open removal of a node, to be changed.
fn removal_stage_mut<'a>(ledger: &'a mut Ledger, name: &NodeName) -> Option<&'a mut RemoveStage> {
    ledger
        .intents
        .iter_mut()
        .find_map(|intent| match &mut intent.kind {
            IntentKind::Remove { node, stage, .. } if node == name => Some(stage),
            _ => None,
        })
}

/// Takes an intent out.
fn close(ledger: &mut Ledger, id: &IntentId) -> Option<Intent> {
    let place = ledger.intents.iter().position(|intent| intent.id == *id)?;
    Some(ledger.intents.remove(place))
}

/// Undoes the removals that waited for a launch: what was to replace their nodes never came, or not all of it
/// (reliability invariant I10).
fn unreplaced(ledger: &mut Ledger, launch: &IntentId) -> Vec<LedgerEvent> {
    let mut events = Vec::new();
    for intent in &mut ledger.intents {
        if let IntentKind::Remove {
            after, stage, node, ..
        } = &mut intent.kind
            // The call that ends the instance has been made: there is nothing left to undo.
            && *stage < RemoveStage::Terminating
            && after.contains(launch)
        {
            *stage = RemoveStage::Undoing;
            events.push(LedgerEvent::RemovalGivenUp {
                intent: intent.id.clone(),
                node: node.clone(),
            });
        }
    }
    events
}

/// Takes back an effect that did not happen; tells whether there was one.
fn uncount(ledger: &mut Ledger, at: Instant, group: &GroupName, same: impl Fn(&EffectKind) -> bool) -> bool {
    // From the newest on: what is taken back was written down in this cycle, and sits at the end.
    let place = ledger
        .effects
        .iter()
        .rposition(|effect: &Effect| effect.at == at && effect.group == *group && same(&effect.kind));
    place.is_some_and(|place| {
        ledger.effects.remove(place);
        true
    })
}

/// The entry of this cycle to which evictions or replicas like these are added: its count.
fn counted<'a>(
    ledger: &'a mut Ledger,
    at: Instant,
    group: &GroupName,
    one: &EffectKind,
) -> Option<&'a mut u32> {
    let now = ledger.effects.iter_mut().rev().filter(|effect| effect.at == at);
    let mut theirs = now.filter(|effect| effect.group == *group);
    theirs.find_map(|effect| match (&mut effect.kind, one) {
        (EffectKind::Evicted { count }, EffectKind::Evicted { .. })
        | (EffectKind::ScaledDown { count }, EffectKind::ScaledDown { .. }) => Some(count),
        (EffectKind::Remade { workload, count }, EffectKind::Remade { workload: of, .. })
            if workload == of =>
        {
            Some(count)
        }
        _ => None,
    })
}

/// How many evictions, or replicas, an effect like this is.
const fn amount(effect: &EffectKind) -> u32 {
    match effect {
        EffectKind::Evicted { count }
        | EffectKind::Remade { count, .. }
        | EffectKind::ScaledDown { count } => *count,
        _ => 0,
    }
}

/// The group of what concerns no group: replicas are taken from workloads.
fn no_group() -> GroupName {
    GroupName::new("")
}

/// What ending one waiting pod is written down as; `None` where nobody would make it anew.
fn remade(pod: &PodKey, seen: &Snapshot) -> Option<EffectKind> {
    let pod = seen.pod(pod)?;
    let workload = seen.spec(pod.spec).owner.clone()?;
    Some(EffectKind::Remade { workload, count: 1 })
}
