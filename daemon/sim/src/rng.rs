//! The only randomness of a simulated world: xoshiro256** seeded through splitmix64 (Blackman and Vigna).
//!
//! Same seed, same draws, on every platform: no floating-point library functions, no system entropy.

use model::Span;
use model::time::Lag;

/// A seeded generator.
#[derive(Clone, Debug)]
pub(crate) struct Rng([u64; 4]);

impl Rng {
    /// A generator for a seed; neighbouring seeds give unrelated draws.
    pub(crate) fn seeded(seed: u64) -> Self {
        let mut state = seed;
        Self([
            splitmix(&mut state),
            splitmix(&mut state),
            splitmix(&mut state),
            splitmix(&mut state),
        ])
    }

    /// The next 64 bits.
    pub(crate) fn bits(&mut self) -> u64 {
        let [a, b, c, d] = &mut self.0;
        let drawn = b.wrapping_mul(5).rotate_left(7).wrapping_mul(9);
        let shifted = *b << 17;
        *c ^= *a;
        *d ^= *b;
        *b ^= *c;
        *a ^= *d;
        *c ^= shifted;
        *d = d.rotate_left(45);
        drawn
    }

    /// A number in `low..=high`; `low` where the range is empty.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        let width = u64::try_from(high.saturating_sub(low)).unwrap_or(0);
        let drawn = self.bits();
        match width.checked_add(1) {
            // The bias of a remainder is below 2^-30 for every range that a scenario can name.
            Some(count) => low.saturating_add(i64::try_from(drawn % count).unwrap_or(0)),
            None => low,
        }
    }

    /// A span within the lag.
    pub(crate) fn lag(&mut self, lag: Lag) -> Span {
        Span::from_millis(self.between(lag.min.millis(), lag.max.millis()))
    }

    /// True with this chance, in thousandths.
    pub(crate) fn chance(&mut self, permille: u32) -> bool {
        self.between(0, 999) < i64::from(permille)
    }
}

const fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same() {
        let (mut a, mut b, mut other) = (Rng::seeded(7), Rng::seeded(7), Rng::seeded(8));
        let drawn: Vec<u64> = (0..64).map(|_| a.bits()).collect();
        assert_eq!(drawn, (0..64).map(|_| b.bits()).collect::<Vec<_>>());
        assert_ne!(drawn, (0..64).map(|_| other.bits()).collect::<Vec<_>>());
    }

    #[test]
    fn draws_stay_within_and_reach_both_ends() {
        let mut rng = Rng::seeded(1);
        let mut seen = [false; 4];
        for _ in 0..200 {
            let drawn = rng.between(-1, 2);
            assert!((-1..=2).contains(&drawn));
            seen[usize::try_from(drawn + 1).unwrap()] = true;
        }
        assert_eq!(seen, [true; 4]);
        assert_eq!(rng.between(5, 5), 5);
        assert_eq!(rng.between(5, 4), 5, "an empty range gives its start");
    }

    #[test]
    fn chances_are_roughly_kept() {
        let mut rng = Rng::seeded(3);
        let hits = (0..10_000).filter(|_| rng.chance(250)).count();
        assert!((2_300..2_700).contains(&hits), "{hits}");
        assert!(!rng.chance(0) && rng.chance(1000));
    }
}
