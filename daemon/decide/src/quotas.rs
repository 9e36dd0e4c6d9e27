//! What quotas of the aims leave to be bought, counted down as nodes are.
//!
//! What is there already is counted by `model::quota`. Fargate pods are no nodes and count nowhere.

use crate::number::{real, size};
use model::aims::Aims;
use model::ids::GroupName;
use model::offer::Offer;
use model::quota::{Amounts, Measure, Quota, Reached, Usage};
use model::snapshot::Snapshot;

/// See the module. Without any quota there is nothing in it, and everything may be bought.
#[derive(Clone, Debug, Default)]
pub(crate) struct Left {
    total: Limit,
    /// By group.
    groups: Vec<Limit>,
}

/// One quota.
#[derive(Clone, Debug)]
struct Limit {
    quota: Quota,
    left: Amounts,
    group: Option<GroupName>,
}

impl Default for Limit {
    fn default() -> Self {
        Self {
            quota: Quota::default(),
            left: Amounts::ENDLESS,
            group: None,
        }
    }
}

impl Left {
    /// Before anything is bought.
    pub(crate) fn of(seen: &Snapshot, aims: &Aims) -> Self {
        if aims.quotas.is_none() {
            return Self::default();
        }
        let used = Usage::of(seen, &seen.ledger);
        let limit = |name: &GroupName| match aims.quotas.of(name) {
            Some(quota) => Limit {
                quota: *quota,
                left: quota.left(&used.of_group(name)),
                group: Some(name.clone()),
            },
            None => Limit::default(),
        };
        Self {
            total: Limit {
                quota: aims.quotas.total,
                left: aims.quotas.total.left(&used.total),
                group: None,
            },
            groups: seen.groups.iter().map(|group| limit(&group.name)).collect(),
        }
    }

    /// No quota limits anything.
    pub(crate) const fn is_free(&self) -> bool {
        self.groups.is_empty()
    }

    /// What a node bought by an offer counts; nothing where nobody counts.
    pub(crate) fn each(&self, offer: &Offer) -> Amounts {
        if self.is_free() {
            Amounts::default()
        } else {
            Amounts::of_node(&offer.allocatable)
        }
    }

    fn limits(&self, group: usize) -> impl Iterator<Item = &Limit> {
        let own = self.groups.get(group);
        own.into_iter().chain((!self.is_free()).then_some(&self.total))
    }

    /// How many nodes of a group that count so much may be bought, at most `most`.
    pub(crate) fn copies(&self, group: usize, each: &Amounts, most: u32) -> u32 {
        self.limits(group)
            .fold(most, |most, limit| limit.left.copies(each, most))
    }

    /// Whether one may be.
    pub(crate) fn allows(&self, group: usize, each: &Amounts) -> bool {
        self.copies(group, each, 1) > 0
    }

    /// The largest share that one of the group takes of what is left of anything.
    pub(crate) fn share(&self, group: usize, each: &Amounts) -> f64 {
        let limits = self.limits(group);
        let shares = limits.flat_map(|limit| {
            Measure::ALL.map(|measure| real(each.of(measure)) / real(limit.left.of(measure).max(1)))
        });
        shares.fold(0.0, f64::max)
    }

    /// Counts so many as bought.
    pub(crate) fn take(&mut self, group: usize, each: &Amounts, copies: u32) {
        if self.is_free() {
            return;
        }
        if let Some(own) = self.groups.get_mut(group) {
            own.left.take(each, copies);
        }
        self.total.left.take(each, copies);
    }

    /// Counts the nodes of offers as bought.
    pub(crate) fn take_offers(&mut self, seen: &Snapshot, offers: impl Iterator<Item = usize>) {
        if self.is_free() {
            return;
        }
        for offer in offers
            .map(|offer| &seen.offers[offer])
            .filter(|offer| !offer.is_fargate())
        {
            let each = self.each(offer);
            self.take(size(offer.group), &each, 1);
        }
    }

    /// The quota that keeps a node of the group that counts so much from being bought.
    pub(crate) fn reached(&self, group: usize, each: &Amounts) -> Option<Reached> {
        let mut limits = self.limits(group);
        limits.find_map(|limit| limit.quota.reached(&limit.left, each, limit.group.as_ref()))
    }

    /// Whether there is a quota of all groups together.
    pub(crate) fn limits_all(&self) -> bool {
        !self.total.quota.is_none()
    }

    /// Whether the group has a quota of its own.
    pub(crate) fn limits_group(&self, group: usize) -> bool {
        self.groups.get(group).is_some_and(|limit| !limit.quota.is_none())
    }
}
