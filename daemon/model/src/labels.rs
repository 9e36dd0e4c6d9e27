//! Labels and annotations: texts by key, ordered, that copies share.
//!
//! Nodes, offers and workloads are copied for every picture, and their labels are most of them. A copy of these is the same
//! map until one of the two is changed. Not here: what a key means.

use serde::{Deserialize, Serialize};
use std::borrow::Borrow;
use std::collections::{BTreeMap, btree_map};
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// Labels, ordered by key. Read and written like the map that it is.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Labels(Arc<BTreeMap<String, String>>);

impl Labels {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where the map lies: the same for copies of which neither was changed.
    pub fn address(&self) -> *const BTreeMap<String, String> {
        Arc::as_ptr(&self.0)
    }
}

impl Deref for Labels {
    type Target = BTreeMap<String, String>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Labels {
    fn deref_mut(&mut self) -> &mut Self::Target {
        Arc::make_mut(&mut self.0)
    }
}

impl Borrow<BTreeMap<String, String>> for Labels {
    fn borrow(&self) -> &BTreeMap<String, String> {
        self
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl From<BTreeMap<String, String>> for Labels {
    fn from(map: BTreeMap<String, String>) -> Self {
        Self(Arc::new(map))
    }
}

impl From<Labels> for BTreeMap<String, String> {
    fn from(labels: Labels) -> Self {
        Arc::unwrap_or_clone(labels.0)
    }
}

impl<const N: usize> From<[(String, String); N]> for Labels {
    fn from(pairs: [(String, String); N]) -> Self {
        BTreeMap::from(pairs).into()
    }
}

impl FromIterator<(String, String)> for Labels {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        BTreeMap::from_iter(pairs).into()
    }
}

impl Extend<(String, String)> for Labels {
    fn extend<I: IntoIterator<Item = (String, String)>>(&mut self, pairs: I) {
        let mut pairs = pairs.into_iter().peekable();
        // Nothing that is added is no reason for a copy.
        if pairs.peek().is_some() {
            self.deref_mut().extend(pairs);
        }
    }
}

impl IntoIterator for Labels {
    type Item = (String, String);
    type IntoIter = btree_map::IntoIter<String, String>;

    fn into_iter(self) -> Self::IntoIter {
        BTreeMap::from(self).into_iter()
    }
}

impl<'l> IntoIterator for &'l Labels {
    type Item = (&'l String, &'l String);
    type IntoIter = btree_map::Iter<'l, String, String>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_share_their_map_until_one_is_changed() {
        let first = Labels::from([("a".to_owned(), "b".to_owned())]);
        let mut second = first.clone();
        second.extend(None);
        assert_eq!(first.address(), second.address());
        second.insert("c".to_owned(), "d".to_owned());
        assert_ne!(first.address(), second.address());
        assert_eq!((first.len(), second.len()), (1, 2));
    }
}
