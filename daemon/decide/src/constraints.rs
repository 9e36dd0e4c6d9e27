//! Rules about pods near each other, settled before anything is packed: zones are dealt, crowds on a node get a
//! limit, places that are taken are ruled out.
//!
//! Source: kube-scheduler's InterPodAffinity, PodTopologySpread and NodePorts. What is left for packing is plain:
//! a zone, node affinity, and guards over crowds. Settled strictly: a domain may hold what it could if every pod were
//! placed with the fewest there is; kube-scheduler, which places one after another, admits it in any order. Other
//! domains than zone and node, and company on one node that nobody keeps yet, are refused as not modelled.

mod census;
mod crowd;
mod deal;
mod ground;
mod turns;

use crate::demand::Class;
use crate::fit::HOSTNAME;
use crate::number::{count, size};
use census::{Census, Rules, Zones};
use crowd::Guard;
pub(crate) use crowd::{Company, Crowding, Crowds};
pub(crate) use deal::{Deal, Deals};
use deal::{Limit, Party};
use model::ids::{NodeName, PodKey};
use model::intent::IntentKind;
use model::pod::{Near, NearRule, PodSpec, Unmodelled};
use model::selector::{NodeTerm, Operator, Requirement};
use model::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
pub(crate) use turns::Turn;

/// Node label of the zone, the only domain beside the node itself that is dealt.
pub(crate) const ZONE: &str = "topology.kubernetes.io/zone";
const NODE_NAME: &str = "metadata.name";

/// What settling leaves for packing.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    pub(crate) classes: Vec<Class>,
    pub(crate) crowds: Crowds,
    pub(crate) deals: Deals,
}

/// Classes that packing can place by node and zone alone: dealt to zones, guarded on nodes, kept off what is taken.
pub(crate) fn settle(seen: &Snapshot, classes: Vec<Class>) -> Settled {
    if census::is_plain(seen, &classes) {
        return Settled {
            classes,
            ..Settled::default()
        };
    }
    let classes = joined(classes);
    let mut census = Census::new(seen, &classes);
    let bodies = || classes.iter().map(|class| &*class.body).enumerate();
    let mut readings: Vec<Reading> = bodies()
        .map(|(at, body)| read(&census, census.rules(at), body))
        .collect();
    let waiting = Waiting::of(&readings, census.len());
    for (reading, class) in readings.iter_mut().zip(bodies()) {
        zones(&mut census, &waiting, class, reading);
    }
    let (waiting, companies) = together(&mut readings, census.len());
    let expected = expected(seen);
    let mut parties = Vec::new();
    let mut settled = Vec::with_capacity(classes.len());
    for (at, (mut class, reading)) in classes.into_iter().zip(readings).enumerate() {
        let of_zones = of(&reading.member, &waiting.by_zone);
        let dealt = !reading.limits.is_empty() || !of_zones.is_empty() || companies[at].is_some();
        let (limits, allowed) = (reading.limits.clone(), reading.allowed);
        let member = of_zones
            .iter()
            .map(|crowd| census.member((at, &class.body), *crowd));
        let member = member.collect();
        let after = reading.after().collect();
        apply(&census, &waiting, &mut class, reading, dealt);
        if dealt && class.body.unmodelled.is_empty() {
            let mut party = Party::new(class, allowed);
            (party.rules, party.member, party.after) = (limits, member, after);
            party.company = companies[at];
            for (at, pod) in party.whole.pods.iter().enumerate() {
                let zone = expected
                    .get(pod)
                    .and_then(|zone| census.zones.iter().position(|z| z == zone));
                if let Some(zone) = zone {
                    party.expected.entry(zone).or_default().push(at);
                }
            }
            parties.push(party);
        } else {
            settled.push(class);
        }
    }
    let crowds = || 0..count(census.len());
    let ground = deal::Ground {
        zones: census.zones.iter().map(|zone| Arc::from(zone.as_str())).collect(),
        there: crowds().map(|crowd| census.by_zone(crowd)).collect(),
        domains: crowds().map(|crowd| census.domains(crowd)).collect(),
    };
    let deals = Deals::new(ground, parties, &mut settled);
    Settled {
        classes: settled,
        crowds: census.into_crowds(),
        deals,
    }
}

/// Zones in which pods that wait are expected: that of the node they are nominated to, else that of the launch that was
/// made for them. Dealing them another one would take back what was done for them.
fn expected(seen: &Snapshot) -> BTreeMap<&PodKey, &str> {
    let mut expected = BTreeMap::new();
    for intent in &seen.ledger.intents {
        let IntentKind::Launch { offer, pods, .. } = &intent.kind else {
            continue;
        };
        let offer = seen.offers.iter().find(|known| known.id == *offer);
        if let Some(zone) = offer.and_then(|offer| offer.labels.get(ZONE)) {
            expected.extend(pods.iter().map(|pod| (pod, zone.as_str())));
        }
    }
    for pod in seen.pods.iter().filter(|pod| pod.node.is_none()) {
        let node = pod.nominated.as_ref().and_then(|node| seen.node(node));
        if let Some(zone) = node.and_then(|node| node.labels.get(ZONE)) {
            expected.insert(&pod.key, zone);
        }
    }
    expected
}

/// Classes of one spec that differ only in how long they have waited, together again: their pods count as one.
fn joined(classes: Vec<Class>) -> Vec<Class> {
    let mut joined: Vec<Class> = Vec::with_capacity(classes.len());
    for class in classes {
        let rules = !class.body.near.is_empty() || !class.body.host_ports.is_empty();
        let same = |other: &&mut Class| rules && class.spec.is_some() && other.spec == class.spec;
        match joined.last_mut().filter(same) {
            Some(known) => known.absorb(&class),
            None => joined.push(class),
        }
    }
    joined
}

/// What the rules of a class come to, before the others are looked at.
#[derive(Default)]
struct Reading {
    /// Crowds that its pods are of.
    member: Arc<[u32]>,
    crowding: Crowding,
    /// Rules about zones, by crowd.
    limits: Vec<(u32, Limit)>,
    /// Crowds of which one must be in its zone.
    together: Vec<u32>,
    /// Of those, such as nobody is of who runs.
    fresh: Vec<u32>,
    /// Zones in which it could stand, and whether that is fewer than its rules about nodes say.
    allowed: Zones,
    narrowed: bool,
    conditions: Vec<Requirement>,
    unmodelled: Option<Unmodelled>,
}

impl Reading {
    /// Crowds of others that must be in the zone before it.
    fn after(&self) -> impl Iterator<Item = u32> {
        let fresh = self.fresh.iter().copied();
        fresh.filter(|crowd| !self.member.contains(crowd))
    }

    fn refuse(&mut self, why: Unmodelled) {
        self.unmodelled.get_or_insert(why);
    }

    fn nodes(&mut self, operator: Operator) {
        self.conditions.push(Requirement {
            key: NODE_NAME.to_owned(),
            operator,
        });
    }

    fn only(&mut self, zones: Zones) {
        self.narrowed |= self.allowed & zones != self.allowed;
        self.allowed &= zones;
    }
}

const fn kind_of(near: &Near) -> Unmodelled {
    match near.rule {
        NearRule::Together => Unmodelled::PodAffinity,
        NearRule::Apart => Unmodelled::PodAntiAffinity,
        NearRule::Spread { .. } => Unmodelled::TopologySpread,
    }
}

fn read(census: &Census<'_>, rules: &Rules, body: &PodSpec) -> Reading {
    let mut reading = Reading {
        member: Arc::clone(&rules.member),
        ..Reading::default()
    };
    for (near, crowd) in body.near.iter().zip(rules.near.iter().copied()) {
        let own = u32::from(reading.member.contains(&crowd));
        if near.key == HOSTNAME {
            let odd = census.odd_nodes(near.rule == NearRule::Apart);
            if !odd.is_empty() {
                reading.nodes(Operator::NotIn(odd));
            }
        }
        match (near.key.as_str(), near.rule) {
            (HOSTNAME, NearRule::Apart) => reading.crowding.guard(Guard {
                crowd,
                new_node: own,
                there: own,
            }),
            (HOSTNAME, NearRule::Spread { skew, domains }) => {
                let fewest = census.fewest_on_a_node(crowd, domains);
                reading.crowding.guard(Guard {
                    crowd,
                    new_node: skew,
                    there: fewest.saturating_add(skew),
                });
            }
            (HOSTNAME, NearRule::Together) => {
                let there = names(census.by_node(crowd).keys());
                if there.is_empty() {
                    reading.refuse(kind_of(near));
                }
                reading.nodes(Operator::In(there));
            }
            (ZONE, NearRule::Spread { skew, domains }) => {
                reading.limits.push((crowd, Limit::Skew { skew, domains }));
            }
            (ZONE, NearRule::Apart) => reading.limits.push((crowd, Limit::Alone)),
            (ZONE, NearRule::Together) => reading.together.push(crowd),
            _ => reading.refuse(kind_of(near)),
        }
    }
    // One pod must be all that several terms ask for, and crowds tell nothing of pods.
    let together = |(near, _): &(&Near, &u32)| near.rule == NearRule::Together;
    let mut with = body.near.iter().zip(&rules.near).filter(together);
    if let Some((_, first)) = with.next()
        && with.any(|(_, crowd)| crowd != first)
    {
        reading.refuse(Unmodelled::PodAffinity);
    }
    for crowd in &rules.ports {
        reading.crowding.guard(Guard {
            crowd: *crowd,
            new_node: 1,
            there: 1,
        });
    }
    reading
}

fn names<'n>(nodes: impl Iterator<Item = &'n NodeName>) -> Vec<String> {
    nodes.map(|node| node.as_str().to_owned()).collect()
}

/// Crowds that matter to what waits.
struct Waiting {
    /// Crowds that pods which wait are of.
    some: BTreeSet<u32>,
    /// Crowds that somebody guards on a node.
    by_node: BTreeSet<u32>,
    /// Crowds that a rule counts by zone.
    by_zone: BTreeSet<u32>,
}

impl Waiting {
    fn of(readings: &[Reading], crowds: usize) -> Self {
        let mut waiting = Self {
            some: BTreeSet::new(),
            by_node: BTreeSet::new(),
            by_zone: BTreeSet::new(),
        };
        let mut some = vec![false; crowds];
        for reading in readings.iter().filter(|reading| reading.unmodelled.is_none()) {
            for crowd in reading.member.iter() {
                some[size(*crowd)] = true;
            }
            waiting
                .by_node
                .extend(reading.crowding.guards.iter().map(|guard| guard.crowd));
            waiting
                .by_zone
                .extend(reading.limits.iter().map(|(crowd, _)| *crowd));
            waiting.by_zone.extend(reading.after());
        }
        waiting.some = (0_u32..)
            .zip(some)
            .filter(|(_, some)| *some)
            .map(|(crowd, _)| crowd)
            .collect();
        waiting
    }
}

/// What waits once nobody is left who wants to be with such as were refused on the way.
fn without_refused(readings: &mut [Reading], crowds: usize) -> Waiting {
    loop {
        let waiting = Waiting::of(readings, crowds);
        let gone = |crowd: &u32| !waiting.some.contains(crowd);
        let open = readings.iter_mut().filter(|reading| reading.unmodelled.is_none());
        let mut lonely = open.filter(|reading| reading.fresh.iter().any(gone)).peekable();
        if lonely.peek().is_none() {
            return waiting;
        }
        lonely.for_each(|reading| reading.refuse(Unmodelled::PodAffinity));
    }
}

/// Those of some crowds that are among others.
fn of(crowds: &[u32], among: &BTreeSet<u32>) -> Vec<u32> {
    crowds
        .iter()
        .copied()
        .filter(|crowd| among.contains(crowd))
        .collect()
}

/// Zones that the class may have, and rules about zones that do not change while pods are placed.
fn zones(
    census: &mut Census<'_>,
    waiting: &Waiting,
    (class, body): (usize, &PodSpec),
    reading: &mut Reading,
) {
    let ruled = !reading.limits.is_empty() || !reading.together.is_empty();
    let repelled: Vec<(Near, Vec<NodeName>)> = census
        .repelling(body)
        .into_iter()
        .map(|(near, nodes)| (near.clone(), nodes.iter().map(|node| (*node).clone()).collect()))
        .collect();
    let counted = reading.member.iter().any(|crowd| waiting.by_zone.contains(crowd));
    let company = reading.member.iter().any(|crowd| waiting.some.contains(crowd));
    if !ruled && repelled.is_empty() && !counted && !company {
        return;
    }
    reading.allowed = census.open_to(class, body);
    if !body.reach.is_empty() {
        reading.only(census.within_reach(body));
    }
    // A node without a zone is in no domain, which these rules do not have.
    let has_zone = |near: &Near| near.key == ZONE && near.rule != NearRule::Apart;
    reading.narrowed |= body.near.iter().any(has_zone);
    for (near, owners) in repelled {
        match near.key.as_str() {
            HOSTNAME => {
                let mut taken = names(owners.iter());
                taken.extend(census.odd_nodes(true));
                reading.nodes(Operator::NotIn(taken));
            }
            ZONE => reading.only(!census.zones_of(owners.iter())),
            _ => reading.refuse(Unmodelled::PodAntiAffinity),
        }
    }
    fixed_limits(census, waiting, reading);
    for crowd in reading.together.clone() {
        let running = census.zones_of(census.by_node(crowd).keys());
        if running != 0 {
            reading.only(running);
        } else if waiting.some.contains(&crowd) {
            reading.fresh.push(crowd);
        } else {
            reading.refuse(Unmodelled::PodAffinity);
        }
    }
    // kube-scheduler lets a pod be the first of its kind only where none of its terms finds anybody and all of them
    // mean the pod itself.
    let first = reading.fresh.len() == reading.together.len()
        && reading.fresh.iter().all(|crowd| reading.member.contains(crowd));
    if reading.together.len() > 1 && !reading.fresh.is_empty() && !first {
        reading.refuse(Unmodelled::PodAffinity);
    }
}

/// Limits over crowds of which none waits say which zones are left, and nothing more.
fn fixed_limits(census: &Census<'_>, waiting: &Waiting, reading: &mut Reading) {
    let (moving, fixed): (Vec<_>, Vec<_>) = reading
        .limits
        .iter()
        .copied()
        .partition(|(crowd, _)| waiting.some.contains(crowd));
    reading.limits = moving;
    for (crowd, limit) in fixed {
        let counts = census.by_zone(crowd);
        let most = match limit {
            Limit::Alone => 0,
            Limit::Skew { skew, domains } => {
                deal::fewest(&counts, census.domains(crowd), domains).saturating_add(skew)
            }
        };
        let open = counts
            .iter()
            .enumerate()
            .filter(|(_, count)| **count <= most)
            .fold(0, |zones, (zone, _)| zones | 1 << zone);
        reading.only(open);
    }
}

/// What waits, and who keeps company, once those are refused whose company no zone would have.
fn together(readings: &mut [Reading], crowds: usize) -> (Waiting, Vec<Option<usize>>) {
    loop {
        let waiting = without_refused(readings, crowds);
        let companies = companies(readings, &waiting);
        let mut zones: BTreeMap<usize, Zones> = BTreeMap::new();
        for (company, reading) in companies.iter().zip(&*readings) {
            if let Some(company) = company {
                *zones.entry(*company).or_insert(Zones::MAX) &= reading.allowed;
            }
        }
        zones.retain(|_, zones| *zones == 0);
        if zones.is_empty() {
            return (waiting, companies);
        }
        for (company, reading) in companies.iter().zip(&mut *readings) {
            if company.is_some_and(|company| zones.contains_key(&company)) && !reading.fresh.is_empty() {
                reading.refuse(Unmodelled::PodAffinity);
            }
        }
    }
}

/// By class: the company that it keeps in one zone. Whoever wants to be with a crowd that nobody is of yet goes where
/// that crowd will be, and the whole crowd stays together: whoever of it comes first, the others find it.
fn companies(readings: &[Reading], waiting: &Waiting) -> Vec<Option<usize>> {
    let open = readings.iter().filter(|reading| reading.unmodelled.is_none());
    let wanted: BTreeSet<u32> = open.flat_map(|reading| &reading.fresh).copied().collect();
    let mut of_crowd: BTreeMap<u32, usize> = BTreeMap::new();
    let mut companies: Vec<Option<usize>> = vec![None; readings.len()];
    for (at, reading) in readings.iter().enumerate() {
        let follows = |crowd: &&u32| wanted.contains(crowd);
        let keeps: BTreeSet<u32> = reading
            .fresh
            .iter()
            .chain(reading.member.iter().filter(follows))
            .copied()
            .filter(|crowd| waiting.some.contains(crowd))
            .collect();
        if reading.unmodelled.is_some() || keeps.is_empty() {
            continue;
        }
        let known: BTreeSet<usize> = keeps
            .iter()
            .filter_map(|crowd| of_crowd.get(crowd).copied())
            .collect();
        let company = known.first().copied().unwrap_or(at);
        for crowd in keeps {
            of_crowd.insert(crowd, company);
        }
        // Companies that share a crowd are one.
        for other in companies.iter_mut().flatten().chain(of_crowd.values_mut()) {
            if known.contains(other) {
                *other = company;
            }
        }
        companies[at] = Some(company);
    }
    companies
}

/// Writes down what a reading came to. Classes that are not dealt carry their zones as node affinity.
fn apply(census: &Census<'_>, waiting: &Waiting, class: &mut Class, reading: Reading, dealt: bool) {
    if let Some(why) = reading.unmodelled {
        let body = Arc::make_mut(&mut class.body);
        body.unmodelled.push(why);
        body.unmodelled.sort();
        return;
    }
    let mut crowding = reading.crowding;
    crowding.member = of(&reading.member, &waiting.by_node);
    if !crowding.is_free() {
        class.crowding = Arc::new(crowding);
    }
    for condition in reading.conditions {
        for term in terms(&mut class.body) {
            term.fields.push(condition.clone());
        }
    }
    if reading.narrowed && !dealt {
        let allowed = |zone: &usize| reading.allowed & (1 << zone) != 0;
        let zones: Vec<String> = (0..census.zones.len())
            .filter(allowed)
            .map(|zone| census.zones[zone].clone())
            .collect();
        for term in terms(&mut class.body) {
            term.labels.push(Requirement {
                key: ZONE.to_owned(),
                operator: Operator::In(zones.clone()),
            });
        }
    }
}

/// Every term of the node affinity; one to be filled where there is none. Empty ones go: they match nothing, and would
/// match something with a condition added.
fn terms(body: &mut Arc<PodSpec>) -> &mut Vec<NodeTerm> {
    let affinity = &mut Arc::make_mut(body).node_affinity;
    if let Some(terms) = affinity {
        terms.retain(|term| *term != NodeTerm::default());
    }
    affinity.get_or_insert_with(|| vec![NodeTerm::default()])
}

#[cfg(test)]
mod tests;
