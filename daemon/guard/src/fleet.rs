//! The size of the fleet, and how many nodes a limit that is a share of it comes to.
//!
//! Fargate nodes are no part of it: each is one pod's, and goes with its pod. Not here: what of a limit is used (`tally`).

use model::Snapshot;
use model::limits::{Limits, MOST_UNACKNOWLEDGED_PERMILLE};

/// Nodes that windows are a share of.
pub(crate) fn size(seen: &Snapshot) -> u32 {
    number(seen.nodes.iter().filter(|node| !node.fargate).count())
}

/// Nodes of so many that may be removed within a short window.
pub(crate) fn share_of_window(nodes: u32, limits: &Limits) -> u32 {
    let usual = Limits::default().removed_per_window_permille;
    share(nodes, limits.removed_per_window_permille, usual, limits)
}

/// The share of a size, at least one. A cap of more than half counts only with `acknowledge_risk`; without it
/// the default holds.
pub(crate) fn share(size: u32, permille: u32, default: u32, limits: &Limits) -> u32 {
    // I5: no value switches a window off silently. openai/kubernetes-ec2-autoscaler#95: a guard of 10 % was set to 1.0
    // when it tripped, and all nodes were deleted. 999 ‰ would do the same, hence a threshold and no equality.
    let permille = if permille > MOST_UNACKNOWLEDGED_PERMILLE && !limits.acknowledge_risk {
        default
    } else {
        permille
    };
    let share = u64::from(size) * u64::from(permille) / 1000;
    // At least one (I5: max(1, 5 %)): a group of three nodes could never be given back otherwise.
    u32::try_from(share).unwrap_or(u32::MAX).max(1)
}

/// A count as limits have it; more than that many count as that many.
pub(crate) fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
