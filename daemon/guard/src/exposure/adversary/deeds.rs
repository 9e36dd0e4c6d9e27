//! What was carried out, pod by pod and node by node, with none of the guard's tallies, held against the bounds.

use super::super::{DAY, Exposure, Tenant};
use model::{Instant, NodeName, PodKey, Span, Usd, UsdPerHour};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

const HOUR: Span = Span::from_secs(3600);

/// What is searched for the most of.
pub(super) const OBJECTIVES: [&str; 12] = [
    "nodes bought unproven in an hour",
    "micro-dollars an hour added unproven in an hour",
    "micro-dollars of these in a day",
    "nodes removed in an hour",
    "nodes emptied in an hour",
    "nodes removed as explained in an hour",
    "pods moved as explained in an hour",
    "evictions in an hour",
    "replicas taken in an hour",
    "tenant: nodes that stand",
    "tenant: micro-dollars an hour that stand",
    "tenant: of nodes that stand, those that go in an hour",
];

/// A figure for every objective.
pub(super) type Figures = [u64; OBJECTIVES.len()];

type Times = VecDeque<(Instant, u64)>;

/// Nodes of one purchase: those that nothing proves are taken to be the ones that stay longest.
struct Batch {
    at: Instant,
    price: UsdPerHour,
    unproven: usize,
    /// When nodes of it went, and those that stand.
    gone: Vec<Instant>,
    standing: Vec<NodeName>,
}

/// What was done, and when.
#[derive(Default)]
pub(super) struct Deeds {
    bought: Times,
    added: Times,
    batches: Vec<Batch>,
    removed: Times,
    emptied: VecDeque<(Instant, NodeName)>,
    /// Nodes whose last removal is that of an empty one: what was given up and begun again counts as it was begun then.
    goes_empty: BTreeSet<NodeName>,
    explained_nodes: Times,
    explained_pods: Times,
    /// Pods that owners have let go of.
    released: Times,
    evicted: Times,
    /// Replicas taken by policies.
    taken: Times,
    /// When nodes began to go, and since when they had stood.
    left: Vec<(Instant, Instant)>,
    /// When a pod last spoke for a purchase, and when it was moved.
    spoke: BTreeMap<PodKey, Instant>,
    moved: BTreeMap<PodKey, Instant>,
}

fn within(deeds: &mut Times, now: Instant, hours: i64) -> u64 {
    deeds.retain(|(at, _)| now.since(*at).millis() <= HOUR.millis() * hours);
    deeds.iter().map(|(_, count)| count).sum()
}

fn micro(nanos: i64) -> u64 {
    u64::try_from(nanos / 1000).unwrap_or(0)
}

impl Deeds {
    /// Whether a pod that waits speaks for a node: nobody moved it and no purchase was made for it within an hour.
    pub(super) fn speaks(&mut self, pod: &PodKey, now: Instant) -> bool {
        let recent = |at: Option<&Instant>| at.is_some_and(|at| now.since(*at) <= HOUR);
        let speaks = !recent(self.spoke.get(pod)) && !recent(self.moved.get(pod));
        self.spoke.insert(pod.clone(), now);
        speaks
    }

    pub(super) fn buys(
        &mut self,
        now: Instant,
        (nodes, proven): (Vec<NodeName>, u32),
        (price, need): (UsdPerHour, UsdPerHour),
    ) {
        let unproven = nodes.len().saturating_sub(proven as usize);
        let rate = price.times(nodes.len() as u64);
        self.bought.push_back((now, unproven as u64));
        let part = price.times(u64::from(proven)).0.min(need.0);
        self.added.push_back((now, micro((rate.0 - part).max(0))));
        self.batches.push(Batch {
            at: now,
            price,
            unproven,
            gone: Vec::new(),
            standing: nodes,
        });
    }

    pub(super) fn removes(&mut self, now: Instant) {
        self.removed.push_back((now, 1));
    }

    pub(super) fn empties(&mut self, now: Instant, node: &NodeName) {
        self.emptied.push_back((now, node.clone()));
        self.goes_empty.insert(node.clone());
    }

    pub(super) fn explains(&mut self, now: Instant, pods: u64) {
        self.explained_nodes.push_back((now, 1));
        self.explained_pods.push_back((now, pods));
        let moved = within(&mut self.explained_pods, now, 1);
        assert!(
            moved <= within(&mut self.released, now, 2),
            "{moved} pods explained"
        );
    }

    pub(super) fn releases(&mut self, now: Instant, pods: u64) {
        self.released.push_back((now, pods));
    }

    pub(super) fn evicts(&mut self, now: Instant, pod: &PodKey) {
        self.evicted.push_back((now, 1));
        self.moved.insert(pod.clone(), now);
    }

    /// A pod is to be moved: a node that goes as an empty one is none, and is removed as any other from now on, even where
    /// that call fails, as a removal counts from where it begins.
    pub(super) fn fills(&mut self, now: Instant, node: &NodeName) {
        if self.goes_empty.remove(node) {
            let place = self.emptied.iter().rposition(|(_, emptied)| emptied == node);
            place.and_then(|place| self.emptied.remove(place));
            self.removes(now);
        }
    }

    pub(super) fn takes(&mut self, now: Instant, replicas: u64) {
        self.taken.push_back((now, replicas));
    }

    /// A removal begins, of a node that was made then.
    pub(super) fn leaves(&mut self, now: Instant, node: &NodeName, made: Instant) {
        self.left.push((now, made));
        self.goes_empty.remove(node);
    }

    pub(super) fn goes(&mut self, now: Instant, node: &NodeName) {
        for batch in &mut self.batches {
            if let Some(place) = batch.standing.iter().position(|there| there == node) {
                batch.standing.remove(place);
                batch.gone.push(now);
            }
        }
    }

    /// What nodes that nothing proved, bought within a day, have cost.
    fn cost_of_a_day(&mut self, now: Instant) -> Usd {
        self.batches.retain(|batch| now.since(batch.at) <= DAY);
        let cost = |batch: &Batch| {
            let stand = batch.unproven.min(batch.standing.len());
            let left = batch.gone.iter().rev().take(batch.unproven - stand);
            let gone: Usd = left.map(|at| batch.price.over(at.since(batch.at))).sum();
            gone + batch.price.times(stand as u64).over(now.since(batch.at))
        };
        self.batches.iter().map(cost).sum()
    }

    /// What an hour, or a day, has seen up to now, beside what stands.
    pub(super) fn figures(&mut self, now: Instant, (nodes, rate): (usize, UsdPerHour)) -> Figures {
        self.emptied.retain(|(at, _)| now.since(*at) <= HOUR);
        self.left.retain(|(at, _)| now.since(*at) <= HOUR);
        let stood = |(_, made): &&(Instant, Instant)| now.since(*made) >= HOUR;
        [
            within(&mut self.bought, now, 1),
            within(&mut self.added, now, 1),
            micro(self.cost_of_a_day(now).0),
            within(&mut self.removed, now, 1),
            self.emptied.len() as u64,
            within(&mut self.explained_nodes, now, 1),
            within(&mut self.explained_pods, now, 1),
            within(&mut self.evicted, now, 1),
            within(&mut self.taken, now, 1),
            nodes as u64,
            micro(rate.0),
            self.left.iter().filter(stood).count() as u64,
        ]
    }
}

/// What is printed. Of pods moved as explained there is no figure: every node is held against what owners have let go of,
/// and each pod of it takes an eviction.
pub(super) fn bounds(bound: &Exposure, tenant: &Tenant) -> Figures {
    [
        bound.nodes_bought.into(),
        micro(bound.added.0),
        micro(bound.day.0),
        bound.nodes_removed.into(),
        bound.nodes_emptied.into(),
        bound.nodes_explained.into(),
        u64::MAX,
        bound.evictions.into(),
        bound.replicas_taken.map_or(u64::MAX, u64::from),
        tenant.max_nodes.into(),
        micro(tenant.max_rate.0),
        tenant.removed.into(),
    ]
}
