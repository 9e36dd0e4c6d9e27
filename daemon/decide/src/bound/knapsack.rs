//! The fractional knapsack with several dimensions, solved by a small primal simplex that keeps its basis.
//!
//! Maximise the value of items, each taking a share of every dimension, within one of each dimension. The
//! result steers the search for duals; nothing that must be exact rests on it.

/// Basis and multipliers, kept between calls while the items stay the same.
pub(super) struct Knapsack {
    dims: usize,
    /// By basis row: an item, or the slack of a dimension.
    basis: Vec<Basic>,
    /// Inverse of the basis, row by row.
    inverse: Vec<f64>,
    /// By basis row: its amount.
    level: Vec<f64>,
    multipliers: Vec<f64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Basic {
    Slack(usize),
    Item(usize),
}

const MOST_PIVOTS: usize = 200;

impl Knapsack {
    pub(super) fn new(dims: usize) -> Self {
        let mut inverse = vec![0.0; dims * dims];
        for dim in 0..dims {
            inverse[dim * dims + dim] = 1.0;
        }
        Self {
            dims,
            basis: (0..dims).map(Basic::Slack).collect(),
            inverse,
            level: vec![1.0; dims],
            multipliers: vec![0.0; dims],
        }
    }

    /// By dimension: what it is worth. Non-negative.
    pub(super) fn multipliers(&self) -> &[f64] {
        &self.multipliers
    }

    /// Items of the solution and how much of each.
    pub(super) fn pattern(&self) -> Vec<(usize, f64)> {
        self.basis
            .iter()
            .zip(&self.level)
            .filter_map(|(basic, level)| match basic {
                Basic::Item(item) if *level > 1e-12 => Some((*item, *level)),
                _ => None,
            })
            .collect()
    }

    /// Solves for these values; `items` must be those of the earlier calls. Returns the total of the
    /// multipliers, which is the optimum unless the count of pivots ran out.
    pub(super) fn solve(&mut self, items: &[Vec<f64>], values: &[f64]) -> f64 {
        for _ in 0..MOST_PIVOTS {
            self.reprice(values);
            let Some(entering) = self.entering(items, values) else {
                break;
            };
            if !self.pivot(entering, items) {
                break;
            }
        }
        self.reprice(values);
        for multiplier in &mut self.multipliers {
            *multiplier = multiplier.max(0.0);
        }
        self.multipliers.iter().sum()
    }

    fn reprice(&mut self, values: &[f64]) {
        for dim in 0..self.dims {
            self.multipliers[dim] = self
                .basis
                .iter()
                .enumerate()
                .map(|(row, basic)| match basic {
                    Basic::Item(item) => values[*item] * self.inverse[row * self.dims + dim],
                    Basic::Slack(_) => 0.0,
                })
                .sum();
        }
    }

    fn entering(&self, items: &[Vec<f64>], values: &[f64]) -> Option<Basic> {
        let scale: f64 = self.multipliers.iter().map(|m| m.abs()).sum::<f64>().max(1e-12);
        let mut best = (1e-9 * scale, None);
        for (ix, (item, value)) in items.iter().zip(values).enumerate() {
            let (mut gain, mut size) = (*value, 0.0);
            for (x, m) in item.iter().zip(&self.multipliers) {
                gain -= x * m;
                size += x;
            }
            if gain > 1e-12 * scale && gain > best.0 * size {
                best = (gain / size.max(1e-12), Some(Basic::Item(ix)));
            }
        }
        for (dim, multiplier) in self.multipliers.iter().enumerate() {
            if -multiplier > best.0 {
                best = (-multiplier, Some(Basic::Slack(dim)));
            }
        }
        best.1
    }

    fn pivot(&mut self, entering: Basic, items: &[Vec<f64>]) -> bool {
        let dims = self.dims;
        let direction: Vec<f64> = (0..dims)
            .map(|row| match entering {
                Basic::Slack(dim) => self.inverse[row * dims + dim],
                Basic::Item(item) => (0..dims)
                    .map(|dim| self.inverse[row * dims + dim] * items[item][dim])
                    .sum(),
            })
            .collect();
        let leaving = (0..dims)
            .filter(|row| direction[*row] > 1e-11)
            .map(|row| (row, self.level[row].max(0.0) / direction[row]))
            .min_by(|a, b| a.1.total_cmp(&b.1));
        let Some((leaving, amount)) = leaving else {
            return false;
        };
        let scale = 1.0 / direction[leaving];
        for dim in 0..dims {
            self.inverse[leaving * dims + dim] *= scale;
        }
        for row in (0..dims).filter(|row| *row != leaving) {
            for dim in 0..dims {
                let pivot = self.inverse[leaving * dims + dim];
                self.inverse[row * dims + dim] -= direction[row] * pivot;
            }
            self.level[row] -= direction[row] * amount;
        }
        self.level[leaving] = amount;
        self.basis[leaving] = entering;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_complementary_items_fill_both_dimensions() {
        let items = vec![vec![0.5, 0.25], vec![0.25, 0.5]];
        let mut knapsack = Knapsack::new(2);
        let value = knapsack.solve(&items, &[3.0, 3.0]);
        // 4/3 of each: 0.5·4/3 + 0.25·4/3 = 1 in both dimensions.
        assert!((value - 8.0).abs() < 1e-9, "{value}");
        assert_eq!(knapsack.pattern().len(), 2);
        let warm = knapsack.solve(&items, &[3.0, 1.0]);
        assert!((warm - 6.0).abs() < 1e-9, "{warm}");
    }

    #[test]
    fn worthless_items_leave_the_knapsack_empty() {
        let mut knapsack = Knapsack::new(1);
        assert!(knapsack.solve(&[vec![0.5]], &[-1.0]).abs() < 1e-12);
        assert!(knapsack.pattern().is_empty());
    }
}
