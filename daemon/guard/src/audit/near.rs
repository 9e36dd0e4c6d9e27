//! Rules about pods near each other, held against where the plan would have everybody: anti-affinity both ways,
//! affinity, topology spread and host ports.
//!
//! Counted by kind of pod, node and domain, once for each rule, so that a plan costs the same however many pods of a
//! kind it has. Skew is measured when all is placed, or else when those without the rule are still to come: some order
//! is enough. A spread counts the nodes that kube-scheduler's `nodeAffinityPolicy` and `nodeTaintsPolicy` include.

use super::{Audit, Flaw, is_headroom, rules};
use model::ids::{NodeName, PodKey};
use model::plan::Plan;
use model::pod::{Near, NearRule, Pod, PodPhase, PodSpec, Taint};
use model::selector::Labels;
use model::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};

const HOSTNAME: &str = "kubernetes.io/hostname";

/// A node with everybody who would be on it.
struct Stand<'a> {
    name: &'a NodeName,
    labels: &'a Labels,
    taints: &'a [Taint],
    new: bool,
    /// By kind of pod.
    heads: BTreeMap<usize, Heads>,
    /// Who is planned onto it, with the kind.
    planned: Vec<(&'a PodKey, usize)>,
}

/// Pods of one kind on one node.
#[derive(Clone, Copy, Default)]
struct Heads {
    there: usize,
    /// Of those, who is not on its way out: a spread counts nobody else.
    staying: usize,
    /// Of those, pods of DaemonSets that come with the node.
    agents: usize,
    planned: usize,
}

impl Heads {
    const fn all(self) -> usize {
        self.there + self.planned
    }
}

/// Pods by domain.
type Domains<'s> = BTreeMap<&'s str, usize>;

/// What a topology spread counts, by domain.
#[derive(Clone, Copy, Default)]
struct Level {
    /// Everybody.
    all: usize,
    /// Without planned pods that have no such rule.
    early: usize,
    /// Some node of it is there already.
    there: bool,
    /// Pods of DaemonSets that come with nodes.
    agents: usize,
}

/// Comparisons of rules with pods, as far as the picture tells beforehand.
pub(super) fn comparisons(seen: &Snapshot) -> u64 {
    let rules: BTreeSet<&Near> = seen.specs.iter().flat_map(|spec| &spec.near).collect();
    (rules.len() as u64).saturating_mul(seen.pods.len() as u64)
}

impl<'a> Audit<'a> {
    pub(super) fn neighbours(&mut self, plan: &'a Plan) {
        let ruled = |spec: &PodSpec| !spec.near.is_empty() || !spec.host_ports.is_empty();
        let planned = self.specs.values().copied().flatten();
        let known = self.seen.specs.iter().map(|spec| &**spec);
        if !planned.chain(known).any(ruled) {
            return;
        }
        let crowd = Crowd::of(self, plan);
        let mut rules = Rules::default();
        for stand in &crowd.stands {
            for (kind, _) in stand.heads.iter().filter(|(_, heads)| heads.planned > 0) {
                if let Some(why) = crowd.objection(&mut rules, stand, *kind) {
                    let pods = stand.planned.iter().filter(|(_, of)| of == kind);
                    let flaws =
                        pods.map(|(pod, _)| Flaw::Forbidden((*pod).clone(), stand.name.clone(), why.clone()));
                    self.flaws.extend(flaws);
                }
            }
        }
    }
}

/// Everybody.
struct Crowd<'a> {
    /// Kinds of pods.
    kinds: Vec<&'a PodSpec>,
    stands: Vec<Stand<'a>>,
    /// Anti-affinity of any kind, with the kinds that have it.
    apart: BTreeMap<&'a Near, Vec<usize>>,
}

/// What was counted for rules that were asked about.
#[derive(Default)]
struct Rules<'s> {
    /// By what all terms of an affinity, or one of an anti-affinity, ask for: by term.
    meant: BTreeMap<Vec<&'s Near>, Vec<Domains<'s>>>,
    /// By anti-affinity: who has it.
    owners: BTreeMap<&'s Near, Domains<'s>>,
    /// By kind and place of the spread among its rules.
    levels: BTreeMap<(usize, usize), BTreeMap<&'s str, Level>>,
}

impl<'a> Crowd<'a> {
    fn of(audit: &Audit<'a>, plan: &'a Plan) -> Self {
        let mut crowd = Self {
            kinds: Vec::new(),
            stands: Vec::new(),
            apart: BTreeMap::new(),
        };
        let mut numbers: BTreeMap<*const PodSpec, usize> = BTreeMap::new();
        let mut kind = |spec: &'a PodSpec| -> usize {
            *numbers.entry(std::ptr::from_ref(spec)).or_insert_with(|| {
                crowd.kinds.push(spec);
                crowd.kinds.len() - 1
            })
        };
        let mut stands = stands(audit, plan);
        let stays = |pod: &&Pod| pod.holds_resources() && !audit.is_victim(pod);
        for pod in audit.seen.pods.iter().filter(stays) {
            let stand = pod.node.as_ref().and_then(|node| stands.get_mut(node));
            if let (Some(stand), Some(spec)) = (stand, audit.seen.specs.get(pod.spec as usize)) {
                let heads = stand.heads.entry(kind(spec)).or_default();
                heads.there += 1;
                heads.staying += usize::from(pod.phase != PodPhase::Terminating);
            }
        }
        for stand in stands.values_mut() {
            for agent in audit.agents_coming_to(stand.name, (stand.labels, stand.taints)) {
                let heads = stand.heads.entry(kind(agent)).or_default();
                heads.there += 1;
                heads.staying += 1;
                heads.agents += 1;
            }
        }
        let new = plan.nodes.iter().map(|node| (&node.name, &node.pods));
        let existing = plan.existing.iter().map(|(name, pods)| (name, pods));
        for (name, pods) in new.chain(existing) {
            let Some(stand) = stands.get_mut(name) else {
                continue;
            };
            for pod in pods.iter().filter(|pod| !is_headroom(pod)) {
                if let Some(spec) = audit.specs.get(pod).copied().flatten() {
                    let kind = kind(spec);
                    stand.heads.entry(kind).or_default().planned += 1;
                    stand.planned.push((pod, kind));
                }
            }
        }
        crowd.stands = stands.into_values().collect();
        for (kind, spec) in crowd.kinds.iter().enumerate() {
            for near in spec.near.iter().filter(|near| near.rule == NearRule::Apart) {
                crowd.apart.entry(near).or_default().push(kind);
            }
        }
        crowd
    }

    /// What objects to the planned pods of a kind on a node.
    fn objection<'s>(&'s self, rules: &mut Rules<'s>, stand: &'s Stand<'a>, kind: usize) -> Option<String> {
        self.port(stand, kind)
            .or_else(|| self.apart(rules, stand, kind))
            .or_else(|| self.unwanted(rules, stand, kind))
            .or_else(|| self.together(rules, stand, kind))
            .or_else(|| self.uneven(rules, stand, kind))
    }

    fn port(&self, stand: &Stand<'_>, kind: usize) -> Option<String> {
        let own = self.kinds.get(kind)?;
        let taken = |port: &model::pod::HostPort| {
            stand.heads.iter().any(|(other, heads)| {
                let others = heads.all() - usize::from(*other == kind);
                let ports = self.kinds.get(*other).map_or(&[][..], |spec| &spec.host_ports);
                others > 0 && ports.iter().any(|other| other.conflicts(port))
            })
        };
        let port = own.host_ports.iter().find(|port| taken(port))?;
        Some(format!("port {} of the host is taken", port.port))
    }

    fn apart<'s>(&'s self, rules: &mut Rules<'s>, stand: &Stand<'_>, kind: usize) -> Option<String> {
        let own = *self.kinds.get(kind)?;
        let mut terms = own.near.iter().filter(|near| near.rule == NearRule::Apart);
        terms.find_map(|near| {
            let domain = domain(stand, &near.key)?;
            let counts = self.meant(rules, vec![near]).first()?;
            let near_by = counts.get(domain)? - usize::from(near.selects(own));
            (near_by > 0).then(|| format!("{near_by} pods it must be apart from are near"))
        })
    }

    fn unwanted<'s>(&'s self, rules: &mut Rules<'s>, stand: &Stand<'_>, kind: usize) -> Option<String> {
        let own = *self.kinds.get(kind)?;
        let mut terms = self.apart.iter().filter(|(near, _)| near.selects(own));
        terms.find_map(|(near, owners)| {
            let domain = domain(stand, &near.key)?;
            let counts = rules
                .owners
                .entry(near)
                .or_insert_with(|| self.count(&near.key, |kind| owners.binary_search(&kind).is_ok()));
            let others = counts.get(domain)? - usize::from(owners.binary_search(&kind).is_ok());
            (others > 0).then(|| format!("{others} pods near want it away ({})", near.key))
        })
    }

    /// One pod must be all that the terms ask for; the first of its kind anywhere may stand alone.
    fn together<'s>(&'s self, rules: &mut Rules<'s>, stand: &Stand<'_>, kind: usize) -> Option<String> {
        let own = *self.kinds.get(kind)?;
        let terms = own.near.iter().filter(|near| near.rule == NearRule::Together);
        let terms: Vec<&Near> = terms.collect();
        if terms.is_empty() {
            return None;
        }
        let meant = usize::from(terms.iter().all(|near| near.selects(own)));
        let counts = self.meant(rules, terms.clone());
        let total = |counts: &Domains<'_>| counts.values().sum::<usize>();
        let alone = meant == 1 && counts.iter().all(|counts| total(counts) == 1);
        terms.iter().zip(counts).find_map(|(near, counts)| {
            let Some(domain) = domain(stand, &near.key) else {
                return Some(format!("the node has no label {}", near.key));
            };
            let others = counts.get(domain).copied().unwrap_or(0).saturating_sub(meant);
            (others == 0 && !alone).then(|| "no pod that it must be with is near".to_owned())
        })
    }

    fn uneven<'s>(&'s self, rules: &mut Rules<'s>, stand: &Stand<'_>, kind: usize) -> Option<String> {
        let own = *self.kinds.get(kind)?;
        own.near.iter().enumerate().find_map(|(at, near)| {
            let NearRule::Spread { skew, domains } = near.rule else {
                return None;
            };
            let Some(value) = domain(stand, &near.key) else {
                return Some(format!("the node has no label {}", near.key));
            };
            let counts = rules.levels.entry((kind, at));
            let counts = counts.or_insert_with(|| self.levels(own, near));
            let own = counts.get(value).copied().unwrap_or_default();
            // Nodes that are there are filled before new ones come: whoever goes there is held against domains that are there,
            // and a new node against one with its agents alone.
            let counted = |level: &&Level| stand.new || level.there;
            let fewest = |of: fn(&Level) -> usize| {
                if counts.len() < domains as usize {
                    return 0;
                }
                if near.key == HOSTNAME && !own.there {
                    return own.agents;
                }
                counts.values().filter(counted).map(of).min().unwrap_or(0)
            };
            let most = skew as usize;
            // Whoever comes to the lowest node first keeps what holds of all nodes in the end.
            let together = || {
                let levels = counts.values().map(|level| level.all);
                counts.len() >= domains as usize && own.all <= levels.min().unwrap_or(0) + most
            };
            let keeps = own.all <= fewest(|level| level.all) + most
                || own.early <= fewest(|level| level.early) + most
                || together();
            (!keeps).then(|| format!("{} has more than {skew} above the fewest", near.key))
        })
    }

    /// By term: domains with the pods that all terms mean.
    fn meant<'r, 's>(&'s self, rules: &'r mut Rules<'s>, terms: Vec<&'s Near>) -> &'r [Domains<'s>] {
        rules.meant.entry(terms).or_insert_with_key(|terms| {
            let selected = self
                .kinds
                .iter()
                .map(|spec| terms.iter().all(|near| near.selects(spec)));
            let selected: Vec<bool> = selected.collect();
            let is_meant = |kind: usize| selected.get(kind) == Some(&true);
            terms.iter().map(|near| self.count(&near.key, is_meant)).collect()
        })
    }

    fn count(&self, key: &str, such: impl Fn(usize) -> bool) -> Domains<'_> {
        let mut counts = Domains::new();
        for stand in &self.stands {
            let Some(domain) = domain(stand, key) else {
                continue;
            };
            let heads = stand.heads.iter().filter(|(kind, _)| such(**kind));
            let pods: usize = heads.map(|(_, heads)| heads.all()).sum();
            if pods > 0 {
                *counts.entry(domain).or_insert(0) += pods;
            }
        }
        counts
    }

    /// Domains of nodes that the spread counts.
    fn levels(&self, own: &PodSpec, near: &Near) -> BTreeMap<&str, Level> {
        let is_spread = |near: &&Near| matches!(near.rule, NearRule::Spread { .. });
        let keys: BTreeSet<&str> = own
            .near
            .iter()
            .filter(is_spread)
            .map(|near| near.key.as_str())
            .collect();
        let asks = asks(own, near);
        let means = |spec: &&PodSpec| !near.selector.requirements.is_empty() && near.selects(spec);
        let meant: Vec<bool> = self.kinds.iter().map(means).collect();
        let mut levels: BTreeMap<&str, Level> = BTreeMap::new();
        for stand in &self.stands {
            let taints = if near.nodes.only_tolerated {
                stand.taints
            } else {
                &[]
            };
            let counts = keys.iter().all(|key| domain(stand, key).is_some())
                && rules::objection(&asks, stand.labels, taints, stand.name.as_str()).is_none();
            let Some(value) = domain(stand, &near.key).filter(|_| counts) else {
                continue;
            };
            let level = levels.entry(value).or_default();
            level.there |= !stand.new;
            for (kind, heads) in stand
                .heads
                .iter()
                .filter(|(kind, _)| meant.get(**kind) == Some(&true))
            {
                let ruled = self.kinds.get(*kind).is_some_and(|spec| spec.near.contains(near));
                level.agents += heads.agents;
                level.all += heads.staying + heads.planned;
                level.early += heads.staying + if ruled { heads.planned } else { 0 };
            }
        }
        levels
    }
}

/// Nodes that are there and those to buy.
fn stands<'a>(audit: &Audit<'a>, plan: &'a Plan) -> BTreeMap<&'a NodeName, Stand<'a>> {
    let mut stands: BTreeMap<&NodeName, Stand<'_>> = BTreeMap::new();
    let mut stand = |name, labels, taints, new| {
        let stand = Stand {
            name,
            labels,
            taints,
            new,
            heads: BTreeMap::new(),
            planned: Vec::new(),
        };
        stands.insert(name, stand);
    };
    for node in &audit.seen.nodes {
        stand(&node.name, &node.labels, &node.taints, false);
    }
    let offers: BTreeMap<_, _> = audit.seen.offers.iter().map(|offer| (&offer.id, offer)).collect();
    for node in &plan.nodes {
        if let Some(offer) = offers.get(&node.offer).filter(|offer| !offer.is_fargate()) {
            let group = audit.seen.groups.get(offer.group as usize);
            let taints = group.map_or(&[][..], |group| &group.taints);
            stand(&node.name, &offer.labels, taints, true);
        }
    }
    stands
}

/// The value that makes the domain of a node; a new one has its name for a hostname.
fn domain<'s>(stand: &'s Stand<'_>, key: &str) -> Option<&'s str> {
    if stand.new && key == HOSTNAME {
        return Some(stand.name.as_str());
    }
    stand.labels.get(key).map(String::as_str)
}

/// What of a spec decides whether a spread counts a node.
fn asks(spec: &PodSpec, near: &Near) -> PodSpec {
    let tolerating = PodSpec {
        tolerations: spec.tolerations.clone(),
        ..PodSpec::default()
    };
    if near.nodes.despite_affinity {
        return tolerating;
    }
    PodSpec {
        node_selector: spec.node_selector.clone(),
        node_affinity: spec.node_affinity.clone(),
        ..tolerating
    }
}
