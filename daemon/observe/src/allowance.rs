//! How many bytes what tenants write into objects may take here, shared by their namespaces.
//!
//! A namespace may take as much as is still free (the dynamic threshold by which switches share a buffer): one that takes all
//! it can gets half, two get a third each, and something is always left for whoever comes next. What is taken is given back
//! when it is dropped. Not here: what becomes of an object for which there is no room (`cluster`).

use model::footprint;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes, where nobody says otherwise.
pub(crate) const BYTES: usize = 128 << 20;

/// A namespace that was turned away is let in again when four times what it has is free, and not sooner: whatever goes back
/// and forth at the threshold would be listed anew each time.
const ROOM_AGAIN: usize = 4;

/// The bytes, and who has them.
pub(crate) struct Allowance {
    taken: Mutex<Takers>,
    /// How often there was room again for somebody who was turned away.
    openings: AtomicU64,
}

struct Takers {
    most: usize,
    all: usize,
    by_namespace: BTreeMap<Arc<str>, usize>,
    turned_away: BTreeSet<Arc<str>>,
}

/// Bytes that a namespace has until this is dropped.
pub(crate) struct Taken {
    of: Arc<Allowance>,
    namespace: Arc<str>,
    bytes: usize,
}

impl Allowance {
    /// So many bytes, all of them free.
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self {
            taken: Mutex::new(Takers {
                most,
                all: 0,
                by_namespace: BTreeMap::new(),
                turned_away: BTreeSet::new(),
            }),
            openings: AtomicU64::new(0),
        })
    }

    /// Room for so many copies of a value that this namespace wrote, or why there is none.
    pub(crate) fn take(
        self: &Arc<Self>,
        namespace: &str,
        value: &impl Serialize,
        copies: usize,
    ) -> Result<Taken, String> {
        let bytes = footprint::of(value).saturating_mul(copies);
        let mut takers = self.lock();
        let has = takers.by_namespace.get(namespace).copied().unwrap_or(0);
        if has.saturating_add(bytes) > takers.free() {
            let namespace = takers.name(namespace);
            takers.turned_away.insert(namespace);
            return Err(format!(
                "its namespace has {} MiB of the {} MiB for labels and rules already: they are not kept",
                has >> 20,
                takers.most >> 20
            ));
        }
        Ok(self.taken(&mut takers, namespace, bytes))
    }

    /// The same for what has to be kept whether there is room or not.
    pub(crate) fn take_anyway(self: &Arc<Self>, namespace: &str, value: &impl Serialize) -> Taken {
        self.taken(&mut self.lock(), namespace, footprint::of(value))
    }

    /// Grows whenever there is room again for somebody who was turned away: what was not kept is worth listing anew.
    pub(crate) fn openings(&self) -> u64 {
        self.openings.load(Ordering::SeqCst)
    }

    fn taken(self: &Arc<Self>, takers: &mut Takers, namespace: &str, bytes: usize) -> Taken {
        let namespace = takers.name(namespace);
        takers.all = takers.all.saturating_add(bytes);
        let has = takers.by_namespace.entry(namespace.clone()).or_default();
        *has = has.saturating_add(bytes);
        Taken {
            of: self.clone(),
            namespace,
            bytes,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Takers> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Takers {
    const fn free(&self) -> usize {
        self.most.saturating_sub(self.all)
    }

    /// The one copy of this name.
    fn name(&self, namespace: &str) -> Arc<str> {
        let known = self.by_namespace.get_key_value(namespace);
        known.map_or_else(|| Arc::from(namespace), |(name, _)| name.clone())
    }

    /// Lets those in again for whom there is room; whether there are any.
    fn opens(&mut self) -> bool {
        let (free, by_namespace) = (self.free(), &self.by_namespace);
        let before = self.turned_away.len();
        self.turned_away.retain(|namespace| {
            let has = by_namespace.get(namespace).copied().unwrap_or(0);
            has.saturating_mul(ROOM_AGAIN) > free
        });
        self.turned_away.len() < before
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut takers = self.of.lock();
        takers.all = takers.all.saturating_sub(self.bytes);
        if let Some(has) = takers.by_namespace.get_mut(&self.namespace) {
            *has = has.saturating_sub(self.bytes);
            if *has == 0 {
                takers.by_namespace.remove(&self.namespace);
            }
        }
        if !takers.turned_away.is_empty() && takers.opens() {
            self.of.openings.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As many pieces of a kibibyte as fit.
    fn fill(allowance: &Arc<Allowance>, namespace: &str) -> Vec<Taken> {
        let piece = "x".repeat((1 << 10) - 32);
        std::iter::from_fn(|| allowance.take(namespace, &piece, 1).ok()).collect()
    }

    #[test]
    fn whoever_takes_all_leaves_half_to_the_others() {
        let allowance = Allowance::new(96 << 10);
        let first = fill(&allowance, "a");
        let second = fill(&allowance, "b");
        assert_eq!((first.len(), second.len()), (48, 24));
        assert_eq!(fill(&allowance, "a").len(), 0);
        let third = fill(&allowance, "c");
        assert_eq!(third.len(), 12);
    }

    #[test]
    fn room_again_is_told_once_and_not_at_the_threshold() {
        let allowance = Allowance::new(100 << 10);
        let mut taken = fill(&allowance, "a");
        assert_eq!(taken.len(), 50);
        taken.truncate(49);
        assert!(allowance.take("a", &"x".repeat(2 << 10), 1).is_err());
        taken.truncate(21);
        assert_eq!(allowance.openings(), 0);
        taken.truncate(20);
        assert_eq!(allowance.openings(), 1, "four times 20 are 80");
        taken.clear();
        assert_eq!(allowance.openings(), 1);
        assert!(allowance.lock().by_namespace.is_empty());
    }

    #[test]
    fn what_has_to_be_kept_counts_against_what_comes() {
        let allowance = Allowance::new(64 << 10);
        let _kept = allowance.take_anyway("a", &"x".repeat(80 << 10));
        assert!(fill(&allowance, "b").is_empty());
        assert!(
            allowance
                .take("a", &"x", 1)
                .err()
                .unwrap()
                .contains("has 0 MiB of the 0 MiB")
        );
    }
}
