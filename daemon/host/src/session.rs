//! What one evaluation carries with it: the columns it may read, its dictionary, what it said, its limits.
//!
//! Dropped with the instance; nothing of it reaches the next evaluation.

use crate::columns::{Column, Columns, Key};
use crate::dictionary::Dictionary;
use crate::growth::Growth;
use crate::limits::Limits;
use crate::source::Source;
use crate::text::tame;
use model::advice::State;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// Why an evaluation was broken off by a host function.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Broken {
    /// The guest asked for a column that was not built: evaluate again, with what it can be built of.
    #[error("column not built")]
    NotBuilt,
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
    /// What the policy kept in the cycle before.
    pub(crate) state: Arc<[u8]>,
    /// What it keeps now.
    pub(crate) kept: Option<State>,
    syms: Syms,
    keyed: usize,
    recoded: BTreeMap<Key, Arc<[u32]>>,
    /// What columns that were not foreseen are built of.
    source: Option<Source>,
    limits: Arc<Limits>,
}

impl Session {
    pub(crate) fn new(columns: Arc<Columns>, source: Option<Source>, limits: Arc<Limits>) -> Self {
        Self {
            columns,
            said: Said::new(&limits),
            touched: BTreeSet::new(),
            growth: Growth::new(&limits),
            state: Arc::default(),
            kept: None,
            syms: Syms::new(limits.interned_bytes),
            keyed: 0,
            recoded: BTreeMap::new(),
            source,
            limits,
        }
    }

    /// Whole column of numbers.
    pub(crate) fn numbers(&mut self, key: &Key) -> Result<Arc<[u32]>, Broken> {
        match self.touch(key)? {
            Column::Number(rows) => Ok(rows),
            _ => Err(Broken::NotBuilt),
        }
    }

    /// Whole column of amounts.
    pub(crate) fn amounts(&mut self, key: &Key) -> Result<Arc<[f64]>, Broken> {
        match self.touch(key)? {
            Column::Amount(rows) => Ok(rows),
            _ => Err(Broken::NotBuilt),
        }
    }

    /// Whole column of signed numbers.
    pub(crate) fn signed(&mut self, key: &Key) -> Result<Arc<[i32]>, Broken> {
        match self.touch(key)? {
            Column::Signed(rows) => Ok(rows),
            _ => Err(Broken::NotBuilt),
        }
    }

    /// Whole column of text, as syms of this evaluation. Syms are given in the order in which the guest asks, so
    /// that they do not depend on which columns happened to be built.
    pub(crate) fn texts(&mut self, key: Key) -> Result<Arc<[u32]>, Broken> {
        if let Some(rows) = self.recoded.get(&key) {
            return Ok(Arc::clone(rows));
        }
        match self.touch(&key)? {
            Column::Text(coded) => {
                let rows = self.syms.recode(&self.columns.dictionary, &coded);
                self.recoded.insert(key, Arc::clone(&rows));
                Ok(rows)
            }
            _ => Err(Broken::NotBuilt),
        }
    }

    /// Sym of a text of the guest's.
    pub(crate) fn intern(&mut self, text: &str) -> Result<u32, Broken> {
        self.syms.intern(&self.columns.dictionary, text)
    }

    /// Sym of the cluster's name.
    pub(crate) fn cluster(&mut self) -> u32 {
        let columns = &self.columns;
        self.syms.of_word(&columns.dictionary, columns.cluster)
    }

    /// Text of a sym; "" where there is none.
    pub(crate) fn resolve(&self, sym: u32) -> Arc<str> {
        self.syms.text(&self.columns.dictionary, sym)
    }

    /// A copy of a column is a clone of its `Arc`.
    fn touch(&mut self, key: &Key) -> Result<Column, Broken> {
        if !self.touched.contains(key) {
            if matches!(key, Key::Keyed(..) | Key::Extended(..)) {
                self.keyed += 1;
                if self.keyed > self.limits.keyed_columns {
                    return Err(Broken::Limit("columns by key"));
                }
            }
            self.touched.insert(key.clone());
        }
        if let (false, Some(source)) = (self.columns.by_key.contains_key(key), &self.source) {
            Arc::make_mut(&mut self.columns).add(&source.view(), &BTreeSet::from([key.clone()]));
        }
        self.columns.by_key.get(key).cloned().ok_or(Broken::NotBuilt)
    }
}

/// The syms of one evaluation: numbers for words, given in the order in which the guest meets them.
struct Syms {
    /// Sym of each word of the View's dictionary; 0: none yet, or "". Empty until text is asked for.
    of_words: Vec<u32>,
    /// Syms of words that only the guest knows.
    of_own: HashMap<Arc<str>, u32>,
    /// What each sym stands for.
    meanings: Vec<Meaning>,
    guest_bytes_left: usize,
}

enum Meaning {
    /// A place in the View's dictionary.
    Word(u32),
    /// The guest's own.
    Own(Arc<str>),
}

impl Syms {
    fn new(guest_bytes: usize) -> Self {
        Self {
            of_words: Vec::new(),
            of_own: HashMap::new(),
            meanings: vec![Meaning::Word(0)],
            guest_bytes_left: guest_bytes,
        }
    }

    fn recode(&mut self, words: &Dictionary, places: &[u32]) -> Arc<[u32]> {
        places.iter().map(|place| self.of_word(words, *place)).collect()
    }

    /// Sym of a word of the View's.
    fn of_word(&mut self, words: &Dictionary, place: u32) -> u32 {
        if self.of_words.len() != words.len() {
            self.of_words.resize(words.len(), 0);
        }
        let Some(sym) = self.of_words.get_mut(place as usize) else {
            return 0;
        };
        if *sym == 0 && place != 0 {
            // The guest may have brought the word along before a column with it was built.
            let own = words.word(place).and_then(|word| self.of_own.get(word));
            *sym = own.copied().unwrap_or_else(|| {
                self.meanings.push(Meaning::Word(place));
                u32::try_from(self.meanings.len() - 1).unwrap_or(0)
            });
        }
        *sym
    }

    fn intern(&mut self, words: &Dictionary, text: &str) -> Result<u32, Broken> {
        let place = words.find(text);
        let known = match place {
            Some(0) => Some(0),
            Some(place) => self.of_words.get(place as usize).copied().filter(|sym| *sym != 0),
            None => None,
        };
        let known = known.or_else(|| self.of_own.get(text).copied());
        if let Some(sym) = known {
            return Ok(sym);
        }
        // 64 bytes stand for what an entry costs beside its text. A word that the View has and the guest has not met
        // is paid for, too: otherwise it could tell which columns others have read.
        self.guest_bytes_left = self
            .guest_bytes_left
            .checked_sub(text.len() + 64)
            .ok_or(Broken::Limit("text in the dictionary"))?;
        if let Some(place) = place {
            return Ok(self.of_word(words, place));
        }
        let sym = u32::try_from(self.meanings.len()).unwrap_or(0);
        let own: Arc<str> = Arc::from(text);
        self.meanings.push(Meaning::Own(Arc::clone(&own)));
        self.of_own.insert(own, sym);
        Ok(sym)
    }

    fn text(&self, words: &Dictionary, sym: u32) -> Arc<str> {
        let text = match self.meanings.get(sym as usize) {
            Some(Meaning::Word(place)) => words.word(*place),
            Some(Meaning::Own(text)) => Some(text),
            None => None,
        };
        text.cloned().unwrap_or_else(|| Arc::from(""))
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

    /// Words for these rows, which rise; taken out.
    pub(crate) fn take_all(&mut self, rows: &[u32]) -> Vec<(u32, Arc<str>)> {
        let told: Vec<u32> = self.rows.keys().copied().collect();
        let known = told.into_iter().filter(|row| rows.binary_search(row).is_ok());
        known.map(|row| (row, Arc::from(self.take(row)))).collect()
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
    use crate::columns::{Keyed, Number};
    use crate::{sample, shared};
    use model::advice::Hook;

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
        let words = Dictionary::new();
        let mut syms = Syms::new(1000);
        let first = syms.intern(&words, "a").unwrap();
        assert_eq!(syms.intern(&words, "a").unwrap(), first);
        let refused = (0..100).find(|n| syms.intern(&words, &format!("word {n}")).is_err());
        assert!(refused.is_some_and(|n| n < 16));
        assert_eq!((&*syms.text(&words, first), &*syms.text(&words, 9999)), ("a", ""));
    }

    #[test]
    fn a_column_that_nobody_foresaw_is_built_while_the_guest_waits() {
        let sample = sample::rows(40);
        let view = sample.view(Hook::Placement);
        let limits = Arc::new(Limits::default());
        let team = || Key::Keyed(Keyed::ClassLabel, "team".into());
        let cpu = Key::Number(Number::ClassCpu);
        let foreseen = shared::columns(&view, &BTreeSet::from([team(), cpu.clone()]));
        let mut warm = Session::new(foreseen, None, Arc::clone(&limits));
        let bare = Arc::new(Columns::of(&view));
        let mut blind = Session::new(Arc::clone(&bare), None, Arc::clone(&limits));
        assert!(matches!(blind.texts(team()), Err(Broken::NotBuilt)));
        let mut cold = Session::new(bare, Some(Source::of(&view)), limits);
        for session in [&mut warm, &mut cold] {
            // A word that the column turns out to hold keeps its sym, and costs nothing once more.
            let own = session.intern("team-3").unwrap();
            let rows = session.texts(team()).unwrap();
            assert_eq!((own, rows[3], rows[4]), (1, 1, 5));
            assert_eq!(session.intern("team-3").unwrap(), own);
            assert_eq!(&*session.resolve(rows[4]), "team-4");
        }
        assert_eq!(warm.numbers(&cpu).unwrap(), cold.numbers(&cpu).unwrap());
        assert_eq!(warm.texts(team()).unwrap(), cold.texts(team()).unwrap());
        assert_eq!(warm.syms.guest_bytes_left, cold.syms.guest_bytes_left);
        assert_eq!(warm.touched, cold.touched);
    }

    #[test]
    fn syms_do_not_tell_what_others_have_read() {
        let alone = Dictionary::new();
        let mut crowded = Dictionary::new();
        crowded.code(["b", "x", "a"].into_iter());
        let seen = |mut words: Dictionary| {
            let column = words.code(["a", "", "b", "a"].into_iter());
            let mut syms = Syms::new(200);
            let own = syms.intern(&words, "x").unwrap();
            let rows = syms.recode(&words, &column);
            let known = syms.intern(&words, "b").unwrap();
            let texts: Vec<Arc<str>> = (0..4).map(|sym| syms.text(&words, sym)).collect();
            (
                own,
                rows,
                known,
                texts,
                syms.intern(&words, "").unwrap(),
                syms.guest_bytes_left,
            )
        };
        let (own, rows, ..) = seen(alone.clone());
        assert_eq!((own, &*rows), (1, &[2, 0, 3, 2][..]));
        assert_eq!(seen(alone), seen(crowded));
    }
}
