//! From packings to nodes by name: which offer of a lot, which pods on which node, which pods on Fargate.
//!
//! Bought is in rounds, where some pods or some groups go before others (`rounds`); most often there is one.
//! Zones are dealt here: of equal offers, the zone in which the group, and groups like it (`similar`), have fewest
//! nodes. What a purchase means in steps is in `steps`.

use crate::bought::{Bought, Purchase};
use crate::class::Class;
use crate::constraints::ZONE;
use crate::market::{FargateOption, Market};
use crate::number::size;
use crate::placement;
use crate::queue::{Queue, Taken};
use crate::quotas::Left;
use crate::rationing;
use crate::seating::{Seat, Seating};
use crate::similar::{Equals, Kin, Wanted, dislikes};
use crate::space;
use crate::table::Table;
use crate::warm;
use model::ids::NodeName;
use model::intent::IntentKind;
use model::memory::LastNodes;
use model::money::UsdPerHour;
use model::plan::PlannedNode;
use packing::duals::Duals;
use packing::{Batch, Demand, Packed, Work};
use std::collections::{BTreeMap, BTreeSet};

/// Buys round by round: what one round has bought, the next can buy no more.
pub(crate) struct Buyer<'a> {
    market: &'a Market<'a>,
    classes: &'a [Class],
    /// The last purchase.
    last: &'a [LastNodes],
    work: Work,
    till: Till<'a>,
    /// By group: nodes that may still be bought.
    growth: Vec<u32>,
    purchase: Purchase,
}

impl<'a> Buyer<'a> {
    /// Nothing is bought yet.
    pub(crate) fn new(
        market: &'a Market<'a>,
        table: &'a Table,
        (classes, last, work): (&'a [Class], &'a [LastNodes], Work),
    ) -> Self {
        Self {
            market,
            classes,
            last,
            work,
            till: Till::new(market, table, classes),
            growth: table.problem.stock.clone(),
            purchase: Purchase {
                left: market.left.clone(),
                ..Purchase::default()
            },
        }
    }

    /// What was proven holds for some of what can be bought only.
    pub(crate) fn forget_proof(&mut self) {
        self.purchase.proof = None;
    }

    /// What is bought so far.
    pub(crate) fn bought(&mut self) -> &mut [Bought] {
        &mut self.purchase.bought
    }

    /// Buys for what the queue serves, from the columns of this table.
    pub(crate) fn round(
        &mut self,
        (table, duals): (&'a Table, &'a Duals),
        most: &[u32],
        queue: &mut Queue<'_>,
    ) {
        let (market, classes) = (self.market, self.classes);
        let late = |row: &Vec<usize>| row.iter().any(|class| classes[*class].late);
        let late: Vec<bool> = table.classes.iter().map(late).collect();
        let to_fargate = placement::choose(market, table, duals, &late);
        let mut on_fargate: Vec<(usize, u32, Option<UsdPerHour>)> = Vec::new();
        let mut counts = queue.left();
        for (row, count) in counts.iter_mut().enumerate() {
            if to_fargate[row] && *count > 0 {
                let instead = placement::ec2_price(market, table, duals, row).map(|ec2| ec2.price);
                on_fargate.push((row, std::mem::take(count), instead));
            }
        }
        let own;
        let limited = if table.problem.stock == self.growth {
            table
        } else {
            own = table.with_stock(self.growth.clone());
            &own
        };
        let packer = Packer {
            market,
            last: self.last,
            table: limited,
            duals,
            classes,
            most,
            work: self.work,
            left: &self.purchase.left,
        };
        let before = self.purchase.bought.len();
        let till = &mut self.till;
        till.table = table;
        let group = |column: usize| table.problem.columns[column].group;
        if table.guarded {
            let seats = packer.seats(&counts, queue);
            let groups = seats.iter().map(|seat| (group(seat.column), 1));
            till.equals = Equals::new(market, table, &self.growth, groups);
            for seat in &seats {
                self.purchase.bought.push(till.seat(seat, queue));
            }
        } else {
            let packed = packer.pack(&counts, queue);
            let groups = packed.batches.iter();
            let groups = groups.map(|(_, batch)| (group(batch.column), batch.copies));
            till.equals = Equals::new(market, table, &self.growth, groups);
            self.purchase.proof = packed.proof;
            for (zone, batch) in &packed.batches {
                if let Some(rows) = lonely(table, &late, batch) {
                    on_fargate.extend(rows);
                    continue;
                }
                for _ in 0..batch.copies {
                    self.purchase.bought.push(till.node((*zone, batch), queue));
                }
            }
        }
        self.spend(before);
        self.place_on_fargate(table, on_fargate, queue);
    }

    /// Counts the nodes bought since there were so many.
    fn spend(&mut self, before: usize) {
        let seen = self.market.seen;
        let offers = self.purchase.bought[before..].iter().map(|bought| bought.offer);
        let offers: Vec<usize> = offers.collect();
        for offer in &offers {
            let growth = &mut self.growth[size(seen.offers[*offer].group)];
            *growth = growth.saturating_sub(1);
        }
        self.purchase.left.take_offers(seen, offers.into_iter());
    }

    fn place_on_fargate(
        &mut self,
        table: &Table,
        rows: Vec<(usize, u32, Option<UsdPerHour>)>,
        queue: &mut Queue<'_>,
    ) {
        for (row, count, instead) in rows {
            let Some((option, price)) = table.fargate[row].clone() else {
                continue;
            };
            for _ in 0..count {
                let taken = queue.take(row, 1);
                if !taken.pods.is_empty() {
                    let bought = self.till.fargate_pod((&option, price), taken, instead);
                    self.purchase.bought.push(bought);
                }
            }
        }
    }

    /// All that was bought; whoever is left in the queue has no place.
    pub(crate) fn finish(mut self, queue: &mut Queue<'_>) -> Purchase {
        let left = queue.left();
        for (row, left) in left.into_iter().enumerate() {
            let pods = queue.take(row, left).pods.into_iter();
            let real = pods.filter(|(class, _)| self.classes[*class].spec.is_some());
            self.purchase.unplaced.extend(real);
        }
        self.purchase
    }
}

/// What packing needs to know.
struct Packer<'a> {
    market: &'a Market<'a>,
    /// The last purchase.
    last: &'a [LastNodes],
    table: &'a Table,
    duals: &'a Duals,
    classes: &'a [Class],
    most: &'a [u32],
    work: Work,
    /// What quotas leave.
    left: &'a Left,
}

/// Times that pods without a seat are packed again before each gets a node of its own.
const SEATINGS: usize = 3;

impl Packer<'_> {
    fn demand<'d>(&'d self, counts: &'d [u32]) -> Demand<'d> {
        Demand {
            counts,
            provable: self.most,
        }
    }

    /// What packing finds, or the last purchase again where that is better.
    fn pack(&self, counts: &[u32], queue: &Queue<'_>) -> Packed {
        let (packed, counts) = self.find(counts, queue);
        let (table, duals) = (self.table, self.duals);
        let last = (self.classes, self.last);
        let again = warm::packing(self.market, last, (table, duals), self.demand(&counts));
        let better = |again: &Packed| {
            warm::rank(table, again) < warm::rank(table, &packed)
                && rationing::holds(table, &again.batches, self.left)
        };
        match again.filter(better) {
            Some(again) => Packed {
                proof: packed.proof,
                ..again
            },
            None => packed,
        }
    }

    /// What packing finds, and the pods that it was for.
    fn find(&self, counts: &[u32], queue: &Queue<'_>) -> (Packed, Vec<u32>) {
        let pack = |counts: &[u32]| {
            rationing::pack(self.table, self.duals, self.demand(counts), self.work, self.left)
        };
        let packed = pack(counts);
        if packed.left.iter().all(|left| *left == 0) {
            return (packed, counts.to_vec());
        }
        // Headroom gives way: what groups can still grow by belongs to pods first.
        let real: Vec<u32> = counts
            .iter()
            .enumerate()
            .map(|(row, count)| (*count).min(queue.real_left(row)))
            .collect();
        if real == counts {
            return (packed, real);
        }
        (pack(&real), real)
    }

    /// Nodes with their pods by class, for rules that rows cannot say.
    fn seats(&self, counts: &[u32], queue: &Queue<'_>) -> Vec<Seat> {
        let left = (0..self.classes.len())
            .map(|class| match counts[self.table.row_of[class]] {
                0 => 0,
                _ => queue.left_of(class),
            })
            .collect();
        let mut seating = Seating::new(self.table, self.classes, left);
        let mut table = self.table.clone();
        for round in 0..=SEATINGS {
            let counts = seating.left_by_row();
            if counts.iter().all(|count| *count == 0) {
                break;
            }
            let columns = seating.seats.iter().map(|seat| seat.column);
            let left = rationing::beside(&table, columns, self.left);
            let packed = match round {
                0 => self.pack(&counts, queue),
                SEATINGS => rationing::singly(&table, &counts, &left),
                _ => rationing::pack(&table, self.duals, self.demand(&counts), Work::NONE, &left),
            };
            seating.seat(&packed.batches);
            table.problem.stock = seating.growth();
        }
        seating.finish()
    }
}

/// A node whose pods together are cheaper as Fargate pods, as rows to place there.
fn lonely(table: &Table, late: &[bool], batch: &Batch) -> Option<Vec<(usize, u32, Option<UsdPerHour>)>> {
    let mut fargate = 0_i64;
    let mut pods = 0;
    for (row, count) in &batch.pattern {
        let (_, price) = table.fargate[*row as usize]
            .as_ref()
            .filter(|_| !late[*row as usize])?;
        fargate = fargate.saturating_add(price.saturating_mul(i64::from(*count)));
        pods += count;
    }
    let node = table.problem.bin_price(batch.column, &batch.pattern);
    let share = UsdPerHour(node / i64::from(pods.max(1)));
    let rows = || {
        batch
            .pattern
            .iter()
            .map(|(row, count)| (*row as usize, count * batch.copies, Some(share)))
            .collect()
    };
    (fargate < node).then(rows)
}

/// Gives names and zones.
pub(crate) struct Till<'a> {
    market: &'a Market<'a>,
    table: &'a Table,
    classes: &'a [Class],
    taken: BTreeSet<NodeName>,
    cycle: u64,
    nodes: u32,
    pods: u32,
    equals: Equals<'a>,
    /// Pods that would rather be spread.
    kin: Kin<'a>,
    /// By offer: its zone among those of all offers and nodes.
    zone_of: Vec<usize>,
    /// By group and zone: nodes there are and would be.
    zones: BTreeMap<(usize, usize), u32>,
}

impl<'a> Till<'a> {
    fn new(market: &'a Market<'a>, table: &'a Table, classes: &'a [Class]) -> Self {
        let seen = market.seen;
        let mut taken: BTreeSet<NodeName> = seen.nodes.iter().map(|n| n.name.clone()).collect();
        for intent in &seen.ledger.intents {
            if let IntentKind::Launch { planned, .. } = &intent.kind {
                taken.extend(planned.iter().cloned());
            }
        }
        let mut known: BTreeMap<&str, usize> = BTreeMap::new();
        let mut zone_of = |zone: &'a str| {
            let next = known.len();
            *known.entry(zone).or_insert(next)
        };
        let mut zones = BTreeMap::new();
        for node in &seen.nodes {
            let group = node
                .group
                .as_ref()
                .and_then(|g| seen.groups.binary_search_by(|x| x.name.cmp(g)).ok());
            if let (Some(group), Some(zone)) = (group, node.labels.get(ZONE)) {
                *zones.entry((group, zone_of(zone))).or_insert(0) += 1;
            }
        }
        Self {
            market,
            table,
            classes,
            taken,
            cycle: seen.cycle,
            nodes: 0,
            pods: 0,
            equals: Equals::new(market, table, &table.problem.stock, std::iter::empty()),
            zone_of: seen
                .offers
                .iter()
                .map(|offer| zone_of(offer.zone().unwrap_or_default()))
                .collect(),
            kin: Kin::new(market, classes),
            zones,
        }
        .with_nodes_to_come()
    }

    /// For what is bought on top of this.
    pub(crate) fn after(
        market: &'a Market<'a>,
        table: &'a Table,
        classes: &'a [Class],
        bought: &[Bought],
    ) -> Self {
        let mut till = Self::new(market, table, classes);
        till.taken
            .extend(bought.iter().map(|bought| bought.node.name.clone()));
        till
    }

    /// A name that nothing has: numbered within the cycle, and with the cycle's number once there is one. Numbers are
    /// given once, so that only names that were there before can be in the way.
    fn name(&mut self, fargate: bool) -> NodeName {
        let (kind, number) = if fargate {
            ("fargate", &mut self.pods)
        } else {
            ("new", &mut self.nodes)
        };
        loop {
            *number += 1;
            let name = match self.cycle {
                0 => NodeName::new(format!("{kind}-{number}")),
                cycle => NodeName::new(format!("{kind}-{cycle}-{number}")),
            };
            if !self.taken.contains(&name) {
                return name;
            }
        }
    }

    fn seat(&mut self, seat: &Seat, queue: &mut Queue<'_>) -> Bought {
        let mut taken = Taken::default();
        for (class, copies) in &seat.pods {
            queue.take_of(*class, *copies, &mut taken);
        }
        let rows = seat.pods.iter().map(|(class, n)| (self.table.row_of[*class], *n));
        let column = &self.table.problem.columns[seat.column];
        let price = self.table.problem.with_addends(column.price, column.tariff, rows);
        let lot = self.table.sold[seat.column].lot;
        let offer = self.choose_offer(lot, seat.zone, &taken);
        self.bought(offer, taken, (price, None))
    }

    fn node(&mut self, (zone, batch): (Option<usize>, &Batch), queue: &mut Queue<'_>) -> Bought {
        let mut taken = Taken::default();
        for (row, count) in &batch.pattern {
            queue.take_more(*row as usize, *count, &mut taken);
        }
        let rows = batch.pattern.iter().map(|(row, n)| (*row as usize, *n));
        let column = &self.table.problem.columns[batch.column];
        let price = self.table.problem.with_addends(column.price, column.tariff, rows);
        let lot = self.table.sold[batch.column].lot;
        let offer = self.choose_offer(lot, zone, &taken);
        self.bought(offer, taken, (price, None))
    }

    fn fargate_pod(
        &mut self,
        (option, price): (&FargateOption, i64),
        pod: Taken,
        instead: Option<UsdPerHour>,
    ) -> Bought {
        let mut bought = self.bought(option.offer, pod, (price, instead));
        bought.node.storage = option.storage;
        bought
    }

    pub(crate) fn bought(
        &mut self,
        offer: usize,
        taken: Taken,
        (price, instead): (i64, Option<UsdPerHour>),
    ) -> Bought {
        let of = &self.market.seen.offers[offer];
        let mut classes = Vec::with_capacity(taken.pods.len());
        let mut pods = Vec::with_capacity(taken.pods.len());
        for (class, pod) in taken.pods {
            classes.push(class);
            pods.push(pod);
        }
        Bought {
            node: PlannedNode {
                name: self.name(of.is_fargate()),
                group: self.market.group_of(offer),
                offer: of.id.clone(),
                pods,
                storage: UsdPerHour::ZERO,
            },
            offer,
            waiting: taken.waiting,
            classes,
            after: Vec::new(),
            policy_price: price.max(0),
            clamped: price < 0,
            instead,
        }
    }

    /// A group of one zone has there what it was asked for, also where nodes have not joined yet.
    fn with_nodes_to_come(mut self) -> Self {
        let mut sold: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
        for lot in &self.market.lots {
            let zones = lot.offers.iter().map(|offer| self.zone_of[*offer]);
            sold.entry(lot.group).or_default().extend(zones);
        }
        for (group, zones) in sold {
            let (Some(zone), 1) = (zones.first(), zones.len()) else {
                continue;
            };
            let asked = self.market.asked[group];
            let there = self.zones.entry((group, *zone)).or_insert(0);
            *there = (*there).max(asked);
        }
        self
    }

    /// Of equal offers in the zone that was dealt, the one whose taints its pods mind least and whose labels they like
    /// most; then of its group and groups like it the one where fewest of the pods are of which they would rather be
    /// spread, and in the zone with fewest nodes.
    fn choose_offer(&mut self, lot: usize, dealt: Option<usize>, pods: &Taken) -> usize {
        let market = self.market;
        // Nothing to choose from: the usual case where types are few, and there may be thousands of nodes.
        if let [only] = *market.lots[lot].offers
            && self.kin.is_empty()
            && self.equals.is_alone(lot)
        {
            let zone = (market.lots[lot].group, self.zone_of[only]);
            *self.zones.entry(zone).or_insert(0) += 1;
            return only;
        }
        let wanted = self.wanted(lot, pods);
        let lots = self.equals.lots_for(&wanted);
        let offers = &market.seen.offers;
        let dealt = dealt.map(|zone| market.zone_name(zone));
        let zone = |offer: usize| offers[offer].labels.get(ZONE).map(String::as_str);
        let there = |offer: usize| dealt.is_none_or(|dealt| zone(offer) == Some(dealt));
        let own = market.lots[lot].group;
        let alike: Vec<usize> = std::iter::once(own)
            .chain(
                lots.iter()
                    .filter(|(_, alike)| *alike)
                    .map(|(lot, _)| market.lots[*lot].group),
            )
            .collect::<BTreeSet<usize>>()
            .into_iter()
            .collect();
        let nodes = |group: usize, zone: usize| self.zones.get(&(group, zone)).copied().unwrap_or(0);
        let mut best = None;
        for (lot, is_alike) in &lots {
            let of = &market.lots[*lot];
            for offer in of.offers.iter().copied().filter(|offer| there(*offer)) {
                let zone = self.zone_of[offer];
                let of_zone: u32 = if *is_alike {
                    alike.iter().map(|group| nodes(*group, zone)).sum()
                } else {
                    nodes(of.group, zone)
                };
                let key = (
                    dislikes(market, offer, &wanted.specs),
                    self.kin.there(&wanted.classes, &offers[offer]),
                    !is_alike,
                    of_zone,
                    nodes(of.group, zone),
                    (*lot != wanted.lot, offer),
                );
                if best.as_ref().is_none_or(|(known, _)| key < *known) {
                    best = Some((key, *lot));
                }
            }
        }
        let (chosen, to) = best.map_or((0, lot), |(key, lot)| (key.5.1, lot));
        self.equals.move_node(lot, to);
        self.kin.add(&wanted.classes, &offers[chosen]);
        let zone = (market.lots[to].group, self.zone_of[chosen]);
        *self.zones.entry(zone).or_insert(0) += 1;
        chosen
    }

    fn wanted(&self, lot: usize, pods: &Taken) -> Wanted<'a> {
        let mut classes: BTreeMap<usize, u32> = BTreeMap::new();
        for (class, _) in &pods.pods {
            *classes.entry(*class).or_insert(0) += 1;
        }
        let mut asked = self.market.space.request(&model::Resources::default());
        asked.fill(0);
        let mut rows: BTreeMap<usize, u32> = BTreeMap::new();
        for (class, count) in &classes {
            space::put(&mut asked, &self.market.asks[*class], *count);
            *rows.entry(self.table.row_of[*class]).or_insert(0) += count;
        }
        let specs = classes
            .iter()
            .map(|(class, count)| (&*self.classes[*class].body, *count));
        Wanted {
            lot,
            asked,
            rows: rows.into_iter().collect(),
            specs: specs.collect(),
            classes: classes.into_iter().collect(),
        }
    }
}
