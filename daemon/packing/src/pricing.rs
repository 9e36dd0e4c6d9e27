//! The best pattern of one bin under given values, in whole items: exact within a budget, with a bound beside it.
//!
//! A linear relaxation with counts gives a first bound and weights; items that lose too much under them are left
//! out; the rest is a depth-first search, large items first, cut by two bounds. When the budget ends the search,
//! the relaxation's bound stands.

use crate::lp::Knapsack;

/// Items of one row, as a bin could carry them.
#[derive(Clone, Debug)]
pub(crate) struct Item<const D: usize> {
    /// Name of the row to the caller.
    pub(crate) row: u32,
    /// Request of one.
    pub(crate) ask: [f64; D],
    /// What one is worth.
    pub(crate) value: f64,
    /// How many there are at most.
    pub(crate) most: u32,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub(crate) struct Found {
    /// No pattern is worth more than this.
    pub(crate) upper: f64,
    /// What the pattern is worth; 0 without one.
    pub(crate) value: f64,
    /// Rows and items.
    pub(crate) pattern: Vec<(u32, u32)>,
}

/// How far a search may go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    /// Patterns worth no more than this are not wanted.
    pub(crate) floor: f64,
    /// Branches looked at, at most.
    pub(crate) branches: u64,
}

/// Relative slack that covers rounding.
const HAIR: f64 = 1e-6;

/// Looks for the best pattern; adds its work to `spent`.
pub(crate) fn best_pattern<const D: usize>(
    capacity: &[f64; D],
    items: &[Item<D>],
    budget: Budget,
    spent: &mut u64,
) -> Found {
    *spent += 20 + items.len() as u64 / 4;
    let relaxed = Relaxed::solve(capacity, items);
    if relaxed.value <= budget.floor {
        return Found {
            upper: relaxed.value,
            ..Found::default()
        };
    }
    let mut search = Branching::new(capacity, items, &relaxed, budget);
    search.descend(0);
    *spent += search.branches + (search.items.len() as u64).pow(2) / 64;
    Found {
        upper: if search.branches >= budget.branches {
            relaxed.value
        } else {
            search.best.max(budget.floor) * (1.0 + HAIR)
        },
        value: if search.pattern.is_empty() {
            0.0
        } else {
            search.best
        },
        pattern: search.pattern,
    }
}

/// Share of the capacity that an item takes.
fn shape<const D: usize>(ask: &[f64; D], capacity: &[f64; D]) -> [f64; D] {
    std::array::from_fn(|dim| {
        if capacity[dim] > 0.0 {
            ask[dim] / capacity[dim]
        } else {
            0.0
        }
    })
}

fn dot<const D: usize>(a: &[f64; D], b: &[f64; D]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// The linear relaxation with at most so many of each item, by a simplex for bounded variables.
struct Relaxed<const D: usize> {
    /// A bound on every pattern, valid whatever the weights are.
    value: f64,
    /// By dimension, for a share of the capacity.
    weights: [f64; D],
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Basic {
    Slack(usize),
    Item(usize),
}

struct Simplex<'a, const D: usize> {
    items: &'a [Item<D>],
    shapes: &'a [[f64; D]],
    basis: [Basic; D],
    inverse: [[f64; D]; D],
    level: [f64; D],
    /// By item: held at its count rather than at none.
    at_most: Vec<bool>,
    weights: [f64; D],
}

const MOST_PIVOTS: usize = 400;

impl<const D: usize> Relaxed<D> {
    fn solve(capacity: &[f64; D], items: &[Item<D>]) -> Self {
        let shapes: Vec<[f64; D]> = items.iter().map(|item| shape(&item.ask, capacity)).collect();
        let mut simplex = Simplex {
            items,
            shapes: &shapes,
            basis: std::array::from_fn(Basic::Slack),
            inverse: std::array::from_fn(|row| std::array::from_fn(|dim| if row == dim { 1.0 } else { 0.0 })),
            level: [1.0; D],
            at_most: vec![false; items.len()],
            weights: [0.0; D],
        };
        for _ in 0..MOST_PIVOTS {
            simplex.reprice();
            let Some((entering, up)) = simplex.entering() else {
                break;
            };
            if !simplex.pivot(entering, up) {
                break;
            }
        }
        simplex.reprice();
        let weights = simplex.weights.map(|weight| weight.max(0.0));
        let surplus: f64 = items
            .iter()
            .zip(&shapes)
            .map(|(item, shape)| (item.value - dot(shape, &weights)).max(0.0) * f64::from(item.most))
            .sum();
        Self {
            value: weights.iter().sum::<f64>() + surplus,
            weights,
        }
    }
}

impl<const D: usize> Simplex<'_, D> {
    fn reprice(&mut self) {
        self.weights = [0.0; D];
        for (basic, inverse) in self.basis.iter().zip(&self.inverse) {
            if let Basic::Item(item) = basic {
                for (weight, inverse) in self.weights.iter_mut().zip(inverse) {
                    *weight += self.items[*item].value * inverse;
                }
            }
        }
    }

    /// What enters, and whether it rises.
    fn entering(&self) -> Option<(Basic, bool)> {
        let scale: f64 = self.weights.iter().map(|w| w.abs()).sum::<f64>().max(1e-12);
        let mut best = (1e-9 * scale, None);
        for (ix, (item, shape)) in self.items.iter().zip(self.shapes).enumerate() {
            if self.basis.contains(&Basic::Item(ix)) {
                continue;
            }
            let gain = item.value - dot(shape, &self.weights);
            let gain = if self.at_most[ix] { -gain } else { gain };
            let size: f64 = shape.iter().sum::<f64>().max(1e-12);
            if gain > best.0 * size {
                best = (gain / size, Some((Basic::Item(ix), !self.at_most[ix])));
            }
        }
        for (dim, weight) in self.weights.iter().enumerate() {
            if -weight > best.0 && !self.basis.contains(&Basic::Slack(dim)) {
                best = (-weight, Some((Basic::Slack(dim), true)));
            }
        }
        best.1
    }

    fn most(&self, basic: Basic) -> f64 {
        match basic {
            Basic::Item(item) => f64::from(self.items[item].most),
            Basic::Slack(_) => f64::INFINITY,
        }
    }

    fn pivot(&mut self, entering: Basic, up: bool) -> bool {
        let sign = if up { 1.0 } else { -1.0 };
        let direction: [f64; D] = std::array::from_fn(|row| {
            sign * match entering {
                Basic::Slack(dim) => self.inverse[row][dim],
                Basic::Item(item) => dot(&self.inverse[row], &self.shapes[item]),
            }
        });
        let (mut amount, mut leaving) = (self.most(entering), None);
        for (row, step) in direction.iter().enumerate() {
            let (limit, at_most) = if *step > 1e-11 {
                (self.level[row].max(0.0) / step, false)
            } else if *step < -1e-11 {
                (
                    (self.most(self.basis[row]) - self.level[row]).max(0.0) / -step,
                    true,
                )
            } else {
                continue;
            };
            if limit < amount {
                (amount, leaving) = (limit, Some((row, at_most)));
            }
        }
        if amount.is_infinite() {
            return false;
        }
        for (level, step) in self.level.iter_mut().zip(&direction) {
            *level -= step * amount;
        }
        let Some((row, at_most)) = leaving else {
            if let Basic::Item(item) = entering {
                self.at_most[item] = up;
            }
            return true;
        };
        if let Basic::Item(item) = self.basis[row] {
            self.at_most[item] = at_most;
        }
        let entered = if up { amount } else { self.most(entering) - amount };
        if let Basic::Item(item) = entering {
            self.at_most[item] = false;
        }
        let scale = 1.0 / (direction[row] * sign);
        let pivot = self.inverse[row].map(|x| x * scale);
        self.inverse[row] = pivot;
        for other in (0..D).filter(|other| *other != row) {
            let factor = direction[other] * sign;
            for (x, pivot) in self.inverse[other].iter_mut().zip(&pivot) {
                *x -= factor * pivot;
            }
        }
        self.level[row] = entered;
        self.basis[row] = entering;
        true
    }
}

/// The depth-first search.
struct Branching<'a, const D: usize> {
    items: Vec<&'a Item<D>>,
    /// From each item on: weights by unit that bound what the rest of the capacity could still be worth.
    onward: Vec<[f64; D]>,
    /// The relaxation's weights by unit, and what the items from each on gain beyond them at most.
    weights: [f64; D],
    surplus: Vec<f64>,
    left: [f64; D],
    chosen: Vec<u32>,
    value: f64,
    best: f64,
    pattern: Vec<(u32, u32)>,
    branches: u64,
    most_branches: u64,
}

impl<'a, const D: usize> Branching<'a, D> {
    fn new(capacity: &[f64; D], items: &'a [Item<D>], relaxed: &Relaxed<D>, budget: Budget) -> Self {
        let loss = |item: &Item<D>| dot(&shape(&item.ask, capacity), &relaxed.weights) - item.value;
        let spare = (relaxed.value - budget.floor) * (1.0 + 1e-9);
        let widest = |item: &Item<D>| shape(&item.ask, capacity).into_iter().fold(0.0, f64::max);
        // One copy that loses more than there is to lose can be in no pattern that is wanted.
        let mut kept: Vec<(f64, &Item<D>)> = items
            .iter()
            .filter(|item| item.value > 0.0 && item.most > 0 && loss(item) <= spare)
            .map(|item| (widest(item), item))
            .collect();
        kept.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.row.cmp(&b.1.row)));
        let kept: Vec<&Item<D>> = kept.into_iter().map(|(_, item)| item).collect();
        let per_unit = |weights: &[f64; D]| {
            std::array::from_fn(|dim| {
                if capacity[dim] > 0.0 {
                    weights[dim] / capacity[dim]
                } else {
                    0.0
                }
            })
        };
        let mut surplus = vec![0.0; kept.len() + 1];
        let mut onward = vec![[0.0; D]; kept.len() + 1];
        let mut knapsack = Knapsack::<D>::new();
        let (mut shapes, mut values) = (Vec::new(), Vec::new());
        // From the last item on, each relaxation starts from the basis of the one before it.
        for at in (0..kept.len()).rev() {
            surplus[at] = surplus[at + 1] + (-loss(kept[at])).max(0.0) * f64::from(kept[at].most);
            shapes.push(shape(&kept[at].ask, capacity));
            values.push(kept[at].value);
            knapsack.solve(&shapes, &values);
            onward[at] = per_unit(knapsack.multipliers());
        }
        Self {
            chosen: vec![0; kept.len()],
            items: kept,
            onward,
            weights: per_unit(&relaxed.weights),
            surplus,
            left: *capacity,
            value: 0.0,
            best: budget.floor,
            pattern: Vec::new(),
            branches: 0,
            most_branches: budget.branches,
        }
    }

    fn descend(&mut self, at: usize) {
        if self.branches >= self.most_branches {
            return;
        }
        self.branches += 1;
        if self.value > self.best * (1.0 + 1e-9) + 1e-12 {
            self.best = self.value;
            self.pattern = self.items[..at]
                .iter()
                .zip(&self.chosen)
                .filter(|(_, copies)| **copies > 0)
                .map(|(item, copies)| (item.row, *copies))
                .collect();
        }
        if at == self.items.len() {
            return;
        }
        let enough = self.best * (1.0 + HAIR) + 1e-12;
        if self.value + dot(&self.onward[at], &self.left) <= enough
            || self.value + dot(&self.weights, &self.left) + self.surplus[at] <= enough
        {
            return;
        }
        let (left, value) = (self.left, self.value);
        let item = self.items[at];
        // Most copies first: a full bin is found at once, and its value cuts nearly everything after it.
        for copies in (0..=fitting(&left, item)).rev() {
            self.chosen[at] = copies;
            self.left = std::array::from_fn(|dim| left[dim] - f64::from(copies) * item.ask[dim]);
            self.value = value + f64::from(copies) * item.value;
            self.descend(at + 1);
            if self.branches >= self.most_branches {
                break;
            }
        }
        self.chosen[at] = 0;
        self.left = left;
        self.value = value;
    }
}

/// How many copies fit; amounts are whole numbers, exact in double precision.
fn fitting<const D: usize>(left: &[f64; D], item: &Item<D>) -> u32 {
    let mut copies = f64::from(item.most);
    for (left, ask) in left.iter().zip(&item.ask) {
        if *ask > 0.0 {
            copies = copies.min(left / ask);
        }
    }
    crate::number::whole(copies)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(of: &[(f64, f64, f64, u32)]) -> Vec<Item<2>> {
        (0_u32..)
            .zip(of)
            .map(|(row, (cpu, memory, value, most))| Item {
                row,
                ask: [*cpu, *memory],
                value: *value,
                most: *most,
            })
            .collect()
    }

    #[test]
    fn the_best_load_is_found_and_bounded() {
        // 10 × 10: two of (5,4) and one of (0,2) are worth 2·6 + 1; three of (3,3) are worth 9.
        let items = items(&[(5.0, 4.0, 6.0, 9), (3.0, 3.0, 3.0, 9), (0.0, 2.0, 1.0, 1)]);
        let budget = Budget {
            floor: 0.0,
            branches: 1000,
        };
        let found = best_pattern(&[10.0, 10.0], &items, budget, &mut 0);
        assert_eq!(found.pattern, [(0, 2), (2, 1)]);
        assert!((found.value - 13.0).abs() < 1e-9);
        assert!(found.upper >= 13.0 && found.upper < 13.01, "{found:?}");
    }

    #[test]
    fn counts_bound_the_relaxation() {
        let items = items(&[(1.0, 1.0, 5.0, 2), (1.0, 1.0, 1.0, 100)]);
        let relaxed = Relaxed::solve(&[10.0, 10.0], &items);
        assert!((relaxed.value - 18.0).abs() < 1e-6, "{}", relaxed.value);
    }

    #[test]
    fn what_is_worth_no_more_than_the_floor_is_not_looked_for() {
        let items = items(&[(5.0, 5.0, 1.0, 2)]);
        let budget = Budget {
            floor: 2.5,
            branches: 1000,
        };
        let found = best_pattern(&[10.0, 10.0], &items, budget, &mut 0);
        assert!(
            found.pattern.is_empty() && (found.upper - 2.0).abs() < 1e-9,
            "{found:?}"
        );
    }

    #[test]
    fn every_load_is_within_the_room_and_no_better_one_exists() {
        // All small instances against plain enumeration.
        for seed in 0..300_u64 {
            let mut random = super::super::random::Random::new(seed * 2 + 1);
            let mut draw = |most: usize| f64::from(u32::try_from(random.below(most)).unwrap());
            let many = items(
                &(0..4)
                    .map(|_| (1.0 + draw(5), draw(6), draw(9) + 0.5, 3))
                    .collect::<Vec<_>>(),
            );
            let capacity = [6.0 + draw(6), 5.0 + draw(6)];
            let budget = Budget {
                floor: 0.0,
                branches: 1_000_000,
            };
            let found = best_pattern(&capacity, &many, budget, &mut 0);
            let mut best = 0.0_f64;
            for code in 0..256_u32 {
                let copies: Vec<f64> = (0..4).map(|at| f64::from(code >> (2 * at) & 3)).collect();
                let take = |dim: usize| many.iter().zip(&copies).map(|(i, n)| i.ask[dim] * n).sum::<f64>();
                if take(0) <= capacity[0] && take(1) <= capacity[1] {
                    best = best.max(many.iter().zip(&copies).map(|(i, n)| i.value * n).sum());
                }
            }
            assert!(
                (found.value - best).abs() < 1e-9,
                "seed {seed}: {} {best}",
                found.value
            );
            assert!(found.upper >= best, "seed {seed}");
        }
    }
}
