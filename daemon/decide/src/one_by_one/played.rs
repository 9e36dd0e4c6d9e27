//! A plan with rules about domains, played once as kube-scheduler would bind it: who is admitted where the plan has them, in
//! some order.
//!
//! Deals and guards hold rule by rule; where one pod has several, what each admits in some order all of them together may
//! not (a spread over zones that waits for a new node, and one over hostnames that waits for it not to come). Nodes that
//! are there come first, for their pods are bound while others boot; then all. Nothing is moved here.

use super::{Leftover, Pool, picture};
use crate::bought::Bought;
use crate::constraints::ZONE;
use crate::filters::Filters;
use crate::fit::Place;
use crate::rooms::{Housed, Stand};
use model::aims::Aims;
use model::ids::{NodeName, PodKey};
use model::node::Node;
use model::pod::{Near, PodSpec, SpecIx};
use model::snapshot::Snapshot;
use std::collections::{BTreeMap, BTreeSet};

/// With more pods than this a plan is not played: who is not admitted at once is tried again in the next cycle.
const MOST: usize = 2000;

/// A pod of the plan that has its place in no order that was tried.
pub(crate) struct Refused {
    pub(crate) class: usize,
    pub(crate) pod: PodKey,
    /// Its node, if that is there or on its way; else its place among what is bought.
    pub(crate) from: Result<NodeName, usize>,
}

/// A pod that is to be bound.
struct Waits<'m> {
    class: usize,
    pod: PodKey,
    from: Result<NodeName, usize>,
    asked_as: SpecIx,
    node: &'m Node,
}

/// Pods that kube-scheduler would not admit where the plan has them.
pub(crate) fn refused(
    of: &Leftover<'_>,
    aims: &Aims,
    (housed, bought): (&Housed, &[Bought]),
) -> Vec<Refused> {
    let placed = housed.pods.values().map(Vec::len).sum::<usize>();
    let new = bought.iter().map(|bought| bought.node.pods.len()).sum::<usize>();
    if placed + new > MOST {
        return Vec::new();
    }
    let picture = picture(of.market.seen, of.rooms);
    let classes = (0..of.classes.len()).filter(|class| of.classes[*class].spec.is_some());
    let everybody = classes.map(|class| (class, Vec::new())).collect();
    let pool = Pool::new(of, aims, (&everybody, bought));
    let mut fewest: Option<Vec<Refused>> = None;
    for order in [Order::Late, Order::Early, Order::InTurns] {
        let refused = Play::new(of, &pool, &picture).run((housed, bought), order);
        if refused.is_empty() {
            return refused;
        }
        if fewest.as_ref().is_none_or(|known| refused.len() < known.len()) {
            fewest = Some(refused);
        }
    }
    fewest.unwrap_or_default()
}

/// In which order pods and bought nodes come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Pods with rules first; nodes once nobody is admitted without them.
    Late,
    /// The same, with all nodes from the start.
    Early,
    /// With all nodes from the start, pods that the same rules count in turns from zone to zone: what was dealt in balance is
    /// in balance all the time, also where those of one rule are counted by another.
    InTurns,
}

struct Play<'m> {
    of: &'m Leftover<'m>,
    pool: &'m Pool,
    picture: &'m Snapshot,
    filters: Filters<'m>,
    /// By class: the number under which the filters judge its pods.
    numbers: BTreeMap<usize, SpecIx>,
}

impl<'m> Play<'m> {
    fn new(of: &'m Leftover<'m>, pool: &'m Pool, picture: &'m Snapshot) -> Self {
        let mut filters = Filters::new(picture);
        let numbers = pool.bodies.iter();
        let numbers = numbers
            .map(|(class, body)| (*class, filters.learn(body)))
            .collect();
        let mut play = Self {
            of,
            pool,
            picture,
            filters,
            numbers,
        };
        let market = of.market;
        let coming = market.agents.coming(market.seen, of.tenants);
        for (node, agents) in market.seen.nodes.iter().zip(coming) {
            for agent in agents {
                play.filters.put(market.agents.list[agent].ix, &node.name);
            }
        }
        play
    }

    /// Binds pods as long as any is admitted.
    fn run(mut self, (housed, bought): (&Housed, &[Bought]), order: Order) -> Vec<Refused> {
        let absent = self.pool.named.len() - bought.len();
        let (pool, seen) = (self.pool, self.of.market.seen);
        for node in &pool.named[..absent] {
            self.join(node);
        }
        let mut waiting = self.waiting_for_rooms(housed, absent);
        if order == Order::Late {
            self.bind(&mut waiting, order);
        }
        for (at, (bought, node)) in bought.iter().zip(&pool.named[absent..]).enumerate() {
            if seen.offers[bought.offer].is_fargate() {
                continue;
            }
            self.join(node);
            let classes = bought.classes.iter().chain(&bought.after);
            let pods = classes.zip(&bought.node.pods);
            waiting.extend(pods.filter_map(|(class, pod)| self.waits((*class, pod), (Err(at), node))));
        }
        self.bind(&mut waiting, order);
        let refused = waiting.into_iter().map(|waits| Refused {
            class: waits.class,
            pod: waits.pod,
            from: waits.from,
        });
        refused.collect()
    }

    fn join(&mut self, node: &'m Node) {
        self.filters.add_node(node);
        for (_, agent) in self.of.market.agents.on(Place::of_node(node)) {
            self.filters.put(agent.ix, &node.name);
        }
    }

    /// Pods in free room. Who waits there for others to end is left out, and who keeps a node stands there already.
    fn waiting_for_rooms(&mut self, housed: &Housed, absent: usize) -> Vec<Waits<'m>> {
        let (pool, picture) = (self.pool, self.picture);
        let preempt = self.of.market.preemptors.pods.iter();
        let preempt: BTreeSet<&PodKey> = preempt.map(|(pod, _)| pod).collect();
        let mut waiting = Vec::new();
        for room in self.of.rooms {
            let launched = || pool.named[..absent].iter().find(|node| node.name == room.name);
            let Some(node) = picture.node(&room.name).or_else(launched) else {
                continue;
            };
            for (class, pod) in housed.pods.get(&room.name).into_iter().flatten() {
                if preempt.contains(pod) {
                    continue;
                }
                let waits = self.waits((*class, pod), (Ok(node.name.clone()), node));
                if room.stand == Stand::Leaving {
                    if let Some(waits) = waits {
                        self.filters.put(waits.asked_as, &node.name);
                    }
                } else {
                    waiting.extend(waits);
                }
            }
        }
        waiting
    }

    fn waits(
        &self,
        (class, pod): (usize, &PodKey),
        (from, node): (Result<NodeName, usize>, &'m Node),
    ) -> Option<Waits<'m>> {
        Some(Waits {
            class,
            pod: pod.clone(),
            from,
            asked_as: *self.numbers.get(&class)?,
            node,
        })
    }

    /// Those with rules first, whoever is counted by them may come at any time after; or all of them in turns.
    fn bind(&mut self, waiting: &mut Vec<Waits<'m>>, order: Order) {
        if order == Order::InTurns {
            let turns = self.turns(waiting);
            let mut numbered: Vec<_> = turns.into_iter().zip(std::mem::take(waiting)).collect();
            numbered.sort_by_key(|(turn, _)| *turn);
            waiting.extend(numbered.into_iter().map(|(_, waits)| waits));
        } else {
            let ruled = |waits: &Waits<'_>| !self.pool.bodies[&waits.class].near.is_empty();
            waiting.sort_by_key(|waits| !ruled(waits));
        }
        loop {
            let before = waiting.len();
            waiting.retain(|waits| {
                let admitted = self.filters.judge(waits.asked_as, &waits.node.name).is_ok();
                if admitted {
                    self.filters.put(waits.asked_as, &waits.node.name);
                }
                !admitted
            });
            if waiting.len() == before {
                return;
            }
        }
    }

    /// By pod: how many of those that the same rules count come to its zone before it.
    fn turns(&self, waiting: &[Waits<'m>]) -> Vec<u32> {
        let mut rules: Vec<&Near> = Vec::new();
        for near in self.pool.bodies.values().flat_map(|body| &body.near) {
            if !rules.contains(&near) {
                rules.push(near);
            }
        }
        let counted = |body: &PodSpec| -> Vec<usize> {
            let by = rules.iter().enumerate().filter(|(_, rule)| rule.selects(body));
            by.map(|(at, _)| at).collect()
        };
        let of_class: BTreeMap<usize, Vec<usize>> = self
            .pool
            .bodies
            .iter()
            .map(|(class, body)| (*class, counted(body)))
            .collect();
        let mut there: BTreeMap<(&[usize], Option<&String>), u32> = BTreeMap::new();
        let turn = |waits: &Waits<'m>| {
            let by = of_class.get(&waits.class).map_or(&[][..], Vec::as_slice);
            let before = there.entry((by, waits.node.labels.get(ZONE))).or_insert(0);
            *before += 1;
            *before - 1
        };
        waiting.iter().map(turn).collect()
    }
}
