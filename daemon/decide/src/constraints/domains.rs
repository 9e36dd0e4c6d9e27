//! Topology domains: nodes and offers told apart by their values of the topology keys that rules name.
//!
//! Where rules name zones alone a domain is a zone. Where they name other keys as well (capacity type, architecture,
//! rack) it is a combination that some node or offer has, such as zone a and spot; a rule about one key sees those with
//! the same value as one. Hostnames are no part of it: who shares a node is settled by crowds.

use crate::fit::HOSTNAME;
use model::pod::{Near, NearRule, PodSpec};
use model::selector::{Labels, NodeTerm, Operator, Requirement};
use model::snapshot::Snapshot;
use std::collections::BTreeSet;

/// Node label of the zone.
pub(crate) const ZONE: &str = "topology.kubernetes.io/zone";

/// Domains as bits, by their place among all.
pub(super) type Set = u128;
/// With more than these, keys with many values are left out, and rules that name them are refused.
const MOST: usize = 128;

/// A topology key by its place among those that tell domains apart.
pub(super) type Key = usize;

/// See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Domains {
    /// The zone first.
    keys: Vec<String>,
    /// By domain, by key: its value, if it has one.
    values: Vec<Vec<Option<String>>>,
    /// By key, by domain: all with the same value; none where it has no value.
    alike: Vec<Vec<Set>>,
    /// By key: the domains of each value.
    of_value: Vec<Vec<Set>>,
}

impl Domains {
    /// The zone's place among the keys.
    pub(super) const ZONE_KEY: Key = 0;

    /// All that nodes and offers are in, by the keys of these rules.
    pub(super) fn new<'r>(seen: &Snapshot, rules: impl Iterator<Item = &'r Near>) -> Self {
        let named: BTreeSet<&str> = rules.map(|near| near.key.as_str()).collect();
        let labels = labels(seen);
        let mut others: Vec<(usize, &str)> = named
            .into_iter()
            .filter(|key| *key != ZONE && *key != HOSTNAME)
            .map(|key| {
                let values: BTreeSet<&String> = labels.iter().filter_map(|labels| labels.get(key)).collect();
                (values.len(), key)
            })
            .collect();
        // The fewer values a key has, the more keys there is room for.
        others.sort_unstable();
        let mut keys = vec![ZONE];
        let mut values = combinations(&labels, &keys);
        values.truncate(MOST);
        for (_, key) in others {
            keys.push(key);
            let finer = combinations(&labels, &keys);
            if finer.len() > MOST {
                keys.pop();
            } else {
                values = finer;
            }
        }
        Self::of_values(keys.into_iter().map(str::to_owned).collect(), values)
    }

    fn of_values(keys: Vec<String>, values: Vec<Vec<Option<String>>>) -> Self {
        let same = |key: Key, value: &Option<String>| -> Set {
            let has = |(_, of): &(usize, &Vec<Option<String>>)| value.is_some() && of[key] == *value;
            let domains = values.iter().enumerate().filter(has);
            domains.fold(0, |set, (at, _)| set | 1 << at)
        };
        let alike: Vec<Vec<Set>> = (0..keys.len())
            .map(|key| values.iter().map(|of| same(key, &of[key])).collect())
            .collect();
        let of_value = alike.iter().map(|alike| {
            let sets: BTreeSet<Set> = alike.iter().copied().filter(|set| *set != 0).collect();
            sets.into_iter().collect()
        });
        Self {
            of_value: of_value.collect(),
            keys,
            values,
            alike,
        }
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether rules about a key can be settled by them.
    pub(super) fn key(&self, name: &str) -> Option<Key> {
        self.keys.iter().position(|key| key == name)
    }

    /// The domain of a node or an offer with these labels, as a set.
    pub(super) fn of(&self, labels: &Labels) -> Set {
        let at = self.values.iter().position(|values| {
            let mut pairs = self.keys.iter().zip(values);
            pairs.all(|(key, value)| labels.get(key) == value.as_ref())
        });
        at.map_or(0, |at| 1 << at)
    }

    /// All with the same value for the key as this one.
    pub(super) fn alike(&self, key: Key, domain: usize) -> Set {
        let of_key = self.alike.get(key).and_then(|alike| alike.get(domain));
        of_key.copied().unwrap_or(0)
    }

    /// All with the same value for the key as one of these.
    pub(super) fn alike_any(&self, key: Key, domains: Set) -> Set {
        bits(domains).fold(0, |set, domain| set | self.alike(key, domain))
    }

    /// The domains of each value of the key.
    pub(super) fn of_values_of(&self, key: Key) -> &[Set] {
        self.of_value.get(key).map_or(&[], Vec::as_slice)
    }

    /// Those that have a value for the key.
    pub(super) fn having(&self, key: Key) -> Set {
        self.of_values_of(key).iter().fold(0, |set, of| set | of)
    }

    /// The zone of a domain.
    pub(super) fn zone(&self, domain: usize) -> Option<&str> {
        self.values.get(domain)?.first()?.as_deref()
    }

    /// Parts of a set, each of the domains that these keys do not tell apart.
    pub(super) fn slots(&self, keys: &BTreeSet<Key>, among: Set) -> Vec<Set> {
        let mut slots: Vec<(Vec<&Option<String>>, Set)> = Vec::new();
        for domain in bits(among) {
            let values: Vec<&Option<String>> = keys.iter().map(|key| &self.values[domain][*key]).collect();
            match slots.iter_mut().find(|(of, _)| *of == values) {
                Some((_, slot)) => *slot |= 1 << domain,
                None => slots.push((values, 1 << domain)),
            }
        }
        slots.into_iter().map(|(_, slot)| slot).collect()
    }

    /// The keys that tell these domains from the others.
    pub(super) fn telling(&self, among: Set) -> BTreeSet<Key> {
        let all: Set = bits_below(self.len());
        let mut keys: BTreeSet<Key> = (0..self.keys.len()).collect();
        for key in (0..self.keys.len()).rev() {
            keys.remove(&key);
            let slots = self.slots(&keys, all);
            if slots
                .into_iter()
                .any(|slot| slot & among != 0 && slot & !among != 0)
            {
                keys.insert(key);
            }
        }
        keys
    }

    /// What a node affinity must say so that a node is in one of these domains: one of the lists must hold. Keys that
    /// tell nothing apart there are left out.
    pub(super) fn conditions(&self, among: Set) -> Vec<Vec<Requirement>> {
        let keys = self.telling(among);
        if among == 0 {
            // No zone is: what was written there tells which rule it was.
            return vec![vec![requirement(ZONE, Operator::In(Vec::new()))]];
        }
        // With one key one list says it all.
        if let (Some(key), 1) = (keys.first(), keys.len())
            && among & !self.having(*key) == 0
        {
            let sets = self.of_values_of(*key).iter();
            let values = sets.filter(|set| **set & among != 0).filter_map(|set| {
                let first = bits(*set).next()?;
                self.values[first][*key].clone()
            });
            let mut values: Vec<String> = values.collect();
            values.sort_unstable();
            return vec![vec![requirement(&self.keys[*key], Operator::In(values))]];
        }
        let slots = self.slots(&keys, among).into_iter();
        slots
            .filter_map(|slot| Some(self.pinned(bits(slot).next()?, &keys)))
            .collect()
    }

    /// What says that a node has the domain's values for these keys.
    pub(super) fn pinned(&self, domain: usize, keys: &BTreeSet<Key>) -> Vec<Requirement> {
        let values = keys
            .iter()
            .map(|key| (&self.keys[*key], &self.values[domain][*key]));
        let conditions = values.map(|(key, value)| match value {
            Some(value) => requirement(key, Operator::In(vec![value.clone()])),
            None => requirement(key, Operator::DoesNotExist),
        });
        conditions.collect()
    }
}

fn requirement(key: &str, operator: Operator) -> Requirement {
    Requirement {
        key: key.to_owned(),
        operator,
    }
}

/// Labels of all nodes and offers, Fargate apart.
fn labels(seen: &Snapshot) -> Vec<&Labels> {
    let nodes = seen.nodes.iter().map(|node| &node.labels);
    let offers = seen.offers.iter().filter(|offer| !offer.is_fargate());
    nodes.chain(offers.map(|offer| &offer.labels)).collect()
}

/// Combinations of values of these keys, in rising order; not that of places that have none of the keys.
fn combinations(labels: &[&Labels], keys: &[&str]) -> Vec<Vec<Option<String>>> {
    let mut found: BTreeSet<Vec<Option<&String>>> = BTreeSet::new();
    for labels in labels {
        let values: Vec<Option<&String>> = keys.iter().map(|key| labels.get(*key)).collect();
        if values.iter().any(Option::is_some) {
            found.insert(values);
        }
    }
    let owned = |values: Vec<Option<&String>>| values.into_iter().map(Option::<&String>::cloned).collect();
    found.into_iter().map(owned).collect()
}

/// Rules by which pods that stand or wait are told apart: those of the classes, and those by which others want to be
/// away from them.
pub(super) fn rules<'r>(
    seen: &'r Snapshot,
    classes: impl Iterator<Item = &'r PodSpec>,
) -> impl Iterator<Item = &'r Near> {
    let apart = |near: &&Near| near.rule == NearRule::Apart;
    let others = seen.specs.iter().flat_map(|spec| &spec.near).filter(apart);
    classes.flat_map(|body| &body.near).chain(others)
}

/// The first so many.
const fn bits_below(count: usize) -> Set {
    if count >= MOST { Set::MAX } else { (1 << count) - 1 }
}

/// The members of a set, in rising order.
pub(super) fn bits(mut set: Set) -> impl Iterator<Item = usize> {
    std::iter::from_fn(move || {
        let first = set.trailing_zeros() as usize;
        (set != 0).then(|| {
            set &= set - 1;
            first
        })
    })
}

/// Adds a condition to every term of the node affinity, by making one where there is none; of several lists each
/// term gets one after the other.
pub(super) fn restrict(affinity: &mut Option<Vec<NodeTerm>>, conditions: &[Vec<Requirement>]) {
    if conditions.iter().any(Vec::is_empty) {
        return;
    }
    // Empty terms go: they match nothing, and would match something with a condition added.
    if let Some(terms) = affinity {
        terms.retain(|term| *term != NodeTerm::default());
    }
    let terms = affinity.take().unwrap_or_else(|| vec![NodeTerm::default()]);
    let restricted = terms.iter().flat_map(|term| {
        conditions.iter().map(|conditions| {
            let mut term = term.clone();
            term.labels.extend(conditions.iter().cloned());
            term
        })
    });
    *affinity = Some(restricted.collect());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn domains(keys: &[&str], values: &[&[&str]]) -> Domains {
        let value = |value: &&str| (!value.is_empty()).then(|| (*value).to_owned());
        Domains::of_values(
            keys.iter().map(|key| (*key).to_owned()).collect(),
            values.iter().map(|of| of.iter().map(value).collect()).collect(),
        )
    }

    #[test]
    fn a_rule_sees_domains_with_the_same_value_as_one() {
        let all = domains(&[ZONE, "rack"], &[&["a", "r1"], &["a", "r2"], &["b", ""]]);
        assert_eq!(
            (all.alike(0, 0), all.alike(1, 0), all.alike(1, 2)),
            (0b011, 0b001, 0)
        );
        assert_eq!(all.of_values_of(0), [0b011, 0b100]);
        assert_eq!(all.having(1), 0b011);
        assert_eq!(all.slots(&BTreeSet::from([0]), 0b111), [0b011, 0b100]);
        assert_eq!(all.slots(&BTreeSet::from([1]), 0b111), [0b001, 0b010, 0b100]);
    }

    #[test]
    fn conditions_name_only_what_tells_domains_apart() {
        let all = domains(&[ZONE, "rack"], &[&["a", "r1"], &["a", "r2"], &["b", "r1"]]);
        let shown = |set| format!("{:?}", all.conditions(set));
        let zone = shown(0b011);
        assert!(zone.contains("[\"a\"]") && !zone.contains("rack"), "{zone}");
        let rack = shown(0b101);
        assert!(rack.contains("[\"r1\"]") && !rack.contains(ZONE), "{rack}");
        assert_eq!(all.conditions(0b001).len(), 1);
        assert_eq!(all.conditions(0b110).len(), 2);
        assert_eq!(all.conditions(0b111), [vec![]; 1], "all of them: nothing to say");
    }
}
