//! The master problem of column generation: cover every row at least cost, by a dense revised simplex.
//!
//! Rows are "at least" constraints; a limit on purchases is one with negative entries. Used for duals and for
//! what to try first, never as a plan, so that a tiny perturbation against cycling does no harm.

/// Something that can be bought: its cost and what it adds to each row.
#[derive(Clone, Debug)]
pub(crate) struct Purchase {
    pub(crate) cost: f64,
    pub(crate) entries: Vec<(usize, f64)>,
}

/// The master problem: purchases in a pool, those of the present solution in the basis.
pub(crate) struct Master {
    rows: usize,
    inverse: Vec<f64>,
    level: Vec<f64>,
    basis: Vec<Basic>,
    duals: Vec<f64>,
    pool: Pool,
    /// By purchase: in the basis, or not looked at any more.
    aside: Vec<bool>,
    /// By row: its surplus is in the basis.
    surplus: Vec<bool>,
    pub(crate) pivots: usize,
}

/// Purchases side by side: the search walks through all of them at every pivot.
#[derive(Default)]
struct Pool {
    costs: Vec<f64>,
    /// By purchase: where its entries end.
    ends: Vec<usize>,
    rows: Vec<u32>,
    amounts: Vec<f64>,
}

impl Pool {
    fn push(&mut self, purchase: &Purchase) {
        for (row, amount) in &purchase.entries {
            self.rows.push(u32::try_from(*row).unwrap_or(u32::MAX));
            self.amounts.push(*amount);
        }
        self.costs.push(purchase.cost);
        self.ends.push(self.rows.len());
    }

    fn entries(&self, ix: usize) -> impl Iterator<Item = (usize, f64)> {
        let from = if ix == 0 { 0 } else { self.ends[ix - 1] };
        let range = from..self.ends[ix];
        self.rows[range.clone()]
            .iter()
            .zip(&self.amounts[range])
            .map(|(row, amount)| (*row as usize, *amount))
    }

    /// The entries weighed by row.
    fn weighed(&self, ix: usize, weights: &[f64]) -> f64 {
        self.entries(ix).map(|(row, amount)| weights[row] * amount).sum()
    }
}

/// Purchases looked at between two walks through the pool.
const PROMISING: usize = 24;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Basic {
    Purchase(usize),
    Surplus(usize),
}

/// What would enter the basis, and how much it lowers the cost for each unit of its own.
#[derive(Clone, Copy, PartialEq)]
struct Entering {
    cost: f64,
    basic: Option<Basic>,
}

impl Master {
    /// Starts from `stand_in` costs for rows to cover (dear, always feasible) and from the surplus of rows
    /// that limit; `wanted` is negative for the latter.
    pub(crate) fn new(wanted: &[f64], stand_in: &[f64]) -> Self {
        let rows = wanted.len();
        let mut master = Self {
            rows,
            inverse: vec![0.0; rows * rows],
            level: wanted.iter().map(|w| w.abs()).collect(),
            basis: Vec::with_capacity(rows),
            duals: vec![0.0; rows],
            pool: Pool::default(),
            aside: Vec::new(),
            surplus: vec![false; rows],
            pivots: 0,
        };
        for row in 0..rows {
            if wanted[row] > 0.0 {
                master.inverse[row * rows + row] = 1.0;
                master.duals[row] = stand_in[row];
                let ix = master.add(&Purchase {
                    cost: stand_in[row],
                    entries: vec![(row, 1.0)],
                });
                master.aside[ix] = true;
                master.basis.push(Basic::Purchase(ix));
            } else {
                master.inverse[row * rows + row] = -1.0;
                master.surplus[row] = true;
                master.basis.push(Basic::Surplus(row));
            }
        }
        master
    }

    /// By row: its dual price.
    pub(crate) fn duals(&self) -> &[f64] {
        &self.duals
    }

    /// Cost of the present solution.
    pub(crate) fn cost(&self) -> f64 {
        self.basis
            .iter()
            .zip(&self.level)
            .map(|(basic, level)| match basic {
                Basic::Purchase(ix) => self.pool.costs[*ix] * level,
                Basic::Surplus(_) => 0.0,
            })
            .sum()
    }

    pub(crate) fn add(&mut self, purchase: &Purchase) -> usize {
        self.pool.push(purchase);
        self.aside.push(false);
        self.aside.len() - 1
    }

    /// Purchases in the pool.
    pub(crate) fn size(&self) -> usize {
        self.aside.len()
    }

    /// Looks only at the basis and at so many of the others from now on: those nearest to paying.
    pub(crate) fn keep_best(&mut self, most: usize) {
        let mut others: Vec<(f64, usize)> = (0..self.size())
            .filter(|ix| !self.aside[*ix])
            .map(|ix| (self.reduced_cost(ix) / self.pool.costs[ix].max(1e-9), ix))
            .collect();
        others.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        for (_, ix) in others.into_iter().skip(most) {
            self.aside[ix] = true;
        }
    }

    /// Purchases of the present solution and how much of each.
    pub(crate) fn solution(&self) -> impl Iterator<Item = (usize, f64)> {
        self.basis
            .iter()
            .zip(&self.level)
            .filter_map(|(basic, level)| match basic {
                Basic::Purchase(ix) if *level > 1e-9 => Some((*ix, *level)),
                _ => None,
            })
    }

    /// Another right-hand side: dual simplex over the pool, then primal. `false` when `most` pivots were not
    /// enough or nothing satisfies it.
    pub(crate) fn rewant(&mut self, wanted: &[f64], most: usize) -> bool {
        let rows = self.rows;
        for row in 0..rows {
            self.level[row] = self.inverse[row * rows..(row + 1) * rows]
                .iter()
                .zip(wanted)
                .map(|(x, w)| x * w)
                .sum();
        }
        for _ in 0..most {
            let worst = (0..rows).min_by(|a, b| self.level[*a].total_cmp(&self.level[*b]));
            let Some(leaving) = worst.filter(|row| self.level[*row] < -1e-7) else {
                self.reoptimise(most);
                return true;
            };
            let Some(entering) = self.dual_ratio(leaving) else {
                return false;
            };
            let (reduced, direction) = self.column(entering);
            self.pivot(entering, leaving, reduced, &direction);
        }
        false
    }

    /// What enters so that every reduced cost stays non-negative.
    fn dual_ratio(&self, leaving: usize) -> Option<Basic> {
        let row = &self.inverse[leaving * self.rows..(leaving + 1) * self.rows];
        let mut best = (f64::INFINITY, None);
        for (at, x) in row.iter().enumerate() {
            if *x > 1e-9 && !self.surplus[at] {
                let ratio = self.duals[at].max(0.0) / x;
                if ratio < best.0 {
                    best = (ratio, Some(Basic::Surplus(at)));
                }
            }
        }
        for ix in 0..self.size() {
            if self.aside[ix] {
                continue;
            }
            let along = self.pool.weighed(ix, row);
            if along < -1e-9 {
                let ratio = self.reduced_cost(ix).max(0.0) / -along;
                if ratio < best.0 {
                    best = (ratio, Some(Basic::Purchase(ix)));
                }
            }
        }
        best.1
    }

    /// Reduced cost of what enters, and how every basic amount falls with it.
    fn column(&self, entering: Basic) -> (f64, Vec<f64>) {
        let rows = self.inverse.chunks_exact(self.rows);
        match entering {
            Basic::Purchase(ix) => (
                self.reduced_cost(ix),
                rows.map(|row| self.pool.weighed(ix, row)).collect(),
            ),
            Basic::Surplus(at) => (self.duals[at], rows.map(|row| -row[at]).collect()),
        }
    }

    /// Brings a purchase into the basis if it lowers the cost.
    pub(crate) fn offer(&mut self, purchase: &Purchase) -> bool {
        let covered: f64 = purchase.entries.iter().map(|(row, x)| self.duals[*row] * x).sum();
        if purchase.cost - covered >= -1e-9 * purchase.cost.max(1e-9) {
            return false;
        }
        let ix = self.add(purchase);
        self.enter(Basic::Purchase(ix))
    }

    /// Pivots on the pool until nothing in it lowers the cost, or `most` pivots are done.
    pub(crate) fn reoptimise(&mut self, most: usize) {
        // The pool is walked through whole only now and then: what promised most is looked at first.
        let mut promising: Vec<usize> = Vec::new();
        for _ in 0..most {
            let mut surplus = Entering {
                cost: -1e-9,
                basic: None,
            };
            for row in 0..self.rows {
                if self.duals[row] < surplus.cost {
                    surplus = Entering {
                        cost: self.duals[row],
                        basic: Some(Basic::Surplus(row)),
                    };
                }
            }
            let mut best = self.most_paying(&promising, surplus);
            if best == surplus {
                promising = self.promising();
                best = self.most_paying(&promising, surplus);
            }
            match best.basic {
                Some(entering) if self.enter(entering) => {}
                _ => break,
            }
        }
    }

    /// The purchase among some that pays most for its cost, where it pays more than the best so far.
    fn most_paying(&self, among: &[usize], mut best: Entering) -> Entering {
        for ix in among.iter().copied().filter(|ix| !self.aside[*ix]) {
            let relative = self.reduced_cost(ix) / self.pool.costs[ix].max(1e-9);
            if relative < best.cost {
                best = Entering {
                    cost: relative,
                    basic: Some(Basic::Purchase(ix)),
                };
            }
        }
        best
    }

    /// Purchases that pay, the best few of them.
    fn promising(&self) -> Vec<usize> {
        let mut paying: Vec<(f64, usize)> = (0..self.size())
            .filter(|ix| !self.aside[*ix])
            .map(|ix| (self.reduced_cost(ix) / self.pool.costs[ix].max(1e-9), ix))
            .filter(|(relative, _)| *relative < -1e-9)
            .collect();
        paying.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        paying.truncate(PROMISING);
        paying.into_iter().map(|(_, ix)| ix).collect()
    }

    fn reduced_cost(&self, ix: usize) -> f64 {
        self.pool.costs[ix] - self.pool.weighed(ix, &self.duals)
    }

    fn enter(&mut self, entering: Basic) -> bool {
        let (reduced, direction) = self.column(entering);
        let rows = self.rows;
        let mut leaving: Option<(usize, f64)> = None;
        for row in (0..rows).filter(|row| direction[*row] > 1e-9) {
            let ratio = self.level[row].max(0.0) / direction[row];
            // Of equal ratios the largest pivot: small ones make the inverse drift, and there is no refactorisation.
            let better = leaving.is_none_or(|(old, least)| {
                ratio < least - 1e-12 || (ratio < least + 1e-12 && direction[row] > direction[old])
            });
            if better {
                leaving = Some((row, ratio.min(leaving.map_or(f64::INFINITY, |(_, least)| least))));
            }
        }
        let Some((leaving, _)) = leaving else {
            return false;
        };
        self.pivot(entering, leaving, reduced, &direction);
        true
    }

    fn pivot(&mut self, entering: Basic, leaving: usize, reduced: f64, direction: &[f64]) {
        let rows = self.rows;
        self.pivots += 1;
        let scale = 1.0 / direction[leaving];
        let amount = self.level[leaving] * scale;
        let pivot: Vec<f64> = (0..rows)
            .map(|at| self.inverse[leaving * rows + at] * scale)
            .collect();
        for row in (0..rows).filter(|row| *row != leaving && direction[*row].abs() > 0.0) {
            for (cell, pivot) in self.inverse[row * rows..(row + 1) * rows].iter_mut().zip(&pivot) {
                *cell -= direction[row] * pivot;
            }
            self.level[row] -= direction[row] * amount;
        }
        self.inverse[leaving * rows..(leaving + 1) * rows].copy_from_slice(&pivot);
        self.level[leaving] = amount;
        for (dual, pivot) in self.duals.iter_mut().zip(&pivot) {
            *dual += reduced * pivot;
        }
        match self.basis[leaving] {
            Basic::Purchase(ix) => self.aside[ix] = false,
            Basic::Surplus(row) => self.surplus[row] = false,
        }
        match entering {
            Basic::Purchase(ix) => self.aside[ix] = true,
            Basic::Surplus(row) => self.surplus[row] = true,
        }
        self.basis[leaving] = entering;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_has_a_dual_of_its_own() {
        // Ten to cover; a cheap purchase of one each at 1, at most four of them; a dear one at 3.
        let mut master = Master::new(&[10.0, -4.0], &[100.0, 0.0]);
        let cheap = Purchase {
            cost: 1.0,
            entries: vec![(0, 1.0), (1, -1.0)],
        };
        let dear = Purchase {
            cost: 3.0,
            entries: vec![(0, 1.0)],
        };
        assert!(master.offer(&dear));
        assert!(master.offer(&cheap));
        master.reoptimise(50);
        assert!((master.cost() - 22.0).abs() < 1e-9, "{}", master.cost());
        assert!((master.duals()[0] - 3.0).abs() < 1e-9);
        assert!((master.duals()[1] - 2.0).abs() < 1e-9);
    }
}
