//! What the guard watches of nodes and pods from cycle to cycle, and which removals it explains: nodes that were watched
//! empty, and owners that let go of pods.
//!
//! Found from the Snapshot and the Memory, with no code of the engine. Where nothing was watched nothing is explained: the
//! tight windows count the removal.

use crate::case::Case;
use crate::evidence::SCALE_ANNOTATION;
use crate::fleet::{self, number};
use model::limits::Limits;
use model::memory::Memory;
use model::watch::How;
use model::{Aims, NodeName, Snapshot, WorkloadKey};
use std::collections::BTreeSet;

/// What of the explained removals is used up: nodes begun in the window of the empty ones, and pods moved for them in the
/// long window.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Explained {
    pub(crate) nodes: u32,
    pub(crate) pods: u32,
}

/// Takes the picture into what the guard has watched. Run once per cycle, before the plan is judged.
pub fn watch(memory: &mut Memory, seen: &Snapshot, aims: &Aims) {
    let annotated: BTreeSet<&WorkloadKey> = seen
        .workloads
        .iter()
        .filter(|workload| workload.annotations.contains_key(SCALE_ANNOTATION))
        .map(|workload| &workload.key)
        .collect();
    let scaled =
        |key: &WorkloadKey| annotated.contains(key) || aims.scale.iter().any(|aim| aim.workload == *key);
    let windows = (aims.limits.window, aims.limits.long_window);
    memory.watch.take_in(seen, windows, scaled);
}

/// Whether the node was watched empty, long enough and explained: then the limit of empty nodes counts its removal.
pub(crate) fn is_watched_empty(node: &NodeName, case: &Case<'_>) -> bool {
    let Some(watch) = case.watch.filter(|watch| watch.at == Some(case.seen.at)) else {
        return false;
    };
    let group = case.seen.node(node).and_then(|node| node.group.as_ref());
    let patience = case.seen.options(group).unneeded_for(case.aims);
    let emptied = watch
        .empty
        .get(node)
        .is_some_and(|emptied| emptied.how == How::Watched && case.seen.at.since(emptied.since) >= patience);
    case.limits().emptied_per_window_permille > 0
        && emptied
        && case.movable_on(node).next().is_none()
        && watch.unexplained() <= case.unexplained_allowed()
}

/// Nodes watched empty that may go within their window.
pub(crate) fn most_emptied(case: &Case<'_>) -> u32 {
    let limits = case.limits();
    let usual = Limits::default().emptied_per_window_permille;
    fleet::share(
        fleet::size(case.seen),
        limits.emptied_per_window_permille,
        usual,
        limits,
    )
}

/// Pods that are moved for the removal of the node, at least one, where it is explained: owners that no policy and no
/// scaler sets have let go of as many pods within a long window, and this window of nodes has room. What nobody can
/// explain that vanished makes it as tight as any other.
pub(crate) fn explained(node: &NodeName, case: &Case<'_>, used: Explained) -> Option<u32> {
    let watch = case.watch.filter(|watch| watch.at == Some(case.seen.at))?;
    let limits = case.limits();
    let usual = Limits::default().explained_per_window_permille;
    let most = match limits.explained_per_window_permille {
        0 => return None,
        permille => fleet::share(fleet::size(case.seen), permille, usual, limits),
    };
    let pods = number(case.movable_on(node).count()).max(1);
    let explained = used.nodes < most
        && used.pods.saturating_add(pods) <= watch.released()
        && watch.unexplained() <= case.unexplained_allowed();
    explained.then_some(pods)
}
