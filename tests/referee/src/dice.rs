//! Random choices from a seed: every case can be made again by its number.

use rand::{Rng as _, SeedableRng as _};
use rand_pcg::Pcg64;

/// See the module.
pub struct Dice(Pcg64);

impl Dice {
    /// Those of one case of a run.
    pub fn of(seed: u64, case: u64) -> Self {
        Self(Pcg64::seed_from_u64(
            seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(case),
        ))
    }

    /// A number below `sides`, which is at least 1.
    pub fn below(&mut self, sides: usize) -> usize {
        // The bias of a remainder is far below anything that matters for a test.
        usize::try_from(self.0.next_u64() % (sides.max(1) as u64)).unwrap_or(0)
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.below(high - low + 1)
    }

    /// True this often in a hundred.
    pub fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// One of them.
    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    /// Some of them in their order, at least `least`.
    pub fn some<'a, T: ?Sized>(&mut self, from: &[&'a T], least: usize) -> Vec<&'a T> {
        let mut chosen: Vec<&T> = from.iter().copied().filter(|_| self.percent(50)).collect();
        while chosen.len() < least.min(from.len()) {
            chosen = from.iter().copied().filter(|_| self.percent(50)).collect();
        }
        chosen
    }
}
