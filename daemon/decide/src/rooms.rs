//! Free room that costs nothing: on nodes that are there, on their way, or on their way out.
//!
//! Waiting pods go here before anything is bought. Nodes of open launch intents count as they will be once
//! they have joined; nodes whose removal has begun are the last resort, and taking one means keeping it.

mod ejection;
mod house;

use crate::agents::Agents;
use crate::bought::Bought;
use crate::class::Class;
use crate::constraints::{Company, ZONE};
use crate::fit::{self, Place};
use crate::market::Market;
use crate::number::size;
use crate::space::{self, Vector};
use crate::table::Table;
use crate::tenants::Tenants;
pub(crate) use house::{house, keep, lodge};
use model::aims::Aims;
use model::ids::{NodeName, PodKey};
use model::intent::{Intent, IntentKind, RemoveStage};
use model::node::Node;
use model::pod::{Taint, TaintEffect};
use model::resources::Resources;
use model::snapshot::Snapshot;
use packing::duals::FreeCapacity;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Taint by which a cordon is tolerated (NodeUnschedulable).
const CORDON: &str = "node.kubernetes.io/unschedulable";

/// What a room is part of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stand {
    /// A node that takes pods now.
    Ready,
    /// A node on its way: bought, or joined and not Ready yet.
    Coming,
    /// A node whose removal has begun and can be undone.
    Leaving,
}

/// Free room on one node.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    pub(crate) name: NodeName,
    pub(crate) stand: Stand,
    /// In the market's dimensions.
    pub(crate) free: Vector,
    /// Its offer set, where known.
    pub(crate) set: Option<usize>,
    /// Its tariff.
    pub(crate) tariff: Option<usize>,
    /// By class.
    pub(crate) admits: Vec<bool>,
    /// Who is there, as far as rules count.
    company: Company,
    /// Free share of CPU and memory in thousandths, added: full nodes are filled first.
    emptiness: i64,
    /// Pods that were bought for with it.
    meant_for: Arc<[PodKey]>,
    /// Of those, such as room is kept for until all others are seated.
    promised: Vec<PodKey>,
}

impl Room {
    /// What is left on a node that is to be bought.
    pub(crate) fn bought(demand: &Demand<'_>, node: &Bought) -> Self {
        let Demand { market, classes } = *demand;
        let offer = &market.seen.offers[node.offer];
        let group = market.seen.groups.get(size(offer.group));
        let place = Place {
            labels: &offer.labels,
            name: "",
            taints: group.map_or(&[], |group| &group.taints),
        };
        let agents: Vec<usize> = market.agents.on(place).map(|(ix, _)| ix).collect();
        let whole = market.room_of(offer);
        let mut room = Self {
            name: node.node.name.clone(),
            stand: Stand::Coming,
            emptiness: 0,
            set: Some(market.set_of[node.offer]),
            tariff: Some(market.tariff_of[node.offer]),
            admits: admits(market, classes, place, &agents),
            company: Company::on(&node.node.name, &market.crowds),
            free: whole.clone(),
            meant_for: Arc::default(),
            promised: Vec::new(),
        };
        for class in &node.classes {
            room.take(&market.asks[*class], &classes[*class]);
        }
        room.emptiness = emptiness(&room.free, &whole);
        room
    }

    /// How many more pods of a class the node may hold, amounts apart.
    fn more(&self, class: &Class) -> u32 {
        if class.crowding.is_free() {
            u32::MAX
        } else {
            self.company.more(&class.crowding)
        }
    }

    pub(crate) fn take(&mut self, ask: &[i64], class: &Class) {
        space::take(&mut self.free, ask, 1);
        self.company.put(&class.crowding, 1);
    }

    /// Free room in the dimensions of a table; crowds are counted in company, class by class.
    fn free_in(&self, table: &Table) -> Vector {
        table.project_with(&self.free, |_| u32::MAX)
    }
}

/// Classes of demand on their market.
#[derive(Clone, Copy)]
pub(crate) struct Demand<'a> {
    pub(crate) market: &'a Market<'a>,
    pub(crate) classes: &'a [Class],
}

/// Where pods found free room.
#[derive(Clone, Debug, Default)]
pub(crate) struct Housed {
    /// By node: pods, in the order they were placed; headroom included.
    pub(crate) pods: BTreeMap<NodeName, Vec<(usize, PodKey)>>,
    /// By node: what those pods ask for.
    pub(crate) asks: BTreeMap<NodeName, Vec<Resources>>,
    /// Whom kube-scheduler admits only once others have come.
    pub(crate) after_others: BTreeSet<PodKey>,
}

impl Housed {
    /// Adds who found room later.
    pub(crate) fn join(&mut self, more: Self) {
        for (node, pods) in more.pods {
            self.pods.entry(node).or_default().extend(pods);
        }
        for (node, asks) in more.asks {
            self.asks.entry(node).or_default().extend(asks);
        }
        self.after_others.extend(more.after_others);
    }

    pub(crate) fn add(&mut self, node: &NodeName, pod: (usize, PodKey), classes: &[Class]) {
        let requests = classes[pod.0].body.requests.clone();
        self.asks.entry(node.clone()).or_default().push(requests);
        self.pods.entry(node.clone()).or_default().push(pod);
    }

    /// Takes a pod off a node again.
    pub(crate) fn remove(&mut self, node: &NodeName, pod: &PodKey, classes: &[Class]) {
        let Some(pods) = self.pods.get_mut(node) else {
            return;
        };
        let Some(at) = pods.iter().position(|(_, known)| known == pod) else {
            return;
        };
        let (class, _) = pods.remove(at);
        let requests = &classes[class].body.requests;
        if let Some(asks) = self.asks.get_mut(node)
            && let Some(at) = asks.iter().position(|known| known == requests)
        {
            asks.remove(at);
        }
    }
}

/// Adds rooms where they belong: before those of nodes on their way out, full ones first.
pub(crate) fn insert(rooms: &mut Vec<Room>, more: Vec<Room>) {
    rooms.extend(more);
    rooms.sort_by(|a, b| (a.stand, a.emptiness, &a.name).cmp(&(b.stand, b.emptiness, &b.name)));
}

/// Finds every room, full nodes first within each stand.
pub(crate) fn find((market, tenants): (&Market<'_>, &Tenants), aims: &Aims, classes: &[Class]) -> Vec<Room> {
    let seen = market.seen;
    let carried = carried(market, tenants);
    let agents = market.agents.coming(seen, tenants);
    let (mut rooms, arrived) = coming(market, classes);
    for (ix, node) in seen.nodes.iter().enumerate() {
        if let Some(stand) = stand_of(seen, aims, node) {
            let mut room = room_of_node((market, classes), node, stand, (&carried[ix], &agents[ix]));
            room.meant_for = arrived.get(&node.name).cloned().unwrap_or_default();
            rooms.push(room);
        }
    }
    rooms.sort_by(|a, b| (a.stand, a.emptiness, &a.name).cmp(&(b.stand, b.emptiness, &b.name)));
    rooms
}

/// By node: the sum of what its pods ask for.
fn carried(market: &Market<'_>, tenants: &Tenants) -> Vec<Vector> {
    let seen = market.seen;
    let asks: Vec<Vector> = seen
        .specs
        .iter()
        .map(|spec| market.space.request(&spec.requests))
        .collect();
    let nothing = || market.space.capacity(&Resources::default(), 0);
    let mut carried: Vec<Vector> = seen.nodes.iter().map(|_| nothing()).collect();
    for (carried, pods) in carried.iter_mut().zip(tenants.by_node()) {
        let specs = pods.iter().map(|pod| size(seen.pods[size(*pod)].spec));
        for ask in specs.filter_map(|spec| asks.get(spec)) {
            space::put(carried, ask, 1);
        }
    }
    carried
}

fn stand_of(seen: &Snapshot, aims: &Aims, node: &Node) -> Option<Stand> {
    if node.fargate || node.deleting || node.goes() {
        return None;
    }
    if let Some(intent) = seen.ledger.removal_of(&node.name) {
        let undoable =
            matches!(&intent.kind, IntentKind::Remove { stage, .. } if *stage <= RemoveStage::Draining);
        return (undoable && node.ready).then_some(Stand::Leaving);
    }
    // A cordon is a taint: kube-scheduler keeps putting pods there that tolerate it.
    let cordoned = node.ready && node.unschedulable && !node.draining && node.removal_mark().is_none();
    if node.takes_pods() || cordoned {
        return Some(Stand::Ready);
    }
    let coming = !node.unschedulable && !node.draining && seen.is_booting(node, aims);
    coming.then_some(Stand::Coming)
}

/// Room beside the pods that are there, `used`, and the agents that are yet to come.
fn room_of_node(
    (market, classes): (&Market<'_>, &[Class]),
    node: &Node,
    stand: Stand,
    (used, coming): (&Vector, &[usize]),
) -> Room {
    let mut free = market.space.capacity(&node.allocatable, node.max_pods);
    let whole = free.clone();
    space::take(&mut free, used, 1);
    let mut taints: Vec<Taint> = node.taints.iter().filter(|t| counts(stand, t)).cloned().collect();
    if stand == Stand::Ready && node.unschedulable {
        taints.push(Taint {
            key: CORDON.to_owned(),
            value: String::new(),
            effect: TaintEffect::NoSchedule,
        });
    }
    let place = Place {
        taints: &taints,
        ..Place::of_node(node)
    };
    for agent in coming {
        let spec = market.agents.list[*agent].spec;
        space::take(&mut free, &market.space.request(&spec.requests), 1);
    }
    Room {
        name: node.name.clone(),
        stand,
        emptiness: emptiness(&free, &whole),
        set: set_of_node(market, node),
        tariff: tariff_of_node(market, node),
        admits: admits(market, classes, place, coming),
        company: Company::on(&node.name, &market.crowds),
        free,
        meant_for: Arc::default(),
        promised: Vec::new(),
    }
}

/// Taints that a booting node loses by itself, and ours on a node that would be kept, do not count.
pub(crate) fn counts(stand: Stand, taint: &Taint) -> bool {
    match stand {
        Stand::Ready => true,
        Stand::Coming => {
            !taint.key.starts_with("node.kubernetes.io/")
                && taint.key != "node.cloudprovider.kubernetes.io/uninitialized"
        }
        Stand::Leaving => taint.key != model::node::DRAIN_TAINT && taint.key != CORDON,
    }
}

/// By class: whether its pods may come to a place that these agents have first.
fn admits(market: &Market<'_>, classes: &[Class], place: Place<'_>, agents: &[usize]) -> Vec<bool> {
    let mut by_rule: BTreeMap<usize, bool> = BTreeMap::new();
    classes
        .iter()
        .enumerate()
        .zip(&market.rule_of)
        .map(|((ix, class), rule)| {
            let admitted = *by_rule.entry(*rule).or_insert_with(|| {
                Agents::clash(market.clashes_of(ix), agents, place.labels).is_none()
                    && fit::admits(&class.body, place)
            });
            let zone = place.labels.get(ZONE).map(String::as_str);
            let dealt = class.zone().is_none_or(|dealt| zone == Some(dealt));
            admitted && dealt && class.body.unmodelled.is_empty()
        })
        .collect()
}

fn set_of_node(market: &Market<'_>, node: &Node) -> Option<usize> {
    let by_offer = node.offer.as_ref().and_then(|id| market.seen.offer_ix(id));
    by_offer.map(|ix| market.set_of[ix]).or_else(|| {
        let group = node.group.as_ref()?;
        market.sets.iter().position(|set| set.name == group.as_str())
    })
}

/// Of a node whose offer nobody knows: its set's without risk.
fn tariff_of_node(market: &Market<'_>, node: &Node) -> Option<usize> {
    let by_offer = node.offer.as_ref().and_then(|id| market.seen.offer_ix(id));
    by_offer
        .map(|ix| market.tariff_of[ix])
        .or_else(|| set_of_node(market, node))
}

fn emptiness(free: &[i64], whole: &[i64]) -> i64 {
    free.iter()
        .zip(whole)
        .take(2)
        .map(|(free, whole)| {
            if *whole > 0 {
                (*free).max(0).saturating_mul(1000) / whole
            } else {
                0
            }
        })
        .sum()
}

/// Rooms of nodes that open launches still have to bring; and those that they have brought, with the pods that all of
/// the launch was bought for.
fn coming<'a>(market: &Market<'a>, classes: &[Class]) -> (Vec<Room>, BTreeMap<&'a NodeName, Arc<[PodKey]>>) {
    let seen = market.seen;
    let mut claimed: BTreeMap<&NodeName, Arc<[PodKey]>> = BTreeMap::new();
    let mut rooms = Vec::new();
    for intent in &seen.ledger.intents {
        let IntentKind::Launch {
            offer,
            count,
            planned,
            pods,
            ..
        } = &intent.kind
        else {
            continue;
        };
        let meant_for: Arc<[PodKey]> = pods.as_slice().into();
        let arrived = arrived(seen, intent, &meant_for, &mut claimed);
        let outstanding = size(*count).saturating_sub(arrived);
        let Some(ix) = seen.offer_ix(offer).filter(|_| seen.at <= intent.deadline) else {
            continue;
        };
        let offer = &seen.offers[ix];
        let taints = seen.groups.get(size(offer.group)).map_or(&[][..], |g| &g.taints);
        let place = Place {
            labels: &offer.labels,
            name: "",
            taints,
        };
        let free = market.room_of(offer);
        let agents: Vec<usize> = market.agents.on(place).map(|(ix, _)| ix).collect();
        for name in planned.iter().skip(planned.len().saturating_sub(outstanding)) {
            rooms.push(Room {
                name: name.clone(),
                stand: Stand::Coming,
                emptiness: emptiness(&free, &free),
                set: Some(market.set_of[ix]),
                tariff: Some(market.tariff_of[ix]),
                admits: admits(market, classes, place, &agents),
                company: Company::on(name, &market.crowds),
                free: free.clone(),
                meant_for: Arc::clone(&meant_for),
                promised: Vec::new(),
            });
        }
    }
    (rooms, claimed)
}

/// How many of a launch's nodes are in the cluster: those it names, and those it claims that no launch before it
/// has counted.
fn arrived<'a>(
    seen: &'a Snapshot,
    intent: &Intent,
    meant_for: &Arc<[PodKey]>,
    claimed: &mut BTreeMap<&'a NodeName, Arc<[PodKey]>>,
) -> usize {
    let IntentKind::Launch { count, joined, .. } = &intent.kind else {
        return 0;
    };
    let mut arrived = 0;
    for node in &seen.nodes {
        if arrived == size(*count) {
            break;
        }
        if intent.claims(node) && (intent.names(node) || !claimed.contains_key(&node.name)) {
            claimed.insert(&node.name, Arc::clone(meant_for));
            arrived += 1;
        }
    }
    arrived.max(joined.len()).min(size(*count))
}

/// The rooms as the bound sees them, before anything is placed. What preemptors wait for is free as well: once it is, others
/// may have it beside them, or instead of those that found room elsewhere.
pub(crate) fn as_free(market: &Market<'_>, rooms: &[Room], table: &Table) -> Vec<FreeCapacity> {
    let free_of = |room: &Room| {
        let mut free = room.free.clone();
        for requests in market.preemptors.freed.get(&room.name).into_iter().flatten() {
            space::put(&mut free, &market.space.request(requests), 1);
        }
        let free = table.project_with(&free, |_| u32::MAX);
        free.into_iter().map(|free| free.max(0)).collect()
    };
    rooms
        .iter()
        .map(|room| {
            let admitted = |classes: &Vec<usize>| classes.first().is_some_and(|class| room.admits[*class]);
            let rows = table.classes.iter().enumerate();
            FreeCapacity {
                capacity: free_of(room),
                tariff: room.tariff,
                admits: rows
                    .map(|(row, classes)| admitted(classes) && table.allowed(room.set, row))
                    .collect(),
            }
        })
        .filter(|room| room.admits.contains(&true))
        .collect()
}
