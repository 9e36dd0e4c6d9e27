//! What an expression can come to.

use crate::number::Number;

/// Kinds of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Number,
    Text,
    Truth,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Text => "a text",
            Self::Truth => "true or false",
        }
    }
}

/// A value. Texts belong to the View or to the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'v> {
    Number(Number),
    /// Empty where there is none.
    Text(&'v str),
    Truth(bool),
    /// Nobody knows; never zero, and neither true nor false.
    Absent,
}
