//! Amounts as vectors: CPU, memory, ephemeral storage, pod count, then every extended resource in sight.
//!
//! A class, a node's free room and an offer's capacity become rows of the same length, so that packing and
//! bounds are plain arithmetic. Nothing here knows prices or rules.

use model::pod::PodSpec;
use model::resources::Resources;
use std::collections::BTreeSet;

/// Amounts in the order of a [`Space`].
pub(crate) type Vector = Vec<i64>;

/// Place of the pod count in a [`Vector`].
pub(crate) const PODS: usize = 3;

/// Calls `function` with the dimensions as a constant, so that the inner loops of search and bounds unroll. A
/// problem with more than sixteen dimensions gets sixteen, which its caller must notice.
macro_rules! in_dims {
    ($dims:expr, $function:ident($($argument:expr),* $(,)?)) => {
        match $dims {
            0..=3 => $function::<3>($($argument),*),
            4 => $function::<4>($($argument),*),
            5..=8 => $function::<8>($($argument),*),
            _ => $function::<16>($($argument),*),
        }
    };
}
pub(crate) use in_dims;

/// Which extended resources have a place in the vectors.
pub(crate) struct Space {
    extended: Vec<String>,
}

impl Space {
    /// A space with a place for every extended resource that one of the specs asks for.
    pub(crate) fn of<'a>(specs: impl Iterator<Item = &'a PodSpec>) -> Self {
        let names: BTreeSet<&String> = specs
            .flat_map(|spec| spec.requests.extended.iter())
            .filter(|(_, amount)| **amount > 0)
            .map(|(name, _)| name)
            .collect();
        Self {
            extended: names.into_iter().cloned().collect(),
        }
    }

    /// What one pod takes. Negative requests count as nothing.
    pub(crate) fn request(&self, of: &Resources) -> Vector {
        let mut vector = self.amounts(of, 1);
        for amount in &mut vector {
            *amount = (*amount).max(0);
        }
        vector
    }

    /// What a node has; may be negative where it is over-committed.
    pub(crate) fn capacity(&self, of: &Resources, pods: u32) -> Vector {
        self.amounts(of, i64::from(pods))
    }

    fn amounts(&self, of: &Resources, pods: i64) -> Vector {
        let mut vector = Vec::with_capacity(4 + self.extended.len());
        vector.extend([of.cpu_milli, of.memory_bytes, of.ephemeral_bytes, pods]);
        vector.extend(self.extended.iter().map(|name| of.amount(name)));
        vector
    }

    /// Back to named amounts, for reading.
    pub(crate) fn resources(&self, vector: &[i64]) -> Resources {
        let at = |ix: usize| vector.get(ix).copied().unwrap_or(0);
        let mut resources = Resources::new(at(0), at(1));
        resources.ephemeral_bytes = at(2);
        for (ix, name) in self.extended.iter().enumerate() {
            if at(4 + ix) != 0 {
                resources.extended.insert(name.clone(), at(4 + ix));
            }
        }
        resources
    }
}

/// Whether `free` holds `ask`. What is not asked for never objects (NodeResourcesFit).
pub(crate) fn holds(free: &[i64], ask: &[i64]) -> bool {
    free.iter().zip(ask).all(|(free, ask)| *ask <= 0 || ask <= free)
}

/// Takes `copies` of `ask` out of `free`.
pub(crate) fn take(free: &mut [i64], ask: &[i64], copies: u32) {
    for (free, ask) in free.iter_mut().zip(ask) {
        *free = free.saturating_sub(ask.saturating_mul(i64::from(copies)));
    }
}

/// Puts `copies` of `ask` back into `free`.
pub(crate) fn put(free: &mut [i64], ask: &[i64], copies: u32) {
    for (free, ask) in free.iter_mut().zip(ask) {
        *free = free.saturating_add(ask.saturating_mul(i64::from(copies)));
    }
}

/// How many copies of `ask` fit into `free`, at most `most`.
pub(crate) fn copies(free: &[i64], ask: &[i64], most: u32) -> u32 {
    free.iter()
        .zip(ask)
        .filter(|(_, ask)| **ask > 0)
        .map(|(free, ask)| u32::try_from((*free).max(0) / ask).unwrap_or(u32::MAX))
        .fold(most, u32::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_asked_for_never_objects() {
        assert!(holds(&[-5, 10], &[0, 10]));
        assert!(!holds(&[-5, 10], &[1, 10]));
        assert_eq!(copies(&[-5, 10], &[0, 3], 9), 3);
        assert_eq!(copies(&[-5, 10], &[1, 3], 9), 0);
    }

    #[test]
    fn extended_resources_have_a_place_and_come_back() {
        let mut spec = PodSpec {
            requests: Resources::new(100, 7),
            ..PodSpec::default()
        };
        spec.requests.extended.insert("nvidia.com/gpu".into(), 2);
        let space = Space::of(std::iter::once(&spec));
        let vector = space.request(&spec.requests);
        assert_eq!(vector, vec![100, 7, 0, 1, 2]);
        assert_eq!(space.resources(&vector), spec.requests);
    }

    #[test]
    fn hostile_requests_fit_nothing_and_do_not_wrap() {
        let ask = vec![i64::MAX, 1, 0, 1];
        let mut free = vec![4000, 1 << 33, 0, 110];
        assert!(!holds(&free, &ask));
        take(&mut free, &ask, 3);
        assert!(free[0] < 0);
    }
}
