//! The search for good weights: column generation over fractional single-column generation.
//!
//! Many rows are first merged into few kinds that point the same way, because only the weights are wanted:
//! the bound is evaluated on the real rows afterwards and is valid whatever the merging lost. Work is
//! counted in rounds, never timed.

use super::Duals;
use crate::amounts::in_dims;
use crate::lp::{Knapsack, Master, Purchase};
use crate::number::{floor, real};
use crate::problem::Problem;
use std::collections::BTreeMap;

const DOLLAR: f64 = 1e9;
/// What a bin costs the search beyond its price, so that free ones are not wasted.
const LEAST_PRICE: f64 = 1e-6;
const MOST_KINDS: usize = 64;
const PATTERNS_A_ROUND: usize = 24;
/// The search ends when bound and cost are this close.
const CLOSE: f64 = 1e-4;

/// A stand-in for what cannot be bought costs so many times the dearest real way.
const STAND_IN: f64 = 20.0;

/// Rows that point the same way.
struct Kind {
    ask: Vec<f64>,
    count: f64,
    /// One of them: its rules and addends hold for all.
    sample: usize,
    alone_price: Option<f64>,
}

/// How far a search for duals goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// A few rounds: a poor bound. Where a shared cap sets how many bins there are, the best duals leave nothing of the
    /// price to what items ask for: packing by these is far better, and sooner done.
    Rough,
    /// Enough rounds for a first answer.
    Near,
    /// Until bound and cost meet.
    Full,
}

impl Reach {
    const fn rounds(self) -> usize {
        match self {
            Self::Rough => 8,
            Self::Near => 40,
            Self::Full => 150,
        }
    }
}

/// Duals for these items by row, and the best bound there is over fractional items.
pub fn search(problem: &Problem, counts: &[u32]) -> Duals {
    search_to(Reach::Full, problem, counts)
}

/// Duals for these items by row, valid however far the search goes.
pub fn search_to(reach: Reach, problem: &Problem, counts: &[u32]) -> Duals {
    let rounds = reach.rounds();
    let Some(ladder) = problem.ladder() else {
        return in_dims!(problem.width(), search_in(problem, counts, rounds));
    };
    let rows: Vec<usize> = (0..problem.rows.len()).collect();
    let thin = problem.part(&rows, &ladder.columns);
    let duals = in_dims!(thin.width(), search_in(&thin, counts, rounds));
    duals.spread(problem, &ladder)
}

fn search_in<const D: usize>(problem: &Problem, counts: &[u32], rounds: usize) -> Duals {
    let kinds = merged(problem, counts);
    let groups = problem.stock.len();
    if kinds.is_empty() || problem.columns.is_empty() || problem.width() > D {
        let shares = problem
            .columns
            .iter()
            .map(|c| vec![0.0; c.capacity.len()])
            .collect();
        return Duals::from_shares(problem, shares, vec![0; groups]);
    }
    let mut search = Search::<D>::new(problem, &kinds);
    search.run(rounds);
    let mut scarce = vec![0; groups];
    for ((group, _), worth) in search.limits.iter().zip(&search.best.scarce) {
        scarce[*group] = floor(worth.max(0.0) * DOLLAR);
    }
    Duals::from_shares(problem, search.best.shares, scarce)
}

struct Best {
    bound: f64,
    shares: Vec<Vec<f64>>,
    scarce: Vec<f64>,
    duals: Vec<f64>,
}

struct Search<'a, const D: usize> {
    kinds: &'a [Kind],
    /// By column: price in dollars.
    prices: Vec<f64>,
    /// By column: kinds that fit, as shares of its capacity, with the addend in dollars.
    items: Vec<Items<D>>,
    /// Groups that cannot grow by as many bins as there are items, and by how many they can.
    limits: Vec<(usize, f64)>,
    /// By column: its row among the limits.
    limit_of: Vec<Option<usize>>,
    master: Master,
    knapsacks: Vec<Knapsack<D>>,
    best: Best,
    /// Dimensions of the problem, and an even share of them.
    dims: usize,
    even: f64,
}

#[derive(Default)]
struct Items<const D: usize> {
    kinds: Vec<usize>,
    shapes: Vec<[f64; D]>,
    addends: Vec<f64>,
}

impl<'a, const D: usize> Search<'a, D> {
    fn new(problem: &Problem, kinds: &'a [Kind]) -> Self {
        let prices: Vec<f64> = problem
            .columns
            .iter()
            .map(|c| real(c.price) / DOLLAR + LEAST_PRICE)
            .collect();
        let items: Vec<Items<D>> = (0..problem.columns.len())
            .map(|c| items_of(problem, kinds, c))
            .collect();
        let total: f64 = kinds.iter().map(|k| k.count).sum();
        let limits: Vec<(usize, f64)> = problem
            .stock
            .iter()
            .enumerate()
            .map(|(group, stock)| (group, f64::from(*stock)))
            .filter(|(group, stock)| *stock < total && problem.columns.iter().any(|c| c.group == *group))
            .collect();
        let limit_of: Vec<Option<usize>> = problem
            .columns
            .iter()
            .map(|column| limits.iter().position(|(group, _)| *group == column.group))
            .collect();
        let singles: Vec<Option<Alone<f64>>> = (0..kinds.len())
            .map(|kind| {
                let way = |column| single(kind, column, &prices, &items);
                alone((0..prices.len()).filter_map(way), &limit_of)
            })
            .collect();
        let mut wanted: Vec<f64> = kinds
            .iter()
            .enumerate()
            .map(|(ix, k)| perturbed(k.count, ix))
            .collect();
        let mut stand_in: Vec<f64> = kinds
            .iter()
            .zip(&singles)
            .map(|(kind, single)| match (kind.alone_price, single) {
                (Some(alone_price), _) => alone_price.max(LEAST_PRICE),
                (None, Some(alone)) => STAND_IN * alone.last_resort.max(LEAST_PRICE),
                (None, None) => LEAST_PRICE,
            })
            .collect();
        // A limit of zero is a hair above it: a row needs a side to start on.
        wanted.extend(limits.iter().map(|(_, stock)| -stock.max(1e-6)));
        stand_in.resize(wanted.len(), 0.0);
        let mut search = Self {
            kinds,
            master: Master::new(&wanted, &stand_in),
            knapsacks: vec![Knapsack::new(); problem.columns.len()],
            best: Best {
                bound: f64::NEG_INFINITY,
                shares: problem
                    .columns
                    .iter()
                    .map(|c| vec![0.0; c.capacity.len()])
                    .collect(),
                scarce: vec![0.0; limits.len()],
                duals: Vec::new(),
            },
            prices,
            items,
            limits,
            limit_of,
            dims: problem.width(),
            even: 1.0 / real(i64::try_from(problem.width().max(1)).unwrap_or(i64::MAX)),
        };
        for (kind, single) in singles.iter().enumerate() {
            if let Some((_, column, amount)) = single.as_ref().map(|alone| alone.cheapest) {
                let purchase = search.purchase(column, vec![(kind, amount)]);
                search.master.offer(&purchase);
            }
        }
        search.master.reoptimise(4 * wanted.len());
        search
    }

    fn run(&mut self, rounds: usize) {
        let mut smooth = 0.0;
        for round in 0..rounds {
            let duals = self.smoothed(smooth);
            let mut offers = self.price_columns(&duals);
            if self.master.cost() - self.best.bound <= CLOSE * self.master.cost().abs() {
                return;
            }
            offers.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            let before = self.master.pivots;
            for (_, column) in offers.into_iter().take(PATTERNS_A_ROUND) {
                let pattern = self.knapsacks[column]
                    .pattern()
                    .map(|(item, amount)| (self.items[column].kinds[item], amount))
                    .collect();
                let purchase = self.purchase(column, pattern);
                self.master.offer(&purchase);
            }
            self.master.reoptimise(4 * (self.kinds.len() + self.limits.len()));
            if self.master.pivots > before {
                smooth = if round < 2 { 0.0 } else { 0.5 };
            } else if smooth > 0.0 {
                smooth = 0.0;
            } else {
                return;
            }
        }
    }

    /// The master's duals, drawn towards those of the best bound so far.
    fn smoothed(&self, smooth: f64) -> Vec<f64> {
        let fresh = self.master.duals();
        if self.best.duals.is_empty() {
            return fresh.iter().map(|d| d.max(0.0)).collect();
        }
        fresh
            .iter()
            .zip(&self.best.duals)
            .map(|(fresh, best)| (fresh * (1.0 - smooth) + best * smooth).max(0.0))
            .collect()
    }

    /// Solves every column's knapsack under these duals; returns the columns whose pattern pays, and keeps
    /// the weights if their bound is the best yet.
    fn price_columns(&mut self, duals: &[f64]) -> Vec<(f64, usize)> {
        let (of_kinds, of_limits) = duals.split_at(self.kinds.len());
        let mut offers = Vec::new();
        let mut shares = Vec::with_capacity(self.prices.len());
        let mut pays: Vec<f64> = self
            .kinds
            .iter()
            .map(|k| k.alone_price.unwrap_or(f64::INFINITY))
            .collect();
        for (column, price) in self.prices.iter().enumerate() {
            let items = &self.items[column];
            let values: Vec<f64> = items
                .kinds
                .iter()
                .zip(&items.addends)
                .map(|(kind, addend)| of_kinds[*kind] - addend)
                .collect();
            let value = self.knapsacks[column].solve(&items.shapes, &values);
            let worth = price + self.limit_of[column].map_or(0.0, |limit| of_limits[limit]);
            // Only a column whose fractional pattern pays more than it costs can lower the cost of the master.
            if value > worth * (1.0 + 1e-7) {
                offers.push((value / worth, column));
            }
            // The knapsack's multipliers are what each dimension of the column is worth: as shares of its price they
            // are the weights.
            let weights = self.knapsacks[column].multipliers();
            let own: [f64; D] = weights.map(|w| if value > 1e-12 { w / value } else { self.even });
            for ((kind, shape), addend) in items.kinds.iter().zip(&items.shapes).zip(&items.addends) {
                let share: f64 = shape.iter().zip(&own).map(|(x, w)| x * w).sum();
                pays[*kind] = pays[*kind].min(share * worth + addend);
            }
            shares.push(own[..self.dims].to_vec());
        }
        let paid: f64 = pays
            .iter()
            .zip(self.kinds)
            .map(|(pays, kind)| pays * kind.count)
            .sum();
        let scarce: f64 = of_limits
            .iter()
            .zip(&self.limits)
            .map(|(worth, (_, stock))| worth * stock)
            .sum();
        if paid - scarce > self.best.bound {
            self.best = Best {
                bound: paid - scarce,
                shares,
                scarce: of_limits.to_vec(),
                duals: duals.to_vec(),
            };
        }
        offers
    }

    fn purchase(&self, column: usize, pattern: Vec<(usize, f64)>) -> Purchase {
        let items = &self.items[column];
        let addends: f64 = pattern
            .iter()
            .map(|(kind, amount)| {
                let at = items.kinds.iter().position(|k| k == kind);
                amount * at.map_or(0.0, |at| items.addends[at])
            })
            .sum();
        let mut entries = pattern;
        if let Some(limit) = self.limit_of[column] {
            entries.push((self.kinds.len() + limit, -1.0));
        }
        Purchase {
            cost: self.prices[column] + addends,
            entries,
        }
    }
}

/// A right-hand side moved by a hair, so that the simplex does not cycle.
fn perturbed(count: f64, ix: usize) -> f64 {
    count * (1.0 + 1e-7 * real(i64::try_from((ix * 7919) % 101).unwrap_or(0)))
}

fn items_of<const D: usize>(problem: &Problem, kinds: &[Kind], column: usize) -> Items<D> {
    let of = &problem.columns[column];
    let mut items = Items::default();
    for (ix, kind) in kinds.iter().enumerate() {
        if problem.fits[column][kind.sample] {
            let mut shape = [0.0; D];
            for (share, (ask, capacity)) in shape.iter_mut().zip(kind.ask.iter().zip(&of.capacity)) {
                *share = if *capacity > 0 { ask / real(*capacity) } else { 0.0 };
            }
            items.kinds.push(ix);
            items.shapes.push(shape);
            items
                .addends
                .push(real(problem.addend(Some(of.tariff), kind.sample)) / DOLLAR);
        }
    }
    items
}

/// A kind alone on bins of a column: cost of one item, column, items per bin.
fn single<const D: usize>(
    kind: usize,
    column: usize,
    prices: &[f64],
    items: &[Items<D>],
) -> Option<(f64, usize, f64)> {
    let of = &items[column];
    let at = of.kinds.binary_search(&kind).ok()?;
    let widest = of.shapes[at].iter().copied().fold(1e-12, f64::max);
    Some((prices[column] * widest + of.addends[at], column, 1.0 / widest))
}

/// What one item costs where its kind is alone on bins.
pub(crate) struct Alone<T> {
    /// The cheapest way: cost of one item, column, and how many share a bin.
    pub(crate) cheapest: (f64, usize, T),
    /// The cheapest without a limit; where all are limited, the cheapest of each may be used up, and the dearest of
    /// those counts. What stands in for items must cost more than this, or the search would rather leave them than buy.
    pub(crate) last_resort: f64,
}

/// From all ways, and by column the limit it falls under; none where there is no way.
pub(crate) fn alone<T: Copy>(
    ways: impl Iterator<Item = (f64, usize, T)>,
    limit_of: &[Option<usize>],
) -> Option<Alone<T>> {
    let mut cheapest: Option<(f64, usize, T)> = None;
    let mut by_limit: BTreeMap<Option<usize>, f64> = BTreeMap::new();
    for way in ways {
        if cheapest.is_none_or(|(least, ..)| way.0 < least) {
            cheapest = Some(way);
        }
        let known = by_limit.entry(limit_of[way.1]).or_insert(way.0);
        *known = known.min(way.0);
    }
    let cheapest = cheapest?;
    let unlimited = by_limit.get(&None).copied();
    let last_resort = unlimited.or_else(|| by_limit.into_values().max_by(f64::total_cmp));
    Some(Alone {
        cheapest,
        last_resort: last_resort.unwrap_or(cheapest.0),
    })
}

type KindKey = (Vec<bool>, Option<i64>, Vec<i64>, Vec<i64>);

fn merged(problem: &Problem, counts: &[u32]) -> Vec<Kind> {
    let rows: Vec<usize> = (0..problem.rows.len())
        .filter(|row| {
            counts[*row] > 0 && (problem.has_column(*row) || problem.rows[*row].alone_price.is_some())
        })
        .collect();
    let dims = problem.width();
    let mean: Vec<f64> = (0..dims)
        .map(|dim| {
            rows.iter()
                .map(|row| real(problem.rows[*row].ask[dim]))
                .sum::<f64>()
                .max(1.0)
        })
        .collect();
    let mut kinds = grouped(problem, counts, &rows, |row| {
        (exact(problem, row), vec![real_row(row)])
    });
    for steps in [16.0, 8.0, 4.0, 2.0, 1.0] {
        // Merged step by step, finest first: every pivot of the master costs the square of the kinds.
        if kinds.len() <= MOST_KINDS {
            return kinds;
        }
        kinds = grouped(problem, counts, &rows, |row| {
            (exact(problem, row), direction(problem, row, &mean, steps))
        });
    }
    if kinds.len() > 4 * MOST_KINDS {
        // Too many different rules for exact merging: the weights get rougher, the bound stays valid.
        let plain = (Vec::new(), None, Vec::new());
        kinds = grouped(problem, counts, &rows, |row| {
            (plain.clone(), direction(problem, row, &mean, 1.0))
        });
    }
    kinds
}

fn real_row(row: usize) -> i64 {
    i64::try_from(row).unwrap_or(i64::MAX)
}

type Exact = (Vec<bool>, Option<i64>, Vec<i64>);

/// What must be equal for rows to be interchangeable to the linear problem.
fn exact(problem: &Problem, row: usize) -> Exact {
    (
        problem.fits.iter().map(|fits| fits[row]).collect(),
        problem.rows[row].alone_price,
        problem.addends.iter().map(|set| set[row]).collect(),
    )
}

/// Where a row's request points, and how large it is, in steps of a power of two.
fn direction(problem: &Problem, row: usize, mean: &[f64], steps: f64) -> Vec<i64> {
    let ask = &problem.rows[row].ask;
    let relative: Vec<f64> = ask
        .iter()
        .zip(mean)
        .map(|(ask, mean)| real(*ask) / mean + 1e-6)
        .collect();
    let size: f64 = relative.iter().sum();
    let mut key: Vec<i64> = relative
        .iter()
        .map(|r| floor((r / size).log2() * steps + 0.5))
        .collect();
    key.push(floor(size.log2() * steps / 4.0 + 0.5));
    key
}

fn grouped(
    problem: &Problem,
    counts: &[u32],
    rows: &[usize],
    key: impl Fn(usize) -> (Exact, Vec<i64>),
) -> Vec<Kind> {
    let mut found: BTreeMap<KindKey, Kind> = BTreeMap::new();
    for row in rows {
        let ((fits, alone_price, addends), way) = key(*row);
        let of = &problem.rows[*row];
        let count = f64::from(counts[*row]);
        let kind = found
            .entry((fits, alone_price, addends, way))
            .or_insert_with(|| Kind {
                ask: vec![0.0; of.ask.len()],
                count: 0.0,
                sample: *row,
                alone_price: of.alone_price.map(|price| real(price) / DOLLAR),
            });
        kind.count += count;
        for (sum, ask) in kind.ask.iter_mut().zip(&of.ask) {
            *sum += real(*ask) * count;
        }
    }
    let mut kinds: Vec<Kind> = found.into_values().collect();
    for kind in &mut kinds {
        for ask in &mut kind.ask {
            *ask /= kind.count;
        }
    }
    kinds
}
