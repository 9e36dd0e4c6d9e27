//! Filling one new bin: which items, given what is left to place and what each pays.
//!
//! The hot loop of the search: rows lie side by side in lanes, and every pass scores all that still fit.

use crate::number::{single, units};
use crate::random::Random;
use crate::solution::Pattern;
use crate::table::{NEVER, Table, Units};

/// How a construction weighs things. Different scorings find different packings; the cheapest is kept.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scoring {
    /// How much large items are preferred.
    pub(crate) widest: f32,
    /// How strongly an item's value for its share counts: the power it is raised to.
    pub(crate) sharpness: i32,
    /// A choice is taken for this fraction of the copies that fit, at least one.
    pub(crate) part: u32,
    /// Up to this share of a row's score is left to chance.
    pub(crate) noise: f32,
    /// Bins are sized to share what is left evenly, where a shared cap sets how many there are.
    pub(crate) even: bool,
}

/// What is left to place.
#[derive(Clone, Copy)]
pub(crate) struct Left<'a> {
    /// Rows that have some.
    pub(crate) rows: &'a [u32],
    /// By row: how many.
    pub(crate) counts: &'a [u32],
}

/// What a filling needs, kept from one to the next. The result is in `pattern` and `used`.
pub(crate) struct Workspace<const D: usize> {
    /// For scorings with noise.
    random: Random,
    rows: Vec<u32>,
    ask: Vec<[f32; LANES]>,
    gain: Vec<[f32; LANES]>,
    bonus: Vec<[f32; LANES]>,
    score: Vec<[f32; LANES]>,
    left: Vec<u32>,
    taken: Vec<u32>,
    /// What was put on the bin.
    pub(crate) pattern: Pattern,
    /// How much of it that takes.
    pub(crate) used: Units<D>,
    /// Work done so far: passes over the rows.
    pub(crate) steps: u64,
}

/// What an item of a row scores on the bin.
struct Score {
    /// For each unit of its request that points where capacity is left.
    gain: f32,
    /// For its size, whatever is left.
    bonus: f32,
}

/// Rows looked at in one go.
const LANES: usize = 8;

impl<const D: usize> Table<'_, D> {
    /// Fills one bin of the column from what is left of `rows`; the pattern is on the workspace. Returns its value.
    ///
    /// The item whose request points most like the capacity that is left comes first, weighed by what it pays for
    /// its share (Panigrahy's dot-product rule with prices). Ties go to the earlier row.
    pub(crate) fn fill(
        &self,
        column: usize,
        left: Left<'_>,
        scoring: Scoring,
        workspace: &mut Workspace<D>,
    ) -> f64 {
        self.lay_out(column, left, scoring, workspace);
        let whole = self.capacity[column];
        let inverse = whole.map(|capacity| if capacity > 0.0 { 1.0 / capacity } else { 0.0 });
        let mut free = whole;
        loop {
            workspace.steps += 1;
            let best = workspace.score_all(&free, &inverse);
            if best < 0.0 {
                break;
            }
            let Some(at) = workspace.first_with(best) else {
                break;
            };
            workspace.take(at, &mut free, scoring.part);
            if workspace.steps.is_multiple_of(8) {
                workspace.drop_what_does_not_fit();
            }
        }
        workspace.used = Units(std::array::from_fn(|dim| whole[dim] - free[dim]));
        workspace.gather();
        // A row may be free under the duals: more items are still better than fewer.
        let items: f64 = workspace.pattern.iter().map(|(_, n)| f64::from(*n)).sum();
        self.value(&workspace.pattern) + items * 1e-3
    }

    fn lay_out(&self, column: usize, left: Left<'_>, scoring: Scoring, workspace: &mut Workspace<D>) {
        let capacity = &self.capacity[column];
        workspace.clear();
        let fits = self.fits_of(column);
        for row in left.rows {
            let at = *row as usize;
            let fit = fits[at];
            let ask: [f32; D] = std::array::from_fn(|dim| self.ask[dim][at]);
            // A row that does not fit the column at all was never stocked.
            if left.counts[at] == 0 || fit.inverse <= 0.0 || (0..D).any(|dim| ask[dim] > capacity[dim]) {
                continue;
            }
            let mut worth = fit.worth.max(1e-6).powi(scoring.sharpness);
            if scoring.noise > 0.0 {
                worth *= 1.0 - scoring.noise * workspace.random.share();
            }
            workspace.push(
                *row,
                left.counts[at].min(self.cap[at]),
                &ask,
                &Score {
                    gain: worth * fit.inverse,
                    bonus: worth * scoring.widest * fit.widest,
                },
            );
        }
    }
}

impl<const D: usize> Workspace<D> {
    pub(crate) fn new(random: Random) -> Self {
        Self {
            random,
            rows: Vec::new(),
            ask: Vec::new(),
            gain: Vec::new(),
            bonus: Vec::new(),
            score: Vec::new(),
            left: Vec::new(),
            taken: Vec::new(),
            pattern: Vec::new(),
            used: Units::default(),
            steps: 0,
        }
    }

    fn clear(&mut self) {
        self.rows.clear();
        self.ask.clear();
        self.gain.clear();
        self.bonus.clear();
        self.score.clear();
        self.left.clear();
        self.taken.clear();
        self.pattern.clear();
    }

    fn push(&mut self, row: u32, left: u32, ask: &[f32; D], score: &Score) {
        let lane = self.rows.len() % LANES;
        if lane == 0 {
            self.ask.extend([[NEVER; LANES]; D]);
            self.gain.push([0.0; LANES]);
            self.bonus.push([0.0; LANES]);
            self.score.push([-1.0; LANES]);
        }
        let chunk = self.gain.len() - 1;
        for (dim, ask) in ask.iter().enumerate() {
            self.ask[chunk * D + dim][lane] = *ask;
        }
        self.gain[chunk][lane] = score.gain;
        self.bonus[chunk][lane] = score.bonus;
        self.rows.push(row);
        self.left.push(left);
        self.taken.push(0);
    }

    /// Scores every row that still fits (the others get less than nothing); returns the highest score.
    fn score_all(&mut self, free: &[f32; D], inverse: &[f32; D]) -> f32 {
        let shares: [f32; D] = std::array::from_fn(|dim| free[dim] * inverse[dim]);
        let norm: f32 = shares.iter().map(|x| x * x).sum::<f32>().sqrt();
        let scale = 1.0 / norm.max(1e-9);
        let towards: [f32; D] = std::array::from_fn(|dim| shares[dim] * inverse[dim] * scale);
        let mut best = [-1.0_f32; LANES];
        for (chunk, score) in self.score.iter_mut().enumerate() {
            let ask = &self.ask[chunk * D..(chunk + 1) * D];
            let (gain, bonus) = (&self.gain[chunk], &self.bonus[chunk]);
            let mut dot = [0.0_f32; LANES];
            let mut fits = [true; LANES];
            for (ask, (free, towards)) in ask.iter().zip(free.iter().zip(&towards)) {
                for lane in 0..LANES {
                    fits[lane] &= ask[lane] <= *free;
                    dot[lane] += ask[lane] * towards;
                }
            }
            for lane in 0..LANES {
                let value = gain[lane] * dot[lane] + bonus[lane];
                let value = if fits[lane] { value } else { -1.0 };
                score[lane] = value;
                best[lane] = if value > best[lane] { value } else { best[lane] };
            }
        }
        best.into_iter().fold(-1.0, f32::max)
    }

    fn first_with(&self, score: f32) -> Option<usize> {
        self.score.iter().enumerate().find_map(|(chunk, scores)| {
            let lane = scores.iter().position(|s| s.to_bits() == score.to_bits())?;
            Some(chunk * LANES + lane)
        })
    }

    fn take(&mut self, at: usize, free: &mut [f32; D], part: u32) {
        let (chunk, lane) = (at / LANES, at % LANES);
        let mut fitting = self.left[at];
        for (ask, free) in self.ask[chunk * D..].iter().zip(&*free) {
            let fit = units(*free).checked_div(units(ask[lane]));
            fitting = fit.map_or(fitting, |fit| fitting.min(fit));
        }
        let copies = (fitting / part.max(1)).max(1);
        self.left[at] -= copies;
        self.taken[at] += copies;
        for (dim, free) in free.iter_mut().enumerate() {
            *free -= self.ask[chunk * D + dim][lane] * single(i64::from(copies));
        }
        if self.left[at] == 0 {
            self.ask[chunk * D][lane] = NEVER;
        }
    }

    /// Forgets rows that do not fit any more, once they are the most; what was taken of them is kept.
    fn drop_what_does_not_fit(&mut self) {
        let rows = self.rows.len();
        let open = self.score.iter().flatten().filter(|score| **score >= 0.0).count();
        if open * 2 > rows {
            return;
        }
        let mut kept = 0;
        for at in 0..rows {
            let (chunk, lane) = (at / LANES, at % LANES);
            if self.score[chunk][lane] < 0.0 || self.left[at] == 0 {
                if self.taken[at] > 0 {
                    self.pattern.push((self.rows[at], self.taken[at]));
                }
                continue;
            }
            let (to_chunk, to_lane) = (kept / LANES, kept % LANES);
            for dim in 0..D {
                self.ask[to_chunk * D + dim][to_lane] = self.ask[chunk * D + dim][lane];
            }
            self.gain[to_chunk][to_lane] = self.gain[chunk][lane];
            self.bonus[to_chunk][to_lane] = self.bonus[chunk][lane];
            self.rows[kept] = self.rows[at];
            self.left[kept] = self.left[at];
            self.taken[kept] = self.taken[at];
            kept += 1;
        }
        self.rows.truncate(kept);
        self.left.truncate(kept);
        self.taken.truncate(kept);
        let chunks = kept.div_ceil(LANES);
        self.ask.truncate(chunks * D);
        self.gain.truncate(chunks);
        self.bonus.truncate(chunks);
        self.score.truncate(chunks);
        for at in kept..chunks * LANES {
            self.ask[(at / LANES) * D][at % LANES] = NEVER;
        }
    }

    fn gather(&mut self) {
        for (row, taken) in self.rows.iter().zip(&self.taken) {
            if *taken > 0 {
                self.pattern.push((*row, *taken));
            }
        }
        self.pattern.sort_unstable();
    }
}
