//! Answers, put together row by row and handed over as parallel lists.
//!
//! What makes an answer nonsense (a row twice, numbers out of range) is written in sdk/wit/hooks.wit; the host checks
//! it, and in native tests `check` of each answer does the same.

use crate::rows::{Candidate, Class, Set, Step, Workload};
use crate::view::View;

/// Answer of a scaler.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replicas {
    pub(crate) rows: Vec<u32>,
    pub(crate) wanted: Vec<u32>,
    pub(crate) codes: Vec<u16>,
}

impl Replicas {
    /// This many replicas for this workload, with a reason code of your own (0: none).
    pub fn set(&mut self, workload: Workload<'_>, replicas: u32, code: u16) {
        self.spell_out();
        self.rows.push(workload.row());
        self.wanted.push(replicas);
        self.codes.push(code);
    }

    /// Replicas for every workload, in the order of the rows and without codes; faster than row by row. What is beyond
    /// the last workload is not taken; where there is less, the last ones are left out.
    pub fn of_every(view: &View<'_>, wanted: impl Iterator<Item = u32>) -> Self {
        let count = view.workload_count() as usize;
        let mut every = Self {
            wanted: wanted.take(count).collect(),
            ..Self::default()
        };
        if every.wanted.len() < count {
            every.spell_out();
        } else if count > 0 {
            every.codes.push(0);
        }
        every
    }

    /// Puts whole lists in the place of short forms: no rows stand for every one, one code for all of them.
    pub(crate) fn spell_out(&mut self) {
        let length = self.wanted.len();
        self.rows
            .extend((self.rows.len()..length).map_while(|row| u32::try_from(row).ok()));
        let code = self.codes.first().copied().unwrap_or_default();
        self.codes.resize(length, code);
    }

    /// The same with words, which people read in `explain`.
    pub fn set_because(&mut self, workload: Workload<'_>, replicas: u32, code: u16, why: &str) {
        crate::source::explain(workload.row(), code, why);
        self.set(workload, replicas, code);
    }
}

/// Answer of a placement policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prices {
    pub(crate) factor_sets: Vec<u32>,
    pub(crate) factors: Vec<f64>,
    pub(crate) ban_classes: Vec<u32>,
    pub(crate) ban_sets: Vec<u32>,
    pub(crate) ban_codes: Vec<u16>,
    pub(crate) add_classes: Vec<u32>,
    pub(crate) add_sets: Vec<u32>,
    pub(crate) add_usd: Vec<f64>,
    pub(crate) add_codes: Vec<u16>,
}

impl Prices {
    /// Multiplies the prices of a set: 1.1 makes it 10 % dearer. 0.001 to 1000, once for each set.
    pub fn factor(&mut self, set: Set<'_>, factor: f64) {
        self.factor_sets.push(set.row());
        self.factors.push(factor);
    }

    /// Never this class in this set.
    pub fn forbid(&mut self, class: Class<'_>, set: Set<'_>, code: u16) {
        self.spell_out();
        self.ban_classes.push(class.row());
        self.ban_sets.push(set.row());
        self.ban_codes.push(code);
    }

    /// Never any class in this set, with a reason code for each class row; the same as `forbid` for every class, but
    /// fast for thousands. Codes beyond the last class are not taken.
    pub fn forbid_every(&mut self, view: &View<'_>, set: Set<'_>, codes: impl Iterator<Item = u16>) {
        self.spell_out();
        let (before, count) = (self.ban_codes.len(), view.class_count());
        self.ban_codes.extend(codes.take(count as usize));
        let rows = self.ban_codes.len() - before;
        if before == 0 && rows == count as usize && rows > 0 {
            self.ban_sets.push(set.row());
        } else {
            self.ban_classes.extend((0..count).take(rows));
            self.ban_sets.resize(before + rows, set.row());
        }
    }

    /// Puts whole lists in the place of short forms: no classes stand for every one, one set for all of them.
    pub(crate) fn spell_out(&mut self) {
        let length = self.ban_codes.len();
        let classes = (self.ban_classes.len()..length).map_while(|row| u32::try_from(row).ok());
        self.ban_classes.extend(classes);
        let set = self.ban_sets.first().copied().unwrap_or_default();
        self.ban_sets.resize(length, set);
    }

    /// Adds dollars per hour and pod: positive avoids, negative prefers. Once for each class and set.
    pub fn add(&mut self, class: Class<'_>, set: Set<'_>, usd_per_hour: f64, code: u16) {
        self.add_classes.push(class.row());
        self.add_sets.push(set.row());
        self.add_usd.push(usd_per_hour);
        self.add_codes.push(code);
    }

    /// Words about a class, for the record.
    pub fn explain(&mut self, class: Class<'_>, code: u16, why: &str) {
        crate::source::explain(class.row(), code, why);
    }
}

/// Answer of a headroom policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Room {
    pub(crate) counts: Vec<u32>,
    pub(crate) cpus: Vec<u32>,
    pub(crate) memories: Vec<u32>,
    pub(crate) codes: Vec<u16>,
}

impl Room {
    /// Keeps room for so many pods of this size.
    pub fn keep(&mut self, count: u32, cpu_milli: u32, memory_mib: u32, code: u16) {
        self.counts.push(count);
        self.cpus.push(cpu_milli);
        self.memories.push(memory_mib);
        self.codes.push(code);
    }
}

/// Answer of a disruption policy; a candidate that it does not name may go as it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdicts {
    pub(crate) denied: Vec<u32>,
    pub(crate) denial_codes: Vec<u16>,
    pub(crate) add_candidates: Vec<u32>,
    pub(crate) add_usd: Vec<f64>,
    pub(crate) add_codes: Vec<u16>,
}

impl Verdicts {
    /// The node stays, with a reason code of your own (0: none). Once for each candidate.
    pub fn deny(&mut self, candidate: Candidate<'_>, code: u16) {
        self.denied.push(candidate.row());
        self.denial_codes.push(code);
    }

    /// The same with words, which people read in `explain`.
    pub fn deny_because(&mut self, candidate: Candidate<'_>, code: u16, why: &str) {
        crate::source::explain(candidate.row(), code, why);
        self.deny(candidate, code);
    }

    /// Giving the node up must bring so many dollars per hour more than it must anyway; less, where negative. Once for
    /// each candidate.
    pub fn add(&mut self, candidate: Candidate<'_>, usd_per_hour: f64, code: u16) {
        self.add_candidates.push(candidate.row());
        self.add_usd.push(usd_per_hour);
        self.add_codes.push(code);
    }
}

/// Answer of a review policy; a step that it does not name is begun.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holds {
    pub(crate) rows: Vec<u32>,
    pub(crate) codes: Vec<u16>,
}

impl Holds {
    /// The step waits for a later cycle, with a reason code of your own (0: none). Once for each step.
    pub fn hold(&mut self, step: Step<'_>, code: u16) {
        self.rows.push(step.row());
        self.codes.push(code);
    }

    /// The same with words, which people read in `explain`.
    pub fn hold_because(&mut self, step: Step<'_>, code: u16, why: &str) {
        crate::source::explain(step.row(), code, why);
        self.hold(step, code);
    }
}
