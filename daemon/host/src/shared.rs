//! The columns of one View, built once for all policies that are asked about it. Stands in the View's own slot
//! (`decide::Prepared`), so it goes with it.
//!
//! A column is built when the first policy wants it. What others have read stays hidden from a guest: a column that
//! is there already costs it the same fuel.

use crate::columns::{Columns, Key};
use decide::View;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// See the module.
#[derive(Default)]
struct Shared(Mutex<Option<Arc<Columns>>>);

/// The columns of a View, these among them.
pub(crate) fn columns(view: &View<'_>, keys: &BTreeSet<Key>) -> Arc<Columns> {
    match view.prepared.get_or_make(Shared::default) {
        Some(shared) => shared.columns(view, keys),
        // Somebody else's slot: nothing is shared.
        None => with(Arc::new(Columns::of(view)), view, keys),
    }
}

impl Shared {
    fn columns(&self, view: &View<'_>, keys: &BTreeSet<Key>) -> Arc<Columns> {
        // Taken out while it is worked on: should that end in a panic, the next one begins anew.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let columns = kept.take().unwrap_or_else(|| Arc::new(Columns::of(view)));
        let columns = with(columns, view, keys);
        *kept = Some(Arc::clone(&columns));
        columns
    }
}

/// Copies only what an evaluation that goes on at the same time still reads.
fn with(mut columns: Arc<Columns>, view: &View<'_>, keys: &BTreeSet<Key>) -> Arc<Columns> {
    if keys.iter().any(|key| !columns.by_key.contains_key(key)) {
        Arc::make_mut(&mut columns).add(view, keys);
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::columns::{Keyed, Number};
    use crate::sample;
    use model::advice::Hook;

    #[test]
    fn a_column_is_built_once_for_all_who_want_it() {
        let sample = sample::rows(10);
        let view = sample.view(Hook::Placement);
        let cpu = Key::Number(Number::ClassCpu);
        let team = Key::Keyed(Keyed::ClassLabel, "team".into());
        let first = columns(&view, &BTreeSet::from([cpu.clone()]));
        let second = columns(&view, &BTreeSet::from([cpu.clone(), team.clone()]));
        let third = columns(&view, &BTreeSet::from([team.clone()]));
        assert!(
            !first.by_key.contains_key(&team),
            "what is in use must not change"
        );
        assert!(second.by_key.contains_key(&team) && Arc::ptr_eq(&second, &third));
        let same = |a: &Columns, b: &Columns| match (&a.by_key[&cpu], &b.by_key[&cpu]) {
            (crate::columns::Column::Number(a), crate::columns::Column::Number(b)) => Arc::ptr_eq(a, b),
            _ => false,
        };
        assert!(same(&first, &second), "built twice");
        let other = columns(&sample.view(Hook::Placement), &BTreeSet::from([cpu.clone()]));
        assert!(!same(&first, &other), "another View's column");
    }
}
