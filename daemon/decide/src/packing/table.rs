//! The table that packing and bounds work on: rows are kinds of pods, columns are kinds of nodes.
//!
//! Classes that ask for the same and may go to the same places at the same prices are one row; lots that
//! another lot beats in every respect are no column. Built plain, or with what policies make of prices.

use crate::demand::Class;
use crate::market::{FargateOption, Market};
use crate::number::{floor, real};
use crate::placement::Adjust;
use crate::space::{self, PODS, Vector};
use model::quota::Amounts;
use std::collections::{BTreeMap, BTreeSet};

/// A kind of pods.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Request of one, in the table's dimensions.
    pub(crate) ask: Vector,
    /// Classes behind it.
    pub(crate) classes: Vec<usize>,
    /// The cheapest Fargate option with its price in this table.
    pub(crate) solo: Option<(FargateOption, i64)>,
    /// How many one new node may hold, where that is limited.
    pub(crate) cap: Option<u32>,
    /// Zone that its pods were dealt, by its place among the market's; one that has no place there is
    /// [`NO_ZONE`].
    pub(crate) zone: Option<usize>,
}

impl Row {
    /// What one pod costs where it runs without a node, nano-dollars per hour; the most there is where nothing does so.
    pub(crate) fn solo_price(&self) -> i64 {
        self.solo.as_ref().map_or(i64::MAX, |(_, price)| *price)
    }
}

/// From here on a search looks at some columns for all.
const MANY_COLUMNS: usize = 160;

/// Some columns of a table that stand for all.
pub(crate) struct Ladder {
    /// In rising order.
    pub(crate) columns: Vec<usize>,
    /// By column of the table: place among those of the one that stands for it.
    pub(crate) stands_for: Vec<usize>,
}

/// What columns of one step have in common: terms and rules, nearly the price, nearly the proportions.
type Step = ((usize, usize, u64, usize), i64, Vec<i64>);

fn step_of(column: &Column, asked: &[i64]) -> Step {
    let step = |amount: f64, fine: f64| floor(amount.max(1e-9).log2() * fine);
    let share = |dim: usize| real(column.room[dim]) / real(asked[dim]);
    let shape = (1..column.room.len()).map(|dim| step(share(dim) / share(0).max(1e-12), 2.0));
    (
        (column.group, column.tariff, column.zones, column.terrain),
        step(real(column.price), 8.0),
        shape.collect(),
    )
}

/// A zone without a place among the market's.
pub(crate) const NO_ZONE: usize = usize::MAX;

/// A kind of nodes.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// Index into the market's lots.
    pub(crate) lot: usize,
    /// Group, whose growth limits how many can be bought.
    pub(crate) group: usize,
    /// Offer set.
    pub(crate) set: usize,
    /// Among the market's tariffs: what pods on it cost on top.
    pub(crate) tariff: usize,
    /// Of that what does not depend on policies: nano-dollars per hour and pod that the table's price is silent of.
    pub(crate) risk: i64,
    /// Zones that it is sold in, by their place among the market's.
    pub(crate) zones: u64,
    /// Columns with the same number are admitted by the same rules.
    pub(crate) terrain: usize,
    /// Room for pods, in the table's dimensions.
    pub(crate) room: Vector,
    /// What one counts where there are quotas.
    pub(crate) each: Amounts,
    /// Price of one in nano-dollars per hour, as this table prices it.
    pub(crate) price: i64,
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// Which dimensions of the market's space anybody asks for.
    pub(crate) dims: Vec<usize>,
    /// Crowds that are packed as a dimension of their own, behind the others, and how many a new node holds.
    pub(crate) crowds: Vec<(u32, u32)>,
    /// Rules about pods on one node are left that rows cannot say: who goes where is settled class by class.
    pub(crate) guarded: bool,
    pub(crate) rows: Vec<Row>,
    pub(crate) columns: Vec<Column>,
    /// By column, by row: whether the pod may run there.
    pub(crate) fits: Vec<Vec<bool>>,
    /// By tariff, by row: nano-dollars per hour that a pod there costs on top. Empty: no addends at all.
    pub(crate) addends: Vec<Vec<i64>>,
    /// By set, by row: whether a policy forbids it. Empty: nothing is forbidden.
    pub(crate) forbids: Vec<Vec<bool>>,
    /// By class: its row.
    pub(crate) row_of: Vec<usize>,
    /// By group: how many nodes may be bought.
    pub(crate) growth: Vec<u32>,
    /// By lot: what one costs as this table prices it, column or not; empty in a part of a table.
    pub(crate) lot_prices: Vec<i64>,
}

impl Table {
    /// Builds the table, plain or as policies price it.
    pub(crate) fn new(market: &Market<'_>, classes: &[Class], adjust: Option<&Adjust>) -> Self {
        Self::of_weight((market, None), classes, adjust)
    }

    /// The same with what groups of one weight sell only: the rows are those of the whole.
    pub(crate) fn of_weight(
        (market, weight): (&Market<'_>, Option<u32>),
        classes: &[Class],
        adjust: Option<&Adjust>,
    ) -> Self {
        let dims = dimensions(market);
        let holds = Holds::new(market, classes, adjust, &dims);
        let (mut rows, row_of) = rows(market, classes, adjust, (&dims, &holds));
        if weight.is_some() {
            for row in &mut rows {
                let class = row.classes.first();
                row.solo = class.and_then(|class| solo((market, weight), *class, adjust));
            }
        }
        let mut table = Self {
            crowds: holds.dims,
            guarded: holds.guarded,
            rows,
            columns: Vec::new(),
            fits: Vec::new(),
            addends: Vec::new(),
            forbids: Vec::new(),
            row_of,
            growth: market.growth.clone(),
            lot_prices: Vec::with_capacity(market.lots.len()),
            dims,
        };
        if let Some(adjust) = adjust {
            table.adjust(market, adjust);
        }
        table.fill_columns((market, weight), classes, adjust);
        table
    }

    /// What one pod of the row costs on top on a node of the tariff.
    pub(crate) fn addend(&self, tariff: Option<usize>, row: usize) -> i64 {
        tariff
            .and_then(|tariff| self.addends.get(tariff))
            .map_or(0, |rows| rows[row])
    }

    /// A node's price with what these pods of rows cost on top of it; addends may make it less than nothing.
    pub(crate) fn with_addends(
        &self,
        (price, tariff): (i64, usize),
        pods: impl Iterator<Item = (usize, u32)>,
    ) -> i64 {
        let Some(addends) = self.addends.get(tariff) else {
            return price;
        };
        pods.fold(price, |price, (row, copies)| {
            price.saturating_add(addends[row].saturating_mul(i64::from(copies)))
        })
    }

    /// Whether policies let the row onto nodes of the set.
    pub(crate) fn allowed(&self, set: Option<usize>, row: usize) -> bool {
        set.and_then(|set| self.forbids.get(set))
            .is_none_or(|rows| !rows[row])
    }

    /// Number of dimensions.
    pub(crate) fn width(&self) -> usize {
        self.dims.len() + self.crowds.len()
    }

    /// A vector of the market's space in the dimensions of this table, with room for crowds as on a new node.
    pub(crate) fn project(&self, vector: &[i64]) -> Vector {
        self.project_with(vector, |most| most)
    }

    /// The same with as much room for each crowd as `left` makes of what a new node holds.
    pub(crate) fn project_with(&self, vector: &[i64], left: impl Fn(u32) -> u32) -> Vector {
        let amounts = self.dims.iter().map(|dim| vector[*dim]);
        let crowds = self.crowds.iter().map(|(_, most)| i64::from(left(*most)));
        amounts.chain(crowds).collect()
    }

    /// Where there are very many columns, enough of them for a search: of those that cost and offer nearly the same
    /// the one with most for its price. What is found is put onto the others afterwards.
    pub(crate) fn ladder(&self) -> Option<Ladder> {
        if self.columns.len() <= MANY_COLUMNS {
            return None;
        }
        let mut asked: Vec<i64> = vec![1; self.width()];
        for row in &self.rows {
            for (sum, ask) in asked.iter_mut().zip(&row.ask) {
                *sum = sum.saturating_add(*ask);
            }
        }
        let offered = |column: &Column| {
            let shares = column
                .room
                .iter()
                .zip(&asked)
                .map(|(room, sum)| real(*room) / real(*sum));
            shares.sum::<f64>() / real(column.price.max(1))
        };
        let mut steps: BTreeMap<_, (f64, usize)> = BTreeMap::new();
        let keys = self.columns.iter().map(|column| step_of(column, &asked));
        let keys: Vec<_> = keys.collect();
        for (at, (column, key)) in self.columns.iter().zip(&keys).enumerate() {
            let offers = offered(column);
            let best = steps.entry(key).or_insert((offers, at));
            if offers > best.0 {
                *best = (offers, at);
            }
        }
        let mut kept: BTreeSet<usize> = steps.values().map(|(_, at)| *at).collect();
        for row in 0..self.rows.len() {
            if !kept.iter().any(|column| self.fits[*column][row]) {
                kept.extend((0..self.columns.len()).find(|column| self.fits[*column][row]));
            }
        }
        let columns: Vec<usize> = kept.into_iter().collect();
        let at = |column: usize| columns.binary_search(&column).unwrap_or_default();
        Some(Ladder {
            stands_for: keys.iter().map(|key| at(steps[key].1)).collect(),
            columns,
        })
    }

    /// The table of some rows and columns only, in rising order.
    pub(crate) fn part(&self, rows: &[usize], columns: &[usize]) -> Self {
        let of_set = |all: &Vec<i64>| rows.iter().map(|row| all[*row]).collect();
        let bans = |all: &Vec<bool>| rows.iter().map(|row| all[*row]).collect();
        Self {
            dims: self.dims.clone(),
            crowds: self.crowds.clone(),
            guarded: self.guarded,
            rows: rows.iter().map(|row| self.rows[*row].clone()).collect(),
            columns: columns
                .iter()
                .map(|column| self.columns[*column].clone())
                .collect(),
            fits: columns.iter().map(|column| bans(&self.fits[*column])).collect(),
            addends: self.addends.iter().map(of_set).collect(),
            forbids: self.forbids.iter().map(bans).collect(),
            row_of: Vec::new(),
            growth: self.growth.clone(),
            lot_prices: Vec::new(),
        }
    }

    /// Pods by row, from pods by class.
    pub(crate) fn counts(&self, by_class: &[u32]) -> Vec<u32> {
        let mut counts = vec![0_u32; self.rows.len()];
        for (class, count) in by_class.iter().enumerate() {
            counts[self.row_of[class]] = counts[self.row_of[class]].saturating_add(*count);
        }
        counts
    }

    /// Whether any node that could be bought runs the row.
    pub(crate) fn has_column(&self, row: usize) -> bool {
        self.fits.iter().any(|fits| fits[row])
    }

    fn adjust(&mut self, market: &Market<'_>, adjust: &Adjust) {
        if !adjust.addends.is_empty() || market.is_risky() {
            let risks = market.tariffs.iter().map(|tariff| tariff.risk);
            self.addends = risks.map(|risk| vec![risk; self.rows.len()]).collect();
        }
        if !adjust.forbids.is_empty() {
            self.forbids = vec![vec![false; self.rows.len()]; market.sets.len()];
        }
        for (row, of) in self.rows.iter().enumerate() {
            // Classes of one row have the same addends and bans: they are part of its key.
            let Some(class) = of.classes.first() else {
                continue;
            };
            for (set, addend) in adjust.addends_of(*class) {
                for (tariff, rows) in market.tariffs.iter().zip(&mut self.addends) {
                    if tariff.set == set {
                        rows[row] = tariff.risk.saturating_add(addend);
                    }
                }
            }
            for set in adjust.forbids_of(*class) {
                self.forbids[set][row] = true;
            }
        }
    }

    fn fill_columns(
        &mut self,
        (market, weight): (&Market<'_>, Option<u32>),
        classes: &[Class],
        adjust: Option<&Adjust>,
    ) {
        let total: u32 = classes.iter().map(Class::count).fold(0, u32::saturating_add);
        let mut candidates: Vec<(Column, Vec<bool>, bool)> = Vec::new();
        let mut terrains: BTreeMap<&[bool], usize> = BTreeMap::new();
        for (ix, lot) in market.lots.iter().enumerate() {
            let column = Column {
                lot: ix,
                group: lot.group,
                set: lot.set,
                tariff: lot.tariff,
                risk: market.tariffs.get(lot.tariff).map_or(0, |tariff| tariff.risk),
                zones: lot.zones,
                terrain: {
                    let next = terrains.len();
                    *terrains.entry(&lot.admits).or_insert(next)
                },
                room: self.project(&lot.room),
                each: lot.each,
                price: adjust
                    .map_or(lot.price, |a| lot.price.scaled(a.factor(lot.set)))
                    .0,
            };
            self.lot_prices.push(column.price);
            let fits: Vec<bool> = (0..self.rows.len())
                .map(|row| self.fits_lot(market, classes, row, &column))
                .collect();
            if fits.contains(&true) {
                candidates.push((column, fits, lot.unknown));
            }
        }
        let priced: Vec<bool> = (0..self.rows.len())
            .map(|row| candidates.iter().any(|(_, fits, unknown)| !unknown && fits[row]))
            .collect();
        for (_, fits, unknown) in &mut candidates {
            if *unknown {
                for (fits, priced) in fits.iter_mut().zip(&priced) {
                    *fits &= !priced;
                }
            }
        }
        candidates.retain(|(of, _, _)| weight.is_none_or(|weight| market.weights[of.group] == weight));
        candidates.sort_by_key(|(column, _, _)| (column.price, column.lot));
        for (column, fits, _) in candidates {
            let beaten = self.columns.iter().zip(&self.fits).any(|(other, other_fits)| {
                let limited = other.group != column.group && market.left.limits_group(other.group);
                !limited && self.beats(other, other_fits, (&column, &fits), total)
            });
            if fits.contains(&true) && !beaten {
                self.columns.push(column);
                self.fits.push(fits);
            }
        }
    }

    fn fits_lot(&self, market: &Market<'_>, classes: &[Class], row: usize, column: &Column) -> bool {
        let (of, lot) = (&self.rows[row], &market.lots[column.lot]);
        let sold = of
            .zone
            .is_none_or(|zone| zone < 64 && lot.zones & (1 << zone) != 0);
        sold && of.classes.first().is_some_and(|class| {
            classes[*class].body.unmodelled.is_empty() && lot.admits[market.rule_of[*class]]
        }) && self.allowed(Some(column.set), row)
            && space::holds(&column.room, &of.ask)
    }

    /// Whether a column of at most the same price makes `than` superfluous.
    fn beats(&self, column: &Column, fits: &[bool], than: (&Column, &[bool]), total: u32) -> bool {
        let (other, other_fits) = than;
        let terms = |of: &Column| self.addends.get(of.tariff);
        let same_terms = column.tariff == other.tariff
            || match (terms(column), terms(other)) {
                (Some(own), Some(other)) => own.iter().zip(other).all(|(own, other)| own <= other),
                _ => column.risk <= other.risk,
            };
        let enough = column.group == other.group
            || self
                .growth
                .get(column.group)
                .is_some_and(|growth| *growth >= total);
        same_terms
            && enough
            && column.each.is_within(&other.each)
            && column.room.iter().zip(&other.room).all(|(a, b)| a >= b)
            && fits.iter().zip(other_fits).all(|(a, b)| *a || !*b)
    }
}

/// Dimensions that somebody asks for; pods always.
fn dimensions(market: &Market<'_>) -> Vec<usize> {
    let len = market.space.capacity(&model::Resources::default(), 0).len();
    (0..len)
        .filter(|dim| *dim == PODS || market.asks.iter().any(|ask| ask[*dim] > 0))
        .collect()
}

/// What makes classes one row, but for crowds.
type Alike = (
    Vector,
    usize,
    Option<usize>,
    (bool, bool),
    Option<(FargateOption, i64)>,
    Vec<(usize, i64)>,
    Vec<usize>,
    Vec<FargateOption>,
);

fn alike(
    market: &Market<'_>,
    (ix, class): (usize, &Class),
    adjust: Option<&Adjust>,
    dims: &[usize],
) -> Alike {
    let zone = |name: &str| market.zone_at(name).unwrap_or(NO_ZONE);
    (
        dims.iter().map(|dim| market.asks[ix][*dim]).collect(),
        market.rule_of[ix],
        class.zone().map(zone),
        (class.body.unmodelled.is_empty(), class.late),
        solo((market, None), ix, adjust),
        adjust.map_or_else(Vec::new, |a| a.addends_of(ix).collect()),
        adjust.map_or_else(Vec::new, |a| a.forbids_of(ix).collect()),
        // Groups of different weights are asked one after the other.
        if market.is_weighed() {
            market.fargate[ix].clone()
        } else {
            Vec::new()
        },
    )
}

/// How limits over crowds are kept while packing.
#[derive(Default)]
struct Holds {
    /// All pods of the crowd are alike: a limit on the row.
    caps: BTreeMap<u32, u32>,
    /// A dimension of which a pod takes one.
    dims: Vec<(u32, u32)>,
    /// Others are kept when pods get their nodes.
    guarded: bool,
}

/// Crowds that get a dimension of their own; the others would cost the search more than they are worth to it.
const MOST_DIMS: usize = 2;

/// A crowd as those who wait see it.
#[derive(Default)]
struct Seen {
    /// The limit, while all that are of it want the same and nobody else wants anything.
    limit: Option<u32>,
    uneven: bool,
    members: u32,
    pods: u64,
    guards: u32,
    /// What its pods are, while they are all alike.
    alike: Option<(Alike, Vec<u32>, Option<u32>)>,
    mixed: bool,
}

impl Holds {
    fn new(market: &Market<'_>, classes: &[Class], adjust: Option<&Adjust>, dims: &[usize]) -> Self {
        let mut crowds: BTreeMap<u32, Seen> = BTreeMap::new();
        for (ix, class) in classes.iter().enumerate().filter(|(_, c)| !c.crowding.is_free()) {
            for guard in &class.crowding.guards {
                let crowd = crowds.entry(guard.crowd).or_default();
                let same = *crowd.limit.get_or_insert(guard.new_node) == guard.new_node;
                crowd.uneven |= !same || !class.crowding.is_of(guard.crowd);
                crowd.guards += 1;
            }
            // Classes of different crowds are different rows, of which each would have the limit to itself.
            let key = (
                alike(market, (ix, class), adjust, dims),
                class.crowding.member.clone(),
                own_row(class),
            );
            for member in &class.crowding.member {
                let crowd = crowds.entry(*member).or_default();
                crowd.members += 1;
                crowd.pods += u64::from(class.count());
                crowd.mixed |= *crowd.alike.get_or_insert_with(|| key.clone()) != key;
            }
        }
        let mut holds = Self::default();
        let mut wide: Vec<(u64, u32, u32)> = Vec::new();
        for (crowd, seen) in crowds {
            let limit = seen.limit.unwrap_or(0);
            let even = !seen.uneven && seen.guards == seen.members && limit > 0;
            if even && !seen.mixed {
                holds.caps.insert(crowd, limit);
            } else if even {
                wide.push((seen.pods / u64::from(limit), crowd, limit));
            } else {
                holds.guarded = true;
            }
        }
        wide.sort_by_key(|(nodes, crowd, _)| (std::cmp::Reverse(*nodes), *crowd));
        holds.guarded |= wide.len() > MOST_DIMS;
        holds.dims = wide
            .into_iter()
            .take(MOST_DIMS)
            .map(|(_, crowd, limit)| (crowd, limit))
            .collect();
        holds
    }
}

fn rows(
    market: &Market<'_>,
    classes: &[Class],
    adjust: Option<&Adjust>,
    (dims, holds): (&[usize], &Holds),
) -> (Vec<Row>, Vec<usize>) {
    let mut found: BTreeMap<(Alike, Vec<u32>, Option<u32>), usize> = BTreeMap::new();
    let mut rows: Vec<Row> = Vec::new();
    let mut row_of = Vec::with_capacity(classes.len());
    for (ix, class) in classes.iter().enumerate() {
        let key = alike(market, (ix, class), adjust, dims);
        let member = &class.crowding.member;
        let held =
            |crowd: &u32| holds.caps.contains_key(crowd) || holds.dims.iter().any(|(of, _)| of == crowd);
        let crowds: Vec<u32> = member.iter().copied().filter(held).collect();
        let key = (key, crowds, own_row(class));
        let row = *found
            .entry(key)
            .or_insert_with_key(|((ask, _, zone, ..), crowds, _)| {
                let of = |crowd: &u32| i64::from(crowds.contains(crowd));
                let crowded = holds.dims.iter().map(|(crowd, _)| of(crowd));
                rows.push(Row {
                    ask: ask.iter().copied().chain(crowded).collect(),
                    classes: Vec::new(),
                    solo: solo((market, None), ix, adjust),
                    cap: crowds
                        .iter()
                        .filter_map(|crowd| holds.caps.get(crowd))
                        .min()
                        .copied(),
                    zone: *zone,
                });
                rows.len() - 1
            });
        rows[row].classes.push(ix);
        row_of.push(row);
    }
    for row in &mut rows {
        row.cap = row.cap.into_iter().chain(limit_of(row, classes)).min();
    }
    (rows, row_of)
}

/// The crowd that keeps a class from sharing a row with others, where it has many more pods than a node may hold.
fn own_row(class: &Class) -> Option<u32> {
    let many = own_limit(class).filter(|(_, most)| class.count() / 32 > *most);
    many.map(|(crowd, _)| crowd)
}

/// The crowd of its own pods that a class wants fewest of on a node, and how many.
fn own_limit(class: &Class) -> Option<(u32, u32)> {
    let guards = class.crowding.guards.iter();
    let own = guards.filter(|guard| class.crowding.is_of(guard.crowd));
    own.map(|guard| (guard.crowd, guard.new_node))
        .min_by_key(|(crowd, most)| (*most, *crowd))
}

/// What limits of all classes of a row together leave on one node; `None` where one of them has none.
fn limit_of(row: &Row, classes: &[Class]) -> Option<u32> {
    let limits: Option<BTreeMap<u32, u32>> = row
        .classes
        .iter()
        .map(|class| own_limit(&classes[*class]))
        .collect();
    let limits = limits.filter(|limits| !limits.is_empty())?;
    Some(limits.values().fold(0, |sum, most| sum.saturating_add(*most)))
}

/// The cheapest Fargate option of a class, of profiles of one weight or of all, priced plain or as policies have it,
/// never below zero.
fn solo(
    (market, weight): (&Market<'_>, Option<u32>),
    class: usize,
    adjust: Option<&Adjust>,
) -> Option<(FargateOption, i64)> {
    market.fargate[class]
        .iter()
        .filter(|option| weight.is_none_or(|weight| market.weight_of(option) == weight))
        .filter_map(|option| match adjust {
            None => Some((option.price.0, option)),
            Some(adjust) => adjust.fargate_price(class, option).map(|price| (price.0, option)),
        })
        .min_by(|a, b| (a.0, a.1.offer).cmp(&(b.0, b.1.offer)))
        .map(|(price, option)| (option.clone(), price))
}
