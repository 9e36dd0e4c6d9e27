//! The words of rules: what a row is called, and what can be asked of it. The same words as in the SDKs.
//!
//! One table for each kind of row: name, what it is, how it is read from a View. What no rule can say is not here:
//! groups, offers, nodes and pods as tables of their own want a program.

mod read;

use crate::value::{Kind, Value};
use decide::View;
use model::advice::Hook;

/// Kinds of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Row {
    Class,
    Set,
    Workload,
    Candidate,
    Mover,
    Step,
}

impl Row {
    pub(crate) const ALL: [Self; 6] = [
        Self::Class,
        Self::Set,
        Self::Workload,
        Self::Candidate,
        Self::Mover,
        Self::Step,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Class => "class",
            Self::Set => "set",
            Self::Workload => "workload",
            Self::Candidate => "candidate",
            Self::Mover => "mover",
            Self::Step => "step",
        }
    }

    pub(crate) const fn words(self) -> &'static [Word] {
        match self {
            Self::Class => read::CLASS,
            Self::Set => read::SET,
            Self::Workload => read::WORKLOAD,
            Self::Candidate => read::CANDIDATE,
            Self::Mover => read::MOVER,
            Self::Step => read::STEP,
        }
    }

    /// What is asked of it by a key.
    pub(crate) const fn keyed(self) -> &'static [Keyed] {
        match self {
            Self::Class => &[Keyed::Label, Keyed::Annotation, Keyed::Extended],
            Self::Set | Self::Candidate => &[Keyed::Label],
            Self::Workload => &[Keyed::Label, Keyed::Annotation, Keyed::Metric],
            Self::Mover => &[Keyed::Label, Keyed::Annotation],
            Self::Step => &[],
        }
    }

    /// Rows of it in a View.
    pub(crate) fn count(self, view: &View<'_>) -> usize {
        match self {
            Self::Class => view.classes.len(),
            Self::Set => view.sets.len(),
            Self::Workload => view.workloads.len(),
            Self::Candidate => view.candidates.len(),
            Self::Mover => view.movers.len(),
            Self::Step => view.steps.len(),
        }
    }

    /// A bit of its own.
    pub(crate) const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// Rows that rules of a hook speak of; movers only within `candidate.movers`.
pub(crate) const fn rows_of(hook: Hook) -> &'static [Row] {
    match hook {
        Hook::Placement => &[Row::Class, Row::Set],
        Hook::Headroom => &[Row::Class],
        Hook::Scaler => &[Row::Workload],
        Hook::Disruption => &[Row::Candidate],
        Hook::Review => &[Row::Step],
    }
}

/// What can be asked of a row.
pub(crate) struct Word {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Every text that it can be, where that is settled.
    pub(crate) only: &'static [&'static str],
    pub(crate) read: for<'v> fn(&Scene<'v>) -> Value<'v>,
}

/// What is asked of a row by a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keyed {
    Label,
    Annotation,
    Extended,
    Metric,
}

impl Keyed {
    /// As a function, and as a table.
    pub(crate) const fn names(self) -> [&'static str; 2] {
        match self {
            Self::Label => ["label", "labels"],
            Self::Annotation => ["annotation", "annotations"],
            Self::Extended => ["extended", "extended"],
            Self::Metric => ["metric_value", "metrics"],
        }
    }

    pub(crate) const fn kind(self) -> Kind {
        match self {
            Self::Label | Self::Annotation => Kind::Text,
            Self::Extended | Self::Metric => Kind::Number,
        }
    }
}

/// A View with the row of each kind that is looked at.
pub(crate) struct Scene<'v> {
    pub(crate) view: &'v View<'v>,
    pub(crate) at: [usize; Row::ALL.len()],
}

impl<'v> Scene<'v> {
    pub(crate) fn of(view: &'v View<'v>) -> Self {
        Self {
            view,
            at: [0; Row::ALL.len()],
        }
    }

    pub(crate) fn turn(&mut self, row: Row, to: usize) {
        if let Some(at) = self.at.get_mut(row as usize) {
            *at = to;
        }
    }

    pub(crate) fn row(&self, row: Row) -> usize {
        self.at.get(row as usize).copied().unwrap_or(0)
    }

    /// What is asked of the row by a key.
    pub(crate) fn keyed(&self, row: Row, what: Keyed, key: &str) -> Value<'v> {
        read::keyed(self, row, what, key)
    }
}

/// What can be asked whatever the row is.
pub(crate) const ANYWHERE: &[Word] = read::ANYWHERE;
