//! The table that packing and bounds work on: rows are kinds of pods, columns are kinds of nodes.
//!
//! Classes that ask for the same and may go to the same places at the same prices are one row; lots that
//! another lot beats in every respect are no column. Built plain, or with what policies make of prices.

use crate::demand::Class;
use crate::market::{FargateOption, Market};
use crate::placement::Adjust;
use crate::space::{self, PODS, Vector};
use std::collections::BTreeMap;

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
}

/// A kind of nodes.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    /// Index into the market's lots.
    pub(crate) lot: usize,
    /// Group, whose growth limits how many can be bought.
    pub(crate) group: usize,
    /// Offer set.
    pub(crate) set: usize,
    /// Room for pods, in the table's dimensions.
    pub(crate) room: Vector,
    /// Price of one in nano-dollars per hour, as this table prices it.
    pub(crate) price: i64,
}

/// See the module.
#[derive(Clone, Debug)]
pub(crate) struct Table {
    /// Which dimensions of the market's space anybody asks for.
    pub(crate) dims: Vec<usize>,
    pub(crate) rows: Vec<Row>,
    pub(crate) columns: Vec<Column>,
    /// By column, by row: whether the pod may run there.
    pub(crate) fits: Vec<Vec<bool>>,
    /// By set, by row: nano-dollars per hour that a pod there costs on top. Empty: no addends at all.
    pub(crate) addends: Vec<Vec<i64>>,
    /// By set, by row: whether a policy forbids it. Empty: nothing is forbidden.
    pub(crate) forbids: Vec<Vec<bool>>,
    /// By class: its row.
    pub(crate) row_of: Vec<usize>,
    /// By group: how many nodes may be bought.
    pub(crate) growth: Vec<u32>,
}

impl Table {
    /// Builds the table, plain or as policies price it.
    pub(crate) fn new(market: &Market<'_>, classes: &[Class], adjust: Option<&Adjust>) -> Self {
        let dims = dimensions(market);
        let (rows, row_of) = rows(market, classes, adjust, &dims);
        let mut table = Self {
            rows,
            columns: Vec::new(),
            fits: Vec::new(),
            addends: Vec::new(),
            forbids: Vec::new(),
            row_of,
            growth: market.growth.clone(),
            dims,
        };
        if let Some(adjust) = adjust {
            table.adjust(market.sets.len(), adjust);
        }
        table.fill_columns(market, classes, adjust);
        table
    }

    /// What one pod of the row costs on top on a node of the set.
    pub(crate) fn addend(&self, set: Option<usize>, row: usize) -> i64 {
        set.and_then(|set| self.addends.get(set))
            .map_or(0, |rows| rows[row])
    }

    /// Whether policies let the row onto nodes of the set.
    pub(crate) fn allowed(&self, set: Option<usize>, row: usize) -> bool {
        set.and_then(|set| self.forbids.get(set))
            .is_none_or(|rows| !rows[row])
    }

    /// A vector of the market's space in the dimensions of this table.
    pub(crate) fn project(&self, vector: &[i64]) -> Vector {
        self.dims.iter().map(|dim| vector[*dim]).collect()
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

    fn adjust(&mut self, sets: usize, adjust: &Adjust) {
        if !adjust.addends.is_empty() {
            self.addends = vec![vec![0; self.rows.len()]; sets];
        }
        if !adjust.forbids.is_empty() {
            self.forbids = vec![vec![false; self.rows.len()]; sets];
        }
        for (row, of) in self.rows.iter().enumerate() {
            // Classes of one row have the same addends and bans: they are part of its key.
            let Some(class) = of.classes.first() else {
                continue;
            };
            for (set, addend) in adjust.addends_of(*class) {
                self.addends[set][row] = addend;
            }
            for set in adjust.forbids_of(*class) {
                self.forbids[set][row] = true;
            }
        }
    }

    fn fill_columns(&mut self, market: &Market<'_>, classes: &[Class], adjust: Option<&Adjust>) {
        let total: u32 = classes.iter().map(Class::count).fold(0, u32::saturating_add);
        let mut candidates: Vec<(Column, Vec<bool>, bool)> = Vec::new();
        for (ix, lot) in market.lots.iter().enumerate() {
            let column = Column {
                lot: ix,
                group: lot.group,
                set: lot.set,
                room: self.project(&lot.room),
                price: adjust
                    .map_or(lot.price, |a| lot.price.scaled(a.factor(lot.set)))
                    .0,
            };
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
        candidates.sort_by_key(|(column, _, _)| (column.price, column.lot));
        for (column, fits, _) in candidates {
            let beaten = self
                .columns
                .iter()
                .zip(&self.fits)
                .any(|(other, other_fits)| self.beats(other, other_fits, (&column, &fits), total));
            if fits.contains(&true) && !beaten {
                self.columns.push(column);
                self.fits.push(fits);
            }
        }
    }

    fn fits_lot(&self, market: &Market<'_>, classes: &[Class], row: usize, column: &Column) -> bool {
        let (of, lot) = (&self.rows[row], &market.lots[column.lot]);
        of.classes.first().is_some_and(|class| {
            classes[*class].body.unmodelled.is_empty() && lot.admits[market.rule_of[*class]]
        }) && self.allowed(Some(column.set), row)
            && space::holds(&column.room, &of.ask)
    }

    /// Whether a column of at most the same price makes `than` superfluous.
    fn beats(&self, column: &Column, fits: &[bool], than: (&Column, &[bool]), total: u32) -> bool {
        let (other, other_fits) = than;
        let same_terms = self.addends.is_empty() || column.set == other.set;
        let enough = column.group == other.group
            || self
                .growth
                .get(column.group)
                .is_some_and(|growth| *growth >= total);
        same_terms
            && enough
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

type RowKey = (
    Vector,
    usize,
    bool,
    bool,
    Option<(FargateOption, i64)>,
    Vec<(usize, i64)>,
    Vec<usize>,
    // A class whose pods one node may hold only so many of shares its row with nobody.
    Option<usize>,
);

fn rows(
    market: &Market<'_>,
    classes: &[Class],
    adjust: Option<&Adjust>,
    dims: &[usize],
) -> (Vec<Row>, Vec<usize>) {
    let mut found: BTreeMap<RowKey, usize> = BTreeMap::new();
    let mut rows: Vec<Row> = Vec::new();
    let mut row_of = Vec::with_capacity(classes.len());
    for (ix, class) in classes.iter().enumerate() {
        let ask: Vector = dims.iter().map(|dim| market.asks[ix][*dim]).collect();
        let solo = solo(market, ix, adjust);
        let addends = adjust.map_or_else(Vec::new, |a| a.addends_of(ix).collect());
        let forbids = adjust.map_or_else(Vec::new, |a| a.forbids_of(ix).collect());
        let modelled = class.body.unmodelled.is_empty();
        let key = (
            ask.clone(),
            market.rule_of[ix],
            modelled,
            class.late,
            solo.clone(),
            addends,
            forbids,
            class.cap.as_ref().map(|_| ix),
        );
        let row = *found.entry(key).or_insert_with(|| {
            rows.push(Row {
                ask,
                classes: Vec::new(),
                solo,
                cap: class.cap.as_ref().map(|cap| cap.new_node),
            });
            rows.len() - 1
        });
        rows[row].classes.push(ix);
        row_of.push(row);
    }
    (rows, row_of)
}

/// The cheapest Fargate option of a class, priced plain or as policies have it, never below zero.
fn solo(market: &Market<'_>, class: usize, adjust: Option<&Adjust>) -> Option<(FargateOption, i64)> {
    market.fargate[class]
        .iter()
        .filter_map(|option| match adjust {
            None => Some((option.price.0, option)),
            Some(adjust) => adjust.fargate_price(class, option).map(|price| (price.0, option)),
        })
        .min_by(|a, b| (a.0, a.1.offer).cmp(&(b.0, b.1.offer)))
        .map(|(price, option)| (option.clone(), price))
}
