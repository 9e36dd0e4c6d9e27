//! kube-scheduler's default filters, pod by pod: may this pod run on that node now, and what objects if not.
//!
//! Source: the filter plugins of kube-scheduler 1.36 in their default configuration; tests/referee holds every
//! verdict against the real ones. Pods are put and taken one at a time, and counts follow, so that a question costs
//! the same however many pods there are. Only what kube-scheduler asks is asked here: whether a node is ready, being
//! removed or Fargate's is the caller's business. Deliberately absent: scores, preemption, preferences. Claims on
//! devices and other constraints that are not modelled are objections of their own.

mod company;
mod objection;
mod spread;
mod standing;

pub use objection::{Objection, Plugin};

use crate::selecting::{Selected, Selectors};
use company::Tally;
use model::ids::NodeName;
use model::node::Node;
use model::pod::{Near, NearRule, PodPhase, PodSpec, SpecIx};
use model::snapshot::Snapshot;
use spread::{Question, Spread};
use standing::Standing;
use std::collections::BTreeMap;

/// Nodes with the pods on them, counted for every rule of every kind of pod that is known.
///
/// With `r` rules about other pods that mean or belong to a kind (usually 0 to 4) and `d` domains: [`Filters::judge`],
/// [`Filters::put`] and [`Filters::take`] cost O(r · log d) and the pod's own rules; [`Filters::new`] and
/// [`Filters::learn`] hold each kind against each rule once, and each rule against each node.
#[derive(Clone, Debug)]
pub struct Filters<'a> {
    nodes: BTreeMap<&'a NodeName, Standing<'a>>,
    kinds: Vec<Kind<'a>>,
    /// Pods that terms mean.
    meant: Vec<Tally<'a>>,
    /// Pods that have an anti-affinity.
    owners: Vec<Tally<'a>>,
    spreads: Vec<Spread<'a>>,
    /// Claims that are for one pod alone, by namespace and name, and how many pods have each all the same.
    claims: BTreeMap<(&'a String, &'a String), u32>,
    meant_by: BTreeMap<Vec<&'a Near>, usize>,
    owned_by: BTreeMap<&'a Near, usize>,
    asked_by: BTreeMap<Question<'a>, usize>,
    by_label: ByLabel<'a>,
}

/// Rules and kinds by labels, so that they are held against each other only where one may mean the other.
#[derive(Clone, Debug, Default)]
struct ByLabel<'a> {
    kinds: Selected<'a>,
    meant: Selectors<'a>,
    owners: Selectors<'a>,
    spreads: Selectors<'a>,
}

/// Pods of one spec, and the counts that they ask or are in. Numbers are places in the lists of [`Filters`].
#[derive(Clone, Debug)]
struct Kind<'a> {
    spec: &'a PodSpec,
    /// Its affinity, all terms together.
    together: Option<usize>,
    /// Its anti-affinity, by term.
    apart: Vec<usize>,
    spread: Option<usize>,
    /// Where it is counted as one that is meant.
    meant_in: Vec<usize>,
    /// Where it is counted as the owner of a term.
    owner_in: Vec<usize>,
    /// Whose owners do not want it near.
    unwanted_by: Vec<usize>,
    spread_in: Vec<usize>,
}

impl<'a> Filters<'a> {
    /// Everything as it stands: pods that hold resources are on their nodes, terminating ones included.
    pub fn new(seen: &'a Snapshot) -> Self {
        let mut filters = Self {
            nodes: BTreeMap::new(),
            kinds: Vec::with_capacity(seen.specs.len()),
            meant: Vec::new(),
            owners: Vec::new(),
            spreads: Vec::new(),
            claims: BTreeMap::new(),
            meant_by: BTreeMap::new(),
            owned_by: BTreeMap::new(),
            asked_by: BTreeMap::new(),
            by_label: ByLabel::default(),
        };
        for spec in &seen.specs {
            filters.learn(spec);
        }
        for node in &seen.nodes {
            filters.add_node(node);
        }
        for pod in seen.pods.iter().filter(|pod| pod.holds_resources()) {
            if let Some(node) = &pod.node {
                filters.change(pod.spec, node, Change::put(pod.phase == PodPhase::Terminating));
            }
        }
        filters
    }

    /// The number by which a spec is asked about. Specs of the Snapshot have theirs already, the one that their pods
    /// name; every call gives a new one.
    pub fn learn(&mut self, spec: &'a PodSpec) -> SpecIx {
        let terms = |rule| spec.near.iter().filter(move |near| near.rule == rule);
        let together: Vec<&Near> = terms(NearRule::Together).collect();
        let together = (!together.is_empty()).then(|| self.meant(together));
        let apart: Vec<usize> = terms(NearRule::Apart)
            .map(|near| self.meant(vec![near]))
            .collect();
        let owner_in: Vec<usize> = terms(NearRule::Apart).map(|near| self.owners(near)).collect();
        let spread = Question::of(spec).map(|question| self.spread(question));
        let places = |tallies: &[Tally<'_>], selectors: &Selectors<'_>| -> Vec<usize> {
            let all = selectors.of(&spec.labels).into_iter();
            all.filter(|ix| tallies[*ix].means(spec)).collect()
        };
        let spreads = self.by_label.spreads.of(&spec.labels).into_iter();
        self.by_label.kinds.insert(self.kinds.len(), &spec.labels);
        self.kinds.push(Kind {
            spec,
            together,
            apart,
            spread,
            meant_in: places(&self.meant, &self.by_label.meant),
            owner_in,
            unwanted_by: places(&self.owners, &self.by_label.owners),
            spread_in: spreads.filter(|ix| self.spreads[*ix].means(spec)).collect(),
        });
        SpecIx::try_from(self.kinds.len() - 1).unwrap_or(SpecIx::MAX)
    }

    /// One more node, empty; one of the same name that is there is dropped first.
    pub fn add_node(&mut self, node: &'a Node) {
        self.drop_node(&node.name);
        let standing = Standing::new(node);
        for spread in &mut self.spreads {
            spread.add_node(&standing);
        }
        self.nodes.insert(&node.name, standing);
    }

    /// The node as it is now, with the pods that are on it: cordoned, or so no longer.
    pub fn change_node(&mut self, node: &'a Node) {
        let there = self.nodes.get(&node.name);
        let pods = there.map(|at| at.kinds.clone()).unwrap_or_default();
        self.add_node(node);
        for (kind, count) in pods {
            (0..count.staying).for_each(|_| self.change(kind, &node.name, Change::PUT));
            (0..count.leaving).for_each(|_| self.change(kind, &node.name, Change::put(true)));
        }
    }

    /// Without this node and the pods on it.
    pub fn drop_node(&mut self, node: &NodeName) {
        let Some(standing) = self.nodes.get(node) else {
            return;
        };
        for (kind, count) in standing.kinds.clone() {
            for _ in 0..count.staying {
                self.change(kind, node, Change::TAKE);
            }
            for _ in 0..count.leaving {
                self.change(kind, node, Change::TAKE_LEAVING);
            }
        }
        if let Some(standing) = self.nodes.remove(node) {
            for spread in &mut self.spreads {
                spread.drop_node(&standing);
            }
        }
    }

    /// One more pod of this spec on the node. It is not asked whether it may.
    pub fn put(&mut self, spec: SpecIx, node: &NodeName) {
        self.change(spec, node, Change::PUT);
    }

    /// One pod fewer of this spec on the node; nothing where none is. A terminating pod is taken only when no other
    /// of its spec is there.
    pub fn take(&mut self, spec: SpecIx, node: &NodeName) {
        let there = self.nodes.get(node).and_then(|at| at.kinds.get(&spec));
        match there.copied().unwrap_or_default() {
            count if count.staying > 0 => self.change(spec, node, Change::TAKE),
            count if count.leaving > 0 => self.change(spec, node, Change::TAKE_LEAVING),
            _ => {}
        }
    }

    /// What objects first, in kube-scheduler's order, to one more pod of this spec on the node.
    pub fn judge(&self, spec: SpecIx, node: &NodeName) -> Result<(), Objection> {
        let (kind, at) = self.asked(spec, node)?;
        Self::CHECKS.iter().try_for_each(|check| check(self, kind, at))
    }

    /// Everything that objects, in the same order, one objection for each check.
    pub fn objections(&self, spec: SpecIx, node: &NodeName) -> Vec<Objection> {
        match self.asked(spec, node) {
            Ok((kind, at)) => Self::CHECKS
                .iter()
                .filter_map(|check| check(self, kind, at).err())
                .collect(),
            Err(objection) => vec![objection],
        }
    }

    fn asked(&self, spec: SpecIx, node: &NodeName) -> Result<(&Kind<'a>, &Standing<'a>), Objection> {
        let kind = self.kinds.get(spec as usize);
        kind.zip(self.nodes.get(node))
            .ok_or_else(|| Objection::NoSuchNode(node.clone()))
    }

    /// The plugins, in order.
    const CHECKS: [Check<'a>; 10] = [
        |_, kind, at| at.cordon(kind.spec),
        |_, kind, at| at.rules(kind.spec),
        |_, kind, at| at.ports(kind.spec),
        |_, kind, at| at.amounts(kind.spec),
        |all, kind, _| all.claims_of(kind),
        |_, kind, at| at.attachments(kind.spec),
        |_, kind, _| unmodelled(kind.spec),
        |_, kind, at| at.reach(kind.spec),
        Self::spread_of,
        Self::company_of,
    ];

    /// VolumeRestrictions.
    fn claims_of(&self, kind: &Kind<'a>) -> Result<(), Objection> {
        let taken = |claim: &&String| self.claims.contains_key(&(&kind.spec.namespace, *claim));
        match kind.spec.exclusive.iter().find(taken) {
            Some(claim) => Err(Objection::ClaimTaken(claim.clone())),
            None => Ok(()),
        }
    }

    fn spread_of(&self, kind: &Kind<'a>, at: &Standing<'a>) -> Result<(), Objection> {
        let spread = kind.spread.and_then(|ix| self.spreads.get(ix));
        spread.map_or(Ok(()), |spread| spread.judge(kind.spec, at))
    }

    fn company_of(&self, kind: &Kind<'a>, at: &Standing<'a>) -> Result<(), Objection> {
        if let Some(tally) = kind.together.and_then(|ix| self.meant.get(ix)) {
            tally.together(kind.spec, at)?;
        }
        for tally in kind.apart.iter().filter_map(|ix| self.meant.get(*ix)) {
            tally.apart(at)?;
        }
        for tally in kind.unwanted_by.iter().filter_map(|ix| self.owners.get(*ix)) {
            tally.unwanted(at)?;
        }
        Ok(())
    }
}

type Check<'a> = fn(&Filters<'a>, &Kind<'a>, &Standing<'a>) -> Result<(), Objection>;

fn unmodelled(spec: &PodSpec) -> Result<(), Objection> {
    match spec.unmodelled.first() {
        Some(what) => Err(Objection::Unmodelled(*what)),
        None => Ok(()),
    }
}

/// A pod that comes or goes.
#[derive(Clone, Copy)]
struct Change {
    comes: bool,
    /// It is terminating: a spread does not count it, everything else does.
    leaving: bool,
}

impl Change {
    const PUT: Self = Self::put(false);
    const TAKE: Self = Self {
        comes: false,
        leaving: false,
    };
    const TAKE_LEAVING: Self = Self {
        comes: false,
        leaving: true,
    };

    const fn put(leaving: bool) -> Self {
        Self { comes: true, leaving }
    }
}

/// Counts that follow.
impl<'a> Filters<'a> {
    fn change(&mut self, spec: SpecIx, node: &NodeName, change: Change) {
        let Some((kind, at)) = self.kinds.get(spec as usize).zip(self.nodes.get_mut(node)) else {
            return;
        };
        let count = at.kinds.entry(spec).or_default();
        let own = if change.leaving {
            &mut count.leaving
        } else {
            &mut count.staying
        };
        if change.comes {
            *own += 1;
            at.put(kind.spec);
        } else {
            *own = own.saturating_sub(1);
            if count.all() == 0 {
                at.kinds.remove(&spec);
            }
            at.take(kind.spec);
        }
        let tally = |tally: &mut Tally<'a>| {
            if change.comes {
                tally.put(at, 1);
            } else {
                tally.take(at, 1);
            }
        };
        for claim in &kind.spec.exclusive {
            let having = self.claims.entry((&kind.spec.namespace, claim)).or_insert(0);
            *having = if change.comes {
                *having + 1
            } else {
                having.saturating_sub(1)
            };
            if *having == 0 {
                self.claims.remove(&(&kind.spec.namespace, claim));
            }
        }
        each(&mut self.meant, &kind.meant_in, tally);
        each(&mut self.owners, &kind.owner_in, tally);
        if !change.leaving {
            each(&mut self.spreads, &kind.spread_in, |spread| {
                if change.comes {
                    spread.put(kind.spec, at, 1);
                } else {
                    spread.take(kind.spec, at, 1);
                }
            });
        }
    }

    /// The tally of pods that all these terms mean.
    fn meant(&mut self, terms: Vec<&'a Near>) -> usize {
        if let Some(ix) = self.meant_by.get(&terms) {
            return *ix;
        }
        let ix = self.meant.len();
        let mut tally = Tally::new(terms.clone());
        // All of its terms must mean a pod: one of them finds who may be meant.
        let kinds = match terms.first() {
            Some(first) => {
                self.by_label.meant.insert(ix, &first.selector);
                self.by_label.kinds.by(&first.selector)
            }
            None => Vec::new(),
        };
        for kind in kinds {
            let row = &mut self.kinds[kind];
            if tally.means(row.spec) {
                row.meant_in.push(ix);
                stand(&self.nodes, kind, |at, count| tally.put(at, count.all()));
            }
        }
        self.meant.push(tally);
        self.meant_by.insert(terms, ix);
        ix
    }

    /// The tally of pods that have this anti-affinity.
    fn owners(&mut self, term: &'a Near) -> usize {
        if let Some(ix) = self.owned_by.get(term) {
            return *ix;
        }
        // Nobody known owns it, or it would be known: there is nobody to count.
        let ix = self.owners.len();
        let tally = Tally::new(vec![term]);
        self.by_label.owners.insert(ix, &term.selector);
        for kind in self.by_label.kinds.by(&term.selector) {
            let row = &mut self.kinds[kind];
            if tally.means(row.spec) {
                row.unwanted_by.push(ix);
            }
        }
        self.owners.push(tally);
        self.owned_by.insert(term, ix);
        ix
    }

    fn spread(&mut self, question: Question<'a>) -> usize {
        if let Some(ix) = self.asked_by.get(&question) {
            return *ix;
        }
        let ix = self.spreads.len();
        let mut spread = Spread::new(&question);
        for at in self.nodes.values() {
            spread.add_node(at);
        }
        let mut kinds: Vec<usize> = Vec::new();
        for near in question.rules() {
            self.by_label.spreads.insert(ix, &near.selector);
            kinds.extend(self.by_label.kinds.by(&near.selector));
        }
        kinds.sort_unstable();
        kinds.dedup();
        for kind in kinds {
            let row = &mut self.kinds[kind];
            if spread.means(row.spec) {
                row.spread_in.push(ix);
                stand(&self.nodes, kind, |at, count| {
                    spread.put(row.spec, at, count.staying);
                });
            }
        }
        self.spreads.push(spread);
        self.asked_by.insert(question, ix);
        ix
    }
}

fn each<T>(all: &mut [T], places: &[usize], mut change: impl FnMut(&mut T)) {
    for ix in places {
        if let Some(one) = all.get_mut(*ix) {
            change(one);
        }
    }
}

/// Nodes on which pods of a kind stand.
fn stand<'a>(
    nodes: &BTreeMap<&'a NodeName, Standing<'a>>,
    kind: usize,
    mut of: impl FnMut(&Standing<'a>, standing::Count),
) {
    let Ok(kind) = SpecIx::try_from(kind) else { return };
    for at in nodes.values() {
        if let Some(count) = at.kinds.get(&kind) {
            of(at, *count);
        }
    }
}

#[cfg(test)]
mod tests;
