//! What one evaluation carries with it: the columns it may read, its dictionary, what it said, its limits.
//!
//! Dropped with the instance; nothing of it reaches the next evaluation.

use crate::columns::{Coded, Column, Columns, Key};
use crate::growth::Growth;
use crate::limits::Limits;
use crate::text::tame;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Why an evaluation was broken off by a host function.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    /// The guest asked for a column that was not built: build it and evaluate again.
    #[error("column not built")]
    NotBuilt(Key),
    /// A limit of ours.
    #[error("more {0} than allowed")]
    Limit(&'static str),
}

/// See the module.
pub(crate) struct Session {
    pub(crate) columns: Arc<Columns>,
    pub(crate) said: Said,
    /// Columns that were asked for.
    pub(crate) touched: BTreeSet<Key>,
    pub(crate) growth: Growth,
    syms: Syms,
    keyed: usize,
    recoded: BTreeMap<Key, Arc<[u32]>>,
    limits: Arc<Limits>,
}

impl Session {
    pub(crate) fn new(columns: Arc<Columns>, limits: Arc<Limits>) -> Self {
        Self {
            columns,
            said: Said::new(&limits),
            touched: BTreeSet::new(),
            growth: Growth::new(&limits),
            syms: Syms::new(limits.interned_bytes),
            keyed: 0,
            recoded: BTreeMap::new(),
            limits,
        }
    }

    /// Whole column of numbers.
    pub(crate) fn numbers(&mut self, key: Key) -> Result<Arc<[u32]>, Broken> {
        match self.touch(key)? {
            (_, Column::Number(rows)) => Ok(rows),
            (key, _) => Err(Broken::NotBuilt(key)),
        }
    }

    /// Whole column of amounts.
    pub(crate) fn amounts(&mut self, key: Key) -> Result<Arc<[f64]>, Broken> {
        match self.touch(key)? {
            (_, Column::Amount(rows)) => Ok(rows),
            (key, _) => Err(Broken::NotBuilt(key)),
        }
    }

    /// Whole column of signed numbers.
    pub(crate) fn signed(&mut self, key: Key) -> Result<Arc<[i32]>, Broken> {
        match self.touch(key)? {
            (_, Column::Signed(rows)) => Ok(rows),
            (key, _) => Err(Broken::NotBuilt(key)),
        }
    }

    /// Whole column of text, as syms of this evaluation. Syms are given in the order in which the guest asks, so
    /// that they do not depend on which columns happened to be built.
    pub(crate) fn texts(&mut self, key: Key) -> Result<Arc<[u32]>, Broken> {
        if let Some(rows) = self.recoded.get(&key) {
            return Ok(Arc::clone(rows));
        }
        match self.touch(key)? {
            (key, Column::Text(coded)) => {
                let rows = self.syms.recode(&coded);
                self.recoded.insert(key, Arc::clone(&rows));
                Ok(rows)
            }
            (key, _) => Err(Broken::NotBuilt(key)),
        }
    }

    /// Sym of a text of the guest's.
    pub(crate) fn intern(&mut self, text: &str) -> Result<u32, Broken> {
        self.syms.intern(text)
    }

    /// Sym of the cluster's name.
    pub(crate) fn cluster(&mut self) -> u32 {
        let name = Arc::clone(&self.columns.cluster);
        self.syms.add(&name)
    }

    /// Text of a sym; "" where there is none.
    pub(crate) fn resolve(&self, sym: u32) -> Arc<str> {
        self.syms.text(sym)
    }

    /// A copy of a column is a clone of its `Arc`s; text is cheap for the same reason its words are few.
    fn touch(&mut self, key: Key) -> Result<(Key, Column), Broken> {
        if !self.touched.contains(&key) {
            if matches!(key, Key::Keyed(..) | Key::Extended(_)) {
                self.keyed += 1;
                if self.keyed > self.limits.keyed_columns {
                    return Err(Broken::Limit("columns by key"));
                }
            }
            self.touched.insert(key.clone());
        }
        match self.columns.by_key.get(&key) {
            Some(column) => Ok((key, column.clone())),
            None => Err(Broken::NotBuilt(key)),
        }
    }
}

/// The dictionary of one evaluation.
struct Syms {
    by_word: HashMap<Arc<str>, u32>,
    words: Vec<Arc<str>>,
    guest_bytes_left: usize,
}

impl Syms {
    fn new(guest_bytes: usize) -> Self {
        let empty: Arc<str> = Arc::from("");
        Self {
            by_word: HashMap::from([(Arc::clone(&empty), 0)]),
            words: vec![empty],
            guest_bytes_left: guest_bytes,
        }
    }

    fn recode(&mut self, coded: &Coded) -> Arc<[u32]> {
        let syms: Vec<u32> = coded.words.iter().map(|word| self.add(word)).collect();
        coded
            .rows
            .iter()
            .map(|id| syms.get(*id as usize).copied().unwrap_or(0))
            .collect()
    }

    fn add(&mut self, word: &Arc<str>) -> u32 {
        if let Some(sym) = self.by_word.get(word) {
            return *sym;
        }
        let sym = u32::try_from(self.words.len()).unwrap_or(0);
        self.words.push(Arc::clone(word));
        self.by_word.insert(Arc::clone(word), sym);
        sym
    }

    fn intern(&mut self, text: &str) -> Result<u32, Broken> {
        if let Some(sym) = self.by_word.get(text) {
            return Ok(*sym);
        }
        // 64 bytes stand for what an entry costs beside its text.
        self.guest_bytes_left = self
            .guest_bytes_left
            .checked_sub(text.len() + 64)
            .ok_or(Broken::Limit("text in the dictionary"))?;
        Ok(self.add(&Arc::from(text)))
    }

    fn text(&self, sym: u32) -> Arc<str> {
        let empty = || Arc::from("");
        self.words.get(sym as usize).cloned().unwrap_or_else(empty)
    }
}

/// What a guest said beside its answer, tamed and within its quota.
#[derive(Debug)]
pub(crate) struct Said {
    lines: Vec<String>,
    rows: BTreeMap<u32, (u16, String)>,
    lines_left: usize,
    bytes_left: usize,
    dropped: u64,
}

impl Said {
    fn new(limits: &Limits) -> Self {
        Self {
            lines: Vec::new(),
            rows: BTreeMap::new(),
            lines_left: limits.said_lines,
            bytes_left: limits.said_bytes,
            dropped: 0,
        }
    }

    /// `host.log`.
    pub(crate) fn log(&mut self, level: u32, message: &str) {
        if let Some(line) = self.within_quota(message) {
            let level = match level {
                0 => "debug",
                2 => "warning",
                3 => "error",
                _ => "info",
            };
            self.lines.push(format!("{level}: {line}"));
        }
    }

    /// `host.explain`.
    pub(crate) fn explain(&mut self, row: u32, code: u16, text: &str) {
        if let Some(line) = self.within_quota(text) {
            self.rows.insert(row, (code, line));
        }
    }

    /// Words for one row, taken out.
    pub(crate) fn take(&mut self, row: u32) -> String {
        self.rows.remove(&row).map(|(_, text)| text).unwrap_or_default()
    }

    /// Everything that was not taken, for the record.
    pub(crate) fn into_lines(self) -> Vec<String> {
        let mut lines = self.lines;
        for (row, (code, text)) in self.rows {
            lines.push(format!("row {row}, code {code}: {text}"));
        }
        if self.dropped > 0 {
            lines.push(format!(
                "warning: {} more lines were dropped (quota)",
                self.dropped
            ));
        }
        lines
    }

    fn within_quota(&mut self, text: &str) -> Option<String> {
        let line = tame(text);
        if self.lines_left == 0 || self.bytes_left < line.len() {
            self.dropped = self.dropped.saturating_add(1);
            return None;
        }
        self.lines_left -= 1;
        self.bytes_left -= line.len();
        Some(line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quota_holds_and_says_so() {
        let limits = Limits {
            said_lines: 2,
            ..Limits::default()
        };
        let mut said = Said::new(&limits);
        said.log(9, "one");
        said.explain(4, 7, "two");
        said.log(3, "three");
        assert_eq!(
            said.into_lines(),
            [
                "info: one",
                "row 4, code 7: two",
                "warning: 1 more lines were dropped (quota)"
            ]
        );
    }

    #[test]
    fn a_guest_cannot_fill_the_dictionary() {
        let mut syms = Syms::new(1000);
        let first = syms.intern("a").unwrap();
        assert_eq!(syms.intern("a").unwrap(), first);
        let refused = (0..100).find(|n| syms.intern(&format!("word {n}")).is_err());
        assert!(refused.is_some_and(|n| n < 16));
        assert_eq!((&*syms.text(first), &*syms.text(9999)), ("a", ""));
    }
}
