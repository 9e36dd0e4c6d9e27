//! Rules about pods near each other, settled before anything is packed: domains are dealt, crowds on a node get a
//! limit, places that are taken are ruled out.
//!
//! Source: kube-scheduler's InterPodAffinity, PodTopologySpread and NodePorts. What is left for packing is plain:
//! a zone, node affinity, and guards over crowds. Settled strictly: a domain may hold what it could if every pod were
//! placed with the fewest there is; kube-scheduler, which places one after another, admits it in any order. Company on
//! one node that nobody keeps yet is refused as not modelled.

mod census;
mod counts;
mod crowd;
mod deal;
mod domains;
mod ground;
mod turns;

use crate::class::Class;
use crate::fit::HOSTNAME;
use crate::number::{count, size};
use census::{Census, Rules};
use counts::{Limit, Rule};
use crowd::Guard;
pub(crate) use crowd::{Company, Crowding, Crowds};
use deal::Party;
pub(crate) use deal::{Chance, Deal, Deals, Tried};
pub(crate) use domains::ZONE;
use domains::{Domains, Key, Set};
use model::ids::{NodeName, PodKey};
use model::intent::IntentKind;
use model::pod::{Near, NearRule, PodSpec, Unmodelled};
use model::selector::{Labels, NodeTerm, Operator, Requirement};
use model::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
pub(crate) use turns::Turn;

const NODE_NAME: &str = "metadata.name";

/// What settling leaves for packing.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    pub(crate) classes: Vec<Class>,
    pub(crate) crowds: Crowds,
    pub(crate) deals: Deals,
}

/// Classes that packing can place by node and zone alone: dealt to domains, guarded on nodes, kept off what is taken.
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
        narrow(&mut census, &waiting, class, reading);
    }
    let (waiting, companies) = together(&mut readings, &census);
    let expected = expected(seen);
    let mut parties = Vec::new();
    let mut settled = Vec::with_capacity(classes.len());
    let all = classes.into_iter().zip(readings).zip(companies).enumerate();
    for (at, ((mut class, reading), company)) in all {
        let counted = of(&reading.member, &waiting.by_domain);
        let dealt = !reading.limits.is_empty() || !counted.is_empty() || company.is_some();
        let (limits, allowed) = (reading.limits.clone(), reading.allowed);
        let mut keys: BTreeSet<Key> = limits.iter().map(|rule| rule.key).collect();
        keys.extend(reading.after().map(|(_, key)| key));
        keys.extend(counted.iter().flat_map(|crowd| waiting.keys(*crowd)));
        keys.extend(company.iter().flat_map(|(_, keys)| keys));
        keys.extend(needed(&class.body).filter_map(|name| census.domains.key(name)));
        keys.extend(census.domains.telling(allowed));
        let member = counted
            .iter()
            .map(|crowd| census.member((at, &class.body), *crowd));
        let member = member.collect();
        let after = reading.after().collect();
        apply(&census, &waiting, &mut class, reading, dealt);
        if dealt && class.body.unmodelled.is_empty() {
            let mut party = Party::new(class, &census.domains, (allowed, keys));
            (party.rules, party.member, party.after) = (limits, member, after);
            party.company = company;
            for at in 0..party.whole.pods.len() {
                if let Some(labels) = expected.get(&party.whole.pods[at]) {
                    party.expect(at, census.domains.of(labels));
                }
            }
            parties.push(party);
        } else {
            settled.push(class);
        }
    }
    let crowds = || 0..count(census.len());
    let there = crowds().map(|crowd| census.by_domain(crowd)).collect();
    let counted = crowds().map(|crowd| census.counted(crowd)).collect();
    let ground = deal::Ground::new(Arc::clone(&census.domains), there, counted);
    let deals = Deals::new(ground, parties, &mut settled);
    Settled {
        classes: settled,
        crowds: census.into_crowds(),
        deals,
    }
}

/// Labels of the places where pods that wait are expected: of the node they are nominated to, else of the launch that
/// was made for them. Dealing them another domain would take back what was done for them.
fn expected(seen: &Snapshot) -> BTreeMap<&PodKey, &Labels> {
    let mut expected = BTreeMap::new();
    for intent in &seen.ledger.intents {
        let IntentKind::Launch { offer, pods, .. } = &intent.kind else {
            continue;
        };
        if let Some(offer) = seen.offers.iter().find(|known| known.id == *offer) {
            expected.extend(pods.iter().map(|pod| (pod, &offer.labels)));
        }
    }
    for pod in seen.pods.iter().filter(|pod| pod.node.is_none()) {
        if let Some(node) = pod.nominated.as_ref().and_then(|node| seen.node(node)) {
            expected.insert(&pod.key, &node.labels);
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
    /// Rules about domains.
    limits: Vec<Rule>,
    /// Crowds of which one must be in its domain, and by which key; all of its own terms.
    together: Vec<(u32, Key)>,
    /// The same of claims that are not bound yet: who shares one goes where it is made.
    shared: Vec<u32>,
    /// Of both, such as nobody is of who runs.
    fresh: Vec<(u32, Key)>,
    /// Domains in which it could stand, and whether that is fewer than its rules about nodes say.
    allowed: Set,
    narrowed: bool,
    conditions: Vec<Requirement>,
    unmodelled: Option<Unmodelled>,
}

impl Reading {
    /// Crowds of others that must be in the domain before it.
    fn after(&self) -> impl Iterator<Item = (u32, Key)> {
        let fresh = self.fresh.iter().copied();
        fresh.filter(|(crowd, _)| !self.member.contains(crowd))
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

    fn only(&mut self, domains: Set) {
        self.narrowed |= self.allowed & domains != self.allowed;
        self.allowed &= domains;
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
                most: own,
            }),
            (HOSTNAME, NearRule::Spread { skew, domains }) => {
                let fewest = census.fewest_on_a_node(crowd, domains);
                // New nodes come empty, and one after another: strictly none may hold more than its share above that.
                // kube-scheduler lets them rise together, as far as those that are there do.
                let rising = census.highest_fewest_on_a_node(crowd);
                reading.crowding.guard(Guard {
                    crowd,
                    new_node: skew,
                    there: fewest.saturating_add(skew),
                    most: rising.saturating_add(skew),
                });
            }
            (HOSTNAME, NearRule::Together) => {
                let there = names(census.by_node(crowd).keys());
                if there.is_empty() {
                    reading.refuse(kind_of(near));
                }
                reading.nodes(Operator::In(there));
            }
            (name, rule) => match (census.domains.key(name), rule) {
                (None, _) => reading.refuse(kind_of(near)),
                (Some(key), NearRule::Together) => reading.together.push((crowd, key)),
                (Some(key), NearRule::Apart) => {
                    let limit = Limit::Alone;
                    reading.limits.push(Rule { crowd, key, limit });
                }
                (Some(key), NearRule::Spread { skew, domains }) => {
                    let limit = Limit::Skew { skew, domains };
                    reading.limits.push(Rule { crowd, key, limit });
                }
            },
        }
    }
    reading.shared.clone_from(&rules.shared);
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
            most: 1,
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
    /// Crowds that a rule counts by domain.
    by_domain: BTreeSet<u32>,
    /// The same with the keys that they are counted by.
    by_key: BTreeSet<(u32, Key)>,
}

impl Waiting {
    fn of(readings: &[Reading], crowds: usize) -> Self {
        let mut waiting = Self {
            some: BTreeSet::new(),
            by_node: BTreeSet::new(),
            by_domain: BTreeSet::new(),
            by_key: BTreeSet::new(),
        };
        let mut some = vec![false; crowds];
        for reading in readings.iter().filter(|reading| reading.unmodelled.is_none()) {
            for crowd in reading.member.iter() {
                some[size(*crowd)] = true;
            }
            waiting
                .by_node
                .extend(reading.crowding.guards.iter().map(|guard| guard.crowd));
            let limits = reading.limits.iter().map(|rule| (rule.crowd, rule.key));
            waiting.by_key.extend(limits.chain(reading.after()));
        }
        waiting.by_domain = waiting.by_key.iter().map(|(crowd, _)| *crowd).collect();
        waiting.some = (0_u32..)
            .zip(some)
            .filter(|(_, some)| *some)
            .map(|(crowd, _)| crowd)
            .collect();
        waiting
    }

    /// By which keys a crowd is counted.
    fn keys(&self, crowd: u32) -> impl Iterator<Item = Key> {
        let of = self.by_key.range((crowd, 0)..=(crowd, Key::MAX));
        of.map(|(_, key)| *key)
    }
}

/// What waits once nobody is left who wants to be with such as were refused on the way.
fn without_refused(readings: &mut [Reading], crowds: usize) -> Waiting {
    loop {
        let waiting = Waiting::of(readings, crowds);
        let gone = |(crowd, _): &(u32, Key)| !waiting.some.contains(crowd);
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

/// Domains that the class may have, and rules about domains that do not change while pods are placed.
fn narrow(
    census: &mut Census<'_>,
    waiting: &Waiting,
    (class, body): (usize, &PodSpec),
    reading: &mut Reading,
) {
    let ruled = !reading.limits.is_empty() || !reading.together.is_empty() || !reading.shared.is_empty();
    let repelled: Vec<(Near, Vec<NodeName>)> = census
        .repelling(body)
        .into_iter()
        .map(|(near, nodes)| (near.clone(), nodes.iter().map(|node| (*node).clone()).collect()))
        .collect();
    let counted = reading
        .member
        .iter()
        .any(|crowd| waiting.by_domain.contains(crowd));
    let company = reading.member.iter().any(|crowd| waiting.some.contains(crowd));
    if !ruled && repelled.is_empty() && !counted && !company {
        return;
    }
    reading.allowed = census.open_to(class, body);
    if !body.reach.is_empty() {
        reading.only(census.within_reach(body));
    }
    let domains = Arc::clone(&census.domains);
    // A node without the label is in no domain, which these rules do not have.
    for key in needed(body).filter_map(|name| domains.key(name)) {
        reading.narrowed = true;
        reading.allowed &= domains.having(key);
    }
    for (near, owners) in repelled {
        if near.key == HOSTNAME {
            let mut taken = names(owners.iter());
            taken.extend(census.odd_nodes(true));
            reading.nodes(Operator::NotIn(taken));
        } else if let Some(key) = domains.key(&near.key) {
            reading.only(!domains.alike_any(key, census.domains_of(owners.iter())));
        } else {
            reading.refuse(Unmodelled::PodAntiAffinity);
        }
    }
    fixed_limits(census, waiting, reading);
    join(census, waiting, reading);
}

/// Domains of those whom the class wants to be with; who of them still has to come.
fn join(census: &Census<'_>, waiting: &Waiting, reading: &mut Reading) {
    let domains = &census.domains;
    for (crowd, key) in reading.together.clone() {
        let running = domains.alike_any(key, census.domains_of(census.by_node(crowd).keys()));
        if running != 0 {
            reading.only(running);
        } else if waiting.some.contains(&crowd) {
            reading.fresh.push((crowd, key));
        } else {
            let agents = census.with_agents(crowd);
            if agents == 0 {
                reading.refuse(Unmodelled::PodAffinity);
            }
            reading.only(agents);
        }
    }
    // kube-scheduler lets a pod be the first of its kind only where none of its terms finds anybody and all of them
    // mean the pod itself.
    let first = reading.fresh.len() == reading.together.len()
        && reading
            .fresh
            .iter()
            .all(|(crowd, _)| reading.member.contains(crowd));
    if reading.together.len() > 1 && !reading.fresh.is_empty() && !first {
        reading.refuse(Unmodelled::PodAffinity);
    }
    for crowd in reading.shared.clone() {
        let running = census.domains_of(census.by_node(crowd).keys());
        match domains.alike_any(Domains::ZONE_KEY, running) {
            0 => reading.fresh.push((crowd, Domains::ZONE_KEY)),
            there => reading.only(there),
        }
    }
}

/// Limits over crowds of which none waits say which domains are left, and nothing more.
fn fixed_limits(census: &Census<'_>, waiting: &Waiting, reading: &mut Reading) {
    let (moving, fixed): (Vec<_>, Vec<_>) = reading
        .limits
        .iter()
        .copied()
        .partition(|rule| waiting.some.contains(&rule.crowd));
    reading.limits = moving;
    for rule in fixed {
        let counts = census.by_domain(rule.crowd);
        let most = match rule.limit {
            Limit::Alone => 0,
            Limit::Skew { skew, domains } => {
                let (there, sold) = census.counted(rule.crowd);
                let values = census.domains.of_values_of(rule.key);
                counts::fewest(&counts, (values, there | sold), domains).saturating_add(skew)
            }
        };
        let open = (0..census.domains.len())
            .filter(|domain| counts::sum(&counts, census.domains.alike(rule.key, *domain)) <= most)
            .fold(0, |set: Set, domain| set | 1 << domain);
        reading.only(open);
    }
}

/// By class: the company that it keeps, and the keys of which that goes to one value.
type Companies = Vec<Option<(usize, BTreeSet<Key>)>>;

/// What waits, and who keeps company, once those are refused whose company no domain would have.
fn together(readings: &mut [Reading], census: &Census<'_>) -> (Waiting, Companies) {
    loop {
        let waiting = without_refused(readings, census.len());
        let companies = companies(readings, &waiting);
        let mut open: BTreeMap<usize, Set> = BTreeMap::new();
        for (company, reading) in companies.iter().zip(&*readings) {
            if let Some((company, keys)) = company {
                // One of it may be in another domain than the next, as long as the keys do not tell these apart.
                let alike = keys.iter().fold(Set::MAX, |set, key| {
                    set & census.domains.alike_any(*key, reading.allowed)
                });
                *open.entry(*company).or_insert(Set::MAX) &= alike;
            }
        }
        open.retain(|_, domains| *domains == 0);
        if open.is_empty() {
            return (waiting, companies);
        }
        for (company, reading) in companies.iter().zip(&mut *readings) {
            let shut = company
                .as_ref()
                .is_some_and(|(company, _)| open.contains_key(company));
            if shut && !reading.fresh.is_empty() {
                reading.refuse(Unmodelled::PodAffinity);
            }
        }
    }
}

/// Whoever wants to be with a crowd that nobody is of yet goes where that crowd will be, and the whole crowd stays
/// together: whoever of it comes first, the others find it.
fn companies(readings: &[Reading], waiting: &Waiting) -> Companies {
    let open = readings.iter().filter(|reading| reading.unmodelled.is_none());
    let wanted: BTreeSet<(u32, Key)> = open.flat_map(|reading| &reading.fresh).copied().collect();
    let is_wanted = |crowd: u32| wanted.range((crowd, 0)..=(crowd, Key::MAX)).next().is_some();
    let mut of_crowd: BTreeMap<u32, usize> = BTreeMap::new();
    let mut companies: Vec<Option<usize>> = vec![None; readings.len()];
    for (at, reading) in readings.iter().enumerate() {
        let own = reading.fresh.iter().map(|(crowd, _)| *crowd);
        let member = reading.member.iter().copied();
        let keeps: BTreeSet<u32> = own
            .chain(member.filter(|crowd| is_wanted(*crowd)))
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
    let mut keys: BTreeMap<usize, BTreeSet<Key>> = BTreeMap::new();
    for (crowd, key) in &wanted {
        if let Some(company) = of_crowd.get(crowd) {
            keys.entry(*company).or_default().insert(*key);
        }
    }
    let with_keys = |company: usize| (company, keys.get(&company).cloned().unwrap_or_default());
    companies
        .into_iter()
        .map(|company| company.map(with_keys))
        .collect()
}

/// Writes down what a reading came to. Classes that are not dealt carry their domains as node affinity.
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
    if !reading.narrowed || dealt {
        return;
    }
    let mut conditions = census.domains.conditions(reading.allowed);
    // What tells no domains apart must be there all the same.
    for conditions in &mut conditions {
        for key in needed(&class.body) {
            if !conditions.iter().any(|of| of.key == *key) {
                conditions.push(Requirement {
                    key: key.clone(),
                    operator: Operator::Exists,
                });
            }
        }
    }
    domains::restrict(&mut Arc::make_mut(&mut class.body).node_affinity, &conditions);
}

/// Topology keys of which a node must have a value: those of every rule but anti-affinity, hostnames apart.
fn needed(body: &PodSpec) -> impl Iterator<Item = &String> {
    let needs = |near: &&Near| near.rule != NearRule::Apart && near.key != HOSTNAME;
    body.near.iter().filter(needs).map(|near| &near.key)
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
