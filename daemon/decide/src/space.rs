//! Amounts as vectors: CPU, memory, ephemeral storage, pod count, then every extended resource in sight.
//!
//! A class, a node's free room and an offer's capacity become rows of the same length, so that packing and
//! bounds are plain arithmetic. Nothing here knows prices or rules.

use model::pod::PodSpec;
use model::resources::Resources;
use std::collections::BTreeSet;

/// Amounts in the order of a [`Space`].
pub(crate) use packing::amounts::{Amounts as Vector, copies, holds, put, take};

/// Place of the pod count in a [`Vector`].
pub(crate) const PODS: usize = 3;

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

#[cfg(test)]
mod tests {
    use super::*;

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
}
