//! The table that packing and bounds work on: the solver's problem, and what its rows and columns are in the cluster.
//!
//! Classes that ask for the same and may go to the same places at the same prices are one row; lots that
//! another lot beats in every respect are no column. Built plain, or with what policies make of prices.

mod rows;

use crate::adjust::Adjust;
use crate::class::Class;
use crate::market::{FargateOption, Market};
use crate::space::{self, Vector};
use model::quota::Amounts;
use packing::{Column, Problem};
use rows::Folded;
use std::collections::BTreeMap;

/// What a column of the problem is sold as.
#[derive(Clone, Debug)]
pub(crate) struct Sold {
    /// Index into the market's lots.
    pub(crate) lot: usize,
    /// Offer set.
    pub(crate) set: usize,
    /// Of what its tariff adds for each pod, what does not depend on policies: nano-dollars per hour and pod that the
    /// table's price is silent of.
    pub(crate) risk: i64,
    /// What one counts where there are quotas.
    pub(crate) each: Amounts,
}

/// The problem, and what its rows and columns stand for.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) problem: Problem,
    /// Which dimensions of the market's space anybody asks for.
    dims: Vec<usize>,
    /// Rules about pods on one node are left that rows cannot say: who goes where is settled class by class.
    pub(crate) guarded: bool,
    /// By row: classes behind it.
    pub(crate) classes: Vec<Vec<usize>>,
    /// By row: the cheapest Fargate option with its price in this table.
    pub(crate) fargate: Vec<Option<(FargateOption, i64)>>,
    /// By column: what it is sold as.
    pub(crate) sold: Vec<Sold>,
    /// By set, by row: whether a policy forbids it. Empty: nothing is forbidden.
    forbids: Vec<Vec<bool>>,
    /// By class: its row.
    pub(crate) row_of: Vec<usize>,
    /// By lot: what one costs as this table prices it, column or not; empty in a part of a table.
    pub(crate) lot_prices: Vec<i64>,
}

/// A lot as a column, before it is known whether another beats it.
struct Candidate {
    column: Column,
    sold: Sold,
    /// By row.
    fits: Vec<bool>,
    /// What it holds is not known for sure: rows that another column holds do not rely on it.
    unknown: bool,
}

impl Table {
    /// Builds the table, plain or as policies price it.
    pub(crate) fn new(market: &Market<'_>, classes: &[Class], adjust: Option<&Adjust>) -> Self {
        Priced {
            market,
            classes,
            adjust,
            weight: None,
        }
        .table()
    }

    /// The same with what groups of one weight sell only: the rows are those of the whole.
    pub(crate) fn of_weight(
        market: &Market<'_>,
        weight: u32,
        classes: &[Class],
        adjust: Option<&Adjust>,
    ) -> Self {
        Priced {
            market,
            classes,
            adjust,
            weight: Some(weight),
        }
        .table()
    }

    /// Whether policies let the row onto nodes of the set.
    pub(crate) fn allowed(&self, set: Option<usize>, row: usize) -> bool {
        set.and_then(|set| self.forbids.get(set))
            .is_none_or(|rows| !rows[row])
    }

    /// A vector of the market's space in the dimensions of this table, with as much for shared caps as a new node holds.
    pub(crate) fn project(&self, vector: &[i64]) -> Vector {
        self.project_with(vector, |most| most)
    }

    /// The same with as much for each shared cap as `left` makes of what a new node holds.
    pub(crate) fn project_with(&self, vector: &[i64], left: impl Fn(u32) -> u32) -> Vector {
        let amounts = self.dims.iter().map(|dim| vector[*dim]);
        let caps = self.problem.shared_caps.iter();
        amounts.chain(caps.map(|most| i64::from(left(*most)))).collect()
    }

    /// The same table with so many nodes to be bought of each group.
    pub(crate) fn with_stock(&self, stock: Vec<u32>) -> Self {
        let mut table = self.clone();
        table.problem.stock = stock;
        table
    }

    /// Nobody of the row goes to Fargate.
    pub(crate) fn keep_off_fargate(&mut self, row: usize) {
        self.fargate[row] = None;
        self.problem.rows[row].alone_price = None;
    }

    /// Pods by row, from pods by class.
    pub(crate) fn counts(&self, by_class: &[u32]) -> Vec<u32> {
        let mut counts = vec![0_u32; self.problem.rows.len()];
        for (class, count) in by_class.iter().enumerate() {
            counts[self.row_of[class]] = counts[self.row_of[class]].saturating_add(*count);
        }
        counts
    }

    fn adjust(&mut self, market: &Market<'_>, adjust: &Adjust) {
        let rows = self.problem.rows.len();
        if !adjust.addends.is_empty() || market.is_risky() {
            let risks = market.tariffs.iter().map(|tariff| tariff.risk);
            self.problem.addends = risks.map(|risk| vec![risk; rows]).collect();
        }
        if !adjust.forbids.is_empty() {
            self.forbids = vec![vec![false; rows]; market.sets.len()];
        }
        for (row, classes) in self.classes.iter().enumerate() {
            // Classes of one row have the same addends and bans: they are part of its key.
            let Some(class) = classes.first() else {
                continue;
            };
            for (set, addend) in adjust.addends_of(*class) {
                for (tariff, rows) in market.tariffs.iter().zip(&mut self.problem.addends) {
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

    /// Whether a column of at most the same price makes the candidate superfluous for so many pods.
    fn beats(&self, column: usize, candidate: &Candidate, pods: u32) -> bool {
        let (own, sold) = (&self.problem.columns[column], &self.sold[column]);
        let other = &candidate.column;
        let addends = |of: &Column| self.problem.addends.get(of.tariff);
        let same_terms = own.tariff == other.tariff
            || match (addends(own), addends(other)) {
                (Some(own), Some(other)) => own.iter().zip(other).all(|(own, other)| own <= other),
                _ => sold.risk <= candidate.sold.risk,
            };
        let stock = self.problem.stock.get(own.group);
        let enough = own.group == other.group || stock.is_some_and(|stock| *stock >= pods);
        let fits = self.problem.fits[column].iter().zip(&candidate.fits);
        same_terms
            && enough
            && sold.each.is_within(&candidate.sold.each)
            && own.capacity.iter().zip(&other.capacity).all(|(a, b)| a >= b)
            && fits.into_iter().all(|(a, b)| *a || !*b)
    }
}

/// What a table is built from.
struct Priced<'a> {
    market: &'a Market<'a>,
    classes: &'a [Class],
    /// What policies make of prices; plain where there is nothing.
    adjust: Option<&'a Adjust>,
    /// Only what groups and profiles of this weight sell.
    weight: Option<u32>,
}

impl Priced<'_> {
    fn table(&self) -> Table {
        let market = self.market;
        let Folded {
            rows,
            classes,
            row_of,
            dims,
            shared_caps,
            guarded,
        } = Folded::new(market, self.classes, self.adjust);
        let fargate = classes.iter().map(|classes| {
            let class = classes.first()?;
            rows::fargate_of(market, self.weight, *class, self.adjust)
        });
        let mut table = Table {
            fargate: fargate.collect(),
            problem: Problem {
                dims: dims.len(),
                shared_caps,
                rows,
                stock: market.growth.clone(),
                ..Problem::default()
            },
            dims,
            guarded,
            classes,
            sold: Vec::new(),
            forbids: Vec::new(),
            row_of,
            lot_prices: Vec::with_capacity(market.lots.len()),
        };
        for (row, fargate) in table.problem.rows.iter_mut().zip(&table.fargate) {
            row.alone_price = fargate.as_ref().map(|(_, price)| *price);
        }
        if let Some(adjust) = self.adjust {
            table.adjust(market, adjust);
        }
        self.fill_columns(&mut table);
        table
    }

    fn fill_columns(&self, table: &mut Table) {
        let (market, weight) = (self.market, self.weight);
        let total: u32 = self.classes.iter().map(Class::count).fold(0, u32::saturating_add);
        let mut candidates = self.candidates(table);
        // Before groups of other weights are left out: what is known of them counts for all rounds.
        forget_unknown_where_known(&mut candidates, table.problem.rows.len());
        candidates.retain(|of| weight.is_none_or(|weight| market.weights[of.column.group] == weight));
        candidates.sort_by_key(|of| (of.column.price, of.sold.lot));
        for candidate in candidates {
            let beaten = (0..table.sold.len()).any(|column| {
                let group = table.problem.columns[column].group;
                let limited = group != candidate.column.group && market.left.limits_group(group);
                !limited && table.beats(column, &candidate, total)
            });
            if candidate.fits.contains(&true) && !beaten {
                table.problem.columns.push(candidate.column);
                table.problem.fits.push(candidate.fits);
                table.sold.push(candidate.sold);
            }
        }
    }

    /// Lots that run anybody, priced.
    fn candidates(&self, table: &mut Table) -> Vec<Candidate> {
        let market = self.market;
        let mut candidates = Vec::new();
        let mut admissions: BTreeMap<&[bool], usize> = BTreeMap::new();
        for (ix, lot) in market.lots.iter().enumerate() {
            let next = admissions.len();
            let price = self
                .adjust
                .map_or(lot.price, |adjust| lot.price.scaled(adjust.factor(lot.set)));
            let column = Column {
                group: lot.group,
                tariff: lot.tariff,
                zones: lot.zones,
                admission: *admissions.entry(&lot.admits).or_insert(next),
                capacity: table.project(&lot.room),
                price: price.0,
            };
            let sold = Sold {
                lot: ix,
                set: lot.set,
                risk: market.tariffs.get(lot.tariff).map_or(0, |tariff| tariff.risk),
                each: lot.each,
            };
            table.lot_prices.push(column.price);
            let fits: Vec<bool> = (0..table.problem.rows.len())
                .map(|row| self.fits_lot(table, row, (&column, &sold)))
                .collect();
            if fits.contains(&true) {
                candidates.push(Candidate {
                    column,
                    sold,
                    fits,
                    unknown: lot.unknown,
                });
            }
        }
        candidates
    }

    fn fits_lot(&self, table: &Table, row: usize, (column, sold): (&Column, &Sold)) -> bool {
        let (of, lot) = (&table.problem.rows[row], &self.market.lots[sold.lot]);
        let in_zone = of
            .zone
            .is_none_or(|zone| zone < 64 && lot.zones & (1 << zone) != 0);
        in_zone
            && table.classes[row].first().is_some_and(|class| {
                let modelled = self.classes[*class].body.unmodelled.is_empty();
                modelled && lot.admits[self.market.rule_of[*class]]
            })
            && table.allowed(Some(sold.set), row)
            && space::holds(&column.capacity, &of.ask)
    }
}

/// A lot whose amounts are not known holds only rows that no known one holds.
fn forget_unknown_where_known(candidates: &mut [Candidate], rows: usize) {
    let known = |row: usize| candidates.iter().any(|of| !of.unknown && of.fits[row]);
    let known: Vec<bool> = (0..rows).map(known).collect();
    for candidate in candidates.iter_mut().filter(|of| of.unknown) {
        for (fits, known) in candidate.fits.iter_mut().zip(&known) {
            *fits &= !known;
        }
    }
}
