//! The master problem of column generation: cover every row at least cost, by a dense revised simplex.
//!
//! Rows are "at least" constraints; a limit on purchases is one with negative entries. Used for duals only,
//! never for a plan, so that a tiny perturbation against cycling does no harm.

/// Something that can be bought: its cost and what it adds to each row.
#[derive(Clone, Debug)]
pub(super) struct Purchase {
    pub(super) cost: f64,
    pub(super) entries: Vec<(usize, f64)>,
}

/// See the module.
pub(super) struct Master {
    rows: usize,
    inverse: Vec<f64>,
    level: Vec<f64>,
    basis: Vec<Basic>,
    duals: Vec<f64>,
    pool: Vec<Purchase>,
    in_basis: Vec<bool>,
    pub(super) pivots: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Basic {
    Purchase(usize),
    Surplus(usize),
}

impl Master {
    /// Starts from `stand_in` costs for rows to cover (dear, always feasible) and from the surplus of rows
    /// that limit; `wanted` is negative for the latter.
    pub(super) fn new(wanted: &[f64], stand_in: &[f64]) -> Self {
        let rows = wanted.len();
        let mut master = Self {
            rows,
            inverse: vec![0.0; rows * rows],
            level: wanted.iter().map(|w| w.abs()).collect(),
            basis: Vec::with_capacity(rows),
            duals: vec![0.0; rows],
            pool: Vec::new(),
            in_basis: Vec::new(),
            pivots: 0,
        };
        for row in 0..rows {
            if wanted[row] > 0.0 {
                master.inverse[row * rows + row] = 1.0;
                master.duals[row] = stand_in[row];
                let ix = master.add(Purchase {
                    cost: stand_in[row],
                    entries: vec![(row, 1.0)],
                });
                master.in_basis[ix] = true;
                master.basis.push(Basic::Purchase(ix));
            } else {
                master.inverse[row * rows + row] = -1.0;
                master.basis.push(Basic::Surplus(row));
            }
        }
        master
    }

    /// By row: its dual price.
    pub(super) fn duals(&self) -> &[f64] {
        &self.duals
    }

    /// Cost of the present solution.
    pub(super) fn cost(&self) -> f64 {
        self.basis
            .iter()
            .zip(&self.level)
            .map(|(basic, level)| match basic {
                Basic::Purchase(ix) => self.pool[*ix].cost * level,
                Basic::Surplus(_) => 0.0,
            })
            .sum()
    }

    pub(super) fn add(&mut self, purchase: Purchase) -> usize {
        self.pool.push(purchase);
        self.in_basis.push(false);
        self.pool.len() - 1
    }

    /// Brings a purchase into the basis if it lowers the cost.
    pub(super) fn offer(&mut self, purchase: Purchase) -> bool {
        let gain = self.reduced_cost(&purchase);
        if gain >= -1e-9 * purchase.cost.max(1e-9) {
            return false;
        }
        let ix = self.add(purchase);
        self.enter(Basic::Purchase(ix))
    }

    /// Pivots on the pool until nothing in it lowers the cost, or `most` pivots are done.
    pub(super) fn reoptimise(&mut self, most: usize) {
        for _ in 0..most {
            let mut best = (-1e-9, None);
            for row in 0..self.rows {
                if self.duals[row] < best.0 {
                    best = (self.duals[row], Some(Basic::Surplus(row)));
                }
            }
            for (ix, purchase) in self.pool.iter().enumerate() {
                if !self.in_basis[ix] {
                    let relative = self.reduced_cost(purchase) / purchase.cost.max(1e-9);
                    if relative < best.0 {
                        best = (relative, Some(Basic::Purchase(ix)));
                    }
                }
            }
            match best.1 {
                Some(entering) if self.enter(entering) => {}
                _ => break,
            }
        }
    }

    fn reduced_cost(&self, purchase: &Purchase) -> f64 {
        let covered: f64 = purchase
            .entries
            .iter()
            .map(|(row, amount)| self.duals[*row] * amount)
            .sum();
        purchase.cost - covered
    }

    fn enter(&mut self, entering: Basic) -> bool {
        let (reduced, entries) = match entering {
            Basic::Purchase(ix) => (self.reduced_cost(&self.pool[ix]), self.pool[ix].entries.clone()),
            Basic::Surplus(row) => (self.duals[row], vec![(row, -1.0)]),
        };
        let rows = self.rows;
        let direction: Vec<f64> = (0..rows)
            .map(|row| {
                entries
                    .iter()
                    .map(|(at, x)| self.inverse[row * rows + at] * x)
                    .sum()
            })
            .collect();
        let mut leaving: Option<(usize, f64)> = None;
        for row in (0..rows).filter(|row| direction[*row] > 1e-9) {
            let ratio = self.level[row].max(0.0) / direction[row];
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
        if let Basic::Purchase(ix) = self.basis[leaving] {
            self.in_basis[ix] = false;
        }
        if let Basic::Purchase(ix) = entering {
            self.in_basis[ix] = true;
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
        assert!(master.offer(dear));
        assert!(master.offer(cheap));
        master.reoptimise(50);
        assert!((master.cost() - 22.0).abs() < 1e-9, "{}", master.cost());
        assert!((master.duals()[0] - 3.0).abs() < 1e-9);
        assert!((master.duals()[1] - 2.0).abs() < 1e-9);
    }
}
