//! Pod specs, each distinct one kept once: of 5,000 pods a few dozen are different.
//!
//! Not here: what is in a spec, and how much all of them may take (`allowance`).

use crate::allowance::{Allowance, Taken};
use model::pod::{PodSpec, SpecIx};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The specs in use.
pub(crate) struct Specs {
    known: Mutex<BTreeMap<Arc<PodSpec>, Taken>>,
    allowance: Arc<Allowance>,
}

impl Specs {
    /// None yet, within this allowance.
    pub(crate) const fn new(allowance: Arc<Allowance>) -> Self {
        Self {
            known: Mutex::new(BTreeMap::new()),
            allowance,
        }
    }

    /// The one copy of this spec, or the spec itself and why there is no room for it.
    pub(crate) fn keep(&self, spec: PodSpec) -> Result<Arc<PodSpec>, (Box<PodSpec>, String)> {
        let mut known = self.lock();
        if let Some((there, _)) = known.get_key_value(&spec) {
            return Ok(there.clone());
        }
        match self.allowance.take(&spec.namespace, &spec, 1) {
            Ok(taken) => Ok(insert(&mut known, spec, taken)),
            Err(why) => Err((Box::new(spec), why)),
        }
    }

    /// The same for a spec that has to be kept: one that was cut, or that was made of a kept one.
    pub(crate) fn intern(&self, spec: PodSpec) -> Arc<PodSpec> {
        let mut known = self.lock();
        if let Some((there, _)) = known.get_key_value(&spec) {
            return there.clone();
        }
        let taken = self.allowance.take_anyway(&spec.namespace, &spec);
        insert(&mut known, spec, taken)
    }

    /// Puts another spec in the place of one; that one is forgotten at once where nobody else has it.
    pub(crate) fn put(&self, place: &mut Arc<PodSpec>, spec: PodSpec) {
        let old = std::mem::replace(place, self.intern(spec));
        if Arc::strong_count(&old) == 2 {
            self.lock().remove(&old);
        }
    }

    /// Drops the specs that no row and no picture points to any more.
    pub(crate) fn forget_unused(&self) {
        self.lock().retain(|spec, _| Arc::strong_count(spec) > 1);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<PodSpec>, Taken>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn insert(known: &mut BTreeMap<Arc<PodSpec>, Taken>, spec: PodSpec, taken: Taken) -> Arc<PodSpec> {
    let new = Arc::new(spec);
    known.insert(new.clone(), taken);
    new
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
    /// Number of an interned spec.
    pub(crate) fn number(&mut self, spec: &Arc<PodSpec>) -> SpecIx {
        let address = Arc::as_ptr(spec) as usize;
        if let Some((number, _)) = self.numbers.get(&address) {
            return *number;
        }
        let number = SpecIx::try_from(self.specs.len()).unwrap_or(SpecIx::MAX);
        self.specs.push(spec.clone());
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
        let specs = Specs::new(Allowance::new(1 << 20));
        let (first, second) = (specs.intern(spec("a")), specs.keep(spec("a")).unwrap());
        assert!(Arc::ptr_eq(&first, &second));
        drop((first, second));
        let held = specs.keep(spec("b")).unwrap();
        specs.forget_unused();
        assert_eq!(specs.lock().len(), 1);
        assert!(Arc::ptr_eq(&held, &specs.intern(spec("b"))));
    }

    #[test]
    fn a_spec_that_is_known_needs_no_room_and_one_that_is_forgotten_gives_it_back() {
        let text = "n".repeat(1000);
        let one = model::footprint::of(&spec(&text));
        let specs = Specs::new(Allowance::new(one * 5 / 2));
        let held = specs.keep(spec(&text)).unwrap();
        let other = "o".repeat(1000);
        let mut more = spec(&text);
        more.priority = 1;
        let (refused, why) = specs.keep(more.clone()).unwrap_err();
        assert_eq!((&*refused, why.contains("its namespace has")), (&more, true));
        assert!(Arc::ptr_eq(&held, &specs.keep(spec(&text)).unwrap()));
        assert!(specs.keep(spec(&other)).is_ok(), "another namespace has room");
        drop(held);
        specs.forget_unused();
        assert!(specs.keep(more).is_ok());
    }

    #[test]
    fn what_takes_a_place_leaves_nothing_behind() {
        let specs = Specs::new(Allowance::new(1 << 20));
        let (mut first, mut second) = (specs.intern(spec("a")), specs.intern(spec("a")));
        specs.put(&mut first, spec("b"));
        assert_eq!(specs.lock().len(), 2, "the other one is still that");
        specs.put(&mut second, spec("b"));
        assert!(Arc::ptr_eq(&first, &second));
        assert_eq!(specs.lock().len(), 1);
    }
}
