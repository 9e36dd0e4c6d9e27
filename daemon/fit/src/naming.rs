//! The rule of a pod's own that stands behind what settling and packing made of it.
//!
//! Settling (`constraints`) writes rules about pods near each other as zones, conditions on nodes and refusals without
//! a name. A person who reads a refusal wrote none of those: here each is led back to the rule that they did write, or
//! that somebody else did. Not here: whether anything objects at all.

use crate::place::{self, HOSTNAME, Place};
use model::pod::{Near, NearRule, PodSpec, Unmodelled};
use model::reason::{FargateBlock, Holds, Misfit, Tie};
use model::selector::{NodeTerm, Requirement};
use model::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};

/// Node label of the zone.
const ZONE: &str = "topology.kubernetes.io/zone";

/// What holds a pod whose constraint is not modelled where it is.
pub fn holds(seen: &Snapshot, own: &PodSpec, what: Unmodelled) -> Holds {
    match Names::new(seen, own).unmodelled(what) {
        Some(
            Misfit::NotModelled { tie } | Misfit::NamespacesUnknown { tie } | Misfit::NobodyToJoin { tie },
        ) => Holds::NotModelled(tie),
        _ => Holds::Unmodelled(what),
    }
}

/// Rules by which refusals of one kind of pod are named.
pub struct Names<'a> {
    /// As the pod's author wrote it.
    own: &'a PodSpec,
    rules: Vec<Rule<'a>>,
}

/// A rule that the pod has, or that somebody has against it.
struct Rule<'a> {
    near: &'a Near,
    theirs: bool,
    /// Values of its key where pods are that it means; of somebody else's rule, where its owners are.
    there: BTreeSet<&'a str>,
    /// Such pods are there or wait.
    known: bool,
}

impl<'a> Names<'a> {
    /// For refusals of pods of this spec: its own rules, and those that others have against it.
    pub fn new(seen: &'a Snapshot, own: &'a PodSpec) -> Self {
        let apart = |near: &&Near| near.rule == NearRule::Apart && near.selects(own);
        let theirs = seen.specs.iter().flat_map(|spec| &spec.near).filter(apart);
        let theirs: BTreeSet<&Near> = theirs.collect();
        let mut rules: Vec<Rule<'a>> = own
            .near
            .iter()
            .map(|near| (near, false))
            .chain(theirs.into_iter().map(|near| (near, true)))
            .map(|(near, theirs)| Rule {
                near,
                theirs,
                there: BTreeSet::new(),
                known: false,
            })
            .collect();
        if !rules.is_empty() {
            census(seen, &mut rules);
        }
        Self { own, rules }
    }

    /// The objection in the words of the pod's own rules: `settled` is what was made of the pod, `domain` the zone that
    /// it was dealt.
    pub fn named(
        &self,
        (settled, domain): (&PodSpec, Option<&str>),
        place: Option<Place<'_>>,
        misfit: Misfit,
    ) -> Misfit {
        match &misfit {
            Misfit::NodeAffinity => place
                .and_then(|place| self.affinity(settled, place))
                .unwrap_or(misfit),
            Misfit::Unmodelled(what) => self.unmodelled(*what).unwrap_or(misfit),
            Misfit::FargateExcluded(FargateBlock::ZoneRules) => match self.dealt() {
                Some(rule) => Misfit::FargateIgnores { tie: rule.tie() },
                None => misfit,
            },
            Misfit::NoZoneLeft => match (self.dealt(), domain) {
                (Some(rule), Some(domain)) => Misfit::DealtElsewhere {
                    tie: rule.tie(),
                    domain: domain.to_owned(),
                },
                (Some(rule), None) => Misfit::NoDomainLeft { tie: rule.tie() },
                (None, _) => misfit,
            },
            _ => misfit,
        }
    }

    fn affinity(&self, settled: &PodSpec, place: Place<'_>) -> Option<Misfit> {
        let matches = |terms: &[NodeTerm]| terms.iter().any(|term| term.matches(place.labels, place.name));
        let own = self.own.node_affinity.as_deref();
        if let Some(own) = own.filter(|own| !matches(own)) {
            return Some(Misfit::NodeAffinityWants {
                wants: place::written_terms(own),
            });
        }
        let keys = self.broken(settled, place);
        let mut rules: Vec<&Rule<'_>> = self.rules.iter().collect();
        rules.retain(|rule| keys.contains(rule.near.key.as_str()));
        let bars = |rule: &&&Rule<'_>| rule.bars(place.labels.get(&rule.near.key).map(String::as_str));
        let rule = rules
            .iter()
            .find(bars)
            .or_else(|| rules.iter().find(|rule| rule.is_spread()))
            .or_else(|| rules.first())?;
        Some(Misfit::Tied { tie: rule.tie() })
    }

    /// Keys of conditions that settling added and the place does not meet.
    fn broken<'s>(&self, settled: &'s PodSpec, place: Place<'_>) -> BTreeSet<&'s str> {
        let own: BTreeSet<&Requirement> = self
            .own
            .node_affinity
            .iter()
            .flatten()
            .flat_map(|term| &term.labels)
            .collect();
        let terms = || settled.node_affinity.iter().flatten();
        let label = |wants: &&Requirement| {
            let value = place.labels.get(&wants.key).map(String::as_str);
            !own.contains(wants) && !wants.matches(value)
        };
        let fields = terms().flat_map(|term| &term.fields);
        let labels = terms().flat_map(|term| &term.labels);
        // Conditions on the node's name stand for rules over the host name.
        let name = fields
            .filter(|wants| !wants.matches(Some(place.name)))
            .map(|_| HOSTNAME);
        labels
            .filter(label)
            .map(|wants| wants.key.as_str())
            .chain(name)
            .collect()
    }

    fn unmodelled(&self, what: Unmodelled) -> Option<Misfit> {
        let kind = |rule: &&Rule<'_>| match (what, rule.near.rule) {
            (Unmodelled::PodAffinity, NearRule::Together) => !rule.theirs,
            (Unmodelled::PodAntiAffinity, NearRule::Apart)
            | (Unmodelled::TopologySpread, NearRule::Spread { .. }) => true,
            _ => false,
        };
        let rules: Vec<&Rule<'_>> = self.rules.iter().filter(kind).collect();
        if what == Unmodelled::PodAffinity
            && let Some(rule) = rules
                .iter()
                .find(|rule| !rule.known && rule.near.namespace_selector.is_none())
        {
            return Some(Misfit::NobodyToJoin { tie: rule.tie() });
        }
        if what == Unmodelled::PodAffinity && rules.is_empty() {
            let claim = self.own.shares.first()?.clone();
            return Some(Misfit::ClaimShared { claim });
        }
        if let Some(rule) = rules.iter().find(|rule| rule.near.namespace_selector.is_some()) {
            return Some(Misfit::NamespacesUnknown { tie: rule.tie() });
        }
        let odd = |rule: &&&Rule<'_>| ![HOSTNAME, ZONE].contains(&rule.near.key.as_str());
        let others = |rule: &&&Rule<'_>| !rule.near.selects(self.own);
        let rule = rules
            .iter()
            .find(|rule| odd(rule) && others(rule))
            .or_else(|| rules.iter().find(odd))
            .or_else(|| rules.iter().find(others))
            .or_else(|| rules.first())?;
        Some(Misfit::NotModelled { tie: rule.tie() })
    }

    /// The rule by which its like are dealt over domains.
    fn dealt(&self) -> Option<&Rule<'a>> {
        let mut rules: Vec<&Rule<'_>> = self.rules.iter().collect();
        rules.retain(|rule| rule.near.key != HOSTNAME);
        rules.sort_by_key(|rule| (rule.theirs, rule.near.key != ZONE, !rule.is_spread()));
        rules.first().copied()
    }
}

impl Rule<'_> {
    fn tie(&self) -> Tie {
        if self.theirs {
            Tie::of_others(self.near)
        } else {
            Tie::own(self.near)
        }
    }

    const fn is_spread(&self) -> bool {
        matches!(self.near.rule, NearRule::Spread { .. })
    }

    /// Whether it keeps pods out of the domain by itself, spreads apart.
    fn bars(&self, domain: Option<&str>) -> bool {
        let there = domain.is_some_and(|domain| self.there.contains(domain));
        match self.near.rule {
            NearRule::Together => !there,
            NearRule::Apart => there,
            NearRule::Spread { .. } => domain.is_none(),
        }
    }
}

/// Finds out where the pods are that rules mean, and whose they are.
fn census<'a>(seen: &'a Snapshot, rules: &mut [Rule<'a>]) {
    let mut meant: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (spec, ix) in seen.specs.iter().zip(0..) {
        let means = |rule: &Rule<'_>| {
            if rule.theirs {
                spec.near.contains(rule.near)
            } else {
                rule.near.selects(spec)
            }
        };
        let all = rules.iter().enumerate().filter(|(_, rule)| means(rule));
        meant.insert(ix, all.map(|(at, _)| at).collect());
    }
    for pod in seen
        .pods
        .iter()
        .filter(|pod| pod.phase != model::pod::PodPhase::Finished)
    {
        let node = pod.node.as_ref().and_then(|name| seen.node(name));
        for at in meant.get(&pod.spec).into_iter().flatten() {
            let Some(rule) = rules.get_mut(*at) else { continue };
            rule.known = true;
            let domain = node.and_then(|node| node.labels.get(&rule.near.key));
            if let Some(domain) = domain {
                rule.there.insert(domain);
            }
        }
    }
}
