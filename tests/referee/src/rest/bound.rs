//! The bound that a plan prints against placements that another solver finds.
//!
//! The solver tries pods on nodes one by one, in every order of binding that matters, under `fit::filters`, and buys
//! nodes as they register with their agents; whatever it finds is a placement that kube-scheduler admits, so a bound
//! above its price is false. It gives up after a number of states: then what it found counts, and what it did not
//! find proves nothing. Clusters in which pods share an unbound claim are left out: the filters do not bind claims.

use super::realise::{self, attach_everywhere};
use super::registered::{self, Launch};
use super::{World, daemons, features, planned, refused};
use crate::case::{self, Case};
use crate::scheduler::Scheduler;
use anyhow::Result;
use fit::filters::Filters;
use model::ids::NodeName;
use model::node::Node;
use model::offer::OfferKind;
use model::plan::Plan;
use model::pod::SpecIx;
use model::snapshot::Snapshot;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::ops::Range;

/// States of one instance.
const STATES: usize = 4000;
/// Nodes of one offer.
const COPIES: usize = 3;

/// What a run came to.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    /// Instances in which the plan buys something.
    pub instances: u64,
    /// Of them, those in which the solver placed everybody that the plan placed, for no more than the plan.
    pub solved: u64,
    /// Of them, those in which it found something cheaper than the plan.
    pub cheaper: u64,
    /// Instances in which it went through every state.
    pub exhausted: u64,
    /// Bounds above the price of a placement that kube-scheduler admits: one line each.
    pub wrong: Vec<String>,
}

/// Runs the clusters of these numbers.
pub fn run(seed: u64, numbers: Range<u64>, scheduler: &mut Scheduler) -> Result<Tally> {
    let mut tally = Tally::default();
    for number in numbers {
        let world = super::world(super::TINY, seed, number);
        if shares_claims(&world) {
            continue;
        }
        let seen = world.snapshot()?;
        let plan = planned(&world, &seen);
        if plan.nodes.is_empty() {
            continue;
        }
        let market = Market::of(&world, &seen, &plan);
        let filled = market.world.snapshot()?;
        let mut search = Search::new(&market, &filled, plan.cost.rate.0);
        search.descend();
        tally.instances += 1;
        tally.exhausted += u64::from(search.states < STATES);
        let Some((cost, order)) = search.best else {
            continue;
        };
        tally.solved += 1;
        tally.cheaper += u64::from(cost < plan.cost.rate.0);
        if plan.cost.bound.0 > cost && admitted(&market, &order, scheduler)? {
            tally
                .wrong
                .push(told(&market, number, (plan.cost.bound.0, cost), &order));
        }
    }
    Ok(tally)
}

/// A false bound in one line: what it and the placement cost, where everybody is, and the rules they have.
fn told(market: &Market, number: u64, (bound, cost): (i64, i64), order: &[Bound]) -> String {
    let places: Vec<String> = order
        .iter()
        .map(|(pod, node)| format!("{pod} on {node}"))
        .collect();
    let rules: BTreeSet<String> = market.world.case.pending.iter().map(features).collect();
    let rules: Vec<String> = rules.into_iter().collect();
    format!(
        "case {number} [{}]: bound {bound}, a placement for {cost} nano-dollars: {}",
        rules.join("; "),
        places.join(", ")
    )
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} plans that buy: {} solved otherwise for no more, {} for less, {} searched to the end; {} bounds too high",
            self.instances,
            self.solved,
            self.cheaper,
            self.exhausted,
            self.wrong.len()
        )?;
        self.wrong
            .iter()
            .take(10)
            .try_for_each(|line| writeln!(f, "  {line}"))
    }
}

fn shares_claims(world: &World) -> bool {
    let shared = |claim: &Value| case::name(claim).starts_with("shared-");
    world.case.pvcs.iter().any(shared)
}

/// The cluster with nodes that could be bought already in it, and what each costs.
struct Market {
    world: World,
    /// Nodes of each offer: interchangeable.
    offers: Vec<(i64, Vec<NodeName>)>,
    /// Pods that the plan places.
    served: BTreeSet<String>,
}

impl Market {
    fn of(world: &World, seen: &Snapshot, plan: &Plan) -> Self {
        let refused = refused(plan);
        let waiting = world.case.pending.iter().map(|pod| case::key(pod).to_string());
        let served: BTreeSet<String> = waiting.filter(|pod| !refused.contains_key(pod)).collect();
        let (fleet, mut filled) = (world.fleet(), realise::settled(world));
        let mut offers = Vec::new();
        for (at, offer) in seen.offers.iter().enumerate() {
            let OfferKind::Ec2 {
                instance_type, zone, ..
            } = &offer.kind
            else {
                continue;
            };
            if offer.price > plan.cost.rate {
                continue;
            }
            let group = seen
                .groups
                .get(offer.group as usize)
                .map(|group| group.name.as_str());
            let mut names = Vec::new();
            for copy in 0..COPIES.min(served.len()) {
                let name = format!("{FOR_SALE}{at}-{copy}");
                let node = registered::usable(Launch {
                    name: &name,
                    group: group.and_then(|name| world.group(name)).or(Some(&fleet)),
                    kind: registered::type_of(instance_type),
                    zone,
                    created: "2026-11-01T00:00:00Z",
                });
                let agents: Vec<Value> = filled
                    .daemon_sets()
                    .filter_map(|set| daemons::pod(set, &node))
                    .collect();
                filled.case.pods.extend(agents);
                filled.case.nodes.push(node);
                names.push(NodeName::new(&name));
            }
            offers.push((offer.price.0, names));
        }
        attach_everywhere(&mut filled.case);
        Self {
            world: filled,
            offers,
            served,
        }
    }
}

/// A pod and its node, by name.
type Bound = (String, String);

/// How names of nodes begin that could be bought.
const FOR_SALE: &str = "ip-for-sale-";

/// Depth first, cheapest known kept.
struct Search<'a> {
    filters: Filters<'a>,
    nodes: BTreeMap<&'a NodeName, &'a Node>,
    agents: BTreeMap<&'a NodeName, Vec<SpecIx>>,
    offers: &'a [(i64, Vec<NodeName>)],
    /// Interchangeable pods: their spec, and the names of those that still wait.
    waiting: Vec<(SpecIx, Vec<String>)>,
    open: Vec<&'a NodeName>,
    /// How many nodes of each offer are open.
    bought: Vec<usize>,
    cost: i64,
    order: Vec<(String, SpecIx, &'a NodeName)>,
    known: BTreeSet<Vec<(&'a NodeName, SpecIx)>>,
    states: usize,
    /// A placement must cost no more than this.
    most: i64,
    best: Option<(i64, Vec<Bound>)>,
}

impl<'a> Search<'a> {
    fn new(market: &'a Market, seen: &'a Snapshot, most: i64) -> Self {
        let mut filters = Filters::new(seen);
        let for_sale: BTreeSet<&NodeName> = market.offers.iter().flat_map(|(_, names)| names).collect();
        let mut agents: BTreeMap<&NodeName, Vec<SpecIx>> = BTreeMap::new();
        for pod in &seen.pods {
            if let Some(node) = pod.node.as_ref().filter(|node| for_sale.contains(node)) {
                agents.entry(node).or_default().push(pod.spec);
            }
        }
        for name in &for_sale {
            filters.drop_node(name);
        }
        let nodes = seen.nodes.iter().map(|node| (&node.name, node)).collect();
        let mut waiting: BTreeMap<SpecIx, Vec<String>> = BTreeMap::new();
        for pod in seen.pods.iter().filter(|pod| pod.node.is_none()) {
            let name = pod.key.to_string();
            if market.served.contains(&name) {
                waiting.entry(pod.spec).or_default().push(name);
            }
        }
        let open = seen.nodes.iter().map(|node| &node.name);
        Self {
            filters,
            nodes,
            agents,
            offers: &market.offers,
            waiting: waiting.into_iter().collect(),
            open: open.filter(|name| !for_sale.contains(name)).collect(),
            bought: vec![0; market.offers.len()],
            cost: 0,
            order: Vec::new(),
            known: BTreeSet::new(),
            states: 0,
            most,
            best: None,
        }
    }

    fn descend(&mut self) {
        if self.waiting.iter().all(|(_, names)| names.is_empty()) {
            if self.best.as_ref().is_none_or(|(best, _)| self.cost < *best) {
                let order = self.order.iter();
                let order = order.map(|(pod, _, node)| (pod.clone(), node.as_str().to_owned()));
                self.best = Some((self.cost, order.collect()));
            }
            return;
        }
        if self.states >= STATES || !self.is_new() {
            return;
        }
        self.states += 1;
        for kind in 0..self.waiting.len() {
            if self.waiting[kind].1.is_empty() {
                continue;
            }
            for at in 0..self.open.len() {
                self.place(kind, self.open[at]);
            }
            for offer in 0..self.offers.len() {
                self.buy(kind, offer);
            }
        }
    }

    /// Whether pods have not stood like this before. A node that was bought has a pod, so that it shows.
    fn is_new(&mut self) -> bool {
        let placed = self.order.iter().map(|(_, spec, node)| (*node, *spec));
        let mut state: Vec<(&NodeName, SpecIx)> = placed.collect();
        state.sort_unstable();
        self.known.insert(state)
    }

    fn place(&mut self, kind: usize, node: &'a NodeName) {
        let spec = self.waiting[kind].0;
        if self.filters.judge(spec, node).is_err() {
            return;
        }
        let Some(pod) = self.waiting[kind].1.pop() else {
            return;
        };
        self.filters.put(spec, node);
        self.order.push((pod, spec, node));
        self.descend();
        if let Some((pod, ..)) = self.order.pop() {
            self.waiting[kind].1.push(pod);
        }
        self.filters.take(spec, node);
    }

    fn buy(&mut self, kind: usize, offer: usize) {
        let (price, names) = &self.offers[offer];
        let Some(node) = names.get(self.bought[offer]) else {
            return;
        };
        let limit = self.best.as_ref().map_or(self.most, |(best, _)| best - 1);
        let Some(object) = self.nodes.get(node).copied() else {
            return;
        };
        if self.cost + price > limit {
            return;
        }
        self.filters.add_node(object);
        for agent in self.agents.get(node).into_iter().flatten() {
            self.filters.put(*agent, node);
        }
        self.cost += price;
        self.bought[offer] += 1;
        self.open.push(node);
        self.place(kind, node);
        self.open.pop();
        self.bought[offer] -= 1;
        self.cost -= price;
        self.filters.drop_node(node);
    }
}

/// Whether kube-scheduler itself admits the pods in this order: a bound is called false on its word alone.
fn admitted(market: &Market, order: &[Bound], scheduler: &mut Scheduler) -> Result<bool> {
    let used: BTreeSet<&str> = order.iter().map(|(_, node)| node.as_str()).collect();
    let stays = |name: &str| !name.starts_with(FOR_SALE) || used.contains(name);
    let mut case = Case {
        bind: order.iter().map(|(_, node)| node.clone()).collect(),
        ..market.world.case.clone()
    };
    let waiting = |pod: &String| {
        let mut pods = market.world.case.pending.iter();
        pods.find(|object| case::key(object).to_string() == *pod).cloned()
    };
    case.pending = order.iter().filter_map(|(pod, _)| waiting(pod)).collect();
    case.nodes.retain(|node| stays(case::name(node)));
    case.pods
        .retain(|pod| stays(pod["spec"]["nodeName"].as_str().unwrap_or_default()));
    case.any_order = true;
    let answer = scheduler.ask(&case)?;
    let on_theirs = |(judged, node): (&crate::scheduler::Judged, &String)| judged.feasible.contains(node);
    Ok(answer.pods.len() == case.bind.len() && answer.pods.iter().zip(&case.bind).all(on_theirs))
}
