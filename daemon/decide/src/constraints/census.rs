//! Who runs where, counted once for the rules that ask, and where each kind of pod could stand at all.

use super::crowd::Crowds;
use super::domains::{self, Domains, Set};
use super::ground::{Asked, Ground, Grounds, Member, Question};
use crate::agents::{Agent, Agents};
use crate::class::Class;
use crate::fit::{self, HOSTNAME, Place};
use crate::number::{count, size};
use crate::tenants::Tenants;
use model::ids::NodeName;
use model::node::Node;
use model::pod::{HostPort, Near, NearRule, PodPhase, PodSpec};
use model::selector::{LabelSelector, Labels};
use model::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Which pods a crowd is made of.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Meant {
    /// Such as a selector selects, in these namespaces (`None`: all).
    Selected(LabelSelector, Option<Vec<String>>),
    /// The same as a topology spread counts them: nobody where the selector is empty, none on their way out, and on
    /// some nodes only.
    Spread(LabelSelector, Option<Vec<String>>, Question),
    /// Such as want a port of the host that this one conflicts with.
    Port(HostPort),
    /// Such as share a claim of this namespace.
    Claim(String, String),
}

impl Meant {
    fn of(body: &PodSpec, near: &Near) -> Self {
        let (selector, namespaces) = (near.selector.clone(), near.namespaces.clone());
        match near.rule {
            NearRule::Spread { .. } => Self::Spread(selector, namespaces, Question::counting(body, near)),
            NearRule::Together | NearRule::Apart => Self::Selected(selector, namespaces),
        }
    }

    fn includes(&self, spec: &PodSpec) -> bool {
        match self {
            Self::Spread(selector, ..) if selector.requirements.is_empty() => false,
            Self::Selected(selector, namespaces) | Self::Spread(selector, namespaces, _) => {
                let there = |named: &Vec<String>| named.contains(&spec.namespace);
                namespaces.as_ref().is_none_or(there) && selector.matches(&spec.labels)
            }
            Self::Port(port) => spec.host_ports.iter().any(|own| own.conflicts(port)),
            Self::Claim(namespace, claim) => spec.namespace == *namespace && spec.shares.contains(claim),
        }
    }
}

/// See the module.
pub(super) struct Census<'a> {
    seen: &'a Snapshot,
    /// By class.
    rules: Vec<Rules>,
    /// By class: what its pods ask for, and how many there are.
    waiting: Vec<(Arc<PodSpec>, u32)>,
    /// By crowd of a topology spread: what it counts.
    questions: BTreeMap<u32, (Asked, Arc<Ground>)>,
    grounds: Grounds<'a>,
    /// By crowd, by node.
    by_node: Vec<BTreeMap<NodeName, u32>>,
    /// By crowd: see [`Self::with_agents`].
    by_agents: Vec<Set>,
    /// What nodes and offers are told apart by.
    pub(super) domains: Arc<Domains>,
    /// By spec: nodes that carry pods of it. Only specs that want others away.
    repellers: BTreeMap<usize, BTreeSet<&'a NodeName>>,
    /// Nodes whose hostname is another's too, and such as have none.
    namesakes: Vec<String>,
    unnamed: Vec<String>,
}

/// What the rules of a waiting class come to in crowds.
#[derive(Clone, Default)]
pub(super) struct Rules {
    /// By rule about other pods: the crowd that it means.
    pub(super) near: Vec<u32>,
    /// By port: the crowd that it conflicts with.
    pub(super) ports: Vec<u32>,
    /// By claim that is bound where the first of several pods goes: the crowd of those that share it.
    pub(super) shared: Vec<u32>,
    /// Crowds that its pods are of, in rising order.
    pub(super) member: Arc<[u32]>,
    /// Where its pods may come to stand, once somebody has asked.
    standing: Option<Asked>,
}

/// Nobody who waits has a rule, and nobody else wants anybody away.
pub(super) fn is_plain(seen: &Snapshot, classes: &[Class]) -> bool {
    let ruled = |class: &Class| {
        let body = &class.body;
        !body.near.is_empty() || !body.host_ports.is_empty() || !body.shares.is_empty()
    };
    !seen.specs.iter().any(|spec| wants_away(spec)) && !classes.iter().any(ruled)
}

fn wants_away(spec: &PodSpec) -> bool {
    spec.near.iter().any(|near| near.rule == NearRule::Apart)
}

impl<'a> Census<'a> {
    pub(super) fn new(seen: &'a Snapshot, classes: &[Class]) -> Self {
        let rules = domains::rules(seen, classes.iter().map(|class| &*class.body));
        let domains = Arc::new(Domains::new(seen, rules));
        let mut census = Self {
            seen,
            rules: Vec::with_capacity(classes.len()),
            waiting: classes
                .iter()
                .map(|class| (Arc::clone(&class.body), class.count()))
                .collect(),
            questions: BTreeMap::new(),
            grounds: Grounds::new(seen, &domains),
            by_node: Vec::new(),
            by_agents: Vec::new(),
            domains,
            repellers: BTreeMap::new(),
            namesakes: Vec::new(),
            unnamed: Vec::new(),
        };
        let crowds = census.find_crowds(classes);
        let mut members = Members {
            crowds: &crowds,
            known: BTreeMap::new(),
        };
        for (class, rules) in classes.iter().zip(&mut census.rules) {
            rules.member = members.of(&class.body);
        }
        census.count(&mut members);
        census.find_odd_nodes();
        census
    }

    fn find_crowds(&mut self, classes: &[Class]) -> BTreeMap<Meant, u32> {
        let mut crowds: BTreeMap<Meant, u32> = BTreeMap::new();
        let mut crowd = |meant: Meant| {
            let next = count(crowds.len());
            *crowds.entry(meant).or_insert(next)
        };
        for class in classes {
            let body = &class.body;
            self.rules.push(Rules {
                near: body
                    .near
                    .iter()
                    .map(|near| crowd(Meant::of(body, near)))
                    .collect(),
                ports: body
                    .host_ports
                    .iter()
                    .map(|port| crowd(Meant::Port(port.clone())))
                    .collect(),
                shared: body
                    .shares
                    .iter()
                    .map(|claim| crowd(Meant::Claim(body.namespace.clone(), claim.clone())))
                    .collect(),
                ..Rules::default()
            });
        }
        for (meant, crowd) in &crowds {
            if let Meant::Spread(_, _, question) = meant {
                let asked = self.grounds.ask(question);
                let ground = self.grounds.counted(asked);
                self.questions.insert(*crowd, (asked, ground));
            }
        }
        self.by_node = vec![BTreeMap::new(); crowds.len()];
        self.by_agents = vec![0; crowds.len()];
        crowds
    }

    fn find_odd_nodes(&mut self) {
        let mut times: BTreeMap<&String, u32> = BTreeMap::new();
        let nodes = self.seen.nodes.iter();
        for name in nodes.filter_map(|node| node.labels.get(HOSTNAME)) {
            *times.entry(name).or_insert(0) += 1;
        }
        for node in &self.seen.nodes {
            let odd = match node.labels.get(HOSTNAME).and_then(|name| times.get(name)) {
                Some(1) => continue,
                Some(_) => &mut self.namesakes,
                None => &mut self.unnamed,
            };
            odd.push(node.name.as_str().to_owned());
        }
    }

    fn count<'b>(&mut self, members: &mut Members<'b>)
    where
        'a: 'b,
    {
        let seen = self.seen;
        let mut by_spec: Vec<Option<Arc<[u32]>>> = vec![None; seen.specs.len()];
        for pod in seen.pods.iter().filter(|pod| pod.holds_resources()) {
            let (Some(node), Some(spec)) = (&pod.node, seen.specs.get(size(pod.spec))) else {
                continue;
            };
            let leaves = pod.phase == PodPhase::Terminating;
            let at = seen.nodes.binary_search_by(|known| known.name.cmp(node)).ok();
            let crowds = by_spec[size(pod.spec)].get_or_insert_with(|| members.of(spec));
            self.stands(crowds, (node, at), leaves);
            if wants_away(spec) {
                self.repellers.entry(size(pod.spec)).or_default().insert(node);
            }
        }
        self.count_agents(members);
    }

    /// Agents whose pods are not on their nodes yet stand there as well: they come before anybody who waits.
    fn count_agents<'b>(&mut self, members: &mut Members<'b>)
    where
        'a: 'b,
    {
        let seen = self.seen;
        let agents = Agents::of(seen);
        let matters = |agent: &Agent<'a>| wants_away(agent.spec) || !members.of(agent.spec).is_empty();
        let matter: Vec<bool> = agents.list.iter().map(matters).collect();
        if !matter.contains(&true) {
            return;
        }
        self.count_agents_on_offer(members, &agents);
        let coming = agents.coming(seen, &Tenants::of(seen));
        for (at, (node, coming)) in seen.nodes.iter().zip(coming).enumerate() {
            for agent in coming.into_iter().filter(|agent| matter[*agent]) {
                let agent = agents.list[agent];
                self.stands(&members.of(agent.spec), (&node.name, Some(at)), false);
                if wants_away(agent.spec) {
                    self.repellers
                        .entry(size(agent.ix))
                        .or_default()
                        .insert(&node.name);
                }
            }
        }
    }

    /// Where there is no node yet, whoever wants to be with an agent finds it on the first. Where there are some, it may
    /// be put on one that has none.
    fn count_agents_on_offer<'b>(&mut self, members: &mut Members<'b>, agents: &Agents<'b>) {
        let seen = self.seen;
        let mut by_domain: BTreeMap<Set, Vec<bool>> = BTreeMap::new();
        for offer in seen.offers.iter().filter(|offer| !offer.is_fargate()) {
            let domain = self.domains.of(&offer.labels);
            let there = agents.on_offer(seen, offer);
            let on_all = by_domain
                .entry(domain)
                .or_insert_with(|| vec![true; agents.list.len()]);
            for (agent, on_all) in on_all.iter_mut().enumerate() {
                *on_all &= there.contains(&agent);
            }
        }
        let nodes = (0..seen.nodes.len()).map(|at| self.grounds.domain_of_node(at));
        let taken = nodes.fold(0, |set, domain| set | domain);
        for (domain, on_all) in by_domain.iter().filter(|(domain, _)| *domain & taken == 0) {
            let there = agents.list.iter().zip(on_all).filter(|(_, on_all)| **on_all);
            for (agent, _) in there {
                for crowd in members.of(agent.spec).iter() {
                    self.by_agents[size(*crowd)] |= domain;
                }
            }
        }
    }

    /// Counts a pod of these crowds on a node, by its place among all where it has one.
    fn stands(&mut self, crowds: &[u32], (node, at): (&NodeName, Option<usize>), leaves: bool) {
        let questions = &self.questions;
        let counted = |crowd: &&u32| match questions.get(*crowd) {
            Some((_, ground)) => !leaves && at.is_some_and(|at| ground.nodes.get(at) == Some(&true)),
            None => true,
        };
        for crowd in crowds.iter().filter(counted) {
            *self.by_node[size(*crowd)].entry(node.clone()).or_insert(0) += 1;
        }
    }

    /// Domains without nodes whose every new node carries an agent of the crowd.
    pub(super) fn with_agents(&self, crowd: u32) -> Set {
        self.by_agents.get(size(crowd)).copied().unwrap_or(0)
    }

    /// What the rules of a class come to.
    pub(super) fn rules(&self, class: usize) -> &Rules {
        &self.rules[class]
    }

    /// Nodes with pods of the crowd, and how many.
    pub(super) fn by_node(&self, crowd: u32) -> &BTreeMap<NodeName, u32> {
        static NOBODY: BTreeMap<NodeName, u32> = BTreeMap::new();
        self.by_node.get(size(crowd)).unwrap_or(&NOBODY)
    }

    /// By domain: pods of the crowd that run there.
    pub(super) fn by_domain(&self, crowd: u32) -> Vec<u32> {
        let mut counts = vec![0_u32; self.domains.len()];
        for (node, running) in self.by_node(crowd) {
            for at in domains::bits(self.domain_of(node)) {
                counts[at] = counts[at].saturating_add(*running);
            }
        }
        counts
    }

    /// Number of crowds.
    pub(super) fn len(&self) -> usize {
        self.by_node.len()
    }

    /// What rooms need to know of them.
    pub(super) fn into_crowds(self) -> Crowds {
        Crowds {
            by_node: self.by_node,
        }
    }

    /// Rules of running pods that want a pod like this away, and the nodes those are on.
    pub(super) fn repelling(&self, body: &PodSpec) -> Vec<(&'a Near, &BTreeSet<&'a NodeName>)> {
        let mut found = Vec::new();
        for (spec, nodes) in &self.repellers {
            let owner = &self.seen.specs[*spec];
            // Its own rule says the same where it counts the owner.
            let same = |near: &Near| body.near.contains(near) && near.selects(owner);
            let near = owner.near.iter();
            let wants_away = near.filter(|near| near.rule == NearRule::Apart && near.selects(body));
            let others = wants_away.filter(|near| near.key != HOSTNAME || !same(near));
            found.extend(others.map(|near| (near, nodes)));
        }
        found
    }

    /// Nodes that are no domain of their own by hostname: the label is another's too, or, where those count as well,
    /// missing. A rule about hostnames is settled node by node and keeps off them.
    pub(super) fn odd_nodes(&self, named: bool) -> Vec<String> {
        let missing: &[String] = if named { &[] } else { &self.unnamed };
        self.namesakes.iter().chain(missing).cloned().collect()
    }

    /// Domains of these nodes.
    pub(super) fn domains_of<'n>(&self, nodes: impl Iterator<Item = &'n NodeName>) -> Set {
        nodes.fold(0, |set, node| set | self.domain_of(node))
    }

    fn domain_of(&self, node: &NodeName) -> Set {
        let nodes = &self.seen.nodes;
        let at = nodes.binary_search_by(|known| known.name.cmp(node));
        at.map_or(0, |at| self.grounds.domain_of_node(at))
    }

    /// Domains in which pods of the class may come to stand, by their rules about nodes.
    pub(super) fn open_to(&mut self, class: usize, body: &PodSpec) -> Set {
        let standing = self.standing(class, body);
        self.grounds.open_to(standing)
    }

    fn standing(&mut self, class: usize, body: &PodSpec) -> Asked {
        let (grounds, rules) = (&mut self.grounds, &mut self.rules[class]);
        *rules
            .standing
            .get_or_insert_with(|| grounds.ask(&Question::standing(body)))
    }

    /// Domains that a spread counts: of nodes that are there, and of such as could be bought; none for other rules.
    pub(super) fn counted(&self, crowd: u32) -> (Set, Set) {
        let ground = self.questions.get(&crowd).map(|(_, ground)| ground);
        ground.map_or((0, 0), |ground| (ground.there, ground.sold))
    }

    /// Fewest of a spread's crowd on any node that it counts; none while there are fewer hostnames than `domains`.
    pub(super) fn fewest_on_a_node(&self, crowd: u32, domains: u32) -> u32 {
        let Some((_, ground)) = self.questions.get(&crowd) else {
            return 0;
        };
        let nodes = self.seen.nodes.iter().zip(&ground.nodes);
        let counted = nodes.filter(|(_, counted)| **counted).map(|(node, _)| node);
        let hostnames = counted.clone().filter_map(|node| node.labels.get(HOSTNAME));
        if hostnames.collect::<BTreeSet<_>>().len() < size(domains) {
            return 0;
        }
        let there = self.by_node(crowd);
        let counts = counted.map(|node| there.get(&node.name).copied().unwrap_or(0));
        counts.min().unwrap_or(0)
    }

    /// What the fewest of a spread's crowd on any node could rise to, were all who wait placed on nodes that are there;
    /// the most there is where none is counted. Looked at generously: a bound rests on it.
    pub(super) fn highest_fewest_on_a_node(&self, crowd: u32) -> u32 {
        let Some((_, ground)) = self.questions.get(&crowd) else {
            return 0;
        };
        let members = self.rules.iter().zip(&self.waiting);
        let members: Vec<&(Arc<PodSpec>, u32)> = members
            .filter(|(rules, _)| rules.member.binary_search(&crowd).is_ok())
            .map(|(_, waiting)| waiting)
            .collect();
        let there = self.by_node(crowd);
        let nodes = self.seen.nodes.iter().zip(&ground.nodes);
        let counted = nodes.filter(|(_, counted)| **counted).map(|(node, _)| node);
        let rises = counted.map(|node| {
            let more = members
                .iter()
                .map(|(spec, count)| (*count).min(copies(spec, node)));
            let running = there.get(&node.name).copied().unwrap_or(0);
            more.fold(running, u32::saturating_add)
        });
        rises.min().unwrap_or(u32::MAX)
    }

    /// How pods of the class, which are of the crowd, count in it.
    pub(super) fn member(&mut self, (class, body): (usize, &PodSpec), crowd: u32) -> Member {
        let Some((counting, _)) = self.questions.get(&crowd) else {
            return Member::everywhere(crowd);
        };
        let counting = *counting;
        let standing = self.standing(class, body);
        self.grounds.member(standing, (crowd, counting))
    }

    /// Domains in which the pod finds its volumes as well.
    pub(super) fn within_reach(&self, spec: &PodSpec) -> Set {
        let nodes = self.seen.nodes.iter();
        let nodes = nodes
            .filter(|node| !node.fargate && !node.deleting)
            .map(|node| Place {
                taints: &[],
                ..Place::of_node(node)
            });
        let offers = self.seen.offers.iter().filter(|offer| !offer.is_fargate());
        let offers = offers.map(|offer| Place {
            labels: &offer.labels,
            name: "",
            taints: self
                .seen
                .groups
                .get(size(offer.group))
                .map_or(&[][..], |group| &group.taints),
        });
        let mut domains = 0;
        for place in nodes.chain(offers) {
            let domain = self.domains.of(place.labels);
            if domains & domain != domain && fit::admits(spec, place) {
                domains |= domain;
            }
        }
        domains
    }
}

/// How many pods of a spec an empty node would hold; none where its rules about nodes do not admit them.
fn copies(spec: &PodSpec, node: &Node) -> u32 {
    let place = Place::of_node(node);
    let taints = if node.ready { place.taints } else { &[] };
    if node.fargate || node.deleting || !fit::admits_but_for_volumes(spec, Place { taints, ..place }) {
        return 0;
    }
    let (asked, there) = (&spec.requests, &node.allocatable);
    let amounts = [
        (asked.cpu_milli, there.cpu_milli),
        (asked.memory_bytes, there.memory_bytes),
        (asked.ephemeral_bytes, there.ephemeral_bytes),
    ];
    let held = amounts.iter().filter(|(asked, _)| *asked > 0);
    let held = held.map(|(asked, there)| u32::try_from(there / asked).unwrap_or(0));
    held.min().unwrap_or(u32::MAX).min(node.max_pods)
}

/// Namespace, labels, ports and shared claims: all that a crowd tells pods apart by.
type Identity<'b> = (&'b str, &'b Labels, &'b [HostPort], &'b [String]);

/// Crowds that pods are of, found once for all that no crowd tells apart.
struct Members<'b> {
    crowds: &'b BTreeMap<Meant, u32>,
    known: BTreeMap<Identity<'b>, Arc<[u32]>>,
}

impl<'b> Members<'b> {
    /// Crowds that pods of the spec are of, in rising order.
    fn of(&mut self, spec: &'b PodSpec) -> Arc<[u32]> {
        let (ports, shares) = (spec.host_ports.as_slice(), spec.shares.as_slice());
        let key = (spec.namespace.as_str(), &spec.labels, ports, shares);
        let found = self.known.entry(key).or_insert_with(|| {
            let of = self.crowds.iter().filter(|(meant, _)| meant.includes(spec));
            let mut of: Vec<u32> = of.map(|(_, crowd)| *crowd).collect();
            of.sort_unstable();
            of.into()
        });
        Arc::clone(found)
    }
}
