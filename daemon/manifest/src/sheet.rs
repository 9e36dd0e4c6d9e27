//! Reading an object field by field, with the path of every field at hand for the message about it.
//!
//! A reader never stops at the first mistake: what cannot be read is noted and counts as absent, so that one
//! run tells everything that is wrong. Not here: which fields there are.

use crate::problem::{Problem, Problems, quoted};
use crate::tree::Tree;
use model::selector::Labels;
use std::cell::RefCell;
use std::fmt::{self, Write};

/// The notes about one object, and the paths its readers walked.
pub struct Sheet<'t> {
    file: &'t str,
    object: String,
    paths: RefCell<Vec<(u32, Segment<'t>)>>,
    problems: RefCell<Problems>,
}

#[derive(Clone, Copy)]
enum Segment<'t> {
    Root,
    Key(&'t str),
    Index(usize),
}

/// One place in an object; absent places can be read too, and are empty.
#[derive(Clone, Copy)]
#[must_use]
pub struct At<'s, 't> {
    value: Option<&'t Tree>,
    path: u32,
    sheet: &'s Sheet<'t>,
}

impl<'t> Sheet<'t> {
    /// A sheet for an object; `object` is how it is called in messages.
    pub fn new(file: &'t str, object: String) -> Self {
        Self {
            file,
            object,
            paths: RefCell::new(vec![(0, Segment::Root)]),
            problems: RefCell::default(),
        }
    }

    /// The top of the object.
    pub fn top<'s>(&'s self, tree: &'t Tree) -> At<'s, 't> {
        At {
            value: Some(tree),
            path: 0,
            sheet: self,
        }
    }

    /// The top of an object that stands somewhere in a larger document.
    pub fn top_at<'s>(&'s self, prefix: &'t str, tree: &'t Tree) -> At<'s, 't> {
        let path = if prefix.is_empty() {
            0
        } else {
            self.step(0, Segment::Key(prefix))
        };
        At {
            value: Some(tree),
            path,
            sheet: self,
        }
    }

    /// `value`, where nothing was noted.
    pub fn close<T>(self, value: T) -> Result<T, Problems> {
        self.problems.into_inner().or(value)
    }

    /// What was noted.
    pub fn noted(self) -> Problems {
        self.problems.into_inner()
    }

    fn note(&self, path: u32, what: String) {
        self.problems.borrow_mut().push(Problem {
            file: self.file.to_owned(),
            line: None,
            object: self.object.clone(),
            path: self.shown(path),
            what,
        });
    }

    fn step(&self, from: u32, segment: Segment<'t>) -> u32 {
        let mut paths = self.paths.borrow_mut();
        paths.push((from, segment));
        u32::try_from(paths.len() - 1).unwrap_or(0)
    }

    fn shown(&self, mut path: u32) -> String {
        let paths = self.paths.borrow();
        let mut segments = Vec::new();
        while let Some((parent, segment)) = paths.get(path as usize) {
            match segment {
                Segment::Root => break,
                other => segments.push(*other),
            }
            path = *parent;
        }
        let mut shown = String::new();
        for segment in segments.iter().rev() {
            match segment {
                Segment::Root => {}
                Segment::Index(ix) => {
                    let _ = write!(shown, "[{ix}]");
                }
                Segment::Key(key) => {
                    if !shown.is_empty() {
                        shown.push('.');
                    }
                    let plain = key
                        .bytes()
                        .all(|b| b.is_ascii_alphanumeric() || b"-_/.".contains(&b));
                    let key = if plain && !key.is_empty() {
                        (*key).to_owned()
                    } else {
                        quoted(key)
                    };
                    shown.push_str(&key);
                }
            }
        }
        shown
    }
}

impl<'s, 't> At<'s, 't> {
    /// Whether there is something other than `null`.
    pub fn is_there(self) -> bool {
        !matches!(self.value, None | Some(Tree::Null))
    }

    /// The value as it stands.
    pub fn tree(self) -> Option<&'t Tree> {
        self.value
    }

    /// Notes what is wrong here.
    pub fn problem(self, what: impl fmt::Display) {
        self.sheet.note(self.path, what.to_string());
    }

    fn wrong_kind(self, wanted: &str) {
        let is = self.value.map_or("nothing", Tree::kind);
        self.problem(format_args!("must be {wanted}, is {is}"));
    }

    /// A field of a mapping.
    pub fn get(self, key: &'t str) -> Self {
        let value = match self.value {
            None | Some(Tree::Null) => None,
            Some(tree @ Tree::Map(_)) => tree.get(key),
            Some(_) => {
                self.wrong_kind("a mapping");
                None
            }
        };
        // Absent fields are walked far more often than they are complained about, but their path is cheap.
        Self {
            value,
            path: self.sheet.step(self.path, Segment::Key(key)),
            sheet: self.sheet,
        }
    }

    /// Several fields deep.
    pub fn at<const N: usize>(self, keys: [&'t str; N]) -> Self {
        keys.into_iter().fold(self, Self::get)
    }

    /// Elements of a list.
    pub fn items(self) -> impl Iterator<Item = Self> + use<'s, 't> {
        let list: &[Tree] = match self.value {
            None | Some(Tree::Null) => &[],
            Some(Tree::List(list)) => list,
            Some(_) => {
                self.wrong_kind("a list");
                &[]
            }
        };
        list.iter().enumerate().map(move |(ix, value)| Self {
            value: Some(value),
            path: self.sheet.step(self.path, Segment::Index(ix)),
            sheet: self.sheet,
        })
    }

    /// Entries of a mapping.
    pub fn entries(self) -> impl Iterator<Item = (&'t str, Self)> + use<'s, 't> {
        let entries: &[(String, Tree)] = match self.value {
            None | Some(Tree::Null) => &[],
            Some(Tree::Map(entries)) => entries,
            Some(_) => {
                self.wrong_kind("a mapping");
                &[]
            }
        };
        entries.iter().map(move |(key, value)| {
            let path = self.sheet.step(self.path, Segment::Key(key));
            (
                key.as_str(),
                Self {
                    value: Some(value),
                    path,
                    sheet: self.sheet,
                },
            )
        })
    }

    /// Text; `None` where absent.
    pub fn text(self) -> Option<&'t str> {
        match self.value {
            None | Some(Tree::Null) => None,
            Some(Tree::Text(text)) => Some(text),
            Some(_) => {
                self.wrong_kind("text");
                None
            }
        }
    }

    /// Text that must be there and not be empty.
    pub fn name(self) -> Option<&'t str> {
        match self.text() {
            Some("") => {
                self.problem("must not be empty");
                None
            }
            None => {
                if !self.is_there() {
                    self.problem("is missing");
                }
                None
            }
            some => some,
        }
    }

    /// A whole number; `None` where absent.
    pub fn int(self) -> Option<i64> {
        match self.value {
            None | Some(Tree::Null) => None,
            Some(Tree::Int(value)) => Some(*value),
            Some(_) => {
                self.wrong_kind("a whole number");
                None
            }
        }
    }

    /// A whole number from 0 to `u32::MAX`; `None` where absent.
    pub fn count(self) -> Option<u32> {
        let value = self.int()?;
        let count = u32::try_from(value).ok();
        if count.is_none() {
            self.problem(format_args!("must be between 0 and {}, is {value}", u32::MAX));
        }
        count
    }

    /// A boolean; absent is `false`.
    pub fn flag(self) -> bool {
        match self.value {
            None | Some(Tree::Null) => false,
            Some(Tree::Bool(value)) => *value,
            Some(_) => {
                self.wrong_kind("true or false");
                false
            }
        }
    }

    /// A mapping of text to text; `null` values are empty text, as in the API.
    pub fn labels(self) -> Labels {
        self.labels_where(|_| true)
    }

    /// The entries of a mapping of text to text whose keys are wanted; others are not even looked at.
    pub fn labels_where(self, wanted: impl Fn(&str) -> bool) -> Labels {
        let mut labels = Labels::new();
        for (key, value) in self.entries() {
            if wanted(key) {
                labels.insert(key.to_owned(), value.text().unwrap_or_default().to_owned());
            }
        }
        labels
    }

    /// Notes every field that is not one of these.
    pub fn only(self, known: &[&str]) {
        for (key, value) in self.entries() {
            if !known.contains(&key) {
                value.problem(format_args!("unknown field; known are {}", known.join(", ")));
            }
        }
    }
}
