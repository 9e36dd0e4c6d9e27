//! The running cluster as packed: by node, what is free and who could move; a journal, so that a probe touches only
//! what it changes and is taken back without a copy.
//!
//! Nodes are indices here, pods are counts of kinds. Who may be moved at all is asked of `crew`, what moving is
//! worth of `prices`.

use super::bins::Bin;
use super::crew::{self, Kind};
use crate::fit::{self, Place};
use crate::number::size;
use crate::rooms::Housed;
use crate::space::{self, Space};
use crate::tenants::Tenants;
use model::aims::Aims;
use model::ids::{NodeName, PodKey};
use model::intent::{Intent, IntentKind, RemoveStage};
use model::node::Node;
use model::offer::Offer;
use model::pod::{Pod, PodPhase, PodSpec, Taint};
use model::snapshot::Snapshot;
use model::time::Span;
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

/// See the module.
pub(crate) struct Fleet<'a> {
    pub(super) seen: &'a Snapshot,
    pub(crate) tenants: &'a Tenants,
    pub(super) space: Space,
    /// By spec.
    pub(super) kinds: Vec<Kind<'a>>,
    /// Nodes of the Snapshot in its order, then nodes that launches still have to bring.
    pub(super) bins: Vec<Bin>,
    /// By bin: amounts, one after the other.
    free: Vec<i64>,
    dims: usize,
    /// One spec for each set of placing rules.
    rules: Vec<&'a PodSpec>,
    /// By rule times bins plus bin: whether it admits; found out when first asked.
    admits: Vec<Cell<Admits>>,
    journal: Vec<Put>,
    /// By bin: lone crowds of which a pod is there.
    company: Vec<Vec<u32>>,
    /// By name: bins of nodes that are still to come.
    coming: BTreeMap<NodeName, usize>,
    /// For so long pods of nodes that are given up are asked to leave.
    pub(super) repair_grace: Span,
}

/// Pods of a kind put onto a bin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Put {
    pub(super) bin: u32,
    pub(super) kind: u32,
    pub(super) copies: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Admits {
    Unknown,
    Yes,
    No,
}

impl<'a> Fleet<'a> {
    pub(crate) fn new((seen, tenants): (&'a Snapshot, &'a Tenants), aims: &Aims) -> Self {
        let space = Space::of(seen.specs.iter().map(AsRef::as_ref));
        let nobody = seen.nodes.is_empty() && seen.ledger.intents.is_empty();
        let (kinds, rules) = if nobody {
            Default::default()
        } else {
            crew::kinds(seen, aims, &space)
        };
        let bins: Vec<Bin> = seen.nodes.iter().map(|node| Bin::of(seen, node)).collect();
        let dims = space.capacity(&model::Resources::default(), 0).len();
        let mut fleet = Self {
            free: Vec::with_capacity(bins.len() * dims),
            dims,
            admits: Vec::new(),
            journal: Vec::new(),
            company: vec![Vec::new(); bins.len()],
            coming: BTreeMap::new(),
            repair_grace: model::repair::grace(aims),
            seen,
            tenants,
            space,
            kinds,
            bins,
            rules,
        };
        for node in &seen.nodes {
            let room = fleet.space.capacity(&node.allocatable, node.max_pods);
            fleet.free.extend(room);
        }
        fleet.board();
        fleet.expect(aims);
        fleet.admits = vec![Cell::new(Admits::Unknown); fleet.rules.len() * fleet.bins.len()];
        fleet
    }

    /// Puts the pods onto their nodes, and the DaemonSet pods that are still missing there.
    fn board(&mut self) {
        let (seen, tenants) = (self.seen, self.tenants);
        let daemons = daemons(seen);
        let mut there: BTreeSet<(usize, usize)> = BTreeSet::new();
        for (at, pods) in tenants.by_node().enumerate() {
            let (bin, free) = (
                &mut self.bins[at],
                &mut self.free[at * self.dims..(at + 1) * self.dims],
            );
            for of in pods {
                let pod = &seen.pods[size(*of)];
                let Some(kind) = self.kinds.get(size(pod.spec)) else {
                    continue;
                };
                space::take(free, &kind.ask, 1);
                self.company[at].extend(&kind.crowds);
                if kind.of_node {
                    let owner = kind.spec.owner.as_ref();
                    if let Some(daemon) = daemons.iter().position(|(key, _)| Some(*key) == owner) {
                        there.insert((at, daemon));
                    }
                    continue;
                }
                bin.pods.push(*of);
                if pod.phase == PodPhase::Terminating {
                    continue;
                }
                if kind.expendable {
                    bin.expendable += 1;
                } else {
                    add(&mut bin.load, pod.spec, 1);
                }
            }
        }
        for (at, node) in self.seen.nodes.iter().enumerate() {
            for (daemon, (_, spec)) in daemons.iter().enumerate() {
                if !there.contains(&(at, daemon)) && fit::daemon_runs(spec, Place::of_node(node)) {
                    let ask = self.space.request(&spec.requests);
                    self.take(at, &ask);
                }
            }
        }
    }

    /// Adds the nodes that launches still have to bring, and marks those they have just brought.
    fn expect(&mut self, aims: &Aims) {
        let seen = self.seen;
        let daemons = daemons(seen);
        let mut claimed: BTreeSet<&NodeName> = BTreeSet::new();
        for intent in &seen.ledger.intents {
            let IntentKind::Launch {
                offer,
                count,
                planned,
                ..
            } = &intent.kind
            else {
                continue;
            };
            let arrived = arrived(seen, intent, &mut claimed);
            for node in &arrived {
                if let Some(bin) = self.index(node) {
                    self.bins[bin].awaited = true;
                }
            }
            let (Some(ix), true) = (seen.offer_ix(offer), seen.at <= intent.deadline) else {
                continue;
            };
            let outstanding = size(*count).saturating_sub(arrived.len());
            for name in planned.iter().skip(planned.len().saturating_sub(outstanding)) {
                let mut room = self
                    .space
                    .capacity(&seen.offers[ix].allocatable, seen.offers[ix].max_pods);
                for (_, spec) in &daemons {
                    if fit::daemon_runs(spec, place_of(seen, &seen.offers[ix])) {
                        space::take(&mut room, &self.space.request(&spec.requests), 1);
                    }
                }
                self.free.extend(room);
                self.company.push(Vec::new());
                self.coming.insert(name.clone(), self.bins.len());
                self.bins.push(Bin::planned(name, ix, seen.offers[ix].price));
            }
        }
        // A node that is no longer booting in time is no place to count on.
        for (bin, node) in self.bins.iter_mut().zip(&seen.nodes) {
            bin.awaited &= node.ready || seen.is_booting(node, aims);
        }
    }

    /// The bin of a node that is there or still to come.
    pub(super) fn index(&self, name: &NodeName) -> Option<usize> {
        let there = self.seen.nodes.binary_search_by(|node| node.name.cmp(name));
        there.ok().or_else(|| self.coming.get(name).copied())
    }

    /// Offer of a bin, by its index; none where nobody knows.
    pub(super) fn offer(&self, bin: usize) -> Option<usize> {
        self.bins[bin].planned.or_else(|| {
            let id = self.node(bin)?.offer.as_ref()?;
            self.seen.offer_ix(id)
        })
    }

    /// The node of a bin, where it is there.
    pub(super) fn node(&self, bin: usize) -> Option<&'a Node> {
        self.seen.nodes.get(bin)
    }

    pub(super) fn free(&self, bin: usize) -> &[i64] {
        &self.free[bin * self.dims..(bin + 1) * self.dims]
    }

    /// Whether rules let pods of the kind onto the bin.
    pub(super) fn admits(&self, kind: u32, bin: usize) -> bool {
        let rule = self.kinds[size(kind)].rule;
        let known = &self.admits[rule * self.bins.len() + bin];
        if known.get() == Admits::Unknown {
            let admitted = self.admitted(self.rules[rule], bin);
            known.set(if admitted { Admits::Yes } else { Admits::No });
        }
        known.get() == Admits::Yes
    }

    fn admitted(&self, spec: &PodSpec, bin: usize) -> bool {
        if let Some(node) = self.node(bin) {
            if node.ready {
                return fit::admits(spec, Place::of_node(node));
            }
            let stays = |taint: &&Taint| !taint.key.starts_with("node.");
            let taints: Vec<Taint> = node.taints.iter().filter(stays).cloned().collect();
            let place = Place {
                taints: &taints,
                ..Place::of_node(node)
            };
            return fit::admits(spec, place);
        }
        let offer = self.bins[bin].planned.map(|ix| &self.seen.offers[ix]);
        offer.is_some_and(|offer| fit::admits(spec, place_of(self.seen, offer)))
    }

    /// How many pods of the kind those who are on the bin let onto it, amounts apart.
    pub(super) fn lets(&self, bin: usize, kind: u32) -> u32 {
        let (crowds, company) = (&self.kinds[size(kind)].crowds, &self.company[bin]);
        match crowds.as_slice() {
            [] => u32::MAX,
            crowds => u32::from(!crowds.iter().any(|crowd| company.contains(crowd))),
        }
    }

    /// Whether pods of two kinds may be on one node, as far as they are kept apart from each other.
    pub(super) fn get_on(&self, kind: u32, other: u32) -> bool {
        let others = &self.kinds[size(other)].crowds;
        !self.kinds[size(kind)]
            .crowds
            .iter()
            .any(|crowd| others.contains(crowd))
    }

    /// How many pods of the kind the bin takes, at most `most`.
    pub(super) fn takes(&self, bin: usize, kind: u32, most: u32) -> u32 {
        let most = most.min(self.lets(bin, kind));
        let copies = space::copies(self.free(bin), &self.kinds[size(kind)].ask, most);
        if copies > 0 && self.admits(kind, bin) {
            copies
        } else {
            0
        }
    }

    /// Takes room that is not given back.
    pub(super) fn take(&mut self, bin: usize, ask: &[i64]) {
        space::take(&mut self.free[bin * self.dims..(bin + 1) * self.dims], ask, 1);
    }

    /// Gives room back that `take` took.
    pub(super) fn give(&mut self, bin: usize, ask: &[i64]) {
        space::put(&mut self.free[bin * self.dims..(bin + 1) * self.dims], ask, 1);
    }

    /// Puts pods onto a bin, to be taken back by `undo`.
    pub(super) fn put(&mut self, put: Put) {
        let at = size(put.bin) * self.dims;
        let kind = &self.kinds[size(put.kind)];
        space::take(&mut self.free[at..at + self.dims], &kind.ask, put.copies);
        self.company[size(put.bin)].extend(&kind.crowds);
        self.journal.push(put);
    }

    /// A place in the journal.
    pub(super) const fn mark(&self) -> usize {
        self.journal.len()
    }

    /// What was put since.
    pub(super) fn since(&self, mark: usize) -> &[Put] {
        &self.journal[mark..]
    }

    /// Takes back what was put since.
    pub(super) fn undo(&mut self, mark: usize) {
        while self.journal.len() > mark {
            let Some(put) = self.journal.pop() else { break };
            let at = size(put.bin) * self.dims;
            let kind = &self.kinds[size(put.kind)];
            space::put(&mut self.free[at..at + self.dims], &kind.ask, put.copies);
            // They came last.
            let company = &mut self.company[size(put.bin)];
            company.truncate(company.len().saturating_sub(kind.crowds.len()));
        }
    }

    /// Takes the room of what was placed in this cycle.
    pub(crate) fn house(&mut self, housed: &Housed) {
        for (name, asks) in &housed.asks {
            let Some(bin) = self.index(name) else { continue };
            let pods = housed.pods.get(name).map_or(&[][..], Vec::as_slice);
            for (ask, (_, pod)) in asks.iter().zip(pods) {
                let waiting = self.seen.pod(pod).and_then(|pod| self.kinds.get(size(pod.spec)));
                let crowds = waiting.map_or(&[][..], |kind| &kind.crowds);
                self.company[bin].extend(crowds);
                let ask = self.space.request(ask);
                self.take(bin, &ask);
                if crate::demand::is_headroom(pod) {
                    self.bins[bin].headroom.push(ask);
                } else {
                    self.bins[bin].awaited = true;
                }
            }
        }
    }

    /// Free share of CPU and memory together, in thousandths.
    pub(super) fn emptiness(&self, bin: usize) -> i64 {
        let Some(node) = self.node(bin) else { return 2000 };
        let whole = self.space.capacity(&node.allocatable, node.max_pods);
        let share = |(free, whole): (&i64, &i64)| (*free).max(0).saturating_mul(1000) / (*whole).max(1);
        self.free(bin).iter().zip(&whole).take(2).map(share).sum()
    }

    /// Pods on the bin that would have to move, by name.
    pub(super) fn movers(&self, bin: usize) -> impl Iterator<Item = (&'a PodKey, u32)> {
        let seen = self.seen;
        let pods = self.bins[bin].pods.iter().map(|at| &seen.pods[size(*at)]);
        let moves = |pod: &&Pod| pod.phase != PodPhase::Terminating && !self.kinds[size(pod.spec)].expendable;
        pods.filter(moves).map(|pod| (&pod.key, pod.spec))
    }
}

/// Adds to counts by kind.
pub(super) fn add(load: &mut Vec<(u32, u32)>, kind: u32, copies: u32) {
    match load.iter_mut().find(|(known, _)| *known == kind) {
        Some((_, there)) => *there = there.saturating_add(copies),
        None => load.push((kind, copies)),
    }
}

fn daemons(seen: &Snapshot) -> Vec<(&model::WorkloadKey, &PodSpec)> {
    seen.workloads
        .iter()
        .filter(|workload| workload.is_daemon_set())
        .filter_map(|workload| Some((&workload.key, seen.specs.get(size(workload.template?))?.as_ref())))
        .collect()
}

pub(super) fn place_of<'a>(seen: &'a Snapshot, offer: &'a Offer) -> Place<'a> {
    Place {
        labels: &offer.labels,
        name: "",
        taints: seen
            .groups
            .get(size(offer.group))
            .map_or(&[][..], |group| &group.taints),
    }
}

/// Nodes of a launch that are in the cluster: those it names first, then those it claims and no launch before it
/// has counted.
pub(super) fn arrived<'a>(
    seen: &'a Snapshot,
    intent: &'a Intent,
    claimed: &mut BTreeSet<&'a NodeName>,
) -> Vec<&'a NodeName> {
    let IntentKind::Launch { count, joined, .. } = &intent.kind else {
        return Vec::new();
    };
    let mut arrived: Vec<&NodeName> = joined.iter().collect();
    for node in &seen.nodes {
        if arrived.len() >= size(*count) {
            break;
        }
        let new = !arrived.contains(&&node.name) && intent.claims(node);
        if new && (intent.names(node) || !claimed.contains(&node.name)) {
            arrived.push(&node.name);
        }
    }
    claimed.extend(arrived.iter().copied());
    arrived
}

/// Whether a removal can still be undone.
pub(super) const fn undoable(stage: RemoveStage) -> bool {
    matches!(
        stage,
        RemoveStage::Opened | RemoveStage::Cordoned | RemoveStage::Draining
    )
}
