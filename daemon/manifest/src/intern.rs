//! Pod specs, each kept once: pods of one workload share theirs.

use model::pod::{PodSpec, SpecIx};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Distinct specs in the order they came.
#[derive(Clone, Debug, Default)]
pub struct Specs {
    list: Vec<Arc<PodSpec>>,
    index: BTreeMap<Arc<PodSpec>, SpecIx>,
}

impl Specs {
    /// The index of this spec, new or known.
    pub fn add(&mut self, spec: PodSpec) -> SpecIx {
        if let Some(ix) = self.index.get(&spec) {
            return *ix;
        }
        let spec = Arc::new(spec);
        let ix = SpecIx::try_from(self.list.len()).unwrap_or(SpecIx::MAX);
        self.list.push(Arc::clone(&spec));
        self.index.insert(spec, ix);
        ix
    }

    /// The spec at an index; an index from elsewhere gives an empty spec.
    pub fn get(&self, ix: SpecIx) -> Arc<PodSpec> {
        self.list.get(ix as usize).cloned().unwrap_or_default()
    }

    /// Indices of the specs that pass.
    pub fn indices(&self, pass: impl Fn(&PodSpec) -> bool) -> Vec<SpecIx> {
        let all = self.list.iter().zip(0..);
        all.filter_map(|(spec, ix)| pass(spec).then_some(ix)).collect()
    }

    /// All of them, by index.
    pub fn into_list(self) -> Vec<Arc<PodSpec>> {
        self.list
    }
}
