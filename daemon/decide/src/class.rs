//! Pods that no rule can tell apart, counted once: what placing, rules between pods and refusals go by.
//!
//! How pods are folded into classes is `demand`'s.

use crate::constraints::{Crowding, Deal, ZONE};
use crate::number::count;
use model::ids::PodKey;
use model::offer::Offer;
use model::pod::{PodSpec, SpecIx};
use std::sync::Arc;

/// Pods that no rule can tell apart.
#[derive(Clone, Debug)]
pub(crate) struct Class {
    /// Their spec in the Snapshot; `None` for headroom.
    pub(crate) spec: Option<SpecIx>,
    /// The spec itself.
    pub(crate) body: Arc<PodSpec>,
    /// They have waited too long to be placed on Fargate at admission.
    pub(crate) late: bool,
    /// Of so low a priority that they are placed in free room only.
    pub(crate) expendable: bool,
    /// Names: waiting pods first, then replicas to come, then virtual pods.
    pub(crate) pods: Vec<PodKey>,
    /// How many wait now.
    pub(crate) pending: u32,
    /// How many are to come.
    pub(crate) to_come: u32,
    /// How many are virtual.
    pub(crate) headroom: u32,
    /// What rules about pods on one node come to.
    pub(crate) crowding: Arc<Crowding>,
    /// The zone it was dealt, where zones are dealt.
    pub(crate) deal: Option<Deal>,
}

/// Who goes before whom where there is not enough for all; later ones go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// Nothing is bought for them, and nothing is kept from anybody.
    Expendable,
    /// Virtual pods.
    Headroom,
    /// Pods of this priority.
    Pod(i32),
}

impl Class {
    /// Takes the pods of a class that differs only in how long it has waited.
    pub(crate) fn absorb(&mut self, other: &Self) {
        let mut kinds = [self.split(), other.split()];
        let mut pods = Vec::with_capacity(self.pods.len() + other.pods.len());
        for kind in 0..3 {
            for class in &mut kinds {
                pods.append(&mut class[kind]);
            }
        }
        self.pods = pods;
        self.pending += other.pending;
        self.to_come += other.to_come;
        self.headroom += other.headroom;
        self.late |= other.late;
    }

    /// Who goes before whom where there is not enough for all.
    pub(crate) fn rank(&self) -> Rank {
        match self.spec {
            _ if self.expendable => Rank::Expendable,
            None => Rank::Headroom,
            Some(_) => Rank::Pod(self.body.priority),
        }
    }

    /// Waiting pods, replicas to come, virtual pods.
    fn split(&self) -> [Vec<PodKey>; 3] {
        let (waiting, rest) = self.pods.split_at((self.pending as usize).min(self.pods.len()));
        let (to_come, headroom) = rest.split_at((self.to_come as usize).min(rest.len()));
        [waiting.to_vec(), to_come.to_vec(), headroom.to_vec()]
    }

    /// The class with some of its pods only, by their places in rising order.
    pub(crate) fn part(&self, pods: &[usize]) -> Self {
        let (pending, real) = (self.pending as usize, (self.pending + self.to_come) as usize);
        let among =
            |range: std::ops::Range<usize>| count(pods.iter().filter(|at| range.contains(at)).count());
        Self {
            pods: pods.iter().filter_map(|at| self.pods.get(*at).cloned()).collect(),
            pending: among(0..pending),
            to_come: among(pending..real),
            headroom: among(real..usize::MAX),
            spec: self.spec,
            body: Arc::clone(&self.body),
            late: self.late,
            expendable: self.expendable,
            crowding: Arc::clone(&self.crowding),
            deal: None,
        }
    }

    /// The zone that the pods were dealt, where their rules are about zones.
    pub(crate) fn zone(&self) -> Option<&str> {
        self.deal.as_ref().and_then(|deal| deal.zone.as_deref())
    }

    /// Whether its pods were dealt another zone than that of the offer, or no domain at all.
    pub(crate) fn is_dealt_elsewhere(&self, offer: &Offer) -> bool {
        let zone = offer.labels.get(ZONE).map(String::as_str);
        let elsewhere = |dealt: &str| zone != Some(dealt);
        let dealt = |deal: &Deal| deal.is_nowhere() || deal.zone.as_deref().is_some_and(elsewhere);
        self.deal.as_ref().is_some_and(dealt)
    }

    /// All of them.
    pub(crate) fn count(&self) -> u32 {
        count(self.pods.len())
    }
}
