//! Why a text is no policy: where, and what was expected.

use std::fmt;

/// A refusal of one place of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RulesError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong there and what would be right; one line.
    pub what: String,
}

impl fmt::Display for RulesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}: {}", self.line, self.column, self.what)
    }
}

impl std::error::Error for RulesError {}

/// A piece of a line, with where it begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Piece<'t> {
    pub(crate) text: &'t str,
    pub(crate) line: usize,
    /// Column of its first character, from 1.
    pub(crate) column: usize,
}

impl Piece<'_> {
    /// The bytes from here to there, without the space around them.
    pub(crate) fn part(self, from: usize, to: usize) -> Self {
        let before = self.text.get(..from).unwrap_or_default();
        let text = self.text.get(from..to).unwrap_or_default();
        let trimmed = text.trim_start();
        let skipped = text.chars().count() - trimmed.chars().count();
        Self {
            text: trimmed.trim_end(),
            line: self.line,
            column: self.column + before.chars().count() + skipped,
        }
    }

    /// The rest from a byte on, without the space around it.
    pub(crate) fn from(self, byte: usize) -> Self {
        self.part(byte, self.text.len())
    }

    /// Its first word and what follows.
    pub(crate) fn word(self) -> (Self, Self) {
        let end = self.text.find(char::is_whitespace).unwrap_or(self.text.len());
        (self.part(0, end), self.from(end))
    }

    /// Where it ends.
    pub(crate) fn end(self) -> Self {
        self.from(self.text.len())
    }

    pub(crate) fn error(self, what: impl fmt::Display) -> RulesError {
        self.error_at(0, what)
    }

    /// So many characters further on.
    pub(crate) fn error_at(self, characters: usize, what: impl fmt::Display) -> RulesError {
        RulesError {
            line: self.line,
            column: self.column + characters,
            what: what.to_string(),
        }
    }

    /// Where a word of it stands; at its beginning, where it does not show.
    pub(crate) fn error_by(self, word: &str, what: impl fmt::Display) -> RulesError {
        let place = self
            .text
            .match_indices(word)
            .map(|(at, _)| at)
            .find(|at| self.stands_alone(*at, word.len()));
        let before = self.text.get(..place.unwrap_or(0)).unwrap_or_default();
        self.error_at(before.chars().count(), what)
    }

    fn stands_alone(self, at: usize, length: usize) -> bool {
        let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
        let before = self.text.get(..at).and_then(|text| text.chars().next_back());
        let after = self.text.get(at + length..).and_then(|text| text.chars().next());
        !before.is_some_and(part_of_word) && !after.is_some_and(part_of_word)
    }
}

/// The word of these that comes nearest, as a question; nothing where none is near.
pub(crate) fn nearest<'w>(typed: &str, words: impl Iterator<Item = &'w str>) -> String {
    let distances = words.map(|word| (strsim::damerau_levenshtein(typed, word), word));
    let near = distances
        .min()
        .filter(|(distance, word)| *distance <= 1 + word.len() / 4);
    near.map_or_else(String::new, |(_, word)| format!("; did you mean {word}?"))
}
