//! Zones, dealt: each pod to the zone that has fewest of all that rules count, and once more where a zone could not
//! take its share.
//!
//! All classes that a rule about zones ties together are dealt as one, because what one of them gets changes what
//! the others may have. Nodes are not looked at here.

use super::census::Zones;
use super::ground::Member;
use crate::demand::Class;
use crate::number::{count, size};
use model::pod::Unmodelled;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// How many of a crowd a zone may hold, to a class that goes there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Limit {
    /// So much above the zone with fewest; none counts as having any while there are fewer than `domains`.
    Skew { skew: u32, domains: u32 },
    /// None but the pod itself.
    Alone,
}

impl Limit {
    const fn reason(self) -> Unmodelled {
        match self {
            Self::Skew { .. } => Unmodelled::TopologySpread,
            Self::Alone => Unmodelled::PodAntiAffinity,
        }
    }
}

/// The zone that a class was dealt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deal {
    /// Which of the parties it is a part of.
    party: usize,
    /// Name of the zone; `None` for pods that no zone may have.
    pub(crate) zone: Option<Arc<str>>,
}

/// A class whose pods are dealt out, whole.
#[derive(Clone, Debug)]
pub(super) struct Party {
    pub(super) whole: Class,
    /// By crowd.
    pub(super) rules: Vec<(u32, Limit)>,
    /// Crowds that its pods are of and that are counted by zone.
    pub(super) member: Vec<Member>,
    pub(super) allowed: Zones,
    /// Which company it keeps: all of one go to one zone.
    pub(super) company: Option<usize>,
    /// Crowds of others that must be in the zone before it.
    pub(super) after: Vec<u32>,
    /// By zone: pods that are nominated to a node there, or that one was bought for.
    pub(super) expected: BTreeMap<usize, Vec<usize>>,
    /// By zone: the class that has the pods of that zone.
    parts: BTreeMap<usize, usize>,
    /// The class of those that no zone may have.
    rest: Option<usize>,
    /// By zone: what it can take, once that is known.
    full: BTreeMap<usize, u32>,
}

impl Party {
    pub(super) fn new(whole: Class, allowed: Zones) -> Self {
        Self {
            whole,
            rules: Vec::new(),
            member: Vec::new(),
            allowed,
            company: None,
            after: Vec::new(),
            expected: BTreeMap::new(),
            parts: BTreeMap::new(),
            rest: None,
            full: BTreeMap::new(),
        }
    }

    /// What it takes of a zone, roughly: millicores, and eight MiB for one of them.
    fn weight(&self) -> i64 {
        let requests = &self.whole.body.requests;
        requests
            .cpu_milli
            .max(0)
            .saturating_add(requests.memory_bytes.max(0) >> 23)
    }

    /// Pods that no zone may have.
    fn left_over(&self, party: usize, pods: &[usize]) -> Class {
        let mut rest = self.whole.part(pods);
        rest.deal = Some(Deal { party, zone: None });
        // It is kept from every node; why is what its deal says.
        Arc::make_mut(&mut rest.body).unmodelled.push(self.reason());
        rest
    }

    fn reason(&self) -> Unmodelled {
        match self.rules.first() {
            Some((_, limit)) => limit.reason(),
            None if self.after.is_empty() => Unmodelled::TopologySpread,
            None => Unmodelled::PodAffinity,
        }
    }

    /// Whether it comes before those without rules: as it is dealt.
    pub(super) const fn is_early(&self) -> bool {
        !self.rules.is_empty() && self.after.is_empty()
    }

    fn is_of(&self, crowd: u32) -> bool {
        self.member.iter().any(|member| member.crowd == crowd)
    }

    fn refused(&self) -> bool {
        !self.whole.body.unmodelled.is_empty()
    }
}

/// What zones are like before anything is dealt.
#[derive(Clone, Debug, Default)]
pub(super) struct Ground {
    pub(super) zones: Vec<Arc<str>>,
    /// By crowd, by zone: pods that run there.
    pub(super) there: Vec<Vec<u32>>,
    /// By crowd: zones among which a spread counts the fewest.
    pub(super) domains: Vec<Zones>,
}

/// Everything that was dealt.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deals {
    ground: Ground,
    parties: Vec<Party>,
}

/// Pods of each crowd, by zone.
pub(super) struct Counts<'a> {
    domains: &'a [Zones],
    /// At most.
    most: Vec<Vec<u32>>,
    /// At least: pods that may stand where a spread does not count them are left out.
    least: Vec<Vec<u32>>,
}

impl<'a> Counts<'a> {
    fn new(ground: &'a Ground) -> Self {
        Self {
            domains: &ground.domains,
            most: ground.there.clone(),
            least: ground.there.clone(),
        }
    }

    fn put(&mut self, party: &Party, zone: usize, pods: u32) {
        for member in &party.member {
            let crowd = size(member.crowd);
            if member.possibly & (1 << zone) != 0 {
                self.most[crowd][zone] += pods;
                if member.surely & (1 << zone) != 0 {
                    self.least[crowd][zone] += pods;
                }
            }
        }
    }

    /// Somebody of the party may have come to a zone, or not.
    pub(super) fn expect(&mut self, party: &Party, zone: usize) {
        let here = party
            .member
            .iter()
            .filter(|member| member.possibly & (1 << zone) != 0);
        for member in here {
            self.most[size(member.crowd)][zone] += 1;
        }
    }

    fn most(&self, crowd: u32, zone: usize) -> u32 {
        self.most[size(crowd)][zone]
    }

    /// Whether there is somebody of the crowd.
    fn is_kept(&self, crowd: u32, zone: usize) -> bool {
        let counts = self.least.get(size(crowd));
        counts
            .and_then(|counts| counts.get(zone))
            .is_some_and(|count| *count > 0)
    }

    /// Whether all whom the party follows are in the zone.
    pub(super) fn follows(&self, party: &Party, zone: usize) -> bool {
        party.after.iter().all(|crowd| self.is_kept(*crowd, zone))
    }

    /// Whether the party's own rules let one more of it into the zone.
    pub(super) fn admits(&self, party: &Party, zone: usize) -> bool {
        party.rules.iter().all(|(crowd, limit)| {
            let there = self.most(*crowd, zone);
            match limit {
                Limit::Alone => there == 0,
                Limit::Skew { skew, domains } => {
                    let own = u32::from(party.is_of(*crowd));
                    there + own <= self.limit(*crowd, (*skew, *domains))
                }
            }
        })
    }

    /// Whether a zone holds more than the party's spreads allow.
    fn is_skewed(&self, party: &Party, zone: usize) -> bool {
        party.rules.iter().any(|(crowd, limit)| match limit {
            Limit::Skew { skew, domains } => self.most(*crowd, zone) > self.limit(*crowd, (*skew, *domains)),
            Limit::Alone => false,
        })
    }

    /// What a zone may hold of the crowd.
    fn limit(&self, crowd: u32, (skew, domains): (u32, u32)) -> u32 {
        let crowd = size(crowd);
        fewest(&self.least[crowd], self.domains[crowd], domains).saturating_add(skew)
    }
}

/// Pods of one party: by zone, and those that no zone may have.
#[derive(Default)]
struct Hand {
    by_zone: BTreeMap<usize, Vec<usize>>,
    over: Vec<usize>,
}

impl Hand {
    /// Exchanges pods, which are alike, so that those that are expected in a zone have it.
    fn exchanged(self, party: &Party) -> Self {
        let pods: usize = self.by_zone.values().map(Vec::len).sum();
        let mut left: BTreeSet<usize> = (0..pods + self.over.len()).collect();
        let mut by_zone: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (zone, has) in &self.by_zone {
            let expected = party.expected.get(zone).into_iter().flatten();
            let here: Vec<usize> = expected
                .copied()
                .filter(|pod| left.contains(pod))
                .take(has.len())
                .collect();
            for pod in &here {
                left.remove(pod);
            }
            by_zone.insert(*zone, here);
        }
        let mut left = left.into_iter();
        for (zone, has) in &self.by_zone {
            if let Some(here) = by_zone.get_mut(zone) {
                here.extend(left.by_ref().take(has.len() - here.len()));
                here.sort_unstable();
            }
        }
        Self {
            by_zone,
            over: left.collect(),
        }
    }
}

impl Deals {
    /// Deals for the first time: adds the parts of every party to the classes.
    pub(super) fn new(ground: Ground, parties: Vec<Party>, classes: &mut Vec<Class>) -> Self {
        let mut deals = Self { ground, parties };
        deals.hand_out(classes);
        deals
    }

    /// Those who run.
    pub(super) fn running(&self) -> Counts<'_> {
        Counts::new(&self.ground)
    }

    /// Whose part a class is, and in which zone.
    pub(super) fn place_of(&self, deal: &Deal) -> Option<(&Party, usize)> {
        let party = self.parties.get(deal.party)?;
        let zone = deal.zone.as_ref()?;
        let zone = self.ground.zones.iter().position(|known| known == zone)?;
        Some((party, zone))
    }

    /// Deals anew where a zone could not take its share and others have too many above it; `unplaced` counts by
    /// class. From then on the zone gets no more than it took, so that dealing ends. `last` is the last chance:
    /// what still does not come out even is refused whole. Returns, where anything changed, for each class that was
    /// added the class whose pods it shares a party with.
    pub(crate) fn redeal(
        &mut self,
        classes: &mut Vec<Class>,
        unplaced: &[u32],
        last: bool,
    ) -> Option<Vec<usize>> {
        let uneven = self.uneven(classes, unplaced);
        if uneven.is_empty() {
            return None;
        }
        if last {
            for at in uneven {
                self.refuse(at, classes);
            }
            return Some(Vec::new());
        }
        for party in &mut self.parties {
            for (zone, class) in &party.parts {
                let left = unplaced.get(*class).copied().unwrap_or(0);
                if left > 0 {
                    let placed = classes[*class].count().saturating_sub(left);
                    let full = party.full.entry(*zone).or_insert(placed);
                    *full = (*full).min(placed);
                }
            }
        }
        Some(self.hand_out(classes))
    }

    fn refuse(&mut self, at: usize, classes: &mut [Class]) {
        let party = &mut self.parties[at];
        let why = party.reason();
        Arc::make_mut(&mut party.whole.body).unmodelled.push(why);
        for class in party.parts.values().chain(&party.rest) {
            classes[*class].body = Arc::clone(&party.whole.body);
        }
    }

    /// Parties of which a zone has more than their rules allow, or lacks those they follow, as things were placed.
    /// It is enough that rules hold before those come who have none.
    fn uneven(&self, classes: &[Class], unplaced: &[u32]) -> BTreeSet<usize> {
        let placed = |class: usize| {
            let left = unplaced.get(class).copied().unwrap_or(0);
            classes[class].count().saturating_sub(left)
        };
        let counted = |early: bool| {
            let mut counts = Counts::new(&self.ground);
            for party in self.parties.iter().filter(|party| !early || party.is_early()) {
                for (zone, class) in &party.parts {
                    counts.put(party, *zone, placed(*class));
                }
            }
            counts
        };
        let breaking = |such: &dyn Fn(&Party, usize) -> bool| -> BTreeSet<usize> {
            let parties = self.parties.iter().enumerate();
            let open = parties.filter(|(_, party)| !party.refused());
            let breaks = |party: &Party| {
                let grown = party.parts.iter().filter(|(_, class)| placed(**class) > 0);
                grown.map(|(zone, _)| *zone).any(|zone| such(party, zone))
            };
            open.filter(|(_, party)| breaks(party))
                .map(|(at, _)| at)
                .collect()
        };
        let all = counted(false);
        let lonely = breaking(&|party, zone| !all.follows(party, zone));
        let mut skewed = breaking(&|party, zone| all.is_skewed(party, zone));
        if !skewed.is_empty() {
            let first = counted(true);
            let early = breaking(&|party, zone| {
                let counts = if party.is_early() { &first } else { &all };
                counts.is_skewed(party, zone)
            });
            if early.len() < skewed.len() {
                skewed = early;
            }
        }
        lonely.into_iter().chain(skewed).collect()
    }

    /// Gives every party's parts their pods; returns the parties' first classes for the classes that were added.
    fn hand_out(&mut self, classes: &mut Vec<Class>) -> Vec<usize> {
        let mut siblings = Vec::new();
        let hands = self.deal();
        for (at, hand) in hands.into_iter().enumerate() {
            let party = &mut self.parties[at];
            let known: Vec<(usize, usize)> =
                party.parts.iter().map(|(zone, class)| (*zone, *class)).collect();
            let sibling = known.first().map(|(_, class)| *class).or(party.rest);
            for (zone, class) in known {
                if !hand.by_zone.contains_key(&zone) {
                    reassign(&mut classes[class], &party.whole, &[]);
                }
            }
            for (zone, pods) in &hand.by_zone {
                if let Some(class) = party.parts.get(zone) {
                    reassign(&mut classes[*class], &party.whole, pods);
                } else {
                    let mut part = party.whole.part(pods);
                    part.deal = Some(Deal {
                        party: at,
                        zone: self.ground.zones.get(*zone).cloned(),
                    });
                    party.parts.insert(*zone, classes.len());
                    siblings.push(sibling.unwrap_or(classes.len()));
                    classes.push(part);
                }
            }
            if let Some(class) = party.rest {
                reassign(&mut classes[class], &party.whole, &hand.over);
            } else if !hand.over.is_empty() {
                party.rest = Some(classes.len());
                siblings.push(sibling.unwrap_or(classes.len()));
                classes.push(party.left_over(at, &hand.over));
            }
        }
        siblings
    }

    fn deal(&self) -> Vec<Hand> {
        let mut table = Table {
            counts: Counts::new(&self.ground),
            closed: vec![0; self.ground.there.len()],
            load: vec![0; self.ground.zones.len()],
        };
        let homes = table.settle_companies(&self.parties);
        let mut order: Vec<usize> = (0..self.parties.len()).collect();
        order.sort_by_key(|at| {
            let party = &self.parties[*at];
            (
                party.company.is_none(),
                party.rules.is_empty(),
                party.allowed.count_ones(),
                *at,
            )
        });
        let mut hands: Vec<Hand> = self.parties.iter().map(|_| Hand::default()).collect();
        let zones_of = |party: &Party| match party.company.map(|company| homes.get(&company)) {
            Some(home) => home.map_or(0, |zone| 1 << zone),
            None => party.allowed,
        };
        // Whoever follows others comes after them; a round without anybody to deal to is the last.
        loop {
            let (ready, rest): (Vec<usize>, Vec<usize>) = order
                .iter()
                .partition(|at| table.is_ready(&self.parties[**at], zones_of(&self.parties[**at])));
            let now = if ready.is_empty() { &order } else { &ready };
            for at in now {
                let party = &self.parties[*at];
                hands[*at] = table.deal(party, zones_of(party));
            }
            if ready.is_empty() || rest.is_empty() {
                return hands;
            }
            order = rest;
        }
    }
}

fn reassign(class: &mut Class, whole: &Class, pods: &[usize]) {
    let part = whole.part(pods);
    (class.pods, class.pending, class.to_come, class.headroom) =
        (part.pods, part.pending, part.to_come, part.headroom);
}

/// Fewest of a crowd in any of the zones; none while there are fewer than `domains`.
pub(super) fn fewest(counts: &[u32], zones: Zones, domains: u32) -> u32 {
    if zones.count_ones() < domains {
        return 0;
    }
    bits(zones)
        .filter_map(|zone| counts.get(zone).copied())
        .min()
        .unwrap_or(0)
}

fn bits(mut zones: Zones) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let zone = zones.trailing_zeros() as usize;
        (zones != 0).then(|| {
            zones &= zones - 1;
            zone
        })
    })
}

/// Zones that are being dealt to.
struct Table<'a> {
    /// Pods that run there or were dealt.
    counts: Counts<'a>,
    /// By crowd: zones where somebody wants none of it.
    closed: Vec<Zones>,
    load: Vec<i64>,
}

impl Table<'_> {
    /// One zone for each company, the heaviest first, where least is.
    fn settle_companies(&mut self, parties: &[Party]) -> BTreeMap<usize, usize> {
        let mut companies: BTreeMap<usize, (i64, Zones)> = BTreeMap::new();
        for party in parties {
            let Some(company) = party.company else {
                continue;
            };
            let entry = companies.entry(company).or_insert((0, Zones::MAX));
            let pods = i64::from(party.whole.count());
            entry.0 = entry.0.saturating_add(party.weight().saturating_mul(pods));
            // Where nobody of it found room, nobody would now.
            let full = party.full.iter().filter(|(_, pods)| **pods == 0);
            let full = full.fold(0, |zones: Zones, (zone, _)| zones | 1 << zone);
            entry.1 &= party.allowed & !full;
        }
        let mut heaviest: Vec<(i64, usize, Zones)> = companies
            .into_iter()
            .map(|(company, (weight, zones))| (weight, company, zones))
            .collect();
        heaviest.sort_by_key(|(weight, company, _)| (-weight, *company));
        let mut homes = BTreeMap::new();
        // Loads count again when the pods are dealt; until then companies keep out of each other's way.
        let mut load = self.load.clone();
        for (weight, company, zones) in heaviest {
            let least = bits(zones)
                .filter(|zone| *zone < load.len())
                .min_by_key(|zone| (load[*zone], *zone));
            if let Some(zone) = least {
                load[zone] = load[zone].saturating_add(weight);
                homes.insert(company, zone);
            }
        }
        homes
    }

    /// Whether all whom the party follows are in one of the zones.
    fn is_ready(&self, party: &Party, zones: Zones) -> bool {
        party.after.is_empty() || bits(zones).any(|zone| self.counts.follows(party, zone))
    }

    fn deal(&mut self, party: &Party, zones: Zones) -> Hand {
        let mut hand = Hand::default();
        let weight = party.weight();
        for pod in 0..party.whole.pods.len() {
            match self.next(party, zones, &hand) {
                Some(zone) => {
                    self.counts.put(party, zone, 1);
                    for (crowd, limit) in &party.rules {
                        if *limit == Limit::Alone {
                            self.closed[size(*crowd)] |= 1 << zone;
                        }
                    }
                    self.load[zone] = self.load[zone].saturating_add(weight);
                    hand.by_zone.entry(zone).or_default().push(pod);
                }
                None => hand.over.push(pod),
            }
        }
        if party.expected.is_empty() {
            hand
        } else {
            hand.exchanged(party)
        }
    }

    /// The zone of the next pod: fewest of what counts, then one where more are expected, then least load; `None` where
    /// none may have it.
    fn next(&self, party: &Party, zones: Zones, hand: &Hand) -> Option<usize> {
        let counted = |zone: usize| {
            let member = party.member.iter().map(|member| member.crowd);
            let crowds = member.chain(party.rules.iter().map(|(crowd, _)| *crowd));
            crowds.fold((0, 0_u64), |(most, sum), crowd| {
                let count = self.counts.most(crowd, zone);
                (count.max(most), sum + u64::from(count))
            })
        };
        bits(zones)
            .filter(|zone| *zone < self.load.len() && self.may_have(party, *zone, hand))
            .min_by_key(|zone| {
                let has = hand.by_zone.get(zone).map_or(0, Vec::len);
                let expected = party.expected.get(zone).map_or(0, Vec::len);
                (counted(*zone), has >= expected, self.load[*zone], *zone)
            })
    }

    fn may_have(&self, party: &Party, zone: usize, hand: &Hand) -> bool {
        let has = hand.by_zone.get(&zone).map_or(0, |pods| count(pods.len()));
        let open = party.full.get(&zone).is_none_or(|full| has < *full);
        let welcome = party
            .member
            .iter()
            .all(|member| self.closed[size(member.crowd)] & (1 << zone) == 0);
        open && welcome && self.counts.follows(party, zone) && self.counts.admits(party, zone)
    }
}
