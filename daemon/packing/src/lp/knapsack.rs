//! The fractional knapsack with several dimensions, solved by a small primal simplex that keeps its basis.
//!
//! Maximise the value of items, each taking a share of every dimension, within one of each dimension. The
//! result steers the search for duals; nothing that must be exact rests on it. Dimensions beyond those of the
//! problem are empty: no item takes of them.

/// Basis and multipliers, kept between calls while the items stay the same.
#[derive(Clone)]
pub(crate) struct Knapsack<const D: usize> {
    /// By basis row: an item, or the slack of a dimension.
    basis: [Basic; D],
    /// Inverse of the basis, row by row.
    inverse: [[f64; D]; D],
    /// By basis row: its amount.
    level: [f64; D],
    multipliers: [f64; D],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Basic {
    Slack(usize),
    Item(usize),
}

const MOST_PIVOTS: usize = 200;

impl<const D: usize> Knapsack<D> {
    pub(crate) fn new() -> Self {
        let mut inverse = [[0.0; D]; D];
        for (dim, row) in inverse.iter_mut().enumerate() {
            row[dim] = 1.0;
        }
        Self {
            basis: std::array::from_fn(Basic::Slack),
            inverse,
            level: [1.0; D],
            multipliers: [0.0; D],
        }
    }

    /// By dimension: what it is worth. Non-negative.
    pub(crate) const fn multipliers(&self) -> &[f64; D] {
        &self.multipliers
    }

    /// Items of the solution and how much of each.
    pub(crate) fn pattern(&self) -> impl Iterator<Item = (usize, f64)> {
        self.basis
            .iter()
            .zip(&self.level)
            .filter_map(|(basic, level)| match basic {
                Basic::Item(item) if *level > 1e-12 => Some((*item, *level)),
                _ => None,
            })
    }

    /// Solves for these values; `items` must be those of the earlier calls. Returns the total of the
    /// multipliers, which is the optimum unless the count of pivots ran out.
    pub(crate) fn solve(&mut self, items: &[[f64; D]], values: &[f64]) -> f64 {
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
        self.multipliers = [0.0; D];
        for (basic, inverse) in self.basis.iter().zip(&self.inverse) {
            if let Basic::Item(item) = basic {
                for (multiplier, inverse) in self.multipliers.iter_mut().zip(inverse) {
                    *multiplier += values[*item] * inverse;
                }
            }
        }
    }

    fn entering(&self, items: &[[f64; D]], values: &[f64]) -> Option<Basic> {
        let scale: f64 = self.multipliers.iter().map(|m| m.abs()).sum::<f64>().max(1e-12);
        let least = 1e-12 * scale;
        let mut best = (1e-9 * scale, None);
        for (ix, (item, value)) in items.iter().zip(values).enumerate() {
            let (mut gain, mut size) = (*value, 0.0);
            for (x, m) in item.iter().zip(&self.multipliers) {
                gain -= x * m;
                size += x;
            }
            if gain > least && gain > best.0 * size {
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

    fn pivot(&mut self, entering: Basic, items: &[[f64; D]]) -> bool {
        let direction: [f64; D] = std::array::from_fn(|row| match entering {
            Basic::Slack(dim) => self.inverse[row][dim],
            Basic::Item(item) => self.inverse[row]
                .iter()
                .zip(&items[item])
                .map(|(a, b)| a * b)
                .sum(),
        });
        let leaving = (0..D)
            .filter(|row| direction[*row] > 1e-11)
            .map(|row| (row, self.level[row].max(0.0) / direction[row]))
            .min_by(|a, b| a.1.total_cmp(&b.1));
        let Some((leaving, amount)) = leaving else {
            return false;
        };
        let scale = 1.0 / direction[leaving];
        let pivot = self.inverse[leaving].map(|x| x * scale);
        self.inverse[leaving] = pivot;
        for row in (0..D).filter(|row| *row != leaving) {
            for (x, pivot) in self.inverse[row].iter_mut().zip(&pivot) {
                *x -= direction[row] * pivot;
            }
            self.level[row] -= direction[row] * amount;
        }
        self.level[leaving] = amount;
        // The basis stays for the next call: values change little from round to round, so that a few pivots do.
        self.basis[leaving] = entering;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_complementary_items_fill_both_dimensions() {
        let items = vec![[0.5, 0.25, 0.0], [0.25, 0.5, 0.0]];
        let mut knapsack = Knapsack::<3>::new();
        let value = knapsack.solve(&items, &[3.0, 3.0]);
        // 4/3 of each: 0.5·4/3 + 0.25·4/3 = 1 in both dimensions.
        assert!((value - 8.0).abs() < 1e-9, "{value}");
        assert_eq!(knapsack.pattern().count(), 2);
        let warm = knapsack.solve(&items, &[3.0, 1.0]);
        assert!((warm - 6.0).abs() < 1e-9, "{warm}");
    }

    #[test]
    fn worthless_items_leave_the_knapsack_empty() {
        let mut knapsack = Knapsack::<1>::new();
        assert!(knapsack.solve(&[[0.5]], &[-1.0]).abs() < 1e-12);
        assert_eq!(knapsack.pattern().count(), 0);
    }
}
