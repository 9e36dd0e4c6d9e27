//! Autoscalers that are at work beside this one, and what both would change.
//!
//! Not here: what is done about them.

use super::{Autoscaler, AutoscalerKind};
use crate::aims::Aims;
use crate::group::{Group, GroupKind};
use crate::ids::GroupName;
use crate::snapshot::Snapshot;
use crate::time::Instant;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Groups and node pools that are named.
const NAMED: usize = 5;

/// Another autoscaler at work, with what both would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rival {
    /// Which.
    pub kind: AutoscalerKind,
    /// Who is its leader, where that is told.
    pub holder: String,
    /// When it gave the last sign of life.
    pub alive: Instant,
    /// Groups that both would grow, in the order of their names.
    pub groups: Vec<GroupName>,
    /// Which groups it grows is not known: it tells none.
    pub untold: bool,
    /// Its node pools.
    pub pools: Vec<String>,
}

/// Autoscalers at work beside this one, in the order of the Snapshot.
pub fn rivals(seen: &Snapshot, aims: &Aims) -> Vec<Rival> {
    let ours = |group: &&Group| {
        let named = aims.groups.is_empty() || aims.groups.contains(&group.name);
        named && group.foreign.is_none() && group.kind != GroupKind::FargateProfile
    };
    let at_work = seen.autoscalers.iter().filter(|other| other.works(seen.at));
    let rival = |other: &Autoscaler| {
        let both = seen.groups.iter().filter(ours).filter(|group| other.names(group));
        let renewed = other.lease.as_ref().map(|lease| lease.renewed);
        Rival {
            kind: other.kind,
            holder: other
                .lease
                .as_ref()
                .map_or_else(String::new, |lease| lease.holder.clone()),
            alive: renewed.max(other.told).unwrap_or_default(),
            groups: both.map(|group| group.name.clone()).collect(),
            untold: other.kind == AutoscalerKind::ClusterAutoscaler && other.groups.is_empty(),
            pools: other.pools.clone(),
        }
    };
    at_work.map(rival).collect()
}

impl Rival {
    /// What it means for one of its groups.
    pub fn of_group(&self) -> String {
        format!(
            "{} grows and shrinks it as well: leave it to one of both",
            self.who()
        )
    }

    fn who(&self) -> String {
        if self.holder.is_empty() {
            return self.kind.to_string();
        }
        format!("{} ({})", self.kind, self.holder)
    }
}

impl fmt::Display for Rival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is at work beside Plimsoll, last seen at {}: ",
            self.who(),
            self.alive
        )?;
        match self.kind {
            AutoscalerKind::Karpenter => {
                f.write_str("both buy for the same waiting pods")?;
                if !self.pools.is_empty() {
                    f.write_str("; its node pools are ")?;
                    named(f, &self.pools)?;
                }
                Ok(())
            }
            AutoscalerKind::ClusterAutoscaler if self.untold => {
                f.write_str("which groups it grows is not known; leave each group to one of both")
            }
            AutoscalerKind::ClusterAutoscaler if self.groups.is_empty() => f.write_str(
                "it grows none of the groups that Plimsoll does, and buys for the same waiting pods",
            ),
            AutoscalerKind::ClusterAutoscaler => {
                f.write_str("both grow and shrink ")?;
                named(f, &self.groups)?;
                f.write_str(
                    "; leave each group to one of both (`groups` of the aims, its --nodes or discovery tags)",
                )
            }
        }
    }
}

/// The first few, and how many more.
fn named<T: fmt::Display>(f: &mut fmt::Formatter<'_>, names: &[T]) -> fmt::Result {
    for (at, name) in names.iter().take(NAMED).enumerate() {
        let comma = if at > 0 { ", " } else { "" };
        write!(f, "{comma}{name}")?;
    }
    match names.len().saturating_sub(NAMED) {
        0 => Ok(()),
        more => write!(f, " and {more} more"),
    }
}
