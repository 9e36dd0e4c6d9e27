//! Pods of each crowd by domain, while domains are dealt: what rules about a topology key let into one, and whom it lacks.
//!
//! Counted twice where a spread may or may not count a pod: at most against a domain's limit, at least for the fewest that
//! the limit rests on. Who is dealt what is decided in `deal`.

use super::deal::{Ground, Party};
use super::domains::{Key, Set, bits};
use crate::number::size;
use model::pod::Unmodelled;

/// How many of a crowd a domain may hold, to a class that goes there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// So much above the domain with fewest; none counts as having any while there are fewer than `domains`.
    Skew { skew: u32, domains: u32 },
    /// None but the pod itself.
    Alone,
}

impl Limit {
    pub(super) const fn reason(self) -> Unmodelled {
        match self {
            Self::Skew { .. } => Unmodelled::TopologySpread,
            Self::Alone => Unmodelled::PodAntiAffinity,
        }
    }
}

/// A rule about the domains of a topology key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) crowd: u32,
    pub(super) key: Key,
    pub(super) limit: Limit,
}

/// Pods of each crowd, by domain.
pub(super) struct Counts<'a> {
    pub(super) ground: &'a Ground,
    /// By crowd: domains that a spread counts.
    counted: Vec<Set>,
    /// At most.
    most: Vec<Vec<u32>>,
    /// At least: pods that may stand where a spread does not count them are left out.
    least: Vec<Vec<u32>>,
}

impl<'a> Counts<'a> {
    pub(super) fn new(ground: &'a Ground, counted: Vec<Set>) -> Self {
        Self {
            counted,
            most: ground.there.clone(),
            least: ground.there.clone(),
            ground,
        }
    }

    /// Pods of a slot stand in the first of its domains: nobody who counts them tells these apart.
    pub(super) fn put(&mut self, party: &Party, slot: Set, pods: u32) {
        for member in &party.member {
            let crowd = size(member.crowd);
            if member.possibly & slot != 0 {
                self.most[crowd][first(slot)] += pods;
                if member.surely & slot == slot {
                    self.least[crowd][first(slot)] += pods;
                }
            }
        }
    }

    /// Somebody of the party may have come to a slot, or not.
    pub(super) fn expect(&mut self, party: &Party, slot: Set) {
        let here = party.member.iter().filter(|member| member.possibly & slot != 0);
        for member in here {
            self.most[size(member.crowd)][first(slot)] += 1;
        }
    }

    pub(super) fn most(&self, crowd: u32, key: Key, slot: Set) -> u32 {
        let there = self.ground.domains.alike(key, first(slot));
        sum(&self.most[size(crowd)], there)
    }

    /// Whether there is somebody of the crowd.
    fn is_kept(&self, crowd: u32, key: Key, slot: Set) -> bool {
        let there = self.ground.domains.alike(key, first(slot));
        self.least
            .get(size(crowd))
            .is_some_and(|counts| sum(counts, there) > 0)
    }

    /// Whether all whom the party follows are in the slot's domain.
    pub(super) fn follows(&self, party: &Party, slot: Set) -> bool {
        let mut after = party.after.iter();
        after.all(|(crowd, key)| self.is_kept(*crowd, *key, slot))
    }

    /// Whether the party's own rules let one more of it into the slot.
    pub(super) fn admits(&self, party: &Party, slot: Set) -> bool {
        party.rules.iter().all(|rule| {
            let there = self.most(rule.crowd, rule.key, slot);
            match rule.limit {
                Limit::Alone => there == 0,
                Limit::Skew { skew, domains } => {
                    let own = u32::from(party.is_of(rule.crowd));
                    there + own <= self.limit(rule, (skew, domains))
                }
            }
        })
    }

    /// Whether the slot's domain holds more than the party's spreads allow.
    pub(super) fn is_skewed(&self, party: &Party, slot: Set) -> bool {
        party.rules.iter().any(|rule| match rule.limit {
            Limit::Skew { skew, domains } => {
                self.most(rule.crowd, rule.key, slot) > self.limit(rule, (skew, domains))
            }
            Limit::Alone => false,
        })
    }

    /// What a domain may hold of the crowd.
    fn limit(&self, rule: &Rule, (skew, domains): (u32, u32)) -> u32 {
        let crowd = size(rule.crowd);
        let values = self.ground.domains.of_values_of(rule.key);
        fewest(&self.least[crowd], (values, self.counted[crowd]), domains).saturating_add(skew)
    }
}

/// Pods in all of these domains.
pub(super) fn sum(counts: &[u32], domains: Set) -> u32 {
    let there = bits(domains).filter_map(|domain| counts.get(domain));
    there.fold(0, |sum, count| sum.saturating_add(*count))
}

/// The first domain of a slot, which is never empty.
pub(super) const fn first(slot: Set) -> usize {
    slot.trailing_zeros() as usize
}

/// Fewest of a crowd in the domains of any value, of those that are counted; none while there are fewer than
/// `domains`.
pub(super) fn fewest(counts: &[u32], (values, counted): (&[Set], Set), domains: u32) -> u32 {
    let there = || values.iter().filter(|value| **value & counted != 0);
    if there().count() < size(domains) {
        return 0;
    }
    there().map(|value| sum(counts, *value)).min().unwrap_or(0)
}
