//! What spot capacity counts on top of its price, where the aims say so (`aims.spot`).
//!
//! Two things. A pod on a spot node counts what its interruption counts, times how likely that is: an addend per pod
//! that packing, the bound and free room see like a policy's. And a spot node counts a share of its price that grows
//! with how much of all spot capacity stands in its pool (AWS' word: an instance type in a zone), because one
//! shortage takes a whole pool. The second depends on what else is bought, so it is no price that packing could see:
//! nodes are moved to other pools afterwards, one by one, as long as the sum falls.
//!
//! The bill is never touched: these amounts only steer. The first is told beside it, with what policies add; the second
//! is told nowhere, because no bound knows of it.

use crate::adjust::Adjust;
use crate::bought::Bought;
use crate::market::{Lot, Market};
use crate::number::{narrow, size};
use crate::space;
use crate::table::Table;
use crate::tariffs::pool;
use model::aims::Aims;
use model::ids::OfferId;
use model::intent::IntentKind;
use model::snapshot::Snapshot;
use std::collections::BTreeMap;

/// What one node's price counts at most, nano-dollars per hour: ten thousand dollars, many times the dearest type, so that
/// the square of a million such nodes is still a number.
const MOST: i64 = 10_000_000_000_000;
/// Times that all nodes are looked at.
const PASSES: usize = 8;
/// Pools that are compared, over all nodes and passes.
const COMPARED: usize = 4_000_000;

/// Pools of spot capacity: what runs in each, by price.
#[derive(Clone, Debug)]
pub(crate) struct Pools {
    permille: i128,
    /// By offer: its pool.
    of: Vec<Option<usize>>,
    /// By offer: its price.
    price: Vec<i128>,
    /// By pool: nano-dollars per hour.
    rates: Vec<i128>,
    all: i128,
    /// Sum of the squares of the rates.
    squares: i128,
}

impl Pools {
    /// Those of the nodes that run or are on their way; `None` where the aims do not ask for diversity.
    pub(crate) fn of(seen: &Snapshot, aims: &Aims) -> Option<Self> {
        if aims.spot.diversity_permille == 0 {
            return None;
        }
        let mut known: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let of: Vec<Option<usize>> = seen
            .offers
            .iter()
            .map(|offer| {
                let next = known.len();
                pool(offer).map(|pool| *known.entry(pool).or_insert(next))
            })
            .collect();
        let mut pools = Self {
            permille: i128::from(aims.spot.diversity_permille),
            price: seen
                .offers
                .iter()
                .map(|offer| i128::from(offer.price.0.clamp(0, MOST)))
                .collect(),
            rates: vec![0; known.len()],
            of,
            all: 0,
            squares: 0,
        };
        for offer in seen.nodes.iter().filter_map(|node| node.offer.as_ref()) {
            pools.add_by_id(seen, offer, 1);
        }
        for intent in &seen.ledger.intents {
            if let IntentKind::Launch {
                offer, count, joined, ..
            } = &intent.kind
            {
                pools.add_by_id(seen, offer, size(*count).saturating_sub(joined.len()));
            }
        }
        Some(pools)
    }

    fn add_by_id(&mut self, seen: &Snapshot, id: &OfferId, nodes: usize) {
        if let Some(offer) = seen.offer_ix(id) {
            for _ in 0..nodes {
                self.grow(offer, 1);
            }
        }
    }

    /// One node more of an offer, or one less.
    fn grow(&mut self, offer: usize, sign: i128) {
        if let Some(pool) = self.of[offer] {
            let rate = &mut self.rates[pool];
            self.squares -= *rate * *rate;
            *rate += sign * self.price[offer];
            self.squares += *rate * *rate;
            self.all += sign * self.price[offer];
        }
    }

    /// What all of them count: the share of its pool, for every node.
    fn counted(&self) -> i128 {
        if self.all > 0 {
            self.permille * (self.squares / self.all) / 1000
        } else {
            0
        }
    }

    /// What a node of the offer counts that is among them.
    pub(crate) fn on_top(&self, offer: usize) -> i64 {
        let rate = self.of[offer].map_or(0, |pool| self.rates[pool]);
        self.part(offer, rate, self.all)
    }

    /// What one more node of the offer would count.
    pub(crate) fn on_top_of_one_more(&self, offer: usize) -> i64 {
        let more = self.of[offer].map_or(0, |pool| self.rates[pool] + self.price[offer]);
        self.part(offer, more, self.all + self.price[offer])
    }

    fn part(&self, offer: usize, rate: i128, all: i128) -> i64 {
        if all > 0 {
            narrow(self.permille * self.price[offer] * rate / all / 1000)
        } else {
            0
        }
    }
}

/// A node's place on the market: what it costs with what its pods cost on top, and its offer.
type Way = (i64, usize);

/// Moves bought spot nodes to other pools, or off spot, while that counts less.
pub(crate) fn diversify(
    (market, aims): (&Market<'_>, &Aims),
    (table, adjust): (&Table, Option<&Adjust>),
    bought: &mut [Bought],
) {
    let Some(mut pools) = Pools::of(market.seen, aims) else {
        return;
    };
    let mut growth = table.problem.stock.clone();
    for node in bought.iter() {
        pools.grow(node.offer, 1);
        let group = size(market.seen.offers[node.offer].group);
        if let Some(left) = growth.get_mut(group) {
            *left = left.saturating_sub(1);
        }
    }
    let ways = Ways {
        market,
        table,
        adjust,
        permille: i64::from(aims.spot.diversity_permille),
    };
    let mut known: BTreeMap<(usize, Vec<usize>), Vec<Way>> = BTreeMap::new();
    let keys: Vec<(usize, Vec<usize>)> = bought
        .iter()
        .map(|node| (node.offer, node.classes.clone()))
        .collect();
    let mut compared = 0;
    for _ in 0..PASSES {
        let mut moved = false;
        for (node, key) in bought.iter_mut().zip(&keys) {
            if pools.of[key.0].is_none() || compared > COMPARED {
                continue;
            }
            let ways = known.entry(key.clone()).or_insert_with(|| ways.of(node));
            compared += ways.len();
            if let Some((price, offer)) = best(&mut pools, &growth, node, (market, ways)) {
                let group = |offer: usize| size(market.seen.offers[offer].group);
                growth[group(node.offer)] += 1;
                growth[group(offer)] -= 1;
                moved = true;
                node.policy_price = price;
                node.put_on(market, offer);
            }
        }
        if !moved {
            break;
        }
    }
}

/// The way that counts least, where it is less than the node's own; pools are left as if it had been taken.
fn best(
    pools: &mut Pools,
    growth: &[u32],
    node: &Bought,
    (market, ways): (&Market<'_>, &[Way]),
) -> Option<Way> {
    let group = |offer: usize| size(market.seen.offers[offer].group);
    let now = i128::from(node.policy_price) + pools.counted();
    pools.grow(node.offer, -1);
    let mut least: (i128, Option<Way>) = (now, None);
    for (price, offer) in ways {
        if i128::from(*price) >= least.0 {
            break;
        }
        if group(*offer) != group(node.offer) && growth[group(*offer)] == 0 {
            continue;
        }
        pools.grow(*offer, 1);
        let counted = i128::from(*price) + pools.counted();
        pools.grow(*offer, -1);
        if counted < least.0 {
            least = (counted, Some((*price, *offer)));
        }
    }
    pools.grow(least.1.map_or(node.offer, |(_, offer)| offer), 1);
    least.1
}

/// Where else a node's pods could be.
struct Ways<'w> {
    market: &'w Market<'w>,
    table: &'w Table,
    adjust: Option<&'w Adjust>,
    permille: i64,
}

impl Ways<'_> {
    /// Offers that hold the node's pods where they may run, cheapest first. What costs more than a node alone in its
    /// pool could save is left out.
    fn of(&self, node: &Bought) -> Vec<Way> {
        let table = self.table;
        let mut rows: BTreeMap<usize, u32> = BTreeMap::new();
        for class in &node.classes {
            *rows.entry(table.row_of[*class]).or_insert(0) += 1;
        }
        let mut total = vec![0; table.problem.width()];
        for (row, copies) in &rows {
            space::put(&mut total, &table.problem.rows[*row].ask, *copies);
        }
        let most = node
            .policy_price
            .saturating_add(node.policy_price.saturating_mul(2 * self.permille) / 1000);
        let zones: Vec<usize> = rows
            .keys()
            .filter_map(|row| table.problem.rows[*row].zone)
            .collect();
        let there = |offer: &usize| {
            let zone = self.market.zone_of(*offer);
            zones.iter().all(|dealt| Some(*dealt) == zone)
        };
        let mut ways: Vec<Way> = Vec::new();
        let own = self.market.lot_of(node.offer);
        for lot in self.market.lots.iter().filter(|lot| !lot.unknown) {
            let price = self.price(lot, &rows);
            if own.is_some_and(|own| !self.market.may_replace(own, lot)) {
                continue;
            }
            if price > most || !self.holds(lot, (&rows, &total), node) {
                continue;
            }
            ways.extend(
                lot.offers
                    .iter()
                    .copied()
                    .filter(&there)
                    .map(|offer| (price, offer)),
            );
        }
        ways.sort_unstable();
        ways
    }

    /// Price of a node of the lot with pods of these rows, never below zero.
    fn price(&self, lot: &Lot, rows: &BTreeMap<usize, u32>) -> i64 {
        let factor = |adjust: &Adjust| lot.price.scaled(adjust.factor(lot.set));
        let price = self.adjust.map_or(lot.price, factor).0;
        let pods = rows.iter().map(|(row, copies)| (*row, *copies));
        self.table.problem.with_addends(price, lot.tariff, pods).max(0)
    }

    fn holds(&self, lot: &Lot, (rows, total): (&BTreeMap<usize, u32>, &[i64]), node: &Bought) -> bool {
        let admits = |class: &usize| lot.admits[self.market.rule_of[*class]];
        space::holds(&self.table.project(&lot.room), total)
            && node.classes.iter().all(admits)
            && rows.keys().all(|row| self.table.allowed(Some(lot.set), *row))
    }
}

#[cfg(test)]
mod tests;
