//! Probes: what giving up a few nodes would bring, on the packed state and without rebuilding it.
//!
//! The pods of the nodes go into free room of others first, full nodes before empty ones; what is left is packed
//! onto the cheapest new nodes. A probe ends as soon as those cost more than could still be saved, and is taken
//! back from the journal. Whether a node may go at all was asked before.

use super::fleet::{Fleet, Put};
use super::prices::Prices;
use super::seeking::ALL_QUESTIONS;
use super::ties::Ties;
use crate::fill::{self, Item, Taste};
use crate::number::{count, real, size};
use crate::quotas::Left;
use crate::space::{self, Vector};
use model::ids::PodKey;
use model::reason::Holds;

/// Bins, and virtual pods put onto them.
type Headroom = Vec<(usize, Vector)>;

/// Nodes that could be given up together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Found {
    pub(super) ruined: Vec<usize>,
    /// Pods that go into free room.
    pub(super) puts: Vec<Put>,
    /// Headroom that does.
    pub(super) headroom: Headroom,
    /// New nodes with their pods by row.
    pub(super) bought: Vec<New>,
    /// Nano-dollars per hour saved.
    pub(super) saves: i64,
    /// What the nodes cost that go.
    pub(super) price: i64,
    /// What the pods pay that go into free room.
    pub(super) fills: i64,
    /// What the places of the pods count more than before, beside prices (`aims.spot`).
    pub(super) on_top: i64,
    pub(super) moves: u32,
}

impl Found {
    /// Nano-dollars per hour that are gained: what is saved, less the room that is used up for it, less old nodes
    /// that run until new ones have taken over.
    pub(super) fn worth(&self, terms: Terms) -> f64 {
        let lost = if self.bought.is_empty() {
            0.0
        } else {
            terms.replacing(self.price)
        };
        real(self.saves) - real(self.on_top) - terms.room * real(self.fills) - lost
    }

    /// What is gained over what the evictions count.
    pub(super) fn net(&self, terms: Terms) -> f64 {
        self.worth(terms) - terms.evictions(self.moves)
    }
}

/// A new node.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct New {
    pub(super) column: usize,
    pub(super) load: Vec<(u32, u32)>,
    /// The one of its offers that its pods are admitted to, where that matters.
    pub(super) offer: Option<usize>,
}

/// Pods come and go once one divided by this of the free room is asked for within a payback.
const STIR: f64 = 20.0;

/// What a probe may do.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// What an eviction counts, in nano-dollars.
    pub(super) cost: f64,
    /// Hours in which what is saved must make up for the evictions.
    pub(super) hours: f64,
    /// What free room that is used up counts, of what buying it would cost: 1 where others will ask for it soon.
    pub(super) room: f64,
    /// Hours of their price that are lost on nodes that are replaced.
    pub(super) lost: f64,
    /// New nodes may only be of the set that the pods are on now: policies have a say on prices.
    pub(super) same_set: bool,
    pub(super) taste: Taste,
}

impl Terms {
    /// Nano-dollars per hour that must be saved for so many evictions.
    pub(super) fn evictions(&self, moves: u32) -> f64 {
        // Where they cost nothing, no time is too short.
        if moves == 0 || self.cost <= 0.0 {
            0.0
        } else {
            self.cost * f64::from(moves) / self.hours
        }
    }

    /// The same for what replacing nodes of this price loses where pods come and go. Where nothing does, what is saved
    /// lasts, and that is soon made good.
    pub(super) fn replacing(&self, price: i64) -> f64 {
        let often = (self.room * STIR).min(1.0);
        if often > 0.0 {
            often * self.lost * real(price) / self.hours
        } else {
            0.0
        }
    }
}

/// Whether pods that filters judge are moved already: nobody says in which order kube-scheduler sees those of two removals,
/// so that the next one waits until those of the first stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tied {
    /// None is.
    No,
    /// Some are.
    Begun,
    /// Some are, and another removal was found that waits for them.
    Waits,
    /// What could go later is looked for, not what goes now: nothing waits.
    Foreseen,
}

/// See the module.
pub(super) struct Search<'s, 'a> {
    pub(super) fleet: &'s mut Fleet<'a>,
    pub(super) prices: &'s Prices<'a>,
    /// By group: nodes it may still be grown by.
    pub(super) growth: Vec<u32>,
    /// What quotas leave to be bought: what replaces a node stands beside it for a while.
    pub(super) quotas: Left,
    /// The most that a group of the nodes weighs which a probe gives up: nothing lighter takes their place.
    pub(super) weight: u32,
    /// By group: nodes it may still lose.
    pub(super) spare: Vec<u32>,
    /// Bins that take pods, full ones first.
    pub(super) receivers: Vec<usize>,
    /// By row: pods without a place.
    pub(super) left: Vec<u32>,
    /// Rows that have some.
    pub(super) rows: Vec<u32>,
    /// Probes made.
    pub(super) probes: u32,
    /// Filters, where any pod that could move asks for them.
    pub(super) ties: Option<Ties<'s>>,
    /// Some of the pods without a place ask for them.
    pub(super) engaged: bool,
    /// The place in the journal of what filters were told at which those pods have left and none has come.
    pub(super) lifted: usize,
    /// Questions to the filters that are left for other orders.
    pub(super) questions: u32,
    /// Whether pods that ask for them are moved already.
    pub(super) tied: Tied,
}

impl<'s, 'a> Search<'s, 'a> {
    pub(super) fn new(fleet: &'s mut Fleet<'a>, prices: &'s Prices<'a>, growth: Vec<u32>) -> Self {
        let receivers = receivers(fleet);
        Self {
            left: vec![0; prices.table.problem.rows.len()],
            rows: Vec::new(),
            probes: 0,
            ties: None,
            engaged: false,
            lifted: 0,
            questions: ALL_QUESTIONS,
            tied: Tied::No,
            spare: Vec::new(),
            fleet,
            prices,
            growth,
            quotas: Left::default(),
            weight: 0,
            receivers,
        }
    }

    /// What giving up these nodes would bring; nothing is changed. `None` where their pods have no place, or moving
    /// them costs more than it saves.
    pub(super) fn probe(&mut self, ruined: &[usize], terms: Terms) -> Option<Found> {
        self.probes += 1;
        let price: i64 = ruined.iter().map(|bin| self.fleet.bins[*bin].price).sum();
        let moves: u32 = ruined.iter().map(|bin| self.fleet.bins[*bin].moves()).sum();
        let on_top = ruined
            .iter()
            .map(|bin| self.on_top(*bin))
            .fold(0, i64::saturating_add);
        let spare = real(price) + real(on_top) - terms.evictions(moves);
        if !self.can_spare(ruined) {
            return None;
        }
        if moves > 0 && (spare <= 0.0 || !ruined.iter().all(|bin| self.fleet.bins[*bin].priced)) {
            return None;
        }
        if moves > 0
            && self
                .at_most(ruined, terms)
                .is_some_and(|most| most <= terms.evictions(moves))
        {
            return None;
        }
        let (mark, told) = (self.fleet.mark(), self.ties_mark());
        for bin in ruined {
            self.fleet.bins[*bin].receives = false;
        }
        let weights = &self.prices.market.weights;
        let weighs = ruined
            .iter()
            .filter_map(|bin| weights.get(self.fleet.bins[*bin].group?));
        self.weight = weighs.max().copied().unwrap_or(0);
        let found = self.placed(ruined, (mark, price, spare), terms);
        let found = found.map(|(bought, headroom)| {
            let paid: i64 = bought.iter().map(|new| self.price(new.column)).sum();
            let counted = |new: &New| self.prices.counted(new.column, &new.load) - self.price(new.column);
            let then = bought
                .iter()
                .map(counted)
                .fold(self.puts_on_top(mark), i64::saturating_add);
            Found {
                ruined: ruined.to_vec(),
                puts: self.fleet.since(mark).to_vec(),
                headroom,
                bought,
                saves: price.saturating_sub(paid),
                price,
                fills: self.fills(mark),
                on_top: then.saturating_sub(on_top),
                moves,
            }
        });
        for (bin, ask) in found.iter().flat_map(|found| &found.headroom) {
            self.fleet.give(*bin, ask);
        }
        let found = found.and_then(|mut found| self.settle(&mut found, told).then_some(found));
        let waits = self.engaged && matches!(self.tied, Tied::Begun | Tied::Waits);
        if waits && found.is_some() {
            self.tied = Tied::Waits;
        }
        let found = found.filter(|_| !waits);
        self.unlift(told);
        self.fleet.undo(mark);
        for bin in ruined {
            self.fleet.bins[*bin].receives = true;
        }
        for row in self.rows.drain(..) {
            self.left[size(row)] = 0;
        }
        found
    }

    /// What giving up these nodes can be worth at best: no repack of them saves more than they waste and the free room
    /// of others that it fills.
    fn at_most(&self, ruined: &[usize], terms: Terms) -> Option<f64> {
        let mut most = 0.0;
        for bin in ruined {
            let waste = self.prices.waste(self.fleet, *bin)?;
            let price = self.fleet.bins[*bin].price;
            most += real(self.on_top(*bin))
                + real(waste)
                + (1.0 - terms.room) * real(price.saturating_sub(waste).max(0));
        }
        Some(most)
    }

    /// Whether their groups can lose these nodes.
    pub(super) fn can_spare(&self, ruined: &[usize]) -> bool {
        let group = |bin: &usize| self.fleet.bins[*bin].group;
        ruined.iter().all(|bin| {
            let same = ruined.iter().filter(|other| group(other) == group(bin)).count();
            let spare = group(bin).and_then(|group| self.spare.get(group));
            spare.is_some_and(|spare| size(*spare) >= same)
        })
    }

    /// The first pod of a node that free room of others does not hold, and the rule that keeps it off what has room.
    pub(super) fn first_left(&mut self, bin: usize) -> Option<(PodKey, Option<Holds>)> {
        let (mark, told) = (self.fleet.mark(), self.ties_mark());
        self.fleet.bins[bin].receives = false;
        let pooled = self.pool(&[bin]);
        self.lift(&[bin]);
        self.house(Taste::PLAIN);
        let left = self.fleet.movers(bin).find(|(_, kind)| {
            let row = self.prices.row(*kind);
            row.is_none_or(|row| self.left[size(row)] > 0)
        });
        let headroom = || PodKey::new(crate::demand::HEADROOM_NAMESPACE, "room");
        let bare = self.fleet.bins[bin].headroom.is_empty();
        let first = left
            .map(|(pod, kind)| (pod.clone(), self.held(kind)))
            .or_else(|| (!pooled || !bare).then(|| (headroom(), None)));
        self.unlift(told);
        self.fleet.undo(mark);
        self.fleet.bins[bin].receives = true;
        for row in self.rows.drain(..) {
            self.left[size(row)] = 0;
        }
        first
    }

    /// Whether any of the pods that are moved asks for filters.
    fn moves_tied(&self, found: &Found) -> bool {
        let mut loads = found.ruined.iter().flat_map(|bin| &self.fleet.bins[*bin].load);
        loads.any(|(kind, _)| self.fleet.kinds[size(*kind)].tied)
    }

    /// Makes it so: the nodes receive no more, the room is taken, and those that receive stay.
    pub(super) fn commit(&mut self, found: &Found) {
        if self.tied == Tied::No && self.moves_tied(found) {
            self.tied = Tied::Begun;
        }
        self.commit_ties(found);
        for bin in &found.ruined {
            self.fleet.bins[*bin].receives = false;
            let group = self.fleet.bins[*bin].group;
            if let Some(spare) = group.and_then(|group| self.spare.get_mut(group)) {
                *spare = spare.saturating_sub(1);
            }
        }
        for put in &found.puts {
            self.fleet.put(*put);
            self.fleet.bins[size(put.bin)].awaited = true;
        }
        for (bin, ask) in &found.headroom {
            self.fleet.take(*bin, ask);
        }
        for new in &found.bought {
            let group = self.prices.group(new.column);
            self.growth[group] = self.growth[group].saturating_sub(1);
            self.quotas
                .take(group, &self.prices.table.sold[new.column].each, 1);
        }
    }

    pub(super) fn price(&self, column: usize) -> i64 {
        self.prices.table.problem.columns[column].price
    }

    /// Finds a place for everything on the ruined nodes. Pods stay where they were put; headroom does only where
    /// all is placed.
    fn placed(
        &mut self,
        ruined: &[usize],
        (mark, price, spare): (usize, i64, f64),
        terms: Terms,
    ) -> Option<(Vec<New>, Headroom)> {
        if !self.pool(ruined) {
            return None;
        }
        self.lift(ruined);
        self.house(terms.taste);
        self.seek(ruined, (mark, terms.taste));
        let mut spare = spare - terms.room * real(self.fills(mark)) - real(self.puts_on_top(mark));
        if !self.is_placed() {
            spare -= terms.replacing(price);
        }
        if spare <= 0.0 && price > 0 {
            return None;
        }
        let set = if terms.same_set {
            Some(self.set(ruined)?)
        } else {
            None
        };
        if !self.deal() {
            return None;
        }
        let bought = self.buy(spare, (set, terms.taste))?;
        let mut headroom = Headroom::new();
        for bin in ruined {
            for ask in self.fleet.bins[*bin].headroom.clone() {
                let fleet = &self.fleet;
                let fits = |at: &&usize| fleet.bins[**at].receives && space::holds(fleet.free(**at), &ask);
                let Some(at) = self.receivers.iter().find(fits).copied() else {
                    for (bin, ask) in headroom {
                        self.fleet.give(bin, &ask);
                    }
                    return None;
                };
                self.fleet.take(at, &ask);
                headroom.push((at, ask));
            }
        }
        Some((bought, headroom))
    }

    /// What a bin with its pods counts on top of its price, less what policies want for its going.
    fn on_top(&self, bin: usize) -> i64 {
        let of = &self.fleet.bins[bin];
        self.prices
            .on_top(bin)
            .with(of.moves())
            .saturating_sub(of.addend)
            .saturating_sub(of.again)
    }

    /// What pods count on top where they were put into free room since.
    fn puts_on_top(&self, mark: usize) -> i64 {
        let puts = self.fleet.since(mark).iter();
        puts.map(|put| self.prices.on_top(size(put.bin)).for_more(put.copies))
            .fold(0, i64::saturating_add)
    }

    /// What the pods pay that were put into free room since.
    fn fills(&self, mark: usize) -> i64 {
        let puts = self.fleet.since(mark).iter();
        puts.filter_map(|put| Some((self.prices.row(put.kind)?, put.copies)))
            .map(|(row, copies)| self.prices.pays[size(row)].saturating_mul(i64::from(copies)))
            .fold(0, i64::saturating_add)
    }

    /// The one set that all of them are of, as an index; `None` where they are of several, or nobody knows.
    fn set(&self, ruined: &[usize]) -> Option<usize> {
        let market = &self.prices.market;
        let of = |bin: &usize| market.set_of.get(self.fleet.offer(*bin)?).copied();
        let first = of(ruined.first()?)?;
        ruined.iter().all(|bin| of(bin) == Some(first)).then_some(first)
    }

    /// Takes the pods off the nodes, as far as the search goes.
    pub(super) fn pool(&mut self, ruined: &[usize]) -> bool {
        let fleet = &self.fleet;
        let load: Vec<(u32, u32)> = ruined
            .iter()
            .flat_map(|bin| fleet.bins[*bin].load.iter().copied())
            .collect();
        self.pool_of(&load)
    }

    /// Pods that need a place, and no others; `false` where some of them must not be moved.
    pub(super) fn pool_of(&mut self, load: &[(u32, u32)]) -> bool {
        for row in self.rows.drain(..) {
            self.left[size(row)] = 0;
        }
        for (kind, copies) in load.iter().filter(|(_, copies)| *copies > 0) {
            let Some(row) = self.prices.row(*kind) else {
                return false;
            };
            if self.left[size(row)] == 0 {
                self.rows.push(row);
            }
            self.left[size(row)] += copies;
        }
        self.rows.sort_unstable();
        let prices = self.prices;
        self.engaged = self.ties.is_some() && self.rows.iter().any(|row| prices.tied[size(*row)]);
        true
    }

    /// Whether nothing is left.
    pub(super) const fn is_placed(&self) -> bool {
        self.rows.is_empty()
    }

    /// Puts pods into free room one kind after the other, those that pay most first; `false` where some are left.
    pub(super) fn first_fit(&mut self) -> bool {
        let prices = self.prices;
        if self.engaged {
            self.house_tied();
        }
        let told = self.fleet.mark();
        let mut rows = std::mem::take(&mut self.rows);
        rows.sort_by_key(|row| (std::cmp::Reverse(prices.pays[size(*row)]), *row));
        for row in rows
            .iter()
            .filter(|row| !self.engaged || !prices.tied[size(**row)])
        {
            let kind = prices.kinds[size(*row)].0;
            for at in 0..self.receivers.len() {
                let (bin, left) = (self.receivers[at], self.left[size(*row)]);
                if left == 0 {
                    break;
                }
                let copies = self.fleet.takes(bin, kind, left);
                if copies > 0 && self.fleet.bins[bin].receives {
                    self.left[size(*row)] -= copies;
                    self.fleet.put(Put {
                        bin: count(bin),
                        kind,
                        copies,
                    });
                }
            }
        }
        rows.retain(|row| self.left[size(*row)] > 0);
        self.rows = rows;
        self.tell(told);
        if self.engaged {
            self.house_tied();
        }
        self.rows.is_empty()
    }

    /// Puts what fits into free room of nodes that stay: pods that filters are asked about first, and again once those
    /// are there that they may want to be with.
    pub(super) fn house(&mut self, taste: Taste) {
        if !self.engaged {
            self.house_plain(taste);
            return;
        }
        self.house_tied();
        let prices = self.prices;
        let (tied, plain): (Vec<u32>, Vec<u32>) = self.rows.iter().partition(|row| prices.tied[size(**row)]);
        self.rows = plain;
        let told = self.fleet.mark();
        self.house_plain(taste);
        self.tell(told);
        self.rows.extend(tied);
        self.rows.sort_unstable();
        self.house_tied();
    }

    fn house_plain(&mut self, taste: Taste) {
        let least = self.least();
        let (prices, mut rows) = (self.prices, std::mem::take(&mut self.rows));
        for at in 0..self.receivers.len() {
            if rows.is_empty() {
                break;
            }
            let bin = self.receivers[at];
            let free = self.fleet.free(bin);
            let too_full = least.iter().zip(free).any(|(least, free)| least > free);
            if too_full || !self.fleet.bins[bin].receives {
                continue;
            }
            let items = rows
                .iter()
                .filter(|row| self.fleet.admits(prices.kinds[size(**row)].0, bin))
                .map(|row| Item {
                    row: *row,
                    ask: &prices.kinds[size(*row)].1,
                    pays: prices.pays[size(*row)],
                    left: self.left[size(*row)].min(self.fleet.lets(bin, prices.kinds[size(*row)].0)),
                });
            for (row, copies) in fill::fill(free, items.filter(|item| item.left > 0), taste) {
                let kind = prices.kinds[size(row)].0;
                // One that keeps others away may have come just now.
                let copies = copies.min(self.fleet.lets(bin, kind));
                if copies == 0 {
                    continue;
                }
                self.left[size(row)] -= copies;
                self.fleet.put(Put {
                    bin: count(bin),
                    kind,
                    copies,
                });
            }
            let left = &self.left;
            rows.retain(|row| left[size(*row)] > 0);
        }
        self.rows = rows;
    }

    /// By dimension: the least that any of the pods asks for.
    fn least(&self) -> Vector {
        let asks = self.rows.iter().map(|row| &self.prices.kinds[size(*row)].1);
        asks.fold(Vector::new(), |mut least, ask| {
            if least.is_empty() {
                return ask.clone();
            }
            for (least, ask) in least.iter_mut().zip(ask) {
                *least = (*least).min(*ask);
            }
            least
        })
    }
}

/// Bins that take pods, full ones first.
pub(super) fn receivers(fleet: &Fleet<'_>) -> Vec<usize> {
    let mut receivers: Vec<(i64, usize)> = (0..fleet.bins.len())
        .filter(|bin| fleet.bins[*bin].receives)
        .map(|bin| (fleet.emptiness(bin), bin))
        .collect();
    receivers.sort_unstable();
    receivers.into_iter().map(|(_, bin)| bin).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replacing_loses_where_room_is_asked_for_again_and_nothing_where_it_is_not() {
        let of = |room: f64, hours: f64| Terms {
            cost: 6e6,
            hours,
            room,
            lost: 1.5,
            same_set: false,
            taste: Taste::PLAIN,
        };
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-6, "{a} {b}");
        near(of(0.0, 0.0).replacing(100), 0.0);
        near(of(1.0, 1.0).replacing(100), 150.0);
        near(of(0.05, 3.0).replacing(100), 50.0);
        near(of(0.01, 3.0).replacing(100), 10.0);
        near(of(1.0, 2.0).evictions(3), 9e6);
        near(of(1.0, 0.0).evictions(0), 0.0);
        let free = Terms {
            cost: 0.0,
            ..of(1.0, 0.0)
        };
        near(free.evictions(3), 0.0);
    }
}
