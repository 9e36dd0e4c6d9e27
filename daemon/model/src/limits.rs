//! Limits of the guard. Defaults: reliability invariants I2, I5, I6, I9, I23; no policy can override them.

use crate::cluster_size::SizedLimit;
use crate::money::{Usd, UsdPerHour};
use crate::time::Span;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// What the guard holds every plan against.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Removals need every source they rest on to be at most this old (I2).
    pub max_snapshot_age: Span,
    /// Growing needs pods, nodes and groups to be at most this old.
    pub max_growth_age: Span,
    /// Window of the short caps (I5).
    pub window: Span,
    /// Nodes removed voluntarily per window and group, in thousandths of the group; at least one.
    pub removed_per_window_permille: u32,
    /// Window of the long cap (I5).
    pub long_window: Span,
    /// Nodes removed voluntarily per long window and cluster, in thousandths of the cluster; at least one.
    pub removed_per_long_window_permille: u32,
    /// Nodes removed voluntarily per window and zone, in thousandths of the zone's nodes; at least one. `None`, as in what was
    /// recorded without it: zones have no window of their own.
    #[serde(default)]
    pub removed_per_zone_permille: Option<u32>,
    /// Nodes on their way out at once in the cluster (I5).
    pub removals_at_once: u32,
    /// Removals of nodes that were watched empty are counted within this window instead.
    #[serde(default)]
    pub emptied_window: Span,
    /// Nodes watched empty that are removed per such window, in thousandths of the cluster; at least one. 0: they are
    /// removed like any other. What was recorded without it keeps that.
    #[serde(default)]
    pub emptied_per_window_permille: u32,
    /// Nodes removed per `emptied_window` with pods that have to move, in thousandths of the cluster, as long as no more
    /// pods are moved for it than owners have let go of by lowering their replicas; at least one. 0, and in what was
    /// recorded without it: they are removed like any other.
    #[serde(default)]
    pub explained_per_window_permille: u32,
    /// Nodes that waiting pods prove to be needed are bounded by `max_nodes` and `max_rate` alone. Where this is off, and
    /// in what was recorded without it, every purchase counts against the windows.
    #[serde(default)]
    pub growth_by_evidence: bool,
    /// Nodes bought per window in the cluster that no waiting pods prove to be needed (I6, I9).
    pub bought_per_window: u32,
    /// Most nodes in the cluster, those on their way included (I6).
    pub max_nodes: u32,
    /// What may be added to the bill per window by purchases that nothing proves to be needed (I23).
    pub added_per_window: UsdPerHour,
    /// What the cluster may cost after the step (I23).
    pub max_rate: UsdPerHour,
    /// What the cluster may come to cost in a calendar month, UTC: what was spent since it began, and what runs after the
    /// step until it ends (I23). `None`: no budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_per_month: Option<Usd>,
    /// Launches of one group in a row that brought no node, or nodes that helped nobody, before it backs off (I9).
    pub failed_launches: u32,
    /// A launch must have joined within this time (I9).
    pub provision_time: Span,
    /// Evictions per window in the cluster.
    pub evictions_per_window: u32,
    /// Replicas that steps take from workloads per window in the cluster (I5). `None`, as in what was recorded without it:
    /// they are not counted.
    #[serde(default)]
    pub scaled_down_per_window: Option<u32>,
    /// Shares above `MOST_UNACKNOWLEDGED_PERMILLE` need this (I5).
    pub acknowledge_risk: bool,
    /// Limits that the operator has not named: with a Ledger that lasts they follow the size of the cluster, and what
    /// stands above is the most they come to. None in what was recorded without it.
    #[serde(default)]
    pub by_size: BTreeSet<SizedLimit>,
}

/// The largest share of the nodes that a window may let go without `acknowledge_risk`: whoever lets go of more than half
/// of them at once should have said so.
pub const MOST_UNACKNOWLEDGED_PERMILLE: u32 = 500;

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_snapshot_age: Span::from_secs(30),
            max_growth_age: Span::from_secs(120),
            window: Span::from_secs(600),
            removed_per_window_permille: 50,
            long_window: Span::from_secs(3600),
            removed_per_long_window_permille: 100,
            removed_per_zone_permille: Some(100),
            removals_at_once: 10,
            emptied_window: Span::from_secs(60),
            emptied_per_window_permille: 200,
            explained_per_window_permille: 200,
            growth_by_evidence: true,
            bought_per_window: 100,
            max_nodes: 1000,
            added_per_window: UsdPerHour(50_000_000_000),
            max_rate: UsdPerHour(500_000_000_000),
            max_per_month: None,
            failed_launches: 3,
            provision_time: Span::from_secs(900),
            evictions_per_window: 1000,
            scaled_down_per_window: Some(1000),
            acknowledge_risk: false,
            by_size: SizedLimit::ALL.into(),
        }
    }
}
