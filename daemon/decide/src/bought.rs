//! What a purchase consists of: nodes and Fargate pods by name, and whoever none was found for.
//!
//! How it comes about is `purchase`'s.

use crate::market::Market;
use crate::quotas::Left;
use model::ids::PodKey;
use model::money::UsdPerHour;
use model::plan::PlannedNode;
use model::quota::NamespaceReached;
use model::snapshot::Snapshot;
use packing::duals::Duals;
use std::collections::BTreeMap;

/// A node or Fargate pod that would be bought.
#[derive(Clone, Debug)]
pub(crate) struct Bought {
    pub(crate) node: PlannedNode,
    /// Index into `Snapshot::offers`.
    pub(crate) offer: usize,
    /// Class of each pod that the node was packed with.
    pub(crate) classes: Vec<usize>,
    /// Class of each pod that came after those, one by one: it pays nothing.
    pub(crate) after: Vec<usize>,
    /// How many of the pods are there already and wait.
    pub(crate) waiting: u32,
    /// Price with factors and addends.
    pub(crate) policy_price: i64,
    /// Addends would have made it cheaper than free.
    pub(crate) clamped: bool,
    /// Fargate: what the pod would have cost on EC2, `None` where nothing else runs it.
    pub(crate) instead: Option<UsdPerHour>,
}

impl Bought {
    /// Takes a pod off it: those that came one by one stand behind those that it was packed with.
    pub(crate) fn remove(&mut self, pod: &PodKey, seen: &Snapshot) {
        let Some(at) = self.node.pods.iter().position(|known| known == pod) else {
            return;
        };
        self.node.pods.remove(at);
        if at < self.classes.len() {
            self.classes.remove(at);
        } else {
            self.after.remove(at - self.classes.len());
        }
        self.waiting = self.waiting.saturating_sub(u32::from(seen.pod(pod).is_some()));
    }

    /// One pod more, of whom it is known whether it waits already and what it costs on top.
    pub(crate) fn add(&mut self, (class, pod): (usize, PodKey), waits: bool, addend: i64) {
        self.node.pods.push(pod);
        self.classes.push(class);
        self.waiting += u32::from(waits);
        let price = self.policy_price.saturating_add(addend);
        self.clamped |= price < 0;
        self.policy_price = price.max(0);
    }

    /// The same node, bought by another offer.
    pub(crate) fn put_on(&mut self, market: &Market<'_>, offer: usize) {
        self.node.group = market.group_of(offer);
        self.node.offer = market.seen.offers[offer].id.clone();
        self.offer = offer;
    }
}

/// Everything that would be bought.
#[derive(Clone, Debug, Default)]
pub(crate) struct Purchase {
    pub(crate) bought: Vec<Bought>,
    /// Real pods for which nothing was found, with their class.
    pub(crate) unplaced: Vec<(usize, PodKey)>,
    /// Of those, whom the quota of their namespace leaves nothing.
    pub(crate) over_quota: BTreeMap<PodKey, NamespaceReached>,
    /// Duals that packing proved, where they are better than those it was given.
    pub(crate) proof: Option<Duals>,
    /// What quotas leave to be bought after that.
    pub(crate) left: Left,
}
