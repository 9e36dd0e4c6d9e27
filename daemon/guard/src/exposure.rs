//! What a fully malicious policy could cost, worked out from the limits: the sentence that `plimsoll limits` prints, and
//! that no adversarial run of the tests may exceed.

use crate::fleet;
use model::limits::Limits;
use model::quota::NamespaceQuota;
use model::{Span, Usd, UsdPerHour};

const DAY: Span = Span::from_secs(86_400);

/// Upper bounds for any hour, whatever a plan asks for. A removal counts when it begins: from then on no pod is placed there.
/// What goes as an empty node and gets a pod all the same counts as any other once that pod is moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// Nodes bought that no waiting pods prove to be needed; a pod proves something once in a long window.
    pub nodes_bought: u32,
    /// What these may add to the bill.
    pub added: UsdPerHour,
    /// What all of these that are bought within a day may cost by its end.
    pub day: Usd,
    /// Nodes removed that pods stand on, or that were not watched empty, in a cluster of `max_nodes`; those that the
    /// provider takes away itself are not counted.
    pub nodes_removed: u32,
    /// Nodes removed that were watched empty, in a cluster of `max_nodes`: no pod is moved by it.
    pub nodes_emptied: u32,
    /// Nodes removed that pods stand on beside those, in a cluster of `max_nodes`, once owners have lowered their replicas:
    /// no more pods stand on them when that begins than these have let go of.
    pub nodes_explained: u32,
    /// Evictions.
    pub evictions: u32,
    /// Replicas taken from workloads that policies may scale; `None`: as many as these have above their minimum.
    pub replicas_taken: Option<u32>,
    /// Most nodes there are, ever.
    pub max_nodes: u32,
    /// Most the cluster costs, ever: at this rate a whole hour costs as many dollars.
    pub max_rate: UsdPerHour,
}

/// Works the bounds out.
pub fn exposure(limits: &Limits) -> Exposure {
    let (short, long) = (per_hour(limits.window), per_hour(limits.long_window));
    let (bought, most) = (limits.bought_per_window.saturating_mul(short), limits.max_nodes);
    let added = limits
        .added_per_window
        .max(UsdPerHour::ZERO)
        .times(u64::from(short));
    let share = |permille, usual| fleet::share(most, permille, usual, limits);
    let usual = Limits::default();
    let removed = share(
        limits.removed_per_long_window_permille,
        usual.removed_per_long_window_permille,
    );
    let emptied = match limits.emptied_per_window_permille {
        0 => 0,
        permille => share(permille, usual.emptied_per_window_permille),
    };
    let explained = match limits.explained_per_window_permille {
        0 => 0,
        permille => share(permille, usual.explained_per_window_permille),
    };
    Exposure {
        nodes_bought: bought,
        added,
        day: of_a_day(limits),
        nodes_removed: removed.saturating_mul(long),
        nodes_emptied: emptied.saturating_mul(per_hour(limits.emptied_window)),
        nodes_explained: explained.saturating_mul(per_hour(limits.emptied_window)),
        evictions: limits.evictions_per_window.saturating_mul(short),
        replicas_taken: limits
            .scaled_down_per_window
            .map(|limit| limit.saturating_mul(short)),
        max_nodes: most,
        max_rate: limits.max_rate,
    }
}

/// Upper bounds for a tenant with every right in one namespace: pods of it that wait prove nodes to be needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Most nodes that its pods take.
    pub max_nodes: u32,
    /// Most that they cost.
    pub max_rate: UsdPerHour,
    /// What that comes to in a day.
    pub day: Usd,
    /// Of the nodes that stand at one time, those that go within an hour because its pods do: it has them all, and lets go
    /// of them. Others may come and go meanwhile where its pods come again.
    pub removed: u32,
}

/// Works out what a tenant can do whose namespace has this quota.
pub fn tenant(limits: &Limits, quota: Option<&NamespaceQuota>) -> Tenant {
    let nodes = quota.and_then(|quota| quota.nodes);
    let rate = quota.and_then(|quota| quota.rate);
    let bound = exposure(limits);
    let max_nodes = nodes.map_or(limits.max_nodes, |nodes| nodes.min(limits.max_nodes));
    let max_rate = rate.map_or(limits.max_rate, |rate| rate.min(limits.max_rate));
    let gone = bound.nodes_removed.saturating_add(bound.nodes_emptied);
    Tenant {
        max_nodes,
        max_rate,
        day: max_rate.over(DAY),
        removed: gone.saturating_add(bound.nodes_explained).min(max_nodes),
    }
}

/// What is added window by window, and never above the ceiling, until the day ends.
fn of_a_day(limits: &Limits) -> Usd {
    let window = limits.window.millis().max(1);
    let windows = DAY.millis() / window + 1;
    let each = limits.added_per_window.max(UsdPerHour::ZERO);
    let mut sum = Usd::default();
    for so_far in 1..=windows {
        let added = each.times(u64::try_from(so_far).unwrap_or(u64::MAX));
        if added >= limits.max_rate {
            let left = Span::from_millis(window.saturating_mul(windows - so_far + 1));
            sum += limits.max_rate.over(left);
            break;
        }
        sum += added.over(limits.window);
    }
    sum.min(limits.max_rate.over(DAY))
}

/// Times that something may happen in an hour that happens once in a window: what is exactly as old as the window still
/// counts against it.
fn per_hour(window: Span) -> u32 {
    let hour = Span::from_secs(3600).millis();
    let apart = window.millis().max(0).saturating_add(1);
    u32::try_from(hour / apart + 1).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod adversary;
