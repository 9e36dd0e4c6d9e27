//! Rounds of placing: heavier groups before lighter ones, and pods of higher priority before others where not all have
//! room.
//!
//! **Weights** are lexicographic: whatever it costs, a heavier group is bought before a lighter one. Packing is about
//! money alone, and a weight written as a price would either leave it to the prices or drown them; so each weight is a
//! purchase of its own, from the groups that weigh so much, for the pods that heavier ones left.
//!
//! **Priority** changes nothing while everybody is served: all are placed together, which is cheapest. Only where
//! somebody is refused beside pods of lower priority that took what would have served him, all are placed again, tier by
//! tier: free room first, then what groups and quotas leave to be bought, then what is left on the nodes that tiers
//! before have bought.
//!
//! Expendable pods come last, into free room that no node is kept for.

use crate::adjust::Adjust;
use crate::bought::{Bought, Purchase};
use crate::class::{Class, Rank};
use crate::constraints::Deal;
use crate::market::Lot;
use crate::number::size;
use crate::one_by_one::Leftover;
use crate::purchase::Buyer;
use crate::queue::Queue;
use crate::rooms::{self, Demand, Housed, Room};
use crate::space;
use crate::stage::{reach, rise};
use crate::table::Table;
use model::aims::Aims;
use model::memory::LastNodes;
use packing::Work;
use packing::duals::{self, Duals};
use std::collections::{BTreeMap, BTreeSet};

/// What came of placing.
pub(crate) struct Found {
    pub(crate) rooms: Vec<Room>,
    pub(crate) housed: Housed,
    pub(crate) purchase: Purchase,
}

/// See the module.
pub(crate) struct Rounds<'a> {
    pub(crate) demand: &'a Demand<'a>,
    /// What nodes that rise together are asked of.
    pub(crate) rising: (&'a Leftover<'a>, &'a Aims),
    /// The last purchase, and how much work goes into this one.
    pub(crate) last: (&'a [LastNodes], Work),
    /// What may be bought of all groups.
    pub(crate) whole: (&'a Table, &'a Duals),
    /// By row: pods that are bought for at most.
    pub(crate) most: &'a [u32],
    /// By weight, the heaviest first; empty where all groups weigh the same.
    pub(crate) by_weight: &'a [(Table, Duals)],
}

/// What may be bought of the groups of each weight, the heaviest first; nothing where all weigh the same.
pub(crate) fn by_weight(
    demand: &Demand<'_>,
    adjust: Option<&Adjust>,
    whole: &Table,
    (counts, work): (&[u32], Work),
) -> Vec<(Table, Duals)> {
    let Demand { market, classes } = *demand;
    let weights = market.weights_sold();
    if weights.len() < 2 {
        return Vec::new();
    }
    let tables = weights.into_iter().rev().map(|weight| {
        let mut table = Table::of_weight(market, weight, classes, adjust);
        for row in 0..table.problem.rows.len() {
            // What has waited too long for Fargate is bought for elsewhere where anything else runs it.
            let late = table.classes[row].iter().any(|class| classes[*class].late);
            if late && whole.problem.has_column(row) {
                table.keep_off_fargate(row);
            }
        }
        let duals = duals::search_to(reach(work, &table), &table.problem, counts);
        (table, duals)
    });
    tables.collect()
}

impl Rounds<'_> {
    /// Places everybody, or whoever goes first.
    pub(crate) fn place(&self, rooms: &[Room]) -> Found {
        let classes = self.demand.classes;
        let ranks = classes.iter().filter(|class| class.count() > 0).map(Class::rank);
        let ranks: BTreeSet<Rank> = ranks.filter(|rank| *rank > Rank::Expendable).collect();
        let together = self.serve(rooms, std::slice::from_ref(&ranks));
        if ranks.len() < 2 || !self.gives_way(rooms, &together) {
            return together;
        }
        let tiers: Vec<BTreeSet<Rank>> = ranks.iter().rev().map(|rank| BTreeSet::from([*rank])).collect();
        let apart = self.serve(rooms, &tiers);
        let refused = |found: &Found| -> Vec<usize> {
            let unplaced = &found.purchase.unplaced;
            let of = |rank: Rank| {
                let own = unplaced
                    .iter()
                    .filter(|(class, _)| classes[*class].rank() == rank);
                own.count()
            };
            ranks.iter().rev().map(|rank| of(*rank)).collect()
        };
        // Fewer of the highest that is refused at all decide: fewer of a lower one may have taken its place.
        let counts = refused(&together).into_iter().zip(refused(&apart));
        let highest = counts.into_iter().find(|counts| *counts != (0, 0));
        if highest.is_some_and(|(together, apart)| together < apart) {
            together
        } else {
            apart
        }
    }

    /// Serves tier by tier, then who is expendable.
    fn serve(&self, rooms: &[Room], tiers: &[BTreeSet<Rank>]) -> Found {
        let Demand { market, classes } = *self.demand;
        let (table, duals) = self.whole;
        let (last, work) = self.last;
        let mut rooms = rooms.to_vec();
        let mut queue = Queue::new(table, classes);
        let mut buyer = Buyer::new(market, table, (classes, last, work));
        let mut housed = Housed::default();
        let mut fresh = Fresh::default();
        if tiers.len() > 1 {
            queue.open_to(|class| !classes[class].expendable);
            rooms::keep(self.demand, &mut rooms, &mut queue, &mut housed);
        }
        for tier in tiers {
            queue.open_to(|class| tier.contains(&classes[class].rank()));
            let lodged = rooms::house(self.demand, self.whole, &mut rooms, &mut queue);
            housed.join(lodged);
            rise(self.rising, (&mut rooms, &mut queue), &mut housed);
            if self.by_weight.is_empty() {
                buyer.round(self.whole, self.most, &mut queue);
            } else {
                for (table, duals) in self.by_weight {
                    buyer.round((table, duals), self.most, &mut queue);
                }
                buyer.forget_proof();
            }
            if tiers.len() > 1 {
                buyer.forget_proof();
                fresh.carry(self.demand, table, &mut housed, buyer.bought());
                fresh.open(self.demand, buyer.bought(), &mut rooms);
                if queue.left().iter().any(|left| *left > 0) {
                    let lodged = rooms::house(self.demand, self.whole, &mut rooms, &mut queue);
                    housed.join(lodged);
                    fresh.carry(self.demand, table, &mut housed, buyer.bought());
                }
            }
        }
        rooms.retain(|room| !fresh.nodes.contains_key(&room.name));
        if classes.iter().any(|class| class.expendable) {
            queue.open_to(|class| classes[class].expendable);
            rooms::lodge(self.demand, (table, duals), (&mut rooms, &mut queue), &mut housed);
        }
        queue.open_to(|_| true);
        let purchase = buyer.finish(&mut queue);
        Found {
            rooms,
            housed,
            purchase,
        }
    }

    /// Whether somebody is refused whom pods of lower rank could make room for.
    fn gives_way(&self, rooms: &[Room], found: &Found) -> bool {
        let Demand { market, classes } = *self.demand;
        let unplaced: BTreeSet<usize> = found.purchase.unplaced.iter().map(|(class, _)| *class).collect();
        unplaced.into_iter().any(|class| {
            let of = &classes[class];
            let hopeless = of.expendable || of.deal.as_ref().is_some_and(Deal::is_nowhere);
            let lower = |other: &usize| classes[*other].rank() < of.rank();
            let bought = || {
                let mut nodes = found.purchase.bought.iter();
                nodes.any(|node| node.classes.iter().any(lower) && self.shares_a_limit(class, node))
            };
            let there = || {
                let holds = |room: &Room| {
                    let pods = found.housed.pods.get(&room.name);
                    let Some(pods) = pods.filter(|pods| pods.iter().any(|(other, _)| lower(other))) else {
                        return false;
                    };
                    let mut free = room.free.clone();
                    for (other, _) in pods.iter().filter(|(other, _)| !lower(other)) {
                        space::take(&mut free, &market.asks[*other], 1);
                    }
                    room.admits[class] && space::holds(&free, &market.asks[class])
                };
                rooms.iter().any(holds)
            };
            !hopeless && (bought() || there())
        })
    }

    /// Whether the node uses up what a node for the class would be bought from.
    fn shares_a_limit(&self, class: usize, node: &Bought) -> bool {
        let Demand { market, classes } = *self.demand;
        let offer = &market.seen.offers[node.offer];
        let runs = |lot: &&Lot| {
            lot.admits[market.rule_of[class]]
                && classes[class].body.unmodelled.is_empty()
                && space::holds(&lot.room, &market.asks[class])
        };
        let shares = |lot: &Lot| lot.group == size(offer.group) || market.left.limits_all();
        !offer.is_fargate() && market.lots.iter().filter(runs).any(shares)
    }
}

/// Nodes that tiers before have bought: what is left on them is free room for the others.
#[derive(Default)]
struct Fresh {
    /// By name: place among what was bought.
    nodes: BTreeMap<model::NodeName, usize>,
    seen: usize,
}

impl Fresh {
    /// Makes rooms of the nodes that are new.
    fn open(&mut self, demand: &Demand<'_>, bought: &[Bought], rooms: &mut Vec<Room>) {
        let market = demand.market;
        let mut opened = Vec::new();
        for (at, node) in bought.iter().enumerate().skip(self.seen) {
            if !market.seen.offers[node.offer].is_fargate() {
                self.nodes.insert(node.node.name.clone(), at);
                opened.push(Room::bought(demand, node));
            }
        }
        self.seen = bought.len();
        rooms::insert(rooms, opened);
    }

    /// Puts who found room on these nodes among their pods.
    fn carry(&self, demand: &Demand<'_>, table: &Table, housed: &mut Housed, bought: &mut [Bought]) {
        for (name, at) in &self.nodes {
            housed.asks.remove(name);
            for (class, pod) in housed.pods.remove(name).into_iter().flatten() {
                let tariff = demand.market.tariff_of.get(bought[*at].offer).copied();
                let addend = table.problem.addend(tariff, table.row_of[class]);
                let waits = demand.market.seen.pod(&pod).is_some();
                bought[*at].add((class, pod), waits, addend);
            }
        }
    }
}
