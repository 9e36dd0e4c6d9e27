//! Pods that were left over although they have rules about others: each tried as kube-scheduler would try it, one after
//! another, once everybody else stands where the plan has them.
//!
//! Dealing and packing keep rules that hold in whatever order pods come, and leave to this stage what holds in one order
//! only: company on one node that nobody keeps yet, chains of affinity, spreads over nodes that rise together. The
//! filters judge every place, so that what is planned here is what kube-scheduler admits after the others. It goes to
//! nodes that are there first, then to those that are bought, then to a fresh node of the offer that costs least for
//! each of its pods. Who was placed before stays. Work is counted: a search that grows too long leaves the rest refused.

use crate::constraints::ZONE;
use crate::demand::Class;
use crate::filters::Filters;
use crate::fit::{self, HOSTNAME, Place};
use crate::joining;
use crate::market::Market;
use crate::number::size;
use crate::packing::Table;
use crate::placement::Adjust;
use crate::purchase::{Bought, Till};
use crate::queue::Taken;
use crate::rooms::{self, Housed, Room, Stand};
use crate::spread;
use crate::tenants::Tenants;
use model::aims::Aims;
use model::ids::{NodeName, PodKey};
use model::intent::IntentKind;
use model::node::Node;
use model::pod::{NearRule, PodSpec, SpecIx};
use model::snapshot::Snapshot;
use std::borrow::Cow;
use std::cell::OnceCell;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Questions that the filters are asked, at most.
const WORK: usize = 400_000;
/// Nodes that are bought here, at most.
const NEW_NODES: usize = 512;

/// What packing left, and what it made of the rest.
pub(crate) struct Leftover<'p> {
    pub(crate) market: &'p Market<'p>,
    pub(crate) classes: &'p [Class],
    pub(crate) tenants: &'p Tenants,
    pub(crate) table: &'p Table,
    pub(crate) adjust: Option<&'p Adjust>,
    pub(crate) rooms: &'p [Room],
}

/// A pod with a place that it was not packed into.
pub(crate) struct Seated {
    pub(crate) class: usize,
    pub(crate) pod: PodKey,
    pub(crate) on: On,
}

/// Where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum On {
    /// A node that is there or on its way. `now`: kube-scheduler admits it there whoever of the others has come.
    There { node: NodeName, now: bool },
    /// A node that is bought, by its place among those that were, and then among [`Seats::bought`].
    Bought(usize),
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Seats {
    pub(crate) seated: Vec<Seated>,
    /// More nodes: offer and pods.
    pub(crate) bought: Vec<Bought>,
}

/// Pods of a class without a place.
struct Line {
    class: usize,
    pods: Vec<PodKey>,
    /// The number under which the filters judge them.
    asked_as: SpecIx,
    /// Its rules mean nobody who waits.
    alone: bool,
}

/// A node that may take pods.
struct Stop<'n> {
    node: &'n Node,
    on: Spot<'n>,
    /// Its offer set, where known.
    set: Option<usize>,
}

#[derive(Clone, Copy)]
enum Spot<'n> {
    There(&'n Room),
    Bought(usize),
}

/// What filters borrow: made before they are.
struct Pool {
    bodies: BTreeMap<usize, Arc<PodSpec>>,
    /// Nodes of launches that no Snapshot shows yet, then those that packing bought.
    named: Vec<Node>,
    /// By offer: a node to try it by.
    tried: Vec<OnceCell<Node>>,
    fresh: Vec<OnceCell<Node>>,
}

struct OneByOne<'m> {
    of: &'m Leftover<'m>,
    pool: &'m Pool,
    filters: Filters<'m>,
    /// Those who run, nobody else.
    running: Filters<'m>,
    stops: Vec<Stop<'m>>,
    growth: Vec<u32>,
    till: Till<'m>,
    /// By namespace and claim that is bound where the first of several pods goes: where that is.
    claims: BTreeMap<(&'m str, &'m str), Option<String>>,
    /// Pods go only where their class was dealt.
    as_dealt: bool,
    work: usize,
    seats: Seats,
    /// Nodes that packing bought.
    packed: usize,
}

/// By class: pods without a place.
pub(crate) type Left = BTreeMap<usize, Vec<PodKey>>;

/// Finds places for what is left, if anything that has rules is.
pub(crate) fn seat(
    of: &Leftover<'_>,
    aims: &Aims,
    (unplaced, housed, bought): (&[(usize, PodKey)], &Housed, &[Bought]),
) -> Seats {
    let left = left(of.classes, of.market.seen, unplaced);
    if left.is_empty() {
        return Seats::default();
    }
    let picture = picture(of.market.seen, of.rooms);
    let pool = Pool::new(of, aims, (&left, bought));
    let mut search = OneByOne::new(of, &pool, (&picture, housed, bought));
    let mut lines = search.lines(left);
    search.run(&mut lines);
    search.seats
}

/// The same on nodes that are there alone, before anything is bought, and each only where it was dealt.
pub(crate) fn seat_there(of: &Leftover<'_>, aims: &Aims, (left, housed): (Left, &Housed)) -> Vec<Seated> {
    let picture = picture(of.market.seen, of.rooms);
    let pool = Pool::new(of, aims, (&left, &[]));
    let mut search = OneByOne::new(of, &pool, (&picture, housed, &[]));
    search.as_dealt = true;
    let mut lines = search.lines(left);
    while lines
        .iter_mut()
        .fold(false, |moved, line| search.seat(line) | moved)
    {}
    search.seats.seated
}

/// By class: pods with rules that found no place.
fn left(classes: &[Class], seen: &Snapshot, unplaced: &[(usize, PodKey)]) -> Left {
    let ruled = |class: &Class| {
        let own = class.spec.and_then(|ix| seen.specs.get(size(ix)));
        own.is_some_and(|own| {
            let rules = !own.near.is_empty() || !own.host_ports.is_empty() || !own.shares.is_empty();
            own.unmodelled.is_empty() && (rules || class.deal.is_some())
        })
    };
    let mut left = Left::new();
    for (class, pod) in unplaced.iter().filter(|(class, _)| ruled(&classes[*class])) {
        left.entry(*class).or_default().push(pod.clone());
    }
    left
}

/// The Snapshot with nodes that boot as they will be: without the taints that they lose.
fn picture<'s>(seen: &'s Snapshot, rooms: &[Room]) -> Cow<'s, Snapshot> {
    let coming = rooms.iter().filter(|room| room.stand == Stand::Coming);
    let coming: BTreeSet<&NodeName> = coming.map(|room| &room.name).collect();
    let boots = |node: &Node| coming.contains(&node.name) && !node.taints.is_empty();
    if !seen.nodes.iter().any(boots) {
        return Cow::Borrowed(seen);
    }
    let mut picture = seen.clone();
    for node in &mut picture.nodes {
        if coming.contains(&node.name) {
            node.taints.retain(|taint| rooms::counts(Stand::Coming, taint));
        }
    }
    Cow::Owned(picture)
}

impl Pool {
    fn new(of: &Leftover<'_>, aims: &Aims, (left, bought): (&Left, &[Bought])) -> Self {
        let seen = of.market.seen;
        let body = |class: &usize| {
            let spec = of.classes[*class].spec.and_then(|ix| seen.specs.get(size(ix)));
            spec.map(|spec| (*class, spread::with_defaults(seen, aims, spec)))
        };
        let packed = bought.iter().map(|bought| (bought.offer, &bought.node.name));
        let named = launched(seen, of.rooms).into_iter().chain(packed);
        Self {
            bodies: left.keys().filter_map(body).collect(),
            named: named
                .map(|(offer, name)| joining::node_of(seen, offer, name.clone()))
                .collect(),
            tried: seen.offers.iter().map(|_| OnceCell::new()).collect(),
            fresh: (0..NEW_NODES).map(|_| OnceCell::new()).collect(),
        }
    }
}

/// Offers and names of nodes that launches still have to bring.
fn launched<'s>(seen: &'s Snapshot, rooms: &'s [Room]) -> Vec<(usize, &'s NodeName)> {
    let absent = rooms.iter().filter(|room| seen.node(&room.name).is_none());
    let offer_of = |name: &NodeName| {
        seen.ledger.intents.iter().find_map(|intent| match &intent.kind {
            IntentKind::Launch { offer, planned, .. } if planned.contains(name) => seen.offer_ix(offer),
            _ => None,
        })
    };
    absent
        .filter_map(|room| Some((offer_of(&room.name)?, &room.name)))
        .collect()
}

impl<'m> OneByOne<'m> {
    /// Everybody stands where the plan has them.
    fn new(
        of: &'m Leftover<'m>,
        pool: &'m Pool,
        (picture, housed, bought): (&'m Snapshot, &Housed, &[Bought]),
    ) -> Self {
        let market = of.market;
        let mut search = Self {
            of,
            pool,
            filters: Filters::new(picture),
            running: Filters::new(market.seen),
            stops: Vec::new(),
            growth: of.table.growth.clone(),
            till: Till::after(market, of.table, of.classes, bought),
            claims: BTreeMap::new(),
            as_dealt: false,
            work: WORK,
            seats: Seats::default(),
            packed: bought.len(),
        };
        search.bind_claims_of_running();
        let coming = market.agents.coming(market.seen, of.tenants);
        for (node, agents) in market.seen.nodes.iter().zip(coming) {
            for agent in agents {
                search.filters.put(market.agents.list[agent].ix, &node.name);
            }
        }
        let absent = pool.named.len() - bought.len();
        for node in &pool.named[..absent] {
            search.join(node);
        }
        for (room, node) in of.rooms.iter().filter_map(|room| {
            let known = picture.node(&room.name);
            let node = known.or_else(|| pool.named[..absent].iter().find(|node| node.name == room.name));
            Some((room, node?))
        }) {
            for (class, _) in housed.pods.get(&room.name).into_iter().flatten() {
                search.put_packed(*class, node);
            }
            if room.stand != Stand::Leaving {
                search.stops.push(Stop {
                    node,
                    on: Spot::There(room),
                    set: room.set,
                });
            }
        }
        for (at, (bought, node)) in bought.iter().zip(&pool.named[absent..]).enumerate() {
            if market.seen.offers[bought.offer].is_fargate() {
                continue;
            }
            search.join(node);
            search.grow(bought.offer);
            for class in &bought.classes {
                search.put_packed(*class, node);
            }
            search.stops.push(Stop {
                node,
                on: Spot::Bought(at),
                set: market.set_of.get(bought.offer).copied(),
            });
        }
        search
    }

    /// Who was packed counts as they ask for it; headroom has no spec of its own and stands for nobody.
    fn put_packed(&mut self, class: usize, node: &Node) {
        if let Some(spec) = self.of.classes[class].spec {
            self.filters.put(spec, &node.name);
            self.bind_of(spec, node);
        }
    }

    fn bind_claims_of_running(&mut self) {
        let seen = self.of.market.seen;
        for pod in seen.pods.iter().filter(|pod| pod.holds_resources()) {
            let shares = seen
                .specs
                .get(size(pod.spec))
                .is_some_and(|spec| !spec.shares.is_empty());
            if let Some(node) = pod
                .node
                .as_ref()
                .filter(|_| shares)
                .and_then(|node| seen.node(node))
            {
                self.bind_of(pod.spec, node);
            }
        }
    }

    fn bind_of(&mut self, spec: SpecIx, node: &Node) {
        let seen = self.of.market.seen;
        if let Some(spec) = seen.specs.get(size(spec)) {
            self.bind(spec, node);
        }
    }

    /// Claims that pods share are bound in the zone of the first.
    fn bind(&mut self, spec: &'m PodSpec, node: &Node) {
        for claim in &spec.shares {
            let zone = || node.labels.get(ZONE).cloned();
            self.claims.entry((&spec.namespace, claim)).or_insert_with(zone);
        }
    }

    /// Whether the claims that the pod shares are where the node is, or not bound at all.
    fn reaches(&self, spec: &PodSpec, node: &Node) -> bool {
        spec.shares.iter().all(|claim| {
            let bound = self.claims.get(&(spec.namespace.as_str(), claim.as_str()));
            bound.is_none_or(|zone| zone.as_ref() == node.labels.get(ZONE))
        })
    }

    /// A node joins with the pods that DaemonSets run there.
    fn join(&mut self, node: &'m Node) {
        self.filters.add_node(node);
        for (_, agent) in self.of.market.agents.on(Place::of_node(node)) {
            self.filters.put(agent.ix, &node.name);
        }
    }

    fn lines(&mut self, left: Left) -> Vec<Line> {
        let mut lines = Vec::new();
        for (class, mut pods) in left {
            let Some(body) = self.pool.bodies.get(&class) else {
                continue;
            };
            let asked_as = self.filters.learn(body);
            self.running.learn(body);
            pods.reverse();
            lines.push(Line {
                alone: self.is_alone(class, body),
                class,
                pods,
                asked_as,
            });
        }
        lines
    }

    /// Whether no rule of the pods means others who wait, or one another.
    fn is_alone(&self, class: usize, body: &PodSpec) -> bool {
        let classes = self.of.classes.iter().enumerate();
        let mut others = classes.filter(|(at, of)| of.spec.is_some() && (*at != class || of.count() > 1));
        !others.any(|(_, other)| body.near.iter().any(|near| near.selects(&other.body)))
    }

    /// Pods go where they may; when nobody finds a place any more, one node is bought, and so on.
    fn run(&mut self, lines: &mut [Line]) {
        loop {
            let mut moved = false;
            for line in &mut *lines {
                moved |= self.seat(line);
            }
            if !moved && !lines.iter_mut().any(|line| self.buy(line)) {
                return;
            }
        }
    }

    /// Puts pods of the line onto nodes that are there or bought; whether any found a place.
    fn seat(&mut self, line: &mut Line) -> bool {
        let mut moved = false;
        for at in 0..self.stops.len() {
            if line.pods.is_empty() {
                break;
            }
            let Stop { node, on, set } = self.stops[at];
            let elsewhere = match on {
                Spot::There(room) => self.as_dealt && !room.admits[line.class],
                Spot::Bought(_) => false,
            };
            if elsewhere || set.is_some_and(|set| self.is_forbidden(line.class, set)) {
                continue;
            }
            while !line.pods.is_empty() && self.admits(line, node) {
                let Some(pod) = line.pods.pop() else { break };
                self.put(line, node);
                let on = match on {
                    Spot::There(_) => On::There {
                        node: node.name.clone(),
                        now: line.alone && self.running.judge(line.asked_as, &node.name).is_ok(),
                    },
                    Spot::Bought(at) => On::Bought(at),
                };
                self.seats.seated.push(Seated {
                    class: line.class,
                    pod,
                    on,
                });
                moved = true;
            }
        }
        moved
    }

    /// Buys a node for pods of the line: where all must be on one, the one that takes most of them; else the one that
    /// costs least for each.
    fn buy(&mut self, line: &mut Line) -> bool {
        if line.pods.is_empty() || self.seats.bought.len() >= self.pool.fresh.len() {
            return false;
        }
        let body = &self.pool.bodies[&line.class];
        let together = |near: &model::pod::Near| near.key == HOSTNAME && near.rule == NearRule::Together;
        let on_one = body.near.iter().any(together);
        let mut best: Option<((bool, Reverse<u32>, i128, usize), usize)> = None;
        for (lot, offer) in self.for_sale(line.class, body) {
            let takes = self.takes(line, offer);
            if takes == 0 {
                continue;
            }
            let price = i128::from(self.of.table.lot_prices.get(lot).copied().unwrap_or(i64::MAX));
            // Of prices for each pod the thousandth part of a nano-dollar is told apart.
            let each = price * 1000 / i128::from(takes);
            let (most, worth) = if on_one {
                (Reverse(takes), price)
            } else {
                (Reverse(0), each)
            };
            let rank = (self.of.market.lots[lot].unknown, most, worth, offer);
            if best.as_ref().is_none_or(|(known, _)| rank < *known) {
                best = Some((rank, offer));
            }
        }
        let Some((_, offer)) = best else { return false };
        self.open(line, offer)
    }

    /// Lots and offers that may be bought for a class.
    fn for_sale(&self, class: usize, body: &PodSpec) -> Vec<(usize, usize)> {
        let market = self.of.market;
        let lots = market.lots.iter().enumerate();
        let open = lots.filter(|(_, lot)| {
            self.growth.get(lot.group).is_some_and(|growth| *growth > 0) && !self.is_forbidden(class, lot.set)
        });
        let offers = open.flat_map(|(at, lot)| lot.offers.iter().map(move |offer| (at, *offer)));
        let admits = |offer: usize| {
            let of = &market.seen.offers[offer];
            let mut labels = of.labels.clone();
            labels.entry(HOSTNAME.to_owned()).or_default();
            let taints = market.seen.groups.get(size(of.group));
            fit::admits(
                body,
                Place {
                    labels: &labels,
                    name: "",
                    taints: taints.map_or(&[], |group| &group.taints),
                },
            )
        };
        offers.filter(|(_, offer)| admits(*offer)).collect()
    }

    /// How many pods of the line a fresh node of the offer takes.
    fn takes(&mut self, line: &Line, offer: usize) -> u32 {
        let pool = self.pool;
        let seen = self.of.market.seen;
        let node = pool.tried[offer]
            .get_or_init(|| joining::node_of(seen, offer, NodeName::new(format!("plimsoll.io/try-{offer}"))));
        self.join(node);
        let mut takes = 0;
        while size(takes) < line.pods.len() && self.admits(line, node) {
            self.filters.put(line.asked_as, &node.name);
            takes += 1;
        }
        self.filters.drop_node(&node.name);
        takes
    }

    /// Buys the node, with as many pods of the line as it takes.
    fn open(&mut self, line: &mut Line, offer: usize) -> bool {
        let (pool, market) = (self.pool, self.of.market);
        let at = self.seats.bought.len();
        let price = market.lots.iter().position(|lot| lot.offers.contains(&offer));
        let price = price.and_then(|lot| self.of.table.lot_prices.get(lot)).copied();
        let bought = self
            .till
            .bought(offer, Taken::default(), (price.unwrap_or(0), None));
        let name = bought.node.name.clone();
        let node = pool.fresh[at].get_or_init(|| joining::node_of(market.seen, offer, name));
        self.join(node);
        if !self.admits(line, node) {
            self.filters.drop_node(&node.name);
            return false;
        }
        if let Some(growth) = self.growth.get_mut(size(market.seen.offers[offer].group)) {
            *growth = growth.saturating_sub(1);
        }
        self.seats.bought.push(bought);
        self.stops.push(Stop {
            node,
            on: Spot::Bought(self.packed + at),
            set: market.set_of.get(offer).copied(),
        });
        self.seat(line)
    }

    fn grow(&mut self, offer: usize) {
        let group = size(self.of.market.seen.offers[offer].group);
        if let Some(growth) = self.growth.get_mut(group) {
            *growth = growth.saturating_sub(1);
        }
    }

    fn is_forbidden(&self, class: usize, set: usize) -> bool {
        let adjust = self.of.adjust;
        adjust.is_some_and(|adjust| adjust.forbids.contains_key(&(class, set)))
    }

    /// Whether one more pod of the line may come to the node.
    fn admits(&mut self, line: &Line, node: &Node) -> bool {
        self.work = self.work.saturating_sub(1);
        let open = |body: &Arc<PodSpec>| self.reaches(body, node);
        self.work > 0
            && self.filters.judge(line.asked_as, &node.name).is_ok()
            && self.pool.bodies.get(&line.class).is_some_and(open)
    }

    fn put(&mut self, line: &Line, node: &Node) {
        self.filters.put(line.asked_as, &node.name);
        let pool = self.pool;
        if let Some(body) = pool.bodies.get(&line.class) {
            self.bind(body, node);
        }
    }
}
