//! Pods that still have no place, by row of the table: waiting ones first, then those to come, then headroom.

use crate::demand::Class;
use crate::number::count;
use crate::packing::Table;
use model::ids::PodKey;
use std::collections::{BTreeMap, BTreeSet};

/// See the module.
pub(crate) struct Queue {
    /// By row: class and name, in the order they are served.
    rows: Vec<Vec<(usize, PodKey)>>,
    /// By row: where the pods without a place begin.
    next: Vec<usize>,
    /// By row: how many of those that are left are real.
    real: Vec<u32>,
    left: Vec<u32>,
    /// Row and class by pod.
    place: BTreeMap<PodKey, (usize, usize, bool)>,
    /// Pods that were pulled out of the order.
    pulled: BTreeSet<PodKey>,
}

impl Queue {
    /// Lines up the pods of these classes; `only` leaves classes out.
    pub(crate) fn new(table: &Table, classes: &[Class], only: impl Fn(&Class) -> bool) -> Self {
        let rows = table.rows.len();
        let mut queue = Self {
            rows: vec![Vec::new(); rows],
            next: vec![0; rows],
            real: vec![0; rows],
            left: vec![0; rows],
            place: BTreeMap::new(),
            pulled: BTreeSet::new(),
        };
        for turn in 0..3 {
            for (ix, class) in classes.iter().enumerate().filter(|(_, class)| only(class)) {
                let (pending, real) = (class.pending, class.pending + class.to_come);
                let range = match turn {
                    0 => 0..pending,
                    1 => pending..real,
                    _ => real..class.count(),
                };
                let row = table.row_of[ix];
                let pods = range.end.saturating_sub(range.start);
                for pod in class.pods.iter().skip(range.start as usize).take(pods as usize) {
                    queue.rows[row].push((ix, pod.clone()));
                    queue.place.insert(pod.clone(), (row, ix, turn < 2));
                }
                queue.left[row] += pods;
                queue.real[row] += if turn < 2 { pods } else { 0 };
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
    pub(crate) fn class_of(&self, pod: &PodKey) -> Option<usize> {
        let (_, class, _) = self.place.get(pod)?;
        (!self.pulled.contains(pod)).then_some(*class)
    }

    /// Takes this very pod; `false` when it has a place already. Only before `take` is first used.
    pub(crate) fn pull(&mut self, pod: &PodKey) -> bool {
        let Some((row, _, real)) = self.place.get(pod).copied() else {
            return false;
        };
        if !self.pulled.insert(pod.clone()) {
            return false;
        }
        self.left[row] -= 1;
        self.real[row] -= u32::from(real);
        true
    }

    /// Takes the next pods of a row.
    pub(crate) fn take(&mut self, row: usize, copies: u32) -> Vec<(usize, PodKey)> {
        let mut taken = Vec::with_capacity(copies as usize);
        while count(taken.len()) < copies {
            let Some((class, pod)) = self.rows[row].get(self.next[row]) else {
                break;
            };
            self.next[row] += 1;
            if !self.pulled.contains(pod) {
                let real = self.place.get(pod).is_some_and(|(_, _, real)| *real);
                self.real[row] -= u32::from(real);
                self.left[row] -= 1;
                taken.push((*class, pod.clone()));
            }
        }
        taken
    }
}
