//! What is wrong with an input: one line each, naming file, object and field.
//!
//! Text of the input is escaped and cut before it gets here, so that a hostile file cannot write to a
//! terminal or fill a screen. Nothing here decides what is wrong.

use std::collections::BTreeSet;
use std::fmt;

/// Problems kept of one input; the rest is counted.
pub(crate) const MAX_PROBLEMS: usize = 50;

/// One mistake.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// File as the caller named it.
    pub file: String,
    /// Line, where the parser knows it (syntax errors, CSV).
    pub line: Option<u64>,
    /// `Kind ns/name` of the object; empty where there is none.
    pub object: String,
    /// `spec.containers[0].resources.requests.cpu`; empty where the object as a whole is meant.
    pub path: String,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        for part in [&self.object, &self.path, &self.what] {
            if !part.is_empty() {
                write!(f, ": {part}")?;
            }
        }
        Ok(())
    }
}

/// All mistakes of an input, at most [`MAX_PROBLEMS`] of them, in the order they were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    list: Vec<Problem>,
    seen: BTreeSet<Problem>,
    more: usize,
}

impl Problems {
    /// Adds one; repetitions count once.
    pub fn push(&mut self, problem: Problem) {
        if self.seen.contains(&problem) {
            return;
        }
        if self.list.len() >= MAX_PROBLEMS {
            self.more += 1;
        } else {
            self.seen.insert(problem.clone());
            self.list.push(problem);
        }
    }

    /// Adds all of another list.
    pub fn extend(&mut self, other: Self) {
        self.more += other.more;
        for problem in other.list {
            self.push(problem);
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether there are so many that reading on tells nothing.
    pub(crate) fn is_flood(&self) -> bool {
        self.more > 1000
    }

    /// Those that were kept.
    pub fn list(&self) -> &[Problem] {
        &self.list
    }

    /// `value` where nothing is wrong, else the problems.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl From<Problem> for Problems {
    fn from(problem: Problem) -> Self {
        let mut all = Self::default();
        all.push(problem);
        all
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (ix, problem) in self.list.iter().enumerate() {
            if ix > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        if self.more > 0 {
            write!(f, "\n… and {} more", self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// A problem of a file as a whole.
pub(crate) fn of_file(file: &str, line: Option<u64>, what: impl fmt::Display) -> Problem {
    Problem {
        file: file.to_owned(),
        line,
        object: String::new(),
        path: String::new(),
        what: what.to_string(),
    }
}

/// Text of the input for use in a message: control and invisible characters escaped, cut to 64 characters.
pub(crate) fn quoted(text: &str) -> String {
    const SHOWN: usize = 64;
    let mut shown: String = text.chars().take(SHOWN).flat_map(escaped).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    format!("\"{shown}\"")
}

fn escaped(c: char) -> Box<dyn Iterator<Item = char>> {
    // `escape_debug` leaves bidirectional and zero-width marks as they are in some positions.
    let invisible =
        matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    if invisible {
        Box::new(c.escape_unicode())
    } else {
        Box::new(c.escape_debug())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_text_is_escaped_and_cut() {
        assert_eq!(quoted("a\u{202e}b\n\u{1b}[31m"), "\"a\\u{202e}b\\n\\u{1b}[31m\"");
        assert_eq!(quoted(&"x".repeat(1000)).chars().count(), 64 + 3);
    }

    #[test]
    fn the_list_is_bounded_and_says_so() {
        let mut all = Problems::default();
        for line in 0..60 {
            all.push(of_file("f", Some(line), "bad"));
            all.push(of_file("f", Some(0), "bad"));
        }
        assert_eq!(all.list().len(), MAX_PROBLEMS);
        assert!(all.to_string().ends_with("… and 10 more"), "{all}");
    }
}
