//! Pods that still have no place, by row of the table: waiting ones first, then those to come, then headroom.

use crate::demand::Class;
use crate::number::count;
use crate::packing::Table;
use model::ids::PodKey;
use std::collections::{BTreeMap, BTreeSet};

/// See the module.
pub(crate) struct Queue {
    /// By row: pods in the order they are served.
    rows: Vec<Vec<Entry>>,
    /// By row: where the pods without a place begin.
    next: Vec<usize>,
    /// By row: how many of those that are left are real.
    real: Vec<u32>,
    left: Vec<u32>,
    /// Row and place in it by pod: built when somebody first asks for a pod by name.
    place: Option<BTreeMap<PodKey, (usize, usize)>>,
    /// Pods that were pulled out of the order.
    pulled: BTreeSet<PodKey>,
}

struct Entry {
    class: usize,
    pod: PodKey,
    kind: Kind,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Waiting,
    ToCome,
    Headroom,
}

/// Pods that were served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Class and name.
    pub(crate) pods: Vec<(usize, PodKey)>,
    /// How many of them are there already and wait; the others have names of their own making.
    pub(crate) waiting: u32,
}

impl Queue {
    /// Lines up the pods of these classes; `only` leaves classes out.
    pub(crate) fn new(table: &Table, classes: &[Class], only: impl Fn(&Class) -> bool) -> Self {
        let rows = table.rows.len();
        let mut queue = Self {
            rows: (0..rows).map(|_| Vec::new()).collect(),
            next: vec![0; rows],
            real: vec![0; rows],
            left: vec![0; rows],
            place: None,
            pulled: BTreeSet::new(),
        };
        for kind in [Kind::Waiting, Kind::ToCome, Kind::Headroom] {
            for (ix, class) in classes.iter().enumerate().filter(|(_, class)| only(class)) {
                let (pending, real) = (class.pending, class.pending + class.to_come);
                let range = match kind {
                    Kind::Waiting => 0..pending,
                    Kind::ToCome => pending..real,
                    Kind::Headroom => real..class.count(),
                };
                let row = table.row_of[ix];
                let pods = range.end.saturating_sub(range.start);
                let entries = class.pods.iter().skip(range.start as usize).take(pods as usize);
                queue.rows[row].extend(entries.map(|pod| Entry {
                    class: ix,
                    pod: pod.clone(),
                    kind,
                }));
                queue.left[row] += pods;
                queue.real[row] += if kind == Kind::Headroom { 0 } else { pods };
            }
        }
        queue
    }

    /// Pods without a place, by row.
    pub(crate) fn left(&self) -> Vec<u32> {
        self.left.clone()
    }

    /// Those of a row that stand for pods and replicas, not for headroom.
    pub(crate) fn real_left(&self, row: usize) -> u32 {
        self.real[row]
    }

    /// Class of a pod that has no place yet.
    pub(crate) fn class_of(&mut self, pod: &PodKey) -> Option<usize> {
        let (row, at) = self.find(pod)?;
        (!self.pulled.contains(pod)).then(|| self.rows[row][at].class)
    }

    /// Takes this very pod; `false` when it has a place already. Only before `take` is first used.
    pub(crate) fn pull(&mut self, pod: &PodKey) -> bool {
        let Some((row, at)) = self.find(pod) else {
            return false;
        };
        if !self.pulled.insert(pod.clone()) {
            return false;
        }
        self.left[row] -= 1;
        self.real[row] -= u32::from(self.rows[row][at].kind != Kind::Headroom);
        true
    }

    /// Takes the next pods of a row.
    pub(crate) fn take(&mut self, row: usize, copies: u32) -> Taken {
        let mut taken = Taken::default();
        taken.pods.reserve(copies as usize);
        while count(taken.pods.len()) < copies {
            let Some(entry) = self.rows[row].get(self.next[row]) else {
                break;
            };
            self.next[row] += 1;
            if self.pulled.is_empty() || !self.pulled.contains(&entry.pod) {
                self.real[row] -= u32::from(entry.kind != Kind::Headroom);
                self.left[row] -= 1;
                taken.waiting += u32::from(entry.kind == Kind::Waiting);
                taken.pods.push((entry.class, entry.pod.clone()));
            }
        }
        taken
    }

    fn find(&mut self, pod: &PodKey) -> Option<(usize, usize)> {
        let rows = &self.rows;
        let place = self.place.get_or_insert_with(|| {
            let entries = rows.iter().enumerate().flat_map(|(row, entries)| {
                let named = entries.iter().enumerate();
                named.map(move |(at, entry)| (entry.pod.clone(), (row, at)))
            });
            entries.collect()
        });
        place.get(pod).copied()
    }
}
