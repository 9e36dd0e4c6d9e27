//! Domains, dealt: each pod to the one that has fewest of all that rules count, and once more where a domain could not
//! take its share.
//!
//! All classes that a rule about zones (or another topology key) ties together are dealt as one, because what one of
//! them gets changes what the others may have. A domain that has no node yet counts once something is bought there:
//! it is given up where nothing can be. Nodes are not looked at here.

use super::counts::{Counts, Limit, Rule, first};
use super::domains::{Domains, Key, Set, bits, restrict};
use super::ground::Member;
use crate::class::Class;
use crate::number::{count, size};
use model::pod::{PodSpec, Unmodelled};
use model::selector::Labels;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Where a class was dealt to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Deal {
    /// Which of the parties it is a part of.
    party: usize,
    /// Which of the party's slots; `None` for pods that none may have.
    slot: Option<usize>,
    /// Name of the zone, where the slot is in one.
    pub(crate) zone: Option<Arc<str>>,
}

impl Deal {
    /// Pods that no domain may have.
    pub(crate) const fn is_nowhere(&self) -> bool {
        self.slot.is_none()
    }
}

/// A class whose pods are dealt out, whole.
#[derive(Clone, Debug)]
pub(super) struct Party {
    pub(super) whole: Class,
    pub(super) rules: Vec<Rule>,
    /// Crowds that its pods are of and that are counted by domain.
    pub(super) member: Vec<Member>,
    /// Keys that rules tell its domains apart by.
    keys: BTreeSet<Key>,
    /// Domains that it may have, in parts which its keys do not tell apart.
    slots: Vec<Set>,
    /// Which company it keeps, and the keys of which all of that company go to one value.
    pub(super) company: Option<(usize, BTreeSet<Key>)>,
    /// Crowds of others that must be in the domain before it, and by which key.
    pub(super) after: Vec<(u32, Key)>,
    /// By slot: pods that are nominated to a node there, or that one was bought for.
    expected: BTreeMap<usize, Vec<usize>>,
    /// By slot: the class that has its pods.
    parts: BTreeMap<usize, usize>,
    /// The class of those that no domain may have.
    rest: Option<usize>,
    /// By slot: what it can take, once that is known.
    full: BTreeMap<usize, u32>,
}

impl Party {
    /// `keys` are those that its own rules, and rules that count it, name.
    pub(super) fn new(whole: Class, domains: &Domains, (allowed, keys): (Set, BTreeSet<Key>)) -> Self {
        Self {
            whole,
            rules: Vec::new(),
            member: Vec::new(),
            slots: domains.slots(&keys, allowed),
            keys,
            company: None,
            after: Vec::new(),
            expected: BTreeMap::new(),
            parts: BTreeMap::new(),
            rest: None,
            full: BTreeMap::new(),
        }
    }

    /// Notes that one of its pods, by its place among them, is expected in a domain.
    pub(super) fn expect(&mut self, pod: usize, domain: Set) {
        if let Some(slot) = self.slots.iter().position(|slot| slot & domain != 0) {
            self.expected.entry(slot).or_default().push(pod);
        }
    }

    /// What it takes of a domain, roughly: millicores, and eight MiB for one of them.
    fn weight(&self) -> i64 {
        let requests = &self.whole.body.requests;
        requests
            .cpu_milli
            .max(0)
            .saturating_add(requests.memory_bytes.max(0) >> 23)
    }

    /// Pods of one slot.
    fn dealt(&self, (party, slot): (usize, usize), domains: &Domains, pods: &[usize]) -> Class {
        let mut part = self.whole.part(pods);
        let domain = first(self.slots[slot]);
        let mut keys = self.keys.clone();
        let by_zone = keys.remove(&Domains::ZONE_KEY);
        let zone = domains.zone(domain).filter(|_| by_zone);
        if by_zone && zone.is_none() {
            keys.insert(Domains::ZONE_KEY);
        }
        if !keys.is_empty() {
            let conditions = domains.pinned(domain, &keys);
            restrict(&mut Arc::make_mut(&mut part.body).node_affinity, &[conditions]);
        }
        part.deal = Some(Deal {
            party,
            slot: Some(slot),
            zone: zone.map(Arc::from),
        });
        part
    }

    /// Pods that no domain may have.
    fn left_over(&self, party: usize, pods: &[usize]) -> Class {
        let mut rest = self.whole.part(pods);
        rest.deal = Some(Deal {
            party,
            slot: None,
            zone: None,
        });
        // It is kept from every node; why is what its deal says.
        Arc::make_mut(&mut rest.body).unmodelled.push(self.reason());
        rest
    }

    fn reason(&self) -> Unmodelled {
        match self.rules.first() {
            Some(rule) => rule.limit.reason(),
            None if self.after.is_empty() => Unmodelled::TopologySpread,
            None => Unmodelled::PodAffinity,
        }
    }

    /// Whether it comes before those without rules: as it is dealt.
    pub(super) const fn is_early(&self) -> bool {
        !self.rules.is_empty() && self.after.is_empty()
    }

    pub(super) fn is_of(&self, crowd: u32) -> bool {
        self.member.iter().any(|member| member.crowd == crowd)
    }

    /// Whether a slot could take any of its pods.
    fn may_take(&self, slot: usize) -> bool {
        self.full.get(&slot) != Some(&0)
    }

    fn refused(&self) -> bool {
        !self.whole.body.unmodelled.is_empty()
    }
}

/// What domains are like before anything is dealt.
#[derive(Clone, Debug, Default)]
pub(super) struct Ground {
    pub(super) domains: Arc<Domains>,
    /// By crowd, by domain: pods that run there.
    pub(super) there: Vec<Vec<u32>>,
    /// By crowd: domains among which a spread counts the fewest, of nodes that are there and of such as are sold.
    pub(super) counted: Vec<(Set, Set)>,
    /// By crowd: keys that rules count it by.
    pub(super) keys: Vec<BTreeSet<Key>>,
    /// Domains in which somebody found no room at all.
    shut: Set,
    /// Domains in which something would be bought.
    bought: Set,
}

impl Ground {
    pub(super) fn new(domains: Arc<Domains>, there: Vec<Vec<u32>>, counted: Vec<(Set, Set)>) -> Self {
        Self {
            domains,
            there,
            counted,
            ..Self::default()
        }
    }

    /// By crowd: domains that a spread counts if the plan is carried out.
    fn real(&self) -> Vec<Set> {
        let counted = self.counted.iter();
        counted
            .map(|(there, sold)| there | (sold & self.bought))
            .collect()
    }

    /// By crowd: domains that a spread may come to count. Where somebody found no room and nothing is bought there is
    /// no node, and so no domain.
    fn possible(&self) -> Vec<Set> {
        let gone = self.shut & !self.bought;
        let counted = self.counted.iter();
        counted.map(|(there, sold)| there | (sold & !gone)).collect()
    }
}

/// Everything that was dealt.
#[derive(Clone, Debug, Default)]
pub(crate) struct Deals {
    ground: Ground,
    parties: Vec<Party>,
    /// What was dealt with pods where they are expected did not come out even.
    starts_over: bool,
}

/// What came of a deal.
pub(crate) struct Tried {
    /// By class: pods for which nothing was found.
    pub(crate) unplaced: Vec<u32>,
    /// Domains in which something would be bought.
    pub(crate) bought: Set,
}

/// How much may still change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chance {
    /// Shares that found no room go elsewhere.
    Again,
    /// What does not come out even is cut down to what was placed, so that the rest holds.
    Trim,
    /// What does not come out even is refused whole.
    Last,
}

/// Pods of one party: by slot, and those that none may have.
#[derive(Default)]
struct Hand {
    by_slot: BTreeMap<usize, Vec<usize>>,
    over: Vec<usize>,
}

impl Hand {
    /// Exchanges pods, which are alike, so that those that are expected in a slot have it.
    fn exchanged(self, party: &Party) -> Self {
        let pods: usize = self.by_slot.values().map(Vec::len).sum();
        let mut left: BTreeSet<usize> = (0..pods + self.over.len()).collect();
        let mut by_slot: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (slot, has) in &self.by_slot {
            let expected = party.expected.get(slot).into_iter().flatten();
            let here: Vec<usize> = expected
                .copied()
                .filter(|pod| left.contains(pod))
                .take(has.len())
                .collect();
            for pod in &here {
                left.remove(pod);
            }
            by_slot.insert(*slot, here);
        }
        let mut left = left.into_iter();
        for (slot, has) in &self.by_slot {
            if let Some(here) = by_slot.get_mut(slot) {
                here.extend(left.by_ref().take(has.len() - here.len()));
                here.sort_unstable();
            }
        }
        Self {
            by_slot,
            over: left.collect(),
        }
    }
}

impl Deals {
    /// Deals for the first time: adds the parts of every party to the classes.
    pub(super) fn new(ground: Ground, parties: Vec<Party>, classes: &mut Vec<Class>) -> Self {
        let mut deals = Self {
            ground,
            parties,
            starts_over: false,
        };
        deals.note_keys();
        let hands = deals.deal();
        deals.hand_out(hands, classes);
        deals
    }

    /// By which keys each crowd is counted.
    fn note_keys(&mut self) {
        let mut keys = vec![BTreeSet::new(); self.ground.there.len()];
        for party in &self.parties {
            let rules = party.rules.iter().map(|rule| (rule.crowd, rule.key));
            for (crowd, key) in rules.chain(party.after.iter().copied()) {
                keys[size(crowd)].insert(key);
            }
        }
        self.ground.keys = keys;
    }

    /// Those who run.
    pub(super) fn running(&self) -> Counts<'_> {
        Counts::new(&self.ground, self.ground.possible())
    }

    /// Whose part a class is, and in which slot.
    pub(super) fn place_of(&self, deal: &Deal) -> Option<(&Party, Set)> {
        let party = self.parties.get(deal.party)?;
        Some((party, *party.slots.get(deal.slot?)?))
    }

    /// What pods of a part ask for, whatever they were dealt; `None` for such as no domain may have.
    pub(crate) fn body_of(&self, deal: &Deal) -> Option<Arc<PodSpec>> {
        let (party, _) = self.place_of(deal)?;
        Some(Arc::clone(&party.whole.body))
    }

    /// Domains of nodes with these labels.
    pub(crate) fn domains_of<'l>(&self, labels: impl Iterator<Item = &'l Labels>) -> Set {
        labels.fold(0, |set, labels| set | self.ground.domains.of(labels))
    }

    /// Deals anew where a share found no room and others may have it, or where a domain has too many above others.
    /// What is known to be full gets no more than it took, so that dealing ends. Returns, where anything changed, for
    /// each class that was added the class whose pods it shares a party with.
    pub(crate) fn redeal(
        &mut self,
        classes: &mut Vec<Class>,
        tried: &Tried,
        chance: Chance,
    ) -> Option<Vec<usize>> {
        self.ground.bought = tried.bought;
        let uneven = self.uneven(classes, &tried.unplaced);
        if uneven.is_empty() && chance != Chance::Again {
            return None;
        }
        if chance == Chance::Last {
            for at in uneven {
                self.refuse(at, classes);
            }
            return Some(Vec::new());
        }
        let cut = if chance == Chance::Trim {
            uneven.clone()
        } else {
            BTreeSet::new()
        };
        self.learn((classes, &tried.unplaced), &cut);
        self.starts_over |= !uneven.is_empty();
        let hands = self.deal();
        let changed = !uneven.is_empty() || self.grows(&hands, (classes, &tried.unplaced));
        changed.then(|| self.hand_out(hands, classes))
    }

    /// Notes what slots could take: where pods were left, and all of these parties.
    fn learn(&mut self, (classes, unplaced): (&[Class], &[u32]), cut: &BTreeSet<usize>) {
        for (at, party) in self.parties.iter_mut().enumerate() {
            for (slot, class) in &party.parts {
                let left = unplaced.get(*class).copied().unwrap_or(0);
                let placed = classes[*class].count().saturating_sub(left);
                if left > 0 || cut.contains(&at) {
                    let full = party.full.entry(*slot).or_insert(placed);
                    *full = (*full).min(placed);
                }
                if left > 0 && placed == 0 {
                    self.ground.shut |= party.slots[*slot];
                }
            }
        }
        if !cut.is_empty() {
            self.ground.shut = Set::MAX;
        }
    }

    /// Whether any slot would get more than it took.
    fn grows(&self, hands: &[Hand], (classes, unplaced): (&[Class], &[u32])) -> bool {
        let placed = |class: usize| {
            let left = unplaced.get(class).copied().unwrap_or(0);
            classes[class].count().saturating_sub(left)
        };
        let grows = |(party, hand): (&Party, &Hand)| {
            let mut slots = hand.by_slot.iter();
            slots.any(|(slot, pods)| {
                let took = party.parts.get(slot).map_or(0, |class| placed(*class));
                count(pods.len()) > took
            })
        };
        self.parties.iter().zip(hands).any(grows)
    }

    fn refuse(&mut self, at: usize, classes: &mut [Class]) {
        let party = &mut self.parties[at];
        let why = party.reason();
        Arc::make_mut(&mut party.whole.body).unmodelled.push(why);
        for class in party.parts.values().chain(&party.rest) {
            classes[*class].body = Arc::clone(&party.whole.body);
        }
    }

    /// Parties of which a domain has more than their rules allow, or lacks those they follow, as things were placed.
    /// It is enough that rules hold before those come who have none.
    fn uneven(&self, classes: &[Class], unplaced: &[u32]) -> BTreeSet<usize> {
        let placed = |class: usize| {
            let left = unplaced.get(class).copied().unwrap_or(0);
            classes[class].count().saturating_sub(left)
        };
        let counted = |early: bool| {
            let mut counts = Counts::new(&self.ground, self.ground.real());
            for party in self.parties.iter().filter(|party| !early || party.is_early()) {
                for (slot, class) in &party.parts {
                    counts.put(party, party.slots[*slot], placed(*class));
                }
            }
            counts
        };
        let breaking = |such: &dyn Fn(&Party, Set) -> bool| -> BTreeSet<usize> {
            let parties = self.parties.iter().enumerate();
            let open = parties.filter(|(_, party)| !party.refused());
            let breaks = |party: &Party| {
                let grown = party.parts.iter().filter(|(_, class)| placed(**class) > 0);
                grown
                    .map(|(slot, _)| party.slots[*slot])
                    .any(|slot| such(party, slot))
            };
            open.filter(|(_, party)| breaks(party))
                .map(|(at, _)| at)
                .collect()
        };
        let all = counted(false);
        let lonely = breaking(&|party, slot| !all.follows(party, slot));
        let mut skewed = breaking(&|party, slot| all.is_skewed(party, slot));
        if !skewed.is_empty() {
            let first = counted(true);
            let early = breaking(&|party, slot| {
                let counts = if party.is_early() { &first } else { &all };
                counts.is_skewed(party, slot)
            });
            if early.len() < skewed.len() {
                skewed = early;
            }
        }
        lonely.into_iter().chain(skewed).collect()
    }

    /// Gives every party's parts their pods; returns the parties' first classes for the classes that were added.
    fn hand_out(&mut self, hands: Vec<Hand>, classes: &mut Vec<Class>) -> Vec<usize> {
        let mut siblings = Vec::new();
        for (at, hand) in hands.into_iter().enumerate() {
            let party = &mut self.parties[at];
            let known: Vec<(usize, usize)> =
                party.parts.iter().map(|(slot, class)| (*slot, *class)).collect();
            let sibling = known.first().map(|(_, class)| *class).or(party.rest);
            for (slot, class) in known {
                if !hand.by_slot.contains_key(&slot) {
                    reassign(&mut classes[class], &party.whole, &[]);
                }
            }
            for (slot, pods) in &hand.by_slot {
                if let Some(class) = party.parts.get(slot) {
                    reassign(&mut classes[*class], &party.whole, pods);
                } else {
                    let part = party.dealt((at, *slot), &self.ground.domains, pods);
                    party.parts.insert(*slot, classes.len());
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
        let ground = &self.ground;
        let mut table = Table {
            counts: Counts::new(ground, ground.possible()),
            closed: vec![0; ground.there.len()],
            load: vec![0; ground.domains.len()],
        };
        let homes = table.settle_companies(&self.parties, !self.starts_over);
        let mut order: Vec<usize> = (0..self.parties.len()).collect();
        order.sort_by_key(|at| {
            let party = &self.parties[*at];
            (
                party.company.is_none(),
                party.rules.is_empty(),
                party.slots.len(),
                *at,
            )
        });
        let mut hands: Vec<Hand> = self.parties.iter().map(|_| Hand::default()).collect();
        let open = |party: &Party| -> Vec<usize> {
            let home = match &party.company {
                Some((company, _)) => homes.get(company).copied().unwrap_or(0),
                None => Set::MAX,
            };
            let slots = party.slots.iter().enumerate();
            let there = slots.filter(|(_, slot)| **slot & home != 0);
            there.map(|(at, _)| at).collect()
        };
        // Who is expected somewhere has it before anybody is dealt to: what others are dealt first may shut it. Whether
        // rules hold is not asked: they did when it was bought, of domains as they were, and `uneven` asks in the end.
        if !self.starts_over {
            for (hand, party) in hands.iter_mut().zip(&self.parties) {
                table.deal_expected(party, &open(party), hand);
            }
        }
        // Whoever follows others comes after them; a round without anybody to deal to is the last.
        loop {
            let (ready, rest): (Vec<usize>, Vec<usize>) = order
                .iter()
                .partition(|at| table.is_ready(&self.parties[**at], &open(&self.parties[**at])));
            let now = if ready.is_empty() { &order } else { &ready };
            for at in now {
                let party = &self.parties[*at];
                table.deal(party, &open(party), &mut hands[*at]);
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

/// Domains that are being dealt to.
struct Table<'a> {
    /// Pods that run there or were dealt.
    counts: Counts<'a>,
    /// By crowd: domains where somebody wants none of it.
    closed: Vec<Set>,
    load: Vec<i64>,
}

impl Table<'_> {
    /// Where each company goes, the heaviest first, to where most of it are expected, else to where least is.
    fn settle_companies(&mut self, parties: &[Party], as_expected: bool) -> BTreeMap<usize, Set> {
        let mut companies: BTreeMap<usize, (i64, Set, BTreeSet<Key>)> = BTreeMap::new();
        let expected = |company: usize, home: Set| -> usize {
            let of = |party: &&Party| {
                as_expected && party.company.as_ref().is_some_and(|(own, _)| *own == company)
            };
            let slots = parties.iter().filter(of).flat_map(|party| {
                let there = |slot: &usize| party.slots[*slot] & home != 0 && party.may_take(*slot);
                party.expected.iter().filter(move |(slot, _)| there(slot))
            });
            slots.map(|(_, pods)| pods.len()).sum()
        };
        for party in parties {
            let Some((company, keys)) = &party.company else {
                continue;
            };
            let entry = companies
                .entry(*company)
                .or_insert_with(|| (0, Set::MAX, keys.clone()));
            let pods = i64::from(party.whole.count());
            entry.0 = entry.0.saturating_add(party.weight().saturating_mul(pods));
            // Where nobody of it found room, nobody would now. The others are not called away from where they are expected.
            let slots = party.slots.iter().enumerate();
            let open = slots.filter(|(at, slot)| party.may_take(*at) || expected(*company, **slot) > 0);
            entry.1 &= open.fold(0, |set, (_, slot)| set | slot);
        }
        let mut heaviest: Vec<(i64, usize, Vec<Set>)> = companies
            .into_iter()
            .map(|(company, (weight, among, keys))| {
                (weight, company, self.counts.ground.domains.slots(&keys, among))
            })
            .collect();
        heaviest.sort_by_key(|(weight, company, _)| (-weight, *company));
        let mut homes = BTreeMap::new();
        // Loads count again when the pods are dealt; until then companies keep out of each other's way.
        let mut load = self.load.clone();
        for (weight, company, slots) in heaviest {
            let least = slots.into_iter().min_by_key(|slot| {
                let expected = std::cmp::Reverse(expected(company, *slot));
                (expected, total(&load, *slot), first(*slot))
            });
            if let Some(slot) = least {
                load[first(slot)] = load[first(slot)].saturating_add(weight);
                homes.insert(company, slot);
            }
        }
        homes
    }

    /// Whether all whom the party follows are in one of the slots.
    fn is_ready(&self, party: &Party, slots: &[usize]) -> bool {
        let follows = |slot: &usize| self.counts.follows(party, party.slots[*slot]);
        party.after.is_empty() || slots.iter().any(follows)
    }

    /// Deals pods to the slots where they are expected, as far as these can take them.
    fn deal_expected(&mut self, party: &Party, slots: &[usize], hand: &mut Hand) {
        for (at, pods) in party.expected.iter().filter(|(at, _)| slots.contains(at)) {
            let room = party.full.get(at).map_or(usize::MAX, |full| size(*full));
            for pod in pods.iter().take(room) {
                self.put(party, (*at, *pod), hand);
            }
        }
    }

    /// Deals what has no slot yet.
    fn deal(&mut self, party: &Party, slots: &[usize], hand: &mut Hand) {
        let dealt: BTreeSet<usize> = hand.by_slot.values().flatten().copied().collect();
        for pod in (0..party.whole.pods.len()).filter(|pod| !dealt.contains(pod)) {
            match self.next(party, slots, hand) {
                Some(at) => self.put(party, (at, pod), hand),
                None => hand.over.push(pod),
            }
        }
        if !party.expected.is_empty() {
            *hand = std::mem::take(hand).exchanged(party);
        }
    }

    fn put(&mut self, party: &Party, (at, pod): (usize, usize), hand: &mut Hand) {
        let slot = party.slots[at];
        self.counts.put(party, slot, 1);
        for rule in party.rules.iter().filter(|rule| rule.limit == Limit::Alone) {
            let there = self.counts.ground.domains.alike(rule.key, first(slot));
            self.closed[size(rule.crowd)] |= there;
        }
        let load = &mut self.load[first(slot)];
        *load = load.saturating_add(party.weight());
        hand.by_slot.entry(at).or_default().push(pod);
    }

    /// The slot of the next pod: fewest of what counts, then one where more are expected, then least load; `None` where
    /// none may have it.
    fn next(&self, party: &Party, slots: &[usize], hand: &Hand) -> Option<usize> {
        let counted = |slot: Set| {
            let member = party.member.iter().flat_map(|member| {
                let keys = &self.counts.ground.keys[size(member.crowd)];
                keys.iter().map(|key| (member.crowd, *key))
            });
            let crowds = member.chain(party.rules.iter().map(|rule| (rule.crowd, rule.key)));
            crowds.fold((0, 0_u64), |(most, sum), (crowd, key)| {
                let count = self.counts.most(crowd, key, slot);
                (count.max(most), sum + u64::from(count))
            })
        };
        let open = slots.iter().copied().filter(|at| self.may_have(party, *at, hand));
        open.min_by_key(|at| {
            let has = hand.by_slot.get(at).map_or(0, Vec::len);
            let expected = party.expected.get(at).map_or(0, Vec::len);
            let slot = party.slots[*at];
            (counted(slot), has >= expected, total(&self.load, slot), *at)
        })
    }

    fn may_have(&self, party: &Party, at: usize, hand: &Hand) -> bool {
        let slot = party.slots[at];
        let has = hand.by_slot.get(&at).map_or(0, |pods| count(pods.len()));
        let open = party.full.get(&at).is_none_or(|full| has < *full);
        let mut member = party.member.iter();
        let welcome = member.all(|member| self.closed[size(member.crowd)] & slot == 0);
        open && welcome && self.counts.follows(party, slot) && self.counts.admits(party, slot)
    }
}

fn total(load: &[i64], slot: Set) -> i64 {
    let there = bits(slot).filter_map(|domain| load.get(domain));
    there.fold(0, |sum, load| sum.saturating_add(*load))
}
