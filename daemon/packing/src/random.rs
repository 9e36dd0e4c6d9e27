//! Numbers that look random and are not: the search tries different things in the same order every time.
//!
//! Marsaglia's xorshift with Vigna's multiplier. Never for anything that must not be guessed.

/// A sequence that its seed settles: the same draws on every machine.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// Starts the sequence of this seed; 0 and 1 are the same.
    pub const fn new(seed: u64) -> Self {
        Self(seed | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// One of `0..many`; 0 where there are none.
    pub fn below(&mut self, many: usize) -> usize {
        let wide = u128::from(self.next()) * (many as u128);
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    /// One of these.
    pub fn one_of<T: Copy, const N: usize>(&mut self, these: [T; N]) -> T {
        const { assert!(N > 0, "something to choose from") };
        these[self.below(N)]
    }

    /// Between 0 and 1, 1 excluded.
    pub fn share(&mut self) -> f32 {
        let bits = u16::try_from(self.next() >> 48).unwrap_or(0);
        f32::from(bits) / 65_536.0
    }

    /// Yes with this chance in a hundred.
    pub fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }
}
