//! How often somebody may call: a bucket of tokens for everyone, filled at a steady rate.
//!
//! Bounded in memory: those who have rested longest are forgotten, which makes their bucket full. Not here: who is
//! limited, and what a refusal says.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// A token, in the unit that buckets count in: fine enough for a rate of one per second at every millisecond.
const TOKEN: u64 = 1000;

/// Buckets of callers of one kind.
pub struct Rate<K> {
    per_second: u32,
    burst: u32,
    most: usize,
    buckets: Mutex<BTreeMap<K, Bucket>>,
}

struct Bucket {
    left: u64,
    at: Instant,
}

impl<K: Ord + Clone> Rate<K> {
    /// So many calls per second after `burst` at once, for at most `most` callers.
    pub const fn new(per_second: u32, burst: u32, most: usize) -> Self {
        Self {
            per_second,
            burst,
            most,
            buckets: Mutex::new(BTreeMap::new()),
        }
    }

    /// Takes a token of the caller's; `false` where there is none.
    pub fn take(&self, who: &K, now: Instant) -> bool {
        let full = u64::from(self.burst) * TOKEN;
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if !buckets.contains_key(who) && buckets.len() >= self.most {
            self.forget(&mut buckets, now);
        }
        let bucket = buckets
            .entry(who.clone())
            .or_insert(Bucket { left: full, at: now });
        bucket.left = self.filled(bucket, now).min(full);
        bucket.at = bucket.at.max(now);
        let taken = bucket.left.checked_sub(TOKEN);
        if let Some(left) = taken {
            bucket.left = left;
        }
        taken.is_some()
    }

    fn filled(&self, bucket: &Bucket, now: Instant) -> u64 {
        let passed = now.saturating_duration_since(bucket.at).as_millis();
        let passed = u64::try_from(passed).unwrap_or(u64::MAX);
        bucket
            .left
            .saturating_add(passed.saturating_mul(u64::from(self.per_second)))
    }

    /// Forgets whose buckets are full again; where nobody's is, the half that called least lately.
    fn forget(&self, buckets: &mut BTreeMap<K, Bucket>, now: Instant) {
        let full = u64::from(self.burst) * TOKEN;
        buckets.retain(|_, bucket| self.filled(bucket, now) < full);
        if buckets.len() >= self.most {
            let mut ages: Vec<Instant> = buckets.values().map(|bucket| bucket.at).collect();
            ages.sort();
            let middle = ages.get(ages.len() / 2).copied().unwrap_or(now);
            buckets.retain(|_, bucket| bucket.at > middle);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn after_a_burst_the_rate_counts_for_each_caller() {
        let rate = Rate::new(50, 100, 10);
        let now = Instant::now();
        let taken = |who, at| (0..1000).filter(|_| rate.take(&who, at)).count();
        assert_eq!(taken("a", now), 100);
        assert_eq!(taken("b", now), 100, "others have their own");
        assert_eq!(taken("a", now + Duration::from_secs(1)), 50);
        assert_eq!(
            taken("a", now + Duration::from_mins(10)),
            100,
            "never more than a burst"
        );
    }

    #[test]
    fn callers_are_bounded() {
        let rate = Rate::new(1, 2, 8);
        let now = Instant::now();
        for who in 0..1000 {
            assert!(rate.take(&who, now));
            assert!(rate.buckets.lock().unwrap().len() <= 8);
        }
    }
}
