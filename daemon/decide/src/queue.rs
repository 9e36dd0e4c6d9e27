//! Pods that still have no place, by class and by row of the table: waiting ones first, then those to come, then
//! headroom. Where some classes go before others, the queue is closed to the others meanwhile.

use crate::class::Class;
use crate::number::count;
use crate::table::Table;
use model::ids::PodKey;
use std::collections::{BTreeMap, BTreeSet};

/// See the module.
#[derive(Clone)]
pub(crate) struct Queue<'a> {
    /// By class.
    lines: Vec<Line<'a>>,
    /// By row.
    rows: Vec<Row>,
    /// By class: its row.
    row_of: Vec<usize>,
    /// By class: whether it is served now.
    open: Vec<bool>,
    /// Class and place in it by pod: built when somebody first asks for a pod by name.
    place: Option<BTreeMap<&'a PodKey, (usize, usize)>>,
    /// Pods that were pulled out of the order.
    pulled: BTreeSet<(usize, usize)>,
}

/// The pods of a class.
#[derive(Clone)]
struct Line<'a> {
    pods: &'a [PodKey],
    /// By kind: where its pods end.
    ends: [usize; KINDS],
    /// The first pod without a place.
    next: usize,
    left: u32,
    /// How many of those that are left are real.
    real: u32,
}

#[derive(Clone, Default)]
struct Row {
    classes: Vec<usize>,
    left: u32,
    /// How many of those that are left are real.
    real: u32,
    /// Kind, and class among the row's, before which all are served.
    served: (usize, usize),
}

/// Waiting, to come, headroom.
const KINDS: usize = 3;
const WAITING: usize = 0;
const HEADROOM: usize = 2;

/// Pods that were served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Taken {
    /// Class and name.
    pub(crate) pods: Vec<(usize, PodKey)>,
    /// How many of them are there already and wait; the others have names of their own making.
    pub(crate) waiting: u32,
}

impl<'a> Queue<'a> {
    /// Lines up the pods of these classes.
    pub(crate) fn new(table: &Table, classes: &'a [Class]) -> Self {
        let mut rows: Vec<Row> = (0..table.problem.rows.len()).map(|_| Row::default()).collect();
        let lines = classes.iter().enumerate().map(|(ix, class)| {
            let row = &mut rows[table.row_of[ix]];
            let real = class.pending + class.to_come;
            row.classes.push(ix);
            row.left += class.count();
            row.real += real.min(class.count());
            Line {
                real: real.min(class.count()),
                pods: &class.pods,
                ends: [class.pending as usize, real as usize, class.pods.len()]
                    .map(|end| end.min(class.pods.len())),
                next: 0,
                left: class.count(),
            }
        });
        Self {
            lines: lines.collect(),
            rows,
            row_of: table.row_of.clone(),
            open: vec![true; classes.len()],
            place: None,
            pulled: BTreeSet::new(),
        }
    }

    /// Serves these classes from now on, and no others.
    pub(crate) fn open_to(&mut self, served: impl Fn(usize) -> bool) {
        for (class, open) in self.open.iter_mut().enumerate() {
            *open = served(class);
        }
        for row in &mut self.rows {
            let open = row.classes.iter().filter(|class| self.open[**class]);
            let lines = open.map(|class| &self.lines[*class]);
            (row.left, row.real) =
                lines.fold((0, 0), |(left, real), line| (left + line.left, real + line.real));
            row.served = (0, 0);
        }
    }

    /// Pods without a place, by row.
    pub(crate) fn left(&self) -> Vec<u32> {
        self.rows.iter().map(|row| row.left).collect()
    }

    /// Those of a class.
    pub(crate) fn left_of(&self, class: usize) -> u32 {
        if self.open[class] {
            self.lines[class].left
        } else {
            0
        }
    }

    /// Those of a row that stand for pods and replicas, not for headroom.
    pub(crate) fn real_left(&self, row: usize) -> u32 {
        self.rows[row].real
    }

    /// Pods and replicas of a class without a place, in their order; headroom left out.
    pub(crate) fn real_pods_of(&self, class: usize) -> impl Iterator<Item = &'a PodKey> {
        let line = &self.lines[class];
        let end = if self.open[class] {
            line.ends[HEADROOM - 1]
        } else {
            0
        };
        let pods = line.pods.iter().enumerate().take(end).skip(line.next);
        let open = pods.filter(move |(at, _)| !self.pulled.contains(&(class, *at)));
        open.map(|(_, pod)| pod)
    }

    /// Class of a pod that has no place yet.
    pub(crate) fn class_of(&mut self, pod: &PodKey) -> Option<usize> {
        let place = self.find(pod)?;
        self.waits(place).then_some(place.0)
    }

    /// Takes this very pod; `false` when it has a place already.
    pub(crate) fn pull(&mut self, pod: &PodKey) -> bool {
        let Some((class, at)) = self.find(pod).filter(|place| self.waits(*place)) else {
            return false;
        };
        self.pulled.insert((class, at));
        self.serve(class, at);
        true
    }

    /// Whether the pod at this place is served now and has none yet.
    fn waits(&self, (class, at): (usize, usize)) -> bool {
        self.open[class] && at >= self.lines[class].next && !self.pulled.contains(&(class, at))
    }

    /// Takes the next pods of a row.
    pub(crate) fn take(&mut self, row: usize, copies: u32) -> Taken {
        let mut taken = Taken::default();
        self.take_more(row, copies, &mut taken);
        taken
    }

    /// Takes the next pods of a row as well.
    pub(crate) fn take_more(&mut self, row: usize, copies: u32, taken: &mut Taken) {
        taken.pods.reserve(copies.min(self.rows[row].left) as usize);
        let most = count(taken.pods.len()).saturating_add(copies);
        while count(taken.pods.len()) < most && self.rows[row].left > 0 {
            let (kind, at) = self.rows[row].served;
            let Some(class) = self.rows[row].classes.get(at).copied() else {
                if kind == HEADROOM {
                    break;
                }
                self.rows[row].served = (kind + 1, 0);
                continue;
            };
            if !self.open[class] {
                self.rows[row].served = (kind, at + 1);
                continue;
            }
            let end = self.lines[class].ends[kind];
            self.take_until((class, end), most, taken);
            if self.lines[class].next >= end {
                self.rows[row].served = (kind, at + 1);
            }
        }
    }

    /// Takes the next pods of a class.
    pub(crate) fn take_of(&mut self, class: usize, copies: u32, taken: &mut Taken) {
        let most = count(taken.pods.len()).saturating_add(copies);
        self.take_until((class, self.lines[class].pods.len()), most, taken);
    }

    /// Takes pods of a class up to a place in it, until `most` are taken.
    fn take_until(&mut self, (class, end): (usize, usize), most: u32, taken: &mut Taken) {
        while self.lines[class].next < end && count(taken.pods.len()) < most {
            let at = self.lines[class].next;
            self.lines[class].next += 1;
            if self.pulled.is_empty() || !self.pulled.contains(&(class, at)) {
                self.serve(class, at);
                taken.waiting += u32::from(at < self.lines[class].ends[WAITING]);
                taken.pods.push((class, self.lines[class].pods[at].clone()));
            }
        }
    }

    fn serve(&mut self, class: usize, at: usize) {
        let line = &mut self.lines[class];
        let real = u32::from(at < line.ends[HEADROOM - 1]);
        line.left -= 1;
        line.real -= real;
        let row = &mut self.rows[self.row_of[class]];
        row.left -= 1;
        row.real -= real;
    }

    fn find(&mut self, pod: &PodKey) -> Option<(usize, usize)> {
        let lines = &self.lines;
        let place = self.place.get_or_insert_with(|| {
            let lines = lines.iter().enumerate().flat_map(|(class, line)| {
                let named = line.pods.iter().enumerate();
                named.map(move |(at, pod)| (pod, (class, at)))
            });
            lines.collect()
        });
        place.get(pod).copied()
    }
}
