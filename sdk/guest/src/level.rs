//! How much a line of the log matters.

/// How much a log line matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// For authors.
    Debug,
    /// For operators.
    Info,
    /// Something is odd.
    Warning,
    /// Something is wrong.
    Error,
}
