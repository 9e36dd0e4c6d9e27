//! kube-scheduler's filters over what a search moves: pods that leave, pods that come, nodes that would be bought.
//!
//! Asked about pods whose place depends on other pods, host ports or claims; all others need no more than room and rules
//! about the node. Pods that leave are all taken off before the first is put down again, as an eviction does, and the
//! node that they leave stays a domain until it is gone, a cordoned one. Everything is undone from a journal. Which nodes are tried, and
//! in what order, is decided in `search` and `moving`.

use super::fleet::{Fleet, Put};
use crate::filters::{Filters, Objection};
use crate::fit::{self, Place};
use crate::joining;
use crate::number::{count, size};
use crate::rooms::Housed;
use model::ids::NodeName;
use model::node::Node;
use model::pod::{NearRule, PodSpec, SpecIx, Taint, TaintEffect};
use model::reason::Holds;
use model::snapshot::Snapshot;
use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::sync::Arc;

/// New nodes that are thought of at one time, at most; a search that wants more finds nothing.
const NEW_NODES: usize = 4096;
/// More than any pods together ask for.
const ENDLESS: i64 = i64::MAX / 4;
/// Taint of a cordoned node.
const CORDON: &str = "node.kubernetes.io/unschedulable";

/// What filters borrow beside the Snapshot: new nodes, and specs with the cluster's default constraints.
pub(super) struct Pool {
    nodes: Vec<OnceCell<Node>>,
    bodies: Vec<Arc<PodSpec>>,
    /// By bin: the node once it is cordoned. None where no rule asks for taints.
    cordoned: Vec<OnceCell<Node>>,
}

impl Pool {
    /// `None` where no pod that could move asks for filters.
    pub(super) fn of(fleet: &Fleet<'_>) -> Option<Self> {
        let mut loads = fleet.bins.iter().flat_map(|bin| &bin.load);
        let tied = loads.any(|(kind, _)| fleet.kinds[size(*kind)].tied);
        let mut rules = fleet.kinds.iter().flat_map(|kind| &kind.body.near);
        let asks_for_taints = rules.any(|near| near.nodes.only_tolerated);
        let cordoned = if asks_for_taints {
            fleet.seen.nodes.len()
        } else {
            0
        };
        tied.then(|| Self {
            nodes: (0..NEW_NODES).map(|_| OnceCell::new()).collect(),
            bodies: fleet.kinds.iter().map(|kind| Arc::clone(&kind.body)).collect(),
            cordoned: (0..cordoned).map(|_| OnceCell::new()).collect(),
        })
    }
}

/// A node that would be bought: its place in the pool.
pub(super) type New = usize;

/// What a new node is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sort {
    /// Index into the offers.
    pub(super) offer: usize,
    /// It has room for everything: a stand-in for as many nodes as it takes.
    pub(super) endless: bool,
}

/// See the module.
pub(super) struct Ties<'m> {
    seen: &'m Snapshot,
    pool: &'m Pool,
    filters: Filters<'m>,
    /// By kind: the number under which filters judge it.
    asked_as: Vec<SpecIx>,
    /// DaemonSets' pods: number and spec.
    daemons: Vec<(SpecIx, &'m PodSpec)>,
    /// By sort: places whose node is made and not in use.
    spare: BTreeMap<Sort, Vec<New>>,
    /// Places that have a node.
    made: usize,
    journal: Vec<Change<'m>>,
}

enum Change<'m> {
    Put(SpecIx, &'m NodeName),
    Taken(SpecIx, &'m NodeName),
    Added(New, Sort),
    Cordoned(usize),
}

impl<'m> Ties<'m> {
    /// Everything as it stands, removals under way as `fleet` has kept room for them, and waiting pods as they were
    /// placed.
    pub(super) fn new(fleet: &Fleet<'m>, pool: &'m Pool, housed: Option<&Housed>) -> Self {
        let seen = fleet.seen;
        let mut filters = Filters::new(seen);
        let mut asked_as = Vec::with_capacity(pool.bodies.len());
        for (at, (body, spec)) in pool.bodies.iter().zip(&seen.specs).enumerate() {
            let own = if Arc::ptr_eq(body, spec) {
                count(at)
            } else {
                filters.learn(body)
            };
            asked_as.push(own);
        }
        let daemons = seen.workloads.iter().filter(|workload| workload.is_daemon_set());
        let daemons = daemons.filter_map(|workload| {
            let spec = seen.specs.get(size(workload.template?))?;
            Some((workload.template?, &**spec))
        });
        let mut ties = Self {
            daemons: daemons.collect(),
            seen,
            pool,
            filters,
            asked_as,
            spare: BTreeMap::new(),
            made: 0,
            journal: Vec::new(),
        };
        ties.carry_over(fleet);
        for (name, pods) in housed.iter().flat_map(|housed| &housed.pods) {
            let pods = pods.iter().filter_map(|(_, pod)| seen.pod(pod));
            if let Some(node) = seen.node(name) {
                pods.for_each(|pod| ties.filters.put(pod.spec, &node.name));
            }
        }
        ties
    }

    /// Pods of removals under way stand where room was kept for them.
    fn carry_over(&mut self, fleet: &Fleet<'_>) {
        let mut leaving: BTreeMap<u32, Vec<(usize, u32)>> = BTreeMap::new();
        let begun = |at: &usize| {
            let node = self.seen.nodes.get(*at);
            node.is_some_and(|node| self.seen.ledger.removal_of(&node.name).is_some())
        };
        for at in (0..fleet.bins.len()).filter(begun) {
            for (kind, copies) in &fleet.bins[at].load {
                leaving.entry(*kind).or_default().push((at, *copies));
            }
        }
        for put in fleet.since(0) {
            let mut left = put.copies;
            for (at, there) in leaving.entry(put.kind).or_default() {
                let copies = left.min(*there);
                (*there, left) = (*there - copies, left - copies);
                self.lift(*at, &[(put.kind, copies)]);
            }
            self.put(*put);
        }
        (0..fleet.bins.len()).filter(begun).for_each(|at| self.cordon(at));
        self.journal.clear();
    }

    /// A place in the journal.
    pub(super) const fn mark(&self) -> usize {
        self.journal.len()
    }

    /// Takes back what was done since.
    pub(super) fn undo(&mut self, mark: usize) {
        while self.journal.len() > mark {
            match self.journal.pop() {
                Some(Change::Put(spec, node)) => self.filters.take(spec, node),
                Some(Change::Taken(spec, node)) => self.filters.put(spec, node),
                Some(Change::Added(new, sort)) => {
                    if let Some(node) = self.pool.nodes[new].get() {
                        self.filters.drop_node(&node.name);
                    }
                    self.spare.entry(sort).or_default().push(new);
                }
                Some(Change::Cordoned(bin)) => {
                    if let Some(node) = self.seen.nodes.get(bin) {
                        self.filters.change_node(node);
                    }
                }
                None => return,
            }
        }
    }

    /// What was done stays.
    pub(super) fn keep(&mut self) {
        self.journal.clear();
    }

    /// Cordons a node, for rules that leave nodes out whose taints a pod does not tolerate.
    pub(super) fn cordon(&mut self, bin: usize) {
        let pool = self.pool;
        let Some((cordoned, node)) = pool.cordoned.get(bin).zip(self.seen.nodes.get(bin)) else {
            return;
        };
        if node.unschedulable {
            return;
        }
        self.filters
            .change_node(cordoned.get_or_init(|| as_cordoned(node)));
        self.journal.push(Change::Cordoned(bin));
    }

    /// Cordons a node and takes pods off it.
    pub(super) fn empty(&mut self, bin: usize, load: &[(u32, u32)]) {
        self.lift(bin, load);
        self.cordon(bin);
    }

    /// Takes pods off a node.
    pub(super) fn lift(&mut self, bin: usize, load: &[(u32, u32)]) {
        let Some(node) = self.seen.nodes.get(bin) else {
            return;
        };
        for (kind, copies) in load {
            for _ in 0..*copies {
                self.filters.take(*kind, &node.name);
                self.journal.push(Change::Taken(*kind, &node.name));
            }
        }
    }

    /// Puts pods onto a node that is there, unasked.
    pub(super) fn put(&mut self, put: Put) {
        if let Some(node) = self.seen.nodes.get(size(put.bin)) {
            for _ in 0..put.copies {
                self.put_onto(put.kind, &node.name);
            }
        }
    }

    fn put_onto(&mut self, kind: u32, node: &'m NodeName) {
        let spec = self.asked_as[size(kind)];
        self.filters.put(spec, node);
        self.journal.push(Change::Put(spec, node));
    }

    /// Puts one pod onto a node that is there, where the filters admit it.
    pub(super) fn place(&mut self, kind: u32, bin: usize) -> bool {
        self.seen
            .nodes
            .get(bin)
            .is_some_and(|node| self.place_onto(kind, &node.name))
    }

    /// Puts one pod onto a new node, where the filters admit it.
    pub(super) fn place_new(&mut self, kind: u32, new: New) -> bool {
        let pool = self.pool;
        pool.nodes[new]
            .get()
            .is_some_and(|node| self.place_onto(kind, &node.name))
    }

    /// Puts pods onto a new node, unasked.
    pub(super) fn put_new(&mut self, kind: u32, copies: u32, new: New) {
        let pool = self.pool;
        if let Some(node) = pool.nodes[new].get() {
            (0..copies).for_each(|_| self.put_onto(kind, &node.name));
        }
    }

    fn place_onto(&mut self, kind: u32, node: &'m NodeName) -> bool {
        let admitted = self.filters.judge(self.asked_as[size(kind)], node).is_ok();
        if admitted {
            self.put_onto(kind, node);
        }
        admitted
    }

    /// One more new node, with the DaemonSet pods that run on it; `None` where there are too many.
    pub(super) fn add(&mut self, sort: Sort) -> Option<New> {
        let new = if let Some(new) = self.spare.get_mut(&sort).and_then(Vec::pop) {
            new
        } else {
            let new = self.made;
            self.pool.nodes.get(new)?.get_or_init(|| self.node_of(sort, new));
            self.made += 1;
            new
        };
        let node = self.pool.nodes[new].get()?;
        self.filters.add_node(node);
        self.journal.push(Change::Added(new, sort));
        for at in 0..self.daemons.len() {
            let (number, spec) = self.daemons[at];
            if fit::daemon_runs(spec, Place::of_node(node)) {
                self.filters.put(number, &node.name);
            }
        }
        Some(new)
    }

    fn node_of(&self, sort: Sort, new: New) -> Node {
        let name = NodeName::new(format!("plimsoll.io/new-{new}"));
        let mut node = joining::node_of(self.seen, sort.offer, name);
        if sort.endless {
            let amounts = &mut node.allocatable;
            amounts.cpu_milli = ENDLESS;
            amounts.memory_bytes = ENDLESS;
            amounts.ephemeral_bytes = ENDLESS;
            amounts.extended.values_mut().for_each(|amount| *amount = ENDLESS);
            node.max_pods = u32::MAX;
        }
        node
    }

    /// What objects to one more pod of the kind on a node that is there, as the rule that holds it; `None` where nothing
    /// does, or it is no rule but room.
    pub(super) fn holds(&self, kind: u32, bin: usize) -> Option<Holds> {
        let node = self.seen.nodes.get(bin)?;
        let objection = self.filters.judge(self.asked_as[size(kind)], &node.name).err()?;
        let spec = &self.pool.bodies[size(kind)];
        let near = |key: &str, is: fn(&NearRule) -> bool| {
            spec.near.iter().find(|near| near.key == key && is(&near.rule))
        };
        match objection {
            Objection::TooMany { key, skew, .. } => {
                let rule = near(&key, |rule| matches!(rule, NearRule::Spread { .. }))?;
                let of = rule.selector.clone();
                Some(Holds::Spread { key, of, skew })
            }
            Objection::NobodyNear { key, .. } => {
                let with = near(&key, |rule| *rule == NearRule::Together)?.selector.clone();
                Some(Holds::Affinity { key, with })
            }
            Objection::SomebodyNear { key, .. } => {
                let from = near(&key, |rule| *rule == NearRule::Apart)?.selector.clone();
                Some(Holds::AntiAffinity { key, from })
            }
            Objection::Unwanted { key, .. } => Some(Holds::Unwanted { key }),
            Objection::HostPort(port) => Some(Holds::HostPort {
                port: port.port,
                protocol: port.protocol,
            }),
            Objection::ClaimTaken(claim) => Some(Holds::Claim { claim }),
            Objection::Unmodelled(what) => Some(Holds::Unmodelled(what)),
            Objection::NoSuchNode(_)
            | Objection::Unschedulable
            | Objection::Misfit(_)
            | Objection::NoDomain { .. } => None,
        }
    }
}

/// The node as a cordon leaves it, with the taint that the node lifecycle controller adds.
fn as_cordoned(node: &Node) -> Node {
    let mut cordoned = node.clone();
    cordoned.unschedulable = true;
    if !cordoned.taints.iter().any(|taint| taint.key == CORDON) {
        cordoned.taints.push(Taint {
            key: CORDON.to_owned(),
            value: String::new(),
            effect: TaintEffect::NoSchedule,
        });
    }
    cordoned
}
