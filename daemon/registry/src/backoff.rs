//! How long to wait before a registry is asked again; pure: the dice come from a seed.

use std::time::Duration;

/// However often it failed, a registry is asked again within this long, or within the usual rhythm where that is longer.
const LONGEST: Duration = Duration::from_mins(5);

/// The time to wait: the usual rhythm, doubled with every failure after the first, never less than the registry asked for, and
/// up to a quarter longer by the dice, so that many daemons do not ask at once.
pub(crate) fn wait(every: Duration, failures: u32, asked: Option<Duration>, dice: u64) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let backed_off = every.saturating_mul(1 << doublings).min(LONGEST.max(every));
    let least = backed_off.max(asked.unwrap_or_default());
    let share = u32::try_from(dice % 1024).unwrap_or_default();
    least.saturating_add(least / 4096 * share)
}

/// The next number of a sequence: splitmix64.
pub(crate) fn dice(seed: u64, number: u64) -> u64 {
    let mut z = seed.wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_grows_to_a_bound_and_is_never_less_than_asked_for() {
        let every = Duration::from_mins(1);
        let secs =
            |failures, asked: Option<u64>| wait(every, failures, asked.map(Duration::from_secs), 0).as_secs();
        assert_eq!(
            [0, 1, 2, 3, 4, 5, 99].map(|failures| secs(failures, None)),
            [60, 60, 120, 240, 300, 300, 300]
        );
        assert_eq!((secs(1, Some(5)), secs(1, Some(900))), (60, 900));
        assert_eq!(wait(Duration::from_hours(1), 9, None, 0), Duration::from_hours(1));
        for number in 0..1000 {
            let waits = wait(every, 0, Some(every), dice(7, number));
            assert!(waits >= every && waits < every + every / 4, "{waits:?}");
        }
        assert_eq!(dice(1, 2), dice(1, 2));
        assert_ne!(dice(1, 2), dice(1, 3));
    }
}
