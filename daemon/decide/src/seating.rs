//! Who goes onto which new node, where rules count pods by node: patterns of rows become nodes with pods of classes.
//!
//! Pods whose rules bind others come first and are kept to one node as long as it takes them; what a pattern cannot
//! seat goes where there is room, and what is left after that is packed again. Nothing here looks at zones or prices
//! but to keep a node the kind it was bought as.

use crate::class::Class;
use crate::constraints::Company;
use crate::space::{self, Vector};
use crate::table::Table;
use packing::Batch;

/// A new node with its pods.
#[derive(Clone, Debug)]
pub(crate) struct Seat {
    pub(crate) column: usize,
    /// Zone by its place among the market's, where its pods were dealt one.
    pub(crate) zone: Option<usize>,
    /// Class and how many.
    pub(crate) pods: Vec<(usize, u32)>,
    company: Company,
    /// In the table's dimensions.
    free: Vector,
}

/// See the module.
pub(crate) struct Seating<'a> {
    table: &'a Table,
    classes: &'a [Class],
    pub(crate) seats: Vec<Seat>,
    /// By class: pods without a seat.
    pub(crate) left: Vec<u32>,
    /// By row: classes, those whose rules bind others first.
    order: Vec<Vec<usize>>,
}

impl<'a> Seating<'a> {
    /// Nobody is seated yet.
    pub(crate) fn new(table: &'a Table, classes: &'a [Class], left: Vec<u32>) -> Self {
        let order = table.classes.iter().map(|classes_of| {
            let mut classes_of = classes_of.clone();
            classes_of.sort_by_key(|class| {
                let crowding = &classes[*class].crowding;
                (
                    std::cmp::Reverse(crowding.guards.len()),
                    crowding.member.len(),
                    *class,
                )
            });
            classes_of
        });
        Self {
            table,
            classes,
            order: order.collect(),
            seats: Vec::new(),
            left,
        }
    }

    /// By row: pods without a seat.
    pub(crate) fn left_by_row(&self) -> Vec<u32> {
        let of = |classes: &Vec<usize>| classes.iter().map(|class| self.left[*class]).sum();
        self.order.iter().map(of).collect()
    }

    /// By group: nodes that may still be bought.
    pub(crate) fn growth(&self) -> Vec<u32> {
        let mut growth = self.table.problem.stock.clone();
        for seat in &self.seats {
            let left = &mut growth[self.table.problem.columns[seat.column].group];
            *left = left.saturating_sub(1);
        }
        growth
    }

    /// The nodes, each of the cheapest kind of its set that holds its pods.
    pub(crate) fn finish(mut self) -> Vec<Seat> {
        for seat in &mut self.seats {
            let bought = &self.table.problem.columns[seat.column];
            let sold_as = &self.table.sold;
            let each = &sold_as[seat.column].each;
            let mut used = bought.capacity.clone();
            space::take(&mut used, &seat.free, 1);
            let holds = |column: &usize| {
                let of = &self.table.problem.columns[*column];
                let sold = seat.zone.is_none_or(|zone| of.zones & (1 << zone) != 0);
                let fits = |class: usize| self.table.problem.fits[*column][self.table.row_of[class]];
                (of.group, of.tariff) == (bought.group, bought.tariff)
                    && sold_as[*column].each.is_within(each)
                    && sold
                    && space::holds(&of.capacity, &used)
                    && seat.pods.iter().all(|(class, _)| fits(*class))
            };
            // Columns come cheapest first.
            seat.column = (0..seat.column).find(holds).unwrap_or(seat.column);
        }
        self.seats
    }

    /// Seats what the patterns ask for, nodes with few pods first, then whom they left in what room there is.
    pub(crate) fn seat(&mut self, batches: &[(Option<usize>, Batch)]) {
        let first = self.seats.len();
        let mut order: Vec<usize> = (0..batches.len()).collect();
        order.sort_by_key(|at| {
            let pods = &batches[*at].1.pattern;
            (pods.iter().map(|(_, n)| n).sum::<u32>(), *at)
        });
        for at in order {
            let (zone, batch) = &batches[at];
            for _ in 0..batch.copies {
                self.node(*zone, batch);
            }
        }
        self.squeeze(first);
        self.seats.retain(|seat| !seat.pods.is_empty());
    }

    fn node(&mut self, zone: Option<usize>, batch: &Batch) {
        let mut seat = Seat {
            column: batch.column,
            zone,
            pods: Vec::new(),
            company: Company::of_new_node(),
            free: self.table.problem.columns[batch.column].capacity.clone(),
        };
        for (row, n) in &batch.pattern {
            let mut wanted = *n;
            let order = &mut self.order[*row as usize];
            let left = &self.left;
            order.retain(|class| left[*class] > 0);
            for class in order.iter().copied() {
                if wanted == 0 {
                    break;
                }
                wanted -= put(
                    self.table,
                    self.classes,
                    &mut seat,
                    (class, wanted, &mut self.left),
                );
            }
        }
        self.seats.push(seat);
    }

    /// Puts whoever has no seat where there is room, onto nodes from `first` on.
    fn squeeze(&mut self, first: usize) {
        let mut homeless: Vec<usize> = (0..self.left.len())
            .filter(|class| self.left[*class] > 0)
            .collect();
        let ask = |class: &usize| &self.table.problem.rows[self.table.row_of[*class]].ask;
        homeless.sort_by(|a, b| ask(b).cmp(ask(a)).then(a.cmp(b)));
        for class in homeless {
            let row = self.table.row_of[class];
            for seat in &mut self.seats[first..] {
                if self.left[class] == 0 {
                    break;
                }
                let of = &self.table.problem.rows[row];
                let here = of.zone.is_none() || of.zone == seat.zone;
                if here && self.table.problem.fits[seat.column][row] && space::holds(&seat.free, &of.ask) {
                    put(self.table, self.classes, seat, (class, u32::MAX, &mut self.left));
                }
            }
        }
    }
}

/// Puts as many pods of a class onto the node as it takes, at most `wanted`; returns how many.
fn put(
    table: &Table,
    classes: &[Class],
    seat: &mut Seat,
    (class, wanted, left): (usize, u32, &mut [u32]),
) -> u32 {
    let (of, ask) = (&classes[class], &table.problem.rows[table.row_of[class]].ask);
    let most = wanted.min(left[class]).min(seat.company.more(&of.crowding));
    let copies = space::copies(&seat.free, ask, most);
    if copies > 0 {
        seat.company.put(&of.crowding, copies);
        space::take(&mut seat.free, ask, copies);
        left[class] -= copies;
        match seat.pods.iter_mut().find(|(known, _)| *known == class) {
            Some((_, n)) => *n += copies,
            None => seat.pods.push((class, copies)),
        }
    }
    copies
}
