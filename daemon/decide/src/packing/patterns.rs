//! Column generation over whole pods: the loads that the cheapest fractional mixture of nodes is made of.
//!
//! The master covers every row at least cost; pricing finds, column by column, a load worth more than its node
//! under the master's duals. Where pricing is exact the duals prove a bound (Farley), which is tighter than that
//! of fractional pods wherever a node holds few of them. What is bought is decided in `dive`.

use super::Packing;
use super::fill::{Bench, Taste};
use super::pricing::{self, Budget, Found, Item};
use super::random::Dice;
use super::shop::{Load, Shop};
use crate::bound::{Alone, Knapsack, Master, Proof, Purchase, alone};

/// Prices in the master are dollars per hour.
const DOLLAR: f64 = 1e9;
/// Branches of one pricing at first; six times as many when nothing improves and some pricing was cut short.
const FEWEST_BRANCHES: u64 = 1000;
const MOST_BRANCHES: u64 = 4_000_000;
/// Columns priced in a round whatever their relaxation says.
const COLUMNS_A_ROUND: usize = 24;
/// Columns filled greedily in a round, for variety.
const FILLED_A_ROUND: usize = 6;
/// The search ends when bound and cost are this close.
const CLOSE: f64 = 1e-4;
/// A stand-in for what cannot be bought costs so many times the dearest real way.
const STAND_IN: f64 = 20.0;

/// Where the search stands: also what a dive starts from.
pub(super) struct Patterns<'a, const D: usize> {
    pub(super) shop: &'a Shop<'a, D>,
    /// By master row: row of the table.
    pub(super) rows: Vec<u32>,
    /// By row of the table: its master row.
    place: Vec<Option<usize>>,
    /// Groups with a limit, and the limit.
    pub(super) limits: Vec<(usize, f64)>,
    pub(super) master: Master,
    /// By purchase of the master: column and load; `None` for a stand-in.
    pub(super) loads: Vec<Option<(usize, Load)>>,
    counts: Vec<u32>,
    /// Pods by row that a bound must allow on one node.
    most: Vec<u32>,
    knapsacks: Vec<Knapsack<D>>,
    shapes: Vec<Vec<[f64; D]>>,
    best: Proof,
    spent: u64,
}

impl<'a, const D: usize> Patterns<'a, D> {
    /// Starts from duals with a valid bound and from the loads of packings.
    pub(super) fn new(
        shop: &'a Shop<'a, D>,
        (counts, most): (&[u32], &[u32]),
        start: Proof,
        seeds: &[&Packing],
    ) -> Self {
        let rows: Vec<u32> = (0_u32..)
            .zip(counts)
            .filter(|(row, count)| **count > 0 && shop.has_column(*row))
            .map(|(row, _)| row)
            .collect();
        let mut place = vec![None; counts.len()];
        for (at, row) in rows.iter().enumerate() {
            place[*row as usize] = Some(at);
        }
        let pods: f64 = counts.iter().map(|count| f64::from(*count)).sum();
        let limits: Vec<(usize, f64)> = shop
            .table
            .growth
            .iter()
            .enumerate()
            .map(|(group, growth)| (group, f64::from(*growth)))
            .filter(|(group, growth)| *growth < pods && shop.table.columns.iter().any(|c| c.group == *group))
            .collect();
        let limit_of = |column: &super::Column| limits.iter().position(|(group, _)| *group == column.group);
        let limit_of: Vec<Option<usize>> = shop.table.columns.iter().map(limit_of).collect();
        let singles: Vec<Option<Alone<u32>>> = rows
            .iter()
            .map(|row| alone(ways_alone(shop, *row, counts[*row as usize]), &limit_of))
            .collect();
        let mut wanted: Vec<f64> = rows
            .iter()
            .enumerate()
            .map(|(at, row)| perturbed(f64::from(counts[*row as usize]), at))
            .collect();
        wanted.extend(limits.iter().map(|(_, growth)| -growth.max(1e-6)));
        let mut stand_in: Vec<f64> = singles
            .iter()
            .map(|single| STAND_IN * single.as_ref().map_or(1.0, |alone| alone.last_resort.max(1e-6)))
            .collect();
        stand_in.resize(wanted.len(), 0.0);
        let mut patterns = Self {
            shapes: (0..shop.price.len()).map(|column| shop.shapes(column)).collect(),
            knapsacks: vec![Knapsack::new(); shop.price.len()],
            loads: vec![None; rows.len()],
            master: Master::new(&wanted, &stand_in),
            counts: counts.to_vec(),
            most: most.to_vec(),
            best: start,
            spent: 0,
            shop,
            rows,
            place,
            limits,
        };
        for (row, single) in patterns.rows.clone().into_iter().zip(singles) {
            if let Some((_, column, copies)) = single.map(|alone| alone.cheapest) {
                patterns.offer(column, vec![(row, copies)]);
            }
        }
        for batch in seeds.iter().flat_map(|seed| &seed.batches) {
            patterns.add(batch.column, batch.pods.clone());
        }
        patterns.master.reoptimise(20 * wanted.len());
        patterns
    }

    /// Generates loads until the bound meets the cost or the work is spent.
    pub(super) fn run(&mut self, work: u64, (dice, bench): (&mut Dice, &mut Bench<D>)) -> Proof {
        let rows = self.rows.len() as u64;
        let (mut smooth, mut branches) = (0.7, FEWEST_BRANCHES);
        while self.spent < work {
            let pivots = self.master.pivots;
            let (duals, scarce) = self.smoothed(smooth);
            let round = self.round(&duals, &scarce, (branches, work));
            self.keep(&duals, &scarce, round.worst);
            let mut found = round.found;
            found.extend(self.vary(&duals, &scarce, &round.paying, (dice, bench)));
            found.sort_by(|a, b| b.0.total_cmp(&a.0));
            let mut entered = false;
            for (_, column, load) in found {
                entered |= self.offer(column, load);
            }
            self.master.reoptimise(6 * (self.rows.len() + self.limits.len()));
            let cost = self.master.cost();
            if cost - self.best.bound <= CLOSE * cost {
                self.best.closed = true;
                break;
            }
            let pivoted = (self.master.pivots - pivots) as u64;
            self.spent += rows * rows / 64 + pivoted * rows * rows / 256;
            if entered || pivoted > 0 {
                smooth = if smooth > 0.0 {
                    (smooth * 0.97_f64).max(0.1)
                } else {
                    0.0
                };
            } else if smooth > 0.0 {
                smooth = 0.0;
            } else if round.cut_short && branches < MOST_BRANCHES {
                branches = (branches * 6).min(MOST_BRANCHES);
            } else {
                break;
            }
        }
        self.best.clone()
    }

    /// The master's duals, drawn towards those of the best bound so far: by master row, and by limit.
    fn smoothed(&self, smooth: f64) -> (Vec<f64>, Vec<f64>) {
        let (of_rows, of_limits) = self.master.duals().split_at(self.rows.len());
        let drawn = |fresh: f64, best: f64| (fresh * (1.0 - smooth) + best * smooth).max(0.0);
        let of_rows = of_rows
            .iter()
            .zip(&self.rows)
            .map(|(fresh, row)| drawn(*fresh, self.best.pays.get(*row as usize).copied().unwrap_or(0.0)));
        let of_limits = of_limits
            .iter()
            .zip(&self.limits)
            .map(|(fresh, (group, _))| drawn(*fresh, self.best.scarce.get(*group).copied().unwrap_or(0.0)));
        (of_rows.collect(), of_limits.collect())
    }

    /// What a node of the column is worth beside its pods.
    fn worth(&self, column: usize, scarce: &[f64]) -> f64 {
        let group = self.shop.table.columns[column].group;
        let limit = self.limits.iter().position(|(limited, _)| *limited == group);
        self.shop.price[column] / DOLLAR + limit.map_or(0.0, |limit| scarce[limit])
    }

    fn value_of(&self, duals: &[f64], column: usize, row: u32) -> f64 {
        let tariff = Some(self.shop.table.columns[column].tariff);
        let addend = crate::number::real(self.shop.table.addend(tariff, row as usize)) / DOLLAR;
        self.place[row as usize].map_or(0.0, |at| duals[at]) - addend
    }

    /// Prices every column under these duals.
    fn round(&mut self, duals: &[f64], scarce: &[f64], (branches, work): (u64, u64)) -> Round {
        let mut round = Round::default();
        for column in 0..self.shop.price.len() {
            let worth = self.worth(column, scarce);
            let values: Vec<f64> = self.shop.rows_of[column]
                .iter()
                .map(|row| self.value_of(duals, column, *row))
                .collect();
            let value = self.knapsacks[column].solve(&self.shapes[column], &values) / worth;
            if value > 1.0 + 1e-6 {
                round.paying.push((value, column));
            } else {
                round.worst = round.worst.max(value);
            }
        }
        round
            .paying
            .sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        for (nth, (relaxed, column)) in round.paying.clone().into_iter().enumerate() {
            if nth >= COLUMNS_A_ROUND && relaxed <= round.worst {
                continue;
            }
            if self.spent > work {
                round.worst = round.worst.max(relaxed);
                break;
            }
            let worth = self.worth(column, scarce);
            let found = self.price(duals, column, (worth, branches));
            let upper = found.upper / worth;
            if upper > (found.value / worth).max(1.0) * (1.0 + 1e-5) {
                round.cut_short = true;
            }
            round.worst = round.worst.max(upper);
            if !found.load.is_empty() {
                round.found.push((found.value / worth, column, found.load));
            }
        }
        round
    }

    fn price(&mut self, duals: &[f64], column: usize, (worth, branches): (f64, u64)) -> Found {
        let room = self.shop.room[column].map(f64::from);
        let items: Vec<Item<D>> = self.shop.rows_of[column]
            .iter()
            .map(|row| Item {
                row: *row,
                ask: std::array::from_fn(|dim| f64::from(self.shop.ask[dim][*row as usize])),
                value: self.value_of(duals, column, *row),
                most: self.most[*row as usize].min(self.shop.cap[*row as usize]),
            })
            .filter(|item| item.value > 1e-12 && item.most > 0)
            .collect();
        let budget = Budget {
            floor: worth * (1.0 - 1e-4),
            branches,
        };
        pricing::best_load(&room, &items, budget, &mut self.spent)
    }

    /// Keeps the duals, scaled down to be feasible, when their bound is the best yet.
    fn keep(&mut self, duals: &[f64], scarce: &[f64], worst: f64) {
        // Scarcity stays as it is: pods pay less, so no node's pods pay more than its worth. What policies refund
        // does not shrink with the duals, so that much of it is taken off.
        let scale = (1.0 - 1e-9) / worst.max(1.0);
        let mut pays: Vec<f64> = (0..self.place.len())
            .map(|row| (scale - 1.0) * self.refund(row))
            .collect();
        for (row, dual) in self.rows.iter().zip(duals) {
            pays[*row as usize] += dual * scale;
        }
        let paid: f64 = pays
            .iter()
            .zip(&self.counts)
            .map(|(pays, count)| pays * f64::from(*count))
            .sum();
        let growth: f64 = self
            .limits
            .iter()
            .zip(scarce)
            .map(|((_, growth), worth)| growth * worth)
            .sum();
        if paid - growth <= self.best.bound {
            return;
        }
        let mut by_group = vec![0.0; self.shop.table.growth.len()];
        for ((group, _), worth) in self.limits.iter().zip(scarce) {
            by_group[*group] = *worth;
        }
        self.best = Proof {
            bound: paid - growth,
            pays,
            scarce: by_group,
            closed: false,
        };
    }

    /// The most that policies take off a node's price for one pod of the row, in dollars.
    fn refund(&self, row: usize) -> f64 {
        let least = self.shop.table.addends.iter().map(|rows| rows[row]).min();
        crate::number::real(least.unwrap_or(0).min(0).saturating_neg()) / DOLLAR
    }

    /// Fills some of the best columns greedily: other loads than the exact ones.
    fn vary(
        &self,
        duals: &[f64],
        scarce: &[f64],
        paying: &[(f64, usize)],
        (dice, bench): (&mut Dice, &mut Bench<D>),
    ) -> Vec<(f64, usize, Load)> {
        let mut found = Vec::new();
        for (_, column) in paying.iter().take(FILLED_A_ROUND) {
            let taste = Taste {
                widest: dice.one_of([0.0, 0.5, 1.0]),
                keen: 8,
                part: dice.one_of([1, 2, 8]),
                noise: 0.2,
                even: false,
            };
            self.shop.fill(*column, (&self.rows, &self.counts), taste, bench);
            let value: f64 = bench
                .load
                .iter()
                .map(|(row, n)| self.value_of(duals, *column, *row) * f64::from(*n))
                .sum();
            let relative = value / self.worth(*column, scarce);
            if relative > 1.0001 {
                found.push((relative, *column, bench.load.clone()));
            }
        }
        found
    }

    fn purchase_of(&self, column: usize, load: &[(u32, u32)]) -> Purchase {
        let mut entries: Vec<(usize, f64)> = load
            .iter()
            .filter_map(|(row, n)| Some((self.place[*row as usize]?, f64::from(*n))))
            .collect();
        let group = self.shop.table.columns[column].group;
        if let Some(limit) = self.limits.iter().position(|(limited, _)| *limited == group) {
            entries.push((self.rows.len() + limit, -1.0));
        }
        Purchase {
            cost: self.shop.node_price(column, load) / DOLLAR,
            entries,
        }
    }

    fn add(&mut self, column: usize, load: Load) {
        let purchase = self.purchase_of(column, &load);
        self.master.add(&purchase);
        self.loads.push(Some((column, load)));
    }

    /// Adds a load to the pool if it lowers the cost; whether it entered the mixture.
    fn offer(&mut self, column: usize, load: Load) -> bool {
        let purchase = self.purchase_of(column, &load);
        let before = self.master.size();
        let entered = self.master.offer(&purchase);
        if self.master.size() > before {
            self.loads.push(Some((column, load)));
        }
        entered
    }
}

#[derive(Default)]
struct Round {
    /// Columns whose relaxation pays, the best first.
    paying: Vec<(f64, usize)>,
    /// Loads by value for worth.
    found: Vec<(f64, usize, Load)>,
    /// No load is worth more times its node than this.
    worst: f64,
    /// Some pricing was ended by its budget.
    cut_short: bool,
}

/// Pods of a row alone on nodes of each column that runs them: cost of one pod, column, pods per node.
fn ways_alone<const D: usize>(
    shop: &Shop<'_, D>,
    row: u32,
    count: u32,
) -> impl Iterator<Item = (f64, usize, u32)> {
    let columns = (0..shop.price.len()).filter(move |column| shop.fits(*column, row));
    columns.map(move |column| {
        let copies = shop.copies(column, row).clamp(1, count.max(1));
        let load = [(row, copies)];
        let each = shop.node_price(column, &load) / DOLLAR / f64::from(copies);
        (each, column, copies)
    })
}

/// A right-hand side moved by a hair, so that the simplex does not cycle.
fn perturbed(count: f64, at: usize) -> f64 {
    let step = u32::try_from((at * 7919) % 101).unwrap_or(0);
    count * (1.0 + 1e-8 * f64::from(step))
}
