//! How much of what quotas measure there is, on its way included.
//!
//! Not here: how much there may be (`quota`).

use super::Amounts;
use crate::group::{Group, GroupKind};
use crate::ids::{GroupName, NodeName};
use crate::intent::{IntentKind, Ledger};
use crate::offer::Offer;
use crate::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};

/// What there is, on its way included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// In the cluster.
    pub total: Amounts,
    /// By group.
    pub groups: BTreeMap<GroupName, Amounts>,
}

impl Usage {
    /// Of a cluster with these launches under way. Instances that nobody has seen as a node yet, and no launch of ours
    /// brings, count as the largest that their group buys.
    pub fn of(seen: &Snapshot, ledger: &Ledger) -> Self {
        let mut usage = Self::default();
        for node in seen.nodes.iter().filter(|node| !node.fargate) {
            usage.add(node.group.as_ref(), &Amounts::of_node(&node.allocatable), 1);
        }
        let mut claimed: BTreeSet<&NodeName> = BTreeSet::new();
        for intent in &ledger.intents {
            let IntentKind::Launch {
                group,
                offer,
                count,
                joined,
                ..
            } = &intent.kind
            else {
                continue;
            };
            let mut here = joined.len();
            let mut arrived = 0;
            for node in &seen.nodes {
                if arrived < *count as usize
                    && intent.claims(node)
                    && (intent.names(node) || !claimed.contains(&node.name))
                {
                    claimed.insert(&node.name);
                    arrived += 1;
                }
            }
            here = here.max(arrived);
            let coming = count.saturating_sub(u32::try_from(here).unwrap_or(u32::MAX));
            let bought = seen.offers.iter().find(|of| of.id == *offer);
            let each = bought.map_or_else(|| largest(seen, group), |of| Amounts::of_node(&of.allocatable));
            usage.add(Some(group), &each, coming);
        }
        for group in seen
            .groups
            .iter()
            .filter(|group| group.kind != GroupKind::FargateProfile)
        {
            let known = usage.groups.get(&group.name).map_or(0, |used| used.nodes);
            let known = u32::try_from(known).unwrap_or(u32::MAX);
            let unseen = expected(group, ledger).saturating_sub(known);
            if unseen > 0 {
                usage.add(Some(&group.name), &largest(seen, &group.name), unseen);
            }
        }
        usage
    }

    /// What is used of a group.
    pub fn of_group(&self, group: &GroupName) -> Amounts {
        self.groups.get(group).copied().unwrap_or_default()
    }

    /// Counts nodes.
    pub fn add(&mut self, group: Option<&GroupName>, each: &Amounts, nodes: u32) {
        self.total.add(each, nodes);
        if let Some(group) = group {
            self.groups.entry(group.clone()).or_default().add(each, nodes);
        }
    }
}

/// Instances that the group has or was asked for.
fn expected(group: &Group, ledger: &Ledger) -> u32 {
    let asked = ledger.intents.iter().filter_map(|intent| match &intent.kind {
        IntentKind::Launch {
            group: theirs, to, ..
        } if *theirs == group.name => Some(*to),
        _ => None,
    });
    asked.fold(group.desired.max(group.living()), u32::max)
}

/// The most that a node of the group counts.
fn largest(seen: &Snapshot, group: &GroupName) -> Amounts {
    let own = |offer: &&Offer| {
        let seller = seen.groups.get(offer.group as usize);
        !offer.is_fargate() && seller.is_some_and(|seller| seller.name == *group)
    };
    let sold = seen.offers.iter().filter(own);
    let node = Amounts {
        nodes: 1,
        ..Amounts::default()
    };
    sold.map(|offer| Amounts::of_node(&offer.allocatable))
        .fold(node, |most, each| most.most(&each))
}
