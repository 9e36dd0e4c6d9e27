//! One pod after another, asked of the filters: who stands where, which nodes may be tried, and what is bought.

use super::{Left, Leftover, On, Pool, Seated, Seats};
use crate::bought::Purchase;
use crate::constraints::ZONE;
use crate::filters::Filters;
use crate::fit::{self, HOSTNAME, Place};
use crate::joining;
use crate::number::size;
use crate::purchase::Till;
use crate::queue::Taken;
use crate::rooms::{Housed, Room, Stand};
use model::ids::{NodeName, PodKey};
use model::node::Node;
use model::pod::{NearRule, PodSpec, SpecIx};
use model::snapshot::Snapshot;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Questions that the filters are asked, at most.
const WORK: usize = 400_000;

/// Pods of a class without a place.
struct Line {
    class: usize,
    pods: Vec<PodKey>,
    /// The number under which the filters judge them.
    asked_as: SpecIx,
    /// Its rules mean nobody who waits.
    alone: bool,
}

/// What is bought first: of the heaviest group, at a known price, what takes most where that counts, what costs least, the
/// first offer.
type Rank = (Reverse<u32>, bool, Reverse<u32>, i128, usize);

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

/// See the module.
pub(super) struct OneByOne<'m> {
    of: &'m Leftover<'m>,
    pool: &'m Pool,
    filters: Filters<'m>,
    /// Those who run, nobody else; where somebody asks for them.
    running: Option<Filters<'m>>,
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

impl<'m> OneByOne<'m> {
    /// Everybody stands where the plan has them.
    pub(super) fn new(
        of: &'m Leftover<'m>,
        pool: &'m Pool,
        (picture, housed, purchase): (&'m Snapshot, &Housed, &Purchase),
    ) -> Self {
        let (market, bought) = (of.market, purchase.bought.as_slice());
        let mut search = Self {
            of,
            pool,
            filters: Filters::new(picture),
            running: None,
            stops: Vec::new(),
            growth: of.table.problem.stock.clone(),
            till: Till::after(market, of.table, of.classes, bought),
            claims: BTreeMap::new(),
            as_dealt: false,
            work: WORK,
            seats: Seats {
                left: purchase.left.clone(),
                ..Seats::default()
            },
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

    /// Seats pods wherever they may go, and buys nodes for them.
    pub(super) fn anywhere(mut self, left: Left) -> Seats {
        let mut lines = self.lines(left);
        self.run(&mut lines);
        self.seats
    }

    /// Seats pods on nodes that are there, where their classes were dealt.
    pub(super) fn where_dealt(mut self, left: Left) -> Vec<Seated> {
        self.as_dealt = true;
        let mut lines = self.lines(left);
        while lines
            .iter_mut()
            .fold(false, |moved, line| self.seat(line) | moved)
        {}
        self.seats.seated
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
            pods.reverse();
            lines.push(Line {
                alone: self.is_alone(class, body),
                class,
                pods,
                asked_as,
            });
        }
        // Whom nobody outranks comes first.
        lines.sort_by_key(|line| (Reverse(self.of.classes[line.class].rank()), line.class));
        self.running = lines.iter().any(|line| line.alone).then(|| {
            let mut running = Filters::new(self.of.market.seen);
            // Numbers are given in the order of learning, here as there.
            for line in &lines {
                running.learn(&self.pool.bodies[&line.class]);
            }
            running
        });
        lines
    }

    /// Whether kube-scheduler admits one of the line to the node whoever of the others has come.
    fn comes_now(&self, line: &Line, node: &Node) -> bool {
        let admits = |running: &Filters<'m>| running.judge(line.asked_as, &node.name).is_ok();
        line.alone && self.running.as_ref().is_some_and(admits)
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
            if moved {
                continue;
            }
            if !lines.iter_mut().any(|line| self.buy(line)) {
                return;
            }
            self.look_again(lines);
        }
    }

    /// A node that joins may be the emptiest: whom that keeps off the bought node where it was seated is seated anew.
    fn look_again(&mut self, lines: &mut [Line]) {
        let stops = self.stops.iter().filter_map(|stop| match stop.on {
            Spot::Bought(at) => Some((at, stop.node)),
            Spot::There(_) => None,
        });
        let nodes: BTreeMap<usize, &'m Node> = stops.collect();
        let mut seated = std::mem::take(&mut self.seats.seated);
        seated.retain(|seat| {
            let On::Bought(at) = seat.on else { return true };
            let line = lines.iter_mut().find(|line| line.class == seat.class);
            let (Some(node), Some(line)) = (nodes.get(&at), line) else {
                return true;
            };
            self.filters.take(line.asked_as, &node.name);
            let stays = self.admits(line, node);
            if stays {
                self.filters.put(line.asked_as, &node.name);
            } else {
                line.pods.push(seat.pod.clone());
            }
            stays
        });
        seated.append(&mut self.seats.seated);
        self.seats.seated = seated;
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
                Spot::Bought(_) => self.of.classes[line.class].expendable,
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
                        now: self.comes_now(line, node),
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
        let expendable = self.of.classes[line.class].expendable;
        if line.pods.is_empty() || expendable || self.seats.bought.len() >= self.pool.fresh.len() {
            return false;
        }
        let body = &self.pool.bodies[&line.class];
        let together = |near: &model::pod::Near| near.key == HOSTNAME && near.rule == NearRule::Together;
        let on_one = body.near.iter().any(together);
        let mut best: Option<Rank> = None;
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
            let market = self.of.market;
            let weight = market.weights.get(market.lots[lot].group).copied().unwrap_or(0);
            let rank = (Reverse(weight), market.lots[lot].unknown, most, worth, offer);
            if best.as_ref().is_none_or(|known| rank < *known) {
                best = Some(rank);
            }
        }
        let Some((.., offer)) = best else { return false };
        self.open(line, offer)
    }

    /// Lots and offers that may be bought for a class.
    fn for_sale(&self, class: usize, body: &PodSpec) -> Vec<(usize, usize)> {
        let market = self.of.market;
        let lots = market.lots.iter().enumerate();
        let open = lots.filter(|(_, lot)| {
            self.growth.get(lot.group).is_some_and(|growth| *growth > 0)
                && self.seats.left.allows(lot.group, &lot.each)
                && !self.is_forbidden(class, lot.set)
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
        self.grow(offer);
        let each = self.seats.left.each(&market.seen.offers[offer]);
        let group = size(market.seen.offers[offer].group);
        self.seats.left.take(group, &each, 1);
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
