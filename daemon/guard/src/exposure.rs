//! What a fully malicious policy could cost, worked out from the limits: the sentence that `plimsoll limits` prints, and
//! that no adversarial run of the tests may exceed.

use model::limits::Limits;
use model::{Span, UsdPerHour};

/// Upper bounds for any hour, whatever a plan asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// Nodes bought that no waiting pods prove to be needed.
    pub nodes_bought: u32,
    /// What these may add to the bill.
    pub added: UsdPerHour,
    /// Nodes removed that pods stand on, or that were not watched empty, in a cluster of `max_nodes`; those that the
    /// provider takes away itself are not counted.
    pub nodes_removed: u32,
    /// Nodes removed that were watched empty, in a cluster of `max_nodes`: no pod is moved by it.
    pub nodes_emptied: u32,
    /// Nodes removed that pods stand on beside those, in a cluster of `max_nodes`, once owners have lowered their replicas:
    /// no more pods are moved for it than these have let go of.
    pub nodes_explained: u32,
    /// Evictions.
    pub evictions: u32,
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
    let share = |permille, usual| crate::checks::share(most, permille, usual, limits);
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
        nodes_removed: removed.saturating_mul(long),
        nodes_emptied: emptied.saturating_mul(per_hour(limits.emptied_window)),
        nodes_explained: explained.saturating_mul(per_hour(limits.emptied_window)),
        evictions: limits.evictions_per_window.saturating_mul(short),
        max_nodes: most,
        max_rate: limits.max_rate,
    }
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
