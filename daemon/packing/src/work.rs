//! How much work a search may do, counted in steps and never timed: the same problem gets the same answer on any machine.

/// How much work the search may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Work {
    /// In hundredths of the usual work; 0: constructions only.
    pub percent: u32,
}

/// Below so much of the usual work it is spent on one thing, not on everything.
const BRIEF: u32 = 25;

impl Work {
    /// Constructions only.
    pub const NONE: Self = Self { percent: 0 };
    /// Constructions, ruin and recreate, column generation and a dive.
    pub const USUAL: Self = Self { percent: 100 };

    /// It is spent on one thing, not on everything.
    pub const fn is_little(self) -> bool {
        self.percent < BRIEF
    }

    /// Each one's share of the work for several parts.
    pub(crate) fn shared(self, parts: usize) -> Self {
        Self {
            percent: self.percent.div_ceil(crate::number::count(parts).max(1)),
        }
    }

    /// So much of these steps, which are those of the usual work.
    pub(crate) const fn of(self, steps: u64) -> u64 {
        steps.saturating_mul(self.percent as u64) / 100
    }
}
