//! What one watched kind looked like last: small rows by namespace and name, and how alive their stream is.
//!
//! A repeated list is filled in beside the old rows and takes their place only when it is complete; until then
//! the old ones count as stale. Every object is a row, also one that can be read in part only: how careful to be
//! with it is its reader's choice, and it says nothing about the others. Not here: calls, and what a row means.

use crate::allowance::Allowance;
use crate::health::Health;
use manifest::Tree;
use model::snapshot::Freshness;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Namespace (empty for cluster-scoped kinds) and name.
pub(crate) type Key = (Arc<str>, Arc<str>);

/// How an object becomes a row, with what could not be read of it.
pub(crate) type Reader<R> = Box<dyn Fn(&Tree) -> (R, Option<String>) + Send + Sync>;

/// Objects read in part that are told of one by one.
const TOLD: usize = 10;

/// Rows of one kind.
pub(crate) struct Table<R> {
    /// For messages.
    pub(crate) name: &'static str,
    read: Reader<R>,
    allowance: Option<Arc<Allowance>>,
    state: Mutex<State<R>>,
}

struct State<R> {
    rows: BTreeMap<Key, R>,
    filling: Option<BTreeMap<Key, R>>,
    /// Objects that could be read in part only: each of the first few is told of once.
    in_part: BTreeSet<Key>,
    namespaces: BTreeSet<Arc<str>>,
    health: Health,
    trouble: String,
}

impl<R> Table<R> {
    /// An empty table whose stream shows signs of life at least every `rhythm`.
    pub(crate) fn new(name: &'static str, rhythm: Duration, read: Reader<R>) -> Self {
        Self {
            name,
            read,
            allowance: None,
            state: Mutex::new(State {
                rows: BTreeMap::new(),
                filling: None,
                in_part: BTreeSet::new(),
                namespaces: BTreeSet::new(),
                health: Health::unseen(rhythm),
                trouble: String::new(),
            }),
        }
    }

    /// The same, with rows for which there may be no room.
    pub(crate) fn within(self, allowance: &Arc<Allowance>) -> Self {
        Self {
            allowance: Some(allowance.clone()),
            ..self
        }
    }

    /// Grows when there is room again for rows that were read in part for want of it.
    pub(crate) fn openings(&self) -> u64 {
        self.allowance
            .as_ref()
            .map_or(0, |allowance| allowance.openings())
    }

    /// A complete list begins.
    pub(crate) fn begin(&self) {
        self.lock().filling = Some(BTreeMap::new());
    }

    /// An object of the list that was begun.
    pub(crate) fn listed(&self, object: &Tree) {
        let Some((key, row)) = self.take_in(object) else {
            return;
        };
        if let Some(filling) = &mut self.lock().filling {
            filling.insert(key, row);
        }
    }

    /// The list is complete: it takes the place of the old rows.
    pub(crate) fn completed(&self) {
        let mut state = self.lock();
        if let Some(rows) = state.filling.take() {
            state.in_part.retain(|key| rows.contains_key(key));
            state.rows = rows;
        }
        state.health.completed(Instant::now());
    }

    /// The kind does not exist on this server: it is known to have no objects.
    pub(crate) fn absent(&self) {
        self.begin();
        self.completed();
    }

    /// An object was added or changed.
    pub(crate) fn changed(&self, object: &Tree) {
        let read = self.take_in(object);
        let mut state = self.lock();
        if let Some((key, row)) = read {
            state.rows.insert(key, row);
        }
        state.health.contact(Instant::now());
    }

    /// An object was deleted.
    pub(crate) fn gone(&self, object: &Tree) {
        let mut state = self.lock();
        if let Some(key) = key_of(object, &mut state.namespaces) {
            state.rows.remove(&key);
            state.in_part.remove(&key);
        }
        state.health.contact(Instant::now());
    }

    /// A sign of life without news.
    pub(crate) fn contact(&self) {
        self.lock().health.contact(Instant::now());
    }

    /// The server has answered, with an error: the stream is broken, but not stuck.
    pub(crate) fn heard(&self) {
        self.lock().health.heard(Instant::now());
    }

    /// Its name, and whether nothing has been heard of it for far longer than its rhythm.
    pub(crate) fn pulse(&self, now: Instant) -> (&'static str, bool) {
        (self.name, self.lock().health.is_quiet(now))
    }

    /// The stream broke.
    pub(crate) fn broke(&self, why: &str) {
        let mut state = self.lock();
        state.health.broke();
        why.clone_into(&mut state.trouble);
    }

    /// What broke the stream last; empty where nothing ever did.
    pub(crate) fn trouble(&self) -> String {
        self.lock().trouble.clone()
    }

    /// Whether a complete list has ever come in.
    pub(crate) fn is_complete(&self) -> bool {
        self.lock().health.is_complete()
    }

    /// How fresh the rows are. Ask before the rows are read: then they are no older than it says.
    pub(crate) fn freshness(&self) -> Freshness {
        self.lock().health.freshness(Instant::now())
    }

    /// Reads the rows; keep it short, the stream waits meanwhile.
    pub(crate) fn with<T>(&self, look: impl FnOnce(&BTreeMap<Key, R>) -> T) -> T {
        look(&self.lock().rows)
    }

    /// Settles what a row says by what other kinds say; keep it short as well.
    pub(crate) fn with_each(&self, settle: impl FnMut(&mut R)) {
        self.lock().rows.values_mut().for_each(settle);
    }

    /// Turns an object into a row before the lock is taken.
    fn take_in(&self, object: &Tree) -> Option<(Key, R)> {
        let (row, unread) = (self.read)(object);
        let mut state = self.lock();
        let key = key_of(object, &mut state.namespaces)?;
        if let Some(why) = unread {
            let is_new = state.in_part.insert(key.clone());
            let known = state.in_part.len();
            // Whoever writes one writes ten thousand: many are told of as they double.
            if is_new && (known <= TOLD || known.is_power_of_two()) {
                tracing::error!(stream = self.name, %why, objects = known, "an object can be read in part only");
            }
        } else {
            state.in_part.remove(&key);
        }
        Some((key, row))
    }

    fn lock(&self) -> MutexGuard<'_, State<R>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn key_of(object: &Tree, namespaces: &mut BTreeSet<Arc<str>>) -> Option<Key> {
    let metadata = object.get("metadata")?;
    let name = metadata.get("name")?.text()?;
    let namespace = metadata.get("namespace").and_then(Tree::text).unwrap_or_default();
    let namespace = namespaces.get(namespace).cloned().unwrap_or_else(|| {
        let new: Arc<str> = Arc::from(namespace);
        namespaces.insert(new.clone());
        new
    });
    Some((namespace, Arc::from(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str, value: &str) -> Tree {
        let json = serde_json::json!({"metadata": {"namespace": "ns", "name": name}, "value": value});
        serde_json::from_value(json).unwrap()
    }

    fn table() -> Table<String> {
        let read = |tree: &Tree| match tree.get("value").and_then(Tree::text) {
            Some("bad") | None => ("in part".to_owned(), Some("bad value".to_owned())),
            Some(text) => (text.to_owned(), None),
        };
        Table::new("things", Duration::from_secs(25), Box::new(read))
    }

    fn values(table: &Table<String>) -> Vec<String> {
        table.with(|rows| rows.values().cloned().collect())
    }

    #[test]
    fn a_repeated_list_replaces_the_rows_only_when_complete() {
        let table = table();
        assert_eq!(table.freshness(), Freshness::Missing);
        table.begin();
        table.listed(&object("a", "1"));
        assert_eq!(table.freshness(), Freshness::Missing, "half a list is no picture");
        table.completed();
        assert_eq!(
            (values(&table), table.freshness()),
            (vec!["1".to_owned()], Freshness::Live)
        );
        table.broke("reset");
        table.begin();
        table.listed(&object("b", "2"));
        assert_eq!(
            values(&table),
            ["1"],
            "the old rows stay until the list is complete"
        );
        assert!(matches!(table.freshness(), Freshness::Stale { .. }));
        table.completed();
        assert_eq!(
            (values(&table), table.freshness()),
            (vec!["2".to_owned()], Freshness::Live)
        );
    }

    #[test]
    fn an_object_read_in_part_is_a_row_and_leaves_the_picture_fresh() {
        let table = table();
        let relist = |objects: &[Tree]| {
            table.begin();
            for object in objects {
                table.listed(object);
            }
            table.completed();
        };
        let in_part = || table.lock().in_part.len();
        relist(&[object("a", "1"), object("b", "bad")]);
        assert_eq!(
            (values(&table), in_part()),
            (vec!["1".to_owned(), "in part".to_owned()], 1)
        );
        table.changed(&object("a", "bad"));
        assert_eq!(
            values(&table),
            ["in part"; 2],
            "it does not look as it did before"
        );
        assert_eq!((table.freshness(), in_part()), (Freshness::Live, 2));
        // `b` was deleted while nobody watched.
        relist(&[object("a", "bad")]);
        assert_eq!((values(&table), in_part()), (vec!["in part".to_owned()], 1));
        table.changed(&object("a", "1"));
        assert_eq!((values(&table), in_part()), (vec!["1".to_owned()], 0));
        table.changed(&object("a", "bad"));
        table.gone(&object("a", "bad"));
        assert_eq!((values(&table), in_part()), (vec![], 0));
    }
}
