//! How long something takes, how much memory it wants and how often it asks for some.
//!
//! The machine may be busy: a try that had to wait for a core is disturbed, and there are more tries until three were
//! not. Where none was let be, time on a core is told instead, which leaves the waiting out. A fixed loop is timed
//! between the tries; ratios to it mean much the same on every machine.

use cpu_time::ProcessTime;
use serde::{Deserialize, Serialize};
use stats_alloc::INSTRUMENTED_SYSTEM;
use std::fs;
use std::hint::black_box;
use std::time::Instant;

/// Tries that count, where the machine lets them be.
const TRIES: usize = 3;
/// Tries at most.
const PATIENCE: usize = 12;
/// Once so many seconds went by, the tries so far have to do.
const ENOUGH: f64 = 20.0;
/// Wall time above CPU time from which a try is disturbed.
const DISTURBED: f64 = 1.03;

/// What the best try took.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub struct Taken {
    /// Seconds of the best undisturbed try by the wall clock; of the best on a core where every try was disturbed.
    pub seconds: f64,
    /// Every try was disturbed.
    pub disturbed: bool,
    /// Seconds of [`reference_loop`] on a core in the same minutes.
    pub reference: f64,
    /// Tries.
    pub tries: u32,
    /// Calls of the allocator in the first try; 0 where nobody counts them.
    pub allocations: usize,
    /// Peak of resident memory during the first try, in bytes.
    pub peak: u64,
    /// How much of the peak was there before the try.
    pub before: u64,
}

impl Taken {
    /// Time in units of the fixed loop.
    pub fn in_loops(&self) -> f64 {
        self.seconds / self.reference
    }

    /// MiB that the try added to what was there.
    pub fn added_mib(&self) -> f64 {
        mib(self.peak.saturating_sub(self.before))
    }
}

/// Bytes as MiB, for reading.
#[expect(clippy::cast_precision_loss, reason = "for reading")]
pub fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

/// The best of three undisturbed tries, or of as many as there is patience for, and the last result.
pub fn best<T>(mut work: impl FnMut() -> T) -> (Taken, T) {
    let mut taken = Taken {
        reference: time_of_loop(),
        before: resident(),
        ..Taken::default()
    };
    forget_peak();
    let asked = INSTRUMENTED_SYSTEM.stats();
    let began = Instant::now();
    let (first, mut result) = once(&mut work);
    let asks = INSTRUMENTED_SYSTEM.stats() - asked;
    taken.allocations = asks.allocations + asks.reallocations;
    taken.peak = peak();
    let mut tries = vec![first];
    let quiet = |tries: &[Times]| tries.iter().filter(|times| times.undisturbed()).count();
    while quiet(&tries) < TRIES && tries.len() < PATIENCE && began.elapsed().as_secs_f64() < ENOUGH {
        taken.reference = taken.reference.min(time_of_loop());
        drop(result);
        let (times, again) = once(&mut work);
        result = again;
        tries.push(times);
    }
    taken.reference = taken.reference.min(time_of_loop());
    taken.tries = u32::try_from(tries.len()).unwrap_or(u32::MAX);
    taken.disturbed = quiet(&tries) == 0;
    let least = |of: &dyn Fn(&Times) -> f64| tries.iter().map(of).fold(f64::INFINITY, f64::min);
    taken.seconds = if taken.disturbed {
        least(&|times| times.on_core)
    } else {
        least(&|times| {
            if times.undisturbed() {
                times.wall
            } else {
                f64::INFINITY
            }
        })
    };
    (taken, result)
}

struct Times {
    wall: f64,
    /// All threads.
    on_core: f64,
}

impl Times {
    fn undisturbed(&self) -> bool {
        self.wall <= self.on_core * DISTURBED
    }
}

fn once<T>(work: &mut impl FnMut() -> T) -> (Times, T) {
    let core = ProcessTime::now();
    let wall = Instant::now();
    let result = work();
    let times = Times {
        wall: wall.elapsed().as_secs_f64(),
        on_core: core.elapsed().as_secs_f64(),
    };
    (times, result)
}

fn time_of_loop() -> f64 {
    once(&mut || black_box(reference_loop(black_box(1)))).0.on_core
}

/// A fixed amount of the kind of work that packing is: scores of short vectors in floating point, whole-number
/// division, and reads all over 64 KiB, which stay in the near caches whatever the neighbours do.
pub fn reference_loop(seed: u32) -> u64 {
    const PLACES: usize = 1 << 14;
    let mut state = u64::from(seed) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let table: Vec<u32> = (0..PLACES)
        .map(|_| u32::try_from(next() & 0xff_ffff).unwrap_or(0))
        .collect();
    let (mut at, mut sum, mut score) = (0_usize, 0_u64, 0.0_f64);
    for round in 0..ROUNDS {
        let value = table.get(at).copied().unwrap_or(0);
        let ask = f64::from(value & 0xfff) + 1.0;
        let other = f64::from(value >> 12) + 1.0;
        score = score.mul_add(0.5, (ask * other).sqrt() / (ask + other));
        sum = sum.wrapping_add(u64::from(value) * u64::from(round) / (u64::from(value & 0xff) + 3));
        at = (at + value as usize + usize::try_from(sum & 7).unwrap_or(0)) % PLACES;
    }
    sum ^ score.to_bits()
}

const ROUNDS: u32 = 400_000;

/// Starts the peak anew. Where the system does not let us, the peak is that of the whole process.
fn forget_peak() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// The most memory that was resident, in bytes.
pub fn peak() -> u64 {
    status("VmHWM:")
}

/// Memory that is resident, in bytes.
pub fn resident() -> u64 {
    status("VmRSS:")
}

/// A line of `/proc/self/status` in bytes; 0 where there is none.
fn status(key: &str) -> u64 {
    let text = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(key));
    let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loop_is_the_same_work_every_time() {
        assert_eq!(reference_loop(1), reference_loop(1));
        assert_ne!(reference_loop(1), reference_loop(2));
    }

    #[test]
    fn work_takes_time_memory_and_tries() {
        let (taken, bytes) = best(|| vec![1_u8; 64 << 20]);
        assert_eq!(bytes.len(), 64 << 20);
        assert!(taken.seconds > 0.0 && taken.reference > 0.0);
        assert!(taken.tries > 0 && taken.tries as usize <= PATIENCE);
        assert!(taken.peak - taken.before >= 60 << 20, "{taken:?}");
    }
}
