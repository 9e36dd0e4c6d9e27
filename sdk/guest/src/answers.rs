//! Answers, put together row by row and handed over as parallel lists.
//!
//! What makes an answer nonsense (a row twice, numbers out of range) is written in sdk/wit/hooks.wit; the host checks
//! it, and `testing` checks the same.

use crate::rows::{Class, Set, Workload};

/// Answer of a scaler.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Replicas {
    /// (workload row, replicas, reason code).
    pub(crate) rows: Vec<(u32, u32, u16)>,
}

impl Replicas {
    /// This many replicas for this workload, with a reason code of your own (0: none).
    pub fn set(&mut self, workload: Workload<'_>, replicas: u32, code: u16) {
        self.rows.push((workload.row(), replicas, code));
    }

    /// The same with words, which people read in `explain`.
    pub fn set_because(&mut self, workload: Workload<'_>, replicas: u32, code: u16, why: &str) {
        crate::bridge::explain(workload.row(), code, why);
        self.set(workload, replicas, code);
    }
}

/// Answer of a placement policy.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prices {
    pub(crate) factors: Vec<(u32, f64)>,
    pub(crate) bans: Vec<(u32, u32, u16)>,
    pub(crate) addends: Vec<(u32, u32, f64, u16)>,
}

impl Prices {
    /// Multiplies the prices of a set: 1.1 makes it 10 % dearer. 0.001 to 1000, once for each set.
    pub fn factor(&mut self, set: Set<'_>, factor: f64) {
        self.factors.push((set.row(), factor));
    }

    /// Never this class in this set.
    pub fn forbid(&mut self, class: Class<'_>, set: Set<'_>, code: u16) {
        self.bans.push((class.row(), set.row(), code));
    }

    /// Adds dollars per hour and pod: positive avoids, negative prefers. Once for each class and set.
    pub fn add(&mut self, class: Class<'_>, set: Set<'_>, usd_per_hour: f64, code: u16) {
        self.addends.push((class.row(), set.row(), usd_per_hour, code));
    }

    /// Words about a class, for the record.
    pub fn explain(&mut self, class: Class<'_>, code: u16, why: &str) {
        crate::bridge::explain(class.row(), code, why);
    }
}

/// Answer of a headroom policy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// (count, millicores, MiB, reason code).
    pub(crate) pods: Vec<(u32, u32, u32, u16)>,
}

impl Room {
    /// Keeps room for so many pods of this size.
    pub fn keep(&mut self, count: u32, cpu_milli: u32, memory_mib: u32, code: u16) {
        self.pods.push((count, cpu_milli, memory_mib, code));
    }
}
