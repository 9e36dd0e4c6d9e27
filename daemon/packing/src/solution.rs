//! What is found: bins of a kind with the items on each, and the items that no bin was found for.

use crate::duals::Duals;
use crate::problem::Problem;
use crate::stock::Stock;

/// Items on one bin: rows and how many of each.
pub type Pattern = Vec<(u32, u32)>;

/// Equal new bins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// Column of the problem.
    pub column: usize,
    /// How many bins.
    pub copies: u32,
    /// Items on each of them.
    pub pattern: Pattern,
}

/// New bins, and items that none was found for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Packing {
    pub(crate) batches: Vec<Batch>,
    /// By row.
    pub(crate) left: Vec<u32>,
}

impl Packing {
    /// No bins for these items.
    pub(crate) fn nothing(counts: &[u32]) -> Self {
        Self {
            batches: Vec::new(),
            left: counts.to_vec(),
        }
    }

    /// Items without a bin.
    pub(crate) fn unplaced(&self) -> u64 {
        self.left.iter().map(|left| u64::from(*left)).sum()
    }

    /// How many bins there are.
    pub(crate) fn bins(&self) -> u64 {
        self.batches.iter().map(|batch| u64::from(batch.copies)).sum()
    }

    /// How many items are in them.
    pub(crate) fn items(&self) -> u64 {
        let on = |batch: &Batch| batch.pattern.iter().map(|(_, n)| u64::from(*n)).sum::<u64>();
        self.batches
            .iter()
            .map(|batch| on(batch) * u64::from(batch.copies))
            .sum()
    }

    /// What the bins cost together, nano-dollars per hour.
    pub(crate) fn cost(&self, problem: &Problem) -> i128 {
        self.batches
            .iter()
            .map(|b| i128::from(problem.bin_price(b.column, &b.pattern)) * i128::from(b.copies))
            .sum()
    }

    /// What is preferred first: all items placed, then money, then few bins.
    pub(crate) fn rank(&self, problem: &Problem) -> (u64, i128, u64) {
        (self.unplaced(), self.cost(problem), self.bins())
    }
}

/// Where a search for something cheaper starts.
pub(crate) struct Start<'a> {
    pub(crate) packing: &'a Packing,
    /// What could be bought without it.
    pub(crate) stock: Stock,
    /// Of what the search leaves to chance.
    pub(crate) seed: u64,
}

/// What packing found.
#[derive(Clone, Debug, Default)]
pub struct Packed {
    /// New bins with the zone they belong to, where their items were dealt one.
    pub batches: Vec<(Option<usize>, Batch)>,
    /// By row: items that no bin was found for.
    pub left: Vec<u32>,
    /// Duals that whole items prove, where they are better than those of fractional ones.
    pub proof: Option<Duals>,
}
