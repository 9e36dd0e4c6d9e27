//! Pod specs, each distinct one kept once: of 5,000 pods a few dozen are different.
//!
//! Not here: what is in a spec.

use model::pod::{PodSpec, SpecIx};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

/// The specs in use.
#[derive(Default)]
pub(crate) struct Specs {
    known: Mutex<BTreeSet<Arc<PodSpec>>>,
}

impl Specs {
    /// The one copy of this spec.
    pub(crate) fn intern(&self, spec: PodSpec) -> Arc<PodSpec> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(there) = known.get(&spec) {
            return there.clone();
        }
        let new = Arc::new(spec);
        known.insert(new.clone());
        new
    }

    /// Drops the specs that no row points to any more.
    pub(crate) fn forget_unused(&self) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|spec| Arc::strong_count(spec) > 1);
    }
}

/// The specs of one Snapshot, numbered in the order they are first met.
#[derive(Default)]
pub(crate) struct Numbering {
    specs: Vec<Arc<PodSpec>>,
    /// By address: interned specs are equal only where they are the same. The spec is held with its number, so
    /// that its address is not given to another one meanwhile.
    numbers: BTreeMap<usize, (SpecIx, Arc<PodSpec>)>,
}

impl Numbering {
    /// Number of an interned spec, as `settle` says it should look.
    pub(crate) fn number(
        &mut self,
        spec: &Arc<PodSpec>,
        settle: impl FnOnce(&PodSpec) -> Option<PodSpec>,
    ) -> SpecIx {
        let address = Arc::as_ptr(spec) as usize;
        if let Some((number, _)) = self.numbers.get(&address) {
            return *number;
        }
        let number = SpecIx::try_from(self.specs.len()).unwrap_or(SpecIx::MAX);
        self.specs
            .push(settle(spec).map_or_else(|| spec.clone(), Arc::new));
        self.numbers.insert(address, (number, spec.clone()));
        number
    }

    /// A spec by its number.
    pub(crate) fn get(&self, number: SpecIx) -> Option<&PodSpec> {
        self.specs.get(number as usize).map(|spec| &**spec)
    }

    /// All of them.
    pub(crate) fn into_specs(self) -> Vec<Arc<PodSpec>> {
        self.specs
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec(namespace: &str) -> PodSpec {
        PodSpec {
            namespace: namespace.to_owned(),
            ..PodSpec::default()
        }
    }

    #[test]
    fn equal_specs_are_one_and_unused_ones_are_forgotten() {
        let specs = Specs::default();
        let (first, second) = (specs.intern(spec("a")), specs.intern(spec("a")));
        assert!(Arc::ptr_eq(&first, &second));
        drop((first, second));
        let held = specs.intern(spec("b"));
        specs.forget_unused();
        assert_eq!(specs.known.lock().unwrap().len(), 1);
        assert!(Arc::ptr_eq(&held, &specs.intern(spec("b"))));
    }
}
