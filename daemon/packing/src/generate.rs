//! Column generation over whole items: the patterns that the cheapest fractional mixture of bins is made of.
//!
//! The master covers every row at least cost; pricing finds, column by column, a pattern worth more than its bin
//! under the master's duals. Where pricing is exact the duals prove a bound (Farley), which is tighter than that
//! of fractional items wherever a bin holds few of them. What is bought is decided in `dive`.

use crate::duals::{Alone, Proof, alone};
use crate::fill::{Left, Scoring, Workspace};
use crate::lp::{Knapsack, Master, Purchase};
use crate::pricing::{self, Budget, Found, Item};
use crate::problem::Demand;
use crate::random::Random;
use crate::solution::{Packing, Pattern};
use crate::table::Table;

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
pub(crate) struct Generation<'a, const D: usize> {
    pub(crate) table: &'a Table<'a, D>,
    /// By master row: row of the problem.
    pub(crate) rows: Vec<u32>,
    /// By row of the problem: its master row.
    place: Vec<Option<usize>>,
    /// Groups with a limit, and the limit.
    pub(crate) limits: Vec<(usize, f64)>,
    pub(crate) master: Master,
    /// By purchase of the master: column and pattern; `None` for a stand-in.
    pub(crate) patterns: Vec<Option<(usize, Pattern)>>,
    counts: Vec<u32>,
    /// Items by row that a bound must allow on one bin.
    provable: Vec<u32>,
    knapsacks: Vec<Knapsack<D>>,
    shapes: Vec<Vec<[f64; D]>>,
    best: Proof,
    spent: u64,
}

impl<'a, const D: usize> Generation<'a, D> {
    /// Starts from duals with a valid bound and from the patterns of packings.
    pub(crate) fn new(table: &'a Table<'a, D>, demand: Demand<'_>, start: Proof, seeds: &[&Packing]) -> Self {
        let counts = demand.counts;
        let rows: Vec<u32> = (0_u32..)
            .zip(counts)
            .filter(|(row, count)| **count > 0 && table.has_column(*row))
            .map(|(row, _)| row)
            .collect();
        let mut place = vec![None; counts.len()];
        for (at, row) in rows.iter().enumerate() {
            place[*row as usize] = Some(at);
        }
        let items: f64 = counts.iter().map(|count| f64::from(*count)).sum();
        let limits: Vec<(usize, f64)> = table
            .problem
            .stock
            .iter()
            .enumerate()
            .map(|(group, stock)| (group, f64::from(*stock)))
            .filter(|(group, stock)| {
                *stock < items && table.problem.columns.iter().any(|c| c.group == *group)
            })
            .collect();
        let limit_of = |column: &super::Column| limits.iter().position(|(group, _)| *group == column.group);
        let limit_of: Vec<Option<usize>> = table.problem.columns.iter().map(limit_of).collect();
        let singles: Vec<Option<Alone<u32>>> = rows
            .iter()
            .map(|row| alone(ways_alone(table, *row, counts[*row as usize]), &limit_of))
            .collect();
        let mut wanted: Vec<f64> = rows
            .iter()
            .enumerate()
            .map(|(at, row)| perturbed(f64::from(counts[*row as usize]), at))
            .collect();
        // A limit of zero is a hair above it: a row needs a side to start on.
        wanted.extend(limits.iter().map(|(_, stock)| -stock.max(1e-6)));
        let mut stand_in: Vec<f64> = singles
            .iter()
            .map(|single| STAND_IN * single.as_ref().map_or(1.0, |alone| alone.last_resort.max(1e-6)))
            .collect();
        stand_in.resize(wanted.len(), 0.0);
        let mut generation = Self {
            shapes: (0..table.price.len())
                .map(|column| table.shapes(column))
                .collect(),
            knapsacks: vec![Knapsack::new(); table.price.len()],
            patterns: vec![None; rows.len()],
            master: Master::new(&wanted, &stand_in),
            counts: counts.to_vec(),
            provable: demand.provable.to_vec(),
            best: start,
            spent: 0,
            table,
            rows,
            place,
            limits,
        };
        for (row, single) in generation.rows.clone().into_iter().zip(singles) {
            if let Some((_, column, copies)) = single.map(|alone| alone.cheapest) {
                generation.offer(column, vec![(row, copies)]);
            }
        }
        for batch in seeds.iter().flat_map(|seed| &seed.batches) {
            generation.add(batch.column, batch.pattern.clone());
        }
        generation.master.reoptimise(20 * wanted.len());
        generation
    }

    /// Generates patterns until the bound meets the cost or the work is spent.
    pub(crate) fn run(&mut self, work: u64, random: &mut Random, workspace: &mut Workspace<D>) -> Proof {
        let rows = self.rows.len() as u64;
        // Duals jump from round to round; drawn towards the best so far they settle in fewer rounds (Wentges, 1997).
        let (mut smooth, mut branches) = (0.7, FEWEST_BRANCHES);
        while self.spent < work {
            let pivots = self.master.pivots;
            let duals = self.smoothed(smooth);
            let round = self.round(&duals, branches, work);
            self.keep(&duals, round.worst);
            let mut found = round.found;
            found.extend(self.vary(&duals, &round.paying, random, workspace));
            found.sort_by(|a, b| b.0.total_cmp(&a.0));
            let mut entered = false;
            for (_, column, pattern) in found {
                entered |= self.offer(column, pattern);
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
            // Nothing entered under smoothed duals: perhaps only because they were smoothed.
            } else if smooth > 0.0 {
                smooth = 0.0;
            // Nothing entered, but some pricing ended early: exact pricing is the last thing that can find a pattern or
            // prove the bound.
            } else if round.cut_short && branches < MOST_BRANCHES {
                branches = (branches * 6).min(MOST_BRANCHES);
            } else {
                break;
            }
        }
        self.best.clone()
    }

    /// The master's duals, drawn towards those of the best bound so far: by master row, and by limit.
    fn smoothed(&self, smooth: f64) -> Prices {
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
        Prices {
            rows: of_rows.collect(),
            scarce: of_limits.collect(),
        }
    }

    /// What a bin of the column is worth beside its items.
    fn worth(&self, column: usize, duals: &Prices) -> f64 {
        let group = self.table.problem.columns[column].group;
        let limit = self.limits.iter().position(|(limited, _)| *limited == group);
        self.table.price[column] / DOLLAR + limit.map_or(0.0, |limit| duals.scarce[limit])
    }

    fn value_of(&self, duals: &Prices, column: usize, row: u32) -> f64 {
        let tariff = Some(self.table.problem.columns[column].tariff);
        let addend = crate::number::real(self.table.problem.addend(tariff, row as usize)) / DOLLAR;
        self.place[row as usize].map_or(0.0, |at| duals.rows[at]) - addend
    }

    /// Prices every column under these duals.
    fn round(&mut self, duals: &Prices, branches: u64, work: u64) -> Round {
        let mut round = Round::default();
        for column in 0..self.table.price.len() {
            let worth = self.worth(column, duals);
            let values: Vec<f64> = self.table.rows_of[column]
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
            // A column whose relaxation is below the worst ratio found cannot make the bound of this round any worse.
            if nth >= COLUMNS_A_ROUND && relaxed <= round.worst {
                continue;
            }
            if self.spent > work {
                // Not priced for want of work: its relaxation stands, so that the bound stays valid.
                round.worst = round.worst.max(relaxed);
                break;
            }
            let worth = self.worth(column, duals);
            let found = self.price(duals, column, branches);
            let upper = found.upper / worth;
            if upper > (found.value / worth).max(1.0) * (1.0 + 1e-5) {
                round.cut_short = true;
            }
            round.worst = round.worst.max(upper);
            if !found.pattern.is_empty() {
                round.found.push((found.value / worth, column, found.pattern));
            }
        }
        round
    }

    fn price(&mut self, duals: &Prices, column: usize, branches: u64) -> Found {
        let worth = self.worth(column, duals);
        let capacity = self.table.capacity[column].map(f64::from);
        let items: Vec<Item<D>> = self.table.rows_of[column]
            .iter()
            .map(|row| Item {
                row: *row,
                ask: std::array::from_fn(|dim| f64::from(self.table.ask[dim][*row as usize])),
                value: self.value_of(duals, column, *row),
                most: self.provable[*row as usize].min(self.table.cap[*row as usize]),
            })
            .filter(|item| item.value > 1e-12 && item.most > 0)
            .collect();
        // A hair below its price: a pattern worth exactly its bin is in the mixture already, and would be found for
        // ever.
        let budget = Budget {
            floor: worth * (1.0 - 1e-4),
            branches,
        };
        pricing::best_pattern(&capacity, &items, budget, &mut self.spent)
    }

    /// Keeps the duals, scaled down to be feasible, when their bound is the best yet.
    fn keep(&mut self, duals: &Prices, worst: f64) {
        // Scarcity stays as it is: items pay less, so no bin's items pay more than its worth. What addends refund
        // does not shrink with the duals, so that much of it is taken off.
        let scale = (1.0 - 1e-9) / worst.max(1.0);
        let mut pays: Vec<f64> = (0..self.place.len())
            .map(|row| (scale - 1.0) * self.refund(row))
            .collect();
        for (row, dual) in self.rows.iter().zip(&duals.rows) {
            pays[*row as usize] += dual * scale;
        }
        let paid: f64 = pays
            .iter()
            .zip(&self.counts)
            .map(|(pays, count)| pays * f64::from(*count))
            .sum();
        let stock: f64 = self
            .limits
            .iter()
            .zip(&duals.scarce)
            .map(|((_, stock), worth)| stock * worth)
            .sum();
        // Farley's bound falls as often as it rises: only the best of all rounds is kept.
        if paid - stock <= self.best.bound {
            return;
        }
        let mut by_group = vec![0.0; self.table.problem.stock.len()];
        for ((group, _), worth) in self.limits.iter().zip(&duals.scarce) {
            by_group[*group] = *worth;
        }
        self.best = Proof {
            bound: paid - stock,
            pays,
            scarce: by_group,
            closed: false,
        };
    }

    /// The most that addends take off a bin's price for one item of the row, in dollars.
    fn refund(&self, row: usize) -> f64 {
        let least = self.table.problem.addends.iter().map(|rows| rows[row]).min();
        crate::number::real(least.unwrap_or(0).min(0).saturating_neg()) / DOLLAR
    }

    /// Fills some of the best columns greedily: other patterns than the exact ones.
    fn vary(
        &self,
        duals: &Prices,
        paying: &[(f64, usize)],
        random: &mut Random,
        workspace: &mut Workspace<D>,
    ) -> Vec<(f64, usize, Pattern)> {
        let mut found = Vec::new();
        for (_, column) in paying.iter().take(FILLED_A_ROUND) {
            let scoring = Scoring {
                widest: random.one_of([0.0, 0.5, 1.0]),
                sharpness: 8,
                part: random.one_of([1, 2, 8]),
                noise: 0.2,
                even: false,
            };
            let all = Left {
                rows: &self.rows,
                counts: &self.counts,
            };
            self.table.fill(*column, all, scoring, workspace);
            let value: f64 = workspace
                .pattern
                .iter()
                .map(|(row, n)| self.value_of(duals, *column, *row) * f64::from(*n))
                .sum();
            let relative = value / self.worth(*column, duals);
            if relative > 1.0001 {
                found.push((relative, *column, workspace.pattern.clone()));
            }
        }
        found
    }

    fn purchase_of(&self, column: usize, pattern: &[(u32, u32)]) -> Purchase {
        let mut entries: Vec<(usize, f64)> = pattern
            .iter()
            .filter_map(|(row, n)| Some((self.place[*row as usize]?, f64::from(*n))))
            .collect();
        let group = self.table.problem.columns[column].group;
        if let Some(limit) = self.limits.iter().position(|(limited, _)| *limited == group) {
            entries.push((self.rows.len() + limit, -1.0));
        }
        Purchase {
            cost: self.table.bin_price(column, pattern) / DOLLAR,
            entries,
        }
    }

    fn add(&mut self, column: usize, pattern: Pattern) {
        let purchase = self.purchase_of(column, &pattern);
        self.master.add(&purchase);
        self.patterns.push(Some((column, pattern)));
    }

    /// Adds a pattern to the pool if it lowers the cost; whether it entered the mixture.
    fn offer(&mut self, column: usize, pattern: Pattern) -> bool {
        let purchase = self.purchase_of(column, &pattern);
        let before = self.master.size();
        let entered = self.master.offer(&purchase);
        if self.master.size() > before {
            self.patterns.push(Some((column, pattern)));
        }
        entered
    }
}

/// Dual prices of the master, in dollars per hour.
struct Prices {
    /// By master row.
    rows: Vec<f64>,
    /// By limit: what one more bin of its group is worth.
    scarce: Vec<f64>,
}

#[derive(Default)]
struct Round {
    /// Columns whose relaxation pays, the best first.
    paying: Vec<(f64, usize)>,
    /// Patterns by value for worth.
    found: Vec<(f64, usize, Pattern)>,
    /// No pattern is worth more times its bin than this.
    worst: f64,
    /// Some pricing was ended by its budget.
    cut_short: bool,
}

/// Items of a row alone on bins of each column that runs them: cost of one item, column, items per bin.
fn ways_alone<const D: usize>(
    table: &Table<'_, D>,
    row: u32,
    count: u32,
) -> impl Iterator<Item = (f64, usize, u32)> {
    let columns = (0..table.price.len()).filter(move |column| table.fits(*column, row));
    columns.map(move |column| {
        let copies = table.copies(column, row).clamp(1, count.max(1));
        let pattern = [(row, copies)];
        let each = table.bin_price(column, &pattern) / DOLLAR / f64::from(copies);
        (each, column, copies)
    })
}

/// A right-hand side moved by a hair, so that the simplex does not cycle.
fn perturbed(count: f64, at: usize) -> f64 {
    let step = u32::try_from((at * 7919) % 101).unwrap_or(0);
    count * (1.0 + 1e-8 * f64::from(step))
}
